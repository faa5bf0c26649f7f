import { BUCKETS_PER_OCTAVE, type Buckets } from "../../engine/prometheus/bounds";

/** Cumulative buckets: how many values are at or below `le`. */
export interface Step {
  le: number;
  count: number;
}

/**
 * The quantile as Prometheus' histogram_quantile has it: evenly spread within a bucket, from 0 in the first where its bound is
 * above 0, and the last finite bound where it lies above. `steps` ascend and end with an infinite bound.
 */
export function quantileOf(quantile: number, steps: readonly Step[]): number {
  if (Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  const total = steps.at(-1)?.count ?? 0;
  if (steps.length < 2 || steps.at(-1)!.le !== Number.POSITIVE_INFINITY || !(total > 0)) return Number.NaN;
  const rank = quantile * total;
  const place = steps.findIndex(({ count }) => count >= rank);
  if (place === steps.length - 1) return steps[place - 1]!.le;
  const { le, count } = steps[place]!;
  if (place === 0 && le <= 0) return le;
  const start = place === 0 ? 0 : steps[place - 1]!.le;
  const below = place === 0 ? 0 : steps[place - 1]!.count;
  return start + (le - start) * ((rank - below) / (count - below));
}

/** All buckets of a histogram, zeros first, each with its bounds: the finest steps that there are. */
export function finestSteps({ zeros, counts }: Buckets): Step[] {
  const steps: Step[] = [{ le: 0, count: zeros }];
  let sum = zeros;
  for (const [index, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (count <= 0) continue;
    // A bucket before it that is empty: the quantile begins where the bucket does.
    steps.push({ le: 2 ** (index / BUCKETS_PER_OCTAVE), count: sum });
    sum += count;
    steps.push({ le: 2 ** ((index + 1) / BUCKETS_PER_OCTAVE), count: sum });
  }
  return [...steps, { le: Number.POSITIVE_INFINITY, count: sum }];
}
