/** A histogram's counts by the index of a bucket, whose lower bound is 2^(index / 32); in no order. */
export interface Buckets {
  zeros: number;
  counts: Map<number, number>;
}

/** Buckets in which a value doubles. */
export const BUCKETS_PER_OCTAVE = 32;

/** A bucket's index, of its lower bound. */
export function indexOf(lower: number): number {
  return Math.round(Math.log2(lower) * BUCKETS_PER_OCTAVE);
}

/**
 * The bounds that a histogram's series have as `le`: two an octave, over the range that a unit usually has. Histograms have
 * 32 buckets an octave at powers of 2, so each bound is one of theirs and each count is exact.
 */
const BUCKETS_PER_BOUND = BUCKETS_PER_OCTAVE / 2;
const OCTAVES: Readonly<Record<string, readonly [from: number, to: number]>> = {
  seconds: [-17, 8],
  bytes: [4, 30],
  ratio: [-5, 10],
};
const OCTAVES_USUAL = [-10, 20] as const;

/** A bound as a number, as text, and the index of the first bucket that lies above it. */
export interface Bound {
  le: number;
  text: string;
  index: number;
}

/** The bounds of histograms of a unit, the last of them infinite. */
export function boundsOf(unit: string): Bound[] {
  const [from, to] = OCTAVES[unit] ?? OCTAVES_USUAL;
  const bounds: Bound[] = [];
  for (let index = from * BUCKETS_PER_OCTAVE; index <= to * BUCKETS_PER_OCTAVE; index += BUCKETS_PER_BOUND) {
    const le = 2 ** (index / BUCKETS_PER_OCTAVE);
    bounds.push({ le, text: String(le), index });
  }
  return [...bounds, { le: Number.POSITIVE_INFINITY, text: "+Inf", index: Number.POSITIVE_INFINITY }];
}

/** How many values lie at or below each bound. */
export function countsBelow({ zeros, counts }: Buckets, bounds: readonly Bound[]): number[] {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  let at = 0;
  let sum = zeros;
  return bounds.map(({ index }) => {
    for (; at < sorted.length && sorted[at]![0] < index; at += 1) sum += sorted[at]![1];
    return sum;
  });
}
