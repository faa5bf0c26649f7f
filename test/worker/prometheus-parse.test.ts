/** What PromQL is read as, and that nothing sent as such does harm. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXPRESSION_CHARACTERS_MAX } from "../../worker/limits";
import { parseExpression, parseSelector } from "../../worker/prometheus/parse";
import { compilePattern } from "../../worker/prometheus/pattern";
import type { Expression } from "../../worker/prometheus/syntax";
import { Refusal } from "../../worker/refusal";

/** An expression as one text with all its brackets. */
function told(expression: Expression): string {
  switch (expression.kind) {
    case "number":
      return String(expression.value);
    case "negative":
      return `-(${told(expression.inner)})`;
    case "selector": {
      const matchers = expression.matchers.map(({ label, operator, value }) => `${label}${operator}${JSON.stringify(value)}`);
      return `{${matchers.join(",")}}${expression.offsetSeconds === 0 ? "" : ` offset ${expression.offsetSeconds}s`}`;
    }
    case "range":
      return `${expression.name}(${told(expression.selector)}[${expression.rangeSeconds}s])`;
    case "quantile":
      return `histogram_quantile(${told(expression.quantile)}, ${told(expression.buckets)})`;
    case "aggregate": {
      const { name, grouping, parameter, inner } = expression;
      const number = parameter === null ? "" : `${told(parameter)}, `;
      return `${name} ${grouping.without ? "without" : "by"}(${grouping.labels.join(",")})(${number}${told(inner)})`;
    }
    case "binary": {
      const { operator, isBool, matching, left, right } = expression;
      const on = `${matching.on ? "on" : "ignoring"}(${matching.labels.join(",")})`;
      return `(${told(left)} ${operator}${isBool ? " bool" : ""} ${on} ${told(right)})`;
    }
  }
}

const refusal = (expression: string): Refusal => {
  try {
    parseExpression(expression);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`${expression} was read`);
};

describe("an expression", () => {
  it.each([
    ["1 + 2 * 3", "(1 + ignoring() (2 * ignoring() 3))"],
    ["-2 ^ 2", "-((2 ^ ignoring() 2))"],
    ["2 ^ -x", '(2 ^ ignoring() -({__name__="x"}))'],
    ["a > bool b + 1", '({__name__="a"} > bool ignoring() ({__name__="b"} + ignoring() 1))'],
    ["a / on(site, role,) b", '({__name__="a"} / on(site,role) {__name__="b"})'],
    ['x{a="1",b!="2",c=~"3.*",d!~`4\\d`,}', '{__name__="x",a="1",b!="2",c=~"3.*",d!~"4\\\\d"}'],
    ['{__name__=~"dns_.+"} offset 1h30m', '{__name__=~"dns_.+"} offset 5400s'],
    ["rate(x[1d12h] offset -5m)", 'rate({__name__="x"} offset -300s[129600s])'],
    ["sum(x) by (a)", 'sum by(a)({__name__="x"})'],
    ["SUM without (a) (x)", 'sum without(a)({__name__="x"})'],
    ["sum by () (x)", 'sum by()({__name__="x"})'],
    ["topk(2 * 3, x)", 'topk by()((2 * ignoring() 3), {__name__="x"})'],
    ["sum(x) # and so on", 'sum by()({__name__="x"})'],
    ["sum", '{__name__="sum"}'],
    ["by + without", '({__name__="by"} + ignoring() {__name__="without"})'],
    [`{__name__="sum", offset="\\x41\\u00e9\\101'"}`, `{__name__="sum",offset="AéA'"}`],
    [
      "histogram_quantile(.9, sum by (le) (rate(x_bucket[5m])))",
      'histogram_quantile(0.9, sum by(le)(rate({__name__="x_bucket"}[300s])))',
    ],
    ["+1 - -inf", "(1 - ignoring() -(Infinity))"],
  ])("%s is read as %s", (expression, text) => {
    expect(told(parseExpression(expression))).toBe(text);
  });

  it("is refused where it is longer, deeper or larger than is read", () => {
    for (const expression of [
      "1+".repeat(EXPRESSION_CHARACTERS_MAX),
      `${"(".repeat(60)}1`,
      `${"-".repeat(60)}1`,
      `${"1+".repeat(300)}1`,
    ]) {
      expect(refusal(expression)).toMatchObject({ status: 422, code: expect.stringMatching(/^expression_too_/) });
    }
    const matchers = Array.from({ length: 300 }, (_, index) => `a="${index}"`).join(",");
    expect(refusal(`x{${matchers}}`)).toMatchObject({ status: 422, code: "expression_too_long" });
    expect(refusal("rate(x[11y])")).toMatchObject({ status: 422, code: "span_too_long" });
    expect(refusal(`rate(x[${"9".repeat(400)}y])`)).toMatchObject({ status: 422, code: "span_too_long" });
  });

  it("never does anything but be read or refused, whatever it is", () => {
    const word = fc.constantFrom(
      ...[
        "sum",
        "by",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "5m",
        "1",
        "x",
        "rate",
        "topk",
        "offset",
        "=~",
        "=",
        '"a"',
        "'",
        ",",
        "-",
        "^",
        "on",
        ">",
      ],
      ...["bool", "histogram_quantile", "without", ":", "@", "and", "\\", "`", "é", "\u0000", " ", "1e9", "0x", "Inf", "#", "\n"],
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(word, { maxLength: 40 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (expression) => {
        for (const read of [parseExpression, parseSelector]) {
          try {
            read(expression);
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
            expect([400, 422]).toContain((error as Refusal).status);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a regular expression", () => {
  it("matches what V8's own does", () => {
    const atom = fc.constantFrom(
      "a",
      "b",
      ".",
      "[ab]",
      "[^a]",
      "[a-c]",
      "\\d",
      "\\.",
      "(a|b)",
      "(?:ab)",
      "(a|)",
      "\\w",
      "[\\d-]",
    );
    const repeat = fc.constantFrom("", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?");
    const part = fc.tuple(atom, repeat).map(([what, times]) => what + times);
    const branch = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(""));
    const pattern = fc.array(branch, { minLength: 1, maxLength: 3 }).map((branches) => branches.join("|"));
    const grouped = fc.oneof(
      pattern,
      fc.tuple(pattern, repeat).map(([inner, times]) => `(${inner})${times}`),
    );
    const value = fc.string({ unit: fc.constantFrom("a", "b", "c", "1", ".", "-", "\n"), maxLength: 8 });
    fc.assert(
      fc.property(grouped, fc.array(value, { minLength: 5, maxLength: 5 }), (source, values) => {
        const matches = compilePattern(source);
        const native = new RegExp(`^(?:${source})$`);
        for (const one of values) expect([source, one, matches(one)]).toEqual([source, one, native.test(one)]);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes no longer for one that is made to take long", () => {
    const start = performance.now();
    const matches = compilePattern("(a+)+(a*)*(a|a)*b");
    expect(matches("a".repeat(2000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it.each(["(", ")", "a**", "*", "[", "[b-a]", "\\", "a{3,2}", "(?"])("%s is none", (source) => {
    expect(() => compilePattern(source)).toThrow(Refusal);
  });

  it.each(["(?i)a", "\\bx", "a{101}", "((((a{100}){100}){100}){100})", "[[:alpha:]]", "a^b", "x".repeat(2000), "\\pL"])(
    "%s is said not to be read",
    (source) => {
      expect(() => compilePattern(source)).toThrow(expect.objectContaining({ status: 422 }));
    },
  );

  it("never does anything but be read or refused, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab(|)[]{}*+?^$\\.-,12d:") }), fc.string(), (source, value) => {
        try {
          compilePattern(source)(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
