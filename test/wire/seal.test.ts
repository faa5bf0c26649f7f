import { describe, expect, test } from "vitest";
import { encodeRowQuery, type Row, RowDecoder, type TopItem } from "../../engine/rows";
import { readSections } from "../support/bundle";
import { BASE, feed, Random, Truth } from "../support/traffic";
import { Wire } from "../support/wire";

const BUNDLE_BYTES_MAX = 256 << 10;

describe("sealing", () => {
  test("a minute that would be too large gets fewer keys until it fits, and says what was cut", () => {
    const wire = new Wire({ tops: 40 });
    wire.packet(BASE);
    const random = new Random(1);
    const weights = Array.from({ length: 40 }, () => new Map<string, number>());
    for (const [index, counts] of weights.entries()) {
      for (let i = 0; i < 100; i++) {
        const key = `${i}/${random.next()}`.padEnd(250, "x");
        wire.core.top(wire.core.series(100) + index, wire.stage(key), i + 1);
        counts.set(key, i + 1);
      }
    }
    wire.core.count(0, 7);
    wire.core.flush();
    const [bundle] = wire.take() as [Uint8Array];
    expect(bundle.length).toBeLessThanOrEqual(BUNDLE_BYTES_MAX);
    expect(bundle.length).toBeGreaterThan(BUNDLE_BYTES_MAX / 4);
    expect([wire.validate(bundle), wire.core.lost()]).toEqual([0, 0]);
    wire.merge([bundle]);
    const rows = new RowDecoder(JSON.parse(wire.schema())).decode(wire.ask(encodeRowQuery({ items: 64 })) as Uint8Array, {});
    expect(rows[0]).toMatchObject({ metric: "net_packets_total", value: 7 });
    for (const { items, total, bound, labels } of rows.filter(({ metric }) => metric === "test_wide") as Required<Row>[]) {
      const counts = weights[Number(labels.wide)]!;
      expect([items.length, total, bound]).toEqual([16, 5050, 84]);
      for (const { key, lower, upper } of items as TopItem[]) expect([lower, upper]).toEqual([counts.get(key), counts.get(key)]);
    }
    expect(rows.filter(({ metric }) => metric === "test_wide")).toHaveLength(40);
  });

  test("the minute after a cut one has all its keys", () => {
    const wire = new Wire();
    const [first] = feed(wire, new Truth(), { seed: 1, requests: 2000, names: 2000 });
    const [second] = feed(wire, new Truth(), { seed: 1, requests: 2000, names: 2000, from: 60 });
    const tops = (bundle: Uint8Array) =>
      readSections(bundle)
        .sections.filter(({ kind }) => kind >= 6)
        .map(({ payload }) => payload);
    expect(tops(second!)).toEqual(tops(first!));
  });

  test("what finds no memory is counted, and what is counted elsewhere stays exact", () => {
    const wire = new Wire();
    wire.packet(BASE);
    wire.core.fillPool();
    for (let i = 0; i < 10; i++) {
      wire.core.count(0, 1);
      wire.core.distinct(wire.core.series(5), wire.stage(`${i}`));
      wire.core.top(wire.core.series(6), wire.stage(`${i}`), 1);
    }
    expect(wire.core.refused()).toBe(20);
    wire.core.flush();
    const [bundle] = wire.take() as [Uint8Array];
    expect(wire.validate(bundle)).toBe(0);
    expect(readSections(bundle).sections.map(({ metric, payload }) => [metric, payload[0]])).toEqual([[1, 10]]);
  });
});
