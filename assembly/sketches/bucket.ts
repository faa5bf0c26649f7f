/**
 * The buckets of a base-2 exponential histogram of scale 5, as OpenTelemetry defines them: bucket `i` holds the values in
 * (2^(i/32), 2^((i+1)/32)], measured in the unit of export.
 *
 * A value is an unsigned integer of base units (nanoseconds, bytes, millionths). It is divided by the base units of one unit,
 * which is the one rounding, and its bucket is read off the bits of that quotient: 32 times the exponent, plus the number of
 * boundaries that the mantissa is above. No power and no logarithm is computed anywhere, so two hosts agree to the bit.
 */

/** Buckets of one octave. */
export const OCTAVE_BUCKETS: u32 = 32;
/** Units that a histogram may be of: 0 counts and bytes, 1 seconds kept as nanoseconds, 2 ratios kept as millionths. */
export const UNITS: u32 = 3;

const MANTISSA_BITS: u64 = 52;
const MANTISSA_MASK: u64 = (1 << 52) - 1;
const EXPONENT_BIAS: i32 = 1023;
/** High mantissa bits that choose a cell; a cell is narrower than a bucket, so at most one boundary lies in it. */
const CELL_SHIFT: u64 = 46;

/** Mantissas of 2^(j/32), rounded down, for j of 0 to 31, and the end of the octave. */
const BOUNDARIES: usize = memory.data<u64>([
  0x0000000000000, 0x059b0d3158574, 0x0b5586cf9890f, 0x11301d0125b50, 0x172b83c7d517a, 0x1d4873168b9aa, 0x2387a6e756238,
  0x29e9df51fdee1, 0x306fe0a31b715, 0x371a7373aa9ca, 0x3dea64c123422, 0x44e086061892d, 0x4bfdad5362a27, 0x5342b569d4f81,
  0x5ab07dd485429, 0x6247eb03a5584, 0x6a09e667f3bcc, 0x71f75e8ec5f73, 0x7a11473eb0186, 0x82589994cce12, 0x8ace5422aa0db,
  0x93737b0cdc5e4, 0x9c49182a3f090, 0xa5503b23e255c, 0xae89f995ad3ad, 0xb7f76f2fb5e46, 0xc199bdd85529c, 0xcb720dcef9069,
  0xd5818dcfba487, 0xdfc97337b9b5e, 0xea4afa2a490d9, 0xf50765b6e4540, 0xfffffffffffff,
]);

/** The bucket in which each cell begins. */
const CELLS: usize = memory.data<u8>([
  0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7, 8, 9, 9, 10, 10, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20,
  20, 21, 21, 21, 22, 22, 23, 23, 24, 24, 25, 25, 25, 26, 26, 27, 27, 27, 28, 28, 29, 29, 29, 30, 30, 30, 31, 31,
]);

/** Base units of one unit of export, by unit. */
const SCALES: usize = memory.data<f64>([1, 1e9, 1e6]);

/** Base units of one unit of export. */
export function unitScale(unit: u32): f64 {
  return load<f64>(SCALES + ((<usize>unit) << 3));
}

/** Gives the bucket of `value`, which is not 0. */
export function bucketOf(value: u64, unit: u32): i32 {
  // A signed conversion is one instruction; for more, the bit that halving would lose is kept to round as a whole.
  let whole = <f64>(<i64>value);
  if (<i64>value < 0) whole = <f64>(<i64>(value >> 1) | <i64>(value & 1)) * 2;
  const quotient = unit == 0 ? whole : whole / load<f64>(SCALES + ((<usize>unit) << 3));
  const bits = reinterpret<u64>(quotient);
  const mantissa = bits & MANTISSA_MASK;
  const cell = <usize>load<u8>(CELLS + <usize>(mantissa >> CELL_SHIFT));
  const within = <i32>cell + i32(mantissa > load<u64>(BOUNDARIES + (cell << 3), 8)) - i32(mantissa == 0);
  return ((<i32>(bits >> MANTISSA_BITS) - EXPONENT_BIAS) << 5) + within;
}

/** Gives the lower boundary of bucket `index`, 2^(index/32) rounded down; its upper one is that of `index + 1`. */
export function bucketBoundary(index: i32): f64 {
  const exponent = (<u64>((index >> 5) + EXPONENT_BIAS)) << MANTISSA_BITS;
  return reinterpret<f64>(exponent | load<u64>(BOUNDARIES + ((<usize>(index & 31)) << 3)));
}

/** Gives the value that is at most 1.083 % from every value in bucket `index`: the harmonic mean of its boundaries. */
export function bucketMiddle(index: i32): f64 {
  const low = bucketBoundary(index);
  const high = bucketBoundary(index + 1);
  return (2 * low * high) / (low + high);
}
