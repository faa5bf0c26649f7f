import { BUCKETS_PER_OCTAVE, boundsOf, countsBelow } from "../../engine/prometheus/bounds";
import { escapeHelp, escapeLabel } from "../../engine/prometheus/text";
import { baseName, type Family, toldUnit } from "./families";
import type { Series } from "./totals";

/** How buckets are told: by their upper bounds, each with all below it, or by the ranges that VictoriaMetrics knows. */
export type BucketStyle = "le" | "vmrange";

/** Ranges have eight bounds an octave. */
const BUCKETS_PER_RANGE = BUCKETS_PER_OCTAVE / 8;
/** Where the range that holds zeros ends: below the least value that is told. */
const ZEROS_END = 1e-18;

/** All families as text. */
export function expose(families: Iterable<Family>, format: "text" | "openmetrics", style: BucketStyle = "le"): string {
  const lines: string[] = [];
  for (const family of families) {
    const { metric, series } = family;
    lines.push(...headOf(metric, format === "openmetrics"));
    for (const one of series) {
      if (metric.kind === "histogram") lines.push(...histogramOf(metric, one, style));
      else lines.push(line(metric.name, Object.entries(one.labels), one.value));
    }
  }
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function headOf(metric: Family["metric"], isOpen: boolean): string[] {
  const { name, kind, help } = metric;
  if (!isOpen) return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${kind}`];
  // OpenMetrics names a counter's family without the suffix that its sample has.
  const family = baseName(metric);
  const unit = toldUnit(metric);
  return [
    `# HELP ${family} ${escapeLabel(help)}`,
    `# TYPE ${family} ${kind}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
  ];
}

function histogramOf({ name, unit }: Family["metric"], series: Series, style: BucketStyle): string[] {
  const { labels, value, count } = series;
  const pairs = Object.entries(labels);
  const buckets = style === "le" ? boundedCounts(unit, series) : rangedCounts(series);
  return [
    ...buckets.map(([text, inside]) => line(`${name}_bucket`, [...pairs, [style, text]], inside)),
    line(`${name}_sum`, pairs, value),
    line(`${name}_count`, pairs, count),
  ];
}

function boundedCounts(unit: string, { buckets }: Series): [le: string, count: number][] {
  const bounds = boundsOf(unit);
  const below = countsBelow(buckets, bounds);
  return bounds.map(({ text }, place) => [text, below[place]!]);
}

/** Ranges that hold something, ascending. One begins with the very text that the one below it ends with. */
function rangedCounts({ buckets: { zeros, counts } }: Series): [vmrange: string, count: number][] {
  const ranges = new Map<number, number>();
  for (const [index, count] of counts) {
    const range = Math.floor(index / BUCKETS_PER_RANGE);
    ranges.set(range, (ranges.get(range) ?? 0) + count);
  }
  const edge = (range: number) => (2 ** ((range * BUCKETS_PER_RANGE) / BUCKETS_PER_OCTAVE)).toExponential(3);
  const told = [...ranges].sort(([a], [b]) => a - b).map(([range, count]) => rangeOf(edge(range), edge(range + 1), count));
  return zeros > 0 ? [rangeOf("0", ZEROS_END.toExponential(3), zeros), ...told] : told;
}

function rangeOf(from: string, to: string, count: number): [string, number] {
  return [`${from}...${to}`, count];
}

function line(name: string, pairs: readonly (readonly [string, string])[], value: number): string {
  const labels = pairs.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
  return `${name}${labels === "" ? "" : `{${labels}}`} ${value}`;
}
