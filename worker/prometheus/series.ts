import { POINTS_MAX } from "../limits";
import { Refusal } from "../refusal";

/** Names and values of a series, by name; the metric's name is `__name__`. */
export type Labels = ReadonlyMap<string, string>;

export const NAME = "__name__";

/** One value for each step, where there is one. */
export interface Series {
  labels: Labels;
  values: Float64Array;
  present: Uint8Array;
}

/** Labels in the order of their names, without those that are empty. */
export function labelsOf(entries: Iterable<readonly [string, string]>): Labels {
  return new Map([...entries].filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

/** A text that is the same for equal labels. */
export function labelKey(labels: Labels): string {
  return JSON.stringify([...labels]);
}

/** Labels without some. */
export function without(labels: Labels, names: readonly string[]): Labels {
  return new Map([...labels].filter(([name]) => !names.includes(name)));
}

/** A series without any value yet. */
export function emptySeries(labels: Labels, count: number): Series {
  return { labels, values: new Float64Array(count), present: new Uint8Array(count) };
}

/** Sets one value. */
export function setValue(series: Series, index: number, value: number): void {
  series.values[index] = value;
  series.present[index] = 1;
}

/** Refuses more steps than a series may have points. */
export function checkSteps(count: number): void {
  if (count <= POINTS_MAX) return;
  const reason = `exceeded maximum resolution of ${POINTS_MAX} points per timeseries; try decreasing the query resolution (?step=XX)`;
  throw new Refusal(400, "bad_data", reason);
}

/** What is said of an answer that is too much. */
export function tooMuch(why: string): Refusal {
  const reason = `the answer was given up: ${why}; take sum by (...), conditions on labels, a longer step or a shorter time`;
  return new Refusal(422, "too_much", reason);
}
