/** Tables that several tops share, against exact weights: what each column becomes must be certain, as a top of its own is. */
import { describe, expect, test } from "vitest";
import { KEY_SOURCES, sumOf } from "../support/key-sources";
import { bytesOf, randomFrom, Sketches } from "../support/sketches";

type Weights = Map<string, bigint[]>;

/** A stream of keys with weights in several columns: requests, bytes, and what happens to few. */
function weighted(name: string, seed: number, count: number, columns: number): [string, bigint[]][] {
  const random = randomFrom(seed * 31 + 7);
  return KEY_SOURCES[name]!(seed, count).map(({ key, weight }) => {
    const weights = Array.from({ length: columns }, (_, column) => {
      if (column === 0) return BigInt(weight);
      if (column === 1) return BigInt(40 + Math.floor(random() * 4000));
      return random() < 1 / (column * column) ? 1n : 0n;
    });
    return [key, weights];
  });
}

function weigh(stream: [string, bigint[]][]): Weights {
  const truth: Weights = new Map();
  for (const [key, weights] of stream) {
    const before = truth.get(key) ?? weights.map(() => 0n);
    truth.set(
      key,
      before.map((weight, column) => weight + weights[column]!),
    );
  }
  return truth;
}

/** Holds a column's top against the truth, and gives the bound of what it does not show. */
function expectCertain(sketches: Sketches, state: number, column: number, truth: Weights): bigint {
  const top = sketches.core.sharedColumn(state, column, 11);
  const weightOf = (key: string) => truth.get(key)?.[column] ?? 0n;
  expect(sketches.core.topTotal(top)).toBe(sumOf([...truth.values()].map((weights) => weights[column]!)));
  const { rows, bound } = sketches.topRows(top, 1024);
  const keys = new Set(rows.map(({ key }) => key));
  for (const { key, lower, upper } of rows) {
    const weight = weightOf(key);
    if (lower > weight || weight > upper) throw new Error(`${key} weighs ${weight}, not ${lower} to ${upper}`);
  }
  for (const key of truth.keys()) {
    if (!keys.has(key) && weightOf(key) > bound) throw new Error(`${key} weighs ${weightOf(key)}, above ${bound}`);
  }
  expect(keys.size).toBe(rows.length);
  const encoding = sketches.encode("top", top);
  expect(sketches.skip("top", 11, encoding)).toBe(0);
  sketches.release("top", top);
  return bound;
}

describe.each(Object.keys(KEY_SOURCES))("keys that come as %s", (name) => {
  test.each([
    [1, 1],
    [2, 2],
    [4, 3],
    [10, 4],
    [12, 5],
  ])("are certain in each of %i columns, seed %i", (columns, seed) => {
    const sketches = new Sketches();
    const used = sketches.core.poolUsed();
    const state = sketches.core.sharedCreate(columns, 8);
    const stream = weighted(name, seed, 30_000, columns);
    for (const [key, weights] of stream) expect(sketches.addShared(state, bytesOf(key), weights)).toBe(true);
    const truth = weigh(stream);
    for (let column = 0; column < columns; column++) expectCertain(sketches, state, column, truth);
    sketches.core.sharedRelease(state);
    expect(sketches.core.poolUsed()).toBe(used);
  });

  test.each([1, 2])("leave no heavy key out: a bound of 0.2 percent of all weight, seed %i", (seed) => {
    const sketches = new Sketches(32 << 20);
    const columns = 10;
    const state = sketches.core.sharedCreate(columns, 11);
    sketches.core.exportKeys(1024, 64);
    const stream = weighted(name, seed, 60_000, columns);
    for (const [key, weights] of stream) sketches.addShared(state, bytesOf(key), weights);
    const truth = weigh(stream);
    for (let column = 0; column < 2; column++) {
      const total = sumOf([...truth.values()].map((weights) => weights[column]!));
      expect(Number(expectCertain(sketches, state, column, truth))).toBeLessThanOrEqual(0.002 * Number(total));
    }
  });
});

test("keys of columns that have nothing in common are kept side by side", () => {
  const sketches = new Sketches(32 << 20);
  const state = sketches.core.sharedCreate(12, 11);
  const stream = Array.from({ length: 120_000 }, (_, at): [string, bigint[]] => {
    const column = at % 12;
    return [`${column}:${Math.floor(at / 12) % 2000}`, Array.from({ length: 12 }, (__, i) => (i === column ? 1n : 0n))];
  });
  for (const [key, weights] of stream) sketches.addShared(state, bytesOf(key), weights);
  for (let column = 0; column < 12; column++) expectCertain(sketches, state, column, weigh(stream));
});

test("few keys are exact to the unit, of any length and any bytes", () => {
  const sketches = new Sketches();
  const used = sketches.core.poolUsed();
  const state = sketches.core.sharedCreate(2, 11);
  sketches.core.exportKeys(1024, 64);
  const keys = Array.from({ length: 256 }, (_, length) => Uint8Array.from({ length }, (__, at) => (at * length) & 0xff));
  for (const turn of [0n, 1n]) {
    for (const [index, key] of keys.entries()) sketches.addShared(state, key, [turn, BigInt(index + 1)]);
  }
  const top = sketches.core.sharedColumn(state, 1, 11);
  const { rows, bound } = sketches.topRows(top, 1024);
  expect(bound).toBe(0n);
  expect(rows.map(({ lower, upper }) => [lower, upper])).toEqual(keys.map((_, at) => Array(2).fill(BigInt(2 * (256 - at)))));
  sketches.release("top", top);
  sketches.core.sharedRelease(state);
  expect(sketches.core.poolUsed()).toBe(used);
});

test.each([40, 60, 100, 150])("without memory beyond %i KiB all stays certain", (kib) => {
  const sketches = new Sketches(kib << 10);
  const state = sketches.core.sharedCreate(3, 11);
  const used = sketches.core.poolUsed();
  const stream = weighted("zipf 1.0", kib, 20_000, 3);
  for (const [key, weights] of stream) sketches.addShared(state, bytesOf(key), weights);
  expect(sketches.core.refused()).toBeGreaterThan(0n);
  const truth = weigh(stream);
  const freed = sketches.core.poolUsed() - used;
  expect(freed).toBeGreaterThan(0);
  for (let column = 0; column < 3; column++) {
    const top = sketches.core.sharedColumn(state, column, 11);
    if (top === 0) continue;
    sketches.release("top", top);
    expectCertain(sketches, state, column, truth);
  }
});

test("the factor that places keys changes no output", () => {
  const encodings = [1n, 0x9e3779b97f4a7c15n, 0xdeadbeefcafef00dn].map((secret) => {
    const sketches = new Sketches();
    sketches.core.secret(secret);
    const state = sketches.core.sharedCreate(4, 7);
    for (const [key, weights] of weighted("zipf 1.0", 5, 20_000, 4)) sketches.addShared(state, bytesOf(key), weights);
    return [0, 1, 2, 3].map((column) => sketches.encode("top", sketches.core.sharedColumn(state, column, 7)));
  });
  expect(encodings[1]).toEqual(encodings[0]);
  expect(encodings[2]).toEqual(encodings[0]);
});

test("of keys that tie with one left out, ten leave at the most", () => {
  const sketches = new Sketches();
  const state = sketches.core.sharedCreate(1, 11);
  for (let i = 0; i < 500; i++) sketches.addShared(state, bytesOf(`key-${i}`), [i < 4 ? 9n : 2n]);
  const { rows, bound } = sketches.topRows(sketches.core.sharedColumn(state, 0, 11), 1024);
  expect(rows.map(({ lower }) => lower)).toEqual([...Array(4).fill(9n), ...Array(6).fill(2n)]);
  expect(bound).toBe(2n);
});
