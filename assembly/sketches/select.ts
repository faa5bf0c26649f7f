/**
 * Chooses cells of a key table by heap: the heaviest first, or those chosen in the order of the wire.
 *
 * The cells chosen are u32 addresses at `SketchPool.selected`. Both orders are total, so which cells are chosen, and in which
 * order, follows from the cells alone.
 */
import { Cell, KeyTable } from "./key-table";
import { SELECTED_MAX, SketchPool } from "./sketch-pool";

/** What the last selection left out. */
export class Selection {
  /** Cells selected. */
  static count: u32 = 0;
  /** Cells left out. */
  static left: u32 = 0;
  /** Largest upper among the cells left out, less the table's base; 0 when there is none. */
  static cut: u64 = 0;
}

/** Address of the cell that was selected as number `index`. */
export function selectedCell(index: u32): Cell {
  return changetype<Cell>(<usize>load<u32>(SketchPool.selected + (index << 2)));
}

/** Address of the bytes of the selected key `index`. */
export function selectedKey(index: u32): usize {
  return <usize>selectedCell(index).key + 1;
}

/** Bytes of the selected key `index`. */
export function selectedKeyLength(index: u32): u32 {
  return load<u8>(selectedCell(index).key);
}

/** The least that the weight of the selected key `index` can be. */
export function selectedLower(index: u32): u64 {
  const cell = selectedCell(index);
  return cell.upper - cell.error;
}

/** Selects up to `most` cells with an upper, less the base, of at least `floor`: by upper descending, hash, then key. */
export function selectHeaviest(table: KeyTable, most: u32, floor: u64): u32 {
  const room = min(most, SELECTED_MAX);
  let count: u32 = 0;
  let cut: u64 = 0;
  for (let index: u32 = 0; index < table.count; index++) {
    const cell = table.cell(index);
    if (cell.upper < floor || room == 0) {
      cut = max(cut, cell.upper);
    } else if (count < room) {
      rise(count, cell);
      count++;
    } else if (lighter(selectedCell(0), cell)) {
      cut = max(cut, selectedCell(0).upper);
      sinkFrom(0, count, cell, false);
    } else {
      cut = max(cut, cell.upper);
    }
  }
  Selection.count = count;
  Selection.left = table.count - count;
  Selection.cut = cut;
  sort(count, false);
  return count;
}

/**
 * Drops those of the selected cells, beyond the first `least`, that weigh no more than one that was left out: among equals a
 * choice says little. Gives the number of those that stay.
 */
export function dropTied(least: u32): u32 {
  if (Selection.left == 0) return Selection.count;
  while (Selection.count > least && selectedCell(Selection.count - 1).upper <= Selection.cut) Selection.count--;
  return Selection.count;
}

/** Sorts the selected cells by hash, then key. */
export function sortSelectedByHash(): void {
  const count = Selection.count;
  for (let index = (<i32>count >> 1) - 1; index >= 0; index--) sinkFrom(<u32>index, count, selectedCell(<u32>index), true);
  sort(count, true);
}

/** Compares two keys as runs of bytes, a shorter one before those that it begins; negative, 0 or positive. */
export function compareKeys(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const difference = memory.compare(a, b, min(aLength, bLength));
  return difference != 0 ? difference : <i32>aLength - <i32>bLength;
}

/** Whether `a` comes before `b` in the order of the wire. */
function before(a: Cell, b: Cell): bool {
  if (a.hash != b.hash) return a.hash < b.hash;
  return compareKeys(<usize>a.key + 1, load<u8>(a.key), <usize>b.key + 1, load<u8>(b.key)) < 0;
}

/** Whether `a` is chosen after `b`. */
function lighter(a: Cell, b: Cell): bool {
  return a.upper != b.upper ? a.upper < b.upper : before(b, a);
}

/** The heap's order: its root is the last by hash or the lightest. */
function above(a: Cell, b: Cell, byHash: bool): bool {
  return byHash ? before(b, a) : lighter(a, b);
}

/** Adds `cell` to the heap of the `count` lightest-first cells. */
function rise(count: u32, cell: Cell): void {
  let index = count;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!lighter(cell, selectedCell(parent))) break;
    store<u32>(SketchPool.selected + (index << 2), <u32>changetype<usize>(selectedCell(parent)));
    index = parent;
  }
  store<u32>(SketchPool.selected + (index << 2), <u32>changetype<usize>(cell));
}

/** Puts `cell` in the place of cell `index` of a heap of `count`, or below. */
function sinkFrom(index: u32, count: u32, cell: Cell, byHash: bool): void {
  while (true) {
    let child: u32 = 2 * index + 1;
    if (child >= count) break;
    if (child + 1 < count && above(selectedCell(child + 1), selectedCell(child), byHash)) child++;
    if (!above(selectedCell(child), cell, byHash)) break;
    store<u32>(SketchPool.selected + (index << 2), <u32>changetype<usize>(selectedCell(child)));
    index = child;
  }
  store<u32>(SketchPool.selected + (index << 2), <u32>changetype<usize>(cell));
}

/** Turns a heap of `count` into ascending order of what its root is the last of. */
function sort(count: u32, byHash: bool): void {
  for (let end = count; end > 1; end--) {
    const root = selectedCell(0);
    const last = selectedCell(end - 1);
    sinkFrom(0, end - 1, last, byHash);
    store<u32>(SketchPool.selected + ((end - 1) << 2), <u32>changetype<usize>(root));
  }
}
