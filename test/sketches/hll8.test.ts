/**
 * HLL_8 exports against bytes worked out from DataSketches' public description of its format: coupons and slots are computed here
 * from MurmurHash3 in BigInt, and read as a reader of that library reads them.
 */
import { describe, expect, test } from "vitest";
import { murmur3 } from "../support/murmur3";
import { bytesOf, Sketches } from "../support/sketches";

const SEED = 9001n;

function leadingZeros(value: bigint): number {
  return value === 0n ? 64 : 64 - value.toString(2).length;
}

/** DataSketches' coupon of a key: the low 26 bits of the hash's first half, under 1 + the leading zeros of its second. */
function couponOf(key: string): number {
  const [low, high] = murmur3(bytesOf(key), SEED);
  const value = Math.min(leadingZeros(high), 62) + 1;
  return value * 2 ** 26 + Number(low & 0x3ffffffn);
}

function exportOf(keys: string[], precision: number): DataView {
  const sketches = new Sketches();
  const state = sketches.create("distinct", precision);
  for (const key of keys) sketches.core.distinctAdd(state, sketches.element(bytesOf(key)));
  sketches.core.write(1 << 20);
  sketches.core.distinctEncodeHll8(state);
  return new DataView(sketches.bytes(sketches.core.output(), sketches.core.written()).slice().buffer);
}

const bytes = (view: DataView) => [...new Uint8Array(view.buffer)];
const keysOf = (count: number) => Array.from({ length: count }, (_, index) => `key-${index}`);

describe.each([12, 14])("lgK %i", (lgK) => {
  test("nothing is an empty list", () => {
    expect(bytes(exportOf([], lgK))).toEqual([2, 1, 7, lgK, 3, 4 | 8, 0, 8]);
  });

  test.each([1, 7])("%i keys are a list of coupons", (count) => {
    const view = exportOf(keysOf(count), lgK);
    expect(bytes(view).slice(0, 8)).toEqual([2, 1, 7, lgK, 3, 8, count, 8]);
    expect(view.byteLength).toBe(8 + 4 * count);
    const coupons = Array.from({ length: count }, (_, index) => view.getUint32(8 + 4 * index, true));
    expect(coupons.sort()).toEqual(keysOf(count).map(couponOf).sort());
  });

  test.each([8, 24, 25, 32])("%i keys are a set of coupons", (count) => {
    const view = exportOf(keysOf(count), lgK);
    expect(bytes(view).slice(0, 8)).toEqual([3, 1, 7, lgK, count <= 24 ? 5 : 6, 8, 0, 9]);
    expect(view.getUint32(8, true)).toBe(count);
    expect(view.byteLength).toBe(12 + 4 * count);
    const coupons = Array.from({ length: count }, (_, index) => view.getUint32(12 + 4 * index, true));
    expect(coupons.sort()).toEqual(keysOf(count).map(couponOf).sort());
  });

  test.each([33, 1000, 30_000])("%i keys are slots", (count) => {
    const slots = new Uint8Array(1 << lgK);
    for (const coupon of keysOf(count).map(couponOf)) {
      const slot = coupon & ((1 << lgK) - 1);
      slots[slot] = Math.max(slots[slot]!, coupon >>> 26);
    }
    const view = exportOf(keysOf(count), lgK);
    expect(bytes(view).slice(0, 8)).toEqual([10, 1, 7, lgK, 0, 16, 0, 10]);
    expect(view.byteLength).toBe(40 + (1 << lgK));
    expect(bytes(view).slice(40)).toEqual([...slots]);
    const sum = (from: number, to: number) =>
      slots.reduce((total, value) => total + (value >= from && value < to ? 2 ** -value : 0), 0);
    expect(view.getFloat64(8, true)).toBe(0);
    expect(view.getFloat64(16, true)).toBe(sum(0, 32));
    expect(view.getFloat64(24, true)).toBe(sum(32, 64));
    expect(view.getUint32(32, true)).toBe(slots.filter((value) => value === 0).length);
    expect(view.getUint32(36, true)).toBe(0);
  });
});

test("three names give these bytes", () => {
  // Seed 9001: "a" hashes to f6020f0aa43b822f c51f4ded6e1eb0fe (no leading zeros in the second half: value 1, address 03b822f),
  // "b" to 69cb8f136c80ff0a 8095f9eaf20933e8 (value 1, address 080ff0a), and "example.org" to 6a99d0d5fbd84681 016dfc4f4fac05fd
  // (seven: value 8, address 3d84681). A coupon is value * 2^26 + address, little-endian.
  expect(bytes(exportOf(["example.org", "a", "b", "a"], 12))).toEqual([
    ...[0x02, 0x01, 0x07, 0x0c, 0x03, 0x08, 0x03, 0x08],
    ...[0x2f, 0x82, 0x3b, 0x04],
    ...[0x0a, 0xff, 0x80, 0x04],
    ...[0x81, 0x46, 0xd8, 0x23],
  ]);
});
