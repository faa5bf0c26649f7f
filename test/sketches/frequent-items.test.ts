/** Frequent items against bytes that DataSketches made, and their bounds, as a reader of that library has them, against the truth. */
import { describe, expect, test } from "vitest";
import { fromBase64, ITEMS_ABC, ITEMS_MERGED } from "../support/datasketches";
import { zipfFrom } from "../support/key-sources";
import { bytesOf, randomFrom, Sketches } from "../support/sketches";

/** log2 of the table that a reader may grow to: what the library was given in its test is 5, and ours say 11. */
const LOG2_MAX = 11;

interface Items {
  /** Bytes of the preamble, 8 of them. */
  preamble: number[];
  total: bigint;
  offset: bigint;
  weights: Map<string, bigint>;
}

/** Reads a sketch as the library does. */
function read(bytes: Uint8Array): Items {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const preamble = [...bytes.slice(0, 8)];
  const weights = new Map<string, bigint>();
  if (preamble[0] === 1) return { preamble, total: 0n, offset: 0n, weights };
  const count = view.getUint32(8, true);
  let at = 32 + 8 * count;
  for (let index = 0; index < count; index++) {
    const length = view.getUint32(at, true);
    const key = new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice(at + 4, at + 4 + length));
    weights.set(key, view.getBigUint64(32 + 8 * index, true));
    at += 4 + length;
  }
  expect(at).toBe(bytes.length);
  expect(weights.size).toBe(count);
  return { preamble, total: view.getBigUint64(16, true), offset: view.getBigUint64(24, true), weights };
}

function exportOf(sketches: Sketches, state: number, most = 1024, isAddress = false): Uint8Array {
  sketches.core.write(1 << 20);
  sketches.core.topEncodeFrequentItems(state, most, isAddress);
  return sketches.bytes(sketches.core.output(), sketches.core.written()).slice();
}

function add(sketches: Sketches, state: number, keys: readonly string[]): void {
  for (const key of keys) sketches.addTop(state, bytesOf(key), 1n);
}

describe("what DataSketches made of the same keys", () => {
  const withOurMax = (text: string) => fromBase64(text).map((byte, index) => (index === 3 ? LOG2_MAX : byte));

  test("is the same to the byte, but for the table that a reader may grow to", () => {
    const sketches = new Sketches();
    const state = sketches.create("top", 6);
    add(sketches, state, ["a", "b", "c"]);
    const found = read(exportOf(sketches, state));
    expect(found).toEqual(read(withOurMax(ITEMS_ABC)));
    expect([...found.weights.values()]).toEqual([1n, 1n, 1n]);
    add(sketches, state, ["a", "b", "a"]);
    expect(exportOf(sketches, state)).toEqual(withOurMax(ITEMS_MERGED));
  });
});

describe("the bounds of a reader", () => {
  test("hold for every key, that is there and that is not, and for what was merged and cut", () => {
    const random = randomFrom(3);
    for (const [bits, keys, most] of [
      [5, 300, 24],
      [8, 5000, 100],
      [11, 20_000, 1024],
      [11, 900, 1024],
    ] as const) {
      const sketches = new Sketches(32 << 20);
      const truth = new Map<string, bigint>();
      const draw = zipfFrom(random, keys, 0.9);
      const merged = sketches.create("top", bits);
      for (let part = 0; part < 3; part++) {
        const state = sketches.create("top", bits);
        for (let count = 0; count < 10_000; count++) {
          const key = `key-${draw()}`;
          const weight = BigInt(1 + Math.floor(random() * 5));
          sketches.addTop(state, bytesOf(key), weight);
          truth.set(key, (truth.get(key) ?? 0n) + weight);
        }
        sketches.decode("top", merged, bits, sketches.encode("top", state));
      }
      const items = read(exportOf(sketches, merged, most));
      expect(items.total).toBe([...truth.values()].reduce((sum, weight) => sum + weight, 0n));
      expect(items.weights.size).toBeLessThanOrEqual(most);
      for (const [key, weight] of truth) {
        const lower = items.weights.get(key) ?? 0n;
        if (!(lower <= weight && weight <= lower + items.offset)) throw new Error(`${key}: ${lower} ${weight} ${items.offset}`);
      }
      // A reader's table of 2^lgCur takes three quarters of that, and may grow to 2^lgMax.
      const [, , , max = 0, now = 0] = items.preamble;
      expect(0.75 * 2 ** now).toBeGreaterThanOrEqual(items.weights.size);
      expect(now).toBeLessThanOrEqual(max);
    }
  });

  test("are exact where nothing was lost", () => {
    const sketches = new Sketches();
    const state = sketches.create("top", 8);
    add(sketches, state, ["one", "two", "two", "три", "три", "три"]);
    const items = read(exportOf(sketches, state));
    expect([items.total, items.offset]).toEqual([6n, 0n]);
    expect(Object.fromEntries(items.weights)).toEqual({ три: 3n, two: 2n, one: 1n });
  });
});

test("nothing is an empty sketch", () => {
  const sketches = new Sketches();
  expect([...exportOf(sketches, sketches.create("top", 8))]).toEqual([1, 1, 10, LOG2_MAX, 3, 5, 0, 0]);
});

test("where every key was left out the total and the bound remain", () => {
  const sketches = new Sketches();
  const state = sketches.create("top", 8);
  add(sketches, state, ["a", "a", "b"]);
  const { preamble, total, offset, weights } = read(exportOf(sketches, state, 0));
  expect([preamble[0], preamble[5], total, offset, weights.size]).toEqual([4, 0, 3n, 2n, 0]);
});

test("addresses are text", () => {
  const sketches = new Sketches();
  const state = sketches.create("top", 8);
  const keys = [
    [192, 0, 2, 1],
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x61, 0x62],
  ];
  for (const key of keys) sketches.addTop(state, Uint8Array.from(key), 1n);
  expect([...read(exportOf(sketches, state, 9, true)).weights.keys()].sort()).toEqual(["192.0.2.1", "2001:db8::1", "ab"]);
});
