import { boundsOf, countsBelow } from "../../engine/prometheus/bounds";
import { LOOKBACK_SECONDS, MINUTE_SECONDS, QUIET_SECONDS } from "../limits";
import type { FlatRow } from "../query/flatten";
import { unpackBuckets } from "../query/packed";
import { Refusal } from "../refusal";
import { type Family, keyNames } from "./catalog";
import {
  type Clock,
  clockFrom,
  type Grid,
  gridOf,
  originOf,
  type Span,
  type Steps,
  sampleBefore,
  spanBefore,
  timeOf,
} from "./clock";
import type { BucketRow, Reader } from "./reader";
import { fulfils, rowLabels, type Selection } from "./select";
import { emptySeries, type Labels, labelKey, labelsOf, NAME, type Series, setValue, without } from "./series";
import type { RangeFunction } from "./syntax";

/** The figures of one series, by time bucket; a bucket without any is 0 where it is summed up, and else there is none. */
interface Figures {
  labels: Labels;
  byBucket: Map<number, number>;
}

/** What rate, increase and sum_over_time give: figures of whole minutes summed up over a span before each step. */
export async function overSpans(
  reader: Reader,
  selection: Selection,
  steps: Steps,
  name: RangeFunction,
  rangeSeconds: number,
): Promise<Series[]> {
  const clock = clockOf(reader, steps, rangeSeconds);
  if (rangeSeconds < clock.unitSeconds) warnOfUnit(reader, clock);
  const spans = Array.from({ length: steps.count }, (_, index) => spanBefore(clock, timeOf(steps, index), rangeSeconds));
  const grid = gridOf(edgesOf(spans));
  if (grid === null) return [];
  const figures = await readFigures(reader, selection, grid);
  if (selection.family.nature !== "minute") await addQuiet(reader, selection, grid, figures);
  reader.reserve(figures.size, steps.count);
  return [...figures.values()].map(({ labels, byBucket }) => {
    const series = emptySeries(without(labels, [NAME]), steps.count);
    const sums = sumsOf(byBucket, grid);
    spans.forEach((span, index) => {
      if (span === null) return;
      const sum = sums(span);
      const seconds = span.to - span.from;
      if (selection.family.nature === "minute" && sum === 0) return;
      if (name === "rate") setValue(series, index, sum / seconds);
      else setValue(series, index, name === "increase" && seconds !== rangeSeconds ? (sum * rangeSeconds) / seconds : sum);
    });
    return series;
  });
}

/** Counters as they stand at each step: what was counted since the start of the month. */
export async function standing(reader: Reader, selection: Selection, steps: Steps): Promise<Series[]> {
  const { retention, nowSeconds } = reader.tenant;
  const clock = clockOf(reader, steps, 0);
  const ends = Array.from({ length: steps.count }, (_, index) => sampleBefore(clock, timeOf(steps, index)));
  const there = ends.filter((end) => end !== null);
  if (there.length === 0) return [];
  const first = there[0]!;
  const origins = there.map((end) => originOf(end, retention));
  if (origins[0]! < nowSeconds - retention[2]!) {
    const reason = "a counter counts from the start of its month, which this hub does not keep any more; take rate or increase";
    throw new Refusal(422, "not_kept", reason);
  }
  const base = figuresOf(selection, await reader.readSpan(selection, { from: origins[0]!, to: first }));
  const grid = gridOf([...there, ...origins.filter((origin) => origin > first)]);
  const later = grid === null ? new Map<string, Figures>() : await readFigures(reader, selection, grid);
  const all = new Map([...later, ...base]);
  reader.reserve(all.size, steps.count);
  return [...all].map(([key, { labels }]) => {
    const series = emptySeries(labels, steps.count);
    const start = base.get(key)?.byBucket.get(0) ?? 0;
    const sums = grid === null ? () => 0 : sumsOf(later.get(key)?.byBucket ?? new Map(), grid);
    ends.forEach((end, index) => {
      if (end === null) return;
      const origin = originOf(end, retention);
      const value = origin === origins[0] ? start + sums({ from: first, to: end }) : sums({ from: origin, to: end });
      setValue(series, index, isFirstOfMonth(end, origin) ? 0 : value);
    });
    return series;
  });
}

/** The first sample of a month is 0: so a reset is seen by whoever adds up, however little was counted before. */
export function isFirstOfMonth(end: number, origin: number): boolean {
  return end === origin + MINUTE_SECONDS;
}

/** Figures of single minutes as they stand at each step: the last one that is not older than 5 minutes. */
export async function lastMinutes(reader: Reader, selection: Selection, steps: Steps): Promise<Series[]> {
  const clock = clockOf(reader, steps, LOOKBACK_SECONDS);
  const { unitSeconds } = clock;
  if (unitSeconds > MINUTE_SECONDS) warnOfUnit(reader, clock);
  const lookback = Math.max(LOOKBACK_SECONDS, unitSeconds);
  const ends = Array.from({ length: steps.count }, (_, index) => sampleBefore(clock, timeOf(steps, index)));
  const figures = new Map<string, Figures>();
  const listed = new ListedMinutes(selection);
  for (const span of spansBefore(
    ends.filter((end) => end !== null),
    lookback,
  )) {
    const grid = { ...span, bucketSeconds: unitSeconds, buckets: (span.to - span.from) / unitSeconds };
    const shift = span.from / unitSeconds;
    for await (const rows of reader.readGrid(selection, grid)) {
      const shifted = rows.map(({ bucket, row }) => ({ bucket: bucket + shift, row }));
      listed.add(shifted);
      addFigures(figures, selection, shifted);
    }
  }
  reader.reserve(figures.size, steps.count);
  return [...figures.values()].map(({ labels, byBucket }) => {
    const series = emptySeries(labels, steps.count);
    ends.forEach((end, index) => {
      for (let at = end ?? 0; end !== null && at > end - lookback; at -= unitSeconds) {
        const bucket = at / unitSeconds - 1;
        const value = byBucket.get(bucket);
        if (value !== undefined) setValue(series, index, value);
        if (value !== undefined || listed.has(labels, bucket)) return;
      }
    });
    return series;
  });
}

/** Which minutes have a list of keys, by the other labels: a key that is not in it has no older value either. */
class ListedMinutes {
  private readonly keys: string[];
  private readonly buckets = new Map<string, Set<number>>();

  constructor(private readonly selection: Selection) {
    const { operation, metric } = selection.family;
    this.keys = operation === "top" || operation === "breakdown" ? [...keyNames(metric), "quantile"] : [];
  }

  add(rows: readonly BucketRow[]): void {
    if (this.keys.length === 0) return;
    for (const { bucket, row } of rows) {
      const list = labelKey(without(rowLabels(this.selection, row), this.keys));
      const known = this.buckets.get(list) ?? new Set();
      this.buckets.set(list, known.add(bucket));
    }
  }

  has(labels: Labels, bucket: number): boolean {
    return this.keys.length > 0 && this.buckets.get(labelKey(without(labels, this.keys)))?.has(bucket) === true;
  }
}

/** The clock for what an expression at these steps looks back on. */
export function clockOf(reader: Reader, steps: Steps, rangeSeconds: number): Clock {
  return clockFrom(steps.start - rangeSeconds - LOOKBACK_SECONDS, reader.tenant);
}

/** Says that values are of whole minutes, hours or days. */
export function warnOfUnit(reader: Reader, { unitSeconds }: Clock): void {
  const unit = unitSeconds === MINUTE_SECONDS ? "minute" : unitSeconds === 3600 ? "hour" : "day";
  const why = unit === "minute" ? "nothing finer is kept" : "of that time nothing finer is kept any more";
  reader.warnings.add(`every value is of one whole ${unit} at the least: ${why}`);
}

/** Adds series that have nothing new in the grid and had something within the hour before it. */
async function addQuiet(reader: Reader, selection: Selection, grid: Grid, figures: Map<string, Figures>): Promise<void> {
  const span = { from: grid.from - QUIET_SECONDS, to: grid.from };
  if (clockFrom(span.from, reader.tenant).unitSeconds > MINUTE_SECONDS) return;
  for (const [key, { labels }] of figuresOf(selection, await reader.readSpan(selection, span))) {
    if (!figures.has(key)) figures.set(key, { labels, byBucket: new Map() });
  }
}

/** The figures of a grid. */
async function readFigures(reader: Reader, selection: Selection, grid: Grid): Promise<Map<string, Figures>> {
  const figures = new Map<string, Figures>();
  for await (const rows of reader.readGrid(selection, grid)) addFigures(figures, selection, rows);
  return figures;
}

/** The series that rows make, by their labels, with their figures. */
export function figuresOf(selection: Selection, rows: readonly BucketRow[]): Map<string, Figures> {
  const figures = new Map<string, Figures>();
  addFigures(figures, selection, rows);
  return figures;
}

/** Keys of bytes that are no text may look alike: their counts add up, of their quantiles the greatest stands. */
function addFigures(figures: Map<string, Figures>, selection: Selection, rows: readonly BucketRow[]): void {
  const isQuantile = selection.family.quantiles.length > 0;
  for (const { bucket, row } of rows) {
    const labels = rowLabels(selection, row);
    for (const [more, value] of valuesOf(selection.family, row)) {
      const full = more === null ? labels : labelsOf([...labels, more]);
      if (!fulfils(selection, full)) continue;
      const key = labelKey(full);
      const known = figures.get(key) ?? { labels: full, byBucket: new Map<number, number>() };
      figures.set(key, known);
      const before = known.byBucket.get(bucket) ?? 0;
      known.byBucket.set(bucket, isQuantile ? Math.max(before, value) : before + value);
    }
  }
}

/** The figures of a row: one, or one for each bound of a histogram or quantile of a breakdown. */
function valuesOf(
  { operation, nature, column, quantiles, metric }: Family,
  row: FlatRow,
): [more: [string, string] | null, value: number][] {
  if (nature === "buckets") {
    const bounds = boundsOf(metric.unit);
    const counts = countsBelow(unpackBuckets(String(row.packed)), bounds);
    return bounds.map(({ text }, index) => [["le", text], counts[index]!]);
  }
  if (quantiles.length > 0) {
    return quantiles.flatMap((quantile) => {
      const value = row[`p${quantile * 100}`];
      return typeof value === "number" ? [[["quantile", String(quantile)], value] as [[string, string], number]] : [];
    });
  }
  const value = row[column];
  // A key that was asked for and is not known has a row of value 0.
  if (typeof value !== "number" || (operation === "top" && value === 0)) return [];
  return [[null, value]];
}

/** Sums of figures over spans whose ends are edges of the grid, each by one difference: exact for whole numbers. */
function sumsOf(byBucket: ReadonlyMap<number, number>, grid: Grid): (span: Span) => number {
  const places = [...byBucket.keys()].sort((a, b) => a - b);
  const sums = new Float64Array(places.length + 1);
  places.forEach((place, index) => {
    sums[index + 1] = sums[index]! + byBucket.get(place)!;
  });
  return (span) => {
    const [from, to] = placesOf(span, grid);
    return sums[lowerBound(places, to)]! - sums[lowerBound(places, from)]!;
  };
}

/** Where the first of ascending numbers that is not below `least` stands. */
function lowerBound(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The buckets of a span whose ends are edges of the grid: from the first, to the one behind the last. */
export function placesOf({ from, to }: Span, grid: Grid): [from: number, to: number] {
  return [Math.round((from - grid.from) / grid.bucketSeconds), Math.round((to - grid.from) / grid.bucketSeconds)];
}

/** The ends of all spans. */
export function* edgesOf(spans: readonly (Span | null)[]): Generator<number> {
  for (const span of spans) {
    if (span === null) continue;
    yield span.from;
    yield span.to;
  }
}

/** Spans of `length` before each of these times, those that touch joined, and all where they are many. */
function spansBefore(ends: readonly number[], length: number): Span[] {
  const spans: Span[] = [];
  for (const end of ends) {
    const last = spans.at(-1);
    if (last !== undefined && end - length <= last.to) last.to = Math.max(last.to, end);
    else spans.push({ from: end - length, to: end });
  }
  return spans.length <= SPANS_MAX ? spans : [{ from: spans[0]!.from, to: spans.at(-1)!.to }];
}

/** Questions that one selector may take, before it is cheaper to read what lies between as well. */
const SPANS_MAX = 50;
