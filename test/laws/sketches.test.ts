/** What holds for every kind of sketch, whatever is in it. */
import { describe, expect, test } from "vitest";
import { zipfFrom } from "../support/key-sources.ts";
import { bytesOf, type Kind, randomFrom, Sketches } from "../support/sketches.ts";

const MINUTE = 1_700_000_040;

interface Subject {
  kind: Kind;
  parameter: number;
  /** Whether any order of merging gives the same bytes; else the state is bounded, and order may decide on its tail. */
  exact: boolean;
  /** Adds what `seed` stands for: a little, more, a lot, by the seed's last digit. */
  fill(sketches: Sketches, state: number, seed: number): void;
}

function sizeOf(seed: number): number {
  return [0, 1, 3, 20, 40, 200, 900, 1500, 4000, 9000][seed % 10]!;
}

function value(random: () => number): bigint {
  return random() < 0.05 ? 0n : BigInt(Math.floor(Math.exp(random() * 40)));
}

function histogram(unit: number): Subject {
  return {
    kind: "histogram",
    parameter: unit,
    exact: true,
    fill({ core }, state, seed) {
      const random = randomFrom(seed);
      for (let i = sizeOf(seed); i > 0; i--) core.histogramAdd(state, value(random), BigInt(1 + Math.floor(random() * 3)));
      if (seed % 7 === 0) core.histogramAdd(state, value(random), 2n ** 33n);
    },
  };
}

function distinct(precision: number): Subject {
  return {
    kind: "distinct",
    parameter: precision,
    exact: true,
    fill({ core }, state, seed) {
      core.distinctFill(state, BigInt(seed >> 1), sizeOf(seed));
      core.distinctFill(state, 5n, sizeOf(seed) >> 1);
    },
  };
}

function top(bits: number): Subject {
  return {
    kind: "top",
    parameter: bits,
    exact: false,
    fill(sketches, state, seed) {
      const random = randomFrom(seed);
      const draw = zipfFrom(random, 3000, 0.9);
      for (let i = sizeOf(seed); i > 0; i--) {
        sketches.addTop(state, bytesOf(`key-${draw()}`), BigInt(1 + Math.floor(random() * 9)));
      }
    },
  };
}

function breakdown(bits: number): Subject {
  return {
    kind: "breakdown",
    parameter: bits,
    exact: false,
    fill(sketches, state, seed) {
      const random = randomFrom(seed);
      const draw = zipfFrom(random, 700, 0.9);
      for (let i = sizeOf(seed) >> 1; i > 0; i--) {
        sketches.addBreakdown(state, bytesOf(`GET /${draw()}`), 2n, BigInt(i % 2), value(random) >> 20n, value(random));
      }
    },
  };
}

function theta(log2: number): Subject {
  return {
    kind: "theta",
    parameter: log2,
    exact: true,
    fill({ core }, state, seed) {
      for (const [from, count] of [
        [seed >> 1, sizeOf(seed)],
        [5, sizeOf(seed) >> 1],
      ] as const) {
        const random = randomFrom(from);
        for (let i = count; i > 0; i--) core.thetaAdd(state, BigInt(Math.floor(random() * 2 ** 32)) * 0x7fffffffn + 1n);
      }
    },
  };
}

const rate: Subject = {
  kind: "rate",
  parameter: 0,
  exact: true,
  fill({ core }, state, seed) {
    const random = randomFrom(seed);
    for (let i = sizeOf(seed); i > 0; i--) {
      core.rateAdd(state, BigInt(Math.floor(random() * 1500)), MINUTE + Math.floor(random() * 60));
    }
    core.rateSeal(state, seed % 3 === 0 ? 0 : 60);
  },
};

const SUBJECTS = [
  ...[0, 1, 2].map(histogram),
  rate,
  ...[12, 14].map(distinct),
  ...[6, 11].map(top),
  ...[5, 8].map(breakdown),
  theta(12),
].map((subject) => [`${subject.kind} ${subject.parameter}`, subject] as const);

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

/** Creates a state and fills it once for each seed. */
function made(sketches: Sketches, { kind, parameter, fill }: Subject, ...seeds: number[]): number {
  const state = sketches.create(kind, parameter);
  for (const seed of seeds) fill(sketches, state, seed);
  return state;
}

/** Throws where two runs of bytes differ; much faster than a matcher, of which there would be many thousands. */
function expectSame(bytes: Uint8Array, wanted: Uint8Array): void {
  if (bytes.length !== wanted.length) throw new Error(`${bytes.length} bytes, not ${wanted.length}`);
  const at = bytes.findIndex((byte, index) => byte !== wanted[index]);
  if (at >= 0) throw new Error(`byte ${at} is ${bytes[at]}, not ${wanted[at]}`);
}

function shuffled<T>(items: T[], random: () => number): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(Math.floor(random() * rest.length), 1)[0]!);
}

describe.each(SUBJECTS.filter(([, subject]) => subject.exact))("merging %s", (_, subject) => {
  const { kind, parameter } = subject;

  test("commutes, associates and has an identity", () => {
    const sketches = new Sketches(32 << 20);
    const encode = (state: number) => sketches.encode(kind, state);
    for (const seed of SEEDS) {
      const [a, b, c] = [seed, seed + 3, seed * 11 + 6];
      const merged = (...states: number[]) => {
        const into = sketches.create(kind, parameter);
        for (const state of states) expect(sketches.merge(kind, into, state)).toBe(true);
        return into;
      };
      const part = (n: number) => made(sketches, subject, n);
      expectSame(encode(merged(part(a), part(b))), encode(merged(part(b), part(a))));
      const left = merged(merged(part(a), part(b)), part(c));
      const right = merged(part(a), merged(part(b), part(c)));
      expectSame(encode(left), encode(right));
      expectSame(encode(merged(part(a), sketches.create(kind, parameter))), encode(part(a)));
    }
  });

  test("gives the same bytes in any order, by states or by encodings, and those of one state that saw everything", () => {
    const sketches = new Sketches(32 << 20);
    const random = randomFrom(9);
    const states = SEEDS.map((seed) => made(sketches, subject, seed));
    const encodings = states.map((state) => sketches.encode(kind, state));
    const wanted = sketches.create(kind, parameter);
    for (const state of states) sketches.merge(kind, wanted, state);
    const bytes = sketches.encode(kind, wanted);
    for (let run = 0; run < 5; run++) {
      const byState = sketches.create(kind, parameter);
      for (const state of shuffled(states, random)) sketches.merge(kind, byState, state);
      expectSame(sketches.encode(kind, byState), bytes);
      const byBytes = sketches.create(kind, parameter);
      for (const encoding of shuffled(encodings, random)) expect(sketches.decode(kind, byBytes, parameter, encoding)).toBe(true);
      expectSame(sketches.encode(kind, byBytes), bytes);
    }
    if (kind !== "rate") expectSame(sketches.encode(kind, made(sketches, subject, ...SEEDS)), bytes);
    expectSame(sketches.encode(kind, states[7]!), encodings[7]!);
  });
});

describe.each(SUBJECTS)("encoding %s", (_, subject) => {
  const { kind, parameter } = subject;

  test("and decoding is the identity, and what follows is left alone", () => {
    const sketches = new Sketches(32 << 20);
    for (const seed of SEEDS) {
      const state = made(sketches, subject, seed);
      const bytes = sketches.encode(kind, state);
      expectSame(sketches.encode(kind, state), bytes);
      expect(sketches.skip(kind, parameter, Uint8Array.of(...bytes, 1, 2, 3))).toBe(3);
      const copy = sketches.create(kind, parameter);
      expect(sketches.decode(kind, copy, parameter, bytes)).toBe(true);
      expectSame(sketches.encode(kind, copy), bytes);
      sketches.release(kind, state);
      sketches.release(kind, copy);
    }
    expect(sketches.core.poolUsed()).toBe(new Sketches().core.poolUsed());
    expect(sketches.core.refused()).toBe(0n);
  });

  test("does not depend on what memory held before", () => {
    const run = (filler: number) => {
      const sketches = new Sketches(16 << 20, filler);
      const states = SEEDS.map((seed) => made(sketches, subject, seed));
      for (const state of states.slice(0, 9)) sketches.release(kind, state);
      const into = made(sketches, subject, 18);
      for (const state of states.slice(9)) sketches.merge(kind, into, state);
      for (const state of states.slice(9)) sketches.decode(kind, into, parameter, sketches.encode(kind, state));
      return sketches.encode(kind, into);
    };
    const wanted = run(0);
    for (const filler of [0xff, 0x5a]) expectSame(run(filler), wanted);
  });

  test("leaves bytes of which every cut is refused", () => {
    const sketches = new Sketches();
    for (const seed of [1, 2, 3, 4, 5, 6, 8]) {
      const bytes = sketches.encode(kind, made(sketches, subject, seed));
      const step = Math.max(1, Math.floor(bytes.length / 300));
      for (let length = 0; length < bytes.length; length += step) {
        expect(sketches.skip(kind, parameter, bytes.slice(0, length))).toBe(-1);
      }
    }
  });

  /** What is accepted is a state, and the only encoding of it. */
  function expectRefusedOrState(sketches: Sketches, into: number, bytes: Uint8Array): boolean {
    const left = sketches.skip(kind, parameter, bytes);
    const state = sketches.create(kind, parameter);
    if (left < 0) {
      if (sketches.decode(kind, state, parameter, bytes)) throw new Error("decoded what skip refuses");
    } else {
      const valid = bytes.slice(0, bytes.length - left);
      if (!sketches.decode(kind, state, parameter, valid)) throw new Error("refused what skip accepts");
      expectSame(sketches.encode(kind, state), valid);
      sketches.decode(kind, into, parameter, valid);
    }
    sketches.release(kind, state);
    return left >= 0;
  }

  test("leaves bytes of which every flip is refused or another state, and never a trap", () => {
    const sketches = new Sketches();
    sketches.core.exportKeys(1024, 1024);
    const into = sketches.create(kind, parameter);
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const bytes = sketches.encode(kind, made(sketches, subject, seed));
      const flips = bytes.length * 8;
      const step = flips < 2400 ? 1 : Math.floor(flips / 600);
      for (let bit = seed % step; bit < flips; bit += step) {
        const damaged = bytes.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        expectRefusedOrState(sketches, into, damaged);
      }
    }
    expect(sketches.skip(kind, parameter, sketches.encode(kind, into))).toBe(0);
  });

  test("is proof against bytes at random and against spliced encodings", () => {
    const sketches = new Sketches();
    sketches.core.exportKeys(1024, 1024);
    const into = sketches.create(kind, parameter);
    const random = randomFrom(33);
    const encodings = [1, 2, 3, 5].map((seed) => sketches.encode(kind, made(sketches, subject, seed)));
    let accepted = 0;
    for (let run = 0; run < 1500; run++) {
      const length = Math.floor(random() ** 3 * 400);
      const noise = Uint8Array.from({ length }, () => (random() < 0.7 ? random() * 8 : random() * 256));
      const whole = encodings[run % 4]!;
      const start = Math.floor(random() * whole.length);
      const spliced = Uint8Array.of(...whole.slice(0, start), ...noise, ...whole.slice(start + Math.floor(random() * 4)));
      if (expectRefusedOrState(sketches, into, noise)) accepted++;
      if (expectRefusedOrState(sketches, into, spliced)) accepted++;
    }
    expect(accepted).toBeGreaterThan(0);
    expect(sketches.skip(kind, parameter, sketches.encode(kind, into))).toBe(0);
  });
});

test("an encoding of one kind that is read as another is refused or a state", () => {
  const sketches = new Sketches();
  for (const [, from] of SUBJECTS) {
    for (const [, as] of SUBJECTS) {
      for (const seed of [2, 3, 4, 6]) {
        const bytes = sketches.encode(from.kind, made(sketches, from, seed));
        const state = sketches.create(as.kind, as.parameter);
        if (sketches.skip(as.kind, as.parameter, bytes) >= 0) {
          expect(sketches.decode(as.kind, state, as.parameter, bytes.slice(0, bytes.length - sketches.core.left()))).toBe(true);
        }
        sketches.release(as.kind, state);
      }
    }
  }
});
