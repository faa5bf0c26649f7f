/** Small pieces of ASCII text, written and compared without allocation. */

/** Writes `value` in decimal at `at`; answers one past its last digit. At most 10 bytes. */
export function decimal(at: usize, value: u32): usize {
  let digits: u32 = 1;
  let bound: u64 = 10;
  while (<u64>value >= bound) {
    digits += 1;
    bound *= 10;
  }
  let rest = value;
  for (let i = digits; i > 0; i--) {
    store<u8>(at + i - 1, 48 + (rest % 10));
    rest /= 10;
  }
  return at + digits;
}

/** The decimal digits of `value`, at most 8, as text in one register: the first digit in the lowest byte. */
export function packDecimal(value: u32): u64 {
  let packed: u64 = 0;
  let rest = value;
  do {
    packed = (packed << 8) | <u64>(48 + (rest % 10));
    rest /= 10;
  } while (rest != 0);
  return packed;
}

/** Bytes of such a text. */
export function packedLength(packed: u64): u32 {
  return 8 - (<u32>clz<u64>(packed) >> 3);
}

/** A byte's lower case, where it is an ASCII letter. */
export function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

/** Copies a static ASCII string to `at`; answers one past its last byte. */
export function putText(at: usize, text: string): usize {
  const from = changetype<usize>(text);
  const length = text.length;
  for (let i = 0; i < length; i++) store<u8>(at + i, load<u16>(from + (i << 1)));
  return at + length;
}

/** Sixteen bytes with small letters for capitals. */
function lowerBlock(bytes: v128): v128 {
  const capitals = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(65)), i8x16.splat(26));
  return v128.or(bytes, v128.and(capitals, i8x16.splat(32)));
}

/** Copies `length` bytes from `start` to `target` in lower case; both have room for the next multiple of 16. */
export function lowerText(target: usize, start: usize, length: u32): void {
  for (let at: u32 = 0; at < length; at += 16) v128.store(target + at, lowerBlock(v128.load(start + at)));
}

/** The scalar twin of `lowerText`. */
export function lowerTextScalar(target: usize, start: usize, length: u32): void {
  for (let at: u32 = 0; at < length; at++) store<u8>(target + at, lower(load<u8>(start + at)));
}

/**
 * Whether `length` bytes at `start` are `text` (lower case), letters compared without case: sixteen at a time, what lies behind either
 * masked away.
 */
export function sameText(start: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  const from = changetype<usize>(text);
  for (let at: u32 = 0; at < length; at += 16) {
    const expected = i8x16.narrow_i16x8_u(v128.load(from + (at << 1)), v128.load(from + (at << 1), 16));
    const differing = <u32>i8x16.bitmask(i8x16.ne(lowerBlock(v128.load(start + at)), expected));
    if (differing & ((1 << min(length - at, 16)) - 1)) return false;
  }
  return true;
}

/** The scalar twin of `sameText`. */
export function sameTextScalar(start: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  const from = changetype<usize>(text);
  for (let i: u32 = 0; i < length; i++) {
    if (lower(load<u8>(start + i)) != <u32>load<u16>(from + (i << 1))) return false;
  }
  return true;
}
