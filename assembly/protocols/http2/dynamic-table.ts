/**
 * The dynamic table of one direction (RFC 7541 section 2.3.2), as far as it is known.
 *
 * Entries are found by their distance from the newest, so those that came after a gap are known again whatever was lost before:
 * an index beyond what is kept is an entry that is not known, never a wrong one. For the same reason it may forget early, when
 * memory has an end: the oldest go first.
 *
 * ```
 * block:  0 used u16 | 2 capacity u16 | 4 entries ..., the newest last
 * entry:  what is kept of its value | kept u16 | name's length u16 | name u8 | cut u8 | spare u16 | size by section 4.1 u32
 * ```
 * Values are kept only where their name is read, so a table of 4096 bytes takes a fraction of that, and one of 64 KiB mostly fits.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { Regions } from "../../regions";
import { Half } from "./state";

const USED: usize = 0;
const CAPACITY: usize = 2;
const HEADER_BYTES: u32 = 4;
const FOOTER_BYTES: u32 = 12;
/** First block of a table. */
const FIRST_BYTES: u32 = 256;

/** The entry that `find` found. */
export class Entry {
  static name: u32 = 0;
  static nameLength: u32 = 0;
  static start: usize = 0;
  static length: u32 = 0;
  static cut: bool = false;
}

/** Finds entry `index`, 1 for the newest; false where it is not known. */
export function tableFind(half: Half, index: u32): bool {
  if (half.table == 0) return false;
  const first = <usize>half.table + HEADER_BYTES;
  let end = <usize>half.table + <usize>load<u16>(half.table, USED);
  for (let left = index; end > first; left--) {
    const footer = end - FOOTER_BYTES;
    const kept = <u32>load<u16>(footer);
    if (left == 1) {
      Entry.start = footer - kept;
      Entry.length = kept;
      Entry.nameLength = load<u16>(footer, 2);
      Entry.name = load<u8>(footer, 4);
      Entry.cut = load<u8>(footer, 5) != 0;
      return true;
    }
    end = footer - kept;
  }
  return false;
}

/** Adds an entry of `size` bytes by section 4.1, of whose value `kept` bytes lie at `start`. */
export function tableAdd(half: Half, name: u32, nameLength: u32, start: usize, kept: u32, cut: bool, size: u32): void {
  if (size > half.tableMax) {
    // It empties the table and is not added (section 4.4).
    tableForget(half);
    return;
  }
  const bytes = kept + FOOTER_BYTES;
  if (!makeRoom(half, bytes, half.tableMax - size)) {
    // An entry that is not kept must not let the others be taken for it.
    tableForget(half);
    return;
  }
  const table = <usize>half.table;
  const at = table + <usize>load<u16>(table, USED);
  memory.copy(at, start, kept);
  const footer = at + kept;
  store<u16>(footer, kept);
  store<u16>(footer, nameLength < 0xffff ? nameLength : 0xffff, 2);
  store<u8>(footer, name, 4);
  store<u8>(footer, cut ? 1 : 0, 5);
  store<u16>(footer, 0, 6);
  store<u32>(footer, size, 8);
  store<u16>(table, <u32>load<u16>(table, USED) + bytes, USED);
}

/** The sender's limit is `most` from here (section 6.3). */
export function tableLimit(half: Half, most: u32): void {
  half.tableMax = most;
  if (most == 0) tableForget(half);
  else if (half.table != 0) keepNewest(half, BLOCK_BYTES_MAX, most);
}

/** Forgets every entry, and gives their block back. */
export function tableForget(half: Half): void {
  if (half.table != 0) Regions.streamPool.release(half.table);
  half.table = 0;
}

/** Makes room for `bytes` more, keeping entries of at most `most` bytes by section 4.1; false where there is none. */
function makeRoom(half: Half, bytes: u32, most: u32): bool {
  if (half.table == 0) return allocate(half, HEADER_BYTES + bytes);
  const used = <u32>load<u16>(half.table, USED);
  if (used + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
  const left = keepNewest(half, BLOCK_BYTES_MAX, most);
  if (left + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
  if (left + bytes <= BLOCK_BYTES_MAX && grow(half, left + bytes)) return true;
  // A quarter goes at once, so that this is not done for each entry.
  const capacity = <u32>load<u16>(half.table, CAPACITY);
  if (bytes > capacity / 2) return false;
  keepNewest(half, capacity - (bytes > capacity / 4 ? bytes : capacity / 4), most);
  return true;
}

function allocate(half: Half, bytes: u32): bool {
  let capacity = FIRST_BYTES;
  while (capacity < bytes) capacity <<= 1;
  if (capacity == 2048) capacity = 2032;
  if (capacity > BLOCK_BYTES_MAX) capacity = BLOCK_BYTES_MAX;
  const block = Regions.streamPool.allocate(capacity);
  if (block == 0) return false;
  store<u16>(block, HEADER_BYTES, USED);
  store<u16>(block, capacity, CAPACITY);
  half.table = <u32>block;
  return true;
}

function grow(half: Half, bytes: u32): bool {
  const old = <usize>half.table;
  const wanted = bytes + bytes / 2 < BLOCK_BYTES_MAX ? bytes + bytes / 2 : BLOCK_BYTES_MAX;
  if (!allocate(half, wanted)) return false;
  const used = <u32>load<u16>(old, USED);
  memory.copy(<usize>half.table + HEADER_BYTES, old + HEADER_BYTES, used - HEADER_BYTES);
  store<u16>(half.table, used, USED);
  Regions.streamPool.release(old);
  return true;
}

/** Drops the oldest entries until those left take at most `bytesMax` here and `most` by section 4.1; answers what is used then. */
function keepNewest(half: Half, bytesMax: u32, most: u32): u32 {
  const table = <usize>half.table;
  const first = table + HEADER_BYTES;
  const end = table + <usize>load<u16>(table, USED);
  let from = end;
  let size: u32 = 0;
  while (from > first) {
    const footer = from - FOOTER_BYTES;
    const one = load<u32>(footer, 8);
    const before = footer - <usize>load<u16>(footer);
    if (one > most - size || <u32>(end - before) + HEADER_BYTES > bytesMax) break;
    size += one;
    from = before;
  }
  const left = <u32>(end - from);
  if (from != first) memory.copy(first, from, left);
  store<u16>(table, HEADER_BYTES + left, USED);
  return HEADER_BYTES + left;
}
