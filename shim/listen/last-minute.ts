import type { BreakdownItem, BreakdownPart, Row, TopItem } from "../../engine/rows";
import type { MetricSchema } from "../../engine/schema";
import { type Family, gauge, series } from "./families";
import type { Series } from "./totals";

/** Keys of a top or breakdown that are shown, the heaviest first. */
export const KEYS_SHOWN = 10;

/** A gauge that shows a figure of a metric. */
interface Part {
  /** What its name has behind the metric's. */
  suffix: string;
  unit?: string;
  /** Whether values of keys that look the same add up; else the heaviest key's stands. */
  isSum?: boolean;
  help: string;
  values(row: Row, metric: MetricSchema): Series[];
}

const DISTINCT: readonly Part[] = [
  { suffix: "", help: "In the last minute; estimated.", values: (row) => [series(row.estimate ?? 0, row.labels)] },
];

/** Gauges by the kind of their metric; the hub's /federate names them the same. Counters and histograms are totals. */
const PARTS: Partial<Record<MetricSchema["kind"], readonly Part[]>> = {
  gauge: [{ suffix: "", help: "At the end of the last minute.", values: (row) => [series(row.value ?? 0, row.labels)] }],
  rate: [
    { suffix: "", help: "Mean of the last minute.", values: (row) => [series(meanOf(row), row.labels)] },
    { suffix: "_max", help: "The greatest second of the last minute.", values: (row) => [series(row.max ?? 0, row.labels)] },
  ],
  distinct: DISTINCT,
  theta: DISTINCT,
  top: [
    {
      suffix: "",
      isSum: true,
      help: "In the last minute.",
      values: ({ labels, items = [] }, { keys = [] }) =>
        (items as TopItem[]).map(({ key, value }) => series(value, { ...labels, [keys[0]?.name ?? "key"]: key })),
    },
  ],
  breakdown: [
    { suffix: "_requests", isSum: true, help: "In the last minute.", values: parts(({ requests }) => requests) },
    { suffix: "_errors", isSum: true, help: "Those that failed in the last minute.", values: parts(({ errors }) => errors) },
    {
      suffix: "_bytes",
      unit: "bytes",
      isSum: true,
      help: "Their bytes in the last minute.",
      values: parts(({ bytes }) => bytes),
    },
    {
      suffix: "_duration_seconds",
      unit: "seconds",
      help: "Quantiles of the last minute's durations.",
      values: (row) =>
        sharesOf(row).flatMap(([labels, { duration }]) =>
          Object.entries(duration.quantiles).map(([quantile, value]) => series(value, { ...labels, quantile })),
        ),
    },
  ],
};

/** What the rows of the last sealed minute are as gauges, in the order of the schema. */
export function minuteFamilies(metrics: readonly MetricSchema[], rows: readonly Row[]): Family[] {
  const byMetric = new Map<string, Row[]>();
  for (const row of rows) byMetric.set(row.metric, [...(byMetric.get(row.metric) ?? []), row]);
  return metrics.flatMap((metric) =>
    (PARTS[metric.kind] ?? []).flatMap(({ suffix, unit, isSum, help, values }) => {
      const all = distinctly(
        (byMetric.get(metric.name) ?? []).flatMap((row) => values(row, metric)),
        isSum,
      );
      return all.length === 0 ? [] : [gauge(`${metric.name}${suffix}`, `${metric.help} ${help}`, all, unit)];
    }),
  );
}

/**
 * One series for each set of labels, as a Prometheus knows them: an empty label is none, so that a key of nothing is what the rest is, and
 * bytes that are no text look alike.
 */
function distinctly(all: readonly Series[], isSum = false): Series[] {
  const known = new Map<string, Series>();
  for (const one of all) {
    const labels = Object.entries(one.labels).filter(([, text]) => text !== "");
    const key = JSON.stringify(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
    const same = known.get(key);
    if (same === undefined) known.set(key, one);
    else if (isSum) same.value += one.value;
  }
  return [...known.values()];
}

/** Figures of a breakdown's label sets, and of all that are not shown together. */
function parts(figure: (part: BreakdownPart) => number): Part["values"] {
  return (row) => sharesOf(row).map(([labels, part]) => series(figure(part), labels));
}

function sharesOf({ labels, items = [], other }: Row): [labels: Record<string, string>, part: BreakdownPart][] {
  const shown = (items as BreakdownItem[]).map((item): [Record<string, string>, BreakdownPart] => [
    { ...labels, ...item.key },
    item,
  ]);
  return other !== undefined && other.requests > 0 ? [...shown, [labels, other]] : shown;
}

function meanOf({ value = 0, seconds = 0 }: Row): number {
  return seconds === 0 ? 0 : value / seconds;
}
