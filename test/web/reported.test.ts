/** What is shown a second is the same on every view: divided by the time in which anybody reported. */
import { expect, test } from "vitest";
import { Asker } from "../../web/hub/asker";
import type { Answer, HubClient, HubMetric, Question } from "../../web/hub/client";
import { askModule } from "../../web/hub/module";
import { askOverview } from "../../web/hub/overview";
import { secondsIn } from "../../web/hub/reported";
import { scopeOf } from "../../web/hub/scope";

const textOf = (seconds: number) => new Date(seconds * 1000).toISOString();

const metricOf = (id: number, name: string, labels: string[]): HubMetric => ({
  ...({ id, name, kind: "counter", unit: "", help: name, parameter: 0 } as const),
  labels: labels.map((label, index) => ({ id: index, name: label, values: ["ok", "error"] })),
});
const METRICS = [metricOf(1, "capture_packets_total", []), metricOf(2, "dns_requests_total", ["status"])];

/** A hub whose edges reported in the last third of the window alone: 90 requests a step, of which all were answered. */
function hubOf(): { client: HubClient; stepsReported: () => number; step: () => number } {
  let reported = 0;
  let width = 0;
  const query = async ({ metric, from, to, step = to - from }: Question): Promise<Answer> => {
    const names = [metric].flat();
    const steps = Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
    const last = steps.slice(Math.floor((steps.length * 2) / 3));
    if (names.includes("capture_packets_total") && steps.length > 1) [reported, width] = [last.length, step];
    const data = names.flatMap((name) => last.map((time) => ({ time: textOf(time), metric: name, status: "ok", value: 90 })));
    const nobody = { missing_edges: [], missing_edges_count: 0, set_apart: 0 };
    const meta = { from: textOf(from), to: textOf(to), step, complete: true, complete_until: textOf(to), ...nobody };
    return { data, meta };
  };
  return { client: { query } as unknown as HubClient, stepsReported: () => reported, step: () => width };
}

test("the overview and a protocol's own view divide by the same seconds", async () => {
  const hub = hubOf();
  const asker = await Asker.open(hub.client, METRICS, scopeOf({}), new AbortController().signal);
  const overview = await askOverview(asker, {});
  const module = await askModule(asker, "dns");
  expect(hub.stepsReported()).toBeGreaterThan(1);
  expect(overview.seconds).toBe(hub.stepsReported() * hub.step());
  expect(module.seconds).toBe(overview.seconds);
  expect(module.seconds).toBeLessThan(asker.window.to - asker.window.from);
});

test("a step that the window cuts counts as far as it lies in it", () => {
  const rows = [0, 300, 600].map((time) => ({ time: textOf(time), value: 1 }));
  expect(secondsIn(rows, { from: textOf(0), to: textOf(660), step: 300 })).toBe(660);
  expect(secondsIn(rows.slice(1), { from: textOf(0), to: textOf(660), step: 300 })).toBe(360);
  expect(secondsIn([], { from: textOf(0), to: textOf(660), step: 300 })).toBe(660);
});

test("takes longer steps where the hub would answer about a wider window than is shown", async () => {
  const { client } = hubOf();
  const asked = { from: textOf(60), to: textOf(120) };
  const query = async (question: Question): Promise<Answer> => {
    const { data, meta } = await client.query(question, new AbortController().signal);
    return { data, meta: (question.step ?? 0) % 3600 === 0 ? meta : { ...meta, asked } };
  };
  const scope = scopeOf({ span: "6h", compare: "off" });
  const asker = await Asker.open({ query } as unknown as HubClient, METRICS, scope, new AbortController().signal);
  expect(asker.window.step % 3600).toBe(0);
});
