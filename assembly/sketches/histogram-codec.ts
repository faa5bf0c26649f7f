/**
 * The encoded form of a histogram. Canonical: zero runs are left out, runs are as long as they can be, and what follows from
 * the rest is not written.
 *
 * ```
 * count                                   0 ends it
 * min, max - min, sumLow, sumHigh         base units; the sum is sumHigh * 2^64 + sumLow
 * runs                                    of non-empty buckets
 * runs x { gap, length - 1, length x count }
 * ```
 * All are LEB128. A run's gap is the number of empty buckets before it: for the first, from the lowest bucket of the unit (that
 * of one base unit), for the others one is taken off. Values of 0 are the count less all buckets.
 */
import { Cursor } from "../bytes/cursor";
import { Writer } from "../bytes/writer";
import { bucketOf } from "./bucket";
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
  static runs: usize = 0;
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
  Writer.varint(most - least);
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
  encodeRuns(<u32>(lowest & 31), (<u32>(last - first + 1)) << 5);
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

/** Writes the runs of the counts in the scratch, of which those below `lowest` cannot be. */
function encodeRuns(lowest: u32, length: u32): void {
  const end = SketchPool.scratch + (length << 3);
  const start = SketchPool.scratch + (lowest << 3);
  let runs: u32 = 0;
  let inside = false;
  for (let at = start; at < end; at += 8) {
    const filled = load<u64>(at) != 0;
    runs += u32(filled && !inside);
    inside = filled;
  }
  Writer.varint(runs);
  let at = start;
  for (let run: u32 = 0; run < runs; run++) {
    const before = at;
    while (load<u64>(at) == 0) at += 8;
    Writer.varint((<u64>(at - before) >> 3) - u64(run != 0));
    let stop = at;
    while (stop < end && load<u64>(stop) != 0) stop += 8;
    Writer.varint((<u64>(stop - at) >> 3) - 1);
    while (at < stop) {
      Writer.varint(load<u64>(at));
      at += 8;
    }
  }
}

/** Validates one encoded histogram of `unit` and steps over it; false when it is not valid. */
export function histogramSkip(unit: u32): bool {
  return readHead() && readRuns(unit, 0);
}

/** Number of values of the encoding that was read last. */
export function histogramReadCount(): u64 {
  return Head.count;
}

/** Merges one encoded histogram of `unit` into `into`; false, and `into` unchanged, when it is not valid or there is no room. */
export function histogramDecode(into: usize, unit: u32): bool {
  const histogram = changetype<Histogram>(into);
  assert(<u32>histogram.unit == unit && histogram.seconds == 0);
  if (!readHead() || !makeRoom(histogram, Head.count) || !readRuns(unit, into)) return false;
  if (Head.count == 0) return true;
  const end = Cursor.at;
  Cursor.at = Head.runs;
  applyRuns(histogram);
  assert(Cursor.at == end);
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
  const width = Cursor.varint();
  Head.max = Head.min + width;
  Head.sumLow = Cursor.varint();
  Head.sumHigh = Cursor.varint();
  Head.runs = Cursor.at;
  if (Cursor.fault || Head.max < Head.min) return false;
  const leastHigh = multiplyHigh(Head.min, Head.count);
  const mostHigh = multiplyHigh(Head.max, Head.count);
  if (Head.sumHigh < leastHigh || (Head.sumHigh == leastHigh && Head.sumLow < Head.min * Head.count)) return false;
  return Head.sumHigh < mostHigh || (Head.sumHigh == mostHigh && Head.sumLow <= Head.max * Head.count);
}

/** Checks the runs against the head; opens their octaves in `into` unless it is 0. */
function readRuns(unit: u32, into: usize): bool {
  if (Head.count == 0) return true;
  const lowest = bucketOf(1, unit);
  const last = Head.max == 0 ? lowest - 1 : bucketOf(Head.max, unit);
  const runs = Cursor.count(<u32>(last + 1 - lowest));
  let rest = Head.count;
  let index = lowest;
  let first = lowest;
  let opened = i32.MIN_VALUE;
  for (let run: u32 = 0; run < runs; run++) {
    const gap = Cursor.count(<u32>(last + 1 - index)) + u32(run != 0);
    index += <i32>gap;
    const length = Cursor.count(<u32>max(last - index, 0)) + 1;
    if (Cursor.fault || index + <i32>length > last + 1) return false;
    if (run == 0) first = index;
    for (const end = index + <i32>length; index < end; index++) {
      const count = Cursor.varint();
      if (count == 0 || count > rest) return false;
      rest -= count;
      if (into == 0 || index >> 5 == opened) continue;
      opened = index >> 5;
      if (histogramOctave(changetype<Histogram>(into), opened) == 0) return false;
    }
  }
  if (Cursor.fault || index != last + 1) return false;
  Head.zero = rest;
  if ((rest != 0) != (Head.min == 0)) return false;
  return rest != 0 || bucketOf(Head.min, unit) == first;
}

/** Adds runs that `readRuns` found valid and opened the octaves of, reading them without a check. */
function applyRuns(histogram: Histogram): void {
  const runs = <u32>Cursor.varint();
  let index = bucketOf(1, histogram.unit);
  for (let run: u32 = 0; run < runs; run++) {
    index += <i32>Cursor.varint() + i32(run != 0);
    const end = index + <i32>Cursor.varint() + 1;
    let at = Cursor.at;
    let octave: usize = 0;
    for (; index < end; index++) {
      if (octave == 0 || (index & 31) == 0) octave = histogramOctave(histogram, index >> 5);
      let count = <u64>load<u8>(at++);
      if (count >= 0x80) {
        count &= 0x7f;
        for (let shift: u64 = 7; ; shift += 7) {
          const byte = <u64>load<u8>(at++);
          count |= (byte & 0x7f) << shift;
          if (byte < 0x80) break;
        }
      }
      histogram.addToBucket(octave, index & 31, count);
    }
    Cursor.at = at;
  }
}
