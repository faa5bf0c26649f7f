import type { MetricKind } from "../../engine/schema";
import type { Metric } from "../merge";
import type { Operation } from "../query/plan";

/** What a Prometheus metric shows of a metric of the hub. */
export interface Family {
  /** `dns_requests_total`, `dns_duration_seconds_bucket`, `http_routes_errors`. */
  name: string;
  /** The name that HELP and TYPE stand under. */
  base: string;
  type: "counter" | "gauge" | "histogram";
  metric: Metric;
  operation: Operation;
  /** How its samples come about: summed up since a fixed time, or of one minute each. */
  nature: "counter" | "buckets" | "minute";
  /** The column of an answer's row that holds its value. */
  column: string;
  /** Whether minutes may be added up: counts may, last values, means and distinct counts may not. */
  isAdditive: boolean;
  /** Quantiles that are each a series, labelled `quantile`. */
  quantiles: readonly number[];
  help: string;
}

type Part = Pick<Family, "operation" | "nature" | "column"> &
  Partial<Pick<Family, "isAdditive" | "quantiles">> & { suffix: string; help?: string };

/** A count of different ones. */
const DIFFERENT: readonly Part[] = [
  { suffix: "", operation: "distinct", nature: "minute", column: "value", help: "In a minute; estimated." },
];

/** The families of a metric by its kind. */
const PARTS: Readonly<Record<MetricKind, readonly Part[]>> = {
  counter: [{ suffix: "", operation: "sum", nature: "counter", column: "value", isAdditive: true }],
  gauge: [{ suffix: "", operation: "last", nature: "minute", column: "value" }],
  rate: [
    { suffix: "", operation: "rate", nature: "minute", column: "value", help: "Mean of a minute." },
    { suffix: "_max", operation: "rate", nature: "minute", column: "max", help: "The greatest second of a minute." },
  ],
  histogram: [
    { suffix: "_bucket", operation: "histogram", nature: "buckets", column: "packed", isAdditive: true },
    { suffix: "_count", operation: "sum", nature: "counter", column: "count", isAdditive: true },
    { suffix: "_sum", operation: "sum", nature: "counter", column: "value", isAdditive: true },
  ],
  distinct: DIFFERENT,
  theta: DIFFERENT,
  top: [{ suffix: "", operation: "top", nature: "minute", column: "value", isAdditive: true, help: "In a minute." }],
  breakdown: [
    { suffix: "_requests", operation: "breakdown", nature: "minute", column: "requests", isAdditive: true, help: "In a minute." },
    {
      suffix: "_errors",
      operation: "breakdown",
      nature: "minute",
      column: "errors",
      isAdditive: true,
      help: "Those that failed in a minute.",
    },
    {
      suffix: "_bytes",
      operation: "breakdown",
      nature: "minute",
      column: "bytes",
      isAdditive: true,
      help: "Their bytes in a minute.",
    },
    {
      suffix: "_duration_seconds",
      operation: "breakdown",
      nature: "minute",
      column: "quantile",
      quantiles: [0.5, 0.9, 0.99],
      help: "Quantiles of a minute's durations.",
    },
  ],
};

/** All Prometheus metrics, by name. */
export type Catalog = ReadonlyMap<string, Family>;

/** The Prometheus metrics that the hub's metrics make. */
export function catalogOf(metrics: readonly Metric[]): Catalog {
  const families = metrics.flatMap((metric) => PARTS[metric.kind].map((part) => familyOf(metric, part)));
  return new Map(families.map((family) => [family.name, family]));
}

function familyOf(metric: Metric, { suffix, help, isAdditive = false, quantiles = [], ...part }: Part): Family {
  const isHistogram = metric.kind === "histogram";
  const type = isHistogram ? "histogram" : part.nature === "counter" ? "counter" : "gauge";
  const name = metric.name + suffix;
  const base = isHistogram ? metric.name : name;
  return {
    ...part,
    name,
    base,
    type,
    metric,
    isAdditive,
    quantiles,
    help: help === undefined ? metric.help : `${metric.help} ${help}`,
  };
}

/** Names of the labels that a family's series have beside the tags of edges. */
export function labelNames(family: Family): string[] {
  const keys = family.operation === "top" || family.operation === "breakdown" ? keyNames(family.metric) : [];
  const le = family.nature === "buckets" ? ["le"] : [];
  return [...family.metric.labels.map(({ name }) => name), ...keys, ...le, ...(family.quantiles.length > 0 ? ["quantile"] : [])];
}

/** Names of a top's or breakdown's keys. */
export function keyNames(metric: Metric): string[] {
  return (metric.keys ?? []).map(({ name }) => name);
}

/** Labels that stand for other things, whatever edges are tagged with. */
export const OWN_LABELS: ReadonlySet<string> = new Set(["policy", "sampling", "le", "quantile"]);
