/**
 * One input cursor over encoded bytes of ours (bundles, settings): LEB128 and little-endian numbers, runs of bytes.
 *
 * Invariant: `at <= end`. A read past the end or a malformed LEB128 sets `fault`, reads as zero, and stays so: a decoder reads
 * a whole thing and asks once, and every count it read is checked against what is left before it is used as a loop bound.
 */
export class Cursor {
  static at: usize = 0;
  static end: usize = 0;
  static fault: bool = false;

  /** Opens the cursor over `length` bytes at `start`. */
  static open(start: usize, length: u32): void {
    Cursor.at = start;
    Cursor.end = start + length;
    Cursor.fault = false;
  }

  /** Bytes not yet read. */
  @inline static get left(): u32 {
    return <u32>(Cursor.end - Cursor.at);
  }

  /** Whether `length` more bytes are there; notes the fault where they are not. */
  @inline static holds(length: u32): bool {
    if (!Cursor.fault && length <= Cursor.left) return true;
    Cursor.fault = true;
    return false;
  }

  static u8(): u32 {
    if (!Cursor.holds(1)) return 0;
    const value = <u32>load<u8>(Cursor.at);
    Cursor.at += 1;
    return value;
  }

  static u16(): u32 {
    if (!Cursor.holds(2)) return 0;
    const value = <u32>load<u16>(Cursor.at);
    Cursor.at += 2;
    return value;
  }

  static u32(): u32 {
    if (!Cursor.holds(4)) return 0;
    const value = load<u32>(Cursor.at);
    Cursor.at += 4;
    return value;
  }

  static u64(): u64 {
    if (!Cursor.holds(8)) return 0;
    const value = load<u64>(Cursor.at);
    Cursor.at += 8;
    return value;
  }

  /** Reads an unsigned LEB128; the shortest form only, so that one value has one encoding. */
  static varint(): u64 {
    if (Cursor.at < Cursor.end && !Cursor.fault) {
      const byte = <u64>load<u8>(Cursor.at);
      if (byte < 0x80) {
        Cursor.at += 1;
        return byte;
      }
    }
    return Cursor.longVarint();
  }

  /** Reads an unsigned LEB128 of any length, or notes the fault. */
  private static longVarint(): u64 {
    let value: u64 = 0;
    let shift: u64 = 0;
    while (true) {
      const byte = <u64>Cursor.u8();
      if (Cursor.fault) return 0;
      if ((shift == 63 && byte > 1) || (byte == 0 && shift > 0)) {
        Cursor.fault = true;
        return 0;
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7;
    }
  }

  /** Reads an unsigned LEB128 that must be at most `most`. */
  static count(most: u32): u32 {
    const value = Cursor.varint();
    if (value > <u64>most) {
      Cursor.fault = true;
      return 0;
    }
    return <u32>value;
  }

  /** Steps over `length` bytes and gives their start, or 0 at a fault. */
  static take(length: u32): usize {
    if (!Cursor.holds(length)) return 0;
    const start = Cursor.at;
    Cursor.at += length;
    return start;
  }
}
