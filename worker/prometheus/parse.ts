import { EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX, RETENTION_SECONDS_MAX } from "../limits";
import { quote, Refusal } from "../refusal";
import { durationSeconds, malformed, type Token, tokenize } from "./lexer";
import { compilePattern } from "./pattern";
import {
  AGGREGATIONS,
  type Aggregation,
  ARITHMETIC,
  type BinaryOperator,
  COMPARISONS,
  type Expression,
  type Grouping,
  isScalar,
  type Matcher,
  type Matching,
  type MatchOperator,
  RANGE_FUNCTIONS,
  type Selector,
} from "./syntax";

/**
 * Reads the part of PromQL that tallywire answers:
 *
 *     expression = sum { ( "==" | "!=" | ">" | "<" | ">=" | "<=" ) [ "bool" ] [ matching ] sum } ;
 *     sum        = product { ( "+" | "-" ) [ matching ] product } ;
 *     product    = unary { ( "*" | "/" | "%" ) [ matching ] unary } ;
 *     unary      = ( "+" | "-" ) unary | power ;
 *     power      = operand [ "^" [ matching ] unary ] ;
 *     operand    = number | "(" expression ")" | selector | call | aggregate ;
 *     call       = ( "rate" | "increase" | "sum_over_time" ) "(" selector-range ")"
 *                | "histogram_quantile" "(" expression "," expression ")" ;
 *     aggregate  = ( "sum" | "min" | "max" | "avg" | "count" ) [ grouping ] "(" expression ")" [ grouping ]
 *                | ( "topk" | "bottomk" ) [ grouping ] "(" expression "," expression ")" [ grouping ] ;
 *     grouping   = ( "by" | "without" ) labels ;
 *     matching   = ( "on" | "ignoring" ) labels ;
 *     labels     = "(" [ name { "," name } [ "," ] ] ")" ;
 *     selector   = ( name [ matchers ] | matchers ) [ "offset" [ "-" ] duration ] ;
 *     selector-range = ( name [ matchers ] | matchers ) "[" duration "]" [ "offset" [ "-" ] duration ] ;
 *     matchers   = "{" [ matcher { "," matcher } [ "," ] ] "}" ;
 *     matcher    = name ( "=" | "!=" | "=~" | "!~" ) text ;
 *
 * What is PromQL but no part of this is refused with 422 and says what it is; what is no PromQL with 400, as Prometheus does.
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokenize(text));
  const expression = parser.expression(0);
  parser.end();
  return expression;
}

/** Reads a selector by itself, as `match[]` has it. */
export function parseSelector(text: string): Selector {
  const parser = new Parser(tokenize(text));
  const selector = parser.selector();
  parser.end();
  return selector;
}

/** Operators by how they bind, loosest first; `^` binds tighter and is read apart. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [COMPARISONS, ["+", "-"], ["*", "/", "%"]];

/** Words of PromQL that are known and not answered. */
const UNANSWERED: ReadonlySet<string> = new Set([
  ...["and", "or", "unless", "atan2", "group_left", "group_right", "count_values", "quantile", "stddev", "stdvar", "group"],
  ...["abs", "absent", "absent_over_time", "avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min"],
  ...["count_over_time", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "delta", "deriv", "exp", "floor"],
  ...["histogram_count", "histogram_sum", "histogram_fraction", "histogram_avg", "holt_winters", "hour", "idelta", "irate"],
  ...[
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "max_over_time",
    "min_over_time",
    "minute",
    "month",
  ],
  ...["pi", "predict_linear", "present_over_time", "quantile_over_time", "resets", "round", "scalar", "sgn", "sort", "sort_desc"],
  ...["sqrt", "stddev_over_time", "stdvar_over_time", "time", "timestamp", "vector", "year", "limitk", "limit_ratio"],
  ...["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad"],
]);

class Parser {
  private place = 0;
  private nodes = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  private get token(): Token {
    return this.tokens[this.place]!;
  }

  /** Checks that all was read. */
  end(): void {
    const { kind, text, at } = this.token;
    if (kind === "end") return;
    this.refuseUnanswered();
    throw malformed(at, `${quote(text)} was not expected here`);
  }

  expression(depth: number, level = 0): Expression {
    if (level === LEVELS.length) return this.unary(depth);
    let left = this.expression(depth, level + 1);
    while (this.token.kind === "sign" && LEVELS[level]!.includes(this.token.text as BinaryOperator)) {
      left = this.binary(left, () => this.expression(depth, level + 1));
    }
    return left;
  }

  private binary(left: Expression, readRight: () => Expression): Expression {
    const { text, at } = this.token;
    const operator = text as BinaryOperator;
    this.place += 1;
    const isComparison = (COMPARISONS as readonly string[]).includes(operator);
    const isBool = isComparison && this.takeName("bool");
    const matching = this.matching();
    const right = readRight();
    if (isComparison && !isBool && isScalar(left) && isScalar(right)) {
      throw malformed(at, "comparisons between scalars must use bool");
    }
    return this.node({ kind: "binary", operator, isBool, matching, left, right });
  }

  private unary(depth: number): Expression {
    if (depth > EXPRESSION_DEPTH_MAX) {
      const reason = `the expression nests more than ${EXPRESSION_DEPTH_MAX} deep`;
      throw new Refusal(422, "expression_too_deep", reason);
    }
    if (this.takeSign("-")) return this.node({ kind: "negative", inner: this.unary(depth + 1) });
    if (this.takeSign("+")) return this.unary(depth + 1);
    const left = this.operand(depth);
    return this.isSign("^") ? this.binary(left, () => this.unary(depth + 1)) : left;
  }

  private operand(depth: number): Expression {
    const { kind, text, at } = this.token;
    if (kind === "number") {
      this.place += 1;
      return this.node({ kind: "number", value: numberOf(text) });
    }
    if (this.takeSign("(")) {
      const inner = this.expression(depth + 1);
      this.expectSign(")");
      return inner;
    }
    if (kind === "text") throw unanswered("a text as an expression");
    if (this.isSign("{")) return this.selector();
    if (kind !== "name") throw malformed(at, kind === "end" ? "it ends too early" : `${quote(text)} begins no expression`);
    const isCall = this.tokens[this.place + 1]?.text === "(" && this.tokens[this.place + 1]?.kind === "sign";
    const aggregation = AGGREGATIONS.find((name) => name === text.toLowerCase());
    const isGrouped = /^(by|without)$/i.test(this.tokens[this.place + 1]?.text ?? "");
    if (aggregation !== undefined && (isCall || isGrouped)) return this.aggregate(aggregation, depth);
    if (isCall) return this.call(depth);
    return this.selector();
  }

  private call(depth: number): Expression {
    const { text, at } = this.token;
    const name = RANGE_FUNCTIONS.find((candidate) => candidate === text);
    if (name === undefined && text !== "histogram_quantile") {
      this.refuseUnanswered();
      throw malformed(at, `unknown function with name ${quote(text)}`);
    }
    this.place += 1;
    this.expectSign("(");
    const call = name === undefined ? this.quantile(depth) : this.rangeCall(name);
    this.expectSign(")");
    return this.node(call);
  }

  private rangeCall(name: (typeof RANGE_FUNCTIONS)[number]): Expression {
    const { at, text, kind } = this.token;
    if (this.isSign("(") || (kind === "name" && this.tokens[this.place + 1]?.text === "(")) {
      throw unanswered(`${name} of anything but a selector with a range, like ${name}(dns_requests_total[5m])`);
    }
    const selector = this.selectorOnly();
    if (!this.takeSign("[")) throw malformed(at, `${name} takes a range, like ${text}[5m]`);
    const rangeSeconds = this.duration();
    if (this.isStep()) throw unanswered("a subquery");
    this.expectSign("]");
    if (!(rangeSeconds > 0)) throw malformed(at, "a range is longer than nothing");
    return { kind: "range", name, selector: { ...selector, offsetSeconds: this.offset() }, rangeSeconds };
  }

  private quantile(depth: number): Expression {
    const { at } = this.token;
    const quantile = this.expression(depth + 1);
    this.expectSign(",");
    const buckets = this.expression(depth + 1);
    if (!isScalar(quantile)) throw malformed(at, "histogram_quantile takes a number first");
    if (isScalar(buckets)) throw malformed(at, "histogram_quantile takes series of buckets second");
    return { kind: "quantile", quantile, buckets };
  }

  private aggregate(name: Aggregation, depth: number): Expression {
    const { at } = this.token;
    this.place += 1;
    let grouping = this.grouping();
    this.expectSign("(");
    const first = this.expression(depth + 1);
    const takesNumber = name === "topk" || name === "bottomk";
    let parameter: Expression | null = null;
    let inner = first;
    if (takesNumber) {
      this.expectSign(",");
      parameter = first;
      inner = this.expression(depth + 1);
      if (!isScalar(parameter)) throw malformed(at, `${name} takes a number first`);
    }
    this.expectSign(")");
    if (isScalar(inner)) throw malformed(at, `${name} takes series, not a number`);
    grouping ??= this.grouping();
    return this.node({ kind: "aggregate", name, grouping: grouping ?? { without: false, labels: [] }, parameter, inner });
  }

  private grouping(): Grouping | null {
    const without = this.isName("without");
    if (!without && !this.isName("by")) return null;
    this.place += 1;
    return { without, labels: this.labels() };
  }

  private matching(): Matching {
    const on = this.isName("on");
    if (!on && !this.isName("ignoring")) return { on: false, labels: [] };
    this.place += 1;
    const labels = this.labels();
    if (this.isName("group_left") || this.isName("group_right")) throw unanswered("group_left and group_right");
    return { on, labels };
  }

  private labels(): string[] {
    const labels: string[] = [];
    this.expectSign("(");
    while (!this.takeSign(")")) {
      if (labels.length > 0) this.expectSign(",");
      if (this.takeSign(")")) break;
      labels.push(this.labelName());
    }
    return labels;
  }

  private labelName(): string {
    const { kind, text, at } = this.token;
    // Spans and numbers can look like the end of a name, but no name begins with a digit.
    if (kind !== "name" || text.includes(":")) throw malformed(at, `${quote(text)} is no label's name`);
    this.place += 1;
    return text;
  }

  selector(): Selector {
    const selector = this.selectorOnly();
    if (this.takeSign("[")) {
      this.duration();
      if (!this.isStep()) this.expectSign("]");
      throw unanswered("a range by itself, or a subquery; a range belongs in rate() or increase()");
    }
    return this.node({ ...selector, offsetSeconds: this.offset() });
  }

  private selectorOnly(): Selector {
    const { kind, text, at } = this.token;
    const matchers: Matcher[] = [];
    if (kind === "name") {
      this.refuseUnanswered();
      this.place += 1;
      matchers.push(matcherOf("__name__", "=", text));
    } else if (!this.isSign("{")) {
      throw malformed(at, kind === "end" ? "it ends where a selector should be" : `${quote(text)} begins no selector`);
    }
    if (this.isSign("{")) matchers.push(...this.matchers());
    if (matchers.every(({ matches }) => matches(""))) {
      throw malformed(at, "a selector must contain at least one matcher that an empty value does not fulfil");
    }
    if (kind === "name" && matchers.filter(({ label, operator }) => label === "__name__" && operator === "=").length > 1) {
      throw malformed(at, "the metric's name is given twice");
    }
    return { kind: "selector", matchers, offsetSeconds: 0 };
  }

  private matchers(): Matcher[] {
    const matchers: Matcher[] = [];
    this.expectSign("{");
    while (!this.takeSign("}")) {
      if (matchers.length > 0) this.expectSign(",");
      if (this.takeSign("}")) break;
      const label = this.labelName();
      const { text: operator, at } = this.token;
      if (!["=", "!=", "=~", "!~"].includes(operator)) throw malformed(at, `${quote(operator)} is not =, !=, =~ or !~`);
      this.place += 1;
      const { kind, text, at: valueAt } = this.token;
      if (kind !== "text") throw malformed(valueAt, "a label's value stands in quotes");
      this.place += 1;
      matchers.push(this.node(matcherOf(label, operator as MatchOperator, text)));
    }
    return matchers;
  }

  private offset(): number {
    if (this.isSign("@")) throw unanswered("@");
    if (!this.isName("offset")) return 0;
    this.place += 1;
    const sign = this.takeSign("-") ? -1 : 1;
    const seconds = sign * this.duration();
    if (this.isSign("@")) throw unanswered("@");
    return seconds;
  }

  private duration(): number {
    const { kind, text, at } = this.token;
    if (kind !== "duration") throw malformed(at, `${quote(text)} is no span; write one like 5m`);
    this.place += 1;
    const seconds = durationSeconds(text);
    if (seconds <= RETENTION_SECONDS_MAX) return seconds;
    throw new Refusal(422, "span_too_long", `${quote(text)} is longer than anything is kept; give a span of ten years at most`);
  }

  /** Refuses a word of PromQL that is known and not answered. */
  private refuseUnanswered(): void {
    const { kind, text } = this.token;
    if (kind === "sign" && text === "@") throw unanswered("@");
    if (kind === "sign" && text === "[") throw unanswered("a subquery");
    const isCall = this.tokens[this.place + 1]?.text === "(";
    const isOperator = /^(and|or|unless|atan2)$/i.test(text);
    if (kind === "name" && UNANSWERED.has(text.toLowerCase()) && (isCall || isOperator)) throw unanswered(text);
  }

  private node<T>(node: T): T {
    this.nodes += 1;
    if (this.nodes > EXPRESSION_NODES_MAX) {
      throw new Refusal(422, "expression_too_long", `the expression has more than ${EXPRESSION_NODES_MAX} parts`);
    }
    return node;
  }

  private isSign(text: string): boolean {
    return this.token.kind === "sign" && this.token.text === text;
  }

  /** Whether the step of a subquery comes, which begins as a name may. */
  private isStep(): boolean {
    return this.token.text.startsWith(":");
  }

  private isName(text: string): boolean {
    return this.token.kind === "name" && this.token.text.toLowerCase() === text;
  }

  private takeSign(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.place += 1;
    return true;
  }

  private takeName(text: string): boolean {
    if (!this.isName(text)) return false;
    this.place += 1;
    return true;
  }

  private expectSign(text: string): void {
    if (this.takeSign(text)) return;
    this.refuseUnanswered();
    const found = this.token.kind === "end" ? "the end" : quote(this.token.text);
    throw malformed(this.token.at, `${quote(text)} was expected, and ${found} is there`);
  }
}

/** A condition on a label. Throws Refusal where its pattern is none. */
export function matcherOf(label: string, operator: MatchOperator, value: string): Matcher {
  if (operator === "=") return { label, operator, value, matches: (other) => other === value };
  if (operator === "!=") return { label, operator, value, matches: (other) => other !== value };
  const matches = compilePattern(value);
  return { label, operator, value, matches: operator === "=~" ? matches : (other) => !matches(other) };
}

function numberOf(text: string): number {
  if (/^inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : Number(text);
}

function unanswered(what: string): Refusal {
  const answered = `selectors, ${ARITHMETIC.join(" ")}, ${COMPARISONS.join(" ")}, ${RANGE_FUNCTIONS.join(", ")}, histogram_quantile, ${AGGREGATIONS.join(", ")}`;
  return new Refusal(422, "unanswered", `tallywire does not answer ${what}; of PromQL it answers ${answered}`);
}
