import { PATTERN_CHARACTERS_MAX, PATTERN_STATES_MAX, PATTERN_STEPS_MAX } from "../limits";
import { quote, Refusal } from "../refusal";

/**
 * Regular expressions of matchers: RE2's syntax as far as matchers use it, always of the whole value.
 *
 *     alternatives = sequence { "|" sequence } ;
 *     sequence     = { item [ "*" | "+" | "?" | "{" n [ "," [ m ] ] "}" ] [ "?" ] } ;
 *     item         = letter | "." | "\" escape | "[" [ "^" ] ranges "]" | "(" [ "?:" ] alternatives ")" ;
 *
 * They become an automaton whose states are walked all at once, so that no pattern takes longer than states times letters; V8's
 * own would take exponentially long for some that anyone with a key may send.
 */
type Test = (code: number) => boolean;

/** A state: takes one letter and goes on to `next`, or forks without taking one. */
type State = { test: Test; next: number } | { forks: number[] };

const CLASSES: Readonly<Record<string, Test>> = {
  d: (code) => code >= 48 && code <= 57,
  w: (code) => (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122),
  s: (code) => code === 32 || (code >= 9 && code <= 13 && code !== 11),
};
const LETTER_ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", a: "\u0007" };
const REPEATS_MAX = 100;
const DEPTH_MAX = 20;
const NEWLINE = 10;

/** Compiles a pattern; throws Refusal where it is none, or one that is not read here. */
export function compilePattern(pattern: string): (value: string) => boolean {
  if (pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new Refusal(422, "pattern_too_long", `a regular expression has at most ${PATTERN_CHARACTERS_MAX} characters here`);
  }
  const automaton = new Automaton(pattern);
  return (value) => automaton.matches(value);
}

class Automaton {
  private readonly letters: string[];
  private readonly states: State[] = [];
  private readonly first: number;
  private readonly accepting: number;
  private at = 0;
  /** States that were walked for all values so far. */
  private steps = 0;

  constructor(private readonly pattern: string) {
    this.letters = [...pattern];
    const { first, last } = this.alternatives(0);
    if (this.at < this.letters.length) throw this.bad("has a ) without its (");
    this.first = first;
    this.accepting = last;
  }

  matches(value: string): boolean {
    if (this.steps > PATTERN_STEPS_MAX) throw this.unread("takes too long for values as long and as many as there are");
    let live = this.closure([this.first]);
    for (const letter of value) {
      if (live.size === 0) return false;
      this.steps += live.size;
      const code = letter.codePointAt(0)!;
      const next: number[] = [];
      for (const index of live) {
        const state = this.states[index]!;
        if ("test" in state && state.test(code)) next.push(state.next);
      }
      live = this.closure(next);
    }
    return live.has(this.accepting);
  }

  private closure(from: number[]): Set<number> {
    const live = new Set<number>();
    const open = [...from];
    while (open.length > 0) {
      const index = open.pop()!;
      if (live.has(index)) continue;
      live.add(index);
      const state = this.states[index]!;
      if ("forks" in state) open.push(...state.forks);
    }
    return live;
  }

  private add(state: State): number {
    if (this.states.length >= PATTERN_STATES_MAX) throw this.unread("is too large when its repetitions are written out");
    this.states.push(state);
    return this.states.length - 1;
  }

  private fork(...forks: number[]): number {
    return this.add({ forks });
  }

  private alternatives(depth: number): { first: number; last: number } {
    if (depth > DEPTH_MAX) throw this.unread(`nests more than ${DEPTH_MAX} deep`);
    const first = this.fork();
    const last = this.fork();
    do {
      const sequence = this.sequence(depth);
      this.forksOf(first).push(sequence.first);
      this.forksOf(sequence.last).push(last);
    } while (this.take("|"));
    return { first, last };
  }

  private sequence(depth: number): { first: number; last: number } {
    const first = this.fork();
    let last = first;
    while (this.at < this.letters.length && this.letters[this.at] !== "|" && this.letters[this.at] !== ")") {
      const from = this.at;
      const item = this.item(depth);
      const [least, most] = this.repeats();
      const after = this.at;
      last = this.repeat(item, last, least, most, () => {
        this.at = from;
        const again = this.item(depth);
        return again;
      });
      this.at = after;
    }
    return { first, last };
  }

  /** Hangs an item behind `last`, so many times; further ones are built by `again`. */
  private repeat(
    item: { first: number; last: number },
    last: number,
    least: number,
    most: number,
    again: () => { first: number; last: number },
  ): number {
    const end = this.fork();
    let at = last;
    let copy = item;
    const count = most === Number.POSITIVE_INFINITY ? Math.max(least, 1) : most;
    for (let index = 0; index < count; index += 1) {
      if (index > 0) copy = again();
      if (index >= least) this.forksOf(at).push(end);
      this.forksOf(at).push(copy.first);
      at = copy.last;
    }
    if (most === Number.POSITIVE_INFINITY) this.forksOf(at).push(copy.first);
    this.forksOf(at).push(end);
    return end;
  }

  private forksOf(index: number): number[] {
    const state = this.states[index]!;
    return "forks" in state ? state.forks : [];
  }

  private repeats(): [least: number, most: number] {
    let range: [number, number] = [1, 1];
    if (this.take("*")) range = [0, Number.POSITIVE_INFINITY];
    else if (this.take("+")) range = [1, Number.POSITIVE_INFINITY];
    else if (this.take("?")) range = [0, 1];
    else range = this.braces() ?? range;
    // Lazy or not makes no difference where the whole value is matched.
    this.take("?");
    if (["*", "+", "?"].includes(this.letters[this.at] ?? "")) throw this.bad("repeats a repetition");
    return range;
  }

  private braces(): [number, number] | null {
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.letters.slice(this.at, this.at + 16).join(""));
    if (found === null) return null;
    this.at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (most < least) throw this.bad("repeats at most less than at least");
    if (least > REPEATS_MAX || (most > REPEATS_MAX && Number.isFinite(most))) {
      throw this.unread(`repeats more than ${REPEATS_MAX} times`);
    }
    return [least, most];
  }

  private item(depth: number): { first: number; last: number } {
    const letter = this.letters[this.at]!;
    this.at += 1;
    if (letter === "(") return this.group(depth);
    // A value is matched whole, so these say nothing at its ends; elsewhere they are not read.
    if (letter === "^" && this.at === 1) return this.empty();
    if (letter === "$" && this.at === this.letters.length) return this.empty();
    const last = this.fork();
    const first = this.add({ test: this.testOf(letter), next: last });
    return { first, last };
  }

  private empty(): { first: number; last: number } {
    const only = this.fork();
    return { first: only, last: only };
  }

  private group(depth: number): { first: number; last: number } {
    if (this.take("?") && !this.take(":")) throw this.unread("has a group with flags or a name");
    const group = this.alternatives(depth + 1);
    if (!this.take(")")) throw this.bad("has a ( without its )");
    return group;
  }

  private testOf(letter: string): Test {
    if (letter === ".") return (code) => code !== NEWLINE;
    if (letter === "[") return this.brackets();
    if (letter === "\\") return this.escape();
    if (letter === "*" || letter === "+" || letter === "?") throw this.bad("repeats nothing");
    if (letter === "^" || letter === "$") throw this.unread(`has a ${letter} inside`);
    const code = letter.codePointAt(0)!;
    return (other) => other === code;
  }

  private escape(): Test {
    const letter = this.letters[this.at];
    this.at += 1;
    if (letter === undefined) throw this.bad("ends in a backslash");
    const known = CLASSES[letter];
    if (known !== undefined) return known;
    const inverse = letter === letter.toUpperCase() ? CLASSES[letter.toLowerCase()] : undefined;
    if (inverse !== undefined) return (code) => !inverse(code);
    const code = this.escaped(letter);
    return (other) => other === code;
  }

  /** The letter that a backslash before another one stands for. */
  private escaped(letter: string): number {
    if (/[a-zA-Z0-9]/.test(letter) && LETTER_ESCAPES[letter] === undefined) throw this.unread(`has the escape \\${letter}`);
    return (LETTER_ESCAPES[letter] ?? letter).codePointAt(0)!;
  }

  private brackets(): Test {
    const isNegated = this.take("^");
    const tests: Test[] = [];
    let isFirst = true;
    while (isFirst || this.letters[this.at] !== "]") {
      isFirst = false;
      if (this.at >= this.letters.length) throw this.bad("has a [ without its ]");
      if (this.letters[this.at] === "[" && this.letters[this.at + 1] === ":") throw this.unread("has a [: class :]");
      tests.push(this.bracketItem());
    }
    this.at += 1;
    return (code) => tests.some((test) => test(code)) !== isNegated;
  }

  private bracketItem(): Test {
    const low = this.letters[this.at]!;
    if (low === "\\" && /[dwsDWS]/.test(this.letters[this.at + 1] ?? "")) {
      this.at += 1;
      return this.escape();
    }
    const from = this.bracketLetter();
    const isRange = this.letters[this.at] === "-" && this.letters[this.at + 1] !== "]" && this.at + 1 < this.letters.length;
    if (!isRange) return (code) => code === from;
    this.at += 1;
    const to = this.bracketLetter();
    if (to < from) throw this.bad("has a range that ends before it begins");
    return (code) => code >= from && code <= to;
  }

  private bracketLetter(): number {
    const letter = this.letters[this.at]!;
    this.at += 1;
    if (letter !== "\\") return letter.codePointAt(0)!;
    const next = this.letters[this.at];
    if (next === undefined) throw this.bad("ends in a backslash");
    this.at += 1;
    return this.escaped(next);
  }

  private take(letter: string): boolean {
    if (this.letters[this.at] !== letter) return false;
    this.at += 1;
    return true;
  }

  private bad(what: string): Refusal {
    return new Refusal(400, "bad_data", `the regular expression ${quote(this.pattern)} ${what}`);
  }

  private unread(what: string): Refusal {
    return new Refusal(422, "pattern_unread", `the regular expression ${quote(this.pattern)} ${what}, which is not read here`);
  }
}
