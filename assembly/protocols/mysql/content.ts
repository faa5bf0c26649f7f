/**
 * What is known of a connection's compressed packets (MySQL Internals, "Compression"), and of the content in hand: where its bytes
 * stand among those on the wire.
 *
 * A byte of content has the sequence number of its compressed packet, or one a little behind it; the bytes on the wire are
 * shared out over a packet's content, so that all messages together have as many as were sent.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { clearRun } from "../../bytes/run";
import { PACKED_BYTES_MAX, Regions } from "../../regions";

/** Where a side's compressed packets stand. */
export class PackedPhase {
  static readonly START: u8 = 0;
  /** Bytes were missing, or of no packet: where the next one begins is not known. */
  static readonly SEEK: u8 = 1;
  /** Compressed content is collected. */
  static readonly HOLD: u8 = 2;
  /** Content that is not compressed is read as it comes. */
  static readonly STORED: u8 = 3;
  /** What is left of a packet is not read: its bytes are still to be counted, or are already. */
  static readonly PASS: u8 = 4;
  static readonly PASS_COUNTED: u8 = 5;
}

/** What is known of a packet in progress, and of content that goes on in the next: a block of its own while there is either. */
@unmanaged
class Progress {
  firstNs: u64;
  carryNs: u64;
  held: u32;
  heldBytes: u32;
  carry: u32;
  carrySequence: u32;
  carryWireBytes: u32;
  spare: u32;
}

/** One side's packets: 32 bytes, as many connections have nothing in progress. */
@unmanaged
export class PackedHalf {
  phase: u8;
  /** Sequence id of the packet. */
  id: u8;
  carryLength: u16;
  /** Bytes of the packet that have not come yet. */
  left: u32;
  /** Sequence number of its header. */
  sequence: u32;
  /** Bytes behind the header, and of what they hold. */
  length: u32;
  contentLength: u32;
  /** Bytes of content that are of no interest. */
  skip: u32;
  private progress: u32;
  private spare: u32;

  /** A packet begins at `firstNs`; false where there is no room for what is in progress. */
  begin(firstNs: u64): bool {
    if (this.progress == 0) {
      const block = Regions.streamPool.allocate(offsetof<Progress>());
      if (block == 0) return false;
      memory.fill(block, 0, offsetof<Progress>());
      this.progress = <u32>block;
    }
    changetype<Progress>(<usize>this.progress).firstNs = firstNs;
    return true;
  }

  /** No packet is in progress: what is not kept for the next goes. */
  rest(): void {
    if (this.progress == 0 || this.held != 0 || this.carry != 0) return;
    Regions.streamPool.release(this.progress);
    this.progress = 0;
  }

  private get now(): Progress {
    return changetype<Progress>(<usize>this.progress);
  }

  /** When the packet began. */
  get firstNs(): u64 {
    return this.progress == 0 ? 0 : this.now.firstNs;
  }

  /** Compressed bytes that wait for the others: a list of blocks, 0 for none. */
  get held(): u32 {
    return this.progress == 0 ? 0 : this.now.held;
  }

  get heldBytes(): u32 {
    return this.progress == 0 ? 0 : this.now.heldBytes;
  }

  /** Sets both, while a packet is in progress. */
  setHeld(held: u32, bytes: u32): void {
    this.now.held = held;
    this.now.heldBytes = bytes;
  }

  /** Content that was not read yet, since a packet of the content goes on in the next: its block, 0 for none. */
  get carry(): u32 {
    return this.progress == 0 ? 0 : this.now.carry;
  }

  /** When that began, where, and how many bytes on the wire it stands for. */
  get carryNs(): u64 {
    return this.progress == 0 ? 0 : this.now.carryNs;
  }

  get carrySequence(): u32 {
    return this.progress == 0 ? 0 : this.now.carrySequence;
  }

  get carryWireBytes(): u32 {
    return this.progress == 0 ? 0 : this.now.carryWireBytes;
  }

  /** Keeps it, while a packet is in progress. */
  setCarry(block: u32, length: u32, firstNs: u64, sequence: u32, wireBytes: u32): void {
    this.carryLength = <u16>length;
    this.now.carry = block;
    this.now.carryNs = firstNs;
    this.now.carrySequence = sequence;
    this.now.carryWireBytes = wireBytes;
  }

  /** Lets go of it. */
  dropCarry(): void {
    this.carryLength = 0;
    if (this.carry == 0) return;
    Regions.streamPool.release(this.carry);
    this.setCarry(0, 0, 0, 0, 0);
  }
}

const HALF_BYTES: u32 = 32;
const PACKED_BYTES: u32 = 2 * HALF_BYTES;
/** Bytes of a block of held bytes behind the number of the next. */
const HELD_BLOCK_BYTES: u32 = BLOCK_BYTES_MAX - 4;

/** The record of a connection whose packets are compressed from here on; 0 where there is no room. */
export function packedCreate(): u32 {
  assert(offsetof<PackedHalf>() == HALF_BYTES);
  const block = Regions.streamPool.allocate(PACKED_BYTES);
  if (block != 0) clearRun(block, PACKED_BYTES);
  return <u32>block;
}

/** The half of a side. */
export function packedHalf(packed: u32, side: u32): PackedHalf {
  return changetype<PackedHalf>(<usize>packed + side * HALF_BYTES);
}

/** Gives a record back, with what it holds. */
export function packedRelease(packed: u32): void {
  for (let side: u32 = 0; side < 2; side++) {
    const half = packedHalf(packed, side);
    dropHeld(half);
    half.dropCarry();
    half.rest();
  }
  Regions.streamPool.release(packed);
}

/** Keeps `length` bytes at `start`, as far as there is room; answers how many. */
export function hold(half: PackedHalf, start: usize, length: u32): u32 {
  const most = min<u32>(length, PACKED_BYTES_MAX - half.heldBytes);
  let last = <usize>half.held;
  while (last != 0 && load<u32>(last) != 0) last = <usize>load<u32>(last);
  let done: u32 = 0;
  while (done < most) {
    const used = half.heldBytes % HELD_BLOCK_BYTES;
    if (used == 0) {
      const block = Regions.streamPool.allocate(min<u32>(half.length, HELD_BLOCK_BYTES) + 4);
      if (block == 0) break;
      store<u32>(block, 0);
      if (last == 0) half.setHeld(<u32>block, 0);
      else store<u32>(last, <u32>block);
      last = block;
    }
    const taken = min<u32>(most - done, HELD_BLOCK_BYTES - used);
    memory.copy(last + 4 + used, start + done, taken);
    half.setHeld(half.held, half.heldBytes + taken);
    done += taken;
  }
  return done;
}

/** Lays the held bytes together at `Regions.packed`, and lets go of their blocks; answers how many. */
export function collectHeld(half: PackedHalf): u32 {
  const bytes = half.heldBytes;
  let done: u32 = 0;
  for (let block = <usize>half.held; block != 0; block = <usize>load<u32>(block)) {
    const taken = min<u32>(bytes - done, HELD_BLOCK_BYTES);
    memory.copy(Regions.packed + done, block + 4, taken);
    done += taken;
  }
  dropHeld(half);
  return bytes;
}

function dropHeld(half: PackedHalf): void {
  let block = <usize>half.held;
  while (block != 0) {
    const next = <usize>load<u32>(block);
    Regions.streamPool.release(block);
    block = next;
  }
  if (half.held != 0) half.setHeld(0, 0);
}

/** The content of which a part is being read. */
export class Content {
  /** Whether what is read is content, and not the bytes on the wire themselves. */
  static isInHand: bool = false;
  /** Where the byte `offset` of the content lies; what was left of the content before lies before the first. */
  static origin: usize = 0;
  static offset: u32 = 0;
  /** Bytes of all of it. */
  static length: u32 = 0;
  /** Sequence number of its packet, bytes of that on the wire; sequence number of what was left. */
  static sequence: u32 = 0;
  static wireBytes: u32 = 0;
  static carrySequence: u32 = 0;
  /** Sequence ids of its packet, and of the last that the client sent: ids of packets in it may go on behind that. */
  static id: u32 = 0;
  static askedId: u32 = 0;
  /** Of what was left and of the content: bytes that no message has yet, and the bytes on the wire that the former stand for. */
  static carryLeft: u32 = 0;
  static carryWireLeft: u32 = 0;
  static shared: u32 = 0;
  /** Bytes of the content that are here. */
  static here: u32 = 0;

  /** Whether the content begins at `at`. */
  static beginsAt(at: usize): bool {
    return Content.isInHand && at == Content.origin && Content.offset == 0;
  }

  /** Sequence number of the content's byte at `at`: every place behind the end is the packet's end. */
  static sequenceOf(at: usize): u32 {
    if (at < Content.origin) return Content.carrySequence;
    const offset = Content.offset + <u32>(at - Content.origin);
    if (offset >= Content.length) return Content.sequence + Content.wireBytes;
    return Content.sequence + min<u32>(offset, Content.wireBytes - 1);
  }

  /** Bytes on the wire of the next `bytes`, as far as they are here. */
  static wireBytesOf(bytes: u32): u32 {
    if (!Content.isInHand) return bytes;
    const carried = min<u32>(bytes, Content.carryLeft);
    const isAll = carried == Content.carryLeft;
    const carriedWire = isAll ? Content.carryWireLeft : <u32>((<u64>Content.carryWireLeft * carried) / Content.carryLeft);
    Content.carryLeft -= carried;
    Content.carryWireLeft -= carriedWire;
    const taken = min<u32>(bytes - carried, Content.here - Content.shared);
    const before = Content.wireBefore(Content.shared);
    Content.shared += taken;
    return carriedWire + Content.wireBefore(Content.shared) - before;
  }

  /** Bytes on the wire that no message has yet. */
  static get wireLeft(): u32 {
    return Content.carryWireLeft + Content.wireBytes - Content.wireBefore(Content.shared);
  }

  /** Bytes on the wire that the first `bytes` of the content stand for, the packet's header among them. */
  private static wireBefore(bytes: u32): u32 {
    return Content.length == 0 ? 0 : <u32>((<u64>Content.wireBytes * bytes) / Content.length);
  }
}
