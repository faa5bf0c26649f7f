/**
 * The encoded form of a histogram. Canonical: zero runs are left out, runs are as long as they can be, and what follows from
 * the rest is not written.
 *
 * ```
 * count                       0 ends it
 * min
 * max - min                   where count is above 1; that ends it where count is 2
 * sumLow, sumHigh             base units; the sum is sumHigh * 2^64 + sumLow
 * runs                        of non-empty buckets
 * runs x gap                  the number of empty buckets before each
 * runs x (length - 1)
 * counts                      of all buckets of all runs
 * ```
 * All are LEB128. The first run begins with the bucket of min, and its gap is not written; where min is 0 it counts from the
 * lowest bucket of the unit (that of one base unit). Of the other gaps one is taken off. Values of 0 are the count less all
 * buckets. Numbers of a kind stand side by side for the deflate that follows.
 */
import { Cursor } from "../bytes/cursor";
import { Writer } from "../bytes/writer";
import { bucketOf } from "./bucket";
import { GAPS, LENGTHS, nextNumber, openColumn, rewindColumn } from "./columns";
import { addOctave, HISTOGRAM_COUNT_MAX, Histogram, histogramOctave, makeRoom, multiplyHigh } from "./histogram";
import { SketchPool } from "./sketch-pool";

/** Bytes of an octave's counts in the scratch. */
const OCTAVE_BYTES: usize = 256;

/** What the encoding under the cursor says, once it is found valid, and where its runs begin. */
class Head {
  static count: u64 = 0;
  static min: u64 = 0;
  static max: u64 = 0;
  static sumLow: u64 = 0;
  static sumHigh: u64 = 0;
  /** Values of 0. */
  static zero: u64 = 0;
  /** Runs there are. */
  static runs: u32 = 0;
}

/** Writes the canonical form of `state`; that of an empty one for 0. */
export function histogramEncode(state: usize): void {
  if (state == 0) {
    Writer.varint(0);
    return;
  }
  store<u32>(SketchPool.states, <u32>state);
  histogramEncodeSum(1, changetype<Histogram>(state).unit);
}

/** Writes the canonical form of the sum of the histograms, all of `unit`, whose addresses are the first `length` of `SketchPool.states`. */
export function histogramEncodeSum(length: u32, unit: u32): void {
  let count: u64 = 0;
  let least = u64.MAX_VALUE;
  let most: u64 = 0;
  let sumLow: u64 = 0;
  let sumHigh: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const histogram = changetype<Histogram>(<usize>load<u32>(SketchPool.states + (i << 2)));
    count += histogram.count;
    least = min(least, histogram.min);
    most = max(most, histogram.max);
    sumLow += histogram.sumLow;
    sumHigh += histogram.sumHigh + u64(sumLow < histogram.sumLow);
  }
  Writer.varint(count);
  if (count == 0) return;
  Writer.varint(least);
  if (count == 1) return;
  Writer.varint(most - least);
  if (count == 2) return;
  Writer.varint(sumLow);
  Writer.varint(sumHigh);
  if (most == 0) {
    Writer.varint(0);
    return;
  }
  const lowest = bucketOf(1, unit);
  const first = lowest >> 5;
  const last = bucketOf(most, unit) >> 5;
  sumOctaves(length, first, last);
  const start = SketchPool.scratch + ((<usize>(lowest & 31)) << 3);
  encodeRuns(start, SketchPool.scratch + <usize>(last - first + 1) * OCTAVE_BYTES, least == 0);
}

/** Adds up octaves `first` to `last` of the first `length` states, as u64 counts in the scratch. */
function sumOctaves(length: u32, first: i32, last: i32): void {
  memory.fill(SketchPool.scratch, 0, <usize>(last - first + 1) * OCTAVE_BYTES);
  for (let i: u32 = 0; i < length; i++) {
    const histogram = changetype<Histogram>(<usize>load<u32>(SketchPool.states + (i << 2)));
    const base = <i32>histogram.base;
    for (let entry = 0; entry < <i32>histogram.span; entry++) {
      const octave = <usize>load<u32>(<usize>histogram.directory + (entry << 2));
      // An octave that was opened for a value that was then refused may lie beyond the largest value; it is empty.
      if (octave == 0 || base + entry > last) continue;
      addOctave(SketchPool.scratch + <usize>(base + entry - first) * OCTAVE_BYTES, true, octave, histogram.wide);
    }
  }
}

/** First of the counts from `at` on that is 0 or is not, as `empty` says; `end` when there is none. */
function seek(at: usize, end: usize, empty: bool): usize {
  while (at < end && (load<u64>(at) == 0) != empty) at += 8;
  return at;
}

/** Writes the runs of the counts from `start` to `end` in the scratch, of the first gap only where `firstGap` is set. */
function encodeRuns(start: usize, end: usize, firstGap: bool): void {
  let runs: u32 = 0;
  for (let at = seek(start, end, false); at < end; at = seek(seek(at, end, true), end, false)) runs++;
  Writer.varint(runs);
  let before = start;
  for (let run: u32 = 0; run < runs; run++) {
    const at = seek(before, end, false);
    if (run != 0 || firstGap) Writer.varint((<u64>(at - before) >> 3) - u64(run != 0));
    before = seek(at, end, true);
  }
  before = start;
  for (let run: u32 = 0; run < runs; run++) {
    const at = seek(before, end, false);
    before = seek(at, end, true);
    Writer.varint((<u64>(before - at) >> 3) - 1);
  }
  for (let at = seek(start, end, false); at < end; at = seek(at + 8, end, false)) Writer.varint(load<u64>(at));
}

/** Validates one encoded histogram of `unit` and steps over it; false when it is not valid. */
export function histogramSkip(unit: u32): bool {
  return readHead() && checkRuns(unit);
}

/** Number of values of the encoding that was read last. */
export function histogramReadCount(): u64 {
  return Head.count;
}

/** Merges one encoded histogram of `unit` that `histogramSkip` found valid into `into`; false, and `into` unchanged, when there is no room. */
export function histogramDecode(into: usize, unit: u32): bool {
  const histogram = changetype<Histogram>(into);
  assert(<u32>histogram.unit == unit && histogram.seconds == 0);
  if (!readHead() || !makeRoom(histogram, Head.count)) return false;
  if (Head.count == 0) return true;
  if (Head.count <= 2) {
    if (!openFew(histogram)) return false;
    applyFew(histogram);
  } else {
    if (!openRuns(histogram)) return false;
    applyRuns(histogram);
  }
  histogram.count += Head.count;
  histogram.zero += Head.zero;
  histogram.min = min(histogram.min, Head.min);
  histogram.max = max(histogram.max, Head.max);
  histogram.addToSum(Head.sumLow, Head.sumHigh);
  return true;
}

/** Reads all before the runs, and checks that the sum lies between count * min and count * max. */
function readHead(): bool {
  Head.count = Cursor.varint();
  if (Head.count == 0) return !Cursor.fault;
  if (Head.count > HISTOGRAM_COUNT_MAX) return false;
  Head.min = Cursor.varint();
  Head.max = Head.min + (Head.count == 1 ? 0 : Cursor.varint());
  if (Cursor.fault || Head.max < Head.min) return false;
  if (Head.count <= 2) {
    Head.sumLow = Head.count == 1 ? Head.min : Head.min + Head.max;
    Head.sumHigh = u64(Head.sumLow < Head.min);
    return true;
  }
  Head.sumLow = Cursor.varint();
  Head.sumHigh = Cursor.varint();
  if (Cursor.fault) return false;
  const leastHigh = multiplyHigh(Head.min, Head.count);
  const mostHigh = multiplyHigh(Head.max, Head.count);
  if (Head.sumHigh < leastHigh || (Head.sumHigh == leastHigh && Head.sumLow < Head.min * Head.count)) return false;
  return Head.sumHigh < mostHigh || (Head.sumHigh == mostHigh && Head.sumLow <= Head.max * Head.count);
}

/** Checks the runs and their counts against the head. */
function checkRuns(unit: u32): bool {
  if (Head.count <= 2) return true;
  const lowest = bucketOf(1, unit);
  const last = Head.max == 0 ? lowest - 1 : bucketOf(Head.max, unit);
  if (!readRuns(<u32>(last + 1 - lowest))) return false;
  const hasZero = Head.min == 0;
  let rest = Head.count;
  let index = hasZero ? lowest : bucketOf(Head.min, unit);
  for (let run: u32 = 0; run < Head.runs; run++) {
    const gap = run != 0 || hasZero ? nextNumber(GAPS) + u64(run != 0) : 0;
    if (gap > <u64>(last - index)) return false;
    index += <i32>gap;
    const length = nextNumber(LENGTHS) + 1;
    if (length == 0 || length > <u64>(last + 1 - index)) return false;
    for (const end = index + <i32>length; index < end; index++) {
      const count = Cursor.varint();
      if (count == 0 || count > rest) return false;
      rest -= count;
    }
  }
  if (Cursor.fault || index != last + 1) return false;
  return (rest != 0) == hasZero;
}

/** Reads how many runs there are and steps over all but their counts. */
function readRuns(most: u32): bool {
  Head.runs = Cursor.count(most);
  const gaps = Head.min == 0 || Head.runs == 0 ? Head.runs : Head.runs - 1;
  return openColumn(GAPS, gaps) && openColumn(LENGTHS, Head.runs);
}

/** Opens the octaves of one or two values in `histogram`; false without memory. */
function openFew(histogram: Histogram): bool {
  const unit = histogram.unit;
  if (Head.min != 0 && histogramOctave(histogram, bucketOf(Head.min, unit) >> 5) == 0) return false;
  return Head.max == 0 || histogramOctave(histogram, bucketOf(Head.max, unit) >> 5) != 0;
}

/** Counts one or two values, whose octaves `openFew` opened. */
function applyFew(histogram: Histogram): void {
  Head.zero = u64(Head.min == 0) + u64(Head.max == 0 && Head.count == 2);
  applyOne(histogram, Head.min);
  if (Head.count == 2) applyOne(histogram, Head.max);
}

function applyOne(histogram: Histogram, value: u64): void {
  if (value == 0) return;
  const index = bucketOf(value, histogram.unit);
  histogram.addToBucket(histogramOctave(histogram, index >> 5), index & 31, 1);
}

/** Opens the octaves of all runs in `histogram`, as every bucket of a run has a count; false without memory. */
function openRuns(histogram: Histogram): bool {
  const hasZero = Head.min == 0;
  const last = bucketOf(max<u64>(Head.max, 1), histogram.unit);
  let index = bucketOf(hasZero ? 1 : Head.min, histogram.unit);
  if (!readRuns(<u32>(last + 1 - index))) return false;
  let opened = i32.MIN_VALUE;
  for (let run: u32 = 0; run < Head.runs; run++) {
    if (run != 0 || hasZero) index += <i32>nextNumber(GAPS) + i32(run != 0);
    const end = index + <i32>nextNumber(LENGTHS) + 1;
    if (index > last || end > last + 1) return false;
    for (let octave = max(index >> 5, opened + 1); octave <= (end - 1) >> 5; octave++) {
      if (histogramOctave(histogram, octave) == 0) return false;
      opened = octave;
    }
    index = end;
  }
  return true;
}

/** Adds the runs, whose octaves `openRuns` opened. */
function applyRuns(histogram: Histogram): void {
  const hasZero = Head.min == 0;
  rewindColumn(GAPS);
  rewindColumn(LENGTHS);
  let index = bucketOf(hasZero ? 1 : Head.min, histogram.unit);
  let rest = Head.count;
  let at = Cursor.at;
  for (let run: u32 = 0; run < Head.runs; run++) {
    if (run != 0 || hasZero) index += <i32>nextNumber(GAPS) + i32(run != 0);
    const end = index + <i32>nextNumber(LENGTHS) + 1;
    let octave: usize = 0;
    for (; index < end; index++) {
      if (octave == 0 || (index & 31) == 0) octave = histogramOctave(histogram, index >> 5);
      let count = <u64>load<u8>(at++);
      if (count >= 0x80) {
        Cursor.at = at - 1;
        count = Cursor.varint();
        at = Cursor.at;
      }
      rest -= count;
      histogram.addToBucket(octave, index & 31, count);
    }
  }
  Cursor.at = at;
  Head.zero = rest;
}
