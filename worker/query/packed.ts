import type { Row } from "../../engine/rows";

/**
 * A histogram as one text, `zeros;index:count,index:count`: a row a bucket would be a hundred times as many rows. A bucket's index
 * is that of its lower bound, 2^(index / 32).
 */
export interface Buckets {
  zeros: number;
  /** Counts by index, in no order. */
  counts: Map<number, number>;
}

/** Buckets in which a value doubles. */
export const BUCKETS_PER_OCTAVE = 32;

/** Packs the buckets of a row. */
export function packBuckets({ zeros = 0, buckets = [] }: Row): string {
  const texts = buckets.map(({ lower, count }) => `${Math.round(Math.log2(lower) * BUCKETS_PER_OCTAVE)}:${count}`);
  return `${zeros};${texts.join(",")}`;
}

/** Reads what `packBuckets` wrote. */
export function unpackBuckets(text: string): Buckets {
  const [zeros = "", rest = ""] = text.split(";");
  const counts = new Map<number, number>();
  for (const pair of rest === "" ? [] : rest.split(",")) {
    const at = pair.indexOf(":");
    counts.set(Number(pair.slice(0, at)), Number(pair.slice(at + 1)));
  }
  return { zeros: Number(zeros), counts };
}
