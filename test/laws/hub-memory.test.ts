/** The core's memory in the hub: 16 MiB at the most, whatever it has merged and been asked. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { encodeRowQuery } from "../../engine/rows";
import { CORE_BUDGET_BYTES } from "../../worker/limits";
import { sealMinuteBy, withTop } from "../support/seal-minute";

const CORE_BYTES_MAX = 16 * 1024 * 1024;
const MINUTE = 29_000_000 * 60;

/** A minute whose names, clients, paths and codes are all its own. */
function minuteOf(edge: number, requests: number): Uint8Array {
  const exchanges = Array.from({ length: requests }, (_, index) => ({
    client: `10.${edge}.${index >> 8}.${index & 255}`,
    name: `host-${edge}-${index}-${"x".repeat(40)}.example.com`,
    rcode: index % 11,
    durationMs: 1 + (index % 3000),
  }));
  const pages = exchanges.map(({ client }, index) => ({
    client,
    path: `/${edge}/${"y".repeat(60)}/${index}`,
    status: 200 + (index % 300),
  }));
  return sealMinuteBy(module, { minute: MINUTE, boot: BigInt(edge + 1), exchanges, pages });
}

describe("the core of a hub", () => {
  const core = new Core(module, { role: "hub", budgetBytes: CORE_BUDGET_BYTES });
  const atFirst = core.memoryBytes;

  test("begins below its limit", () => {
    expect(atFirst).toBeGreaterThan(CORE_BUDGET_BYTES / 2);
    expect(atFirst).toBeLessThanOrEqual(CORE_BYTES_MAX);
  });

  test("does not grow by what it merges, all metrics and each with all its keys", () => {
    const bundles = Array.from({ length: 12 }, (_, edge) => minuteOf(edge, 400));
    const merged = core.merge(
      (function* () {
        for (let round = 0; round < 20; round += 1) yield* bundles;
      })(),
    );
    expect(merged.length).toBeGreaterThan(Math.max(...bundles.map(({ length }) => length)));
    for (const { id } of core.schema.metrics) core.merge([merged, ...bundles], { metric: id, allKeys: true, known: true });
    expect(core.memoryBytes).toBe(atFirst);
  });

  test("nor by what it is asked", () => {
    const bundles = Array.from({ length: 6 }, (_, edge) => minuteOf(20 + edge, 300));
    for (const { id } of core.schema.metrics) {
      core.accumulate(bundles, { metric: id });
      const selection = { metric: id, keepLabelsMask: 7, labelValues: [], items: 1024, quantiles: [0.5, 0.99], buckets: true };
      try {
        core.rows(encodeRowQuery(selection));
      } catch (error) {
        // An answer may be too long; it is refused.
        expect(error).toMatchObject({ name: "CoreError" });
      }
    }
    expect(core.memoryBytes).toBe(atFirst);
  });

  test("nor by what it refuses", () => {
    const bundle = minuteOf(40, 100);
    for (const total of [1n, 2n ** 62n]) core.validate(withTop(bundle, total));
    for (let end = 0; end < bundle.length; end += 7) core.validate(bundle.subarray(0, end));
    expect(core.validate(new Uint8Array(1 << 20))).not.toBe(0);
    expect(core.memoryBytes).toBe(atFirst);
  });
});
