/**
 * Drops the light keys of a shared table, so that each column keeps its heaviest.
 *
 * Each column's limit is its upper of rank `kept` from above; a key goes when it is at most at the limit in every column, and the
 * column's offset becomes the largest upper that went. As at least `kept` keys are as heavy as the limit, the offset never
 * passes the column's total divided by `kept`.
 */
import { Cells, COLUMNS_MAX, clearSlots, EPOCHS, FREE, fillSlot, freeCell, SharedCell, SharedTops } from "./shared-tops";
import { SCRATCH_BYTES, SketchPool } from "./sketch-pool";

/** Uppers are counted by how far they are above the offset: one by one below this, and together from it on. */
const FAR: u64 = 127;
const COUNTS: u32 = 128;

/** The limit of each column. */
const LIMITS: usize = memory.data(12 * 8, 8);

/** Drops light keys; false, and nothing changed, when there is no memory to note their errors. */
export function dropLight(tops: SharedTops, kept: u32): bool {
  if (tops.errors == 0 && !openErrors(tops)) return false;
  sharedLimits(tops, max(kept, 1));
  const merges = tops.epoch + 1 == EPOCHS;
  clearSlots(tops);
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const cell = changetype<SharedCell>(at);
    if (isLight(tops, cell)) {
      raiseOffsets(tops, cell);
      freeCell(tops, cell);
    } else {
      fillSlot(tops, cell);
    }
  }
  if (merges) mergeEpochs(tops);
  tops.epoch++;
  for (let column: u32 = 0; column < tops.columns; column++) {
    store<u64>(errorPlace(tops, tops.epoch, column), tops.column(column).offset);
  }
  if (tops.count << 1 > tops.capacity && tops.capacity < tops.capacityMax) tops.capacity <<= 1;
  return true;
}

/** The limit of `column` that `sharedLimits` found last. */
export function sharedLimit(column: u32): u64 {
  return load<u64>(LIMITS + (column << 3));
}

function openErrors(tops: SharedTops): bool {
  const bytes = EPOCHS * tops.columns * 8;
  const errors = SketchPool.block(bytes);
  if (errors == 0) return false;
  memory.fill(errors, 0, bytes);
  tops.errors = <u32>errors;
  return true;
}

function errorPlace(tops: SharedTops, epoch: u32, column: u32): usize {
  return <usize>tops.errors + ((epoch * tops.columns + column) << 3);
}

function isLight(tops: SharedTops, cell: SharedCell): bool {
  const weights = tops.weight(cell, 0);
  for (let column: u32 = 0; column < tops.columns; column++) {
    if (load<u64>(weights + (column << 3)) != 0 && tops.upperOf(cell, column) > sharedLimit(column)) return false;
  }
  return true;
}

function raiseOffsets(tops: SharedTops, cell: SharedCell): void {
  const weights = tops.weight(cell, 0);
  for (let index: u32 = 0; index < tops.columns; index++) {
    if (load<u64>(weights + (index << 3)) == 0) continue;
    const column = tops.column(index);
    column.offset = max(column.offset, tops.upperOf(cell, index));
  }
}

/**
 * Makes one epoch of every two but the first, with the later one's errors: what entered before anything was lost stays exact,
 * and what entered since is at most a thirtieth of the way less certain.
 */
function mergeEpochs(tops: SharedTops): void {
  for (let epoch: u32 = 1; epoch < EPOCHS; epoch++) {
    const into = (epoch + 1) >> 1;
    for (let column: u32 = 0; column < tops.columns; column++) {
      store<u64>(errorPlace(tops, into, column), load<u64>(errorPlace(tops, epoch, column)));
    }
  }
  tops.epoch = EPOCHS >> 1;
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const cell = changetype<SharedCell>(at);
    cell.epoch = <u8>((<u32>cell.epoch + 1) >> 1);
  }
}

/** Finds the limit of every column: its upper of rank `rank` from above, or the offset where no more are above that. */
export function sharedLimits(tops: SharedTops, rank: u32): void {
  assert(COLUMNS_MAX * COUNTS * 4 <= SCRATCH_BYTES);
  countNear(tops);
  for (let column: u32 = 0; column < tops.columns; column++) {
    const counts = SketchPool.scratch + column * COUNTS * 4;
    let above: u32 = 0;
    let excess = FAR;
    while (excess > 0) {
      above += load<u32>(counts + ((<usize>excess) << 2));
      if (above >= rank) break;
      excess--;
    }
    store<u64>(LIMITS + (column << 3), tops.column(column).offset + excess);
  }
  for (let column: u32 = 0; column < tops.columns; column++) {
    const offset = tops.column(column).offset;
    if (sharedLimit(column) == offset + FAR) store<u64>(LIMITS + (column << 3), limitFar(tops, column, offset + FAR, rank));
  }
}

/** Counts the uppers of every column by how far they are above its offset. */
function countNear(tops: SharedTops): void {
  memory.fill(SketchPool.scratch, 0, tops.columns * COUNTS * 4);
  for (let run: u32 = 0; run < tops.runCount; run++) {
    const end = tops.runEnd(run);
    for (let at = tops.run(run); at < end; at += tops.stride) {
      const cell = changetype<SharedCell>(at);
      if (<u32>cell.epoch != FREE) countCell(tops, cell);
    }
  }
}

function countCell(tops: SharedTops, cell: SharedCell): void {
  const weights = tops.weight(cell, 0);
  for (let index: u32 = 0; index < tops.columns; index++) {
    if (load<u64>(weights + (index << 3)) == 0) continue;
    const upper = tops.upperOf(cell, index);
    const offset = tops.column(index).offset;
    const above = upper > offset ? min(upper - offset, FAR) : 0;
    const count = SketchPool.scratch + index * COUNTS * 4 + ((<usize>above) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/** The upper of `column` of rank `rank` from above, which is `least` at the least: found by its digits to base 256. */
function limitFar(tops: SharedTops, column: u32, least: u64, rank: u32): u64 {
  const counts = SketchPool.scratch;
  let low = least;
  let width = greatest(tops, column) - least;
  while (true) {
    const shift: u64 = width < 256 ? 0 : 56 - clz<u64>(width);
    countBetween(tops, column, low, width, shift);
    let part: usize = 255;
    while (load<u32>(counts + (part << 2)) < rank) {
      rank -= load<u32>(counts + (part << 2));
      part--;
    }
    low += (<u64>part) << shift;
    if (shift == 0) return low;
    width = ((<u64>1) << shift) - 1;
  }
}

function greatest(tops: SharedTops, column: u32): u64 {
  let found: u64 = 0;
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const cell = changetype<SharedCell>(at);
    found = max(found, tops.upperOf(cell, column));
  }
  return found;
}

/** Counts the uppers of `column` that are at most `width` above `low` by the digit above `shift` of what they are above it. */
function countBetween(tops: SharedTops, column: u32, low: u64, width: u64, shift: u64): void {
  memory.fill(SketchPool.scratch, 0, 1024);
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) {
    const cell = changetype<SharedCell>(at);
    const above = tops.upperOf(cell, column) - low;
    if (above > width) continue;
    const count = SketchPool.scratch + ((<usize>(above >> shift)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}
