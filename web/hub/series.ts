/** Rows of answers as lines over time. */
import type { AnswerMeta, AnswerRow } from "./client";

/** A line of a chart; null where there was nothing. */
export interface Line {
  name: string;
  values: (number | null)[];
  /** The token of its colour, in place of the usual one. */
  token?: string;
  /** A line of the period before is fainter; a bound is the edge of what is certain. */
  role?: "before" | "bound";
}

/** Values over time: `seconds` since the epoch at which each step begins. */
export interface Series {
  seconds: number[];
  lines: Line[];
  /** Whether the lines add up, each on those before it. */
  isStacked?: boolean;
}

export const QUANTILES = [0.5, 0.9, 0.99];

/** A figure of a row; 0 where it has none. */
export function numberOf(row: AnswerRow | undefined, column = "value"): number {
  return Number(row?.[column] ?? 0);
}

/** `p99` of 0.99. */
export function quantileName(q: unknown): string {
  return `p${+(Number(q) * 100).toFixed(4)}`;
}

/** The starts of all steps, whether anything was seen in them or not. */
export function stepsOf({ from, to, step }: Pick<AnswerMeta, "from" | "to" | "step">): number[] {
  const start = Date.parse(from) / 1000;
  const count = Math.ceil((Date.parse(to) / 1000 - start) / step);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

/** When a row's step begins. */
export function secondOf(row: AnswerRow): number {
  return Date.parse(String(row.time)) / 1000;
}

/** Lines by name, made as rows come; nothing is where no row was. */
export class Lines {
  readonly seconds: number[];
  private readonly step: number;
  private readonly start: number;
  private readonly lines = new Map<string, Line>();

  constructor(meta: Pick<AnswerMeta, "from" | "to" | "step">) {
    this.seconds = stepsOf(meta);
    this.step = meta.step;
    this.start = this.seconds[0] ?? 0;
  }

  /** The line with this name. */
  line(name: string, more: Partial<Line> = {}): Line {
    const line = this.lines.get(name) ?? { name, values: this.seconds.map(() => null), ...more };
    this.lines.set(name, line);
    return line;
  }

  /** Adds to a line at a row's time; outside the window nothing. */
  add(line: Line, row: AnswerRow, value: AnswerRow[string] | undefined): void {
    const index = Math.round((secondOf(row) - this.start) / this.step);
    if (typeof value === "number" && index >= 0 && index < line.values.length)
      line.values[index] = (line.values[index] ?? 0) + value;
  }

  /** Puts zero where these rows say that somebody reported, and a line has nothing. */
  fill(line: Line, reported: readonly AnswerRow[], column = "value"): void {
    for (const row of reported) if (numberOf(row, column) > 0) this.add(line, row, 0);
  }

  series(isStacked = false): Series {
    return { seconds: this.seconds, lines: [...this.lines.values()], isStacked };
  }
}

/** Quantiles over time, and the highest of them in the period before. */
export function quantileSeries(rows: readonly AnswerRow[], meta: AnswerMeta): Series {
  const lines = new Lines(meta);
  for (const q of QUANTILES) lines.line(quantileName(q));
  for (const row of rows) {
    lines.add(lines.line(quantileName(row.q)), row, row.value);
    if (typeof row.before !== "number") continue;
    const token = LINE_TOKENS[QUANTILES.indexOf(Number(row.q)) % LINE_TOKENS.length];
    lines.add(lines.line(`${quantileName(row.q)} before`, { role: "before", token }), row, row.before);
  }
  return lines.series();
}

/** One value over time with its bounds where it has them, and the period before. */
export function valueSeries(rows: readonly AnswerRow[], meta: AnswerMeta, name: string, scale = 1): Series {
  const lines = new Lines(meta);
  const scaled = (value: AnswerRow[string] | undefined) => (typeof value === "number" ? value * scale : null);
  const main = lines.line(name);
  for (const row of rows) {
    lines.add(main, row, scaled(row.value));
    if (row.lower !== undefined) {
      lines.add(lines.line("at most", { role: "bound" }), row, scaled(row.upper));
      lines.add(lines.line("at least", { role: "bound" }), row, scaled(row.lower));
    }
    if (typeof row.before === "number") lines.add(lines.line("before", { role: "before" }), row, scaled(row.before));
  }
  return lines.series();
}

/** Colours of lines that have none of their own, first to last. */
export const LINE_TOKENS = ["--part-2", "--part-1", "--part-4", "--odd", "--good", "--part-3"];
/** Colours of outcomes; what else a metric may say takes the usual ones. */
const OUTCOME_TOKENS: Record<string, string> = {
  ok: "--part-1",
  error: "--bad",
  timeout: "--part-4",
  reset: "--odd",
  closed: "--good",
  unobserved: "--part-3",
};

/** What came of requests, a second, one on the other. */
export function stackedSeries(rows: readonly AnswerRow[], meta: AnswerMeta, label: string): Series {
  const lines = new Lines(meta);
  const names = [...new Set(rows.filter((row) => numberOf(row) > 0).map((row) => String(row[label])))];
  const order = Object.keys(OUTCOME_TOKENS);
  names.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  for (const [index, name] of names.entries()) {
    const line = lines.line(name, { token: OUTCOME_TOKENS[name] ?? LINE_TOKENS[index % LINE_TOKENS.length]! });
    for (const row of rows) lines.add(line, row, row[label] === name ? numberOf(row) / meta.step : 0);
  }
  const before = new Map<string, number>();
  for (const row of rows) {
    if (typeof row.before === "number") before.set(String(row.time), (before.get(String(row.time)) ?? 0) + row.before);
  }
  for (const [time, value] of before) {
    lines.add(lines.line("all, before", { role: "before" }), { time }, value / meta.step);
  }
  return lines.series(true);
}
