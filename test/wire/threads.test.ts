/**
 * Threads that share a capture out are to their edge what one thread is: each minute is one bundle, of which all but tops and breakdowns are
 * the same to the byte, and these hold the truth.
 */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import type { BreakdownItem, Row, TopItem } from "../../engine/rows";
import { MinuteSum } from "../../engine/summary";
import { ThreadMinutes } from "../../shim/agent/thread-minutes";
import { readSections } from "../support/bundle";
import { captureBytes } from "../support/core-laws";
import { corpusIndex, HAS_CORPUS } from "../support/corpus";
import { alone, shared } from "../support/fan";
import { manyHostsCapture } from "../support/many-hosts";
import { Conversation, dnsQuery, ethernet, ipv4, pcap, START_NS, udp } from "../support/pcap-builder";

const GAUGE = 2;
const RATES = /^\d+ 3 /;
const TOP = 6;
const BREAKDOWN = 7;
/** Flows in the table: a table lets go of those that are over when it makes new ones, and each thread's makes its own. */
const OPEN_FLOWS = 39;
/** Of these a thread knows its own part only: what is slow is so by the durations that it saw in the minute before. */
const SLOW = /_slow(_|$)/;

/**
 * Damaged messages, of which one is read or not by whether its flow was let go in between: a table lets go of quiet flows when it makes
 * new ones.
 */
const BY_CHANCE = /crash-81dba690a3f67ee41a41390a625db732fa1413a1$/;

const hub = () => new Core(module, { role: "hub", budgetBytes: 64 << 20 });

/** All sections but tops and breakdowns, a line each; without gauges where these are noted more than once a minute. */
const exact = (bundle: Uint8Array, withGauges: boolean) =>
  readSections(bundle)
    .sections.filter(
      ({ kind, metric }) => kind !== TOP && kind !== BREAKDOWN && metric !== OPEN_FLOWS && (withGauges || kind !== GAUGE),
    )
    .map(({ metric, kind, labels, payload }) => `${metric} ${kind} ${labels} ${Buffer.from(payload).toString("hex")}`);

/** All minutes of a capture added up, for those whose times go back and forth: which late packets are one supplement differs then. */
const wholeOf = (bundles: readonly Uint8Array[]) => exact(hub().merge(bundles), false).filter((line) => !RATES.test(line));

function rowsOf(bundles: readonly Uint8Array[], kind: string): Row[] {
  const core = hub();
  const sum = new MinuteSum(core);
  for (const bundle of bundles) sum.add(bundle);
  const kinds = new Map(core.schema.metrics.map((metric) => [metric.name, metric.kind]));
  return sum.summary(1024).metrics.filter((row) => kinds.get(row.metric) === kind);
}

const place = ({ metric, labels }: Row) => `${metric} ${JSON.stringify(labels)}`;

/** Holds bundles of several threads against those of one: header, and what is exact, to the byte. */
function expectSame(threads: readonly Uint8Array[], one: readonly Uint8Array[], withGauges = true): void {
  expect(threads.map(readBundleHeader)).toEqual(one.map(readBundleHeader));
  for (const [index, bundle] of threads.entries()) expect(exact(bundle, withGauges)).toEqual(exact(one[index]!, withGauges));
  const core = hub();
  for (const bundle of threads) expect(core.validate(bundle)).toBe(0);
}

/** Holds the tops of several threads against those of one, as far as these are exact. */
function expectTops(threads: readonly Uint8Array[], one: readonly Uint8Array[]): number {
  const found = new Map(rowsOf(threads, "top").map((row) => [place(row), row]));
  let held = 0;
  for (const row of rowsOf(one, "top")) {
    if (SLOW.test(row.metric)) continue;
    const { total, bound = 0, items = [] } = found.get(place(row))!;
    expect(total, place(row)).toBe(row.total);
    const byKey = new Map((items as TopItem[]).map((item) => [item.key, item]));
    for (const { key, lower, upper } of (row.items ?? []) as TopItem[]) {
      if (lower !== upper) continue;
      const item = byKey.get(key);
      expect(item?.lower ?? 0, `${place(row)} ${key}`).toBeLessThanOrEqual(lower);
      expect(item?.upper ?? bound, `${place(row)} ${key}`).toBeGreaterThanOrEqual(upper);
      held += 1;
    }
  }
  return held;
}

/** The same of breakdowns, whose requests, errors and bytes add up to the same however they are told apart. */
function expectBreakdowns(threads: readonly Uint8Array[], one: readonly Uint8Array[]): number {
  const found = new Map(rowsOf(threads, "breakdown").map((row) => [place(row), row]));
  let held = 0;
  for (const row of rowsOf(one, "breakdown")) {
    const other = found.get(place(row))!;
    const { requests, errors, bytes } = row;
    expect(other, place(row)).toMatchObject({ requests, errors, bytes });
    const byKey = new Map((other.items as BreakdownItem[]).map((item) => [JSON.stringify(item.key), item]));
    for (const { key, lower, upper } of (row.items ?? []) as BreakdownItem[]) {
      const item = byKey.get(JSON.stringify(key));
      if (lower !== upper || item === undefined) continue;
      expect(item.lower, `${place(row)} ${JSON.stringify(key)}`).toBeLessThanOrEqual(lower);
      expect(item.upper, `${place(row)} ${JSON.stringify(key)}`).toBeGreaterThanOrEqual(upper);
      held += 1;
    }
  }
  return held;
}

describe.each([1, 2, 4])("%i threads", (count) => {
  test.each([1, 2, 3])("are one edge, whatever they share: tunnels, fragments, multicast DNS (%i)", (seed) => {
    const capture = manyHostsCapture({ seed, conversations: 1500, seconds: 150 });
    const one = alone(capture, { theta: seed === 2 });
    const { bundles, packets } = shared(capture, count, { theta: seed === 2 });
    expect(one.length).toBeGreaterThan(2);
    expectSame(bundles, one);
    expect(expectTops(bundles, one)).toBeGreaterThan(100);
    expect(expectBreakdowns(bundles, one)).toBeGreaterThan(20);
    expect(Math.min(...packets)).toBeGreaterThan((0.5 * packets.reduce((sum, one) => sum + one)) / count);
  });

  test("see what the capture holds", () => {
    const bundles = shared(manyHostsCapture({ seed: 4, conversations: 1500, seconds: 50 }), count).bundles;
    const rows = rowsOf(bundles, "counter");
    const sum = (metric: string, labels = {}) =>
      rows
        .filter((row) => row.metric === metric && Object.entries(labels).every(([name, value]) => row.labels[name] === value))
        .reduce((all, { value = 0 }) => all + value, 0);
    for (const metric of ["capture_tunnels_total", "capture_joined_datagrams_total", "capture_undecoded_total"])
      expect(sum(metric), metric).toBeGreaterThan(50);
    expect(sum("capture_gaps_total")).toBe(0);
    expect(sum("dns_orphan_responses_total")).toBeGreaterThan(50);
    expect(sum("http_requests_total", { status: "ok" })).toBeGreaterThan(500);
    expect(sum("http_requests_total", { status: "unobserved" })).toBe(0);
  });
});

test.runIf(HAS_CORPUS)("2 and 4 threads are one edge on captures of others", { timeout: 240_000 }, () => {
  let packets = 0;
  const jumping = new Set<string>();
  for (const file of corpusIndex()) {
    if (!file.core || !/^(gz:)?pcap/.test(file.format) || BY_CHANCE.test(file.file)) continue;
    const capture = captureBytes(file);
    const one = alone(capture);
    for (const count of [2, 4]) {
      const many = shared(capture, count);
      try {
        if (many.bundles.length === one.length) expectSame(many.bundles, one, false);
        else {
          jumping.add(file.file);
          expect(wholeOf(many.bundles)).toEqual(wholeOf(one));
        }
      } catch (cause) {
        throw new Error(`${file.file}, ${count} threads`, { cause });
      }
      packets += many.packets.reduce((sum, part) => sum + part, 0);
    }
  }
  expect(packets).toBeGreaterThan(20_000);
  expect(jumping.size, [...jumping].join()).toBeLessThan(5);
});

test("one thread's minutes merged are what it would have sealed alone, to the byte", () => {
  const capture = manyHostsCapture({ seed: 9, conversations: 900, seconds: 90 });
  expect(shared(capture, 1).bundles).toEqual(alone(capture));
});

test("a hub refuses what one of several threads has sealed", () => {
  const parts: Uint8Array[] = [];
  const core = new Core(module, { bootId: 7n, thread: 2 });
  core.drainTo({ bundle: (bytes) => parts.push(bytes.slice()) });
  const input = core.open("file");
  input.write(pcap([{ timeNs: START_NS, bytes: ethernet(ipv4(udp(dnsQuery("a.example.com")))) }]));
  input.end();
  core.flush();
  const METRIC = 6;
  expect(parts.map((part) => hub().validate(part))).toEqual([METRIC]);
  expect(() => hub().merge(parts)).toThrow();
});

describe("minutes of threads", () => {
  const minuteOf = (packets: number, startNs: bigint, thread: number) => {
    const parts: Uint8Array[] = [];
    const core = new Core(module, { bootId: 7n, thread });
    core.drainTo({ bundle: (bytes) => parts.push(bytes.slice()) });
    const input = core.open("file");
    const talk = new Conversation({ startNs, client: `192.0.2.${thread}` });
    for (let i = 0; i < packets; i++) talk.packet("client", "S");
    input.write(pcap(talk.packets));
    input.end();
    core.flush();
    return parts[0]!;
  };
  const MINUTE_NS = 60_000_000_000n;

  function minutes(threads: number) {
    const given: { minute: number; sequence: number; seen: number; bundles: number }[] = [];
    const take = (bundle: Uint8Array) => {
      const { minute, sequence, seen, bundles } = readBundleHeader(bundle);
      given.push({ minute, sequence, seen, bundles });
    };
    return { given, collector: new ThreadMinutes(new Core(module, { role: "hub" }), threads, take) };
  }

  const minute = Number(START_NS / MINUTE_NS);

  test("wait for all threads, and are given out once", () => {
    const { given, collector } = minutes(3);
    collector.add(0, minuteOf(1, START_NS, 1), 0);
    collector.add(2, minuteOf(2, START_NS, 3), 0);
    collector.pass(10_000);
    expect(given).toEqual([]);
    expect(collector.settled).toBe(-1);
    collector.add(1, minuteOf(4, START_NS, 2), 10_000);
    expect(given).toEqual([{ minute, sequence: 0, seen: 7, bundles: 1 }]);
    expect(collector.settled).toBe(minute);
    collector.end();
    expect(given).toHaveLength(1);
  });

  test("do not wait for ever, and what comes later is a supplement", () => {
    const { given, collector } = minutes(2);
    collector.add(0, minuteOf(1, START_NS, 1), 0);
    collector.pass(29_999);
    expect(given).toEqual([]);
    collector.pass(30_000);
    collector.add(1, minuteOf(2, START_NS, 2), 31_000);
    collector.add(1, minuteOf(3, START_NS + MINUTE_NS, 2), 31_000);
    expect(given.map(({ sequence, seen }) => [sequence, seen])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    collector.end();
    expect(given.map(({ minute: at, sequence, seen }) => [at - minute, sequence, seen])).toEqual([
      [0, 0, 1],
      [0, 1, 2],
      [1, 0, 3],
    ]);
  });

  test("of a thread that went on without the others are given out in order", () => {
    const { given, collector } = minutes(2);
    for (let at = 0n; at < 3n; at++) collector.add(0, minuteOf(1, START_NS + at * MINUTE_NS, 1), 0);
    expect(given).toEqual([]);
    for (let at = 0n; at < 3n; at++) collector.add(1, minuteOf(1, START_NS + at * MINUTE_NS, 2), 0);
    expect(given.map(({ minute: at, seen }) => [at - minute, seen])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ]);
  });
});
