import type { StatAnswer, StatPart, StatValues } from "../../engine/stat";
import { formatBytes, formatCount, formatSeconds, formatShare } from "../../engine/units";
import type { Column } from "./table";
import { table } from "./table";

/** What rows can be sorted by, the greatest first. */
export const STAT_SORTS = ["requests", "errors", "bytes", "sum", "mean", "p50", "p90", "p99", "max"] as const;
export type StatSort = (typeof STAT_SORTS)[number];

const FIGURES: Column[] = ["requests", "errors", "", "mean", "p50", "p90", "p99", "max", "total", "bytes"].map((title) => ({
  title,
  isFigure: true,
}));

/** Sorts rows, the greatest first; what is equal stays in the order of requests. */
export function sortRows<Row extends StatPart>(rows: readonly Row[], sort: StatSort): Row[] {
  return [...rows].sort((a, b) => sortFigure(b, sort) - sortFigure(a, sort));
}

function sortFigure(row: StatPart, sort: StatSort): number {
  if (sort === "requests" || sort === "errors" || sort === "bytes") return row[sort];
  const { values } = row;
  if (values === undefined) return -1;
  if (sort === "sum" || sort === "max") return values[sort];
  if (sort === "mean") return values.sum / values.count;
  return values.quantiles[({ p50: "0.5", p90: "0.9", p99: "0.99" } as const)[sort]];
}

/** A table of the first `most` rows in this order, what is in the others together, and all of it, in so many columns. */
export function statTable(answer: StatAnswer, sort: StatSort, most: number, columns?: number): string {
  const rows = sortRows(answer.rows, sort);
  const format = formatOf(answer.value);
  const figures = (part: StatPart, requests = formatCount(part.requests)) => figuresOf(part, requests, format);
  const keyed = rows.slice(0, most).map((row) => {
    const requests =
      row.upper === undefined ? formatCount(row.requests) : `${formatCount(row.requests)}..${formatCount(row.upper)}`;
    return [...answer.by.map((name) => String(row.by[name] ?? "-")), ...figures(row, requests)];
  });
  const label = (text: string) => answer.by.map((_, index) => (index === 0 ? text : ""));
  const hidden = rows.length - keyed.length;
  const lines = answer.by.length === 0 ? keyed : [...keyed, ...moreOf(answer, hidden, label, figures)];
  return table([...answer.by.map((title) => ({ title, mayBeCut: true })), ...FIGURES], lines, columns);
}

/** The lines below the rows: how many are not shown, and what did not fit the table that was kept. */
function moreOf(
  answer: StatAnswer,
  hidden: number,
  label: (text: string) => string[],
  figures: (part: StatPart) => string[],
): string[][] {
  return [
    ...(hidden > 0 ? [label(`(${formatCount(hidden)} more)`)] : []),
    ...(answer.other === undefined ? [] : [[...label("(other)"), ...figures(answer.other)]]),
  ];
}

function figuresOf({ requests: count, errors, bytes, values }: StatPart, requests: string, format: Format): string[] {
  return [requests, formatCount(errors), formatShare(errors, count), ...valueCells(values, format), formatBytes(bytes)];
}

function valueCells(values: StatValues | undefined, format: Format): string[] {
  if (values === undefined) return ["-", "-", "-", "-", "-", "-"];
  const { count, sum, max, quantiles } = values;
  return [sum / count, quantiles["0.5"], quantiles["0.9"], quantiles["0.99"], max, sum].map(format);
}

type Format = (value: number) => string;

/** How the values of a field read: times and sizes by what its name says. */
function formatOf(value: string): Format {
  if (value === "count" || value === "errors" || value.endsWith("Ns")) return (ns) => formatSeconds(ns / 1e9);
  return value === "size" || /bytes$/i.test(value) ? formatBytes : formatCount;
}
