/**
 * Requests, errors, bytes and durations by label set, for the busiest label sets; all others add up in `other`.
 *
 * It is a key table (`key-table.ts`) of requests whose cells have a part. What the table drops is added to `other` in full, so
 * totals are exact; a label set that came and went may have left requests there, at most as many as its error says, and a set
 * that is not shown has left at most the bound.
 *
 * A key is a run of length-prefixed label values.
 */
import { elementHash } from "../bytes/hash";
import { histogramAdd, histogramCreate, histogramMerge, histogramRelease } from "./histogram";
import {
  Cell,
  KeyTable,
  tableDrop,
  tableEnter,
  tableFind,
  tableMedian,
  tableOpen,
  tableRelease,
  tableRemember,
  tableRemembered,
} from "./key-table";
import { Remembered } from "./remembered";
import { releaseSamples } from "./samples";
import { Selection, selectedCell, selectedLower, selectHeaviest } from "./select";
import { SketchPool } from "./sketch-pool";

/** The duration of a request that had none: it is counted, and missing in the histogram. */
export const NO_DURATION: u64 = u64.MAX_VALUE;
/** The most that the requests, and the bytes, of one breakdown may add up to. */
export const BREAKDOWN_TOTAL_MAX: u64 = 1 << 62;

const SECONDS_UNIT: u32 = 1;
/** log2 of the slots of the largest table: what is cut from an encoding is added up at once. */
const BREAKDOWN_BITS_MAX: u32 = 10;

/** What a label set adds up to, beside its requests. */
@unmanaged
export class Part {
  errors: u64;
  bytes: u64;
  /** Durations, or other values, of the breakdown's unit; 0 while there is none. */
  histogram: u32;
  /** Set while the cell is one of those being encoded. */
  selected: u16;
  /** Round trips that are kept as samples (stat/samples.ts), in `samples`. */
  sampleCount: u16;
  samples: u32;
}

@unmanaged
export class Breakdown extends KeyTable {
  /** Of everything, whatever its label set. */
  requests: u64;
  errors: u64;
  bytes: u64;
  /** Address of the part of `other`. */
  other: u32;
  /** Unit of its histograms. */
  unit: u32;
}

/** Creates an empty state that keeps at most 3/4 of 2^`bits` label sets, `bits` of 5 to 10; 0 when the pool is used up. */
export function breakdownCreate(bits: u32): usize {
  return breakdownOf(bits, SECONDS_UNIT);
}

/** As `breakdownCreate`, whose durations are values of `unit`. */
export function breakdownOf(bits: u32, unit: u32): usize {
  const state = SketchPool.zeroed(offsetof<Breakdown>());
  if (state == 0) return 0;
  const breakdown = changetype<Breakdown>(state);
  breakdown.unit = unit;
  const other = SketchPool.zeroed(offsetof<Part>());
  if (other == 0 || !openHistogram(changetype<Part>(other), unit)) {
    if (other != 0) SketchPool.pool.release(other);
    SketchPool.pool.release(state);
    return 0;
  }
  tableOpen(breakdown, min(bits, BREAKDOWN_BITS_MAX));
  breakdown.other = <u32>other;
  return state;
}

function releasePart(at: usize): void {
  const part = changetype<Part>(at);
  if (part.histogram != 0) histogramRelease(part.histogram);
  if (part.samples != 0) releaseSamples(part.samples, part.sampleCount);
  SketchPool.pool.release(at);
}

/** Gives everything that `state` holds back to the pool. */
export function breakdownRelease(state: usize): void {
  Remembered.forget();
  const breakdown = changetype<Breakdown>(state);
  for (let index: u32 = 0; index < breakdown.count; index++) releasePart(breakdown.cell(index).part);
  releasePart(breakdown.other);
  tableRelease(breakdown);
  SketchPool.pool.release(state);
}

/**
 * Adds `requests`, of which `errors` failed, with `bytes` in all and `durationNs` each, to the label set whose key of `length` bytes
 * (at most 255) lies at `start` and whose `elementHash` is `hash`. False when the pool has no room: a new label set is then part of
 * `other`, and a duration may be missing in the histogram.
 */
export function breakdownAdd(
  state: usize,
  hash: u64,
  start: usize,
  length: u32,
  requests: u64,
  errors: u64,
  bytes: u64,
  durationNs: u64,
): bool {
  const breakdown = changetype<Breakdown>(state);
  if (requests == 0) return true;
  breakdownAddTotals(breakdown, requests, errors, bytes);
  const kept = breakdownPart(breakdown, hash, start, length, requests, 0);
  return addToPart(breakdown, kept, requests, errors, bytes, durationNs);
}

/** As `breakdownAdd`, of a label set whose hash is not known: that of one that came lately is not needed. */
export function breakdownAddKey(
  state: usize,
  start: usize,
  length: u32,
  requests: u64,
  errors: u64,
  bytes: u64,
  durationNs: u64,
): bool {
  const breakdown = changetype<Breakdown>(state);
  const known = tableRemembered(breakdown, start, length);
  if (known == 0) {
    const complete = breakdownAdd(state, elementHash(start, length), start, length, requests, errors, bytes, durationNs);
    if (complete) tableRemember(breakdown);
    return complete;
  }
  const cell = changetype<Cell>(known);
  cell.upper += requests;
  breakdownAddTotals(breakdown, requests, errors, bytes);
  return addToPart(breakdown, cell.part, requests, errors, bytes, durationNs);
}

/**
 * Adds one request to the label set whose key of `length` bytes, at most 255, lies at `start`, with `value` as its duration; gives the
 * part that it went into.
 */
export function breakdownTake(state: usize, start: usize, length: u32, failed: bool, bytes: u64, value: u64): usize {
  const breakdown = changetype<Breakdown>(state);
  const errors: u64 = failed ? 1 : 0;
  breakdownAddTotals(breakdown, 1, errors, bytes);
  const kept = breakdownPart(breakdown, elementHash(start, length), start, length, 1, 0);
  addToPart(breakdown, kept, 1, errors, bytes, value);
  return kept;
}

function addToPart(breakdown: Breakdown, kept: usize, requests: u64, errors: u64, bytes: u64, durationNs: u64): bool {
  const part = changetype<Part>(kept);
  part.errors += errors;
  part.bytes += bytes;
  const complete = kept != <usize>breakdown.other;
  if (durationNs == NO_DURATION) return complete;
  return openHistogram(part, breakdown.unit) && histogramAdd(part.histogram, durationNs, requests) && complete;
}

/** Adds to what everything adds up to. */
export function breakdownAddTotals(breakdown: Breakdown, requests: u64, errors: u64, bytes: u64): void {
  breakdown.requests += requests;
  breakdown.errors += errors;
  breakdown.bytes += bytes;
}

/** Makes sure that a part has a histogram; false when the pool is used up. */
export function openHistogram(part: Part, unit: u32): bool {
  if (part.histogram == 0) part.histogram = <u32>histogramCreate(unit);
  return part.histogram != 0;
}

/**
 * Adds `upper` - `error` requests to a label set and gives the part that their errors, bytes and durations belong to: that of
 * its cell, entered where it is new, or that of `other` when the pool has no room, which raises the bound.
 */
export function breakdownPart(breakdown: Breakdown, hash: u64, start: usize, length: u32, upper: u64, error: u64): usize {
  let found = tableFind(breakdown, hash, start, length);
  if (found == 0) found = enter(breakdown, hash, start, length);
  if (found == 0) {
    breakdown.offset += upper;
    return breakdown.other;
  }
  const cell = changetype<Cell>(found);
  cell.upper += upper;
  cell.error += error;
  return cell.part;
}

/** Enters a new label set; 0 when the pool is used up. */
function enter(breakdown: Breakdown, hash: u64, start: usize, length: u32): usize {
  if (breakdown.count == breakdown.capacity) {
    purge(breakdown);
    tableFind(breakdown, hash, start, length);
  }
  if (breakdown.count == breakdown.capacity) return 0;
  const part = SketchPool.zeroed(offsetof<Part>());
  if (part == 0) return 0;
  const cell = tableEnter(breakdown, hash, start, length);
  if (cell == 0) SketchPool.pool.release(part);
  else changetype<Cell>(cell).part = <u32>part;
  return cell;
}

/** Drops the less busy half of the label sets and adds them to `other`. */
function purge(breakdown: Breakdown): void {
  const limit = tableMedian(breakdown);
  for (let index: u32 = 0; index < breakdown.count; index++) {
    const cell = breakdown.cell(index);
    if (cell.upper > limit) continue;
    const other = changetype<Part>(breakdown.other);
    if (mergeDurations(breakdown, other, changetype<Part>(cell.part))) {
      mergeCounts(other, changetype<Part>(cell.part));
      releasePart(cell.part);
    } else {
      // It stays for want of memory, with a greater error: that lets it past the limit and is as true as before.
      cell.error += limit + 1 - cell.upper;
      cell.upper = limit + 1;
    }
  }
  tableDrop(breakdown, limit);
}

function mergeCounts(into: Part, from: Part): void {
  into.errors += from.errors;
  into.bytes += from.bytes;
}

/** Adds the durations of `from` to `into`, a part of `breakdown`; false, and nothing changed, when the pool is used up. */
function mergeDurations(breakdown: Breakdown, into: Part, from: Part): bool {
  return from.histogram == 0 || (openHistogram(into, breakdown.unit) && histogramMerge(into.histogram, from.histogram));
}

/** Adds the bound of another state, before its label sets: every one here may have left so many requests to `other` there. */
export function breakdownMergeBound(breakdown: Breakdown, bound: u64): void {
  breakdown.offset += bound;
  breakdown.base += bound;
}

/** Whether so much more fits into the totals. */
export function breakdownHasRoom(breakdown: Breakdown, requests: u64, bytes: u64): bool {
  return breakdown.requests + requests <= BREAKDOWN_TOTAL_MAX && breakdown.bytes + bytes <= BREAKDOWN_TOTAL_MAX;
}

/** Adds `from` to `into`; false where the totals pass BREAKDOWN_TOTAL_MAX, or when the pool is used up and durations are missing. */
export function breakdownMerge(into: usize, from: usize): bool {
  const target = changetype<Breakdown>(into);
  const source = changetype<Breakdown>(from);
  if (!breakdownHasRoom(target, source.requests, source.bytes)) return false;
  const bound = source.offset;
  breakdownMergeBound(target, bound);
  breakdownAddTotals(target, source.requests, source.errors, source.bytes);
  const other = changetype<Part>(target.other);
  mergeCounts(other, changetype<Part>(source.other));
  let complete = mergeDurations(target, other, changetype<Part>(source.other));
  for (let index: u32 = 0; index < source.count; index++) {
    const cell = source.cell(index);
    const upper = max(source.upperOf(cell), bound) - bound;
    const error = upper - (cell.upper - cell.error);
    const part = changetype<Part>(breakdownPart(target, cell.hash, <usize>cell.key + 1, load<u8>(cell.key), upper, error));
    mergeCounts(part, changetype<Part>(cell.part));
    if (!mergeDurations(target, part, changetype<Part>(cell.part))) complete = false;
  }
  return complete;
}

/**
 * Selects the `most` busiest label sets (at most SELECTED_MAX) in descending order of their upper bounds and gives their number; they
 * are read with `selectedKey`, `selectedKeyLength`, `selectedLower` (requests), `breakdownUpper` and `selectedPart` by index, until
 * another table is selected from or encoded.
 */
export function breakdownSelect(state: usize, most: u32): u32 {
  const breakdown = changetype<Breakdown>(state);
  return selectHeaviest(breakdown, most, breakdown.offset - breakdown.base);
}

/** Requests that the last selection, of this state, leaves to `other`. */
export function breakdownOther(state: usize): u64 {
  let requests = changetype<Breakdown>(state).requests;
  for (let index: u32 = 0; index < Selection.count; index++) requests -= selectedLower(index);
  return requests;
}

/** Requests at most of any label set that the last selection, of this state, did not give. */
export function breakdownBound(state: usize): u64 {
  const breakdown = changetype<Breakdown>(state);
  return min(breakdownOther(state), max(breakdown.offset, Selection.cut + breakdown.base));
}

/** Requests at most of the selected label set `index` of `state`, of which `other` has `breakdownOther`. */
export function breakdownUpper(state: usize, index: u32, other: u64): u64 {
  const breakdown = changetype<Breakdown>(state);
  return selectedLower(index) + min(other, breakdown.errorOf(selectedCell(index)));
}

/** Address of the `Part` of the selected label set `index`. */
export function selectedPart(index: u32): usize {
  return selectedCell(index).part;
}
