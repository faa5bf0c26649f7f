/** Breakdowns against exact figures by label set. */
import { describe, expect, test } from "vitest";
import { KEY_SOURCES } from "../support/key-sources";
import { type BreakdownReading, type PartReading, SketchReader } from "../support/sketch-reader";
import { bytesOf, exportedOf, randomFrom, Sketches, unsigned } from "../support/sketches";

const NO_DURATION = 2n ** 64n - 1n;

interface Call {
  key: string;
  requests: bigint;
  errors: bigint;
  bytes: bigint;
  durationNs: bigint;
}

interface Figures {
  requests: bigint;
  errors: bigint;
  bytes: bigint;
  timed: bigint;
  durations: bigint;
}

/** Calls with the keys of a source, one in seven without a duration. */
function callsOf(source: string, seed: number, length: number): Call[] {
  const random = randomFrom(seed);
  return KEY_SOURCES[source]!(seed, length).map(({ key, weight }) => ({
    key,
    requests: BigInt(weight),
    errors: random() < 0.1 ? BigInt(Math.ceil(weight / 2)) : 0n,
    bytes: BigInt(Math.floor(random() * 10_000)),
    durationNs: random() < 1 / 7 ? NO_DURATION : BigInt(Math.floor(Math.exp(10 + 10 * random()))),
  }));
}

function fill(sketches: Sketches, state: number, calls: Call[]): void {
  for (const { key, requests, errors, bytes, durationNs } of calls) {
    sketches.addBreakdown(state, bytesOf(key), requests, errors, bytes, durationNs);
  }
}

function add(sum: Figures, call: Call): void {
  sum.requests += call.requests;
  sum.errors += call.errors;
  sum.bytes += call.bytes;
  if (call.durationNs === NO_DURATION) return;
  sum.timed += call.requests;
  sum.durations += call.requests * call.durationNs;
}

const none = (): Figures => ({ requests: 0n, errors: 0n, bytes: 0n, timed: 0n, durations: 0n });

/** Exact figures by label set, and of everything under "". */
function truthOf(calls: Call[]): Map<string, Figures> {
  const truth = new Map<string, Figures>([["", none()]]);
  for (const call of calls) {
    if (!truth.has(call.key)) truth.set(call.key, none());
    add(truth.get(call.key)!, call);
    add(truth.get("")!, call);
  }
  return truth;
}

function figuresOf(part: PartReading): Figures {
  const { requests, errors, bytes, durations } = part;
  return { requests, errors, bytes, timed: durations.count, durations: durations.sum };
}

function read(encoding: Uint8Array): BreakdownReading {
  const reader = new SketchReader(encoding);
  const reading = reader.breakdown();
  expect(reader.left).toBe(0);
  return reading;
}

/** All parts add up to what there was, each set is within its error, and none above the bound is missing. */
function expectCertain(reading: BreakdownReading, truth: Map<string, Figures>): void {
  const sum = figuresOf(reading.other);
  for (const item of reading.items) {
    const exact = truth.get(item.key)!;
    const shown = figuresOf(item);
    for (const name of ["requests", "errors", "bytes", "timed", "durations"] as const) {
      expect(shown[name]).toBeLessThanOrEqual(exact[name]);
      sum[name] += shown[name];
    }
    expect(exact.requests).toBeLessThanOrEqual(shown.requests + item.error);
  }
  expect(sum).toEqual(truth.get(""));
  const keys = new Set(reading.items.map(({ key }) => key));
  for (const [key, { requests }] of truth) {
    if (key !== "" && requests > reading.bound) expect(keys).toContain(key);
  }
}

const SOURCES = ["zipf 0.8", "zipf 1.3", "weights of bytes", "never twice, with a heavy key among them", "in blocks"];

describe.each(SOURCES)("label sets that come as %s", (source) => {
  test.each([5, 8, 10])("add up exactly, each within its error, in a table of 2^%i slots", (bits) => {
    const sketches = new Sketches();
    const calls = callsOf(source, bits, 20_000);
    const truth = truthOf(calls);
    const state = sketches.create("breakdown", bits);
    fill(sketches, state, calls);
    const encoding = sketches.encode("breakdown", state);
    expectCertain(read(encoding), truth);
    const most = exportedOf(sketches.breakdownRows(state, 65).rows);
    expect(read(encoding).items.length).toBe(most);
    expect(sketches.encode("breakdown", state)).toEqual(encoding);
    const { rows, other, bound } = sketches.breakdownRows(state, most);
    const reading = read(encoding);
    expect([other, bound]).toEqual([reading.other.requests, reading.bound]);
    for (const row of rows) {
      const item = reading.items.find(({ key }) => key === row.key)!;
      expect([row.lower, row.upper, row.errors, row.bytes]).toEqual([
        item.requests,
        item.requests + item.error,
        item.errors,
        item.bytes,
      ]);
      const count = row.histogram === 0 ? 0n : unsigned(sketches.core.histogramCount(row.histogram));
      expect(count).toBe(item.durations.count);
    }
    sketches.release("breakdown", state);
    expect(sketches.core.poolUsed()).toBe(new Sketches().core.poolUsed());
  });

  test.each([5, 8])("add up exactly when the exports of many hosts merge, 2^%i slots", (bits) => {
    const sketches = new Sketches();
    const parts = Array.from({ length: 20 }, (_, edge) => callsOf(source, edge + 1, 300 + 100 * edge));
    const truth = truthOf(parts.flat());
    const decoded = sketches.create("breakdown", bits);
    const merged = sketches.create("breakdown", bits);
    for (const calls of parts) {
      const state = sketches.create("breakdown", bits);
      fill(sketches, state, calls);
      expect(sketches.decode("breakdown", decoded, bits, sketches.encode("breakdown", state))).toBe(true);
      expect(sketches.merge("breakdown", merged, state)).toBe(true);
      sketches.release("breakdown", state);
    }
    for (const state of [decoded, merged]) {
      expectCertain(read(sketches.encode("breakdown", state)), truth);
      fill(sketches, state, parts[2]!);
      expectCertain(read(sketches.encode("breakdown", state)), truthOf([...parts, parts[2]!].flat()));
    }
  });
});

test("few label sets are exact, and their durations too", () => {
  const sketches = new Sketches();
  const calls = callsOf("uniform", 1, 5000).map((call, index) => ({ ...call, key: `GET /path/${index % 60}` }));
  const truth = truthOf(calls);
  const state = sketches.create("breakdown", 8);
  fill(sketches, state, calls);
  const reading = read(sketches.encode("breakdown", state));
  expect([reading.bound, figuresOf(reading.other)]).toEqual([0n, none()]);
  for (const item of reading.items) expect(figuresOf(item)).toEqual(truth.get(item.key));
  for (const row of sketches.breakdownRows(state, 60).rows) {
    const durations = calls
      .filter(({ key, durationNs }) => key === row.key && durationNs !== NO_DURATION)
      .flatMap(({ durationNs, requests }) => Array(Number(requests)).fill(Number(durationNs) / 1e9) as number[])
      .sort((a, b) => a - b);
    const median = durations[Math.ceil(durations.length / 2) - 1]!;
    expect(Math.abs(sketches.core.histogramQuantile(row.histogram, 0.5) / median - 1)).toBeLessThanOrEqual(0.0108301);
  }
});

test("a pool that is used up costs label sets and durations, never a total", () => {
  for (let pages = 9; pages < 40; pages += 3) {
    const sketches = new Sketches(pages * 4096);
    const { core } = sketches;
    const [into, from] = [sketches.create("breakdown", 8), sketches.create("breakdown", 8)];
    if (into === 0 || from === 0) continue;
    const parts = [callsOf("zipf 1.0", pages, 3000), callsOf("zipf 1.3", pages, 3000)];
    for (let i = 0; i < 3000; i++) {
      fill(sketches, into, [parts[0]![i]!]);
      fill(sketches, from, [parts[1]![i]!]);
    }
    expect(core.refused()).toBeGreaterThan(0n);
    const exported = sketches.encode("breakdown", from);
    for (const [state, calls] of [
      [into, parts[0]!],
      [from, parts[1]!],
      [into, [...parts[0]!, ...parts[1]!]],
    ] as const) {
      const truth = truthOf([...calls]);
      const encoding = sketches.encode("breakdown", state);
      expect(sketches.skip("breakdown", 8, encoding)).toBe(0);
      const reading = read(encoding);
      const sum = [reading.other, ...reading.items].map(figuresOf).reduce((total, figures) => ({
        requests: total.requests + figures.requests,
        errors: total.errors + figures.errors,
        bytes: total.bytes + figures.bytes,
        timed: total.timed + figures.timed,
        durations: total.durations + figures.durations,
      }));
      const { requests, errors, bytes, timed } = truth.get("")!;
      expect([sum.requests, sum.errors, sum.bytes]).toEqual([requests, errors, bytes]);
      expect(sum.timed).toBeLessThanOrEqual(timed);
      const keys = new Set(reading.items.map(({ key }) => key));
      for (const item of reading.items) {
        const exact = truth.get(item.key)!.requests;
        expect(item.requests <= exact && exact <= item.requests + item.error).toBe(true);
      }
      for (const [key, figures] of truth) if (key !== "" && figures.requests > reading.bound) expect(keys).toContain(key);
      if (state === from) expect(sketches.decode("breakdown", into, 8, exported)).toBe(true);
    }
  }
});

test("totals beyond 2^62 are refused", () => {
  const sketches = new Sketches();
  const [into, from] = [sketches.create("breakdown", 8), sketches.create("breakdown", 8)];
  sketches.addBreakdown(into, bytesOf("a"), 2n ** 62n, 0n, 0n, NO_DURATION);
  sketches.addBreakdown(from, bytesOf("b"), 1n, 0n, 0n, 5n);
  const before = sketches.encode("breakdown", into);
  expect(sketches.merge("breakdown", into, from)).toBe(false);
  expect(sketches.encode("breakdown", into)).toEqual(before);
  expect(sketches.decode("breakdown", into, 8, sketches.encode("breakdown", from))).toBe(false);
});
