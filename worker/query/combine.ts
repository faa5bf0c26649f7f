/**
 * Answers put together: one figure by another, and one window beside an earlier one.
 *
 * Rows belong together when they agree in all that they are told apart by: their columns but the figures.
 */
import type { FlatRow } from "./flatten";

/** Columns that hold figures; all others tell rows apart. */
const FIGURES: ReadonlySet<string> = new Set([
  ...["value", "lower", "upper", "total", "count", "sum", "min", "max", "mean", "requests", "errors", "bytes"],
  ...["p50", "p90", "p99", "of", "per", "before", "change"],
]);

/** What tells rows of these apart, but for the time. */
export function keysOf(rows: readonly FlatRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((column) => column !== "time" && !FIGURES.has(column));
}

/**
 * Divides each row's value by that of the row of `divisors` that agrees with it in `keys` and the time. Where `fill` is set, a
 * divisor that no row agrees with makes one of value 0.
 */
export function divide(
  rows: readonly FlatRow[],
  divisors: readonly FlatRow[],
  keys: readonly string[],
  fill: boolean,
): FlatRow[] {
  const byName = new Map(divisors.map((row) => [nameOf(row, keys, 0), row]));
  const divided = rows.map((row): FlatRow => {
    const per = Number(byName.get(nameOf(row, keys, 0))?.value ?? 0);
    return { ...told(row), value: per === 0 ? null : Number(row.value) / per, of: row.value ?? 0, per };
  });
  if (!fill) return divided;
  const there = new Set(rows.map((row) => nameOf(row, keys, 0)));
  const missing = divisors.filter((row) => !there.has(nameOf(row, keys, 0)) && Number(row.value) > 0);
  return inOrder([...divided, ...missing.map((row) => ({ ...told(row), value: 0, of: 0, per: row.value ?? 0 }))]);
}

/**
 * Sets beside each row the value `before` of `shiftSeconds` earlier, and by which part it has changed. Where `fill` is set, what was
 * there then and is there no more has a row of value 0.
 */
export function compare(rows: readonly FlatRow[], before: readonly FlatRow[], shiftSeconds: number, fill: boolean): FlatRow[] {
  const keys = keysOf([...rows, ...before]);
  const byName = new Map(before.map((row) => [nameOf(row, keys, shiftSeconds), row]));
  const compared = rows.map((row): FlatRow => {
    const name = nameOf(row, keys, 0);
    const earlier = byName.get(name)?.value ?? null;
    byName.delete(name);
    return { ...row, before: earlier, change: changeOf(row.value ?? null, earlier) };
  });
  if (!fill) return compared;
  const gone = [...byName.values()].map((row): FlatRow => {
    const time = timeOf(row, shiftSeconds);
    return { ...told(row), time, value: 0, before: row.value ?? null, change: changeOf(0, row.value ?? null) };
  });
  return inOrder([...compared, ...gone]);
}

/** By which part a value has changed; null where there was nothing. */
function changeOf(value: FlatRow[string], before: FlatRow[string]): number | null {
  if (typeof value !== "number" || typeof before !== "number" || before === 0) return null;
  return value / before - 1;
}

/** A row without its figures. */
function told(row: FlatRow): FlatRow {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !FIGURES.has(column)));
}

function nameOf(row: FlatRow, keys: readonly string[], shiftSeconds: number): string {
  return JSON.stringify([timeOf(row, shiftSeconds), ...keys.map((key) => row[key] ?? null)]);
}

/** When a row would be so much later; RFC 3339. */
function timeOf(row: FlatRow, shiftSeconds: number): string {
  return new Date(Date.parse(String(row.time)) + shiftSeconds * 1000).toISOString().replace(".000Z", "Z");
}

function inOrder(rows: FlatRow[]): FlatRow[] {
  return rows.sort((a, b) => (String(a.time) < String(b.time) ? -1 : Number(String(a.time) > String(b.time))));
}
