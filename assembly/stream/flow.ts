/**
 * A flow record: a conversation, what it did this minute, and the state of its two streams. 352 bytes, in one table.
 */
import { Conversation } from "../roundtrip/conversation";

/** Bytes of a flow record. */
export const FLOW_BYTES: u32 = 352;
/** Where its two streams lie; a flow over UDP keeps digests there. */
export const STREAMS_OFFSET: u32 = 208;
/** Bytes of one of them. */
export const STREAM_BYTES: u32 = 72;

/** One direction of a TCP connection: what its sender sent, as far as it is known. 72 bytes. */
@unmanaged
export class Stream {
  /** Sequence number of the next byte that the parser has not seen. */
  next: u32;
  /** The acknowledgement that this sender sent last, for the other stream; a packet that comes late may lower it for a while. */
  acknowledged: u32;
  /** STREAM_* bits. */
  flags: u16;
  /** Window last advertised, unscaled. */
  window: u16;
  /** Bytes that the parser left, in a pool block. */
  carry: u32;
  carryLength: u16;
  carryCapacity: u16;
  /** The parser is not called again before so many bytes lie together. */
  need: u32;
  /** Bytes that the parser wants stepped over. */
  skip: u64;
  /** Segments that came before their turn, by sequence: a list of pool blocks. */
  early: u32;
  /** What their blocks take. */
  earlyBytes: u32;
  /** Last bits of the acknowledgement that came with what was refused last, where STREAM_REFUSED. */
  refusedFloor: u16;
  /** Segments whose content no probe took. */
  unrecognized: u16;
  /** Sequence number one past the FIN, when STREAM_FIN. */
  finSequence: u32;
  /** Sequence number and IP identification of its last segment: the capture may bring the same packet twice. */
  lastSequence: u32;
  lastIpId: u16;
  /** The interface that brought what is newest of it, the low bits of its number: what another shows of that is a copy, not sent again. */
  newestInterface: u16;
  /** Sequence number behind its SYN, 0 where that was not seen. */
  first: u32;
  /** Acknowledgement that came with the first byte of the carry. */
  carryAcknowledgement: u32;
  /** When the first byte of the carry came; where there is none, when the last bytes were delivered. */
  carryNs: u64;
}

/** `next` is valid. */
export const STREAM_STARTED: u32 = 1;
/** A FIN was seen, at `finSequence`. */
export const STREAM_FIN: u32 = 2;
/** Everything up to the FIN went to the parser, and it was told. */
export const STREAM_DONE: u32 = 4;
/** The parser has lost its place: the next message start is looked for at segment starts. */
export const STREAM_LOST: u32 = 8;
/** The zero window was reported. */
export const STREAM_ZERO_WINDOW: u32 = 16;
/** `next` is where its peer's first acknowledgement says that it begins; neither its SYN nor a byte of it was seen. */
export const STREAM_ASSUMED: u32 = 32;
/** Bytes of it were missing, or found no room, before it was known what it speaks: whoever reads it is told. */
export const STREAM_MISSED: u32 = 128;
/** There was no room for the state of whoever reads it: bytes of it went by, and were of a protocol. */
export const STREAM_REFUSED: u32 = 256;
/** Its sender has reset the connection, which ends once nothing before it is missing any more. */
export const STREAM_RESET: u32 = 64;
/** A protocol has left: what follows is recognised by content, also at a port on which one is forced. */
export const STREAM_LEFT: u32 = 512;
/** `next` is where a segment without bytes says that the next one begins; no byte was seen. */
export const STREAM_EXPECTED: u32 = 2048;
/** The parser has read nothing of the stream, and is told of what is missing all the same; beside STREAM_LOST. */
export const STREAM_UNREAD: u32 = 1024;

@unmanaged
export class Flow extends Conversation {
  hash: u32;
  /** Next flow of the same slot, by address. */
  slotNext: u32;
  /** The list of use.ts that it is in, by address, and its neighbours there. */
  use: u32;
  newer: u32;
  older: u32;
  lastNs: u64;
  /** When it last became the newest in its list, in ticks of use.ts. */
  usedTick: u32;
  /** The minute (of the epoch) that the deltas belong to; 0 when there are none. */
  minute: u32;
  packets0: u32;
  packets1: u32;
  /** Neighbours in the list of flows whose streams wait at a hole. */
  holeNext: u32;
  holePrevious: u32;
  bytes0: u64;
  bytes1: u64;
  /** When the hole was first waited at, ns; 0 when there is none. */
  holeSinceNs: u64;

  /** The conversation around one that is inside of another, which is in no slot. */
  get outer(): u32 {
    return this.slotNext;
  }

  set outer(at: u32) {
    this.slotNext = at;
  }

  /** The stream that `side` sends. */
  @inline stream(side: u32): Stream {
    return changetype<Stream>(changetype<usize>(this) + STREAMS_OFFSET + side * STREAM_BYTES);
  }
}
