/** Distinct states against a register model of their own, exact counts, and error over many seeds. */
import { describe, expect, test } from "vitest";
import { decodeRegisters } from "../support/registers";
import { bytesOf, Sketches } from "../support/sketches";

const RELATIVE_ERROR: Record<number, number> = { 12: 0.7608621 / 64, 14: 0.7608621 / 128 };

/** The outputs of splitmix64 from `seed`, as `distinctFill` takes them. */
function elementsFrom(seed: bigint, count: number): bigint[] {
  const wrap = (value: bigint) => BigInt.asUintN(64, value);
  return Array.from({ length: count }, (_, index) => {
    let mixed = wrap(seed + 0x9e3779b97f4a7c15n * BigInt(index + 1));
    mixed = wrap((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = wrap((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  });
}

/** Registers after UltraLogLog's definition: the largest level seen, and whether the two below it were seen. */
function registersOf(elements: Iterable<bigint>, precision: number): Uint8Array {
  const seen = new Map<number, Set<number>>();
  for (const element of elements) {
    const index = Number((element >> 38n) & ((1n << BigInt(precision)) - 1n));
    const run = element & ((1n << 38n) - 1n);
    const levels = seen.get(index) ?? new Set<number>();
    seen.set(index, levels.add(run === 0n ? 39 : 39 - run.toString(2).length));
  }
  const registers = new Uint8Array(1 << precision);
  for (const [index, levels] of seen) {
    const top = Math.max(...levels);
    registers[index] = ((top + 2) << 2) | (levels.has(top - 1) ? 2 : 0) | (levels.has(top - 2) ? 1 : 0);
  }
  return registers;
}

describe.each([12, 14])("2^%i registers", (precision) => {
  const sketches = new Sketches();
  const { core } = sketches;

  test("up to 32 elements are exact, kept in order, and seen once", () => {
    const state = sketches.create("distinct", precision);
    const elements = elementsFrom(5n, 32);
    for (const [index, element] of elements.entries()) {
      core.distinctAdd(state, element);
      core.distinctAdd(state, elements[Math.floor(index / 2)]!);
      expect([core.distinctEstimate(state), core.distinctLower(state), core.distinctUpper(state)]).toEqual(
        Array(3).fill(index + 1),
      );
    }
    const encoding = sketches.encode("distinct", state);
    const view = new DataView(encoding.buffer);
    const sorted = elements.toSorted((a, b) => (a < b ? -1 : 1));
    expect(encoding[0]).toBe(32);
    expect(sorted.map((_, index) => view.getBigUint64(1 + 8 * index, true))).toEqual(sorted);
  });

  test.each([33, 40, 500, 1023, 1500, 5000, 60_000])("%i elements fill the registers that the definition says", (count) => {
    const state = sketches.create("distinct", precision);
    core.distinctFill(state, BigInt(count), count);
    const registers = registersOf(elementsFrom(BigInt(count), count), precision);
    expect(decodeRegisters(sketches.encode("distinct", state), precision)).toEqual(registers);
    sketches.release("distinct", state);
  });

  test("levels of every height, the empty run included, are as the definition says", () => {
    const elements: bigint[] = [];
    for (let index = 0n; index < 3n; index++) {
      for (let bit = 0n; bit < 38n; bit += index + 1n) elements.push((index << 38n) | (1n << bit));
      elements.push(index << 38n);
    }
    for (let index = 10n; index < 60n; index++) elements.push((index << 38n) | (1n << (index % 38n)));
    for (const order of [elements, elements.toReversed()]) {
      const state = sketches.create("distinct", precision);
      for (const element of order) core.distinctAdd(state, element);
      expect(decodeRegisters(sketches.encode("distinct", state), precision)).toEqual(registersOf(elements, precision));
      expect(sketches.skip("distinct", precision, sketches.encode("distinct", state))).toBe(0);
    }
  });

  test.each([
    [50, 400],
    [200, 400],
    [1000, 400],
    [5000, 400],
    [20_000, 300],
    [100_000, 100],
  ])("%i elements are estimated without bias and with the error promised, over %i seeds", (count, seeds) => {
    let sum = 0;
    let squares = 0;
    let covered = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const state = sketches.create("distinct", precision);
      core.distinctFill(state, BigInt(seed) << 32n, count);
      const error = core.distinctEstimate(state) / count - 1;
      sum += error;
      squares += error * error;
      if (core.distinctLower(state) <= count && count <= core.distinctUpper(state)) covered++;
      sketches.release("distinct", state);
    }
    const promised = RELATIVE_ERROR[precision]!;
    expect(Math.sqrt(squares / seeds)).toBeLessThan(promised * (1 + 3 / Math.sqrt(2 * seeds)));
    expect(Math.abs(sum / seeds)).toBeLessThan((4 * promised) / Math.sqrt(seeds));
    expect(covered / seeds).toBeGreaterThan(0.92);
  });

  test("a hundred million elements are estimated within four standard errors", () => {
    const state = sketches.create("distinct", precision);
    core.distinctFill(state, 77n, 10_000_000);
    expect(Math.abs(core.distinctEstimate(state) / 1e7 - 1)).toBeLessThan(4 * RELATIVE_ERROR[precision]!);
  });
});

test("a pool that is used up refuses the registers and keeps the list", () => {
  const sketches = new Sketches(9 * 4096);
  const { core } = sketches;
  const states = Array.from({ length: 40 }, () => sketches.create("distinct", 14)).filter((state) => state !== 0);
  const elements = elementsFrom(9n, 40);
  const refused = states.filter((state) => elements.filter((element) => core.distinctAdd(state, element) === 0).length > 0);
  expect(refused.length).toBeGreaterThan(0);
  for (const state of refused) expect(core.distinctEstimate(state)).toBeLessThanOrEqual(32);
  expect(core.refused()).toBeGreaterThan(0n);
});

test("real keys are counted by their hashes", () => {
  const sketches = new Sketches();
  const state = sketches.create("distinct", 12);
  for (let i = 0; i < 3000; i++) sketches.core.distinctAdd(state, sketches.element(bytesOf(`host-${i % 1500}.example.org`)));
  expect(Math.abs(sketches.core.distinctEstimate(state) / 1500 - 1)).toBeLessThan(0.05);
});
