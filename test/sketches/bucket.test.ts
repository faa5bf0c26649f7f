/** Bucket boundaries against powers of two in BigInt, to the last bit. */
import { describe, expect, test } from "vitest";
import { randomFrom, Sketches } from "../support/sketches";

const { core } = new Sketches();
const SCALES = [1, 1e9, 1e6];

/** A double as mantissa * 2^exponent, exactly. */
function partsOf(value: number): [bigint, number] {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  return [(word & ((1n << 52n) - 1n)) | (1n << 52n), Number(word >> 52n) - 1075];
}

/** Whether `value` is above 2^(index / 32), exactly: value^32 against 2^index. */
function isAbove(value: number, index: number): boolean {
  const [mantissa, exponent] = partsOf(value);
  const power = mantissa ** 32n;
  const shift = index - 32 * exponent;
  return shift <= 0 || power > 1n << BigInt(shift);
}

/** Values around which an index may go wrong: every power of two and of ten, their neighbours, and random ones. */
function valuesToTry(): bigint[] {
  const values = [1n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n];
  for (let bit = 1n; bit < 64n; bit++) values.push(2n ** bit - 1n, 2n ** bit, 2n ** bit + 1n);
  for (let power = 1n; power < 20n; power++) values.push(10n ** power, 18n * 10n ** (power - 1n));
  const random = randomFrom(3);
  for (let i = 0; i < 3000; i++) values.push(BigInt.asUintN(64, BigInt(Math.floor(Math.exp(random() * 43.6)))) || 1n);
  return values;
}

describe("bucketOf", () => {
  test.each([0, 1, 2])("puts every value into (2^(i/32), 2^((i+1)/32)], unit %i", (unit) => {
    for (const value of valuesToTry()) {
      const quotient = Number(value) / SCALES[unit]!;
      const index = core.bucketOf(value, unit);
      if (!isAbove(quotient, index) || isAbove(quotient, index + 1)) throw new Error(`${value} is not in bucket ${index}`);
    }
  });

  test("puts the doubles on both sides of every boundary of an octave into neighbouring buckets", () => {
    // 2^52 to 2^53: every double is an integer, and every integer a double.
    for (let j = 0; j < 32; j++) {
      const last = BigInt(core.bucketBoundary(52 * 32 + j));
      expect(core.bucketOf(last, 0)).toBe(52 * 32 + j - 1);
      expect(core.bucketOf(last + 1n, 0)).toBe(52 * 32 + j);
    }
  });
});

test("boundaries are 2^(i/32) rounded down to a double", () => {
  for (let index = -960; index <= 2048; index++) {
    const boundary = core.bucketBoundary(index);
    const [mantissa, exponent] = partsOf(boundary);
    expect(isAbove(boundary, index)).toBe(false);
    expect(isAbove(Number(mantissa + 1n) * 2 ** exponent, index)).toBe(true);
  }
});

test("the middle of a bucket is within 1.083 % of everything in it", () => {
  for (let index = -960; index < 2048; index++) {
    const middle = core.bucketMiddle(index);
    expect(Math.abs(middle / core.bucketBoundary(index) - 1)).toBeLessThanOrEqual(0.0108301);
    expect(Math.abs(middle / core.bucketBoundary(index + 1) - 1)).toBeLessThanOrEqual(0.0108301);
  }
});
