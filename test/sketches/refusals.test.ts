/** Encodings that contradict themselves, one rule each: all are refused, and the encoding they differ from is not. */
import { describe, expect, test } from "vitest";
import { bytesOf, type Kind, randomFrom, Sketches } from "../support/sketches";

type Token = number | bigint | string | Uint8Array;

/** Numbers as LEB128, texts as a byte of length and their bytes, bytes as they are. */
function encode(...tokens: Token[]): Uint8Array {
  const bytes: number[] = [];
  for (const token of tokens) {
    if (typeof token === "string") bytes.push(token.length, ...bytesOf(token));
    else if (token instanceof Uint8Array) bytes.push(...token);
    else {
      let rest = BigInt(token);
      for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
      bytes.push(Number(rest));
    }
  }
  return Uint8Array.from(bytes);
}

const sketches = new Sketches();

function expectRefused(kind: Kind, parameter: number, valid: Uint8Array, bad: Record<string, Uint8Array>): void {
  expect(sketches.skip(kind, parameter, valid)).toBe(0);
  for (const [rule, bytes] of Object.entries(bad)) {
    const state = sketches.create(kind, parameter);
    const before = sketches.encode(kind, state);
    expect([rule, sketches.skip(kind, parameter, bytes)]).toEqual([rule, -1]);
    expect([rule, sketches.decode(kind, state, parameter, bytes)]).toEqual([rule, false]);
    expect([rule, sketches.encode(kind, state)]).toEqual([rule, before]);
  }
}

/** Element hashes as they are listed. */
const elements = (...values: bigint[]) => new Uint8Array(BigUint64Array.from(values).buffer);

/** Two keys in the order of their hashes. */
function sortedByHash(a: string, b: string): [string, string] {
  const hash = (key: string) => BigInt.asUintN(64, sketches.element(bytesOf(key)));
  return hash(a) < hash(b) ? [a, b] : [b, a];
}

describe("refused", () => {
  test("histograms", () => {
    // Five values: 0, 1 (bucket -1, the lowest), 2 and 2 (bucket 31), 300 (bucket 263): runs, gaps, lengths, counts.
    const runs = [3, 0, 30, 230, 0, 0, 0, 1, 2, 1];
    expectRefused("histogram", 0, encode(5, 0, 300, 305, 0, ...runs), {
      "more values than there may be": encode(2n ** 62n + 1n, 0, 300, 305, 0, ...runs),
      "a sum above count * max": encode(5, 0, 300, 1501, 0, ...runs),
      "a sum above 64 bits": encode(5, 0, 300, 305, 1, ...runs),
      "a sum below count * min": encode(3, 2, 298, 5, 0, 2, 230, 0, 0, 2, 1),
      "zeros above a minimum": encode(5, 1, 299, 305, 0, 3, 30, 230, 0, 0, 0, 1, 2, 1),
      "no zero at a minimum of 0": encode(4, 0, 300, 305, 0, ...runs),
      "a minimum of another bucket": encode(4, 2, 298, 305, 0, 3, 30, 230, 0, 0, 0, 1, 2, 1),
      "a maximum of another bucket": encode(5, 0, 310, 305, 0, ...runs),
      "a maximum beyond 64 bits": encode(5, 1, 2n ** 64n - 1n, 305, 0, ...runs),
      "an empty bucket in a run": encode(5, 0, 300, 305, 0, 3, 0, 30, 230, 0, 0, 0, 0, 2, 1),
      "more in buckets than there is": encode(3, 0, 300, 305, 0, ...runs),
      "runs that touch": encode(3, 1, 1, 5, 0, 2, 2n ** 64n - 1n, 0, 30, 1, 2),
      "a gap beyond the maximum": encode(5, 0, 300, 305, 0, 3, 0, 30, 231, 0, 0, 0, 1, 2, 1),
      "a run beyond the maximum": encode(5, 0, 300, 305, 0, 3, 0, 30, 230, 0, 0, 1, 1, 2, 1, 1),
      "a run of all lengths": encode(5, 0, 300, 305, 0, 3, 0, 30, 230, 0, 0, 2n ** 64n - 1n, 1, 2, 1),
      "more runs than buckets": encode(5, 0, 300, 305, 0, 300, ...runs.slice(1)),
      "a long form of a number": Uint8Array.of(0x80, 0),
      nothing: new Uint8Array(0),
    });
    expectRefused("histogram", 0, encode(7, 0, 0, 0, 0, 0), {
      "a sum of zeros": encode(7, 0, 0, 1, 0, 0),
      "zeros in a bucket": encode(7, 0, 0, 0, 0, 1, 0, 0, 7),
      "one value without it": encode(1),
      "two values without their distance": encode(2, 5),
      "two values beyond 64 bits": encode(2, 5, 2n ** 64n - 1n),
    });
    expect(sketches.skip("histogram", 0, encode(1, 5))).toBe(0);
    expect(sketches.skip("histogram", 0, encode(2, 0, 9))).toBe(0);
  });

  test("distinct states", () => {
    expectRefused("distinct", 12, Uint8Array.of(2, ...elements(1n, 9n)), {
      "elements out of order": Uint8Array.of(2, ...elements(9n, 1n)),
      "an element twice": Uint8Array.of(2, ...elements(9n, 9n)),
      "fewer elements than said": Uint8Array.of(3, ...elements(1n, 9n)),
      "a form that there is not": Uint8Array.of(36, ...elements(1n, 9n)),
    });
    // Registers 0, 6 and 4094, the last with a level of 39.
    const sparse = (first: number, second: number, last: number, gap = 4087) =>
      encode(33, 3, 0, Uint8Array.of(first), 5, Uint8Array.of(second), gap, Uint8Array.of(last));
    expectRefused("distinct", 12, sparse(12, 18, 167), {
      "no register": encode(33, 0),
      "an empty register": sparse(0, 18, 167),
      "a register below the first level": sparse(11, 18, 167),
      "a level below the first": sparse(13, 18, 167),
      "two levels below the second": sparse(12, 17, 167),
      "a level that no run has": sparse(12, 18, 168),
      "a register beyond the last": sparse(12, 18, 167, 4089),
      "too many for this form": encode(33, 65, ...Array.from({ length: 65 }, () => [0, 20]).flat()),
    });
    // Registers of so many values that packing them gains nothing.
    const random = randomFrom(1);
    const many = Uint8Array.from({ length: 4097 }, () => 20 + Math.floor(random() * 148));
    const dense = (...changes: [number, number][]) => {
      const bytes = many.slice();
      bytes[0] = 35;
      for (const [at, register] of changes) bytes[at] = register;
      return bytes;
    };
    const badRegisters = [...Array(256).keys()].filter(
      (register) => register !== 0 && (register < 20 || register > 167) && ![12, 16, 18].includes(register),
    );
    expectRefused("distinct", 12, dense([1, 12], [2, 16], [3, 18], [1025, 167], [77, 0]), {
      "too few for this form": dense().fill(0, 65),
      "what can be packed": dense().fill(20, 1),
      ...Object.fromEntries(
        badRegisters.map((register) => [`register ${register}`, dense([1 + 37 * (register % 27), register])]),
      ),
    });
  });

  test("tops", () => {
    const [first, second] = sortedByHash("a", "b");
    /** Keys, then a column of lower bounds, then one of errors. */
    const two = (...numbers: number[]) => encode(first, second, ...numbers);
    expectRefused("top", 11, encode(100, 10, 2, two(30, 10, 5, 0)), {
      "keys out of order": encode(100, 10, 2, second, first, 10, 30, 0, 5),
      "a key twice": encode(100, 10, 2, first, first, 30, 10, 5, 0),
      "more weight than the total": encode(39, 10, 2, two(30, 10, 5, 0)),
      "a bound above the total": encode(100, 101, 0),
      "an error above the bound": encode(100, 10, 2, two(30, 10, 11, 0)),
      "an upper above the total": encode(100, 99, 1, first, 30, 71),
      "an upper below the bound": encode(100, 10, 2, two(30, 9, 5, 0)),
      "a key without weight": encode(100, 10, 2, two(30, 0, 5, 10)),
      "missing weight and no bound": encode(100, 0, 1, first, 99, 0),
      "more keys than there may be": encode(100, 10, 1025),
      "a total beyond its limit": encode(2n ** 62n + 1n, 10, 0),
      "a column that ends early": encode(100, 10, 2, two(30, 10, 5)),
    });
    expect(sketches.skip("top", 11, encode(0, 0, 0))).toBe(0);
  });

  test("breakdowns", () => {
    /** So many durations of 5 ns. */
    const timed = (count: number) =>
      count < 3 ? encode(count, 5, ...[0].slice(2 - count)) : encode(count, 5, 0, 5 * count, 0, 1, 0, count);
    const [a, b] = sortedByHash("a", "b");
    interface Set {
      key: string;
      requests: number;
      error: number;
      errors?: number;
      bytes?: number;
      durations?: Uint8Array;
    }
    /** Keys, then a column for each number, then the durations of each. */
    const sets = (...each: Set[]) =>
      encode(
        ...each.map(({ key }) => key),
        ...each.map(({ requests }) => requests),
        ...each.map(({ error }) => error),
        ...each.map(({ errors = 1 }) => errors),
        ...each.map(({ bytes = 99 }) => bytes),
        ...each.map(({ durations = timed(2) }) => durations),
      );
    const set = (key: string, requests: number, error: number, rest: Partial<Set> = {}): Set => ({
      key,
      requests,
      error,
      ...rest,
    });
    const rest = encode(20, 3, 1000, timed(20));
    const good = sets(set(a, 9, 4), set(b, 4, 0));
    expectRefused("breakdown", 8, encode(4, 2, good, rest), {
      "sets out of order": encode(4, 2, sets(set(b, 4, 0), set(a, 9, 4)), rest),
      "a set twice": encode(4, 2, sets(set(a, 9, 4), set(a, 4, 0)), rest),
      "an error above the bound": encode(4, 2, sets(set(a, 9, 5), set(b, 4, 0)), rest),
      "fewer requests than the bound": encode(4, 2, sets(set(a, 9, 4), set(b, 3, 0)), rest),
      "a set without requests": encode(
        4,
        2,
        sets(set(a, 9, 4), set(b, 0, 4, { errors: 0, bytes: 0, durations: encode(0) })),
        rest,
      ),
      "more errors than requests": encode(4, 2, sets(set(a, 9, 4), set(b, 4, 0, { errors: 5, bytes: 0 })), rest),
      "more durations than requests": encode(4, 2, sets(set(a, 9, 4), set(b, 4, 0, { durations: timed(5) })), rest),
      "a bound above the rest": encode(4, 1, sets(set(a, 9, 3)), 3, 0, 0, 0),
      "an error above the rest": encode(2, 1, sets(set(a, 9, 2)), 1, 0, 0, 0),
      "no bound and a rest": encode(0, 2, sets(set(a, 9, 0), set(b, 4, 0)), rest),
      "a bound and no rest": encode(4, 2, sets(set(a, 9, 0), set(b, 4, 0)), 0, 0, 0, 0),
      "bytes without a request": encode(0, 1, sets(set(a, 9, 0)), 0, 0, 7, 0),
      "requests beyond their limit": encode(4, 1, sets(set(a, 9, 4)), 2n ** 62n, 3, 1000, timed(20)),
      "bytes beyond their limit": encode(4, 1, sets(set(a, 9, 4)), 20, 3, 2n ** 62n, timed(20)),
      "more sets than there may be": encode(4, 1025),
      "a histogram that is not valid": encode(4, 1, sets(set(a, 9, 4)), 20, 3, 1000, encode(5, 5, 0, 26, 0)),
    });
  });
});
