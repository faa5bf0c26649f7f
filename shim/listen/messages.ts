/**
 * Families as messages of io.prometheus.client, each behind its length: the format in which a Prometheus takes native histograms.
 *
 * Numbers of fields are those of metrics.proto in prometheus/client_model. A bucket of a native histogram of schema 5 ends at a power
 * of 2^(1/32), as one of the core's does, so all of them are told as they are.
 */
import { boundsOf, countsBelow } from "../../engine/prometheus/bounds";
import { type Family, toldUnit } from "./families";
import { ProtobufWriter } from "./protobuf";
import type { Series } from "./totals";

const FAMILY = { name: 1, help: 2, type: 3, metric: 4, unit: 5 };
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 };
const LABEL = { name: 1, value: 2 };
/** Of a counter and of a gauge. */
const VALUE = 1;
const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
};
const BUCKET = { cumulativeCount: 1, upperBound: 2 };
const SPAN = { offset: 1, length: 2 };
const TYPES: Readonly<Record<string, number>> = { counter: 0, gauge: 1, histogram: 4 };

const SCHEMA = 5;
/** As clients of Prometheus have it; a histogram without a threshold, zeros and buckets would be no native one. */
const ZERO_THRESHOLD = 2 ** -128;

/** All of them. */
export function encodeFamilies(families: Iterable<Family>): Uint8Array {
  const to = new ProtobufWriter();
  for (const { metric, series } of families) {
    to.delimited(() => {
      to.text(FAMILY.name, metric.name);
      to.text(FAMILY.help, metric.help);
      to.whole(FAMILY.type, TYPES[metric.kind]!);
      for (const one of series) to.nested(FAMILY.metric, () => writeSeries(to, metric, one));
      const unit = toldUnit(metric);
      if (unit !== undefined) to.text(FAMILY.unit, unit);
    });
  }
  return to.written;
}

function writeSeries(to: ProtobufWriter, { kind, unit }: Family["metric"], series: Series): void {
  for (const [name, value] of Object.entries(series.labels)) {
    to.nested(METRIC.label, () => {
      to.text(LABEL.name, name);
      to.text(LABEL.value, value);
    });
  }
  if (kind === "histogram") to.nested(METRIC.histogram, () => writeHistogram(to, unit, series));
  else to.nested(kind === "counter" ? METRIC.counter : METRIC.gauge, () => to.double(VALUE, series.value));
}

function writeHistogram(to: ProtobufWriter, unit: string, { value, count, buckets }: Series): void {
  to.whole(HISTOGRAM.count, count);
  to.double(HISTOGRAM.sum, value);
  const bounds = boundsOf(unit);
  const below = countsBelow(buckets, bounds);
  for (const [place, { le }] of bounds.entries()) {
    to.nested(HISTOGRAM.bucket, () => {
      to.whole(BUCKET.cumulativeCount, below[place]!);
      to.double(BUCKET.upperBound, le);
    });
  }
  to.signed(HISTOGRAM.schema, SCHEMA);
  to.double(HISTOGRAM.zeroThreshold, ZERO_THRESHOLD);
  to.whole(HISTOGRAM.zeroCount, buckets.zeros);
  writeBuckets(to, buckets.counts);
}

/** Runs of buckets without a gap, and their counts as differences from the one before. */
function writeBuckets(to: ProtobufWriter, counts: ReadonlyMap<number, number>): void {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  // A bucket is named by its upper bound there, and by its lower one here.
  const indices = sorted.map(([index]) => index + 1);
  let end = 0;
  for (let at = 0; at < indices.length; ) {
    const first = indices[at]!;
    let length = 1;
    while (indices[at + length] === first + length) length += 1;
    const offset = first - end;
    to.nested(HISTOGRAM.positiveSpan, () => {
      to.signed(SPAN.offset, offset);
      to.whole(SPAN.length, length);
    });
    end = first + length;
    at += length;
  }
  if (sorted.length > 0) {
    const deltas = sorted.map(([, count], place) => count - (sorted[place - 1]?.[1] ?? 0));
    to.signedRun(HISTOGRAM.positiveDelta, deltas);
  }
}
