/** Labels, bounds and names as the formats want them, read back by promtool. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Core } from "../../../engine/core";
import { expose } from "../../../shim/listen/exposition";
import type { Family } from "../../../shim/listen/families";
import { Totals } from "../../../shim/listen/totals";
import { hasProgram } from "../../support/promtool";
import { ROOT } from "../../support/repository";
import { sealMinuteBy } from "../../support/seal-minute";

const ODD = 'a "quoted" \\ back\nslash';

const histogram = (counts: [number, number][], zeros = 0, sum = 1): Family => ({
  metric: { name: "odd_seconds", kind: "histogram", unit: "seconds", help: `What is ${ODD}` },
  series: [
    {
      labels: { of: ODD },
      value: sum,
      count: zeros + counts.reduce((all, [, count]) => all + count, 0),
      buckets: { zeros, counts: new Map(counts) },
    },
  ],
});

function checked(text: string): void {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
}

test.runIf(hasProgram("promtool"))("odd labels and help are one line each, and promtool takes them", () => {
  const text = expose([histogram([[0, 2]])], "text");
  expect(text).toContain('odd_seconds_bucket{of="a \\"quoted\\" \\\\ back\\nslash",le="1.4142135623730951"} 2\n');
  checked(text);
});

test("a bucket counts from the bound on that it ends with, or lies below", () => {
  // (1, 2^(1/32)] and (2^(15/32), sqrt 2], then what ends just above; zeros are below every bound.
  const text = expose(
    [
      histogram(
        [
          [0, 3],
          [15, 4],
          [16, 5],
        ],
        2,
      ),
    ],
    "text",
  );
  const at = (le: string) => Number(new RegExp(`le="${le.replace("+", "\\+")}"} (\\d+)`).exec(text)![1]);
  expect([at("1"), at("1.4142135623730951"), at("2"), at("+Inf")]).toEqual([2, 9, 14, 14]);
});

test("ranges follow one another without a seam, as their reader compares texts", () => {
  const counts = Array.from({ length: 640 }, (_, place): [number, number] => [place - 320, 1]);
  const text = expose([histogram(counts, 7)], "text", "vmrange");
  const ranges = [...text.matchAll(/vmrange="(.*?)\.\.\.(.*?)"} (\d+)/g)].map(([, from, to, count]) => ({
    from,
    to,
    count: Number(count),
  }));
  expect(ranges[0]).toEqual({ from: "0", to: "1.000e-18", count: 7 });
  expect(ranges.length).toBe(1 + 640 / 4);
  for (const [place, { from, count }] of ranges.entries()) {
    if (place > 1) expect(from).toBe(ranges[place - 1]!.to);
    if (place > 0) expect(count).toBe(4);
  }
  expect(Number(ranges[1]!.from)).toBeCloseTo(2 ** -10, 5);
  expect(Number(ranges.at(-1)!.to)).toBeCloseTo(2 ** 10, -1);
});

test("series that find no room are counted, and those that are there go on to count", () => {
  const module = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));
  const core = new Core(module, { role: "hub" });
  const exchanges = [{ client: "10.0.0.1", name: "a.example" }];
  const minutes = [0, 1].map((at) => sealMinuteBy(module, { minute: 1_800_000_000 + 60 * at, boot: 1n, exchanges }));
  const whole = new Totals(core);
  const few = new Totals(core, 3);
  for (const totals of [whole, few]) for (const minute of minutes) totals.add(minute);
  const valuesOf = (totals: Totals) =>
    new Map(
      [...totals].flatMap(({ metric, series }) =>
        [...series].map((one) => [`${metric.name} ${JSON.stringify(one.labels)}`, one.value]),
      ),
    );
  expect(whole.leftOut).toBe(0);
  expect(few.leftOut).toBe(2 * (valuesOf(whole).size - 3));
  expect(valuesOf(few).size).toBe(3);
  for (const [name, value] of valuesOf(few)) expect(value, name).toBe(valuesOf(whole).get(name));
  expect(few.untilSeconds).toBe(1_800_000_000 + 120);
});
