/** Everything of one module, by the kind of its metrics: what the schema brings is shown, and nothing is listed by hand. */
import type { BreakdownItem } from "../../engine/rows";
import type { Figure } from "../figures/arrange";
import { type Ask, type Asker, type Rows, rowsOf } from "./asker";
import { type AnswerMeta, type AnswerRow, HubError, type HubMetric } from "./client";
import { askHeat, type Heat } from "./heat";
import { type Compared, comparedOf, type DistinctFigure } from "./overview";
import { askReported } from "./reported";
import { numberOf, QUANTILES, quantileName, quantileSeries, type Series, stackedSeries, valueSeries } from "./series";
import { askTops, figureOf, titleOf } from "./tops";

/** A metric's line over time, and a word about the whole window. */
export interface Plotted {
  metric: HubMetric;
  title: string;
  series: Series;
}

/** One set of label values of a counter or gauge. */
export interface Part extends Compared {
  labels: Record<string, string>;
}

/** A counter or gauge with its parts. */
export interface Counted {
  metric: HubMetric;
  title: string;
  total: Compared;
  parts: Part[];
}

/** A distribution over time. */
export interface Distribution extends Plotted {
  now: (Compared & { name: string })[];
  count: number;
  heat?: Heat;
}

export interface ModuleFigures {
  name: string;
  outcomes: Plotted[];
  distributions: Distribution[];
  rates: Plotted[];
  distinct: (Plotted & { now: DistinctFigure })[];
  tops: Figure[];
  breakdowns: Figure[];
  counters: Counted[];
  gauges: Counted[];
  meta: AnswerMeta;
  /** Seconds of the window in which any edge reported. */
  seconds: number;
}

const STATUS = "status";

/** Asks everything of a module at once. Throws HubError. */
export async function askModule(asker: Asker, name: string): Promise<ModuleFigures> {
  const [counters, gauges, outcomes, distributions, rates, distinct, tops, breakdowns] = await Promise.all([
    askCounted(asker, asker.of("counter", name), "sum"),
    askCounted(asker, asker.of("gauge", name), "last"),
    askOutcomes(asker, asker.of("counter", name)),
    askDistributions(asker, asker.of("histogram", name)),
    askPlotted(asker, asker.of("rate", name), { op: "rate" }),
    askDistinct(asker, asker.of("distinct", name)),
    askTops(asker, asker.of("top", name)),
    askBreakdowns(asker, asker.of("breakdown", name)),
  ]);
  return { name, outcomes, distributions, rates, distinct, tops, breakdowns, counters, gauges, ...(await askReported(asker)) };
}

/** Names of metrics. */
function namesOf(metrics: readonly HubMetric[]): string[] {
  return metrics.map(({ name }) => name);
}

/** Metrics by their labels: those of one query are told apart alike. */
function byLabels(metrics: readonly HubMetric[]): { labels: string[]; metrics: HubMetric[] }[] {
  const groups = new Map<string, { labels: string[]; metrics: HubMetric[] }>();
  for (const metric of metrics) {
    const labels = metric.labels.map(({ name }) => name);
    const group = groups.get(labels.join()) ?? { labels, metrics: [] };
    group.metrics.push(metric);
    groups.set(labels.join(), group);
  }
  return [...groups.values()];
}

async function askCounted(asker: Asker, metrics: readonly HubMetric[], op: "sum" | "last"): Promise<Counted[]> {
  const groups = await Promise.all(
    byLabels(metrics).map(async (group) => ({
      ...group,
      rows: await asker.ask(namesOf(group.metrics), { op, by: group.labels }),
    })),
  );
  const counted = groups.flatMap(({ metrics, labels, rows }) =>
    metrics.map((metric) => countedOf(metric, labels, rowsOf(rows, metric.name))),
  );
  const order = namesOf(metrics);
  return counted
    .filter(({ total }) => total.value > 0 || (total.before ?? 0) > 0)
    .sort((a, b) => order.indexOf(a.metric.name) - order.indexOf(b.metric.name));
}

function countedOf(metric: HubMetric, labels: readonly string[], rows: readonly AnswerRow[]): Counted {
  const varying = labels.filter((label) => new Set(rows.map((row) => row[label])).size > 1);
  const parts = rows.map(
    (row): Part => ({ labels: Object.fromEntries(varying.map((label) => [label, String(row[label])])), ...comparedOf(row) }),
  );
  const isCompared = rows.some((row) => "before" in row);
  const total = { value: sum(rows, "value"), ...(isCompared && { before: sum(rows, "before") }) };
  const shown = parts.filter(({ value, before = 0 }) => value > 0 || before > 0).sort((a, b) => b.value - a.value);
  return { metric, title: titleOf(metric), total, parts: varying.length > 0 ? shown : [] };
}

function sum(rows: readonly AnswerRow[], column: string): number {
  return rows.reduce((total, row) => total + numberOf(row, column), 0);
}

/** Counters that say how something ended, over time. */
async function askOutcomes(asker: Asker, metrics: readonly HubMetric[]): Promise<Plotted[]> {
  const ended = metrics.filter(({ labels }) => labels.some(({ name }) => name === STATUS));
  const rows = await asker.ask(namesOf(ended), { op: "sum", by: [STATUS], isOverTime: true });
  return plotted(ended, rows, (found, meta) => stackedSeries(found, meta, STATUS));
}

async function askPlotted(asker: Asker, metrics: readonly HubMetric[], ask: Ask): Promise<Plotted[]> {
  const rows = await asker.ask(namesOf(metrics), { ...ask, isOverTime: true });
  return plotted(metrics, rows, (found, meta) => valueSeries(found, meta, "mean"));
}

function plotted(
  metrics: readonly HubMetric[],
  rows: Rows,
  seriesOf: (rows: AnswerRow[], meta: AnswerMeta) => Series,
): Plotted[] {
  return metrics.flatMap((metric) => {
    const found = rowsOf(rows, metric.name);
    return sum(found, "value") > 0 ? [{ metric, title: titleOf(metric), series: seriesOf(found, rows.meta) }] : [];
  });
}

async function askDistributions(asker: Asker, metrics: readonly HubMetric[]): Promise<Distribution[]> {
  const question: Ask = { op: "quantile", q: QUANTILES };
  const [now, overTime] = await Promise.all([
    asker.ask(namesOf(metrics), question),
    asker.ask(namesOf(metrics), { ...question, isOverTime: true }),
  ]);
  const full = metrics.filter(({ name }) => rowsOf(now, name).some((row) => numberOf(row, "count") > 0));
  const heats = await Promise.all(full.map(({ name }) => askHeatIfFits(asker, name)));
  return full.map((metric, index) => {
    const found = rowsOf(now, metric.name).filter(({ value }) => value !== null);
    return {
      metric,
      title: titleOf(metric),
      series: quantileSeries(rowsOf(overTime, metric.name), overTime.meta),
      now: found.map((row) => ({ name: quantileName(row.q), ...comparedOf(row) })),
      count: numberOf(found[0], "count"),
      ...(heats[index] && { heat: heats[index] }),
    };
  });
}

/** A heat map, or nothing where its rows are too many for one answer: the quantiles stand without it. */
async function askHeatIfFits(asker: Asker, metric: string): Promise<Heat | undefined> {
  try {
    return await askHeat(asker, metric);
  } catch (error) {
    if (error instanceof HubError && error.status === 422) return undefined;
    throw error;
  }
}

async function askDistinct(asker: Asker, metrics: readonly HubMetric[]): Promise<ModuleFigures["distinct"]> {
  const [now, lines] = await Promise.all([
    asker.ask(namesOf(metrics), { op: "distinct" }),
    asker.ask(namesOf(metrics), { op: "distinct", isOverTime: true }),
  ]);
  return plotted(metrics, lines, (rows, meta) => valueSeries(rows, meta, "distinct")).map((line) => {
    const row = rowsOf(now, line.metric.name)[0] ?? {};
    return { ...line, now: { ...comparedOf(row), lower: numberOf(row, "lower"), upper: numberOf(row, "upper") } };
  });
}

async function askBreakdowns(asker: Asker, metrics: readonly HubMetric[]): Promise<Figure[]> {
  const rows = await asker.ask(namesOf(metrics), { op: "breakdown", n: 20 });
  return metrics.flatMap((metric) => {
    const columns = (metric.keys ?? []).map(({ name }) => name);
    const items = rowsOf(rows, metric.name).map((row) => breakdownItem(row, columns));
    const other = items.find(({ key }) => columns.every((name) => key[name] === undefined));
    const kept = items.filter((item) => item !== other);
    return kept.length === 0 ? [] : [figureOf(metric, { items: kept, ...(other && { other }) })];
  });
}

function breakdownItem(row: AnswerRow, columns: readonly string[]): BreakdownItem {
  const key = Object.fromEntries(columns.flatMap((name) => (row[name] === null ? [] : [[name, String(row[name])]])));
  const of = (column: string) => numberOf(row, column);
  const quantiles = Object.fromEntries(QUANTILES.map((q) => [String(q), of(quantileName(q))]));
  const count = row.mean === null ? 0 : of("requests");
  const duration = { count, sum: of("mean") * count, quantiles };
  return {
    key,
    requests: of("requests"),
    errors: of("errors"),
    bytes: of("bytes"),
    duration,
    lower: of("lower"),
    upper: of("upper"),
  };
}
