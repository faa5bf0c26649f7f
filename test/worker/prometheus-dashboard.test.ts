/** The dashboard in docs/grafana against the schema: every metric and label that it asks for exists, and every question is one we answer. */
import { describe, expect, test } from "vitest";
import text from "../../docs/grafana/tallywire.json?bytes";
import { core } from "../../worker/core";
import type { Answer } from "../../worker/object/answer";
import { catalogOf } from "../../worker/prometheus/catalog";
import { evaluate } from "../../worker/prometheus/evaluate";
import { parseExpression } from "../../worker/prometheus/parse";
import { Reader } from "../../worker/prometheus/reader";
import { allLabelNames } from "../../worker/prometheus/select";

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: { refId: string; expr: string; legendFormat: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string }[] };
}

const dashboard = JSON.parse(new TextDecoder().decode(text)) as Dashboard;
const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
const TAGS = new Map([["site", ["fra"]]]);

const catalog = catalogOf(core().metrics);

/** Grafana's variables as it fills them in. */
const filled = (expression: string) =>
  expression.replaceAll("$__rate_interval", "4m0s").replaceAll("$__range", "3600s").replaceAll("$site", "(fra|ams\\\\.1)");

/** Names of metrics in an expression: before a `{`. */
const metricsIn = (expression: string) => [...expression.matchAll(/([a-z0-9_]+)\{/g)].map(([, name]) => name!);

/** Labels that an expression, or the legend beside it, names. */
const labelsIn = (expression: string, legend: string) => [
  ...[...expression.matchAll(/[{,] ?([a-z_]+)(?:=~|!=|!~|=)/g)].map(([, name]) => name!),
  ...[...expression.matchAll(/(?:by|without) \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(", ")),
  ...[...legend.matchAll(/\{\{([a-z_]+)\}\}/g)].map(([, name]) => name!),
];

describe("the dashboard", () => {
  test("has a question for every panel, and no two in one place", () => {
    expect(targets.length).toBeGreaterThan(50);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { type, targets: own = [], gridPos } of dashboard.panels) {
      expect(own.length > 0).toBe(type !== "row");
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([x < 24, taken.has(`${x} ${y}`)]).toEqual([true, false]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  test.each(targets)("asks in $title: $expr", async ({ expr, legendFormat }) => {
    const names = metricsIn(expr);
    expect(names.length).toBeGreaterThan(0);
    const families = names.map((name) => catalog.get(name));
    expect(names.filter((_, index) => families[index] === undefined)).toEqual([]);
    const known = families.flatMap((family) => allLabelNames(family!, TAGS));
    expect(labelsIn(expr, legendFormat).filter((label) => !known.includes(label))).toEqual([]);
    const variables = [...expr.matchAll(/\$(?!__(?:rate_interval|range)\b)(\w+)/g)].map(([, name]) => name);
    expect(variables.filter((name) => !dashboard.templating.list.some((one) => one.name === name))).toEqual([]);

    const nowSeconds = 1_800_000_000;
    const empty = { data: [], meta: { missing_edges: [], missing_edges_count: 0, set_apart: 0 } } as unknown as Answer;
    const reader = new Reader({
      ask: async (plans) => plans.map(() => empty),
      ...{ catalog, tags: TAGS, nowSeconds, dueSeconds: 55, retention: [172_800, 2_592_000, 34_560_000] },
    });
    const steps = { start: nowSeconds - 3600, step: 60, count: 60 };
    expect(await evaluate(reader, parseExpression(filled(expr)), steps)).toEqual([]);
    expect([...reader.warnings]).toEqual([]);
  });
});
