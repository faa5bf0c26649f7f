/**
 * The heaviest keys, each with a lower and an upper bound that hold for certain: a key table (`key-table.ts`) of weights.
 *
 * Whatever was added, merged, cut or refused for want of memory: the total is exact, `lower <= true weight <= upper` for every
 * key shown, and no key that is not shown is heavier than the bound.
 */
import { Cell, KeyTable, tableDrop, tableEnter, tableFind, tableMedian, tableOpen, tableRelease } from "./key-table";
import { Selection, selectedCell, selectHeaviest } from "./select";
import { SketchPool } from "./sketch-pool";

/** The most that the weights of one top may add up to. */
export const TOP_TOTAL_MAX: u64 = 1 << 62;

@unmanaged
export class Top extends KeyTable {
  /** Sum of all weights. */
  total: u64;
}

/** Creates an empty state that keeps at most 3/4 of 2^`bits` keys, `bits` of 5 to 11; 0 when the pool is used up. */
export function topCreate(bits: u32): usize {
  const state = SketchPool.zeroed(offsetof<Top>());
  if (state != 0) tableOpen(changetype<Top>(state), bits);
  return state;
}

/** Gives everything that `state` holds back to the pool. */
export function topRelease(state: usize): void {
  tableRelease(changetype<Top>(state));
  SketchPool.pool.release(state);
}

/**
 * Adds `weight` to the key of `length` bytes (at most 255) at `start`, whose `elementHash` is `hash`.
 * False when the pool has no room for a new key: its weight is then part of the total and of the bound.
 */
export function topAdd(state: usize, hash: u64, start: usize, length: u32, weight: u64): bool {
  const top = changetype<Top>(state);
  if (weight == 0) return true;
  top.total += weight;
  let cell = tableFind(top, hash, start, length);
  if (cell == 0) cell = enter(top, hash, start, length);
  if (cell == 0) {
    top.offset += weight;
    return false;
  }
  changetype<Cell>(cell).upper += weight;
  return true;
}

/** Enters the key that was just searched for; 0 when the pool is used up. */
function enter(top: Top, hash: u64, start: usize, length: u32): usize {
  if (top.count == top.capacity) {
    tableDrop(top, tableMedian(top));
    tableFind(top, hash, start, length);
  }
  return tableEnter(top, hash, start, length);
}

/** Adds the bound of another state, before its keys: every key here may have weighed that much there. */
export function topMergeTotals(top: Top, total: u64, bound: u64): void {
  top.total += total;
  top.offset += bound;
  top.base += bound;
}

/** Adds one key of another state, whose bound `topMergeTotals` added. */
export function topMergeKey(top: Top, hash: u64, start: usize, length: u32, upper: u64, error: u64, bound: u64): void {
  let found = tableFind(top, hash, start, length);
  if (found == 0) found = enter(top, hash, start, length);
  if (found == 0) {
    top.offset += upper - bound;
    return;
  }
  const cell = changetype<Cell>(found);
  cell.upper += upper - bound;
  cell.error += error - bound;
}

/** Adds `from` to `into`; false, and nothing changed, where their totals pass TOP_TOTAL_MAX. */
export function topMerge(into: usize, from: usize): bool {
  const target = changetype<Top>(into);
  const source = changetype<Top>(from);
  if (target.total + source.total > TOP_TOTAL_MAX) return false;
  const bound = source.offset;
  topMergeTotals(target, source.total, bound);
  for (let index: u32 = 0; index < source.count; index++) {
    const cell = source.cell(index);
    // Only want of memory leaves a cell below the bound behind.
    const upper = max(source.upperOf(cell), bound);
    const error = upper - (cell.upper - cell.error);
    topMergeKey(target, cell.hash, <usize>cell.key + 1, load<u8>(cell.key), upper, error, bound);
  }
  return true;
}

/** Sum of all weights. */
export function topTotal(state: usize): u64 {
  return changetype<Top>(state).total;
}

/**
 * Selects the `most` heaviest keys (at most SELECTED_MAX) in descending order of their upper bounds and gives their number; they are
 * read with `selectedKey`, `selectedKeyLength`, `selectedLower` and `topUpper` by index, until another table is selected from or encoded.
 */
export function topSelect(state: usize, most: u32): u32 {
  const top = changetype<Top>(state);
  return selectHeaviest(top, most, top.offset - top.base);
}

/** True weight at most of any key that the last selection, of this state, did not give. */
export function topBound(state: usize): u64 {
  const top = changetype<Top>(state);
  return min(top.total, max(top.offset, Selection.cut + top.base));
}

/** The most that the weight of the selected key `index` of `state` can be. */
export function topUpper(state: usize, index: u32): u64 {
  const top = changetype<Top>(state);
  return min(top.total, top.upperOf(selectedCell(index)));
}
