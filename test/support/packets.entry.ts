// in place of assembly/transport/deliver.ts: test/support/packets/deliver.entry.ts
/** Room and exports for the tests of capture, link, net and transport. */
import { Pool } from "../../assembly/bytes/pool";
import { inputEnd, inputFeed, inputOpen, inputsCreate } from "../../assembly/capture/input";
import { INPUT_BYTES_MIN } from "../../assembly/capture/input-state";
import { Packet } from "../../assembly/capture/packet";
import { MALFORMED_NAMES, TALLY_LENGTH, Tally, UNDECODED_NAMES } from "../../assembly/capture/tally";
import { Checksums } from "../../assembly/net/checksum";
import { Delivered } from "./packets/deliver.entry";

const POOL_BYTES: u32 = 2 * 1024 * 1024;

class Room {
  static input: usize = 0;
  static pool: usize = 0;
}

/** Lays everything out, empties it, and answers where input goes. */
export function create(checksumBytesMax: u32, stopAlways: bool): usize {
  if (Room.input == 0) {
    // Behind what the start function laid on the heap: texts that are put together.
    Room.input = (heap.alloc(1) + 4095) & ~(<usize>4095);
    Room.pool = (Room.input + 2 * INPUT_BYTES_MIN + 4095) & ~4095;
    const pages = <i32>((Room.pool + POOL_BYTES + 65535) >> 16);
    if (memory.size() < pages) memory.grow(pages - memory.size());
  }
  Checksums.bytesMax = checksumBytesMax;
  Delivered.tcp = 0;
  Delivered.udp = 0;
  Delivered.other = 0;
  Delivered.untimed = 0;
  Delivered.digest = 0;
  Delivered.stopAlways = stopAlways;
  inputsCreate(Pool.create(Room.pool, POOL_BYTES));
  return Room.input;
}

/** Room for input. */
export function inputBytes(): u32 {
  return 2 * INPUT_BYTES_MIN;
}

/** Fills all memory from the end of input with `value`: free pages must not matter. Before `create`. */
export function poison(value: u32): void {
  if (Room.pool != 0) memory.fill(Room.pool, <u8>value, POOL_BYTES);
}

export function open(kind: u32): i32 {
  return inputOpen(kind);
}

export function feed(handle: u32, start: usize, length: u32): u32 {
  Packet.stop = false;
  return inputFeed(handle, start, length);
}

export function end(handle: u32): void {
  inputEnd(handle);
}

export function stopped(): bool {
  return Packet.stop;
}

export function digest(): u64 {
  return Delivered.digest;
}

export function deliveredTcp(): u32 {
  return Delivered.tcp;
}

export function deliveredUdp(): u32 {
  return Delivered.udp;
}

export function deliveredUntimed(): u32 {
  return Delivered.untimed;
}

export function deliveredOther(): u32 {
  return Delivered.other;
}

export function tallyStart(): usize {
  return Tally.start;
}

export function tallyLength(): u32 {
  return TALLY_LENGTH;
}

export function malformedNames(): usize {
  return changetype<usize>(MALFORMED_NAMES);
}

export function undecodedNames(): usize {
  return changetype<usize>(UNDECODED_NAMES);
}

/** A field of the packet in hand, by its place in test/support/packets.ts. */
export function field(index: u32): u64 {
  switch (index) {
    case 0:
      return Packet.number;
    case 1:
      return Packet.timeNs;
    case 2:
      return Packet.wireBytes;
    case 3:
      return Packet.capturedBytes;
    case 4:
      return Packet.linkType;
    case 5:
      return Packet.interfaceId;
    case 6:
      return Packet.direction;
    case 7:
      return Packet.depth;
    case 8:
      return Packet.vlan;
    case 9:
      return Packet.ipVersion;
    case 10:
      return Packet.source;
    case 11:
      return Packet.destination;
    case 12:
      return Packet.protocol;
    case 13:
      return Packet.ipId;
    case 14:
      return Packet.hopLimit;
    case 15:
      return Packet.fragment;
    case 16:
      return Packet.checksumBad ? 1 : 0;
    case 17:
      return Packet.transportLength;
    case 18:
      return Packet.payloadStart;
    case 19:
      return Packet.payloadLength;
    case 20:
      return Packet.payloadCaptured;
    case 21:
      return Packet.sourcePort;
    case 22:
      return Packet.destinationPort;
    case 23:
      return Packet.tcpSequence;
    case 24:
      return Packet.tcpAcknowledgment;
    case 25:
      return Packet.tcpFlags;
    case 26:
      return Packet.tcpWindow;
    case 28:
      return Packet.isTimed ? 1 : 0;
    default:
      return Delivered.kind;
  }
}
