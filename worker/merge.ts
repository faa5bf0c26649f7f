/**
 * What the hub asks of the core: check a bundle, merge tiles, read rows. Nothing here is held across an await, so one instance
 * serves the Worker and every object in its isolate.
 */

/** The head of a bundle that passed validation. */
export interface BundleHeader {
  /** Start of its minute, seconds since the epoch. */
  minute: number;
  windowSeconds: number;
  /** 0 for the minute's first bundle, then 1, 2, ... */
  sequence: number;
  /** The agent's start, as lower-case hex. */
  boot: string;
  policy: string;
  /** One in this many was looked at; 1 is everything. */
  samplingRate: number;
}

/** Why a bundle is refused: a stable code and a reason. */
export interface BundleFault {
  fault: string;
  reason: string;
}

/** Which rows to read out of merged tiles. */
export interface RowSelection {
  metric: Metric;
  /** Bit i keeps label i apart; the others are merged. */
  keepLabelsMask: number;
  /** Per label: the value indexes that count, or null for all. */
  labelValues: (readonly number[] | null)[];
  /** Entries of a top or breakdown. */
  top: number;
  quantiles: readonly number[];
  /** Whether a histogram's buckets are wanted. */
  buckets: boolean;
}

/** One entry of a top. */
export interface TopItem {
  key: string;
  value: number;
  lower: number;
  upper: number;
}

/** One bucket of a histogram: values in (lower, upper]. */
export interface Bucket {
  lower: number;
  upper: number;
  count: number;
}

/** One label set of a breakdown; `key` has one part for each of the metric's key columns. */
export interface BreakdownItem {
  key: string[];
  requests: number;
  errors: number;
  bytes: number;
  bound: number;
  quantiles: Record<string, number>;
}

/** One row of merged tiles. */
export interface Row {
  labels: Record<string, string>;
  value?: number;
  estimate?: number;
  lower?: number;
  upper?: number;
  total?: number;
  bound?: number;
  items?: TopItem[];
  entries?: BreakdownItem[];
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  quantiles?: Record<string, number>;
  buckets?: Bucket[];
}

export type MetricKind = "counter" | "gauge" | "rate" | "histogram" | "distinct" | "top" | "breakdown";

/** One metric, as `schema()` gives it. */
export interface Metric {
  id: number;
  name: string;
  kind: MetricKind;
  unit: string;
  help: string;
  labels: { name: string; values: string[] }[];
  keys?: string[];
}

export interface Schema {
  abi: number;
  /** Stands for the whole list of metrics. */
  id: number;
  metrics: Metric[];
}

export interface MergeCore {
  validate(bundle: Uint8Array): BundleHeader | BundleFault;
  /** One tile out of many; null where they do not fit the core's memory together. */
  merge(parts: Iterable<Uint8Array>): Uint8Array | null;
  /** Rows of the parts merged; null where they do not fit the core's memory. */
  rows(parts: Iterable<Uint8Array>, selection: RowSelection): Row[] | null;
  schema(): Schema;
}
