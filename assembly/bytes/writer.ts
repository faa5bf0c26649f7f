/**
 * One output cursor with a fixed end: numbers as little-endian or LEB128, bytes as they are.
 *
 * Invariant: `start <= at <= end`. A write that does not fit sets `overflow` and changes nothing, so a caller writes a whole
 * thing and asks once.
 */
export class Writer {
  static start: usize = 0;
  static at: usize = 0;
  static end: usize = 0;
  static overflow: bool = false;

  /** Opens the cursor over `length` bytes at `start`. */
  static open(start: usize, length: u32): void {
    Writer.start = start;
    Writer.at = start;
    Writer.end = start + length;
    Writer.overflow = false;
  }

  /** Bytes written so far. */
  @inline static get length(): u32 {
    return <u32>(Writer.at - Writer.start);
  }

  /** Whether `length` more bytes fit; notes the overflow where they do not. */
  @inline static fits(length: u32): bool {
    if (Writer.at + length <= Writer.end && !Writer.overflow) return true;
    Writer.overflow = true;
    return false;
  }

  static u8(value: u32): void {
    if (!Writer.fits(1)) return;
    store<u8>(Writer.at, value);
    Writer.at += 1;
  }

  static u16(value: u32): void {
    if (!Writer.fits(2)) return;
    store<u16>(Writer.at, value);
    Writer.at += 2;
  }

  static u32(value: u32): void {
    if (!Writer.fits(4)) return;
    store<u32>(Writer.at, value);
    Writer.at += 4;
  }

  static u64(value: u64): void {
    if (!Writer.fits(8)) return;
    store<u64>(Writer.at, value);
    Writer.at += 8;
  }

  static f64(value: f64): void {
    if (!Writer.fits(8)) return;
    store<f64>(Writer.at, value);
    Writer.at += 8;
  }

  /** Writes an unsigned LEB128 of at most 10 bytes. */
  static varint(value: u64): void {
    let rest = value;
    while (rest >= 0x80) {
      Writer.u8((<u32>rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    Writer.u8(<u32>rest);
  }

  /** Copies `length` bytes from `start`. */
  static bytes(start: usize, length: u32): void {
    if (!Writer.fits(length)) return;
    memory.copy(Writer.at, start, length);
    Writer.at += length;
  }
}
