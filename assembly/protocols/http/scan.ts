/**
 * Searches in captured bytes, sixteen at a time, each with a scalar twin that must answer the same.
 *
 * The last block of a run of sixteen or more is read so that it ends where the run ends; shorter runs are read a byte at a
 * time. No byte outside the run is read.
 */
import { u8At } from "../../bytes/reader";
import { Window } from "../../bytes/window";

const LF: u8 = 10;
const COLON: u8 = 58;
const SPACE: u32 = 32;

/** Sixteen captured bytes. */
function block(p: usize): v128 {
  assert(Window.holds(p, 16));
  return v128.load(p);
}

/** Bit i of the result is set where byte i of the block at `p` is `byte`. */
function matches(p: usize, byte: v128): i32 {
  return i8x16.bitmask(i8x16.eq(block(p), byte));
}

/** Address of the first `byte` in `start` to `end`, or `end`. */
export function findByte(start: usize, end: usize, byte: u8): usize {
  if (end - start < 16) return findByteScalar(start, end, byte);
  const wanted = i8x16.splat(byte);
  const last = end - 16;
  let at = start;
  while (at < last) {
    const found = matches(at, wanted);
    if (found != 0) return at + ctz(found);
    at += 16;
  }
  const found = matches(last, wanted) >> <i32>(at - last);
  return found != 0 ? at + ctz(found) : end;
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
  if (end - start < 16) return findControlScalar(start, end);
  const space = i8x16.splat(32);
  const tab = i8x16.splat(9);
  const last = end - 16;
  let at = start;
  while (true) {
    const from = at < last ? at : last;
    const bytes = block(from);
    const controls = v128.andnot(i8x16.lt_u(bytes, space), i8x16.eq(bytes, tab));
    const found = i8x16.bitmask(controls) >> <i32>(at - from);
    if (found != 0) return at + ctz(found);
    if (from == last) return end;
    at += 16;
  }
}

/** The scalar twin of `findControl`. */
export function findControlScalar(start: usize, end: usize): usize {
  for (let at = start; at < end; at++) {
    const byte = u8At(at);
    if (byte < 32 && byte != 9) return at;
  }
  return end;
}

/**
 * Address of the LF of a header line at `start` whose name has a length that is not a bit of `lengths`; 0 where the line needs a
 * closer look: its end is not there, its name is long or not followed by its colon, or it goes on with the line before.
 */
export function passLine(start: usize, end: usize, lengths: u32): usize {
  if (end - start < 16) return 0;
  const colons = matches(start, i8x16.splat(COLON));
  const ends = matches(start, i8x16.splat(LF));
  if (colons == 0) return 0;
  const length = ctz(colons);
  if (length == 0 || (lengths >> length) & 1) return 0;
  if (u8At(start) <= SPACE || u8At(start + length - 1) <= SPACE) return 0;
  if (ends != 0) return ctz(ends) > length ? start + ctz(ends) : 0;
  const lineEnd = findByte(start + 16, end, LF);
  return lineEnd == end ? 0 : lineEnd;
}
