import type { Buckets } from "../../engine/prometheus/bounds";
import { unpackBuckets } from "../query/packed";
import { type Grid, gridOf, type Span, type Steps, spanBefore, timeOf } from "./clock";
import type { Reader } from "./reader";
import { rowLabels, type Selection } from "./select";
import { type Labels, labelKey } from "./series";
import { clockOf, edgesOf, placesOf, warnOfUnit } from "./windows";

/** Histograms of one group of series, by time bucket. */
interface Group {
  labels: Labels;
  byBucket: Map<number, Buckets>;
}

/** Histograms over a span before each step, with all their buckets, summed up by group. */
export class BucketSpans {
  private readonly groups = new Map<string, Group>();
  private readonly spans: (Span | null)[];
  private readonly grid: Grid | null;

  constructor(
    private readonly reader: Reader,
    private readonly steps: Steps,
    rangeSeconds: number,
  ) {
    const clock = clockOf(reader, steps, rangeSeconds);
    if (rangeSeconds < clock.unitSeconds) warnOfUnit(reader, clock);
    this.spans = Array.from({ length: steps.count }, (_, index) => spanBefore(clock, timeOf(steps, index), rangeSeconds));
    this.grid = gridOf(edgesOf(this.spans));
  }

  /** Adds the histograms of a selection, each to the group of its labels. */
  async add(selection: Selection, groupOf: (labels: Labels) => Labels): Promise<void> {
    if (this.grid === null) return;
    for await (const rows of this.reader.readGrid(selection, this.grid)) {
      for (const { bucket, row } of rows) {
        const labels = groupOf(rowLabels(selection, row));
        const key = labelKey(labels);
        const group = this.groups.get(key) ?? { labels, byBucket: new Map<number, Buckets>() };
        this.groups.set(key, group);
        const known = group.byBucket.get(bucket) ?? { zeros: 0, counts: new Map<number, number>() };
        group.byBucket.set(bucket, known);
        add(known, unpackBuckets(String(row.packed)), 1);
      }
    }
    this.reader.reserve(this.groups.size, this.steps.count);
  }

  /** Every group, with a walk over its sums at the steps that have one. */
  *walks(): Generator<{ labels: Labels; walk: (take: (index: number, sum: Buckets) => void) => void }> {
    for (const { labels, byBucket } of this.groups.values()) {
      yield { labels, walk: (take) => this.slide(byBucket, take) };
    }
  }

  /** Sums up each span; what the last one has in common with it is not added up again. */
  private slide(byBucket: ReadonlyMap<number, Buckets>, take: (index: number, sum: Buckets) => void): void {
    const sum: Buckets = { zeros: 0, counts: new Map() };
    let low = 0;
    let high = 0;
    this.spans.forEach((span, index) => {
      if (span === null || this.grid === null) return;
      const [from, to] = placesOf(span, this.grid);
      for (; high < to; high += 1) add(sum, byBucket.get(high), 1);
      for (; low < from; low += 1) add(sum, byBucket.get(low), -1);
      take(index, sum);
    });
  }
}

function add(sum: Buckets, more: Buckets | undefined, sign: 1 | -1): void {
  if (more === undefined) return;
  sum.zeros += sign * more.zeros;
  for (const [index, count] of more.counts) {
    const left = (sum.counts.get(index) ?? 0) + sign * count;
    if (left === 0) sum.counts.delete(index);
    else sum.counts.set(index, left);
  }
}
