import { emptySeries, type Labels, labelKey, labelsOf, NAME, type Series, setValue, without } from "./series";
import type { Aggregation, Grouping } from "./syntax";

type Fold = (values: readonly number[]) => number;

/** What is made of a group's values at one step. */
const FOLDS: Readonly<Record<Exclude<Aggregation, "topk" | "bottomk">, Fold>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  // As in Prometheus, NaN only where there is nothing else.
  min: (values) => values.reduce((least, value) => (value < least || Number.isNaN(least) ? value : least)),
  max: (values) => values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most)),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  count: (values) => values.length,
};

/** The labels that a series' group has. */
export function groupOf(labels: Labels, { without: isWithout, labels: names }: Grouping): Labels {
  if (isWithout) return without(labels, [NAME, ...names]);
  return labelsOf(names.map((name): [string, string] => [name, labels.get(name) ?? ""]));
}

/** Aggregates series by group; `parameter` is the number that topk and bottomk take at each step. */
export function aggregate(
  name: Aggregation,
  grouping: Grouping,
  parameter: Float64Array | null,
  series: readonly Series[],
  steps: number,
): Series[] {
  const groups = new Map<string, { labels: Labels; members: Series[] }>();
  for (const one of series) {
    const labels = groupOf(one.labels, grouping);
    const key = labelKey(labels);
    const group = groups.get(key) ?? { labels, members: [] };
    groups.set(key, group);
    group.members.push(one);
  }
  if (name === "topk" || name === "bottomk") {
    const sign = name === "topk" ? 1 : -1;
    return [...groups.values()].flatMap(({ members }) => pick(sign, members, parameter, steps));
  }
  const fold = FOLDS[name];
  return [...groups.values()].map(({ labels, members }) => {
    const result = emptySeries(labels, steps);
    for (let index = 0; index < steps; index += 1) {
      const values = members.flatMap(({ values, present }) => (present[index] ? [values[index]!] : []));
      if (values.length > 0) setValue(result, index, fold(values));
    }
    return result;
  });
}

/** Of each step the greatest (or least) few, under their own labels; the greatest of the last step first. */
function pick(sign: 1 | -1, members: readonly Series[], parameter: Float64Array | null, steps: number): Series[] {
  const picked = members.map(({ labels }) => emptySeries(labels, steps));
  let order = members.map((_, place) => place);
  for (let index = 0; index < steps; index += 1) {
    const count = Math.floor(parameter?.[index] ?? 0);
    const there = order.filter((place) => members[place]!.present[index]);
    there.sort((a, b) => compare(members[a]!.values[index]!, members[b]!.values[index]!, sign));
    for (const place of there.slice(0, Math.max(0, count))) setValue(picked[place]!, index, members[place]!.values[index]!);
    const isThere = new Set(there);
    order = [...there, ...order.filter((place) => !isThere.has(place))];
  }
  return order.map((place) => picked[place]!).filter(({ present }) => present.includes(1));
}

/** The greater first, NaN last. */
function compare(a: number, b: number, sign: 1 | -1): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (b - a) || 0;
}
