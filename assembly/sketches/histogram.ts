/**
 * A histogram of integer counts over the exponential buckets of `bucket.ts`: every quantile within 1.083 %, the sum exact.
 *
 * ```
 * state, 64 bytes -> directory: one handle an octave, from octave `base` on, 0 where the octave is empty
 *                       -> octave: 32 counts of u32, or of u64 once the histogram holds 2^32 values
 * ```
 * Everything is an integer and merging adds, so any order of merging gives the same bytes. Octaves are allocated when their
 * first value comes. A state never holds more than COUNT_MAX values: what would pass it is refused.
 */

import { bucketMiddle, bucketOf, OCTAVE_BUCKETS, unitScale } from "./bucket";
import { SketchPool } from "./sketch-pool";

/** The most values that a histogram counts. */
export const HISTOGRAM_COUNT_MAX: u64 = 1 << 62;

const NARROW_COUNT_MAX: u64 = 0xffffffff;
const STATE_BYTES: u32 = 64;
const NARROW_BYTES: u32 = 128;
const WIDE_BYTES: u32 = 256;
/** Entries of the smallest directory; each larger one has twice as many. */
const DIRECTORY_ENTRIES_MIN: u32 = 8;

@unmanaged
export class Histogram {
  count: u64;
  /** Values of 0. */
  zero: u64;
  sumLow: u64;
  sumHigh: u64;
  /** Smallest value; the largest u64 while there is none. */
  min: u64;
  max: u64;
  directory: u32;
  /** The seconds of a rate's open minute; 0 otherwise. */
  seconds: u32;
  /** Octave of the directory's first entry. */
  base: i16;
  /** Entries of the directory. */
  span: u16;
  unit: u8;
  /** Whether octaves count in u64. */
  wide: bool;

  /** Counts of `octave`; 0 where there are none. */
  @inline octave(octave: i32): usize {
    const entry = <u32>(octave - this.base);
    return entry < <u32>this.span ? <usize>load<u32>(<usize>this.directory + (entry << 2)) : 0;
  }

  /** Adds `count` to bucket `bucket` of an octave. */
  @inline addToBucket(octave: usize, bucket: u32, count: u64): void {
    if (this.wide) {
      const at = octave + (bucket << 3);
      store<u64>(at, load<u64>(at) + count);
    } else {
      const at = octave + (bucket << 2);
      store<u32>(at, load<u32>(at) + <u32>count);
    }
  }

  /** Adds a 128-bit number to the sum. */
  @inline addToSum(low: u64, high: u64): void {
    const sum = this.sumLow + low;
    this.sumLow = sum;
    const carried = high + u64(sum < low);
    if (carried != 0) this.sumHigh += carried;
  }
}

/** Creates an empty histogram of `unit` (see `bucket.ts`); 0 when the pool is used up. */
export function histogramCreate(unit: u32): usize {
  const state = SketchPool.zeroed(STATE_BYTES);
  if (state == 0) return 0;
  const histogram = changetype<Histogram>(state);
  histogram.min = u64.MAX_VALUE;
  histogram.unit = <u8>unit;
  return state;
}

/** Gives everything that `state` holds back to the pool. */
export function histogramRelease(state: usize): void {
  const histogram = changetype<Histogram>(state);
  const pool = SketchPool.pool;
  for (let entry: u32 = 0; entry < <u32>histogram.span; entry++) {
    const block = load<u32>(<usize>histogram.directory + (entry << 2));
    if (block != 0) pool.release(block);
  }
  if (histogram.directory != 0) pool.release(histogram.directory);
  if (histogram.seconds != 0) pool.release(histogram.seconds);
  pool.release(state);
}

/** Counts `value` `count` times; false, and nothing changed, when the pool is used up. */
export function histogramAdd(state: usize, value: u64, count: u64): bool {
  const histogram = changetype<Histogram>(state);
  const total = histogram.count + count;
  if (total > NARROW_COUNT_MAX && !makeRoom(histogram, count)) return false;
  if (count == 0) return true;
  if (value != 0) {
    const index = bucketOf(value, histogram.unit);
    let octave = histogram.octave(index >> 5);
    if (octave == 0) {
      octave = openOctave(histogram, index >> 5);
      if (octave == 0) return false;
    }
    histogram.addToBucket(octave, index & 31, count);
  } else {
    histogram.zero += count;
  }
  histogram.count = total;
  if (value < histogram.min) histogram.min = value;
  if (value > histogram.max) histogram.max = value;
  histogram.addToSum(value * count, count == 1 ? 0 : multiplyHigh(value, count));
  return true;
}

/** Gives bits 64 to 127 of a product. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const low = (a & 0xffffffff) * (b & 0xffffffff);
  const middle = (a >> 32) * (b & 0xffffffff) + (low >> 32);
  const other = (a & 0xffffffff) * (b >> 32) + (middle & 0xffffffff);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

/** Readies a histogram for `count` more values; false when that passes the limit or the pool is used up. */
export function makeRoom(histogram: Histogram, count: u64): bool {
  if (count > HISTOGRAM_COUNT_MAX || histogram.count + count > HISTOGRAM_COUNT_MAX) return false;
  if (histogram.count + count <= NARROW_COUNT_MAX || histogram.wide) return true;
  // Octaves are widened in the order of the directory; when the pool ends midway, those done are narrowed again.
  const directory = <usize>histogram.directory;
  for (let entry: u32 = 0; entry < <u32>histogram.span; entry++) {
    const narrow = <usize>load<u32>(directory + (entry << 2));
    if (narrow == 0) continue;
    const wide = SketchPool.block(WIDE_BYTES);
    if (wide == 0) {
      narrowAgain(directory, entry);
      return false;
    }
    for (let bucket: u32 = 0; bucket < OCTAVE_BUCKETS; bucket++) {
      store<u64>(wide + (bucket << 3), load<u32>(narrow + (bucket << 2)));
    }
    SketchPool.pool.release(narrow);
    store<u32>(directory + (entry << 2), <u32>wide);
  }
  histogram.wide = true;
  return true;
}

/** Narrows the first `entries` octaves in place: a narrow octave may live in a wide block, but is released as what it is. */
function narrowAgain(directory: usize, entries: u32): void {
  for (let entry: u32 = 0; entry < entries; entry++) {
    const octave = <usize>load<u32>(directory + (entry << 2));
    if (octave == 0) continue;
    for (let bucket: u32 = 0; bucket < OCTAVE_BUCKETS; bucket++) {
      store<u32>(octave + (bucket << 2), <u32>load<u64>(octave + (bucket << 3)));
    }
  }
}

/** Gives the counts of `octave`, opened empty where there were none; 0 when the pool is used up. */
export function histogramOctave(histogram: Histogram, octave: i32): usize {
  const block = histogram.octave(octave);
  return block != 0 ? block : openOctave(histogram, octave);
}

function openOctave(histogram: Histogram, octave: i32): usize {
  if (!reach(histogram, octave)) return 0;
  const block = SketchPool.zeroed(histogram.wide ? WIDE_BYTES : NARROW_BYTES);
  if (block == 0) return 0;
  store<u32>(<usize>histogram.directory + ((<usize>(octave - histogram.base)) << 2), <u32>block);
  return block;
}

/** Makes the directory reach to `octave`, with room on both sides; false when the pool is used up. */
function reach(histogram: Histogram, octave: i32): bool {
  const before = <usize>histogram.directory;
  const span = <i32>histogram.span;
  const base = <i32>histogram.base;
  if (octave >= base && octave < base + span) return true;
  let first = 0;
  while (first < span && load<u32>(before + (first << 2)) == 0) first++;
  let end = span;
  while (end > first && load<u32>(before + ((end - 1) << 2)) == 0) end--;
  const least = end > first ? min(base + first, octave) : octave;
  const most = end > first ? max(base + end - 1, octave) : octave;
  let entries = <i32>DIRECTORY_ENTRIES_MIN;
  while (entries < most - least + 1) entries <<= 1;
  const directory = SketchPool.zeroed((<u32>entries) << 2);
  if (directory == 0) return false;
  const start = least - ((entries - (most - least + 1)) >> 1);
  for (let entry = first; entry < end; entry++) {
    store<u32>(directory + ((base + entry - start) << 2), load<u32>(before + (entry << 2)));
  }
  if (before != 0) SketchPool.pool.release(before);
  histogram.directory = <u32>directory;
  histogram.base = <i16>start;
  histogram.span = <u16>entries;
  return true;
}

/** Adds `from` to `into`, both of one unit; false, and nothing changed, at the limit of counts or when the pool is used up. */
export function histogramMerge(into: usize, from: usize): bool {
  const target = changetype<Histogram>(into);
  const source = changetype<Histogram>(from);
  assert(target.unit == source.unit && target.seconds == 0 && source.seconds == 0);
  if (!makeRoom(target, source.count)) return false;
  for (let entry: u32 = 0; entry < <u32>source.span; entry++) {
    if (load<u32>(<usize>source.directory + (entry << 2)) == 0) continue;
    if (histogramOctave(target, <i32>source.base + entry) == 0) return false;
  }
  for (let entry: u32 = 0; entry < <u32>source.span; entry++) {
    const octave = <usize>load<u32>(<usize>source.directory + (entry << 2));
    if (octave == 0) continue;
    addOctave(histogramOctave(target, <i32>source.base + entry), target.wide, octave, source.wide);
  }
  target.zero += source.zero;
  target.count += source.count;
  target.min = min(target.min, source.min);
  target.max = max(target.max, source.max);
  target.addToSum(source.sumLow, source.sumHigh);
  return true;
}

/** Adds an octave's counts to another's; a wide source has a wide target. */
export function addOctave(target: usize, targetWide: bool, source: usize, sourceWide: bool): void {
  if (!targetWide) {
    for (let at: usize = 0; at < NARROW_BYTES; at += 16) {
      v128.store(target + at, v128.add<u32>(v128.load(target + at), v128.load(source + at)));
    }
  } else if (sourceWide) {
    for (let at: usize = 0; at < WIDE_BYTES; at += 16) {
      v128.store(target + at, v128.add<u64>(v128.load(target + at), v128.load(source + at)));
    }
  } else {
    for (let at: usize = 0; at < NARROW_BYTES; at += 8) {
      const counts = v128.load_ext<u32>(source + at);
      v128.store(target + (at << 1), v128.add<u64>(v128.load(target + (at << 1)), counts));
    }
  }
}

/** Gives one bucket's count. */
export function histogramBucket(state: usize, index: i32): u64 {
  const histogram = changetype<Histogram>(state);
  const octave = histogram.octave(index >> 5);
  if (octave == 0) return 0;
  return histogram.wide ? load<u64>(octave + ((index & 31) << 3)) : <u64>load<u32>(octave + ((index & 31) << 2));
}

/** Number of values. */
export function histogramCount(state: usize): u64 {
  return changetype<Histogram>(state).count;
}

/** Sum of the values, in the unit of export. */
export function histogramSum(state: usize): f64 {
  const histogram = changetype<Histogram>(state);
  return (<f64>histogram.sumHigh * (4294967296.0 * 4294967296.0) + <f64>histogram.sumLow) / unitScale(histogram.unit);
}

/** Smallest value, in the unit of export; 0 when there is none. */
export function histogramMin(state: usize): f64 {
  const histogram = changetype<Histogram>(state);
  return histogram.count == 0 ? 0 : <f64>histogram.min / unitScale(histogram.unit);
}

/** Largest value, in the unit of export; 0 when there is none. */
export function histogramMax(state: usize): f64 {
  const histogram = changetype<Histogram>(state);
  return <f64>histogram.max / unitScale(histogram.unit);
}

/** Gives the value of rank ceil(`q` * count), in the unit of export: within 1.083 %, the first and the last one exact. */
export function histogramQuantile(state: usize, q: f64): f64 {
  const histogram = changetype<Histogram>(state);
  if (histogram.count == 0) return 0;
  const rank = q > 0 ? (q < 1 ? <u64>Math.ceil(q * <f64>histogram.count) : histogram.count) : 1;
  if (rank <= 1) return histogramMin(state);
  if (rank >= histogram.count) return histogramMax(state);
  let before = histogram.zero;
  if (before >= rank) return 0;
  const first = (<i32>histogram.base) << 5;
  const last = first + ((<i32>histogram.span) << 5);
  for (let index = first; index < last; index++) {
    before += histogramBucket(state, index);
    if (before >= rank) return max(histogramMin(state), min(histogramMax(state), bucketMiddle(index)));
  }
  return histogramMax(state);
}
