import { LOOKBACK_SECONDS, MINUTE_SECONDS } from "../limits";
import type { Tenant } from "./tenant";

/** When an expression is evaluated: `count` times, each `step` seconds after the one before. */
export interface Steps {
  start: number;
  step: number;
  count: number;
}

/** The time of one step, seconds since the epoch, to the millisecond. */
export function timeOf({ start, step }: Steps, index: number): number {
  return Math.round((start + index * step) * 1000) / 1000;
}

/** From and to, seconds since the epoch; `to` is not included. */
export interface Span {
  from: number;
  to: number;
}

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** A month that is not in reach of this must be counted by days. */
const MONTH_SECONDS_MAX = 32 * DAY_SECONDS;

/**
 * What the hub has samples of: a series is known at the ends of whole minutes, and of whole hours or days where minutes are not
 * kept any more. A minute counts from when every edge was due to have posted it, so that no figure rises while it is looked at.
 */
export interface Clock {
  /** Seconds from one sample to the next. */
  unitSeconds: number;
  /** The end of the last minute, hour or day that was due. */
  due: number;
}

/** The end of the last minute that every edge was due to have posted. */
export function dueMinute({ nowSeconds, dueSeconds }: Pick<Tenant, "nowSeconds" | "dueSeconds">): number {
  return floorTo(nowSeconds - dueSeconds, MINUTE_SECONDS);
}

/** The clock for data from `oldest` on. */
export function clockFrom(oldest: number, tenant: Pick<Tenant, "nowSeconds" | "dueSeconds" | "retention">): Clock {
  const { nowSeconds, retention } = tenant;
  let unitSeconds = DAY_SECONDS;
  if (oldest >= floorTo(nowSeconds - retention[0]!, HOUR_SECONDS)) unitSeconds = MINUTE_SECONDS;
  else if (oldest >= floorTo(nowSeconds - retention[1]!, DAY_SECONDS)) unitSeconds = HOUR_SECONDS;
  return { unitSeconds, due: floorTo(dueMinute(tenant), unitSeconds) };
}

/** When the last sample at or before `time` was taken; null where there is none that is young enough. */
export function sampleBefore({ unitSeconds, due }: Clock, time: number): number | null {
  if (time - due > LOOKBACK_SECONDS + unitSeconds - MINUTE_SECONDS) return null;
  return Math.min(floorTo(time, unitSeconds), due);
}

/**
 * The whole minutes, hours or days that ended within `rangeSeconds` before `time`, one at the least; where `time` is younger than
 * what was due, as many before that.
 */
export function spanBefore(clock: Clock, time: number, rangeSeconds: number): Span | null {
  const to = sampleBefore(clock, time);
  if (to === null) return null;
  const { unitSeconds } = clock;
  const until = to === floorTo(time, unitSeconds) ? time : to;
  return { from: Math.min(floorTo(until - rangeSeconds, unitSeconds), to - unitSeconds), to };
}

/** The start of the UTC month that the minute before `end` lies in: where counters count from. Of its day, where months are not kept. */
export function originOf(end: number, retention: readonly number[]): number {
  const last = end - MINUTE_SECONDS;
  if (retention[2]! < MONTH_SECONDS_MAX) return floorTo(last, DAY_SECONDS);
  const date = new Date(last * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
}

/** A grid of time buckets, and how many there are. */
export interface Grid extends Span {
  bucketSeconds: number;
  buckets: number;
}

/** The coarsest grid in which every one of these times is an edge; null where there are less than two of them. */
export function gridOf(times: Iterable<number>): Grid | null {
  const edges = new Set(times);
  if (edges.size < 2) return null;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const edge of edges) {
    from = Math.min(from, edge);
    to = Math.max(to, edge);
  }
  let bucketSeconds = to - from;
  for (const edge of edges) bucketSeconds = greatestCommonDivisor(edge - from, bucketSeconds);
  return { from, to, bucketSeconds, buckets: (to - from) / bucketSeconds };
}

function greatestCommonDivisor(a: number, b: number): number {
  return a === 0 ? b : greatestCommonDivisor(b % a, a);
}

/** The greatest multiple of `unit` that is not above. */
export function floorTo(seconds: number, unit: number): number {
  return Math.floor(seconds / unit) * unit;
}
