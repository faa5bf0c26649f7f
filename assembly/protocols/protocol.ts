/**
 * The contract of a protocol.
 *
 * A protocol is one file (or folder) with a function that fills in a `Protocol` and one line in `index.ts`. Its parser sees
 * bytes in order, from one direction of one conversation, and answers how many it consumed; beside that it may set
 *
 * - `Parse.need`: so many bytes must lie together before it is called again;
 * - `Parse.skip`: so many bytes after the consumed ones are of no interest; it is called again with a length of 0 when they
 *   have passed;
 *
 * or answer FAULT, after which its bytes are passed over until a segment begins with what its probe takes for a message.
 *
 * Bytes that a parser left are shown once more, with `Parse.isCut`, before a gap; they are gone then. `gap` and `finish` find in `Parse.skip` what was still to be skipped; a
 * parser that answers true and had less to skip than is missing finds its way itself.
 */

import { Regions } from "../regions";
import { Conversation } from "../roundtrip/conversation";
import { PROTOCOLS_MAX } from "../roundtrip/observers";

/** What a probe made of first bytes. */
export class Found {
  static readonly NO: u32 = 0;
  static readonly REQUEST: u32 = 1;
  static readonly RESPONSE: u32 = 2;
  /** Too few bytes to tell. */
  static readonly MORE: u32 = 3;
}

/** A parser's answer when bytes are no message of its protocol. */
export const FAULT: i32 = -1;

/** Bit of a transport in `Protocol.transports`. */
export const OVER_TCP: u32 = 1;
export const OVER_UDP: u32 = 2;

/** What a parser is told and what it asks for, beside its bytes. */
export class Parse {
  /** Time of the packet that brought these bytes, ns. */
  static timeNs: u64 = 0;
  /** Bytes before this address came earlier, the first of them at `carriedNs`. */
  static carriedEnd: usize = 0;
  static carriedNs: u64 = 0;
  /** Bytes that must lie together before the next call; 0 for any. */
  static need: u32 = 0;
  /** Bytes to step over behind those consumed. */
  static skip: u64 = 0;
  /** Acknowledgement number that came with these bytes, 0 where there was none. */
  static acknowledgement: u32 = 0;
  /** Sequence number of the first of these bytes, or of the missing ones. */
  static sequence: u32 = 0;
  /** Whether nothing that follows these bytes was captured: the parser takes them as far as they go. */
  static isCut: bool = false;
  /** Outcome (Status) of what is still open when a side finishes. */
  static outcome: u32 = 0;
  /** Length on the wire of a datagram, of which fewer bytes may be captured. */
  static wireLength: u32 = 0;
  static sourcePort: u32 = 0;
  static destinationPort: u32 = 0;
  /** OVER_TCP or OVER_UDP: what the bytes that a probe looks at came over. */
  static transport: u32 = 0;
  /** Whether the probe is asked of a conversation that is known to be its protocol's: the parser may find its place itself. */
  static isKnown: bool = false;
  /** Whether the capture may hold the datagram's destination to be many: multicast or broadcast. */
  static multicast: bool = false;

  /** When the byte at `at` came: of those that came earlier, when the first did. */
  @inline static timeOf(at: usize): u64 {
    return at < Parse.carriedEnd ? Parse.carriedNs : Parse.timeNs;
  }
}

/** One protocol. Function indexes; 0 where there is none. */
@unmanaged
export class Protocol {
  number: u8;
  transports: u8;
  /** Bytes of its record per conversation, zero at first; 0 for none. */
  stateBytes: u16;
  /** Name, a static string. */
  name: u32;
  help: u32;
  /** (start, length) -> Found: whether these first bytes of a stream or datagram are a message. */
  probe: u32;
  /** (conversation, side, start, length) -> bool: parses one datagram. */
  datagram: u32;
  /** (conversation, side, start, length) -> consumed or FAULT. */
  parse: u32;
  /** (conversation, side, bytes) -> bool: so many bytes are missing; whether the parser still knows its place. */
  gap: u32;
  /** (conversation, side): the side sends no more. */
  finish: u32;
  /** (conversation): lets go of what the state holds, before the state goes. */
  release: u32;
  /** First and number of its fields in the table of fields. */
  fieldFirst: u16;
  fieldCount: u16;
  /** Well-known ports, as text for the docs. */
  ports: u32;
}

export class Protocols {
  /** The highest number declared. */
  static count: u32 = 0;

  /** The protocol of a number from 1 to `count`; one without a name is none. */
  @inline static at(number: u32): Protocol {
    return changetype<Protocol>(PROTOCOL_TABLE + number * offsetof<Protocol>());
  }
}

/** The table lies in static memory, since protocols are declared before regions are laid out. */
const PROTOCOL_TABLE: usize = memory.data(64 * 32);

/** Starts a protocol; numbers rise, and may leave gaps, whose records are zeros. */
export function declareProtocol(number: u32, name: string, ports: string, help: string): Protocol {
  assert(number > Protocols.count && number < PROTOCOLS_MAX);
  while (Protocols.count < number) memory.fill(changetype<usize>(Protocols.at(++Protocols.count)), 0, offsetof<Protocol>());
  const protocol = Protocols.at(number);
  protocol.number = <u8>number;
  protocol.name = <u32>changetype<usize>(name);
  protocol.ports = <u32>changetype<usize>(ports);
  protocol.help = <u32>changetype<usize>(help);
  return protocol;
}

/** The protocol's record for a conversation, made when there is none; 0 when the stream pool is used up. */
export function stateOf(conversation: Conversation, protocol: Protocol): usize {
  if (conversation.state != 0) return conversation.state;
  const block = Regions.streamPool.allocate(protocol.stateBytes);
  if (block == 0) return 0;
  memory.fill(block, 0, protocol.stateBytes);
  conversation.state = <u32>block;
  return block;
}

/** Ends a protocol's part in a conversation, whose state holds nothing more: its number becomes `next`. */
export function leave(conversation: Conversation, next: u32): void {
  if (conversation.state != 0) Regions.streamPool.release(conversation.state);
  conversation.state = 0;
  conversation.protocol = <u8>next;
}
