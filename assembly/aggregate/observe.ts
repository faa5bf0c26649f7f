/**
 * From an event to a sketch: what parsers and the flow table call, on the minute in use.
 *
 * `series` is the index that `declareMetric` gave plus the mixed radix of the label values. States are made at the first
 * observation; where the sketch pool has no room the observation is lost and counted as `Minute.refused`.
 */
import { elementHash } from "../bytes/hash";
import { breakdownAdd, breakdownAddKey } from "../sketches/breakdown";
import { distinctAdd } from "../sketches/distinct";
import { histogramAdd } from "../sketches/histogram";
import { KEY_BYTES_MAX } from "../sketches/key-table";
import { rateAdd, rateSecond } from "../sketches/rate";
import { thetaAdd } from "../sketches/theta";
import { gaugeAdd } from "./gauge";
import { stateCreate } from "./kind";
import { Kind } from "./metric";
import { Minute } from "./minute";
import { Series } from "./series";

/** Adds `n` to a counter. */
export function countAdd(series: u32, n: u64): void {
  const entry = Minute.entries + ((<usize>series) << 4);
  assert(changetype<Series>(entry).kind == Kind.COUNTER);
  store<u64>(entry, load<u64>(entry, 8) + n, 8);
}

/** State of a series of kind `kind`, made where it is missing; 0 when there is no room. */
function stateOf(series: u32, kind: u32): usize {
  const entry = Minute.entries + ((<usize>series) << 4);
  assert(changetype<Series>(entry).kind == kind);
  const state = <usize>load<u32>(entry, 8);
  return state != 0 ? state : makeState(entry, kind);
}

function makeState(entry: usize, kind: u32): usize {
  const state = stateCreate(kind, changetype<Series>(entry).parameter);
  if (state == 0) Minute.refused += 1;
  store<u64>(entry, <u64>state, 8);
  return state;
}

/** Notes that a gauge stands at `value`, in the metric's base unit. */
export function gaugeSet(series: u32, value: u64): void {
  const state = stateOf(series, Kind.GAUGE);
  if (state != 0) gaugeAdd(state, value, Minute.timeNs, Minute.bootId);
}

/** Adds `n` to a rate in the second in use. */
export function rateObserve(series: u32, n: u64): void {
  const state = stateOf(series, Kind.RATE);
  if (state != 0 && !rateAdd(state, n, Minute.number * 60 + Minute.second)) Minute.refused += 1;
}

/** Address of a rate's total of the second in use, a u64, which holds until `Minute.turns` goes up; 0 when there is no room. */
export function ratePlace(series: u32): usize {
  const state = stateOf(series, Kind.RATE);
  return state != 0 ? rateSecond(state, Minute.number * 60 + Minute.second) : 0;
}

/** Adds `value` (ns, bytes, millionths) `count` times to a histogram. */
export function histogramObserve(series: u32, value: u64, count: u64): void {
  const state = stateOf(series, Kind.HISTOGRAM);
  if (state != 0 && !histogramAdd(state, value, count)) Minute.refused += 1;
}

/** Adds the element with this hash to a distinct. */
export function distinctObserve(series: u32, element: u64): void {
  const state = stateOf(series, Kind.DISTINCT);
  if (state != 0 && !distinctAdd(state, element)) Minute.refused += 1;
}

/** Adds the element with this hash of 63 bits to a set. */
export function thetaObserve(series: u32, hash: u64): void {
  const state = stateOf(series, Kind.THETA);
  if (state != 0 && !thetaAdd(state, hash)) Minute.refused += 1;
}

/**
 * Adds requests and what they cost to the label set whose key of `length` bytes, at most 255, lies at `start`: length-prefixed
 * values, one a column. `hash` is its elementHash; `durationNs` is NO_DURATION where there was no response.
 */
export function breakdownObserve(
  series: u32,
  hash: u64,
  start: usize,
  length: u32,
  requests: u64,
  errors: u64,
  bytes: u64,
  durationNs: u64,
): void {
  assert(length <= KEY_BYTES_MAX && hash == elementHash(start, length));
  const state = stateOf(series, Kind.BREAKDOWN);
  if (state != 0 && !breakdownAdd(state, hash, start, length, requests, errors, bytes, durationNs)) Minute.refused += 1;
}

/** Adds one request to such a label set, of which only the key is known. */
export function breakdownObserveKey(series: u32, start: usize, length: u32, errors: u64, bytes: u64, durationNs: u64): void {
  assert(length <= KEY_BYTES_MAX);
  const state = stateOf(series, Kind.BREAKDOWN);
  if (state != 0 && !breakdownAddKey(state, start, length, 1, errors, bytes, durationNs)) Minute.refused += 1;
}
