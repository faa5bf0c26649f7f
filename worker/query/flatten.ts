import type { Row } from "../merge";
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
  if (operation === "distinct" || operation === "top" || operation === "breakdown") {
    const widths = rows.map((row) => (operation === "breakdown" ? Number(row.bound) : Number(row.upper) - Number(row.lower)));
    return { kind: "interval", bound: widths.reduce((widest, width) => Math.max(widest, width || 0), 0) };
  }
  return { kind: "exact", bound: 0 };
}

/** The flat rows of one row of the core. `seconds` is how long its time bucket is. */
export function flatten(plan: Plan, head: FlatRow, row: Row, seconds: number): FlatRow[] {
  const start: FlatRow = { ...head, ...row.labels };
  switch (plan.operation) {
    case "sum":
      return [
        { ...start, value: row.value ?? row.total ?? row.sum ?? 0, ...(row.count === undefined ? {} : { count: row.count }) },
      ];
    case "rate":
      return [{ ...start, value: (row.total ?? row.value ?? 0) / seconds, ...quantileColumns(row.quantiles), ...maxOf(row) }];
    case "last":
      return [{ ...start, value: row.value ?? 0, min: row.min ?? 0, max: row.max ?? 0 }];
    case "distinct":
      return [{ ...start, value: row.estimate ?? 0, lower: row.lower ?? 0, upper: row.upper ?? 0 }];
    case "quantile":
      return plan.quantiles.map((q) => ({ ...start, q, value: row.quantiles?.[String(q)] ?? null, count: row.count ?? 0 }));
    case "histogram":
      return (row.buckets ?? []).map((bucket) => ({ ...start, lower: bucket.lower, upper: bucket.upper, count: bucket.count }));
    case "top":
      return flattenTop(plan, start, row);
    case "breakdown":
      return flattenBreakdown(plan, start, row);
  }
}

function flattenTop(plan: Plan, start: FlatRow, row: Row): FlatRow[] {
  const items = row.items ?? [];
  const total = row.total ?? 0;
  if (plan.key === null) {
    return items.slice(0, plan.top).map(({ key, value, lower, upper }) => ({ ...start, key, value, lower, upper, total }));
  }
  const item = items.find((candidate) => candidate.key === plan.key);
  const absent = { key: plan.key, value: 0, lower: 0, upper: row.bound ?? 0 };
  const { key, value, lower, upper } = item ?? absent;
  return [{ ...start, key, value, lower, upper, total }];
}

function flattenBreakdown(plan: Plan, start: FlatRow, row: Row): FlatRow[] {
  const columns = plan.metric.keys ?? [];
  return (row.entries ?? []).map((entry) => {
    const keys = Object.fromEntries(columns.map((column, index) => [column, entry.key[index] ?? "other"]));
    const { requests, errors, bytes, bound } = entry;
    return { ...start, ...keys, requests, errors, bytes, bound, ...quantileColumns(entry.quantiles) };
  });
}

/** `{"0.99": 3}` as `{p99: 3}`. */
function quantileColumns(quantiles: Record<string, number> | undefined): FlatRow {
  return Object.fromEntries(Object.entries(quantiles ?? {}).map(([q, value]) => [`p${+(Number(q) * 100).toFixed(4)}`, value]));
}

function maxOf(row: Row): FlatRow {
  return row.max === undefined ? {} : { max: row.max };
}
