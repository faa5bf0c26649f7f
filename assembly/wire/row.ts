/**
 * Payloads of rows, by kind, little-endian.
 *
 * ```
 * counter:    | value u64 |
 * gauge:      | last u64 | least u64 | greatest u64 | time, ns, u64 |
 * rate:       | total u64 | seconds u64 | greatest f64 | quantile f64 ... |
 * histogram:  | count u64 | sum f64 | min f64 | max f64 | quantile f64 ... | zeros u64 | buckets u32 | index i32, count u64 ... |
 * distinct:   | estimate f64 | lower f64 | upper f64 |                and theta
 * top:        | total u64 | bound u64 | items u32 | lower u64, upper u64, key bytes u8, key ... |
 * breakdown:  | requests u64 | errors u64 | bytes u64 | bound u64 | items u32 | upper u64, key bytes u8, key, part ... | part of the rest |
 * part:       | requests u64 | errors u64 | bytes u64 | durations u64 | sum f64 | quantile f64 ... |
 * ```
 * Quantiles are those of the question, in its order; buckets are there when it asks for them, else there are 0.
 */
import { Gauge } from "../aggregate/gauge";
import { Kind } from "../aggregate/metric";
import { Writer } from "../bytes/writer";
import {
  Breakdown,
  breakdownBound,
  breakdownOther,
  breakdownSelect,
  breakdownUpper,
  Part,
  selectedPart,
} from "../sketches/breakdown";
import { distinctEstimate, distinctLower, distinctUpper } from "../sketches/distinct-estimate";
import {
  Histogram,
  histogramBucket,
  histogramCount,
  histogramCreate,
  histogramMax,
  histogramMerge,
  histogramMin,
  histogramQuantile,
  histogramRelease,
  histogramSum,
} from "../sketches/histogram";
import { selectedKey, selectedKeyLength, selectedLower } from "../sketches/select";
import { thetaEstimate, thetaLower, thetaUpper } from "../sketches/theta";
import { topBound, topSelect, topTotal, topUpper } from "../sketches/top";
import { Query } from "./query";

/** Writes a counter's payload. */
export function writeCounter(value: u64): void {
  Writer.u64(value);
}

/** Writes the payload of a state of `kind`, which is no counter. */
export function writeState(kind: u32, state: usize): void {
  switch (kind) {
    case Kind.GAUGE:
      writeGauge(changetype<Gauge>(state));
      break;
    case Kind.RATE:
      writeRate(state);
      break;
    case Kind.HISTOGRAM:
      writeHistogram(state);
      break;
    case Kind.DISTINCT:
      Writer.f64(distinctEstimate(state));
      Writer.f64(distinctLower(state));
      Writer.f64(distinctUpper(state));
      break;
    case Kind.TOP:
      writeTop(state);
      break;
    case Kind.BREAKDOWN:
      writeBreakdown(state);
      break;
    case Kind.THETA:
      Writer.f64(thetaEstimate(state));
      Writer.f64(thetaLower(state));
      Writer.f64(thetaUpper(state));
      break;
  }
}

function writeGauge(gauge: Gauge): void {
  Writer.u64(gauge.value);
  Writer.u64(gauge.least);
  Writer.u64(gauge.greatest);
  Writer.u64(gauge.timeNs);
}

function writeRate(state: usize): void {
  const histogram = changetype<Histogram>(state);
  Writer.u64(histogram.sumHigh != 0 ? u64.MAX_VALUE : histogram.sumLow);
  Writer.u64(histogramCount(state));
  Writer.f64(histogramMax(state));
  writeQuantiles(state);
}

function writeHistogram(state: usize): void {
  Writer.u64(histogramCount(state));
  Writer.f64(histogramSum(state));
  Writer.f64(histogramMin(state));
  Writer.f64(histogramMax(state));
  writeQuantiles(state);
  writeBuckets(changetype<Histogram>(state));
}

function writeQuantiles(state: usize): void {
  for (let i: u32 = 0; i < Query.quantiles; i++) Writer.f64(histogramQuantile(state, Query.quantile(i)));
}

function writeBuckets(histogram: Histogram): void {
  Writer.u64(histogram.zero);
  const countAt = Writer.at;
  Writer.u32(0);
  if (!Query.buckets || Writer.overflow) return;
  const first = (<i32>histogram.base) << 5;
  const last = first + ((<i32>histogram.span) << 5);
  let buckets: u32 = 0;
  for (let index = first; index < last; index++) {
    const count = histogramBucket(changetype<usize>(histogram), index);
    if (count == 0) continue;
    buckets += 1;
    Writer.u32(index);
    Writer.u64(count);
  }
  store<u32>(countAt, buckets);
}

function writeTop(state: usize): void {
  const count = topSelect(state, Query.items);
  Writer.u64(topTotal(state));
  Writer.u64(topBound(state));
  Writer.u32(count);
  for (let i: u32 = 0; i < count; i++) {
    Writer.u64(selectedLower(i));
    Writer.u64(topUpper(state, i));
    Writer.u8(selectedKeyLength(i));
    Writer.bytes(selectedKey(i), selectedKeyLength(i));
  }
}

function writeBreakdown(state: usize): void {
  const breakdown = changetype<Breakdown>(state);
  const count = breakdownSelect(state, Query.items);
  const rest = breakdownOther(state);
  Writer.u64(breakdown.requests);
  Writer.u64(breakdown.errors);
  Writer.u64(breakdown.bytes);
  Writer.u64(breakdownBound(state));
  Writer.u32(count);
  let errors = breakdown.errors;
  let bytes = breakdown.bytes;
  for (let i: u32 = 0; i < count; i++) {
    const part = changetype<Part>(selectedPart(i));
    part.selected = 1;
    errors -= part.errors;
    bytes -= part.bytes;
    Writer.u64(breakdownUpper(state, i, rest));
    Writer.u8(selectedKeyLength(i));
    Writer.bytes(selectedKey(i), selectedKeyLength(i));
    writePart(selectedLower(i), part.errors, part.bytes, part.histogram);
  }
  const durations = histogramCreate(breakdown.unit);
  gatherRest(breakdown, durations);
  writePart(rest, errors, bytes, durations);
  if (durations != 0) histogramRelease(durations);
}

/** Merges the durations of all that was not selected into `durations`, which may be 0, and unmarks what was. */
function gatherRest(breakdown: Breakdown, durations: usize): void {
  const other = changetype<Part>(breakdown.other);
  if (durations != 0 && other.histogram != 0) histogramMerge(durations, other.histogram);
  for (let i: u32 = 0; i < breakdown.count; i++) {
    const part = changetype<Part>(breakdown.cell(i).part);
    if (part.selected == 0 && part.histogram != 0 && durations != 0) histogramMerge(durations, part.histogram);
    part.selected = 0;
  }
}

function writePart(requests: u64, errors: u64, bytes: u64, durations: usize): void {
  Writer.u64(requests);
  Writer.u64(errors);
  Writer.u64(bytes);
  Writer.u64(durations == 0 ? 0 : histogramCount(durations));
  Writer.f64(durations == 0 ? 0 : histogramSum(durations));
  for (let i: u32 = 0; i < Query.quantiles; i++) {
    Writer.f64(durations == 0 ? 0 : histogramQuantile(durations, Query.quantile(i)));
  }
}
