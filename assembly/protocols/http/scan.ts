/**
 * Searches in captured bytes, sixteen at a time, each with a scalar twin that must answer the same.
 *
 * The last block is read whole, and what lies behind the run is masked away.
 */
import { u8At, v128At } from "../../bytes/reader";

const LF: u8 = 10;
const COLON: u8 = 58;

/** Bit i of the result is set where byte i of those at `p`, of which `length` count (at most 16), is `byte`. */
function matches(p: usize, length: u32, byte: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.eq(v128At(p, length), byte)) & ((1 << length) - 1);
}

/** Address of the first `byte` in `start` to `end`, or `end`. */
export function findByte(start: usize, end: usize, byte: u8): usize {
  const wanted = i8x16.splat(byte);
  let at = start;
  while (at < end) {
    const found = matches(at, <u32>min<usize>(end - at, 16), wanted);
    if (found != 0) return at + ctz(found);
    at += 16;
  }
  return end;
}

/** The scalar twin of `findByte`. */
export function findByteScalar(start: usize, end: usize, byte: u8): usize {
  for (let at = start; at < end; at++) {
    if (<u8>u8At(at) == byte) return at;
  }
  return end;
}

/** Address of the first byte in `start` to `end` that is a control character but a tab, or `end`. */
export function findControl(start: usize, end: usize): usize {
  const space = i8x16.splat(32);
  const tab = i8x16.splat(9);
  for (let at = start; at < end; at += 16) {
    const length = <u32>min<usize>(end - at, 16);
    const bytes = v128At(at, length);
    const controls = v128.andnot(i8x16.lt_u(bytes, space), i8x16.eq(bytes, tab));
    const found = <u32>i8x16.bitmask(controls) & ((1 << length) - 1);
    if (found != 0) return at + ctz(found);
  }
  return end;
}

/** The scalar twin of `findControl`. */
export function findControlScalar(start: usize, end: usize): usize {
  for (let at = start; at < end; at++) {
    const byte = u8At(at);
    if (byte < 32 && byte != 9) return at;
  }
  return end;
}

/** What `findLineEnd` saw beside the end. */
export class Line {
  /** Where in the line its first colon is, among its first sixteen bytes; 16 where it is in none of them. */
  static colon: u32 = 0;
}

/** Address of the first LF in `start` to `end`, or `end`. */
export function findLineEnd(start: usize, end: usize): usize {
  const length = <u32>min<usize>(end - start, 16);
  const ends = matches(start, length, i8x16.splat(LF));
  const before = ends != 0 ? ctz(ends) : length;
  Line.colon = ctz(matches(start, before, i8x16.splat(COLON)) | 0x10000);
  return ends != 0 ? start + before : findByte(start + length, end, LF);
}

/** The scalar twin of `findLineEnd`. */
export function findLineEndScalar(start: usize, end: usize): usize {
  const lineEnd = findByteScalar(start, end, LF);
  const most = min<usize>(lineEnd, start + 16);
  const colon = findByteScalar(start, most, COLON);
  Line.colon = colon == most ? 16 : <u32>(colon - start);
  return lineEnd;
}
