/** Literals of the usual forms, taken without a call: decimal numbers and short strings that nothing belongs to. */
import { u8At, v128At } from "../../bytes/reader";
import { Groups } from "./groups";
import { Masked } from "./masked";

const SPACE: u32 = 32;
const OPEN: u32 = 40;
const CLOSE: u32 = 41;
const COMMA: u32 = 44;
const EQUALS: u32 = 61;

/** What is usual right before a literal, and right behind a number. */
const BEFORE: u32 = 1;
const BEHIND: u32 = 2;
const USUAL: usize = memory.data(256);

/** Sixteen times a byte: a load costs less than a constant. */
const ZEROS: usize = memory.data<u8>([48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48], 16);
const TENS: usize = memory.data<u8>([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], 16);
const DOTS: usize = memory.data<u8>([46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46], 16);
const QUOTES: usize = memory.data<u8>([39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39], 16);
const BACKSLASHES: usize = memory.data<u8>([92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92], 16);

export class Quick {
  /** Whether the table is filled. */
  static isOpen: bool = false;

  /** Fills the table. */
  static open(): void {
    Quick.isOpen = true;
    store<u8>(USUAL + SPACE, BEFORE | BEHIND);
    store<u8>(USUAL + COMMA, BEFORE | BEHIND);
    store<u8>(USUAL + OPEN, BEFORE);
    store<u8>(USUAL + EQUALS, BEFORE);
    store<u8>(USUAL + CLOSE, BEHIND);
  }

  /** Whether a literal that stands behind `before` has nothing that belongs to it. */
  @inline static isUsual(before: u32): bool {
    return (load<u8>(USUAL + before) & BEFORE) != 0;
  }

  /** Address behind up to 15 digits and dots at `place`, where a space, a comma or a parenthesis follows; 0 otherwise. */
  @inline static numberEnd(place: usize, end: usize): usize {
    if (end - place < 16) return 0;
    const bytes = v128At(place, 16);
    const others = i8x16.ge_u(i8x16.sub(bytes, v128.load(ZEROS)), v128.load(TENS));
    const run = i8x16.bitmask(v128.andnot(others, i8x16.eq(bytes, v128.load(DOTS))));
    if (run == 0) return 0;
    const at = place + ctz(run);
    return load<u8>(USUAL + u8At(at)) & BEHIND ? at : 0;
  }

  /** Address behind a string of up to 15 bytes at `place` without a backslash, and no quote behind it; 0 otherwise. */
  @inline static stringEnd(place: usize, end: usize): usize {
    if (end - place < 17) return 0;
    const bytes = v128At(place + 1, 16);
    const quotes = i8x16.eq(bytes, v128.load(QUOTES));
    const ends = <u32>i8x16.bitmask(quotes);
    const first = ctz(ends | <u32>i8x16.bitmask(i8x16.eq(bytes, v128.load(BACKSLASHES))));
    // A single quote, where no backslash comes before it.
    return ((ends >> first) & 3) == 1 && first < 15 ? place + 2 + first : 0;
  }

  /** Masks the literal and writes `?` at `out`; answers where the fingerprint goes on. */
  @inline static take(place: usize, end: usize, before: u32, out: usize): usize {
    Masked.replace(place, end);
    let to = out;
    if (before == COMMA) {
      store<u8>(to, SPACE);
      to += 1;
    }
    return Groups.value(to, before == OPEN);
  }
}
