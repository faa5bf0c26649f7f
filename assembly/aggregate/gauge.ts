/**
 * A gauge: the last value by time and then by source, the least and the greatest.
 *
 * ```
 * encoded: | value varint | least varint | greatest varint | time, ns, varint | source u64 |
 * ```
 * Value, least and greatest merge part by part; of two last values with one time the one with the greater source counts,
 * then the greater value, so that any order of merging gives the same bytes. What threads of one edge have is added up: each holds a
 * part of what stands there.
 */
import { Cursor } from "../bytes/cursor";
import { saturatingAdd } from "../bytes/saturating";
import { Writer } from "../bytes/writer";
import { SketchPool } from "../sketches/sketch-pool";

@unmanaged
export class Gauge {
  value: u64;
  least: u64;
  greatest: u64;
  timeNs: u64;
  /** Boot id of the edge that set it. */
  source: u64;
}

/** Gives an empty gauge, or 0 when the pool is used up. */
export function gaugeCreate(): usize {
  const state = SketchPool.pool.allocate(offsetof<Gauge>());
  if (state == 0) return 0;
  memory.fill(state, 0, offsetof<Gauge>());
  changetype<Gauge>(state).least = u64.MAX_VALUE;
  return state;
}

/** Gives the memory of a gauge back. */
export function gaugeRelease(state: usize): void {
  SketchPool.pool.release(state);
}

/** Notes that the gauge stood at `value` at `timeNs` at the edge with boot id `source`. */
export function gaugeAdd(state: usize, value: u64, timeNs: u64, source: u64): void {
  take(changetype<Gauge>(state), value, value, value, timeNs, source);
}

/** Adds the gauge `from` to `into`. */
export function gaugeMerge(into: usize, from: usize): bool {
  const other = changetype<Gauge>(from);
  take(changetype<Gauge>(into), other.value, other.least, other.greatest, other.timeNs, other.source);
  return true;
}

/** Writes the gauge. */
export function gaugeEncode(state: usize): void {
  const gauge = changetype<Gauge>(state);
  Writer.varint(gauge.value);
  Writer.varint(gauge.least);
  Writer.varint(gauge.greatest);
  Writer.varint(gauge.timeNs);
  Writer.u64(gauge.source);
}

/** Reads an encoded gauge that was found valid, of one thread, and adds its values to those of other threads in `into`. */
export function gaugeDecodeThread(into: usize): void {
  const gauge = changetype<Gauge>(into);
  const isFirst = gauge.least > gauge.greatest;
  gauge.value = saturatingAdd(gauge.value, Cursor.varint());
  gauge.least = saturatingAdd(isFirst ? 0 : gauge.least, Cursor.varint());
  gauge.greatest = saturatingAdd(gauge.greatest, Cursor.varint());
  gauge.timeNs = max(gauge.timeNs, Cursor.varint());
  gauge.source = max(gauge.source, Cursor.u64());
}

/** Reads an encoded gauge and adds it to `into`, which may be 0 to only check it; false at any fault. */
export function gaugeDecode(into: usize): bool {
  const value = Cursor.varint();
  const least = Cursor.varint();
  const greatest = Cursor.varint();
  const timeNs = Cursor.varint();
  const source = Cursor.u64();
  if (Cursor.fault || least > value || value > greatest) return false;
  if (into != 0) take(changetype<Gauge>(into), value, least, greatest, timeNs, source);
  return true;
}

function take(gauge: Gauge, value: u64, least: u64, greatest: u64, timeNs: u64, source: u64): void {
  const empty = gauge.least > gauge.greatest;
  if (least < gauge.least) gauge.least = least;
  if (greatest > gauge.greatest) gauge.greatest = greatest;
  if (!empty) {
    if (timeNs < gauge.timeNs) return;
    if (timeNs == gauge.timeNs && (source < gauge.source || (source == gauge.source && value < gauge.value))) return;
  }
  gauge.value = value;
  gauge.timeNs = timeNs;
  gauge.source = source;
}
