/**
 * Segments that came before their turn: a list by sequence number, in blocks of the stream pool.
 *
 * ```
 * 0 next u32 | 4 sequence u32 | 8 timeNs u64 | 16 length u16 | 20 acknowledgement u32 | 24 bytes ...
 * ```
 * What overlaps is trimmed when it is taken out, so the bytes that came first win.
 */
import { BLOCK_BYTES_MAX } from "../bytes/pool";
import { Regions } from "../regions";
import { Stream } from "./flow";

const NEXT: usize = 0;
const SEQUENCE: usize = 4;
const TIME: usize = 8;
const LENGTH: usize = 16;
const ACKNOWLEDGEMENT: usize = 20;
const DATA: usize = 24;
const DATA_MAX: u32 = BLOCK_BYTES_MAX - 24;

/** Bytes that one stream may hold back while it waits for a missing segment. */
export const EARLY_BYTES_MAX: u32 = 262144;

/** Keeps a copy of `length` bytes at `sequence` that came with an acknowledgement; false when the stream's limit or the pool does not allow it. */
export function earlyAdd(stream: Stream, sequence: u32, start: usize, length: u32, timeNs: u64, acknowledgement: u32): bool {
  if (stream.earlyBytes + length > EARLY_BYTES_MAX) return false;
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
  let link = changetype<usize>(stream) + offsetof<Stream>("early");
  let at = <usize>load<u32>(link);
  while (at != 0) {
    const distance = <i32>(load<u32>(at, SEQUENCE) - sequence);
    if (distance > 0) break;
    if (distance == 0 && <u32>load<u16>(at, LENGTH) >= length) return true;
    link = at + NEXT;
    at = load<u32>(link);
  }
  const block = Regions.streamPool.allocate(<u32>DATA + length);
  if (block == 0) return false;
  store<u32>(block, <u32>at, NEXT);
  store<u32>(block, sequence, SEQUENCE);
  store<u64>(block, timeNs, TIME);
  store<u16>(block, length, LENGTH);
  store<u32>(block, acknowledgement, ACKNOWLEDGEMENT);
  memory.copy(block + DATA, start, length);
  store<u32>(link, <u32>block);
  stream.earlyBytes += length;
  return true;
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
  stream.earlyBytes -= <u32>load<u16>(block, LENGTH);
  return block;
}

/** Lets go of everything that waits. */
export function earlyRelease(stream: Stream): void {
  while (stream.early != 0) Regions.streamPool.release(earlyTake(stream));
}
