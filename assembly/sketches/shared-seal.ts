/**
 * From a column of a shared table to a top of its own, which holds the keys that leave the host: the `TopExport.keysMax` heaviest,
 * and such as tie with one that is left out only up to `TopExport.tiedMax`.
 */
import { sharedLimit } from "./shared-drop";
import { Cells, SharedCell, SharedTops } from "./shared-tops";
import { Top, topCreate, topMergeKey, topMergeTotals } from "./top";
import { TopExport } from "./top-codec";

/** How the keys of a column lie to its limit. */
class Census {
  static heavier: u32 = 0;
  static tied: u32 = 0;
  /** The largest upper below the limit. */
  static below: u64 = 0;
}

/** Cells that tie and are chosen, by hash: a list of addresses. */
const CHOSEN_MAX: u32 = 64;
const CHOSEN: usize = memory.data(4 * 64, 4);

/** Whether anything was added to column `index` of `state`. */
export function sharedHolds(state: usize, index: u32): bool {
  return changetype<SharedTops>(state).column(index).total != 0;
}

/** Makes a top of column `index`, after `sharedLimits` for `TopExport.keysMax`; 0 when the pool is used up. */
export function sharedTop(state: usize, index: u32, bits: u32): usize {
  const made = topCreate(bits);
  if (made == 0) return 0;
  const top = changetype<Top>(made);
  const tops = changetype<SharedTops>(state);
  const column = tops.column(index);
  const limit = sharedLimit(index);
  count(tops, index, limit);
  const whole = Census.heavier + Census.tied <= TopExport.keysMax;
  const bound = max(column.offset, whole ? Census.below : limit);
  topMergeTotals(top, column.total, bound);
  let ties = Census.tied;
  if (!whole) ties = TopExport.tiedMax > Census.heavier ? TopExport.tiedMax - Census.heavier : 0;
  Cells.open();
  let chosen: u32 = 0;
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const cell = changetype<SharedCell>(at);
    const upper = tops.upperOf(cell, index);
    if (upper > limit || (whole && upper == limit && upper != 0)) put(tops, top, cell, index, bound);
    else if (upper == limit && upper != 0) chosen = choose(cell, chosen, min(ties, CHOSEN_MAX));
  }
  for (let i: u32 = 0; i < chosen; i++) put(tops, top, chosenAt(i), index, bound);
  return made;
}

function count(tops: SharedTops, index: u32, limit: u64): void {
  Census.heavier = 0;
  Census.tied = 0;
  Census.below = 0;
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const upper = tops.upperOf(changetype<SharedCell>(at), index);
    if (upper == 0) continue;
    if (upper > limit) Census.heavier++;
    else if (upper == limit) Census.tied++;
    else Census.below = max(Census.below, upper);
  }
}

function chosenAt(index: u32): SharedCell {
  return changetype<SharedCell>(<usize>load<u32>(CHOSEN + (index << 2)));
}

/** Takes `cell` among the `most` of lowest hash, of which there are `count`; gives how many there are then. */
function choose(cell: SharedCell, count: u32, most: u32): u32 {
  let at = count;
  while (at > 0 && chosenAt(at - 1).hash > cell.hash) at--;
  if (at >= most) return count;
  const grown = min(count + 1, most);
  for (let move = grown - 1; move > at; move--) store<u32>(CHOSEN + (move << 2), <u32>changetype<usize>(chosenAt(move - 1)));
  store<u32>(CHOSEN + (at << 2), <u32>changetype<usize>(cell));
  return grown;
}

function put(tops: SharedTops, top: Top, cell: SharedCell, index: u32, bound: u64): void {
  const error = tops.errorOf(cell, index);
  topMergeKey(top, cell.hash, cell.key, cell.length, load<u64>(tops.weight(cell, index)) + error, error, bound);
}
