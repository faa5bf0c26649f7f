/**
 * HPACK's Huffman code (RFC 7541 appendix B). It is canonical: codes of one length are consecutive and in the order of their
 * symbols, so the first code and the number of codes of each length say all.
 *
 * A string may be cut anywhere: what is not decoded yet waits in `bits`, at most 37 of them.
 */

/** Codes: length u8, number of codes u8, place of the first symbol u8. */
const LENGTHS: usize = memory.data<u8>([
  5, 10, 0, 6, 26, 10, 7, 32, 36, 8, 6, 68, 10, 5, 74, 11, 3, 79, 12, 2, 82, 13, 6, 84, 14, 2, 90, 15, 3, 92, 19, 3, 95, 20, 8,
  98, 21, 13, 106, 22, 26, 119, 23, 29, 145, 24, 12, 174, 25, 4, 186, 26, 15, 190, 27, 19, 205, 28, 29, 224, 30, 4, 253,
]);
const ROWS: u32 = 21;

/** The first code of each length. */
const FIRSTS: usize = memory.data<u32>([
  0, 20, 92, 248, 1016, 2042, 4090, 8184, 16380, 32764, 524272, 1048550, 2097116, 4194258, 8388568, 16777194, 33554412, 67108832,
  134217694, 268435426, 1073741820,
]);

/** Symbols in the order of their codes; the end of string is the last and not among them. */
const SYMBOLS: usize = memory.data<u8>([
  48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104,
  108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89,
  106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126,
  94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217,
  227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196,
  198, 228, 232, 233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180,
  182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200,
  201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247,
  248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31,
  127, 220, 249, 10, 13, 22,
]);

/** Code of the end of string, which no string holds (section 5.2). */
const PLACE_OF_END: u32 = 256;

/** What is left of a string that is being decoded. */
export class Huffman {
  /** Bits that no symbol was made of yet, the last in the lowest place. */
  static bits: u64 = 0;
  static count: u32 = 0;
  /** The symbol that `next` found. */
  static symbol: u32 = 0;

  /** Begins a string. */
  @inline static open(): void {
    Huffman.bits = 0;
    Huffman.count = 0;
  }

  /** Adds a byte; there were fewer than 30 bits. */
  @inline static add(byte: u32): void {
    Huffman.bits = (Huffman.bits << 8) | <u64>byte;
    Huffman.count += 8;
  }

  /** Takes the next symbol out of the bits: 1 where there is one, 0 where more bits are needed, -1 where there can be none. */
  static next(): i32 {
    const count = Huffman.count;
    const bits = Huffman.bits;
    for (let row: u32 = 0; row < ROWS; row++) {
      const length = <u32>load<u8>(LENGTHS + row * 3);
      if (length > count) return 0;
      const code = <u32>(bits >> (count - length)) & ((1 << length) - 1);
      const place = code - load<u32>(FIRSTS + (row << 2));
      if (place >= <u32>load<u8>(LENGTHS + row * 3, 1)) continue;
      const index = place + <u32>load<u8>(LENGTHS + row * 3, 2);
      if (index == PLACE_OF_END) return -1;
      Huffman.symbol = load<u8>(SYMBOLS + index);
      Huffman.count = count - length;
      Huffman.bits = bits & (((<u64>1) << (count - length)) - 1);
      return 1;
    }
    return -1;
  }

  /** Whether what is left is a string's padding: fewer than eight bits, all ones. */
  static ends(): bool {
    return Huffman.count < 8 && Huffman.bits == ((<u64>1) << Huffman.count) - 1;
  }
}
