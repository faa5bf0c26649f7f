import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BreakdownItem,
  encodeRowQuery,
  type Row,
  RowDecoder,
  type RowQuery,
  RowsError,
  type TopItem,
} from "../../engine/rows";
import { BASE, feed, Truth } from "../support/traffic";
import { Wire } from "../support/wire";

const hub = new Wire();
const decoder = new RowDecoder(JSON.parse(hub.schema()));
const DIRECTIONS = ["in", "out", "unknown"];
const QUANTILES = [0, 0.5, 0.9, 0.99, 1];

function edges(count: number, names: number, requests: number): Truth {
  const truth = new Truth();
  hub.core.mergeReset();
  for (let i = 0; i < count; i++) {
    const bundles = feed(new Wire({ bootId: i }), truth, { seed: i + 1, requests, names, from: i * 60 });
    for (const bundle of bundles) expect(hub.add(bundle)).toBe(0);
  }
  return truth;
}

function rows(query: RowQuery): Row[] {
  const bytes = hub.ask(encodeRowQuery(query));
  if (typeof bytes === "number") throw new Error(`fault ${-bytes}`);
  return decoder.decode(bytes, query);
}

/** The value of rank ceil(q * n). */
function quantile(sorted: number[], q: number): number {
  return sorted[Math.max(Math.ceil(q * sorted.length), 1) - 1] as number;
}

function expectQuantiles(found: Record<string, number> | undefined, values: number[]): void {
  const sorted = [...values].sort((a, b) => a - b);
  for (const q of QUANTILES) {
    const truth = quantile(sorted, q);
    expect(Math.abs((found?.[String(q)] as number) - truth)).toBeLessThanOrEqual(truth * 0.0108301 + 1e-12);
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function merged(maps: Map<string, number>[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const map of maps) for (const [key, n] of map) all.set(key, (all.get(key) ?? 0) + n);
  return all;
}

describe("rows of every kind", () => {
  const truth = edges(4, 3000, 4000);

  test("counters by label, and added over the labels that are not kept", () => {
    const byBoth = rows({ metric: 1 }).map(({ labels, value }) => [`${labels.direction}/${labels.transport}`, value]);
    const names = (key: string) => `${DIRECTIONS[Number(key.split("/")[1])]}/${["udp", "tcp"][Number(key.split("/")[2])]}`;
    expect(Object.fromEntries(byBoth)).toEqual(Object.fromEntries([...truth.packets].map(([key, n]) => [names(key), n])));
    const udp = sum([...truth.packets].filter(([key]) => key.endsWith("/0")).map(([, n]) => n));
    const tcp = sum([...truth.packets].filter(([key]) => key.endsWith("/1")).map(([, n]) => n));
    expect(rows({ metric: 1, keepLabelsMask: 2 })).toEqual([
      { metric: "net_packets_total", labels: { transport: "udp" }, value: udp },
      { metric: "net_packets_total", labels: { transport: "tcp" }, value: tcp },
    ]);
    expect(rows({ metric: 1, keepLabelsMask: 0 })).toEqual([{ metric: "net_packets_total", labels: {}, value: udp + tcp }]);
  });

  test("filters let through what they name", () => {
    const inOnly = rows({ metric: 1, keepLabelsMask: 0, labelValues: [[0]] });
    expect(inOnly[0]?.value).toBe((truth.packets.get("1/0/0") ?? 0) + (truth.packets.get("1/0/1") ?? 0));
    const some = rows({ metric: 1, keepLabelsMask: 0, labelValues: [[0, 2], [1]] });
    expect(some[0]?.value).toBe((truth.packets.get("1/0/1") ?? 0) + (truth.packets.get("1/2/1") ?? 0));
    expect(rows({ metric: 1, labelValues: [[]] })).toEqual([]);
  });

  test("gauges: the last by time, the least, the greatest", () => {
    const [row] = rows({ metric: 2 });
    const { value, min, max } = truth.gauge!;
    expect(row).toEqual({ metric: "net_flows", labels: {}, value, min, max });
  });

  test("rates: exact totals, and quantiles of seconds with those of nothing", () => {
    for (const [direction, seconds] of truth.seconds.entries()) {
      const row = rows({ metric: 3, quantiles: QUANTILES })[direction]!;
      const all = Array.from({ length: 240 }, (_, second) => seconds.get(second) ?? 0);
      expect([row.value, row.seconds, row.max]).toEqual([sum(all), 240, Math.max(...all)]);
      expectQuantiles(row.quantiles, all);
    }
    const [total] = rows({ metric: 3, keepLabelsMask: 0 });
    expect(total?.value).toBe(2 * 16000);
  });

  test("histograms: exact counts and sums, quantiles within 1.083 %, also merged over labels", () => {
    const all = rows({ metric: 4, quantiles: QUANTILES, buckets: true });
    for (const [direction, durations] of truth.durations.entries()) {
      const row = all[direction]!;
      expect([row.count, row.min, row.max]).toEqual([durations.length, Math.min(...durations), Math.max(...durations)]);
      expect(row.sum).toBeCloseTo(sum(durations), 6);
      expectQuantiles(row.quantiles, durations);
      expect(row.zeros).toBe(durations.filter((duration) => duration === 0).length);
      for (const { lower, upper, count } of row.buckets!) {
        expect(count).toBe(durations.filter((duration) => duration > lower && duration <= upper).length);
      }
    }
    const [one] = rows({ metric: 4, keepLabelsMask: 0, quantiles: QUANTILES });
    expectQuantiles(one?.quantiles, truth.durations.flat());
    expect(one?.buckets).toBeUndefined();
  });

  test("distinct: the truth lies between the bounds of 2 sigma, or nearly", () => {
    const check = ({ estimate, lower, upper }: Row, count: number) => {
      expect(lower).toBeLessThanOrEqual(estimate!);
      expect(upper).toBeGreaterThanOrEqual(estimate!);
      expect(Math.abs(estimate! - count) / count).toBeLessThan(0.0119 * 3);
    };
    for (const [direction, row] of rows({ metric: 5 }).entries()) check(row, truth.names[direction]!.size);
    check(rows({ metric: 5, keepLabelsMask: 0 })[0]!, merged(truth.names).size);
  });

  test("tops: the total exact, every truth between its bounds, and none missing above the bound", () => {
    const check = (row: Row, names: Map<string, number>) => {
      const items = row.items as TopItem[];
      expect([row.total, items.length]).toEqual([sum(names.values()), 20]);
      expect(items).toEqual([...items].sort((a, b) => b.upper - a.upper));
      for (const { key, lower, value, upper } of items) {
        const count = names.get(key) ?? 0;
        expect(lower <= count && count <= upper && lower <= value && value <= upper).toBe(true);
      }
      const shown = new Set(items.map(({ key }) => key));
      for (const [key, count] of names) if (!shown.has(key)) expect(count).toBeLessThanOrEqual(row.bound!);
    };
    for (const [direction, row] of rows({ metric: 6, items: 20 }).entries()) check(row, truth.names[direction]!);
    check(rows({ metric: 6, items: 20, keepLabelsMask: 0 })[0]!, merged(truth.names));
  });

  test("breakdowns: totals exact, and what a set may have lost to the rest is bounded", () => {
    for (const [direction, row] of rows({ metric: 7, items: 12, quantiles: [0.5] }).entries()) {
      const sets = truth.sets[direction]!;
      const items = row.items as BreakdownItem[];
      const all = [...sets.values()];
      const totals = [all.map((set) => set.requests), all.map((set) => set.errors), all.map((set) => set.bytes)].map(sum);
      expect([row.requests, row.errors, row.bytes]).toEqual(totals);
      expect(items).toHaveLength(12);
      for (const { key, lower, upper, requests } of items) {
        const { requests: count } = sets.get(`${key.server} ${key.method}`)!;
        expect(lower === requests && lower <= count && count <= upper).toBe(true);
      }
      const parts = [...items, row.other!];
      expect(sum(parts.map(({ requests }) => requests))).toBe(row.requests);
      expect(sum(parts.map(({ errors }) => errors))).toBe(row.errors);
      expect(sum(parts.map(({ bytes }) => bytes))).toBe(row.bytes);
      expect(sum(parts.map(({ duration }) => duration.count))).toBe(row.requests);
      expect(sum(parts.map(({ duration }) => duration.sum))).toBeCloseTo(sum(all.flatMap(({ durations }) => durations)), 5);
      expect(new Set(parts.map((part) => Object.keys(part.duration.quantiles).join())).size).toBe(1);
    }
  });

  test("all metrics at once, in the order of their numbers", () => {
    const names = [...new Set(rows({ quantiles: [0.5] }).map(({ metric }) => metric))];
    expect(names).toEqual([
      "net_packets_total",
      "net_flows",
      "net_packet_rate",
      "dns_duration_seconds",
      "dns_names",
      "dns_top_names",
      "http_requests",
    ]);
  });

  test("asking changes nothing", () => {
    const before = hub.encode();
    rows({ keepLabelsMask: 0, quantiles: QUANTILES, items: 100 });
    expect(Buffer.from(hub.encode()).equals(Buffer.from(before))).toBe(true);
  });
});

describe("addresses as keys", () => {
  test("are shown as such", () => {
    const wire = new Wire();
    wire.packet(BASE);
    const addresses = [
      [10, 0, 0, 1],
      [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1],
    ];
    for (const [index, bytes] of addresses.entries()) {
      wire.core.top(wire.core.series(9), wire.stage(Uint8Array.from(bytes)), 10 - index);
    }
    wire.core.flush();
    hub.core.mergeReset();
    hub.add(wire.take()[0]!);
    expect((rows({ metric: 9 })[0]!.items as TopItem[]).map(({ key }) => key)).toEqual(["10.0.0.1", "2001:db8::1"]);
  });
});

describe("questions that cannot be answered", () => {
  test("malformed ones get a fault", () => {
    const good = encodeRowQuery({ quantiles: [0.5], labelValues: [[1], null, [2]] });
    for (let length = 0; length < good.length; length++) expect(hub.ask(good.slice(0, length))).toBe(-11);
    expect(hub.ask(new Uint8Array([...good, 0]))).toBe(-11);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const answer = hub.ask(bytes);
        expect(typeof answer !== "number" || answer === -11).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("an answer that does not fit is refused at every size", () => {
    edges(1, 50, 300);
    const query = encodeRowQuery({ quantiles: [0.5], buckets: true });
    const whole = hub.ask(query) as Uint8Array;
    for (let capacity = 0; capacity < whole.length; capacity += 13) expect(hub.ask(query, capacity)).toBe(-12);
    expect(hub.ask(query, whole.length)).toEqual(whole);
  });

  test("the decoder refuses cut answers with its own error", () => {
    const query = { quantiles: [0.5], buckets: true };
    const whole = hub.ask(encodeRowQuery(query)) as Uint8Array;
    let refused = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        decoder.decode(whole.subarray(0, length), query);
      } catch (error) {
        expect(error).toBeInstanceOf(RowsError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(whole.length / 2);
  });
});
