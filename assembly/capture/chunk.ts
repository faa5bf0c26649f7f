/**
 * The chunk of an input in hand, and reads of the numbers of capture files in either byte order.
 *
 * Records lie in it, and their window is narrower; headers of files are read through here, and the checked build asserts that
 * they lie in the chunk.
 */
export class Chunk {
  static start: usize = 0;
  static end: usize = 0;

  /** Opens the chunk between `start` and `end`. */
  @inline static open(start: usize, end: usize): void {
    Chunk.start = start;
    Chunk.end = end;
  }

  /** Whether `length` bytes at `start` lie in the chunk. */
  @inline static holds(start: usize, length: u32): bool {
    return start >= Chunk.start && start + length <= Chunk.end;
  }
}

/** Reads one byte. */
export function byteOf(p: usize): u32 {
  assert(Chunk.holds(p, 1));
  return load<u8>(p);
}

/** Reads two bytes. */
export function halfOf(p: usize, bigEndian: bool): u32 {
  assert(Chunk.holds(p, 2));
  const value = load<u16>(p);
  return bigEndian ? <u32>bswap<u16>(value) : <u32>value;
}

/** Reads four bytes. */
export function wordOf(p: usize, bigEndian: bool): u32 {
  assert(Chunk.holds(p, 4));
  const value = load<u32>(p);
  return bigEndian ? bswap<u32>(value) : value;
}

/** Reads eight bytes. */
export function doubleOf(p: usize, bigEndian: bool): u64 {
  assert(Chunk.holds(p, 8));
  const value = load<u64>(p);
  return bigEndian ? bswap<u64>(value) : value;
}
