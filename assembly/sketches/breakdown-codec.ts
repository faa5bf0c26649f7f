/**
 * The encoded form of a breakdown: its busiest label sets, and the rest in one.
 *
 * ```
 * bound, n                                                                        LEB128
 * n x { length u8, key, requests, error, errors, bytes, durations }               ascending by hash, then by key
 * requests, errors, bytes, durations                                              other
 * ```
 * Durations are an encoded histogram of seconds. A label set may have left `error` requests to `other`, one that is not shown
 * up to `bound`. Label sets that are cut are added to `other` on the way out; the state keeps them.
 */
import { Cursor } from "../bytes/cursor";
import { elementHash } from "../bytes/hash";
import { Writer } from "../bytes/writer";
import {
  BREAKDOWN_TOTAL_MAX,
  Breakdown,
  breakdownAddTotals,
  breakdownBound,
  breakdownHasRoom,
  breakdownMergeBound,
  breakdownOther,
  breakdownPart,
  breakdownSelect,
  breakdownUpper,
  openHistogram,
  Part,
  selectedPart,
} from "./breakdown";
import { histogramDecode, histogramEncode, histogramEncodeSum, histogramReadCount, histogramSkip } from "./histogram-codec";
import { Selection, selectedCell, selectedLower, sortSelectedByHash } from "./select";
import { SELECTED_MAX, SketchPool } from "./sketch-pool";
import { ascending } from "./top-codec";

const SECONDS_UNIT: u32 = 1;

/** Settings of what leaves the host. */
export class BreakdownExport {
  /** Label sets that an encoding holds at most, up to SELECTED_MAX. */
  static keysMax: u32 = 64;
}

/** What is left of the totals while an encoding is read, and what its label sets add up to. */
class Sum {
  static bound: u64 = 0;
  static requests: u64 = 0;
  static bytes: u64 = 0;
  /** Largest error of a label set. */
  static error: u64 = 0;
}

/** Writes the `BreakdownExport.keysMax` busiest label sets of `state`, and the rest. */
export function breakdownEncode(state: usize): void {
  const breakdown = changetype<Breakdown>(state);
  const count = breakdownSelect(state, BreakdownExport.keysMax);
  const other = breakdownOther(state);
  Writer.varint(breakdownBound(state));
  Writer.varint(count);
  sortSelectedByHash();
  let errors = breakdown.errors;
  let bytes = breakdown.bytes;
  for (let index: u32 = 0; index < count; index++) {
    const key = <usize>selectedCell(index).key;
    const part = changetype<Part>(selectedPart(index));
    part.selected = 1;
    Writer.bytes(key, <u32>load<u8>(key) + 1);
    Writer.varint(selectedLower(index));
    Writer.varint(breakdownUpper(state, index, other) - selectedLower(index));
    Writer.varint(part.errors);
    Writer.varint(part.bytes);
    histogramEncode(part.histogram);
    errors -= part.errors;
    bytes -= part.bytes;
  }
  Writer.varint(other);
  Writer.varint(errors);
  Writer.varint(bytes);
  histogramEncodeSum(gatherRest(breakdown), SECONDS_UNIT);
}

/** Lists the histograms of all that was not selected in `SketchPool.states`, and unmarks what was. */
function gatherRest(breakdown: Breakdown): u32 {
  store<u32>(SketchPool.states, changetype<Part>(breakdown.other).histogram);
  let length: u32 = 1;
  for (let index: u32 = 0; index < breakdown.count; index++) {
    const part = changetype<Part>(breakdown.cell(index).part);
    if (part.selected == 0 && part.histogram != 0) {
      store<u32>(SketchPool.states + (length << 2), part.histogram);
      length++;
    }
    part.selected = 0;
  }
  assert(Selection.count <= breakdown.count && length <= SELECTED_MAX + 1);
  return length;
}

/** Validates one encoded state and steps over it; false when it is not valid. */
export function breakdownSkip(_bits: u32): bool {
  Sum.bound = Cursor.varint();
  Sum.requests = 0;
  Sum.bytes = 0;
  Sum.error = 0;
  const count = Cursor.count(SELECTED_MAX);
  if (Cursor.fault) return false;
  let hashBefore: u64 = 0;
  let keyBefore: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const key = Cursor.at;
    const length = Cursor.u8();
    if (Cursor.take(length) == 0 || !skipSet()) return false;
    const hash = elementHash(key + 1, length);
    store<u64>(SketchPool.hashes + (index << 3), hash);
    if (index != 0 && !ascending(hashBefore, keyBefore, hash, key)) return false;
    hashBefore = hash;
    keyBefore = key;
  }
  const other = Cursor.varint();
  if (Cursor.fault || !skipRest(other)) return false;
  // Nothing was lost where there is no rest, and no more than the rest anywhere.
  return Sum.bound <= other && Sum.error <= other && (Sum.bound == 0) == (other == 0);
}

/** Validates what follows a key. */
function skipSet(): bool {
  const requests = Cursor.varint();
  const error = Cursor.varint();
  if (Cursor.fault || requests == 0 || error > Sum.bound || requests > BREAKDOWN_TOTAL_MAX) return false;
  Sum.error = max(Sum.error, error);
  return requests + error >= Sum.bound && skipRest(requests);
}

/** Validates errors, bytes and durations of so many requests. */
function skipRest(requests: u64): bool {
  const errors = Cursor.varint();
  const bytes = Cursor.varint();
  if (Cursor.fault || errors > requests || !histogramSkip(SECONDS_UNIT) || histogramReadCount() > requests) return false;
  if (requests == 0 && bytes != 0) return false;
  if (requests > BREAKDOWN_TOTAL_MAX - Sum.requests || bytes > BREAKDOWN_TOTAL_MAX - Sum.bytes) return false;
  Sum.requests += requests;
  Sum.bytes += bytes;
  return true;
}

/**
 * Merges one encoded state into `into`; false, and `into` unchanged, when it is not valid or the totals pass BREAKDOWN_TOTAL_MAX.
 * Where the pool has no room, label sets go to `other` and durations are missing, counted in `SketchPool.refused`.
 */
export function breakdownDecode(into: usize, bits: u32): bool {
  const breakdown = changetype<Breakdown>(into);
  const start = Cursor.at;
  if (!breakdownSkip(bits) || !breakdownHasRoom(breakdown, Sum.requests, Sum.bytes)) return false;
  const end = Cursor.at;
  Cursor.at = start;
  const bound = Cursor.varint();
  const count = <u32>Cursor.varint();
  breakdownMergeBound(breakdown, bound);
  for (let index: u32 = 0; index < count; index++) {
    const length = Cursor.u8();
    const key = Cursor.take(length);
    const requests = Cursor.varint();
    const error = Cursor.varint() - bound;
    const hash = load<u64>(SketchPool.hashes + (index << 3));
    const part = breakdownPart(breakdown, hash, key, length, requests + error, error);
    mergeRest(breakdown, changetype<Part>(part), requests);
  }
  mergeRest(breakdown, changetype<Part>(breakdown.other), Cursor.varint());
  assert(Cursor.at == end);
  return true;
}

/** Adds errors, bytes and durations, which `skipRest` found valid, to `part`, and all to the totals. */
function mergeRest(breakdown: Breakdown, part: Part, requests: u64): void {
  const errors = Cursor.varint();
  const bytes = Cursor.varint();
  breakdownAddTotals(breakdown, requests, errors, bytes);
  part.errors += errors;
  part.bytes += bytes;
  const durations = Cursor.at;
  if (openHistogram(part) && histogramDecode(part.histogram, SECONDS_UNIT)) return;
  Cursor.at = durations;
  histogramSkip(SECONDS_UNIT);
}
