/** Adler-32 (RFC 1950 section 9), sixteen bytes at a time. */

const MODULUS: u32 = 65521;
/** Bytes after which the sums must be reduced, so that they stay below 2^32: a multiple of 16. */
const RUN_BYTES: u32 = 5536;

/** The sum of nothing. */
export const ADLER_START: u32 = 1;

/** Adds `length` bytes at `start`, in the core's own memory, to `sum`. */
export function adler32(sum: u32, start: usize, length: u32): u32 {
  let a = sum & 0xffff;
  let b = sum >> 16;
  let at = start;
  let left = length;
  while (left != 0) {
    const run = left < RUN_BYTES ? left : RUN_BYTES;
    const blocks = run >> 4;
    const lanes = sumBlocks(at, blocks);
    // Each block adds the sum before it sixteen times.
    b += a * (blocks << 4) + Lanes.weighted;
    a += lanes;
    const end = at + run;
    for (at += blocks << 4; at < end; at++) {
      a += load<u8>(at);
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
    left -= run;
  }
  return (b << 16) | a;
}

class Lanes {
  static weighted: u32 = 0;
}

/** The sum of the bytes in `blocks` of sixteen; `Lanes.weighted` is the sum of all sums on the way. */
function sumBlocks(start: usize, blocks: u32): u32 {
  let sums = i32x4.splat(0);
  let before = i32x4.splat(0);
  let weighted = i32x4.splat(0);
  const high = i16x8(16, 15, 14, 13, 12, 11, 10, 9);
  const low = i16x8(8, 7, 6, 5, 4, 3, 2, 1);
  const end = start + (blocks << 4);
  for (let at = start; at < end; at += 16) {
    const bytes = v128.load(at);
    before = i32x4.add(before, sums);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)));
    weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), high));
    weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), low));
  }
  Lanes.weighted = total(i32x4.add(weighted, i32x4.shl(before, 4)));
  return total(sums);
}

function total(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) + i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3)
  );
}
