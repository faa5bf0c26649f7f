/**
 * The encoded form of a breakdown: its busiest label sets, and the rest in one.
 *
 * ```
 * bound, n                                                LEB128
 * n x { length u8, key }                                  ascending by hash, then by key
 * n x requests, n x error, n x errors, n x bytes          LEB128
 * n x durations
 * requests, errors, bytes, durations                      other
 * ```
 * Durations are an encoded histogram of seconds. A label set may have left `error` requests to `other`, one that is not shown
 * up to `bound`. Label sets that are cut are added to `other` on the way out; the state keeps them.
 */
import { Cursor } from "../bytes/cursor";
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
import { nextKey, nextNumber, openColumn, openKeys, writeKeys } from "./columns";
import { histogramDecode, histogramEncode, histogramEncodeSum, histogramReadCount, histogramSkip } from "./histogram-codec";
import { dropTied, Selection, selectedLower, sortSelectedByHash } from "./select";
import { SELECTED_MAX, SketchPool } from "./sketch-pool";

const SECONDS_UNIT: u32 = 1;
/** Columns of numbers. */
const REQUESTS: u32 = 0;
const ERROR: u32 = 1;
const ERRORS: u32 = 2;
const BYTES: u32 = 3;

/** Settings of what leaves the host. */
export class BreakdownExport {
  /** Label sets that an encoding holds at most, up to SELECTED_MAX. */
  static keysMax: u32 = 64;
  /** Label sets up to which such are written too that are no busier than one that is left out. */
  static tiedMax: u32 = 10;
}

/** What is left of the totals while an encoding is read, and what its label sets add up to. */
class Sum {
  static bound: u64 = 0;
  static requests: u64 = 0;
  static bytes: u64 = 0;
  /** Label sets. */
  static count: u32 = 0;
}

/** Writes the `BreakdownExport.keysMax` busiest label sets of `state`, and the rest. */
export function breakdownEncode(state: usize): void {
  const breakdown = changetype<Breakdown>(state);
  breakdownSelect(state, BreakdownExport.keysMax);
  const count = dropTied(BreakdownExport.tiedMax);
  const other = breakdownOther(state);
  Writer.varint(breakdownBound(state));
  Writer.varint(count);
  sortSelectedByHash();
  writeKeys(count);
  for (let i: u32 = 0; i < count; i++) Writer.varint(selectedLower(i));
  for (let i: u32 = 0; i < count; i++) Writer.varint(breakdownUpper(state, i, other) - selectedLower(i));
  for (let i: u32 = 0; i < count; i++) Writer.varint(changetype<Part>(selectedPart(i)).errors);
  for (let i: u32 = 0; i < count; i++) Writer.varint(changetype<Part>(selectedPart(i)).bytes);
  let errors = breakdown.errors;
  let bytes = breakdown.bytes;
  for (let i: u32 = 0; i < count; i++) {
    const part = changetype<Part>(selectedPart(i));
    part.selected = 1;
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
  if (!openRows()) return false;
  Sum.requests = 0;
  Sum.bytes = 0;
  let errorMost: u64 = 0;
  for (let index: u32 = 0; index < Sum.count; index++) {
    const requests = nextNumber(REQUESTS);
    const error = nextNumber(ERROR);
    if (requests == 0 || requests > BREAKDOWN_TOTAL_MAX || error > Sum.bound || requests + error < Sum.bound) return false;
    if (!skipPart(requests, nextNumber(ERRORS), nextNumber(BYTES))) return false;
    errorMost = max(errorMost, error);
  }
  const other = Cursor.varint();
  const errors = Cursor.varint();
  const bytes = Cursor.varint();
  if (Cursor.fault || !skipPart(other, errors, bytes)) return false;
  // Nothing was lost where there is no rest, and no more than the rest anywhere.
  return Sum.bound <= other && errorMost <= other && (Sum.bound == 0) == (other == 0);
}

/** Steps over the keys and the columns; the Cursor is then at the durations. */
function openRows(): bool {
  Sum.bound = Cursor.varint();
  Sum.count = Cursor.count(SELECTED_MAX);
  if (Cursor.fault || !openKeys(Sum.count)) return false;
  for (let column = REQUESTS; column <= BYTES; column++) if (!openColumn(column, Sum.count)) return false;
  return true;
}

/** Requests or bytes, whichever are more, of the encoding that was read last. */
export function breakdownReadTotal(): u64 {
  return max(Sum.requests, Sum.bytes);
}

/** Validates the numbers of a part and steps over its durations. */
function skipPart(requests: u64, errors: u64, bytes: u64): bool {
  if (errors > requests || !histogramSkip(SECONDS_UNIT) || histogramReadCount() > requests) return false;
  if (requests == 0 && bytes != 0) return false;
  if (requests > BREAKDOWN_TOTAL_MAX - Sum.requests || bytes > BREAKDOWN_TOTAL_MAX - Sum.bytes) return false;
  Sum.requests += requests;
  Sum.bytes += bytes;
  return true;
}

/**
 * Merges one encoded state that `breakdownSkip` found valid into `into`; false, and `into` of no more use, where the totals pass
 * BREAKDOWN_TOTAL_MAX. Where the pool has no room, label sets go to `other` and durations are missing, counted in
 * `SketchPool.refused`.
 */
export function breakdownDecode(into: usize, _bits: u32): bool {
  const breakdown = changetype<Breakdown>(into);
  if (!openRows()) return false;
  breakdownMergeBound(breakdown, Sum.bound);
  for (let index: u32 = 0; index < Sum.count; index++) {
    const key = nextKey();
    const requests = nextNumber(REQUESTS);
    const error = nextNumber(ERROR) - Sum.bound;
    const hash = load<u64>(SketchPool.hashes + (index << 3));
    const part = breakdownPart(breakdown, hash, key + 1, load<u8>(key), requests + error, error);
    mergePart(breakdown, changetype<Part>(part), requests, nextNumber(ERRORS), nextNumber(BYTES));
  }
  const other = Cursor.varint();
  const errors = Cursor.varint();
  mergePart(breakdown, changetype<Part>(breakdown.other), other, errors, Cursor.varint());
  return breakdownHasRoom(breakdown, 0, 0);
}

/** Adds what `skipPart` found valid to `part` and to the totals, the durations from the Cursor. */
function mergePart(breakdown: Breakdown, part: Part, requests: u64, errors: u64, bytes: u64): void {
  breakdownAddTotals(breakdown, requests, errors, bytes);
  part.errors += errors;
  part.bytes += bytes;
  const durations = Cursor.at;
  if (openHistogram(part, SECONDS_UNIT) && histogramDecode(part.histogram, SECONDS_UNIT)) return;
  Cursor.at = durations;
  histogramSkip(SECONDS_UNIT);
}
