import { Refusal } from "../refusal";
import { groupOf } from "./aggregate";
import { emptySeries, type Labels, labelKey, labelsOf, NAME, type Series, setValue, without } from "./series";
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
  if (right instanceof Float64Array) return withNumber(expression, left as Series[], (value, index) => [value, right[index]!]);
  if (left instanceof Float64Array) return withNumber(expression, right, (value, index) => [left[index]!, value]);
  return match(expression, left, right, steps);
}

/** Puts those series of two sides together that agree in what the matching says, at each step one with one. */
function match(expression: Binary, left: readonly Series[], right: readonly Series[], steps: number): Series[] {
  const others = bySignature(right, expression.matching);
  const results = new Map<string, Series>();
  for (const [signature, all] of bySignature(left, expression.matching)) {
    const series = all.map((one) => ({ one, result: resultOf(results, resultLabels(expression, one.labels), steps) }));
    for (let index = 0; index < steps; index += 1) {
      const there = series.filter(({ one }) => one.present[index]);
      const other = there.length === 0 ? undefined : onlyOne(others.get(signature) ?? [], index);
      if (other === undefined) continue;
      let isTaken = false;
      for (const { one, result } of there) {
        const value = outcome(expression, one.values[index]!, other.values[index]!, one.values[index]!);
        if (value === null) continue;
        if (isTaken) throw manyMatches();
        isTaken = true;
        setValue(result, index, value);
      }
    }
  }
  // What nothing on the left matches must be told apart all the same, where there is anything on the left.
  for (let index = 0; index < steps; index += 1) {
    if (!left.some(({ present }) => present[index])) continue;
    for (const series of others.values()) onlyOne(series, index);
  }
  return [...results.values()];
}

/** Series by what they are matched by. */
function bySignature(all: readonly Series[], matching: Matching): Map<string, Series[]> {
  const found = new Map<string, Series[]>();
  for (const series of all) {
    const key = labelKey(groupOf(series.labels, { without: !matching.on, labels: matching.labels }));
    const known = found.get(key);
    if (known === undefined) found.set(key, [series]);
    else known.push(series);
  }
  return found;
}

/** The series that has a value at a step; refuses two. */
function onlyOne(series: readonly Series[], index: number): Series | undefined {
  let found: Series | undefined;
  for (const one of series) {
    if (!one.present[index]) continue;
    if (found !== undefined) throw manyMatches();
    found = one;
  }
  return found;
}

function resultOf(results: Map<string, Series>, labels: Labels, steps: number): Series {
  const key = labelKey(labels);
  const known = results.get(key) ?? emptySeries(labels, steps);
  results.set(key, known);
  return known;
}

function manyMatches(): Refusal {
  const reason =
    "several series of one side match the same; many-to-one matching is not answered: sum each side by the same labels";
  return new Refusal(422, "execution", reason);
}

/** Labels of what came of two series; the metric's name is only taken off where it is no comparison. */
function resultLabels(expression: Binary, labels: Labels): Labels {
  const { on, labels: names } = expression.matching;
  const named = isFilter(expression) ? labels : without(labels, [NAME]);
  return on ? labelsOf([...named].filter(([name]) => names.includes(name))) : without(named, names);
}

/** Whether a comparison lets through what it holds for. */
function isFilter({ operator, isBool }: Binary): boolean {
  return (COMPARISONS as readonly string[]).includes(operator) && !isBool;
}

/** What two values give: null where a comparison lets `kept` not through. */
function outcome(expression: Binary, left: number, right: number, kept: number): number | null {
  const value = OPERATIONS[expression.operator](left, right);
  if (!isFilter(expression)) return value;
  return value === 1 ? kept : null;
}

/** Puts each series together with a number. */
function withNumber(
  expression: Binary,
  all: readonly Series[],
  pair: (value: number, index: number) => [a: number, b: number],
): Series[] {
  return all.map(({ labels, values, present }) => {
    const result = emptySeries(isFilter(expression) ? labels : without(labels, [NAME]), values.length);
    for (let index = 0; index < values.length; index += 1) {
      if (!present[index]) continue;
      const value = outcome(expression, ...pair(values[index]!, index), values[index]!);
      if (value !== null) setValue(result, index, value);
    }
    return result;
  });
}
