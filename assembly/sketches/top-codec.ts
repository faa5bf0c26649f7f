/**
 * The encoded form of a top: its heaviest keys, and one bound for all that was cut.
 *
 * ```
 * total, bound, n               LEB128
 * n x { length u8, key }        ascending by hash, then by key
 * n x lower, n x error          LEB128; upper = lower + error
 * ```
 * The bound is that of the state or the largest upper that was cut, whichever is more, so what is cut on the way is shown in the
 * end. Hashes are computed again where keys are read. Canonical for the cells chosen: decoded into an empty state and encoded
 * again it gives the same bytes.
 */
import { Cursor } from "../bytes/cursor";
import { Writer } from "../bytes/writer";
import { nextKey, nextNumber, openColumn, openKeys, writeKeys } from "./columns";
import { dropTied, selectedLower, sortSelectedByHash } from "./select";
import { SELECTED_MAX, SketchPool } from "./sketch-pool";
import { TOP_TOTAL_MAX, Top, topBound, topMergeKey, topMergeTotals, topSelect, topUpper } from "./top";

/** Columns of numbers. */
const LOWER: u32 = 0;
const ERROR: u32 = 1;

/** Settings of what leaves the host. */
export class TopExport {
  /** Keys that an encoding holds at most, up to SELECTED_MAX. */
  static keysMax: u32 = 64;
  /** Keys up to which such are written too that weigh no more than one that is left out. */
  static tiedMax: u32 = 10;
}

/** What the encoding under the Cursor says. */
class Read {
  static total: u64 = 0;
  static bound: u64 = 0;
  static count: u32 = 0;
}

/** Writes the `TopExport.keysMax` heaviest keys of `state`, with few of those that tie with one left out. */
export function topEncode(state: usize): void {
  topSelect(state, TopExport.keysMax);
  const count = dropTied(TopExport.tiedMax);
  const bound = topBound(state);
  Writer.varint(changetype<Top>(state).total);
  Writer.varint(bound);
  Writer.varint(count);
  sortSelectedByHash();
  writeKeys(count);
  for (let index: u32 = 0; index < count; index++) Writer.varint(selectedLower(index));
  for (let index: u32 = 0; index < count; index++) Writer.varint(topUpper(state, index) - selectedLower(index));
}

/** Validates one encoded state and steps over it; false when it is not valid. */
export function topSkip(_bits: u32): bool {
  if (!openRows()) return false;
  let rest = Read.total;
  for (let index: u32 = 0; index < Read.count; index++) {
    const lower = nextNumber(LOWER);
    const error = nextNumber(ERROR);
    if (lower == 0 || lower > rest || error > Read.bound || error > Read.total - lower) return false;
    if (lower + error < Read.bound) return false;
    rest -= lower;
  }
  // Nothing can be missing where nothing was lost.
  return !Cursor.fault && (Read.bound != 0 || rest == 0);
}

/** Reads the totals and steps over the rows that follow. */
function openRows(): bool {
  Read.total = Cursor.varint();
  Read.bound = Cursor.varint();
  Read.count = Cursor.count(SELECTED_MAX);
  if (Cursor.fault || Read.total > TOP_TOTAL_MAX || Read.bound > Read.total) return false;
  return openKeys(Read.count) && openColumn(LOWER, Read.count) && openColumn(ERROR, Read.count);
}

/** Sum of all weights of the encoding that was read last. */
export function topReadTotal(): u64 {
  return Read.total;
}

/** Merges one encoded state that `topSkip` found valid into `into`; false, and `into` unchanged, where the totals pass TOP_TOTAL_MAX. */
export function topDecode(into: usize, _bits: u32): bool {
  const top = changetype<Top>(into);
  if (!openRows() || top.total + Read.total > TOP_TOTAL_MAX) return false;
  topMergeTotals(top, Read.total, Read.bound);
  for (let index: u32 = 0; index < Read.count; index++) {
    const hash = load<u64>(SketchPool.hashes + (index << 3));
    const key = nextKey();
    const lower = nextNumber(LOWER);
    const error = nextNumber(ERROR);
    topMergeKey(top, hash, key + 1, load<u8>(key), lower + error, error, Read.bound);
  }
  return true;
}
