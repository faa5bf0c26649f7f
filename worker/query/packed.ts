import { type Buckets, indexOf } from "../../engine/prometheus/bounds";
import type { Row } from "../../engine/rows";

/** Packs the buckets of a row into one text, `zeros;index:count,index:count`: a row a bucket would be a hundred times as many rows. */
export function packBuckets({ zeros = 0, buckets = [] }: Row): string {
  const texts = buckets.map(({ lower, count }) => `${indexOf(lower)}:${count}`);
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
