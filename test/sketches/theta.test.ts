/** Theta against bytes that DataSketches made and numbers that it told, and its figures against the truth. */
import { describe, expect, test } from "vitest";
import { fromBase64, numberKey, numberKeys, THETA_1_TO_10, THETA_C, THETA_EMPTY, THETA_OF_10000 } from "../support/datasketches";
import { murmur3 } from "../support/murmur3";
import { bytesOf, randomFrom, Sketches } from "../support/sketches";

const NOMINAL = 4096;
const THETA_MAX = 2n ** 63n - 1n;

/** DataSketches' hash of a key, by the description of MurmurHash3 alone. */
const hashOf = (key: Uint8Array) => murmur3(key, 9001n)[0] >> 1n;
const ascending = (hashes: Iterable<bigint>) => [...new Set(hashes)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

function stateOf(sketches: Sketches, hashes: Iterable<bigint>): number {
  const state = sketches.create("theta", 12);
  for (const hash of hashes) expect(sketches.core.thetaAdd(state, hash)).toBe(1);
  return state;
}

function compact(sketches: Sketches, state: number): Uint8Array {
  sketches.core.write(1 << 20);
  sketches.core.thetaEncodeCompact(state);
  return sketches.bytes(sketches.core.output(), sketches.core.written()).slice();
}

const compactOf = (keys: readonly Uint8Array[]) => {
  const sketches = new Sketches();
  return compact(sketches, stateOf(sketches, keys.map(hashOf)));
};

/** What the library has of a set: theta and the hashes below it. */
function read(bytes: Uint8Array): { theta: bigint; hashes: bigint[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const longs = bytes[0]!;
  expect([...bytes.slice(1, 5), bytes[6], bytes[7]]).toEqual([3, 3, 0, 0, 0xcc, 0x93]);
  const count = (bytes[5]! & 4) !== 0 ? 0 : longs === 1 ? 1 : view.getUint32(8, true);
  expect(bytes.length).toBe(8 * (longs + count));
  return {
    theta: longs === 3 ? view.getBigUint64(16, true) : THETA_MAX,
    hashes: Array.from({ length: count }, (_, index) => view.getBigUint64(8 * (longs + index), true)),
  };
}

/** As many random hashes, all different. */
function randomHashes(seed: number, count: number): bigint[] {
  const random = randomFrom(seed);
  const word = () => BigInt(Math.floor(random() * 2 ** 32));
  return Array.from({ length: count }, () => ((word() << 31n) ^ word()) & THETA_MAX);
}

describe("what DataSketches made of the same keys", () => {
  test.each([
    ["nothing", [], THETA_EMPTY],
    ["one string", ["c"].map(bytesOf), THETA_C],
    ["ten numbers", numberKeys(1, 10), THETA_1_TO_10],
  ])("is the same to the byte: %s", (_, keys, theirs) => {
    expect(compactOf(keys)).toEqual(fromBase64(theirs));
  });

  test("has as many hashes below its theta as we say, and ours are the smallest of them", () => {
    const hashes = ascending(numberKeys(1, 10_000).map(hashOf));
    expect(hashes.filter((hash) => hash < THETA_OF_10000.theta)).toHaveLength(THETA_OF_10000.entries);
    const { theta, hashes: kept } = read(compactOf(numberKeys(1, 10_000)));
    expect(kept).toEqual(hashes.slice(0, NOMINAL));
    expect(theta).toBe(hashes[NOMINAL]);
  });
});

describe("a set", () => {
  test.each([1, 2, 511, 512, 513, 4095, 4096, 4097, 4098, 20_000])(
    "of %i holds the smallest, in whatever order they come",
    (count) => {
      const all = randomHashes(count, count);
      const sorted = ascending(all);
      for (const order of [all, sorted, sorted.toReversed()]) {
        const sketches = new Sketches();
        const state = stateOf(sketches, [...order, ...order.slice(0, 99)]);
        const { theta, hashes } = read(compact(sketches, state));
        expect(hashes).toEqual(sorted.slice(0, NOMINAL));
        expect(theta).toBe(sorted[NOMINAL] ?? THETA_MAX);
        if (count <= NOMINAL) {
          const figures = [sketches.core.thetaLower(state), sketches.core.thetaEstimate(state), sketches.core.thetaUpper(state)];
          expect(figures).toEqual([count, count, count]);
        }
      }
    },
  );

  test("takes neither 0 nor the greatest hash, as DataSketches does not", () => {
    const sketches = new Sketches();
    expect(sketches.core.thetaEstimate(stateOf(sketches, [0n, THETA_MAX, 1n]))).toBe(1);
  });

  test("gives its memory back", () => {
    const sketches = new Sketches();
    const before = sketches.core.poolUsed();
    const a = stateOf(sketches, randomHashes(1, 9000));
    const b = stateOf(sketches, randomHashes(2, 300));
    sketches.merge("theta", b, a);
    sketches.release("theta", a);
    sketches.release("theta", b);
    expect(sketches.core.poolUsed()).toBe(before);
  });

  test("refuses what there is no room for, and stays as it was", () => {
    const sketches = new Sketches(16 * 4096);
    const state = sketches.create("theta", 12);
    const added = randomHashes(7, 4000).filter((hash) => sketches.core.thetaAdd(state, hash) === 1);
    expect(added.length).toBeLessThan(4000);
    expect(read(compact(sketches, state)).hashes).toEqual(ascending(added));
    expect(sketches.core.refused()).toBeGreaterThan(0n);
  });
});

describe("a set that was cut on its way", () => {
  test.each([
    [256, 3000],
    [1024, 9000],
    [4096, 9000],
    [256, 256],
    [256, 257],
  ])("to %i of %i is the smallest, and merges in any order", (most, count) => {
    const parts = [1, 2, 3].map((seed) => randomHashes(seed, count));
    const sketches = new Sketches(32 << 20);
    sketches.core.exportEntries(most);
    const encodings = parts.map((hashes) => sketches.encode("theta", stateOf(sketches, hashes)));
    sketches.core.exportEntries(NOMINAL);
    // What is known of all is below the least theta of the parts.
    const least = parts.map((hashes) => ascending(hashes)[most] ?? THETA_MAX).reduce((a, b) => (a < b ? a : b));
    const known = ascending(parts.flat()).filter((hash) => hash < least);
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const into = sketches.create("theta", 12);
      for (const index of order) expect(sketches.decode("theta", into, 12, encodings[index]!)).toBe(true);
      const { theta, hashes } = read(compact(sketches, into));
      expect(hashes).toEqual(known.slice(0, NOMINAL));
      expect(theta).toBe(known[NOMINAL] ?? least);
      const copy = sketches.create("theta", 12);
      sketches.decode("theta", copy, 12, sketches.encode("theta", into));
      expect(read(compact(sketches, copy))).toEqual({ theta, hashes });
    }
  });
});

test("the truth lies within two standard errors as often as it should", () => {
  let within = 0;
  const errors: number[] = [];
  const runs = 60;
  const count = 30_000;
  for (let seed = 0; seed < runs; seed++) {
    const sketches = new Sketches();
    const state = sketches.create("theta", 12);
    for (let key = 0; key < count; key++) {
      sketches.put(numberKey(seed * count + key));
      sketches.core.thetaAdd(state, BigInt.asUintN(64, sketches.core.hash128(sketches.input, 8)) >> 1n);
    }
    errors.push(sketches.core.thetaEstimate(state) / count - 1);
    within += Number(sketches.core.thetaLower(state) <= count && count <= sketches.core.thetaUpper(state));
  }
  // 95.4 % of 60 are 57; fewer than 52 come in one of two hundred runs.
  expect(within).toBeGreaterThanOrEqual(52);
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / runs);
  expect(deviation).toBeLessThan(1.3 / Math.sqrt(NOMINAL));
  expect(deviation).toBeGreaterThan(0.6 / Math.sqrt(NOMINAL));
});
