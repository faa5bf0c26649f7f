import type { Writable } from "node:stream";
import type { BreakdownItem, BreakdownPart, Row, TopItem } from "../../engine/rows";
import type { MetricSchema, Schema } from "../../engine/schema";
import type { Summary } from "../../engine/summary";
import { formatBytes, formatCount, formatFigure, formatNumberOf, formatSeconds, formatShare } from "../../engine/units";
import { type Palette, paletteFor } from "./colour";
import { printable } from "./printable";

/** One line of the page: what it is about, and its figures. */
interface Line {
  indent: number;
  name: string;
  text: string;
  isMetric: boolean;
}

const NAME_WIDTH_MAX = 50;
const QUANTILE_WIDTH = 9;

/** The summary as a page to read: a part for each module, its metrics by their names, error bars beside what has them. */
export function summaryPage(summary: Summary, schema: Schema, stream: Writable): string {
  const palette = paletteFor(stream);
  const modules = new Map<string, Line[]>();
  for (const metric of schema.metrics) {
    const rows = summary.metrics.filter((row) => row.metric === metric.name);
    if (rows.length === 0) continue;
    const module = metric.name.split("_")[0] ?? "";
    modules.set(module, [...(modules.get(module) ?? []), ...metricLines(metric, rows)]);
  }
  const lines = [...modules.values()].flat();
  const width = Math.min(NAME_WIDTH_MAX, Math.max(0, ...lines.map((line) => line.indent + line.name.length)));
  const parts = [...modules].map(([module, own]) => {
    return [palette.strong(module), ...own.map((line) => formatLine(line, width, palette))].join("\n");
  });
  const note = "Quantiles are within 1.1 %. Where a figure has bounds, the true value lies between them.";
  return `${[headOf(summary, palette), ...parts, palette.faint(note)].join("\n\n")}\n`;
}

function headOf(summary: Summary, palette: Palette): string {
  const { packets, bytes, start, end, malformed, undecoded } = summary;
  const span = start && end ? `, ${formatSeconds(secondsBetween(start, end))} from ${start} to ${end}` : "";
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${formatCount(count)}`)
      .join(", ") || "none";
  return [
    `${palette.strong(`${formatNumberOf(packets, "packet")}, ${formatBytes(bytes)}`)}${span}`,
    `malformed: ${list(malformed)}`,
    `undecoded: ${list(undecoded)}`,
  ].join("\n");
}

/** Seconds between two times of nine digits, all of which count: Date knows milliseconds only. */
function secondsBetween(start: string, end: string): number {
  const [from, to] = [start, end].map((time) => ({ ms: Date.parse(`${time.slice(0, 19)}Z`), ns: Number(time.slice(20, 29)) }));
  return (to!.ms - from!.ms) / 1e3 + (to!.ns - from!.ns) / 1e9;
}

function formatLine({ indent, name, text, isMetric }: Line, width: number, palette: Palette): string {
  const left = name.padEnd(Math.max(0, width - indent));
  return `${" ".repeat(indent)}${isMetric ? palette.name(left) : palette.faint(left)}  ${text}`.trimEnd();
}

/** A metric's lines: one where it is not split, else one for its name and one for each combination of labels that differ. */
function metricLines(metric: MetricSchema, rows: readonly Row[]): Line[] {
  const differing = metric.labels.filter((label) => new Set(rows.map((row) => row.labels[label])).size > 1);
  if (rows.length === 1) return rowLines(metric, rows[0] as Row, 2, metric.name, true);
  const total = metric.kind === "counter" ? rows.reduce((sum, row) => sum + (row.value ?? 0), 0) : undefined;
  const head = {
    indent: 2,
    name: metric.name,
    text: total === undefined ? "" : formatFigure(total, metric.unit),
    isMetric: true,
  };
  const parts = rows.map((row) => ({ row, name: differing.map((label) => row.labels[label]).join(" ") }));
  if (total !== undefined) parts.sort((a, b) => (b.row.value ?? 0) - (a.row.value ?? 0));
  return [head, ...parts.flatMap(({ row, name }) => rowLines(metric, row, 4, name, false))];
}

function rowLines(metric: MetricSchema, row: Row, indent: number, name: string, isMetric: boolean): Line[] {
  const line = (text: string): Line => ({ indent, name, text, isMetric });
  switch (metric.kind) {
    case "counter":
      return [line(formatFigure(row.value ?? 0, metric.unit))];
    case "gauge":
      return [line(`${formatFigure(row.value ?? 0, metric.unit)}, ${boundsText(row.min, row.max, metric.unit)}`)];
    case "rate":
      return [line(`${quantilesText(spread(row), metric.unit, "/s")}  over ${formatCount(row.seconds ?? 0)} s`)];
    case "histogram":
      return [line(`${quantilesText(spread(row), metric.unit)}  of ${formatCount(row.count ?? 0)}`)];
    case "distinct":
      return [line(distinctText(row))];
    case "top":
      return [line(`${formatFigure(row.total ?? 0, metric.unit)} in all`), ...topLines(metric, row, indent + 2)];
    default:
      return [
        line(`${formatNumberOf(row.requests ?? 0, "request")}, ${formatNumberOf(row.errors ?? 0, "error")}`),
        ...breakdownLines(row, indent + 2),
      ];
  }
}

function boundsText(lower = 0, upper = 0, unit = ""): string {
  return `${formatFigure(lower, unit)} to ${formatFigure(upper, unit)}`;
}

function quantilesText(entries: readonly [q: string, value: number][], unit: string, suffix = ""): string {
  const named = entries.map(([q, value]) => [Number(q) >= 0 ? `p${Number(q) * 100}` : q, value] as const);
  return named
    .map(([name, value]) => `${name} ${(formatFigure(value, unit) + suffix).padEnd(QUANTILE_WIDTH)}`)
    .join("  ")
    .trimEnd();
}

/** A row's quantiles and its greatest value. */
function spread({ quantiles = {}, max = 0 }: Row): [string, number][] {
  return [...Object.entries(quantiles), ["max", max]];
}

function distinctText({ estimate = 0, lower = 0, upper = 0 }: Row): string {
  return lower === upper
    ? formatCount(estimate)
    : `${formatCount(estimate)} (${formatCount(Math.floor(lower))} to ${formatCount(Math.ceil(upper))})`;
}

function topLines(metric: MetricSchema, { items = [], total = 0 }: Row, indent: number): Line[] {
  return (items as TopItem[]).map(({ key, value, lower, upper }) => {
    const figure = formatFigure(value, metric.unit).padStart(9);
    const bounds = lower === upper ? "" : `  (${boundsText(lower, upper, metric.unit)})`;
    return { indent, name: printable(key), text: `${figure} ${formatShare(value, total).padStart(7)}${bounds}`, isMetric: false };
  });
}

function breakdownLines({ items = [], other }: Row, indent: number): Line[] {
  const part = (name: string, { requests, errors, bytes, duration }: BreakdownPart): Line => {
    const counts = `${formatCount(requests).padStart(9)} ${formatCount(errors).padStart(9)} ${formatBytes(bytes).padStart(9)}`;
    const quantiles = duration.count > 0 ? `  ${quantilesText(Object.entries(duration.quantiles), "seconds")}` : "";
    return { indent, name, text: counts + quantiles, isMetric: false };
  };
  const head = {
    indent,
    name: "",
    text: ` ${"requests".padStart(8)} ${"errors".padStart(9)} ${"bytes".padStart(9)}`,
    isMetric: false,
  };
  const lines = (items as BreakdownItem[]).map((item) => part(printable(Object.values(item.key).join(" ")), item));
  return [head, ...lines, ...(other && other.requests > 0 ? [part("all others", other)] : [])];
}
