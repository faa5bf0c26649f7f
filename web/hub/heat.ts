/** A distribution over time as a grid: how many values of which size there were in which step. */
import { type Asker, rowsOf } from "./asker";
import type { AnswerRow } from "./client";
import { numberOf, secondOf, stepsOf } from "./series";

/** Rows of the grid for each doubling of the value. */
const BANDS_PER_OCTAVE = 4;
/** Columns at the most: an answer holds 20,000 buckets. */
const COLUMNS_MAX = 36;

/** Values in (lower, upper]; 0 to 0 for zeros. */
export interface Band {
  lower: number;
  upper: number;
}

/** Counts by band, lowest first, and by step. */
export interface Heat {
  seconds: number[];
  bands: Band[];
  counts: number[][];
  most: number;
}

/** Asks for it in steps as long as the answer needs. */
export async function askHeat(asker: Asker, metric: string): Promise<Heat> {
  const { from, to, step } = asker.window;
  const steps = Math.max(1, Math.ceil((to - from) / step / COLUMNS_MAX));
  const rows = await asker.ask([metric], { op: "histogram", isOverTime: true, steps });
  return heatOf(rowsOf(rows, metric), stepsOf(rows.meta));
}

/** Puts buckets into bands of a quarter of a doubling. */
export function heatOf(rows: readonly AnswerRow[], seconds: number[]): Heat {
  const numbers = rows.map((row) => bandOf(numberOf(row, "lower"), numberOf(row, "upper")));
  const sized = numbers.filter((number) => number !== null);
  const first = sized.reduce((least, number) => Math.min(least, number), Number.POSITIVE_INFINITY);
  const last = sized.reduce((most, number) => Math.max(most, number), Number.NEGATIVE_INFINITY);
  const bands: Band[] = numbers.includes(null) ? [{ lower: 0, upper: 0 }] : [];
  const offset = bands.length - first;
  for (let number = first; number <= last; number++) {
    bands.push({ lower: 2 ** (number / BANDS_PER_OCTAVE), upper: 2 ** ((number + 1) / BANDS_PER_OCTAVE) });
  }
  const counts = bands.map(() => seconds.map(() => 0));
  const columns = new Map(seconds.map((second, index) => [second, index]));
  let most = 0;
  rows.forEach((row, index) => {
    const column = columns.get(secondOf(row));
    const number = numbers[index];
    const line = counts[number === null || number === undefined ? 0 : number + offset];
    if (column === undefined || line === undefined) return;
    line[column] = (line[column] ?? 0) + numberOf(row, "count");
    most = Math.max(most, line[column]!);
  });
  return { seconds, bands, counts, most };
}

/** The number of the band that the middle of a bucket is in; null for zeros. */
function bandOf(lower: number, upper: number): number | null {
  if (upper <= 0) return null;
  const middle = lower > 0 ? Math.sqrt(lower * upper) : upper;
  return Math.floor(Math.log2(middle) * BANDS_PER_OCTAVE);
}
