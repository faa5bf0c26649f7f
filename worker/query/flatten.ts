import type { BreakdownItem, BreakdownPart, Bucket, Row, TopItem } from "../../engine/rows";
import { packBuckets } from "./packed";
import type { Plan } from "./plan";

/** One flat row of an answer. */
export type FlatRow = Record<string, string | number | null>;

/** How far the figures of an answer may be from the truth. */
export interface ErrorBound {
  /** `exact`; `relative`: value * (1 ± bound); `interval`: each row has its own lower and upper. */
  kind: "exact" | "relative" | "interval";
  bound: number;
}

/** Half the width of a histogram's bucket at scale 5. */
const HISTOGRAM_RELATIVE_ERROR = 0.01083;

/** The error bound of an operation's rows. */
export function errorBound(operation: Plan["operation"], rows: readonly FlatRow[]): ErrorBound {
  if (operation === "quantile") return { kind: "relative", bound: HISTOGRAM_RELATIVE_ERROR };
  if (operation !== "distinct" && operation !== "top" && operation !== "breakdown") return { kind: "exact", bound: 0 };
  const widths = rows.map((row) => Number(row.upper ?? 0) - Number(row.lower ?? 0));
  return { kind: "interval", bound: widths.reduce((widest, width) => Math.max(widest, width), 0) };
}

/** The flat rows of one row of the core. `seconds` is how long its time bucket is. */
export function flatten(plan: Plan, head: FlatRow, row: Row, seconds: number): FlatRow[] {
  const start: FlatRow = { ...head, ...row.labels };
  switch (plan.operation) {
    case "sum":
      return [{ ...start, value: row.value ?? row.total ?? row.sum ?? 0, ...given({ count: row.count }) }];
    case "rate":
      return [{ ...start, value: (row.value ?? 0) / seconds, ...quantileColumns(row.quantiles), ...given({ max: row.max }) }];
    case "last":
      return [{ ...start, value: row.value ?? 0, ...given({ min: row.min, max: row.max }) }];
    case "distinct":
      return [{ ...start, value: row.estimate ?? 0, ...given({ lower: row.lower, upper: row.upper }) }];
    case "quantile":
      return plan.quantiles.map((q) => ({
        ...start,
        q,
        value: row.quantiles?.[String(q)] ?? null,
        ...given({ count: row.count }),
      }));
    case "histogram":
      if (plan.packed) return [{ ...start, packed: packBuckets(row) }];
      return bucketsOf(row).map((bucket) => ({ ...start, ...bucket }));
    case "top":
      return topRows(plan, start, row);
    case "breakdown":
      return breakdownRows(plan, start, row);
  }
}

/** Buckets from the least; values of zero as one of their own. */
function bucketsOf(row: Row): Bucket[] {
  const zeros = row.zeros ?? 0;
  return [...(zeros > 0 ? [{ lower: 0, upper: 0, count: zeros }] : []), ...(row.buckets ?? [])];
}

function topRows(plan: Plan, start: FlatRow, row: Row): FlatRow[] {
  const items = (row.items ?? []) as TopItem[];
  const total = row.total ?? 0;
  if (plan.key === null) {
    return items.map(({ key, value, lower, upper }) => ({ ...start, key, value, lower, upper, total }));
  }
  const absent = { key: plan.key, value: 0, lower: 0, upper: row.bound ?? 0 };
  const { key, value, lower, upper } = items.find((item) => item.key === plan.key) ?? absent;
  return [{ ...start, key, value, lower, upper, total }];
}

/** One row a label set, and one whose key columns are null for what is in none of them. */
function breakdownRows(plan: Plan, start: FlatRow, row: Row): FlatRow[] {
  const rows = ((row.items ?? []) as BreakdownItem[]).map((item) => ({
    ...start,
    ...item.key,
    ...partColumns(item),
    lower: item.lower,
    upper: item.upper,
  }));
  if (row.other === undefined || row.other.requests === 0) return rows;
  const nobody = Object.fromEntries((plan.metric.keys ?? []).map((column) => [column.name, null]));
  return [...rows, { ...start, ...nobody, ...partColumns(row.other) }];
}

function partColumns({ requests, errors, bytes, duration }: BreakdownPart): FlatRow {
  const mean = duration.count > 0 ? duration.sum / duration.count : null;
  return { requests, errors, bytes, mean, ...quantileColumns(duration.quantiles) };
}

/** `{"0.99": 3}` as `{p99: 3}`. */
function quantileColumns(quantiles: Record<string, number> | undefined): FlatRow {
  return Object.fromEntries(Object.entries(quantiles ?? {}).map(([q, value]) => [`p${+(Number(q) * 100).toFixed(4)}`, value]));
}

/** Only those columns that have a value. */
function given(columns: Record<string, number | undefined>): FlatRow {
  return Object.fromEntries(Object.entries(columns).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
