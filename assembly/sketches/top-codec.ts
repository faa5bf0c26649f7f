/**
 * The encoded form of a top: its heaviest keys, and one bound for all that was cut.
 *
 * ```
 * total, bound, n                          LEB128
 * n x { length u8, key, lower, error }     ascending by hash, then by key; upper = lower + error
 * ```
 * The bound is that of the state or the largest upper that was cut, whichever is more, so what is cut on the way is shown in the
 * end. Hashes are computed again where keys are read. Canonical for the cells chosen: decoded into an empty state and encoded
 * again it gives the same bytes.
 */
import { Cursor } from "../bytes/cursor";
import { elementHash } from "../bytes/hash";
import { Writer } from "../bytes/writer";
import { compareKeys, selectedCell, selectedLower, sortSelectedByHash } from "./select";
import { SELECTED_MAX, SketchPool } from "./sketch-pool";
import { TOP_TOTAL_MAX, Top, topBound, topMergeKey, topMergeTotals, topSelect, topUpper } from "./top";

/** Settings of what leaves the host. */
export class TopExport {
  /** Keys that an encoding holds at most, up to SELECTED_MAX. */
  static keysMax: u32 = 64;
}

/** Writes the `TopExport.keysMax` heaviest keys of `state`. */
export function topEncode(state: usize): void {
  const count = topSelect(state, TopExport.keysMax);
  const bound = topBound(state);
  Writer.varint(changetype<Top>(state).total);
  Writer.varint(bound);
  Writer.varint(count);
  sortSelectedByHash();
  for (let index: u32 = 0; index < count; index++) {
    const key = <usize>selectedCell(index).key;
    Writer.bytes(key, <u32>load<u8>(key) + 1);
    Writer.varint(selectedLower(index));
    Writer.varint(topUpper(state, index) - selectedLower(index));
  }
}

/** Validates one encoded state and steps over it; false when it is not valid. */
export function topSkip(_bits: u32): bool {
  const total = Cursor.varint();
  const bound = Cursor.varint();
  const count = Cursor.count(SELECTED_MAX);
  if (Cursor.fault || total > TOP_TOTAL_MAX || bound > total) return false;
  let rest = total;
  let hashBefore: u64 = 0;
  let keyBefore: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const key = Cursor.at;
    const length = Cursor.u8();
    if (Cursor.take(length) == 0) return false;
    const lower = Cursor.varint();
    const error = Cursor.varint();
    if (Cursor.fault || lower == 0 || lower > rest || error > bound || error > total - lower || lower + error < bound)
      return false;
    rest -= lower;
    const hash = elementHash(key + 1, length);
    store<u64>(SketchPool.hashes + (index << 3), hash);
    if (index != 0 && !ascending(hashBefore, keyBefore, hash, key)) return false;
    hashBefore = hash;
    keyBefore = key;
  }
  // Nothing can be missing where nothing was lost.
  return bound != 0 || rest == 0;
}

/** Whether a key, a byte of length and its bytes, comes before another in the order of the wire. */
export function ascending(hashA: u64, keyA: usize, hashB: u64, keyB: usize): bool {
  if (hashA != hashB) return hashA < hashB;
  return compareKeys(keyA + 1, load<u8>(keyA), keyB + 1, load<u8>(keyB)) < 0;
}

/** Merges one encoded state into `into`; false, and `into` unchanged, when it is not valid or the totals pass TOP_TOTAL_MAX. */
export function topDecode(into: usize, bits: u32): bool {
  const top = changetype<Top>(into);
  const start = Cursor.at;
  if (!topSkip(bits)) return false;
  const end = Cursor.at;
  Cursor.at = start;
  const total = Cursor.varint();
  const bound = Cursor.varint();
  const count = <u32>Cursor.varint();
  if (top.total + total > TOP_TOTAL_MAX) return false;
  topMergeTotals(top, total, bound);
  for (let index: u32 = 0; index < count; index++) {
    const hash = load<u64>(SketchPool.hashes + (index << 3));
    const length = Cursor.u8();
    const key = Cursor.take(length);
    const lower = Cursor.varint();
    const error = Cursor.varint();
    topMergeKey(top, hash, key, length, lower + error, error, bound);
  }
  assert(Cursor.at == end);
  return true;
}
