/**
 * The one hash of tallywire: MurmurHash3_x64_128 (Austin Appleby, public domain) with seed 9001, the seed of Apache
 * DataSketches, so that sketches of both can meet.
 *
 * The tail of a key is read without a branch a byte: one 16-byte load from where it begins, what lies behind the key masked
 * away. A load that begins where the key was written is answered by the write itself; one that ends with the key would have to
 * wait for several.
 */

const SEED: u64 = 9001;
const C1: u64 = 0x87c37b91114253d5;
const C2: u64 = 0x4cf5ad432745937f;

/** Sixteen bytes of ones, then sixteen of zeros: the mask for `t` bytes of tail starts at 16 - t. */
const TAIL_MASKS: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** The second half of the last hash. */
export class Hash {
  /** Bits 64 to 127 of what `hash128` computed last. */
  static h2: u64 = 0;
}

function finish(k: u64): u64 {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccd;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

/** Hashes `length` bytes at `start`: bits 0 to 63 as the result, bits 64 to 127 in `Hash.h2`. */
export function hash128(start: usize, length: u32): u64 {
  let h1 = SEED;
  let h2 = SEED;
  const end = start + length;
  const tailStart = end - (length & 15);
  let at = start;
  while (at < tailStart) {
    h1 ^= rotl<u64>(load<u64>(at) * C1, 31) * C2;
    h1 = (rotl<u64>(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= rotl<u64>(load<u64>(at, 8) * C2, 33) * C1;
    h2 = (rotl<u64>(h2, 31) + h1) * 5 + 0x38495ab5;
    at += 16;
  }
  const tail = v128.and(v128.load(tailStart), v128.load(TAIL_MASKS + 16 - (length & 15)));
  h1 ^= (rotl<u64>(v128.extract_lane<u64>(tail, 0) * C1, 31) * C2) ^ length;
  h2 ^= (rotl<u64>(v128.extract_lane<u64>(tail, 1) * C2, 33) * C1) ^ length;
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 += h2;
  Hash.h2 = h2 + h1;
  return h1;
}

/**
 * Folds the last 128-bit hash, whose first half is `h1`, into the 64 bits that name an element.
 *
 * ```
 * bit 63                     38 37                                     0
 *     | h1, its low 26 bits    | h2, its high 38 bits                  |
 * ```
 * These are the two fields that a DataSketches HLL coupon is made of: its address, and the run of leading zeros.
 */
export function elementOf(h1: u64): u64 {
  return (h1 << 38) | (Hash.h2 >> 26);
}

/** Hashes `length` bytes at `start` to the 64 bits that name them in distinct, top and breakdown. */
export function elementHash(start: usize, length: u32): u64 {
  return elementOf(hash128(start, length));
}
