/**
 * The dynamic table of one direction (RFC 7541 section 2.3.2), as far as it is known.
 *
 * Entries are found by their distance from the newest, so those that came after a gap are known again whatever was lost before:
 * an index beyond what is kept is an entry that is not known, never a wrong one. For the same reason it may forget early, when
 * memory has an end: the oldest go first. What stood before a gap stays behind a mark (lost-entries.ts).
 *
 * ```
 * block:  0 used u16 | 2 capacity u16 | 4 entries ..., the newest last
 * entry:  what is kept of its value | kept u16 | name's length u16 | name u8 | kind u8 | key u16 | size by section 4.1 u32 |
 *         key of the field before it in headers, in trailers, in headers that end the stream, 3 u16 | number u16
 * ```
 * Values are kept only where their name is read, so a table of 4096 bytes takes a fraction of that, and one of 64 KiB mostly fits. What
 * came in trailers has its name before the value (Name.TRAILER), and so has all else where header fields are kept (Name.HEADER): those
 * give up their texts where the block is full (`thin`), before any entry goes.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { Regions } from "../../regions";
import { Settings } from "../../settings";
import { hasText, Name } from "./names";
import { Half, LostFlag } from "./state";

const USED: usize = 0;
const CAPACITY: usize = 2;
const HEADER_BYTES: u32 = 4;
const FOOTER_BYTES: u32 = 20;
/** First block of a table. */
const FIRST_BYTES: u32 = 256;
/** Bytes that each entry costs beside its texts (section 4.1). */
export const ENTRY_BYTES: u32 = 32;

/** Offsets in a footer. */
const KEPT: usize = 0;
const NAME_LENGTH: usize = 2;
const NAME: usize = 4;
const KIND: usize = 5;
const KEY: usize = 6;
const SIZE: usize = 8;
const BEFORE: usize = 12;
const NUMBER: usize = 18;

/** What an entry is. */
export class EntryKind {
  static readonly WHOLE: u32 = 0;
  /** Less of its value was kept than came. */
  static readonly CUT: u32 = 1;
  /** It stands for entries that are not known, as many as its number says. */
  static readonly UNKNOWN: u32 = 2;
  /** The same, but how many they are is not known either; there is one of these at the most. */
  static readonly MARK: u32 = 3;
}

/** The entry that `tableFind` found. */
export class Entry {
  static name: u32 = 0;
  static nameLength: u32 = 0;
  static start: usize = 0;
  static length: u32 = 0;
  static cut: bool = false;
  /** Its footer. */
  static at: usize = 0;
  /** Where none was found: how far behind the mark it is, from 1 on; 0 where there is no mark before it. */
  static behind: u32 = 0;
}

/** The footer of the newest entry; 0 for none. */
export function newestOf(half: Half): usize {
  return half.table == 0 ? 0 : olderThan(half, <usize>half.table + <usize>load<u16>(half.table, USED));
}

/** The footer of the entry before the one at `footer`; 0 for none. */
export function olderOf(half: Half, footer: usize): usize {
  return olderThan(half, footer - <usize>load<u16>(footer, KEPT));
}

function olderThan(half: Half, start: usize): usize {
  return start > <usize>half.table + HEADER_BYTES ? start - FOOTER_BYTES : 0;
}

/** What the entry at `footer` is (EntryKind). */
export function kindOf(footer: usize): u32 {
  return load<u8>(footer, KIND);
}

/** The number of the name of the entry at `footer`. */
export function nameAt(footer: usize): u32 {
  return load<u8>(footer, NAME);
}

/** The length of that name. */
export function nameLengthAt(footer: usize): u32 {
  return load<u16>(footer, NAME_LENGTH);
}

/** The key of its name. */
export function keyAt(footer: usize): u32 {
  return load<u16>(footer, KEY);
}

/** How many entries it stands for, where they are unknown; of others, how far behind the mark the one is that has their name. */
export function numberAt(footer: usize): u32 {
  return load<u16>(footer, NUMBER);
}

/** Its size by section 4.1, at the least. */
export function sizeAt(footer: usize): u32 {
  return load<u32>(footer, SIZE);
}

/** The key of the field that came before it in a block of form `form`; 0 where it was in none. */
export function keyBefore(footer: usize, form: u32): u32 {
  return load<u16>(footer + BEFORE + (form << 1));
}

/** Notes that key. */
export function noteBefore(footer: usize, form: u32, key: u32): void {
  store<u16>(footer + BEFORE + (form << 1), key);
}

/** What is kept beside the footer. */
export function contentOf(footer: usize): usize {
  return footer - <usize>load<u16>(footer, KEPT);
}

/** Gives an entry whose name was not known its name. */
export function nameEntry(footer: usize, name: u32, key: u32, nameLength: u32): void {
  if (kindOf(footer) >= EntryKind.UNKNOWN || nameAt(footer) != Name.UNKNOWN) return;
  // Its own text has no name before it.
  store<u8>(footer, hasText(name) ? Name.OTHER : name, NAME);
  store<u16>(footer, key, KEY);
  store<u16>(footer, nameLength, NAME_LENGTH);
  store<u16>(footer, 0, NUMBER);
}

/** Notes that the name of the entry at `footer` is that of one `far` behind the mark. */
export function noteNamedBehind(footer: usize, far: u32): void {
  store<u16>(footer, far < 0xffff ? far : 0, NUMBER);
}

/** Sets `Entry` to the one at `footer`. */
export function openEntry(footer: usize): void {
  const kept = <u32>load<u16>(footer, KEPT);
  Entry.start = footer - kept;
  Entry.length = kept;
  Entry.nameLength = load<u16>(footer, NAME_LENGTH);
  Entry.name = load<u8>(footer, NAME);
  Entry.cut = kindOf(footer) == EntryKind.CUT;
  Entry.at = footer;
}

/** Finds entry `index`, 1 for the newest; false where it is not known. */
export function tableFind(half: Half, index: u32): bool {
  Entry.behind = 0;
  let left = index;
  for (let footer = newestOf(half); footer != 0; footer = olderOf(half, footer)) {
    const kind = kindOf(footer);
    if (kind == EntryKind.MARK) {
      Entry.behind = left;
      return false;
    }
    if (kind == EntryKind.UNKNOWN) {
      const number = numberAt(footer);
      if (left <= number) return false;
      left -= number;
      continue;
    }
    if (left == 1) {
      openEntry(footer);
      return true;
    }
    left -= 1;
  }
  return false;
}

/** Adds an entry of `size` bytes by section 4.1, of whose value `kept` bytes lie at `start`; its footer, 0 where it is not kept. */
export function tableAdd(half: Half, name: u32, key: u32, nameLength: u32, start: usize, kept: u32, cut: bool, size: u32): usize {
  if (size > half.tableMax) {
    // It empties the table and is not added (section 4.4).
    tableForget(half);
    return 0;
  }
  const footer = push(half, start, kept, cut ? EntryKind.CUT : EntryKind.WHOLE, size);
  if (footer == 0) {
    // An entry that is not kept must not let the others be taken for it.
    tableForget(half);
    return 0;
  }
  store<u16>(footer, nameLength < 0xffff ? nameLength : 0xffff, NAME_LENGTH);
  store<u8>(footer, name, NAME);
  store<u16>(footer, key, KEY);
  return footer;
}

/** Adds the mark, with room for `bytes` beside it; its footer, 0 where there is no room. */
export function pushMark(half: Half, bytes: u32): usize {
  return push(half, 0, bytes, EntryKind.MARK, 0);
}

function push(half: Half, start: usize, kept: u32, kind: u32, size: u32): usize {
  const bytes = kept + FOOTER_BYTES;
  if (!makeRoom(half, bytes, half.tableMax - size)) return 0;
  const table = <usize>half.table;
  const at = table + <usize>load<u16>(table, USED);
  if (start != 0) memory.copy(at, start, kept);
  else memory.fill(at, 0, kept);
  const footer = at + kept;
  memory.fill(footer, 0, FOOTER_BYTES);
  store<u16>(footer, kept, KEPT);
  store<u8>(footer, kind, KIND);
  store<u32>(footer, size, SIZE);
  store<u16>(table, <u32>load<u16>(table, USED) + bytes, USED);
  return footer;
}

/** Makes of the mark at `footer` what stands for `number` unknown entries. */
export function settleMark(half: Half, footer: usize, number: u32): void {
  const table = <usize>half.table;
  const end = table + <usize>load<u16>(table, USED);
  const start = contentOf(footer);
  let to = start;
  if (number != 0) {
    memory.fill(start, 0, FOOTER_BYTES);
    store<u8>(start, EntryKind.UNKNOWN, KIND);
    store<u16>(start, number, NUMBER);
    store<u32>(start, number * (ENTRY_BYTES + 1), SIZE);
    to += FOOTER_BYTES;
  }
  const newer = footer + FOOTER_BYTES;
  memory.copy(to, newer, end - newer);
  store<u16>(table, <u32>(to + (end - newer) - table), USED);
}

/** Drops what is newer than the entry at `footer`. */
export function dropNewer(half: Half, footer: usize): void {
  store<u16>(half.table, <u32>(footer + FOOTER_BYTES - <usize>half.table), USED);
}

/** The sender's limit is `most` from here (section 6.3). */
export function tableLimit(half: Half, most: u32): void {
  half.tableMax = most;
  if (most == 0) {
    tableForget(half);
    half.lost |= LostFlag.COMPLETE;
  } else if (half.table != 0) keepNewest(half, BLOCK_BYTES_MAX, most);
}

/** Forgets every entry, and gives their block back. */
export function tableForget(half: Half): void {
  if (half.table != 0) Regions.streamPool.release(half.table);
  half.table = 0;
  half.lost = 0;
}

/** Makes room for `bytes` more, keeping entries of at most `most` bytes by section 4.1; false where there is none. */
function makeRoom(half: Half, bytes: u32, most: u32): bool {
  if (half.table == 0) return allocate(half, HEADER_BYTES + bytes);
  const used = <u32>load<u16>(half.table, USED);
  if (used + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
  const left = keepNewest(half, BLOCK_BYTES_MAX, most);
  if (left + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
  if (left + bytes <= BLOCK_BYTES_MAX && grow(half, left + bytes)) return true;
  if (Settings.headers) {
    if (thin(half, BLOCK_BYTES_MAX / 2) + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
    if (thin(half, 0) + bytes <= <u32>load<u16>(half.table, CAPACITY)) return true;
  }
  // A quarter goes at once, so that this is not done for each entry.
  const capacity = <u32>load<u16>(half.table, CAPACITY);
  if (bytes > capacity / 2) return false;
  keepNewest(half, capacity - (bytes > capacity / 4 ? bytes : capacity / 4), most);
  return true;
}

/** Takes the texts off entries with names that are not read, but for the newest in `whole` bytes; answers what is used then. */
function thin(half: Half, whole: u32): u32 {
  const table = <usize>half.table;
  const first = table + HEADER_BYTES;
  const end = table + <usize>load<u16>(table, USED);
  let to = end;
  let from = end;
  while (from > first) {
    const footer = from - FOOTER_BYTES;
    from = contentOf(footer);
    const isTaken = <u32>(end - from) > whole && kindOf(footer) < EntryKind.UNKNOWN && hasText(nameAt(footer));
    if (isTaken) {
      store<u16>(footer, 0, KEPT);
      store<u8>(footer, Name.OTHER, NAME);
    }
    const bytes = isTaken ? FOOTER_BYTES : <u32>(footer - from) + FOOTER_BYTES;
    to -= bytes;
    memory.copy(to, footer + FOOTER_BYTES - bytes, bytes);
  }
  const left = <u32>(end - to);
  if (to != first) memory.copy(first, to, left);
  store<u16>(table, HEADER_BYTES + left, USED);
  return HEADER_BYTES + left;
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
    const one = load<u32>(footer, SIZE);
    const before = contentOf(footer);
    if (one > most - size || <u32>(end - before) + HEADER_BYTES > bytesMax) break;
    size += one;
    from = before;
  }
  const left = <u32>(end - from);
  if (from != first) {
    memory.copy(first, from, left);
    // The sender may keep what is dropped here.
    half.lost &= ~LostFlag.COMPLETE;
  }
  store<u16>(table, HEADER_BYTES + left, USED);
  return HEADER_BYTES + left;
}
