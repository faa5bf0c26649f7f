/** Rates against exact totals by second. */
import { describe, expect, test } from "vitest";
import { SketchReader } from "../support/sketch-reader";
import { randomFrom, Sketches } from "../support/sketches";

const MINUTE = 1_700_000_040;

describe("a rate", () => {
  const sketches = new Sketches();
  const { core } = sketches;

  /** A rate of one minute sealed, and the totals of its seconds in ascending order. */
  function minuteOf(seed: number, order: (a: number, b: number) => number): [number, number[]] {
    const random = randomFrom(seed);
    const additions = Array.from({ length: 5000 }, () => ({
      second: Math.floor(random() ** 2 * 50),
      n: Math.floor(random() * 1500),
    }));
    additions.sort((a, b) => order(a.second, b.second));
    const totals = Array<number>(60).fill(0);
    const state = sketches.create("rate", 0);
    for (const { second, n } of additions) {
      totals[second]! += n;
      expect(core.rateAdd(state, BigInt(n), MINUTE + second)).toBe(1);
    }
    expect(core.rateTotal(state)).toBe(BigInt(totals.reduce((a, b) => a + b)));
    expect(core.rateSeal(state, 60)).toBe(1);
    return [state, totals.sort((a, b) => a - b)];
  }

  test("has an exact total, and the seconds' quantiles within 1.083 percent, the empty ones counted", () => {
    const [state, totals] = minuteOf(1, () => 0);
    expect(core.rateTotal(state)).toBe(BigInt(totals.reduce((a, b) => a + b)));
    expect(core.histogramCount(state)).toBe(60n);
    for (const q of [0, 0.1, 0.3, 0.5, 0.9, 0.99, 1]) {
      const exact = totals[Math.max(1, Math.ceil(q * 60)) - 1]!;
      expect(Math.abs(core.histogramQuantile(state, q) - exact)).toBeLessThanOrEqual(0.0108301 * exact);
    }
    expect(core.histogramMax(state)).toBe(totals.at(-1));
  });

  test("is the same for any order of its packets", () => {
    const orders = [() => 0, (a: number, b: number) => a - b, (a: number, b: number) => b - a];
    const encodings = orders.map((order) => sketches.encode("rate", minuteOf(2, order)[0]));
    expect(encodings[1]).toEqual(encodings[0]);
    expect(encodings[2]).toEqual(encodings[0]);
  });

  test("refuses another minute's seconds", () => {
    const state = sketches.create("rate", 0);
    expect(core.rateAdd(state, 5n, MINUTE + 59)).toBe(1);
    expect(core.rateAdd(state, 7n, MINUTE)).toBe(1);
    expect(core.rateAdd(state, 1n, MINUTE + 60)).toBe(0);
    expect(core.rateAdd(state, 1n, MINUTE - 1)).toBe(0);
    expect(core.rateTotal(state)).toBe(12n);
  });

  test("of a supplement counts only the seconds that have something", () => {
    const state = sketches.create("rate", 0);
    core.rateAdd(state, 5n, MINUTE + 3);
    core.rateAdd(state, 9_000_000_000n, MINUTE + 4);
    core.rateSeal(state, 0);
    const reading = new SketchReader(sketches.encode("rate", state)).histogram();
    expect([reading.count, reading.sum, reading.min, reading.max]).toEqual([2n, 9_000_000_005n, 5n, 9_000_000_000n]);
  });

  test("of an idle minute is sixty empty seconds", () => {
    const state = sketches.create("rate", 0);
    core.rateSeal(state, 60);
    expect([core.rateTotal(state), core.histogramCount(state), core.histogramMax(state)]).toEqual([0n, 60n, 0]);
  });
});
