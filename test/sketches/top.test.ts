/** Tops against exact weights: what they promise must hold for every key, whatever came in. */
import { describe, expect, test } from "vitest";
import { KEY_SOURCES, type KeyWeight, sumOf, weigh } from "../support/key-sources";
import { SketchReader } from "../support/sketch-reader";
import { bytesOf, exportedOf, randomFrom, Sketches, type TopRow } from "../support/sketches";

function fill(sketches: Sketches, state: number, stream: KeyWeight[]): void {
  for (const { key, weight } of stream) sketches.addTop(state, bytesOf(key), BigInt(weight));
}

/** Rows of an encoding. */
function read(encoding: Uint8Array): { total: bigint; rows: TopRow[]; bound: bigint } {
  const reader = new SketchReader(encoding);
  const { total, bound, items } = reader.top();
  expect(reader.left).toBe(0);
  return { total, bound, rows: items.map(({ key, lower, error }) => ({ key, lower, upper: lower + error })) };
}

/** Every key shown lies within its bounds, and no key that is not shown is above the bound. */
function expectCertain(shown: { rows: TopRow[]; bound: bigint }, truth: Map<string, bigint>): void {
  const keys = new Set<string>();
  for (const { key, lower, upper } of shown.rows) {
    const weight = truth.get(key) ?? 0n;
    if (lower > weight || weight > upper) throw new Error(`${key} weighs ${weight}, not ${lower} to ${upper}`);
    keys.add(key);
  }
  for (const [key, weight] of truth) {
    if (weight > shown.bound && !keys.has(key)) throw new Error(`${key} weighs ${weight} and is missing above ${shown.bound}`);
  }
  expect(keys.size).toBe(shown.rows.length);
}

describe.each(Object.keys(KEY_SOURCES))("keys that come as %s", (name) => {
  const sketches = new Sketches();
  const { core } = sketches;

  test.each([1, 2])("are certain within 0.2 percent of all weight in a full table, and in its export, seed %i", (seed) => {
    const stream = KEY_SOURCES[name]!(seed, 40_000);
    const truth = weigh(stream);
    const total = sumOf(truth.values());
    const state = sketches.create("top", 11);
    fill(sketches, state, stream);
    expect(core.topTotal(state)).toBe(total);
    const all = sketches.topRows(state, 1024);
    expectCertain(all, truth);
    for (const { lower, upper } of all.rows) expect(Number(upper - lower)).toBeLessThanOrEqual(0.002 * Number(total));
    const exported = read(sketches.encode("top", state));
    expect(exported.total).toBe(total);
    expectCertain(exported, truth);
    const most = exportedOf(sketches.topRows(state, 65).rows);
    const heaviest = [...sketches.topRows(state, most).rows];
    expect(exported.bound).toBe(sketches.topRows(state, most).bound);
    expect(exported.rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual(
      heaviest.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    );
    for (let i = 1; i < heaviest.length; i++) expect(heaviest[i - 1]!.upper >= heaviest[i]!.upper).toBe(true);
    sketches.release("top", state);
    expect(core.poolUsed()).toBe(new Sketches().core.poolUsed());
  });

  test.each([5, 6, 8, 10])("are certain in a table of 2^%i slots, and so are many exports merged", (bits) => {
    const streams = Array.from({ length: 30 }, (_, edge) => KEY_SOURCES[name]!(edge + 10, 400 + 60 * edge));
    const truth = weigh(streams.flat());
    const decoded = sketches.create("top", bits);
    const merged = sketches.create("top", bits);
    for (const stream of streams) {
      const state = sketches.create("top", bits);
      fill(sketches, state, stream);
      expectCertain(sketches.topRows(state, 1024), weigh(stream));
      expect(sketches.decode("top", decoded, bits, sketches.encode("top", state))).toBe(true);
      expect(sketches.merge("top", merged, state)).toBe(true);
      sketches.release("top", state);
    }
    for (const state of [decoded, merged]) {
      expect(core.topTotal(state)).toBe(sumOf(truth.values()));
      expectCertain(sketches.topRows(state, 1024), truth);
      expectCertain(sketches.topRows(state, 5), truth);
      expectCertain(read(sketches.encode("top", state)), truth);
      // What was merged still counts on.
      fill(sketches, state, streams[3]!);
      expectCertain(sketches.topRows(state, 1024), weigh([...streams, streams[3]!].flat()));
      sketches.release("top", state);
    }
  });
});

test("the factor that places keys changes no output", () => {
  const encodings = [1n, 0x9e3779b97f4a7c15n, 0xdeadbeefcafef00dn].map((secret) => {
    const sketches = new Sketches();
    sketches.core.secret(secret);
    const into = sketches.create("top", 7);
    for (let edge = 1; edge < 9; edge++) {
      const state = sketches.create("top", 8);
      fill(sketches, state, KEY_SOURCES["zipf 1.0"]!(edge, 3000));
      sketches.decode("top", into, 7, sketches.encode("top", state));
    }
    return [sketches.encode("top", into), sketches.topRows(into, 1024)];
  });
  expect(encodings[1]).toEqual(encodings[0]);
  expect(encodings[2]).toEqual(encodings[0]);
});

test("few keys are exact to the unit, of any length and any bytes", () => {
  const sketches = new Sketches();
  const state = sketches.create("top", 11);
  const keys = Array.from({ length: 256 }, (_, length) => Uint8Array.from({ length }, (__, at) => (at * length) & 0xff));
  for (const [index, key] of keys.entries()) sketches.addTop(state, key, BigInt(index + 1));
  for (const [index, key] of keys.entries()) sketches.addTop(state, key, BigInt(index + 1));
  const { rows, bound } = sketches.topRows(state, 1024);
  expect(bound).toBe(0n);
  expect(rows.map(({ lower, upper }) => [lower, upper])).toEqual(keys.map((_, at) => Array(2).fill(BigInt(2 * (256 - at)))));
});

test.each([1n, 1000n, 1n << 50n])("a full table drops all up to the exact median, weights in steps of %i", (step) => {
  const sketches = new Sketches();
  const state = sketches.create("top", 5);
  const order = Array.from({ length: 24 }, (_, index) => (index * 7) % 24);
  for (const rank of order) sketches.addTop(state, bytesOf(`key-${rank}`), BigInt(rank + 1) * step);
  expect(sketches.topRows(state, 1024).bound).toBe(0n);
  sketches.addTop(state, bytesOf("new"), 1n);
  const { rows, bound } = sketches.topRows(state, 1024);
  expect(bound).toBe(13n * step);
  const kept = Array.from({ length: 11 }, (_, index) => ({ key: `key-${23 - index}`, weight: BigInt(24 - index) * step }));
  expect(rows.filter(({ key }) => key !== "new")).toEqual(kept.map(({ key, weight }) => ({ key, lower: weight, upper: weight })));
  expect(rows.find(({ key }) => key === "new")).toEqual({ key: "new", lower: 1n, upper: 13n * step + 1n });
});

test("keys of one hash are kept apart", () => {
  const sketches = new Sketches();
  const state = sketches.create("top", 8);
  for (let i = 0; i < 60; i++) {
    const key = bytesOf(`key-${i % 30}`);
    sketches.put(key);
    sketches.core.topAdd(state, 77n, sketches.input, key.length, BigInt(1 + (i % 30)));
  }
  const { rows } = sketches.topRows(state, 64);
  expect(rows.map(({ key, lower }) => [key, lower])).toEqual(
    Array.from({ length: 30 }, (_, index) => [`key-${29 - index}`, BigInt(2 * (30 - index))]),
  );
});

test("a key that is dropped after merging had at most the bound, and that includes what was merged before", () => {
  const sketches = new Sketches();
  sketches.core.exportKeys(20, 64);
  const merged = sketches.create("top", 5);
  const truth = new Map<string, bigint>();
  for (const host of ["a", "b"]) {
    const state = sketches.create("top", 11);
    const weights = Array.from({ length: 20 }, (_, index) => 100 + index).concat(host === "a" ? [50] : []);
    for (const [index, weight] of weights.entries()) {
      sketches.addTop(state, bytesOf(`${host}-${index}`), BigInt(weight));
      truth.set(`${host}-${index}`, BigInt(weight));
    }
    sketches.decode("top", merged, 5, sketches.encode("top", state));
    expectCertain(sketches.topRows(merged, 1024), truth);
  }
});

test("what every other host cut is part of the bound when a key is dropped after merging", () => {
  const sketches = new Sketches();
  sketches.core.exportKeys(20, 64);
  const hosts = 40;
  const keys = Array.from({ length: hosts * 20 }, (_, index) => `key-${index}`);
  const random = randomFrom(4);
  const truth = new Map<string, bigint>();
  const merged = sketches.create("top", 6);
  for (let host = 0; host < hosts; host++) {
    const state = sketches.create("top", 11);
    for (const [index, key] of keys.entries()) {
      const weight = Math.floor(index / 20) === host ? BigInt(30 + Math.floor(random() * 20)) : 1n;
      sketches.addTop(state, bytesOf(key), weight);
      truth.set(key, (truth.get(key) ?? 0n) + weight);
    }
    sketches.decode("top", merged, 6, sketches.encode("top", state));
    sketches.release("top", state);
  }
  expectCertain(sketches.topRows(merged, 1024), truth);
});

test("a setting says how many keys leave", () => {
  const sketches = new Sketches();
  sketches.core.exportKeys(3, 3);
  const state = sketches.create("top", 11);
  fill(sketches, state, KEY_SOURCES["zipf 1.3"]!(1, 5000));
  const { rows, bound } = read(sketches.encode("top", state));
  expect(rows.length).toBe(3);
  expect(bound).toBe(sketches.topRows(state, 4).rows[3]!.upper);
});

test("of keys of equal weight ten leave, those of the smaller hashes, whatever the order they came in", () => {
  const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`);
  const encodings = [keys, keys.toReversed()].map((order) => {
    const sketches = new Sketches();
    const state = sketches.create("top", 11);
    for (const key of order) sketches.addTop(state, bytesOf(key), 7n);
    return sketches.encode("top", state);
  });
  expect(encodings[1]).toEqual(encodings[0]);
  const sketches = new Sketches();
  const hash = (key: string) => BigInt.asUintN(64, sketches.element(bytesOf(key)));
  const wanted = keys.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1)).slice(0, 10);
  expect(read(encodings[0]!).rows.map(({ key }) => key)).toEqual(wanted);
});

test("a pool that is used up costs certainty, never truth", () => {
  for (let pages = 9; pages < 20; pages++) {
    const sketches = new Sketches(pages * 4096);
    const { core } = sketches;
    const states = [11, 11, 7].map((bits) => sketches.create("top", bits)).filter((state) => state !== 0);
    const streams = ["zipf 1.0", "never twice, with a heavy key among them", "a few long keys"].map((name) =>
      KEY_SOURCES[name]!(pages, 4000),
    );
    for (let i = 0; i < 4000; i++) {
      states.forEach((state, at) => {
        fill(sketches, state, [streams[at]![i]!]);
      });
    }
    expect(core.refused()).toBeGreaterThan(0n);
    states.forEach((state, at) => {
      const truth = weigh(streams[at]!);
      expect(core.topTotal(state)).toBe(4000n);
      expectCertain(sketches.topRows(state, 1024), truth);
      const encoding = sketches.encode("top", state);
      expectCertain(read(encoding), truth);
      expect(sketches.skip("top", 11, encoding)).toBe(0);
    });
    if (states.length < 2) continue;
    const [into, from] = states as [number, number];
    expect(sketches.merge("top", into, from)).toBe(true);
    expect(core.topTotal(into)).toBe(8000n);
    expectCertain(sketches.topRows(into, 1024), weigh([...streams[0]!, ...streams[1]!]));
    expect(sketches.skip("top", 11, sketches.encode("top", into))).toBe(0);
  }
});

test("totals beyond 2^62 are refused", () => {
  const sketches = new Sketches();
  const [into, from] = [sketches.create("top", 11), sketches.create("top", 11)];
  sketches.addTop(into, bytesOf("a"), 2n ** 62n);
  sketches.addTop(from, bytesOf("b"), 1n);
  const before = sketches.encode("top", into);
  expect(sketches.merge("top", into, from)).toBe(false);
  expect(sketches.decode("top", into, 11, sketches.encode("top", from))).toBe(false);
  expect(sketches.encode("top", into)).toEqual(before);
});
