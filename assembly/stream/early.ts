/**
 * Segments that came before their turn: a list by sequence number, in blocks of the stream pool.
 *
 * ```
 * 0 next u32 | 4 sequence u32 | 8 timeNs u64 | 16 length u16 | 20 acknowledgement u32 | 24 last u32 | 28 bytes ...
 * ```
 * `last` is the end of the list, and holds in its first block: behind one hole segments mostly come in their order, and each is put
 * there without a look at the others. What overlaps is trimmed when it is taken out, so the bytes that came first win.
 */
import { BLOCK_BYTES_MAX, blockBytes } from "../bytes/pool";
import { Regions } from "../regions";
import { Stream } from "./flow";

const NEXT: usize = 0;
const SEQUENCE: usize = 4;
const TIME: usize = 8;
const LENGTH: usize = 16;
const ACKNOWLEDGEMENT: usize = 20;
const LAST: usize = 24;
const DATA: usize = 28;
const DATA_MAX: u32 = BLOCK_BYTES_MAX - 28;

/** Bytes of blocks in which one stream may hold back what waits for a missing segment: 282 KB in segments of 1,460 bytes. */
export const EARLY_BYTES_MAX: u32 = 393216;

/** Keeps a copy of `length` bytes at `sequence` that came with an acknowledgement; false when the stream's limit or the pool does not allow it. */
export function earlyAdd(stream: Stream, sequence: u32, start: usize, length: u32, timeNs: u64, acknowledgement: u32): bool {
  let at = start;
  let left = length;
  let position = sequence;
  while (left > 0) {
    const take = left < DATA_MAX ? left : DATA_MAX;
    if (!insert(stream, position, at, take, timeNs, acknowledgement)) return false;
    at += take;
    position += take;
    left -= take;
  }
  return true;
}

function insert(stream: Stream, sequence: u32, start: usize, length: u32, timeNs: u64, acknowledgement: u32): bool {
  const first = <usize>stream.early;
  let before: usize = 0;
  let after = first;
  if (first != 0 && <i32>(sequence - load<u32>(load<u32>(first, LAST), SEQUENCE)) > 0) {
    before = load<u32>(first, LAST);
    after = 0;
  }
  while (after != 0) {
    const distance = <i32>(load<u32>(after, SEQUENCE) - sequence);
    if (distance > 0) break;
    if (distance == 0 && <u32>load<u16>(after, LENGTH) >= length) return true;
    before = after;
    after = load<u32>(after, NEXT);
  }
  const bytes = blockBytes(<u32>DATA + length);
  if (stream.earlyBytes + bytes > EARLY_BYTES_MAX) return false;
  const block = Regions.streamPool.allocate(<u32>DATA + length);
  if (block == 0) return false;
  store<u32>(block, sequence, SEQUENCE);
  store<u64>(block, timeNs, TIME);
  store<u16>(block, length, LENGTH);
  store<u32>(block, acknowledgement, ACKNOWLEDGEMENT);
  memory.copy(block + DATA, start, length);
  link(stream, block, before, after);
  stream.earlyBytes += bytes;
  return true;
}

/** Puts a block between two others; either may be none. */
function link(stream: Stream, block: usize, before: usize, after: usize): void {
  const last = after == 0 ? block : <usize>load<u32>(stream.early, LAST);
  store<u32>(block, <u32>after, NEXT);
  if (before == 0) stream.early = <u32>block;
  else store<u32>(before, <u32>block, NEXT);
  store<u32>(stream.early, <u32>last, LAST);
}

/** Address, length, sequence number and time of the first segment that waits. */
@unmanaged
export class Early {
  @inline static sequence(block: usize): u32 {
    return load<u32>(block, SEQUENCE);
  }
  @inline static length(block: usize): u32 {
    return load<u16>(block, LENGTH);
  }
  @inline static acknowledgement(block: usize): u32 {
    return load<u32>(block, ACKNOWLEDGEMENT);
  }
  @inline static timeNs(block: usize): u64 {
    return load<u64>(block, TIME);
  }
  @inline static data(block: usize): usize {
    return block + DATA;
  }
}

/** Unlinks the first segment that waits and gives its block, which the caller releases. */
export function earlyTake(stream: Stream): usize {
  const block = <usize>stream.early;
  stream.early = load<u32>(block, NEXT);
  if (stream.early != 0) store<u32>(stream.early, load<u32>(block, LAST), LAST);
  stream.earlyBytes -= blockBytes(<u32>DATA + <u32>load<u16>(block, LENGTH));
  return block;
}

/** Lets go of everything that waits. */
export function earlyRelease(stream: Stream): void {
  while (stream.early != 0) Regions.streamPool.release(earlyTake(stream));
}
