/**
 * A bounded table of keys with a bound on what each may have lost: the common part of top and breakdown.
 *
 * It is SpaceSaving's form of Misra-Gries: a cell's true weight lies in [upper - error, upper], and a key without a cell has
 * a true weight of at most `offset`. A new key enters with error = offset. A full table drops every cell whose upper is at
 * most the exact median of all and raises the offset to that median.
 *
 * ```
 * slots:  open addressing, u32 each: | tag 16 | cell + 1, 16 |     in up to two pages, 3/4 full at most
 * cells:  32 bytes each: | hash u64 | upper u64 | error u64 | key u32 | part u32 |     in up to 12 pages
 * key:    | length u8 | bytes |     a block of the pool
 * ```
 * Upper and error are stored less `base`: merging another table adds that one's offset to every cell that it lacks, which is
 * one addition to the base. The slot of a key is its hash times a secret odd number, so that nobody can choose keys that
 * collide; which slot a key has changes no output.
 */
import { copyBytes, sameBytes } from "../bytes/run";
import { Remembered } from "./remembered";
import { SketchPool } from "./sketch-pool";

/** Bytes of the longest key. */
export const KEY_BYTES_MAX: u32 = 255;
/** log2 of the slots that a table may grow to. */
export const TABLE_BITS_MIN: u32 = 5;
export const TABLE_BITS_MAX: u32 = 11;

const CELL_SHIFT: u32 = 5;
const PAGE_CELLS_SHIFT: u32 = 7;
const PAGE_CELLS: u32 = 128;
const CELLS_FIRST: u32 = 16;
const PAGE_SLOTS_SHIFT: u32 = 10;
const PAGE_SLOTS_MASK: u32 = 1023;
/** Slots beyond which they take whole pages; there are none between this and a page. */
const BLOCK_BITS_MAX: u32 = 8;
const TAG_MASK: u32 = 0xffff0000;

/** One key and its weight. */
@unmanaged
export class Cell {
  hash: u64;
  /** True weight at most, less the table's base. */
  upper: u64;
  /** By how much the true weight may be less, less the table's base. */
  error: u64;
  /** Address of the key: a byte of length, then its bytes. */
  key: u32;
  /** Address of what else a cell holds, a block of the pool; 0 when nothing. */
  part: u32;
}

/** The table's record; top and breakdown extend it. */
@unmanaged
export class KeyTable {
  slots0: u32;
  slots1: u32;
  /** Pages of cells; the first is a smaller block while there are few. */
  cells0: u32;
  cells1: u32;
  cells2: u32;
  cells3: u32;
  cells4: u32;
  cells5: u32;
  cells6: u32;
  cells7: u32;
  cells8: u32;
  cells9: u32;
  cells10: u32;
  cells11: u32;
  /** Cells in use. */
  count: u32;
  /** Cells that there is memory for. */
  room: u32;
  /** Cells that there may be. */
  capacity: u32;
  /** log2 of the slots there are, and of those there may be. */
  bits: u16;
  bitsMax: u16;
  /** True weight at most of any key without a cell. */
  offset: u64;
  /** Added to the upper and the error of every cell. */
  base: u64;

  /** Address of cell `index`. */
  @inline cell(index: u32): Cell {
    const page = load<u32>(changetype<usize>(this) + ((index >> PAGE_CELLS_SHIFT) << 2), offsetof<KeyTable>("cells0"));
    return changetype<Cell>(<usize>page + ((index & (PAGE_CELLS - 1)) << CELL_SHIFT));
  }

  /** Address of slot `index`. */
  @inline slot(index: u32): usize {
    return <usize>load<u32>(changetype<usize>(this) + ((index >> PAGE_SLOTS_SHIFT) << 2)) + ((index & PAGE_SLOTS_MASK) << 2);
  }

  /** The most that the weight of `cell` can be. */
  @inline upperOf(cell: Cell): u64 {
    return cell.upper + this.base;
  }

  /** By how much the weight of `cell` can be less than that. */
  @inline errorOf(cell: Cell): u64 {
    return cell.error + this.base;
  }
}

/** Where the last search ended. */
class Probe {
  /** The free slot that it met, good until the slots change. */
  static slot: usize = 0;
  /** The tag of the key searched for, in the upper half. */
  static tag: u32 = 0;
  /** Number, from 1, of the cell that it found, or that was entered. */
  static number: u32 = 0;
}

/** Opens a table whose record is all zeros; it holds at most 3/4 of 2^`bitsMax` keys. */
export function tableOpen(table: KeyTable, bitsMax: u32): void {
  const bits = max(TABLE_BITS_MIN, min(bitsMax, TABLE_BITS_MAX));
  table.bitsMax = <u16>bits;
  table.capacity = (3 << bits) >> 2;
}

/** Gives the cells, keys and slots of a table back to the pool; the parts of cells are its owner's. */
export function tableRelease(table: KeyTable): void {
  for (let index: u32 = 0; index < table.count; index++) SketchPool.pool.release(table.cell(index).key);
  releaseSlots(table);
  if (table.room == 0) return;
  if (table.room < PAGE_CELLS) {
    SketchPool.pool.release(table.cells0);
    return;
  }
  for (let index: u32 = 0; index < table.room; index += PAGE_CELLS) {
    SketchPool.pool.releasePage(changetype<usize>(table.cell(index)));
  }
}

function releaseSlots(table: KeyTable): void {
  if (table.bits == 0) return;
  if (<u32>table.bits <= BLOCK_BITS_MAX) {
    SketchPool.pool.release(table.slots0);
    return;
  }
  SketchPool.pool.releasePage(table.slots0);
  if (table.slots1 != 0) SketchPool.pool.releasePage(table.slots1);
}

/** Finds the cell of a key of `length` bytes at `start`; 0 when it has none, and then `tableEnter` may follow. */
export function tableFind(table: KeyTable, hash: u64, start: usize, length: u32): usize {
  if (table.bits == 0) return 0;
  const mixed = hash * SketchPool.secret;
  const mask = ((<u32>1) << (<u32>table.bits)) - 1;
  const tag = <u32>(mixed >> 16) & TAG_MASK;
  let index = <u32>(mixed >> (64 - <u64>table.bits));
  while (true) {
    const at = table.slot(index);
    const slot = load<u32>(at);
    if (slot == 0) {
      Probe.slot = at;
      Probe.tag = tag;
      return 0;
    }
    if ((slot ^ tag) <= 0xffff) {
      const cell = table.cell((slot & 0xffff) - 1);
      if (cell.hash == hash && <u32>load<u8>(cell.key) == length && sameBytes(cell.key + 1, start, length)) {
        Probe.number = slot & 0xffff;
        return changetype<usize>(cell);
      }
    }
    index = (index + 1) & mask;
  }
}

/** The cell of a key that was asked for lately, found without its hash; 0 where it has to be searched. */
export function tableRemembered(table: KeyTable, start: usize, length: u32): usize {
  const number = Remembered.placeOf(changetype<usize>(table), start, length);
  if (number == 0 || number > table.count) return 0;
  const cell = table.cell(number - 1);
  return <u32>load<u8>(cell.key) == length && sameBytes(cell.key + 1, start, length) ? changetype<usize>(cell) : 0;
}

/** Remembers the key that `tableRemembered` was asked for last, and `tableFind` or `tableEnter` just gave a cell for. */
export function tableRemember(table: KeyTable): void {
  Remembered.put(changetype<usize>(table), Probe.number);
}

/**
 * Gives the key that was searched for last, without success, a cell without any weight of its own: what it may have lost
 * before is all its upper and all its error. 0 when the pool is used up. The table is not full.
 */
export function tableEnter(table: KeyTable, hash: u64, start: usize, length: u32): usize {
  assert(table.count < table.capacity && length <= KEY_BYTES_MAX);
  if (table.count == table.room && !growCells(table)) return 0;
  const full = table.bits == 0 || table.count >= ((<u32>3) << (<u32>table.bits)) >> 2;
  if (full && !growSlots(table)) return 0;
  const key = SketchPool.block(length + 1);
  if (key == 0) return 0;
  store<u8>(key, length);
  copyBytes(key + 1, start, length);
  const cell = table.cell(table.count);
  cell.hash = hash;
  cell.key = <u32>key;
  cell.part = 0;
  cell.upper = table.offset - table.base;
  cell.error = cell.upper;
  table.count++;
  Probe.number = table.count;
  if (full) fillSlot(table, hash, table.count);
  else store<u32>(Probe.slot, Probe.tag | table.count);
  return changetype<usize>(cell);
}

/** Puts cell `number` - 1 into the first free slot of its hash. */
function fillSlot(table: KeyTable, hash: u64, number: u32): void {
  const mixed = hash * SketchPool.secret;
  const mask = ((<u32>1) << (<u32>table.bits)) - 1;
  let index = <u32>(mixed >> (64 - <u64>table.bits));
  while (load<u32>(table.slot(index)) != 0) index = (index + 1) & mask;
  store<u32>(table.slot(index), (<u32>(mixed >> 16) & TAG_MASK) | number);
}

/** Makes room for more cells: 16, 32, then pages. */
function growCells(table: KeyTable): bool {
  const pages = changetype<usize>(table) + offsetof<KeyTable>("cells0");
  const room = table.room;
  const whole = room > CELLS_FIRST;
  const block = whole
    ? SketchPool.page()
    : SketchPool.block(room == 0 ? CELLS_FIRST << CELL_SHIFT : CELLS_FIRST << (CELL_SHIFT + 1));
  if (block == 0) return false;
  if (room >= PAGE_CELLS) {
    store<u32>(pages + ((room >> PAGE_CELLS_SHIFT) << 2), <u32>block);
    table.room = room + PAGE_CELLS;
    return true;
  }
  if (room != 0) {
    memory.copy(block, table.cells0, room << CELL_SHIFT);
    SketchPool.pool.release(table.cells0);
  }
  table.cells0 = <u32>block;
  table.room = whole ? PAGE_CELLS : room == 0 ? CELLS_FIRST : 2 * CELLS_FIRST;
  return true;
}

/** Doubles the slots: 32 at first, from 256 to 1024 at once, as a page holds that many. */
function growSlots(table: KeyTable): bool {
  let bits = table.bits == 0 ? TABLE_BITS_MIN : <u32>table.bits + 1;
  if (bits > BLOCK_BITS_MAX) bits = max(bits, min(PAGE_SLOTS_SHIFT, table.bitsMax));
  const whole = bits > BLOCK_BITS_MAX;
  const first = whole ? SketchPool.page() : SketchPool.block(4 << bits);
  if (first == 0) return false;
  const second = bits > PAGE_SLOTS_SHIFT ? SketchPool.page() : 0;
  if (bits > PAGE_SLOTS_SHIFT && second == 0) {
    SketchPool.pool.releasePage(first);
    return false;
  }
  releaseSlots(table);
  table.slots0 = <u32>first;
  table.slots1 = <u32>second;
  table.bits = <u16>bits;
  fillSlots(table);
  return true;
}

/** Empties all slots and fills them with the cells there are. */
function fillSlots(table: KeyTable): void {
  const slots = (<u32>1) << (<u32>table.bits);
  memory.fill(table.slots0, 0, min(slots, PAGE_SLOTS_MASK + 1) << 2);
  if (table.slots1 != 0) memory.fill(table.slots1, 0, (slots >> 1) << 2);
  for (let index: u32 = 0; index < table.count; index++) fillSlot(table, table.cell(index).hash, index + 1);
}

/** Gives the median of the uppers, less the base: the one of rank count / 2 from 0 in ascending order. */
export function tableMedian(table: KeyTable): u64 {
  // Most keys of a full table are new and light: then the median is found among the 255 uppers above the offset.
  const floor = table.offset - table.base;
  const counts = SketchPool.scratch;
  memory.fill(counts, 0, 1024);
  let low = u64.MAX_VALUE;
  let high: u64 = 0;
  for (let index: u32 = 0; index < table.count; index++) {
    const upper = table.cell(index).upper;
    low = min(low, upper);
    high = max(high, upper);
    const count = counts + ((<usize>min<u64>(upper - floor, 255)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let rank = table.count >> 1;
  let part: usize = 0;
  if (low >= floor) {
    while (load<u32>(counts + (part << 2)) <= rank) {
      rank -= load<u32>(counts + (part << 2));
      part++;
    }
    if (part < 255) return floor + <u64>part;
    rank = table.count >> 1;
  }
  return medianBetween(table, low, high - low, rank);
}

/** Finds the upper of rank `rank` by its digits to base 256, among those that are at most `width` above `low`. */
function medianBetween(table: KeyTable, low: u64, width: u64, rank: u32): u64 {
  const counts = SketchPool.scratch;
  while (true) {
    const shift: u64 = width < 256 ? 0 : 56 - clz<u64>(width);
    memory.fill(counts, 0, 1024);
    for (let index: u32 = 0; index < table.count; index++) {
      const above = table.cell(index).upper - low;
      if (above > width) continue;
      const count = counts + ((<usize>(above >> shift)) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
    let part: usize = 0;
    while (load<u32>(counts + (part << 2)) <= rank) {
      rank -= load<u32>(counts + (part << 2));
      part++;
    }
    low += (<u64>part) << shift;
    if (shift == 0) return low;
    width = ((<u64>1) << shift) - 1;
  }
}

/** Drops every cell whose upper, less the base, is at most `limit`, and raises the offset to it. */
export function tableDrop(table: KeyTable, limit: u64): void {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < table.count; index++) {
    const cell = table.cell(index);
    if (cell.upper <= limit) {
      SketchPool.pool.release(cell.key);
      continue;
    }
    if (kept != index) {
      const target = changetype<usize>(table.cell(kept));
      v128.store(target, v128.load(changetype<usize>(cell)));
      v128.store(target, v128.load(changetype<usize>(cell), 16), 16);
    }
    kept++;
  }
  table.count = kept;
  fillSlots(table);
  table.offset = max(table.offset, limit + table.base);
}
