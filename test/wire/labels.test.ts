/** A host that keeps only some labels of a breakdown sends what one that keeps all of them would have sent, added up over the others. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, CoreError } from "../../engine/core";
import type { BreakdownItem, Row } from "../../engine/rows";
import { MinuteSum } from "../../engine/summary";
import { labelChoices } from "../../shim/agent/labels";
import { readSections } from "../support/bundle";
import { captureBytes } from "../support/core-laws";
import { corpusIndex, HAS_CORPUS } from "../support/corpus";

const BREAKDOWN = 7;
const { schema } = new Core(module);
const breakdowns = new Map(schema.metrics.filter(({ kind }) => kind === "breakdown").map((metric) => [metric.name, metric]));
/** More than a breakdown has of most captures: those that have more are not exact by set. */
const SETS_EXACT = 96;
/** Larger captures show nothing that smaller ones do not. */
const CAPTURE_BYTES_MAX = 64 << 10;

function bundlesOf(bytes: Uint8Array, labels?: string): Uint8Array[] {
  const bundles: Uint8Array[] = [];
  const core = new Core(module, { budgetBytes: 8 << 20, labels: labels === undefined ? [] : labelChoices(labels, schema) });
  core.drainTo({ bundle: (bundle) => bundles.push(bundle.slice()) });
  const input = core.open("file");
  input.write(bytes);
  input.end();
  core.flush();
  return bundles;
}

function rowsOf(bundles: readonly Uint8Array[]): Row[] {
  const sum = new MinuteSum(new Core(module, { role: "hub", budgetBytes: 16 << 20 }));
  for (const bundle of bundles) sum.add(bundle);
  return sum.summary(1024).metrics.filter(({ metric }) => breakdowns.has(metric));
}

/** Sections of all other kinds, a line each. */
const others = (bundles: readonly Uint8Array[]) =>
  bundles.flatMap((bundle) =>
    readSections(bundle)
      .sections.filter(({ kind }) => kind !== BREAKDOWN)
      .map(({ metric, labels, payload }) => `${metric} ${labels} ${Buffer.from(payload).toString("hex")}`),
  );

/** Label sets by the labels in `kept`, added up, whatever order they stand in. */
function setsBy(row: Row, kept: readonly string[]): Map<string, string> {
  const sums = new Map<string, number[]>();
  for (const { key, requests, errors, bytes, duration } of row.items as BreakdownItem[]) {
    const name = JSON.stringify(kept.map((label) => key[label]));
    const [a = 0, b = 0, c = 0, d = 0] = sums.get(name) ?? [];
    sums.set(name, [a + Number(requests), b + Number(errors), c + Number(bytes), d + Number(duration.count)]);
  }
  return new Map([...sums].map(([name, sum]): [string, string] => [name, sum.join(" ")]).sort());
}

const place = ({ metric, labels }: Row) => `${metric} ${JSON.stringify(labels)}`;
const totals = (row: Row) => [row.requests, row.errors, row.bytes].map(Number);
const protocolOf = (metric: string) => metric.slice(0, metric.indexOf("_"));

/** Each choice that is tried: the second label alone of each protocol, and none at all. */
const CHOICES = [
  (names: readonly string[]) => names.slice(1, 2),
  (names: readonly string[]) => [names[0]!, names.at(-1)!],
  () => [],
];

function wordsOf(choose: (names: readonly string[]) => readonly string[]): string {
  return [...breakdowns.values()]
    .map(({ name, keys = [] }) => `${protocolOf(name)}=${choose(keys.map((key) => key.name)).join("+")}`)
    .join(",");
}

describe.runIf(HAS_CORPUS)("of the captures", () => {
  const seen = new Set<string>();

  test.each(CHOICES.map((choose, index) => [index, choose] as const))(
    "choice %i",
    (index, choose) => {
      // Each capture is tried with one of them.
      for (const file of corpusIndex().filter((_, number) => number % CHOICES.length === index)) {
        const bytes = captureBytes(file);
        if (bytes.length > CAPTURE_BYTES_MAX) continue;
        const all = bundlesOf(bytes);
        const before = rowsOf(all);
        if (before.length === 0) continue;
        const some = bundlesOf(bytes, wordsOf(choose));
        expect(others(some), file.file).toEqual(others(all));
        const after = new Map(rowsOf(some).map((row) => [place(row), row]));
        const both = new Map(rowsOf([...all, ...some]).map((row) => [place(row), row]));
        expect(after.size, file.file).toBe(before.length);
        for (const row of before) {
          const cut = after.get(place(row))!;
          const names = (breakdowns.get(row.metric)!.keys ?? []).map((key) => key.name);
          const kept = choose(names);
          const where = `${file.file} ${place(row)}`;
          expect(totals(cut), where).toEqual(totals(row));
          expect(totals(both.get(place(row))!), where).toEqual(totals(row).map((value) => 2 * value));
          for (const { key } of cut.items as BreakdownItem[])
            for (const name of names) if (!kept.includes(name)) expect(key[name], where).toBe("");
          if (row.items!.length > SETS_EXACT) continue;
          expect(setsBy(cut, kept), where).toEqual(setsBy(row, kept));
          seen.add(row.metric);
        }
      }
      expect(seen.size).toBeGreaterThan(7);
    },
    300_000,
  );
});

test("all labels named is no choice", () => {
  const choices = labelChoices("http=server+method+path+status_class", schema);
  expect(choices).toEqual([{ metric: breakdowns.get("http_routes")!.id, kept: 0b1111 }]);
});

test.each([
  ["http", /"http" is no choice of labels; write labels as http=method\+path/],
  ["http=method=path", /no choice of labels/],
  ["dns=name", /"dns" has no labels to choose from; .*http.*kafka/],
  ["http=method+port", /"port" is no label of http; its labels are server, method, path, status_class/],
  ["http=,http=path", /labels of http are chosen twice/],
])("%s is refused", (text, reason) => {
  expect(() => labelChoices(text, schema)).toThrow(reason);
});

test("the core refuses what is no breakdown or no column", () => {
  const { id } = breakdowns.get("http_routes")!;
  for (const labels of [[{ metric: 1, kept: 1 }], [{ metric: 999, kept: 0 }], [{ metric: id, kept: 16 }]])
    expect(() => new Core(module, { labels })).toThrow(CoreError);
});
