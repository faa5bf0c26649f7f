/**
 * The mark that a dynamic table gets where header blocks may be missing: behind it stands what the table held before, by an unknown
 * number of entries further away than it was.
 *
 * The number has bounds: it is not less than what was seen to be added since, and each entry takes bytes of those that are missing.
 * While it is not known, the fields of the header block in progress are kept beside the mark, for `shift.ts` to find it by.
 *
 * ```
 * beside the mark:  0 least number u16 | 2 fields u8 | 3 blocks tried u8 | 4 missing bytes u32 |
 *                   8 fields, 16 u16: the key of a name, or BEHIND and how far behind the mark the entry is
 * ```
 */
import {
  contentOf,
  dropNewer,
  EntryKind,
  kindOf,
  newestOf,
  numberAt,
  olderOf,
  pushMark,
  settleMark,
  tableForget,
} from "./dynamic-table";
import { Half, LostFlag, TABLE_BYTES_UNKNOWN } from "./state";

const LEAST: usize = 0;
const FIELDS: usize = 2;
const TRIED: usize = 3;
const MISSING: usize = 4;
const FIRST: usize = 8;
const MARK_BYTES: u32 = 40;

/** Fields of a block that are kept at the most. */
export const FIELDS_MAX: u32 = 16;
/** Bit of a kept field that is an entry behind the mark. */
export const BEHIND: u32 = 0x8000;
/** Blocks that are looked at behind one loss. */
const TRIES_MAX: u32 = 32;
/** Bytes of a frame's header, and of a field that adds an entry with an empty value (RFC 7541 section 6.2.1), at the least. */
const FRAME_BYTES: u32 = 9;
const ADDED_BYTES: u32 = 2;

/** The mark of a half's table; 0 where it has none. */
export function markOf(half: Half): usize {
  if (!(half.lost & LostFlag.MARKED)) return 0;
  let footer = newestOf(half);
  while (footer != 0 && kindOf(footer) != EntryKind.MARK) footer = olderOf(half, footer);
  if (footer == 0) half.lost &= ~LostFlag.MARKED;
  return footer;
}

/** Header blocks may be among `bytes` that are missing; the place between two frames is known before them, or inside a block. */
export function loseEntries(half: Half, bytes: u32, isInBlock: bool): void {
  if (newestOf(half) == 0) {
    tableForget(half);
    half.tableMax = TABLE_BYTES_UNKNOWN;
    return;
  }
  let mark = markOf(half);
  if (mark == 0) mark = pushMark(half, MARK_BYTES);
  else dropSince(half, mark);
  if (mark == 0) {
    tableForget(half);
    half.tableMax = TABLE_BYTES_UNKNOWN;
    return;
  }
  half.lost |= LostFlag.MARKED;
  const content = contentOf(mark);
  store<u8>(content, 0, FIELDS);
  store<u8>(content, 0, TRIED);
  // Inside a block no frame's header comes first, and the field in progress is one.
  addMissing(content, isInBlock ? bytes + FRAME_BYTES + ADDED_BYTES : bytes);
}

/** So many bytes more were passed over. */
export function loseMore(half: Half, bytes: u32): void {
  const mark = markOf(half);
  if (mark != 0) addMissing(contentOf(mark), bytes);
}

function addMissing(content: usize, bytes: u32): void {
  const missing = load<u32>(content, MISSING);
  store<u32>(content, bytes < u32.MAX_VALUE - missing ? missing + bytes : u32.MAX_VALUE, MISSING);
}

/** Entries that were added since the last loss are of the unknown ones behind a new loss. */
function dropSince(half: Half, mark: usize): void {
  let number: u32 = load<u16>(contentOf(mark), LEAST);
  for (let footer = newestOf(half); footer != mark; footer = olderOf(half, footer)) {
    number += kindOf(footer) == EntryKind.UNKNOWN ? numberAt(footer) : 1;
  }
  dropNewer(half, mark);
  store<u16>(contentOf(mark), number < 0xffff ? number : 0xffff, LEAST);
}

/** How many entries the missing bytes added at the least, and at the most. */
export function leastOf(mark: usize): u32 {
  return load<u16>(contentOf(mark), LEAST);
}

export function mostOf(mark: usize): u32 {
  const bytes = load<u32>(contentOf(mark), MISSING);
  return leastOf(mark) + (bytes > FRAME_BYTES ? (bytes - FRAME_BYTES) / ADDED_BYTES : 0);
}

/** The place was found again: where the missing bytes were too few for an entry, all is as it was. */
export function settleFew(half: Half): void {
  const mark = markOf(half);
  if (mark != 0 && mostOf(mark) == leastOf(mark)) settle(half, mark, leastOf(mark));
}

/** So many entries were added in the missing bytes. */
export function settle(half: Half, mark: usize, number: u32): void {
  settleMark(half, mark, number);
  half.lost &= ~LostFlag.MARKED;
}

/** A header block begins: the fields of the last one are forgotten. Whether so many were looked at that no more will be. */
export function beginFields(half: Half): bool {
  half.lost &= ~LostFlag.WAITING;
  const mark = markOf(half);
  if (mark == 0) return false;
  const content = contentOf(mark);
  const tried = <u32>load<u8>(content, TRIED);
  store<u8>(content, 0, FIELDS);
  if (tried <= TRIES_MAX) store<u8>(content, tried + 1, TRIED);
  return tried == TRIES_MAX;
}

/** Keeps a field of the block in progress; false where there is no room, or no sense in it. */
export function keepField(half: Half, field: u32): bool {
  const mark = markOf(half);
  if (mark == 0) return false;
  const content = contentOf(mark);
  const fields = fieldsOf(mark);
  if (fields == FIELDS_MAX || <u32>load<u8>(content, TRIED) > TRIES_MAX) return false;
  store<u16>(content + FIRST + (fields << 1), field);
  store<u8>(content, fields + 1, FIELDS);
  return true;
}

/** How many fields of the block are kept, and field number `index` of them. */
export function fieldsOf(mark: usize): u32 {
  return load<u8>(contentOf(mark), FIELDS);
}

export function fieldAt(mark: usize, index: u32): u32 {
  return load<u16>(contentOf(mark) + FIRST + (index << 1));
}
