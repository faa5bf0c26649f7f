import { formatBytes, formatCount, formatFigure, formatSeconds, formatShare } from "../../engine/units";
import type { OverviewAnswer, OverviewRow } from "../overview/overview";
import { type StatSort, sortRows } from "./stat-table";
import { type Column, table } from "./table";

/** What the parts are called, in the order in which they are shown. */
const PARTS = [
  ["dependsOn", "this host depends on"],
  ["dependedOnBy", "this host is depended on by"],
  ["others", "of others, or of a side that is not known"],
] as const;
const CLOCK_START = "YYYY-MM-DDT".length;
const DATE_START = "YYYY-".length;
const SECOND_END = "YYYY-MM-DDTHH:MM:SS".length;

/** How rows are shown. */
export interface OverviewForm {
  sort: StatSort;
  /** Whether addresses stay where there are names. */
  numbers: boolean;
  /** Rows of all parts together. */
  rows: number;
  /** Columns of a line; as many as it takes unless given. */
  columns?: number;
}

/** Lines that an overview takes beside its rows. */
export function linesAround(answer: OverviewAnswer): number {
  return 4 * PARTS.filter(([name]) => answer[name].length > 0).length + 2;
}

/** The parts of which there is anything, a table each. */
export function overviewText(answer: OverviewAnswer, form: OverviewForm): string {
  const parts = PARTS.filter(([name]) => answer[name].length > 0);
  if (parts.length === 0) return "no round trips yet\n";
  let left = form.rows;
  const clock = clockFormat(parts.flatMap(([name]) => answer[name]));
  const texts = parts.map(([name, title], index) => {
    // What a part leaves free the next ones may take.
    const most = Math.max(1, Math.floor(left / (parts.length - index)));
    left -= Math.min(most, answer[name].length);
    return `${title}\n${partTable(answer[name], form, most, clock)}`;
  });
  const { rest } = answer;
  const below = rest === undefined ? "" : `\n(${formatCount(rest.requests)} more of services that are not kept)\n`;
  return texts.join("\n") + below;
}

function partTable(all: readonly OverviewRow[], form: OverviewForm, most: number, clock: (time: string) => string): string {
  const hasClients = all.some(({ clients }) => clients !== undefined);
  const figures = [...(hasClients ? ["clients"] : []), "requests", "rate", "errors", "", "p50", "p99", "bytes"];
  const hasProcesses = all.some(({ processes }) => processes !== undefined);
  const columns: Column[] = [
    { title: "service", mayBeCut: true },
    { title: "protocol" },
    ...(hasProcesses ? [{ title: "process", mayBeCut: true }] : []),
    ...figures.map((title) => ({ title, isFigure: true })),
    { title: "first seen" },
    { title: "last seen" },
  ];
  const rows = sortRows(all, form.sort)
    .slice(0, most)
    .map((row) => [
      serviceText(row, form.numbers),
      row.protocol,
      ...(hasProcesses ? [processText(row)] : []),
      ...(hasClients ? [clientsText(row)] : []),
      row.upper === undefined ? formatCount(row.requests) : `${formatCount(row.requests)}..${formatCount(row.upper)}`,
      row.perSecond === undefined ? "-" : `${formatFigure(row.perSecond, "")}/s`,
      formatCount(row.errors),
      formatShare(row.errors, row.requests),
      ...(["0.5", "0.99"] as const).map((q) => (row.values ? formatSeconds(row.values.quantiles[q] / 1e9) : "-")),
      formatBytes(row.bytes),
      ...[row.first, row.last].map((time) => (time === undefined ? "-" : clock(time))),
    ]);
  const hidden = all.length - rows.length;
  return table(columns, hidden > 0 ? [...rows, [`(${formatCount(hidden)} more)`]] : rows, form.columns);
}

/** Where it is, by its name if one is known, and how many other names it was used under. */
function serviceText({ address, port, names = [] }: OverviewRow, numbers: boolean): string {
  const [name, ...others] = numbers ? [] : names;
  const host = name ?? (address.includes(":") ? `[${address}]` : address);
  return `${host}:${port}${moreText(others)}`;
}

function processText({ processes: [last, ...others] = [] }: OverviewRow): string {
  return last === undefined ? "-" : `${last}${moreText(others)}`;
}

function moreText(others: readonly string[]): string {
  return others.length > 0 ? ` (+${others.length})` : "";
}

function clientsText({ clients, hasMoreClients }: OverviewRow): string {
  if (clients === undefined) return "-";
  return `${formatCount(clients)}${hasMoreClients ? "+" : ""}`;
}

/** Times of a day as clocks show them, with the date where there are several; UTC. */
function clockFormat(rows: readonly OverviewRow[]): (time: string) => string {
  const times = rows.flatMap(({ first, last }) => (first === undefined || last === undefined ? [] : [first, last]));
  const days = new Set(times.map((time) => time.slice(0, CLOCK_START)));
  const start = days.size > 1 ? DATE_START : CLOCK_START;
  return (time) => time.slice(start, SECOND_END).replace("T", " ");
}
