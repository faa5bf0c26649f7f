import type { MetricKind } from "../../engine/schema";
import type { Metric } from "../merge";

/** What a query asks for. */
export const OPERATIONS = ["sum", "rate", "distinct", "top", "quantile", "histogram", "breakdown", "last"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Operations on two sets of one metric. */
export const SET_OPERATIONS = ["intersect", "union", "difference"] as const;
export type SetOperation = (typeof SET_OPERATIONS)[number];

/** Which operations fit which kind of metric, the natural one first. */
export const OPERATIONS_OF_KIND: Readonly<Record<MetricKind, readonly Operation[]>> = {
  counter: ["sum", "rate"],
  gauge: ["last"],
  rate: ["rate", "sum", "quantile"],
  histogram: ["quantile", "histogram", "sum"],
  distinct: ["distinct"],
  top: ["top", "sum"],
  breakdown: ["breakdown"],
  theta: ["distinct"],
};

/** A condition on a tag: its value is, or is not, one of these. A tag that an edge does not have has the value "". */
export interface TagCondition {
  tag: string;
  values: string[];
  negated: boolean;
}

/** A query that was checked against the schema; passes RPC as it is. */
export interface Plan {
  metric: Metric;
  operation: Operation;
  policy: string;
  /** Only what this edge posted; null for all. */
  edge: string | null;
  /** Whole minutes, seconds since the epoch; `to` is not included. */
  from: number;
  to: number;
  step: number;
  byTags: string[];
  /** Bit i: label i of the metric is kept apart. */
  byLabels: number;
  tagConditions: TagCondition[];
  /** Per label of the metric: the value indexes that count, or null for all. */
  labelValues: (number[] | null)[];
  top: number;
  quantiles: number[];
  /** Only this entry of a top. */
  key: string | null;
  /** Whether a histogram's buckets come as one text a row (packed.ts) rather than a row each. */
  packed?: boolean;
}

/** Everything that a query asks for: a plan a metric, what each is divided by, and how much earlier it is asked once more. */
export interface Question {
  plans: Plan[];
  /** A divisor for each plan, or null. */
  per: (Plan | null)[];
  shiftSeconds: number | null;
  /** Whether rows say which metric they are of. */
  isList: boolean;
}
