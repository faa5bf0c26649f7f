/**
 * How many entries the missing bytes added to a dynamic table: found by a header block that names entries of before.
 *
 * A sender names an entry as far away as it is now. If `number` entries were added among the missing bytes, the one that it names
 * `far` behind the mark was `far - number` before them. So each number tells which fields the block has; and fields come in an
 * order: an entry that came behind a field of one name comes behind it again in the next block of the same form, trailers' fields
 * do not stand in headers, nor the reverse. A number that breaks this is none.
 *
 * A number that puts an entry among the missing ones breaks nothing, since they may be anything. So it takes a field that a sender
 * does not add again: what it has in its table it names (section 2.3), and of a server's content type, or a client's name, that had
 * one value there is hardly a second one. A status differs from stream to stream and shows nothing.
 */
import {
  ENTRY_BYTES,
  EntryKind,
  keyAt,
  keyBefore,
  kindOf,
  nameAt,
  nameEntry,
  nameLengthAt,
  newestOf,
  noteBefore,
  numberAt,
  olderOf,
  openEntry,
  sizeAt,
} from "./dynamic-table";
import { noteGuess } from "./guess";
import { HeaderField } from "./hpack";
import { BEHIND, fieldAt, fieldsOf, keepField, leastOf, markOf, mostOf, settle } from "./lost-entries";
import { Key, Name } from "./names";
import { BlockForm, BlockKind, Half, HalfFlag, LostFlag } from "./state";

/** Entries behind the mark that are looked at, and numbers that are tried. */
const ENTRIES_MAX: u32 = 256;
/** What fields must weigh together to be sure. */
const ENOUGH: u32 = 2;

/** Footers of the entries behind the mark, 0 for unknown ones; sizes up to each; whether its name is the only one of its kind. */
const OLD: usize = memory.data(4 * 257, 4);
const SIZES: usize = memory.data(4 * 257, 4);
const ALONE: usize = memory.data(257);
/** The fields of the block in hand, and the footers of those that waited. */
const BLOCK: usize = memory.data(32, 2);
const FOUND: usize = memory.data(64, 4);

class Alone {
  static readonly UNASKED: u8 = 0;
  static readonly YES: u8 = 1;
  static readonly NO: u8 = 2;
}

class Try {
  static half: Half = changetype<Half>(0);
  static form: u32 = 0;
  static fields: u32 = 0;
  static entries: u32 = 0;
  static isComplete: bool = false;
  /** The number that was found. */
  static settled: u32 = 0;
  /** Bytes of the entries that came behind the mark. */
  static newerBytes: u32 = 0;
  /** Of the number that was tried last: fields from behind the mark in their order, and what they weigh. */
  static inOrder: u32 = 0;
  static weight: u32 = 0;
  /** Whether all fields so far are known. */
  static isWhole: bool = false;
}

/** Takes note of the field in `HeaderField`: what it came behind, and where its entry is looked for later, that. */
export function noteField(half: Half): void {
  if (half.before == <u16>Key.START) half.form = formOf(half);
  if (HeaderField.entry != 0 && half.form != BlockForm.UNKNOWN) {
    const isNews = half.before != <u16>Key.UNKNOWN || keyBefore(HeaderField.entry, half.form) == Key.NONE;
    if (isNews) noteBefore(HeaderField.entry, half.form, half.before);
  }
  half.before = <u16>HeaderField.key;
  noteGuess(half);
  if (!(half.lost & LostFlag.MARKED)) return;
  const isBehind = HeaderField.behind != 0;
  if (isBehind && HeaderField.behind >= BEHIND) HeaderField.behind = 0;
  const isKept = keepField(half, HeaderField.behind != 0 ? BEHIND | HeaderField.behind : HeaderField.key);
  if (!isKept) HeaderField.behind = 0;
  if (HeaderField.behind != 0) half.lost |= LostFlag.WAITING;
}

/** The form of the block whose first field is in `HeaderField`. */
function formOf(half: Half): u8 {
  const name = HeaderField.name;
  const isKnown = name != Name.UNKNOWN;
  const isLast = half.is(HalfFlag.BLOCK_ENDS_STREAM);
  if (half.block == BlockKind.TRAILERS) return BlockForm.TRAILERS;
  if (half.block == BlockKind.REQUEST) {
    const isFirst = !isKnown || (name >= Name.METHOD && name <= Name.PATH);
    return isFirst && !half.is(HalfFlag.BLOCK_PUSHED) ? BlockForm.HEADERS : BlockForm.UNKNOWN;
  }
  if (!isKnown) return isLast ? BlockForm.UNKNOWN : BlockForm.HEADERS;
  if (name != Name.STATUS) return isLast ? BlockForm.TRAILERS : BlockForm.UNKNOWN;
  return isLast ? BlockForm.LAST : BlockForm.HEADERS;
}

/** The block has ended: finds the number where it can; true where fields that waited are known then, for `waitingField`. */
export function findShift(half: Half): bool {
  const mark = markOf(half);
  if (mark == 0 || half.form == BlockForm.UNKNOWN) return false;
  open(half, mark);
  const number = numberOf(leastOf(mark), mostOf(mark));
  if (number < 0) return false;
  for (let i: u32 = 0; i < Try.fields; i++) {
    const field = <u32>load<u16>(BLOCK + (i << 1));
    store<u32>(FOUND + (i << 2), field & BEHIND ? <u32>entryOf(field & ~BEHIND, number) : 0);
  }
  Try.settled = number;
  nameNewer(half, mark);
  settle(half, mark, number);
  return true;
}

/** Gives entries that came behind the mark the names that they took from before it. */
function nameNewer(half: Half, mark: usize): void {
  for (let footer = newestOf(half); footer != mark; footer = olderOf(half, footer)) {
    if (kindOf(footer) >= EntryKind.UNKNOWN || numberAt(footer) == 0) continue;
    const entry = entryOf(numberAt(footer), Try.settled);
    if (entry != 0) nameEntry(footer, nameAt(entry), keyAt(entry), nameLengthAt(entry));
  }
}

/** How many fields the block that `findShift` looked at has. */
export function fieldCount(): u32 {
  return Try.fields;
}

/** Sets `HeaderField` to the entry that was named `far` behind the mark that was settled last: UNKNOWN where it still is. */
export function openFar(far: u32): void {
  openField(entryOf(far, Try.settled));
}

function openField(footer: usize): void {
  if (footer != 0) {
    openEntry(footer);
    HeaderField.takeEntry();
  } else {
    HeaderField.name = Name.UNKNOWN;
    HeaderField.behind = 0;
  }
}

/** Sets `HeaderField` to field number `index` where it waited: UNKNOWN where it still is; false where it did not. */
export function waitingField(index: u32): bool {
  if (!(<u32>load<u16>(BLOCK + (index << 1)) & BEHIND)) return false;
  openField(<usize>load<u32>(FOUND + (index << 2)));
  return true;
}

/** Lays out what is behind the mark, and the block's fields. */
function open(half: Half, mark: usize): void {
  Try.half = half;
  Try.form = half.form;
  Try.fields = fieldsOf(mark);
  for (let i: u32 = 0; i < Try.fields; i++) store<u16>(BLOCK + (i << 1), fieldAt(mark, i));
  Try.newerBytes = 0;
  for (let footer = newestOf(half); footer != mark; footer = olderOf(half, footer)) Try.newerBytes += sizeAt(footer);
  let count: u32 = 0;
  let bytes: u32 = 0;
  for (let footer = olderOf(half, mark); footer != 0 && count < ENTRIES_MAX; footer = olderOf(half, footer)) {
    const isUnknown = kindOf(footer) == EntryKind.UNKNOWN;
    bytes += sizeAt(footer);
    for (let left: u32 = isUnknown ? numberAt(footer) : 1; left != 0 && count < ENTRIES_MAX; left--) {
      count += 1;
      store<u32>(OLD + (count << 2), isUnknown ? 0 : <u32>footer);
      store<u32>(SIZES + (count << 2), bytes);
      store<u8>(ALONE + count, Alone.UNASKED);
    }
  }
  Try.entries = count;
  Try.isComplete = (half.lost & LostFlag.COMPLETE) != 0 && count < ENTRIES_MAX;
}

/** The number of entries that the block shows, from `least` to `most`; below 0 where it shows none. */
function numberOf(least: u32, most: u32): i32 {
  const last = most - least < ENTRIES_MAX ? most : least + ENTRIES_MAX;
  let inOrder: u32 = 0;
  let found: i32 = -1;
  for (let number = least; number <= last; number++) {
    if (!isPossible(number)) continue;
    if (Try.inOrder != 0) inOrder += 1;
    if (Try.weight >= ENOUGH) found = <i32>number;
  }
  return inOrder == 1 ? found : -1;
}

/** The entry that stood `far` behind the mark less `number`; 0 where it is not known. */
function entryOf(far: u32, number: u32): usize {
  const place = far > number ? far - number : 0;
  return place != 0 && place <= Try.entries ? <usize>load<u32>(OLD + (place << 2)) : 0;
}

/** Whether the block may be one if `number` entries were added. */
function isPossible(number: u32): bool {
  Try.inOrder = 0;
  Try.weight = 0;
  Try.isWhole = true;
  let before: u32 = Key.START;
  for (let i: u32 = 0; i < Try.fields; i++) {
    const field = <u32>load<u16>(BLOCK + (i << 1));
    let key = field;
    if (field & BEHIND) {
      const far = field & ~BEHIND;
      // Nothing was there.
      if (Try.isComplete && far > number + Try.entries) return false;
      const entry = entryOf(far, number);
      key = entry != 0 ? keyAt(entry) : Key.UNKNOWN;
      if (entry != 0 && !isInPlace(entry, far - number, number, before)) return false;
    }
    if (key == Key.UNKNOWN) Try.isWhole = false;
    before = key;
  }
  return true;
}

/** Whether the entry, `place` behind the mark before the loss, may come behind a field with the key `before`. */
function isInPlace(entry: usize, place: u32, number: u32, before: u32): bool {
  // It would not be there any more (section 4.4).
  const bytes = <u64>Try.newerBytes + <u64>number * (ENTRY_BYTES + 1) + load<u32>(SIZES + (place << 2));
  if (bytes > <u64>Try.half.tableMax) return false;
  const expected = keyBefore(entry, Try.form);
  if (expected == Key.NONE) return !isOutOfPlace(entry);
  if (before == Key.UNKNOWN || expected == Key.UNKNOWN) return true;
  if (expected != before) return false;
  Try.inOrder += 1;
  const isShown = Try.isWhole && Try.form != <u32>BlockForm.TRAILERS && !(Try.half.lost & LostFlag.MANY_VALUES);
  if (isShown) Try.weight += weightOf(entry, place);
  return true;
}

/** Whether an entry that was not in a block of this form is one of another's. */
function isOutOfPlace(entry: usize): bool {
  const name = nameAt(entry);
  if (name == Name.UNKNOWN) return false;
  if (name == Name.GRPC_STATUS || name == Name.GRPC_MESSAGE) return Try.form == <u32>BlockForm.HEADERS;
  const inHeaders = keyBefore(entry, BlockForm.HEADERS) != Key.NONE;
  const inTrailers = keyBefore(entry, BlockForm.TRAILERS) != Key.NONE;
  const inLast = keyBefore(entry, BlockForm.LAST) != Key.NONE;
  if (Try.form == <u32>BlockForm.TRAILERS) return inHeaders || inLast;
  return Try.form == <u32>BlockForm.HEADERS && inTrailers && !inLast;
}

/** What an entry in its order is worth: nothing where its sender has other values for that name, or changes it as time goes. */
function weightOf(entry: usize, place: u32): u32 {
  let weight: u32 = 0;
  switch (nameAt(entry)) {
    case Name.CONTENT_TYPE:
    case Name.USER_AGENT:
      weight = 2;
      break;
    case Name.AUTHORITY:
    case Name.GRPC_ENCODING:
    case Name.OTHER:
    case Name.TRAILER:
    case Name.HEADER:
    case Name.CONTENT_ENCODING:
      weight = keyAt(entry) == Key.DATE ? 0 : 1;
  }
  if (weight == 0) return 0;
  if (load<u8>(ALONE + place) == Alone.UNASKED) store<u8>(ALONE + place, isAlone(entry) ? Alone.YES : Alone.NO);
  return load<u8>(ALONE + place) == Alone.YES ? weight : 0;
}

/** Whether no other entry of the table has its name. */
function isAlone(entry: usize): bool {
  const key = keyAt(entry);
  for (let footer = newestOf(Try.half); footer != 0; footer = olderOf(Try.half, footer)) {
    if (footer != entry && kindOf(footer) < EntryKind.UNKNOWN && keyAt(footer) == key) return false;
  }
  return true;
}
