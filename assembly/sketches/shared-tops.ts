/**
 * Several tops whose keys are the same things: one table, with a weight of each key for each top, a column.
 *
 * A name that is asked for is counted by requests, by bytes, by outcome: one search and a few additions do for all of them what
 * a table for each would do with as many searches, entries and copies of the key.
 *
 * In each column, whatever comes: the total is exact; a key's true weight lies in [weight, weight + error]; that of a key without
 * a cell, or without weight in the column, is at most the column's offset. A key enters with the offsets of then as its errors.
 * A full table drops keys (`shared-drop.ts`); the minute's end makes ordinary tops of the columns (`shared-seal.ts`).
 *
 * ```
 * record:  | fields | slot pages u32 x 16 | { total u64, offset u64, lost u64 } x columns |
 * slots:   address of a cell << 1 | tag, 5 bits          half full at most, so that a search seldom meets another key
 * cell:    | hash u64 | key u32 | length u8 | epoch u8 | 0 u16 | key bytes ... | weight u64 x columns |     64 or 128 bytes
 * errors:  { u64 x columns } x epochs                    an epoch lasts from one drop to the next
 * ```
 * A key that is longer than its place in the cell lies in a block of the pool. A cell that is free has epoch FREE, its key being the
 * next free one's address.
 */
import { Remembered } from "./remembered";
import { SketchPool } from "./sketch-pool";

/** Columns of one table at the most. */
export const COLUMNS_MAX: u32 = 12;
/** Epochs whose errors are told apart. */
export const EPOCHS: u32 = 32;
/** The epoch of a cell that is not in use. */
export const FREE: u32 = 255;

const CELL_BYTES: u32 = 64;
/** Bytes of hash, key and epoch before a cell's own bytes. */
export const HEAD_BYTES: u32 = 16;
/** Bytes of a key that a cell has room for at the least. */
const INLINE_BYTES_MIN: u32 = 24;
/** Bytes of the first cells of a table: many tables stay small. */
export const FIRST_RUN_BYTES: u32 = 1024;
export const PAGE_BYTES: u32 = 4096;
const SLOT_BITS_MIN: u32 = 6;
/** Slots beyond which they take whole pages of 2^10. */
const SLOT_BLOCK_BITS_MAX: u32 = 8;
const SLOT_PAGE_BITS: u32 = 10;
const SLOT_PAGE_MASK: u32 = 1023;
export const TAG_MASK: u32 = 31;
/** One key and its weights, which lie behind. */
@unmanaged
export class SharedCell {
  hash: u64;
  /** Address of the key's bytes; of the next free cell in one that is free. */
  key: u32;
  length: u8;
  epoch: u8;
  spare: u16;
}

/** What one top adds up to. */
@unmanaged
export class Column {
  total: u64;
  /** True weight at most of any key without a weight here. */
  offset: u64;
  /** What found no cell, for want of memory: any key may have lost it. */
  lost: u64;
}

@unmanaged
export class SharedTops {
  columns: u32;
  /** Bytes of a cell. */
  stride: u32;
  /** Cells in use. */
  count: u32;
  /** Cells that there may be before light ones are dropped; it grows to `capacityMax` where few of them are light. */
  capacity: u32;
  capacityMax: u32;
  /** Heaviest keys of each column that a drop keeps at the least. */
  kept: u32;
  slotBits: u32;
  /** Addresses of runs of cells, and how many there are and may be. */
  runs: u32;
  runCount: u32;
  runRoom: u32;
  /** The first free cell. */
  free: u32;
  /** The next cell of the last run that was never used, and the run's end. */
  fresh: u32;
  freshEnd: u32;
  epoch: u32;
  /** Errors by epoch; 0 before the first drop, when all are 0. */
  errors: u32;
  spare: u32;
  /** 16 addresses of pages of slots. */
  slots: u32;

  /** Address of slot `index`. */
  @inline slot(index: u32): usize {
    const page = load<u32>(changetype<usize>(this) + ((index >> SLOT_PAGE_BITS) << 2), offsetof<SharedTops>("slots"));
    return <usize>page + ((index & SLOT_PAGE_MASK) << 2);
  }

  @inline column(index: u32): Column {
    return changetype<Column>(changetype<usize>(this) + COLUMNS_OFFSET + index * offsetof<Column>());
  }

  /** Address of the weight of `cell` in column `index`. */
  @inline weight(cell: SharedCell, index: u32): usize {
    return changetype<usize>(cell) + this.stride - ((this.columns - index) << 3);
  }

  /** By how much the true weight of `cell` in column `index` may be more than its weight here. */
  @inline errorOf(cell: SharedCell, index: u32): u64 {
    const error = this.errors == 0 ? 0 : load<u64>(<usize>this.errors + ((<u32>cell.epoch * this.columns + index) << 3));
    const column = this.column(index);
    return column.lost == 0 ? error : min(error + column.lost, column.offset);
  }

  /** The most that the true weight of `cell` in column `index` can be; 0 where it has no weight there. */
  @inline upperOf(cell: SharedCell, index: u32): u64 {
    const weight = load<u64>(this.weight(cell, index));
    return weight == 0 ? 0 : weight + this.errorOf(cell, index);
  }

  /** Address of run `index` of cells. */
  @inline run(index: u32): usize {
    return <usize>load<u32>(<usize>this.runs + (index << 2));
  }

  /** One past the last cell of run `index` that was ever used. */
  runEnd(index: u32): usize {
    if (index + 1 == this.runCount) return this.fresh;
    const bytes = index == 0 ? FIRST_RUN_BYTES : PAGE_BYTES;
    return this.run(index) + (bytes / this.stride) * this.stride;
  }
}

/** The cells in use, one after another. */
export class Cells {
  private static at: usize = 0;
  private static end: usize = 0;
  private static run: u32 = 0;

  /** Begins anew; `next` then gives the first. */
  static open(): void {
    Cells.at = 0;
    Cells.end = 0;
    Cells.run = 0;
  }

  /** The next cell of `tops`, 0 after the last. */
  static next(tops: SharedTops): usize {
    let at = Cells.at;
    while (true) {
      if (at == Cells.end) {
        if (Cells.run == tops.runCount) return 0;
        at = tops.run(Cells.run);
        Cells.end = tops.runEnd(Cells.run);
        Cells.run++;
        continue;
      }
      const cell = at;
      at += tops.stride;
      if (<u32>changetype<SharedCell>(cell).epoch == FREE) continue;
      Cells.at = at;
      return cell;
    }
  }
}

const COLUMNS_OFFSET: usize = offsetof<SharedTops>() + 60;

/** Bytes of a cell with so many columns: a whole number of cache lines. */
function strideOf(columns: u32): u32 {
  return (HEAD_BYTES + INLINE_BYTES_MIN + (columns << 3) + CELL_BYTES - 1) & ~(CELL_BYTES - 1);
}

/**
 * Creates an empty table of `columns` tops that each keep their 3/8 of 2^`bits` heaviest keys at the least, in up to four times
 * as many cells as one would take; 0 when the pool is used up.
 */
export function sharedCreate(columns: u32, bits: u32): usize {
  assert(columns > 0 && columns <= COLUMNS_MAX && (COLUMNS_OFFSET & 7) == 0);
  const state = SketchPool.zeroed(<u32>COLUMNS_OFFSET + columns * <u32>offsetof<Column>());
  if (state == 0) return 0;
  const tops = changetype<SharedTops>(state);
  tops.columns = columns;
  tops.stride = strideOf(columns);
  tops.capacity = 1 << bits;
  tops.capacityMax = columns == 1 ? 1 << bits : 4 << bits;
  // However little the columns' keys have in common, a quarter of the cells becomes free.
  tops.kept = min((3 << bits) >> 3, ((tops.capacityMax >> 2) * 3) / columns);
  return state;
}

/** Gives everything that `state` holds back to the pool. */
export function sharedRelease(state: usize): void {
  Remembered.forget();
  const tops = changetype<SharedTops>(state);
  sharedReleaseSlots(tops);
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) releaseKey(changetype<SharedCell>(at));
  for (let index: u32 = 0; index < tops.runCount; index++) {
    if (index == 0) SketchPool.pool.release(tops.run(0));
    else SketchPool.pool.releasePage(tops.run(index));
  }
  if (tops.runs != 0) SketchPool.pool.release(tops.runs);
  if (tops.errors != 0) SketchPool.pool.release(tops.errors);
  SketchPool.pool.release(state);
}

/** Gives the slots back: nothing can be found any more. */
export function sharedReleaseSlots(tops: SharedTops): void {
  if (tops.slotBits == 0) return;
  if (tops.slotBits <= SLOT_BLOCK_BITS_MAX) {
    SketchPool.pool.release(tops.slots);
  } else {
    for (let index: u32 = 0; index < (<u32>1) << tops.slotBits; index += SLOT_PAGE_MASK + 1) {
      SketchPool.pool.releasePage(tops.slot(index));
    }
  }
  tops.slotBits = 0;
}

function releaseKey(cell: SharedCell): void {
  if (<usize>cell.key != changetype<usize>(cell) + HEAD_BYTES) SketchPool.pool.release(cell.key);
}

/** Lets a cell go; its slot is the caller's. */
export function freeCell(tops: SharedTops, cell: SharedCell): void {
  releaseKey(cell);
  cell.epoch = <u8>FREE;
  cell.key = tops.free;
  tops.free = <u32>changetype<usize>(cell);
  tops.count--;
}

/** Twice as many slots: 64 at first, from 256 to 1024 at once, as a page holds that many. */
export function growSlots(tops: SharedTops): bool {
  let bits = tops.slotBits == 0 ? SLOT_BITS_MIN : tops.slotBits + 1;
  if (bits <= SLOT_BLOCK_BITS_MAX) {
    const block = SketchPool.block(4 << bits);
    if (block == 0) return false;
    sharedReleaseSlots(tops);
    tops.slots = <u32>block;
  } else {
    bits = max(bits, SLOT_PAGE_BITS);
    if (!growSlotPages(tops, bits)) return false;
  }
  tops.slotBits = bits;
  refillSlots(tops);
  return true;
}

/** Takes the pages that are missing for 2^`bits` slots; those there are stay. */
function growSlotPages(tops: SharedTops, bits: u32): bool {
  const pages = changetype<usize>(tops) + offsetof<SharedTops>("slots");
  const have: u32 = tops.slotBits < SLOT_PAGE_BITS ? 0 : 1 << (tops.slotBits - SLOT_PAGE_BITS);
  const want: u32 = 1 << (bits - SLOT_PAGE_BITS);
  const block = <usize>tops.slots;
  for (let index = have; index < want; index++) {
    const page = SketchPool.page();
    if (page == 0) {
      while (index-- > have) SketchPool.pool.releasePage(load<u32>(pages + (index << 2)));
      tops.slots = <u32>block;
      return false;
    }
    store<u32>(pages + (index << 2), <u32>page);
  }
  if (have == 0 && tops.slotBits != 0) SketchPool.pool.release(block);
  return true;
}

/** Empties all slots. */
export function clearSlots(tops: SharedTops): void {
  const slots = (<u32>1) << tops.slotBits;
  if (tops.slotBits < SLOT_PAGE_BITS) {
    memory.fill(tops.slots, 0, slots << 2);
    return;
  }
  for (let index: u32 = 0; index < slots; index += SLOT_PAGE_MASK + 1) memory.fill(tops.slot(index), 0, PAGE_BYTES);
}

function refillSlots(tops: SharedTops): void {
  clearSlots(tops);
  Cells.open();
  for (let at = Cells.next(tops); at != 0; at = Cells.next(tops)) fillSlot(tops, changetype<SharedCell>(at));
}

/** Puts a cell into the first free slot of its hash. */
export function fillSlot(tops: SharedTops, cell: SharedCell): void {
  const mixed = cell.hash * SketchPool.secret;
  const mask = ((<u32>1) << tops.slotBits) - 1;
  let index = <u32>(mixed >> (64 - <u64>tops.slotBits));
  while (load<u32>(tops.slot(index)) != 0) index = (index + 1) & mask;
  store<u32>(tops.slot(index), ((<u32>changetype<usize>(cell)) << 1) | (<u32>(mixed >> 20) & TAG_MASK));
}
