import { Refusal } from "../refusal";
import { groupOf } from "./aggregate";
import { emptySeries, type Labels, labelKey, NAME, type Series, setValue, without } from "./series";
import { type BinaryOperator, COMPARISONS, type Expression, type Matching } from "./syntax";

/** What an expression gives: a number at each step, or series. */
export type Operand = Float64Array | Series[];

type Binary = Extract<Expression, { kind: "binary" }>;

/** Numbers of two sides put together; comparisons give 1 or 0. */
const OPERATIONS: Readonly<Record<BinaryOperator, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "^": power,
  "==": (a, b) => Number(a === b),
  "!=": (a, b) => Number(a !== b),
  ">": (a, b) => Number(a > b),
  "<": (a, b) => Number(a < b),
  ">=": (a, b) => Number(a >= b),
  "<=": (a, b) => Number(a <= b),
};

/** Go's math.Pow, which has 1 to any power as 1, and -1 to an infinite one. */
function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b))) return 1;
  return a ** b;
}

/** Puts two operands together at every step. */
export function operate(expression: Binary, left: Operand, right: Operand, steps: number): Operand {
  const { operator, matching } = expression;
  const isScalar = left instanceof Float64Array || right instanceof Float64Array;
  if (isScalar && (matching.on || matching.labels.length > 0)) {
    throw new Refusal(400, "bad_data", "parse error: vector matching only allowed between vectors");
  }
  if (left instanceof Float64Array && right instanceof Float64Array) {
    return left.map((value, index) => OPERATIONS[operator](value, right[index]!));
  }
  if (right instanceof Float64Array)
    return (left as Series[]).map((series) =>
      combine(expression, series, series.labels, (index) => [series.values[index]!, right[index]!], series, steps),
    );
  if (left instanceof Float64Array)
    return right.map((series) =>
      combine(expression, series, series.labels, (index) => [left[index]!, series.values[index]!], series, steps),
    );
  return match(expression, left, right, steps);
}

/** Puts those series of two sides together that agree in what the matching says. */
function match(expression: Binary, left: readonly Series[], right: readonly Series[], steps: number): Series[] {
  const others = bySignature(right, expression.matching);
  return [...bySignature(left, expression.matching)].flatMap(([signature, series]) => {
    const other = others.get(signature);
    if (other === undefined) return [];
    const labels = matchedLabels(series.labels, expression.matching);
    return [combine(expression, series, labels, (index) => [series.values[index]!, other.values[index]!], other, steps)];
  });
}

/** One side's series by what they are matched by; refuses two that are the same there. */
function bySignature(all: readonly Series[], matching: Matching): Map<string, Series> {
  const found = new Map<string, Series>();
  for (const series of all) {
    const key = labelKey(groupOf(series.labels, { without: !matching.on, labels: matching.labels }));
    if (found.has(key)) {
      const reason =
        "several series of one side match the same; many-to-one matching is not answered: sum each side by the same labels";
      throw new Refusal(422, "execution", reason);
    }
    found.set(key, series);
  }
  return found;
}

/** Labels of what came of two series; the metric's name is only taken off where it is no comparison. */
function matchedLabels(labels: Labels, { on, labels: names }: Matching): Labels {
  return on ? groupOf(labels, { without: false, labels: names }) : without(labels, names);
}

/** Whether a comparison lets through what it holds for. */
function isFilter({ operator, isBool }: Binary): boolean {
  return (COMPARISONS as readonly string[]).includes(operator) && !isBool;
}

function combine(
  expression: Binary,
  series: Series,
  labels: Labels,
  pair: (index: number) => [a: number, b: number],
  other: Series,
  steps: number,
): Series {
  const filters = isFilter(expression);
  const result = emptySeries(filters ? labels : without(labels, [NAME]), steps);
  for (let index = 0; index < steps; index += 1) {
    if (!series.present[index] || !other.present[index]) continue;
    const [a, b] = pair(index);
    const value = OPERATIONS[expression.operator](a, b);
    if (!filters) setValue(result, index, value);
    else if (value === 1) setValue(result, index, series.values[index]!);
  }
  return result;
}
