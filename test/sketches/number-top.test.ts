/** Counts of numbers: what was counted, in order, and the count of any rank. */
import { expect, test } from "vitest";
import { randomFrom, Sketches } from "../support/sketches";

test.each([1, 2, 3])("every number has its count, and every rank its limit, seed %i", (seed) => {
  const sketches = new Sketches();
  const { core } = sketches;
  const used = core.poolUsed();
  const state = core.numberCreate();
  const random = randomFrom(seed);
  const truth = new Map<number, number>();
  for (let i = 0; i < 60_000; i++) {
    const number = Math.floor(random() ** (seed * 2) * 65_536);
    truth.set(number, (truth.get(number) ?? 0) + 1);
    expect(core.numberAdd(state, number)).toBe(1);
  }
  const found: [number, number][] = [];
  for (let at = core.numberNext(state, 0, 1); at < 65_536; at = core.numberNext(state, at + 1, 1)) {
    found.push([at, Number(core.numberCount(state, at))]);
  }
  expect(found).toEqual([...truth].toSorted(([a], [b]) => a - b));
  for (const least of [2, 255, 256, 257, 5000]) {
    const many: number[] = [];
    for (let at = core.numberNext(state, 0, least); at < 65_536; at = core.numberNext(state, at + 1, least)) many.push(at);
    expect(many, `counted ${least} times`).toEqual(found.filter(([, count]) => count >= least).map(([at]) => at));
  }
  const counts = [...truth.values()].toSorted((a, b) => b - a);
  for (const rank of [1, 2, 10, 64, 1000, counts.length]) {
    expect(Number(core.numberLimit(state, rank)), `rank ${rank}`).toBe(counts[rank - 1] ?? 0);
  }
  expect(core.numberLimit(state, counts.length + 1)).toBe(0n);
  core.numberRelease(state);
  expect(core.poolUsed()).toBe(used);
});

test("a number without a page is refused and no other changes", () => {
  const sketches = new Sketches(48 << 10);
  const { core } = sketches;
  const state = core.numberCreate();
  let taken = 0;
  for (let page = 0; page < 64; page++) taken += core.numberAdd(state, page * 1024 + 5);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(64);
  for (let page = 0; page < 64; page++) expect(Number(core.numberCount(state, page * 1024 + 5))).toBe(page < taken ? 1 : 0);
});
