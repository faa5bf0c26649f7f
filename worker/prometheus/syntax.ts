/** The parts of an expression that was read. */

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** A condition on a label. Series without the label have the value "". */
export interface Matcher {
  label: string;
  operator: MatchOperator;
  value: string;
  /** Whether a value fulfils it. */
  matches: (value: string) => boolean;
}

/** `name{label="value"} offset 1h`; the name is one of the matchers where there is one. */
export interface Selector {
  kind: "selector";
  matchers: readonly Matcher[];
  offsetSeconds: number;
}

/** Functions of a span of one selector. */
export const RANGE_FUNCTIONS = ["rate", "increase", "sum_over_time"] as const;
export type RangeFunction = (typeof RANGE_FUNCTIONS)[number];

/** Aggregations, the first of them over everything, the last two with a number before. */
export const AGGREGATIONS = ["sum", "min", "max", "avg", "count", "topk", "bottomk"] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Which labels make a group: these alone, or all but these. */
export interface Grouping {
  without: boolean;
  labels: readonly string[];
}

export const ARITHMETIC = ["+", "-", "*", "/", "%", "^"] as const;
export const COMPARISONS = ["==", "!=", ">", "<", ">=", "<="] as const;
export type BinaryOperator = (typeof ARITHMETIC)[number] | (typeof COMPARISONS)[number];

/** Where both sides are vectors, which labels say what belongs together: these alone, or all but these. */
export interface Matching {
  on: boolean;
  labels: readonly string[];
}

export type Expression =
  | { kind: "number"; value: number }
  | Selector
  | { kind: "range"; name: RangeFunction; selector: Selector; rangeSeconds: number }
  | { kind: "quantile"; quantile: Expression; buckets: Expression }
  | { kind: "aggregate"; name: Aggregation; grouping: Grouping; parameter: Expression | null; inner: Expression }
  | {
      kind: "binary";
      operator: BinaryOperator;
      /** Whether a comparison gives 0 or 1 rather than what it holds for. */
      isBool: boolean;
      matching: Matching;
      left: Expression;
      right: Expression;
    }
  | { kind: "negative"; inner: Expression };

/** Whether an expression gives one number at each time, rather than series. */
export function isScalar(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "negative":
      return isScalar(expression.inner);
    case "binary":
      return isScalar(expression.left) && isScalar(expression.right);
    default:
      return false;
  }
}
