/**
 * One side of a round trip: the request or the response, as its parser fills it.
 *
 * ```
 *  0 firstNs u64 | 8 lastNs u64 | 16 wireBytes u64 | 24 present u32 | 28 marks u32
 * 32 length u16 | 34 capacity u16 | 36 protocol u8 | 37 flags u8 | 38 retries u16      (the reader's part ends here)
 * 40 conversation u32 | 44 id u32 | 48 key u32 | 52 hashNext u32 | 56 next u32 | 60 previous u32
 * 64 timerNext u32 | 68 timerPrevious u32 | 72 endSequence u32 | 76 timeoutClass u8 | 77 order u8
 * 80 the protocol's fixed fields ... then texts
 * ```
 * A field of kind text is {offset u16, length u16} into this same message. Bit i of `present` says that field i of this side
 * is known; what is not known is absent.
 */
import { BLOCK_BYTES_MAX } from "../bytes/pool";
import { clearRun, copyBytes } from "../bytes/run";
import { Regions } from "../regions";
import { Mark } from "./marks";

/** Where a protocol's own fields begin. */
export const FIXED_OFFSET: u32 = 80;

/** Bytes of the scratch message of each side, texts included. */
export const SCRATCH_BYTES: u32 = 16384;

@unmanaged
export class Message {
  firstNs: u64;
  lastNs: u64;
  wireBytes: u64;
  present: u32;
  marks: u32;
  length: u16;
  capacity: u16;
  protocol: u8;
  /** Bits: 1 lies in a pool block, 2 findable by id, 4 in a timeout list, 8 sent by side 1, 16 its response has begun, 32 it may be missing, 64 both sides send at will. */
  flags: u8;
  retries: u16;
  conversation: u32;
  id: u32;
  key: u32;
  hashNext: u32;
  next: u32;
  previous: u32;
  timerNext: u32;
  timerPrevious: u32;
  endSequence: u32;
  timeoutClass: u8;
  /** Where its response comes by its place in order, how sure that place is (in-order.ts). */
  order: u8;

  /** Notes that field `index` of this side is known. */
  @inline know(index: u32): void {
    this.present |= 1 << index;
  }

  @inline knows(index: u32): bool {
    return (this.present & (1 << index)) != 0;
  }

  /** The side that sent it. */
  @inline get side(): u32 {
    return (<u32>this.flags >> 3) & 1;
  }

  /** Whether its response may be among bytes that are missing: that none comes says nothing then. */
  @inline get mayHaveMissed(): bool {
    return (this.flags & 32) != 0;
  }

  /** Notes that bytes are missing in which its response may have been. */
  @inline missed(): void {
    this.flags |= 32;
  }

  /** Takes that back: it was noted for another reason than missing bytes. */
  @inline missedNothing(): void {
    this.flags &= <u8>~32;
  }

  /** Whether neither side waits for the other between this message and what answers it. */
  @inline get isTalk(): bool {
    return (this.flags & 64) != 0;
  }

  /** Notes that both sides send at will: how long the server took to answer means nothing. */
  @inline talks(): void {
    this.flags |= 64;
  }

  @inline mark(mark: u32): void {
    this.marks |= mark;
  }

  /** Address of the text whose reference lies at `offset`. */
  @inline textStart(offset: u32): usize {
    return changetype<usize>(this) + load<u16>(changetype<usize>(this) + offset);
  }

  @inline textLength(offset: u32): u32 {
    return load<u16>(changetype<usize>(this) + offset + 2);
  }
}

/** Clears the first `fixedEnd` bytes and readies the message for its texts. */
function ready(message: Message, protocol: u32, fixedEnd: u32, capacity: u32, pooled: u32): Message {
  clearRun(changetype<usize>(message), (fixedEnd + 15) & ~15);
  message.length = <u16>fixedEnd;
  message.capacity = <u16>capacity;
  message.protocol = <u8>protocol;
  message.flags = <u8>pooled;
  return message;
}

/** Usable bytes of the pool block that holds `bytes`. */
function blockCapacity(bytes: u32): u32 {
  if (bytes > 2032) return BLOCK_BYTES_MAX;
  if (bytes > 1024) return 2032;
  return bytes <= 32 ? 32 : 1 << (32 - clz<u32>(bytes - 1));
}

/** Makes a message in the stream pool; 0 when the pool is used up. */
export function messageCreate(protocol: u32, fixedEnd: u32, bytes: u32): usize {
  const block = Regions.streamPool.allocate(bytes);
  if (block == 0) return 0;
  return changetype<usize>(ready(changetype<Message>(block), protocol, fixedEnd, blockCapacity(bytes), 1));
}

/** Readies the scratch message of a side (0 request, 1 response) for a message that is done with at once. */
export function messageScratch(protocol: u32, fixedEnd: u32, side: u32): Message {
  return ready(changetype<Message>(Regions.scratch + side * SCRATCH_BYTES), protocol, fixedEnd, SCRATCH_BYTES, 0);
}

/** Gives a pooled message back. */
export function messageRelease(message: Message): void {
  if (message.flags & 1) Regions.streamPool.release(changetype<usize>(message));
}

/** Moves a pooled message into a block with room for `more` bytes; false when there is none. */
function grow(message: Message, more: u32): usize {
  const bytes = <u32>message.length + more;
  if (!(message.flags & 1) || bytes > BLOCK_BYTES_MAX) return 0;
  const block = Regions.streamPool.allocate(bytes);
  if (block == 0) return 0;
  memory.copy(block, changetype<usize>(message), message.length);
  Regions.streamPool.release(changetype<usize>(message));
  changetype<Message>(block).capacity = <u16>blockCapacity(bytes);
  return block;
}

/**
 * Gives `message` room for `bytes` more and answers where it now is. A message moves only while no list holds it, which is the
 * caller's to know. Where there is no room the message stays and is marked truncated.
 */
export function messageRoom(message: Message, bytes: u32): Message {
  if (<u32>message.length + bytes <= <u32>message.capacity) return message;
  const moved = grow(message, bytes);
  if (moved != 0) return changetype<Message>(moved);
  message.mark(Mark.TRUNCATED);
  return message;
}

/** Sets the text at `offset` to at most `most` bytes from `start`, marking a cut; answers where the message now is. */
export function messageText(message: Message, offset: u32, start: usize, length: u32, most: u32): Message {
  let take = length;
  if (take > most) {
    take = most;
    message.mark(Mark.TRUNCATED);
  }
  const m = messageRoom(message, take);
  const room = <u32>m.capacity - <u32>m.length;
  if (take > room) take = room;
  const at = changetype<usize>(m) + m.length;
  // Most texts are short, and what a whole block brings behind them is overwritten by the next.
  if (take <= 16 && room >= 16) v128.store(at, v128.load(start));
  else copyBytes(at, start, take);
  store<u16>(changetype<usize>(m) + offset, m.length);
  store<u16>(changetype<usize>(m) + offset + 2, take);
  m.length += <u16>take;
  return m;
}
