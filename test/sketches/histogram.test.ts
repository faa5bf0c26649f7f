/** Histograms against exact sorting and BigInt sums. */
import { describe, expect, test } from "vitest";
import { randomFrom, Sketches, unsigned } from "../support/sketches";

const SCALES = [1, 1e9, 1e6];
const QUANTILES = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1];

/** Normally distributed, by Box and Muller. */
function normalFrom(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const SOURCES: Record<string, (random: () => number) => number> = {
  lognormal: (random) => Math.round(Math.exp(14 + 1.5 * normalFrom(random))),
  uniform: (random) => Math.floor(random() * 1e6),
  constant: () => 123_456_789,
  "heavy tail": (random) => Math.floor(1000 / (1 - random()) ** 2),
  "zeros and ones": (random) => Math.floor(random() * 2),
};

describe.each(Object.keys(SOURCES))("%s values", (name) => {
  test.each([0, 1, 2])("have all quantiles within 1.083 percent and count, sum, min, max exact, unit %i", (unit) => {
    const sketches = new Sketches();
    const { core } = sketches;
    for (let seed = 1; seed <= 5; seed++) {
      const random = randomFrom(seed);
      const state = sketches.create("histogram", unit);
      const values = Array.from({ length: 20_000 }, () => SOURCES[name]!(random));
      for (const value of values) core.histogramAdd(state, BigInt(value), 1n);
      values.sort((a, b) => a - b);
      const scale = SCALES[unit]!;
      expect(core.histogramCount(state)).toBe(20_000n);
      expect(core.histogramSum(state)).toBe(Number(values.reduce((sum, value) => sum + BigInt(value), 0n)) / scale);
      expect(core.histogramMin(state)).toBe(values[0]! / scale);
      expect(core.histogramMax(state)).toBe(values.at(-1)! / scale);
      for (const q of QUANTILES) {
        const exact = values[Math.max(1, Math.ceil(q * values.length)) - 1]! / scale;
        expect(Math.abs(core.histogramQuantile(state, q) - exact)).toBeLessThanOrEqual(0.0108301 * exact);
      }
      expect(core.histogramQuantile(state, 0)).toBe(values[0]! / scale);
      expect(core.histogramQuantile(state, 1)).toBe(values.at(-1)! / scale);
      sketches.release("histogram", state);
    }
    expect(core.poolUsed()).toBe(new Sketches().core.poolUsed());
  });
});

describe("a histogram", () => {
  const sketches = new Sketches();
  const { core } = sketches;

  test("counts a value many times at once", () => {
    const once = sketches.create("histogram", 0);
    const often = sketches.create("histogram", 0);
    for (const [value, count] of [
      [7n, 3n],
      [0n, 5n],
      [1n << 40n, 11n],
      [12345n, 1n],
    ] as const) {
      core.histogramAdd(once, value, count);
      for (let i = 0n; i < count; i++) core.histogramAdd(often, value, 1n);
    }
    expect(core.histogramAdd(once, 99n, 0n)).toBe(1);
    expect(sketches.encode("histogram", once)).toEqual(sketches.encode("histogram", often));
  });

  test("keeps the sum exact beyond 64 bits", () => {
    const state = sketches.create("histogram", 0);
    const most = 2n ** 64n - 1n;
    core.histogramAdd(state, most, 2n ** 40n);
    core.histogramAdd(state, most - 5n, 3n);
    core.histogramAdd(state, 1n, 1n);
    const sum = most * 2n ** 40n + (most - 5n) * 3n + 1n;
    const view = new DataView(core.memory.buffer, state);
    expect(view.getBigUint64(16, true) + (view.getBigUint64(24, true) << 64n)).toBe(sum);
    expect(core.histogramSum(state)).toBe(Number(sum));
  });

  test("takes every value there is, in every unit", () => {
    for (const unit of [0, 1, 2]) {
      const state = sketches.create("histogram", unit);
      const values = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit)).concat(2n ** 64n - 1n);
      for (const value of values) core.histogramAdd(state, value, 1n);
      for (const value of values) expect(core.histogramBucket(state, core.bucketOf(value, unit))).toBeGreaterThan(0n);
      const copy = sketches.create("histogram", unit);
      expect(sketches.decode("histogram", copy, unit, sketches.encode("histogram", state))).toBe(true);
      expect(sketches.encode("histogram", copy)).toEqual(sketches.encode("histogram", state));
    }
  });

  test("counts on in 64 bits beyond 2^32 values, whichever way they come", () => {
    const added = sketches.create("histogram", 0);
    core.histogramAdd(added, 1000n, 5n);
    core.histogramAdd(added, 3000n, 2n ** 32n - 6n);
    core.histogramAdd(added, 1000n, 2n ** 33n);
    core.histogramAdd(added, 9n, 1n);
    expect(core.histogramCount(added)).toBe(3n * 2n ** 32n);
    expect(core.histogramBucket(added, core.bucketOf(1000n, 0))).toBe(2n ** 33n + 5n);
    expect(core.histogramBucket(added, core.bucketOf(3000n, 0))).toBe(2n ** 32n - 6n);
    const merged = sketches.create("histogram", 0);
    for (const [value, count] of [
      [3000n, 2n ** 31n],
      [1000n, 2n ** 33n],
      [3000n, 2n ** 31n - 6n],
      [1000n, 5n],
      [9n, 1n],
    ] as const) {
      const part = sketches.create("histogram", 0);
      core.histogramAdd(part, value, count);
      expect(sketches.merge("histogram", merged, part)).toBe(true);
    }
    expect(sketches.encode("histogram", merged)).toEqual(sketches.encode("histogram", added));
    const decoded = sketches.create("histogram", 0);
    core.histogramAdd(decoded, 1000n, 1n);
    expect(sketches.decode("histogram", decoded, 0, sketches.encode("histogram", added))).toBe(true);
    expect(core.histogramCount(decoded)).toBe(3n * 2n ** 32n + 1n);
  });

  test("refuses more than 2^62 values and stays as it was", () => {
    const state = sketches.create("histogram", 0);
    expect(core.histogramAdd(state, 5n, 2n ** 62n)).toBe(1);
    const before = sketches.encode("histogram", state);
    expect(core.histogramAdd(state, 5n, 1n)).toBe(0);
    expect(core.histogramAdd(state, 5n, 2n ** 64n - 1n)).toBe(0);
    const one = sketches.create("histogram", 0);
    core.histogramAdd(one, 5n, 1n);
    expect(sketches.merge("histogram", state, one)).toBe(false);
    expect(sketches.decode("histogram", state, 0, sketches.encode("histogram", one))).toBe(false);
    expect(sketches.encode("histogram", state)).toEqual(before);
  });

  test("of nothing is one byte, and shows zeros", () => {
    const state = sketches.create("histogram", 1);
    expect(sketches.encode("histogram", state)).toEqual(Uint8Array.of(0));
    expect([core.histogramMin(state), core.histogramMax(state), core.histogramQuantile(state, 0.5)]).toEqual([0, 0, 0]);
  });

  test("is written as its format says", () => {
    const state = sketches.create("histogram", 0);
    core.histogramAdd(state, 0n, 2n);
    core.histogramAdd(state, 1n, 3n); // bucket -1, the lowest
    core.histogramAdd(state, 2n, 1n); // bucket 31: 31 empty ones after -1
    core.histogramAdd(state, 300n, 200n); // bucket 263, as 2^(263/32) < 300 <= 2^(264/32)
    expect(core.bucketOf(300n, 0)).toBe(263);
    const sum = 60_005;
    expect([...sketches.encode("histogram", state)]).toEqual([
      ...[0xce, 0x01], // count 206
      ...[0, 0xac, 0x02], // min 0, max - min 300
      ...[0x80 | (sum & 0x7f), 0x80 | ((sum >> 7) & 0x7f), sum >> 14, 0], // sum
      3, // runs
      ...[0, 30, 0xe6, 0x01], // gaps: none, 31 - 1, 231 - 1
      ...[0, 0, 0], // each of one bucket
      ...[3, 1, 0xc8, 0x01], // counts
    ]);
  });
});

test("a pool that is used up refuses a value or a merge as a whole", () => {
  for (let pages = 9; pages < 14; pages++) {
    const sketches = new Sketches(pages * 4096);
    const { core } = sketches;
    const state = sketches.create("histogram", 0);
    if (state === 0) continue;
    let counted = 0n;
    let sum = 0n;
    for (let bit = 0n; bit < 64n; bit++) {
      for (let i = 0; i < 64; i++) {
        const value = (1n << bit) + BigInt(i);
        if (core.histogramAdd(state, value, 1n) === 0) continue;
        counted++;
        sum += value;
      }
      const copy = sketches.create("histogram", 0);
      if (copy === 0 || core.histogramAdd(copy, 1n << (63n - bit), 5n) === 0) continue;
      const before = sketches.encode("histogram", state);
      if (sketches.merge("histogram", state, copy)) {
        counted += unsigned(core.histogramCount(copy));
        sum += 5n << (63n - bit);
      } else {
        expect(sketches.encode("histogram", state)).toEqual(before);
      }
    }
    expect(core.refused()).toBeGreaterThan(0n);
    expect(core.histogramCount(state)).toBe(counted);
    expect(core.histogramSum(state)).toBe(Number(sum));
    expect(sketches.skip("histogram", 0, sketches.encode("histogram", state))).toBe(0);
  }
});
