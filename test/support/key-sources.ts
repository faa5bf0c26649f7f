/** Streams of keys with the distributions that tables of keys meet: the same seed gives the same stream. */
import { randomFrom } from "./sketches.ts";

export interface KeyWeight {
  key: string;
  weight: number;
}

/** Draws ranks from 0 to `size` - 1 with probabilities that fall as rank^-exponent. */
export function zipfFrom(random: () => number, size: number, exponent: number): () => number {
  const sums = new Float64Array(size);
  let sum = 0;
  for (let rank = 0; rank < size; rank++) {
    sum += (rank + 1) ** -exponent;
    sums[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const name = (rank: number) => `host-${rank}.example`;

function zipf(exponent: number, keys: number) {
  return (seed: number, length: number): KeyWeight[] => {
    const draw = zipfFrom(randomFrom(seed), keys, exponent);
    return Array.from({ length }, () => ({ key: name(draw()), weight: 1 }));
  };
}

/** Streams by name: `length` additions each. */
export const KEY_SOURCES: Record<string, (seed: number, length: number) => KeyWeight[]> = {
  "zipf 0.8": zipf(0.8, 20_000),
  "zipf 1.0": zipf(1, 50_000),
  "zipf 1.3": zipf(1.3, 100_000),
  uniform: (seed, length) => {
    const random = randomFrom(seed);
    return Array.from({ length }, () => ({ key: name(Math.floor(random() * 10_000)), weight: 1 }));
  },
  "weights of bytes": (seed, length) => {
    const random = randomFrom(seed);
    const draw = zipfFrom(random, 5000, 1.1);
    return Array.from({ length }, () => ({ key: name(draw()), weight: 40 + Math.floor(1500 * random()) }));
  },
  "never twice, with a heavy key among them": (seed, length) =>
    Array.from({ length }, (_, index) => ({ key: index % 100 === seed % 100 ? "heavy" : `once-${seed}-${index}`, weight: 1 })),
  "heavy first, then a flood": (seed, length) =>
    Array.from({ length }, (_, index) => ({ key: index < length / 10 ? name(index % 50) : `flood-${seed}-${index}`, weight: 1 })),
  "a flood of growing weights": (seed, length) =>
    Array.from({ length }, (_, index) => ({ key: name((index * 7919 + seed) % 6000), weight: 1 + Math.floor(index / 1000) })),
  "in blocks": (_, length) => Array.from({ length }, (__, index) => ({ key: name(Math.floor(index / 3)), weight: 1 })),
  "a few long keys": (seed, length) => {
    const random = randomFrom(seed);
    return Array.from({ length }, () => ({ key: "x".repeat(Math.floor(random() * 256)), weight: 1 }));
  },
};

/** Exact weights by key. */
export function weigh(stream: Iterable<KeyWeight>): Map<string, bigint> {
  const weights = new Map<string, bigint>();
  for (const { key, weight } of stream) weights.set(key, (weights.get(key) ?? 0n) + BigInt(weight));
  return weights;
}

/** Sum of all values. */
export function sumOf(values: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const value of values) sum += value;
  return sum;
}
