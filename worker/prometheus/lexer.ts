import { EXPRESSION_CHARACTERS_MAX } from "../limits";
import { quote, Refusal } from "../refusal";

/** A word of an expression: a name, a number, a span like 5m, a text in quotes, or a sign. */
export interface Token {
  kind: "name" | "number" | "duration" | "text" | "sign" | "end";
  /** As it stands there; of a text what it means. */
  text: string;
  /** Characters before it. */
  at: number;
}

const SPACE = /(?:[ \t\r\n]+|#[^\n]*)+/y;
const DURATION = /(?:\d+(?:ms|[smhdwy]))+(?![a-zA-Z0-9_])/y;
const NUMBER =
  /(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|(?:[iI][nN][fF]|[nN][aA][nN])(?![a-zA-Z0-9_:]))(?![a-zA-Z0-9_.])/y;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const SIGN = /=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}[\],@:]/y;

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const CODES: readonly RegExp[] = [/x([0-9a-fA-F]{2})/y, /u([0-9a-fA-F]{4})/y, /U([0-9a-fA-F]{8})/y, /([0-7]{3})/y];
const CODE_POINT_MAX = 0x10ffff;

/** Cuts an expression into words, the last of them its end. Throws Refusal (400) where it has what no word can be. */
export function tokenize(expression: string): Token[] {
  if (expression.length > EXPRESSION_CHARACTERS_MAX) {
    const length = `${expression.length} characters; at most ${EXPRESSION_CHARACTERS_MAX} are read`;
    throw new Refusal(422, "expression_too_long", `the expression has ${length}`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    at += matchAt(SPACE, expression, at).length;
    if (at >= expression.length) return [...tokens, { kind: "end", text: "", at }];
    const token = readToken(expression, at);
    tokens.push(token.token);
    at = token.end;
  }
}

function readToken(expression: string, at: number): { token: Token; end: number } {
  const letter = expression[at]!;
  if (letter === '"' || letter === "'" || letter === "`") return readText(expression, at, letter);
  for (const [kind, pattern] of [
    ["duration", DURATION],
    ["number", NUMBER],
    ["name", NAME],
    ["sign", SIGN],
  ] as const) {
    const text = matchAt(pattern, expression, at);
    if (text !== "") return { token: { kind, text, at }, end: at + text.length };
  }
  throw malformed(at, `${quote(letter)} can begin nothing here`);
}

/** A text as Go writes it: backslash escapes in quotes, none between backquotes. */
function readText(expression: string, start: number, mark: string): { token: Token; end: number } {
  let text = "";
  let at = start + 1;
  while (at < expression.length) {
    const letter = expression[at]!;
    if (letter === mark) return { token: { kind: "text", text, at: start }, end: at + 1 };
    if (mark !== "`" && letter === "\n") break;
    if (mark !== "`" && letter === "\\") {
      const meant = readEscape(expression, at + 1);
      text += meant.text;
      at = meant.end;
    } else {
      text += letter;
      at += 1;
    }
  }
  throw malformed(start, "the text that begins here does not end");
}

function readEscape(expression: string, at: number): { text: string; end: number } {
  const plain = ESCAPES[expression[at] ?? ""];
  if (plain !== undefined) return { text: plain, end: at + 1 };
  for (const pattern of CODES) {
    pattern.lastIndex = at;
    const found = pattern.exec(expression);
    if (found === null) continue;
    const code = Number.parseInt(found[1]!, pattern === CODES[3] ? 8 : 16);
    if (code <= CODE_POINT_MAX) return { text: String.fromCodePoint(code), end: at + found[0].length };
  }
  throw malformed(at - 1, "a backslash here begins no escape that Go knows");
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

/** What is said of an expression that is no PromQL. */
export function malformed(at: number, reason: string): Refusal {
  return new Refusal(400, "bad_data", `parse error at character ${at + 1}: ${reason}`);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** Seconds of a span like `1h30m`. */
export function durationSeconds(text: string): number {
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) seconds += Number(count) * UNIT_SECONDS[unit!]!;
  return seconds;
}
