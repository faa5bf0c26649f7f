import { readBundleHeader } from "../../engine/bundle";
import type { Core } from "../../engine/core";
import { type Buckets, indexOf } from "../../engine/prometheus/bounds";
import { encodeRowQuery, type Row, RowDecoder, type RowQuery } from "../../engine/rows";
import type { MetricSchema } from "../../engine/schema";
import { latestOf } from "./window";

/** Most series that are kept; a value of one that finds no room is counted. */
export const SERIES_MAX = 10_000;

const MINUTE_SECONDS = 60;
const QUERY: RowQuery = { items: 1, buckets: true };

/** What one combination of labels came to since the agent began. */
export interface Series {
  labels: Readonly<Record<string, string>>;
  /** Counter: the total. Histogram: the sum. */
  value: number;
  /** Histogram: how many values, and in which buckets. */
  count: number;
  buckets: Buckets;
}

/** Counters and histograms over an agent's life: each sealed minute is added once, so none ever falls. */
export class Totals {
  /** Values of minutes that were left out, as there was no room for their series. */
  leftOut = 0;
  private readonly families = new Map<string, Map<string, Series>>();
  private readonly decoder: RowDecoder;
  private size = 0;
  private latest = -1;

  /** `core` reads bundles, and does nothing else of its own. */
  constructor(
    private readonly core: Core,
    private readonly seriesMax = SERIES_MAX,
  ) {
    this.decoder = new RowDecoder(core.schema);
  }

  /** End of the latest minute that is counted, seconds since the epoch; 0 before the first. */
  get untilSeconds(): number {
    return (this.latest + 1) * MINUTE_SECONDS;
  }

  /** Takes a sealed minute. */
  add(bundle: Uint8Array): void {
    this.latest = latestOf(this.latest, readBundleHeader(bundle).minute);
    this.core.accumulate([bundle]);
    for (const row of this.decoder.decode(this.core.rows(encodeRowQuery(QUERY)), QUERY)) this.addRow(row);
  }

  /** Every metric that has series, with them, in the order of the schema. */
  *[Symbol.iterator](): Generator<{ metric: MetricSchema; series: Iterable<Series> }> {
    for (const metric of this.core.schema.metrics) {
      const family = this.families.get(metric.name);
      if (family !== undefined) yield { metric, series: family.values() };
    }
  }

  private addRow(row: Row): void {
    const isHistogram = row.count !== undefined;
    const isCounter = row.value !== undefined && row.min === undefined && row.max === undefined;
    if (!isHistogram && !isCounter) return;
    const series = this.seriesOf(row);
    if (series === undefined) {
      this.leftOut += 1;
      return;
    }
    series.value += (isHistogram ? row.sum : row.value) ?? 0;
    series.count += row.count ?? 0;
    series.buckets.zeros += row.zeros ?? 0;
    const { counts } = series.buckets;
    for (const { lower, count } of row.buckets ?? []) counts.set(indexOf(lower), (counts.get(indexOf(lower)) ?? 0) + count);
  }

  private seriesOf({ metric, labels }: Row): Series | undefined {
    const family = this.families.get(metric) ?? new Map<string, Series>();
    const key = JSON.stringify(labels);
    const known = family.get(key);
    if (known !== undefined) return known;
    if (this.size >= this.seriesMax) return undefined;
    this.size += 1;
    const series: Series = { labels, value: 0, count: 0, buckets: { zeros: 0, counts: new Map() } };
    this.families.set(metric, family.set(key, series));
    return series;
  }
}
