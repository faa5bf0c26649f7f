/**
 * HPACK (RFC 7541): header blocks to fields, a byte at a time where they are cut, a run at a time where they are not.
 *
 * ```
 *   1iiiiiii            a field of the tables            001mmmmm   the table's limit
 *   01iiiiii value      a field, added to the table      iiiiiiii   more of a number: 7 bits a byte, lowest first
 *   0000iiii value      a field, not added               Hlllllll   a text of l bytes, Huffman's where H
 *   0001iiii value      the same, never to be added      i = 0: the name follows as a text
 * ```
 * So a block needs no bytes to lie together, and a value may be of any length: what is kept of it has a limit.
 */
import { putText } from "../../bytes/ascii";
import { u8At } from "../../bytes/reader";
import { ENTRY_BYTES, Entry, keyAt, noteNamedBehind, tableAdd, tableFind, tableLimit } from "./dynamic-table";
import { Huffman } from "./huffman";
import {
  hasText,
  Key,
  keyOf,
  NAME_BYTES_MAX,
  Name,
  nameOf,
  putStaticName,
  STATIC_ENTRIES,
  staticKey,
  staticName,
  staticNameLength,
  staticValue,
} from "./names";
import { Half } from "./state";

/** Bytes of a value that are kept at the most. */
export const VALUE_BYTES_MAX: u32 = 1024;
/** The same of one whose name is not known. */
const NAMELESS_BYTES_MAX: u32 = 64;
/** Largest number that is taken for one. */
const NUMBER_MAX: u64 = 1 << 28;

/** What the decoder expects next. */
class Expect {
  static readonly FIELD: u32 = 0;
  static readonly INDEX: u32 = 1;
  static readonly NAME_LENGTH: u32 = 2;
  static readonly NAME_LENGTH_MORE: u32 = 3;
  static readonly NAME: u32 = 4;
  static readonly VALUE_LENGTH: u32 = 5;
  static readonly VALUE_LENGTH_MORE: u32 = 6;
  static readonly VALUE: u32 = 7;
}

/** What a field's first byte says it is. */
class Form {
  static readonly INDEXED: u32 = 0;
  static readonly ADDED: u32 = 1;
  static readonly LIMIT: u32 = 2;
  static readonly PLAIN: u32 = 3;
  static readonly SECRET: u32 = 4;
}

/** The field that was decoded last. */
export class HeaderField {
  static name: u32 = 0;
  static start: usize = 0;
  static length: u32 = 0;
  /** Whether less of the value was kept than came. */
  static cut: bool = false;
  /** What its name is known by (names.ts). */
  static key: u32 = 0;
  /** The footer of the entry that it is in the dynamic table, 0 for none. */
  static entry: usize = 0;
  /** How far behind the table's mark its entry is, 0 where it is not. */
  static behind: u32 = 0;
  /** Whether its value came as a text. */
  static isText: bool = false;
  /** A TRAILER's or a HEADER's name, as far as it is kept, and whether it is longer. */
  static nameStart: usize = 0;
  static nameLength: u32 = 0;
  static isNameCut: bool = false;
  /** Whether its sender wants it in no table: it is a secret (section 7.1.3). */
  static isSecret: bool = false;

  /** Sets it to the entry in `Entry`. */
  static takeEntry(): void {
    HeaderField.name = Entry.name;
    HeaderField.start = Entry.start;
    HeaderField.length = Entry.length;
    HeaderField.cut = Entry.cut;
    HeaderField.key = keyAt(Entry.at);
    HeaderField.entry = Entry.at;
    HeaderField.behind = 0;
    HeaderField.isText = false;
    HeaderField.isSecret = false;
    if (!hasText(HeaderField.name)) return;
    HeaderField.nameStart = Entry.start;
    HeaderField.nameLength = min(Entry.nameLength, NAME_BYTES_MAX);
    HeaderField.isNameCut = Entry.nameLength > NAME_BYTES_MAX;
    HeaderField.start += HeaderField.nameLength;
    HeaderField.length -= HeaderField.nameLength;
  }
}

/** Where a decoder's state is saved to and restored from. */
@unmanaged
class Saved {
  expect: u32;
  form: u32;
  number: u64;
  shift: u32;
  huffman: u32;
  left: u32;
  length: u32;
  name: u32;
  nameLength: u32;
  bits: u64;
  count: u32;
  key: u32;
  nameBehind: u32;
  spare: u32;
}

/** Bytes of a saved decoder, its texts included. */
export const DECODER_BYTES: u32 = 64 + VALUE_BYTES_MAX + NAME_BYTES_MAX;

/** The name, then the value of the field in progress. */
const TEXT: usize = memory.data(1024 + 16);
/** The name of a field that is not read; behind it, what the table keeps of the value. */
const NAME_TEXT: usize = memory.data(64 + 1024);
/** Bytes of a value of trailers that the table keeps. */
const TRAILER_BYTES_MAX: u32 = 256;

/** The decoder in hand. */
export class Hpack {
  private static expect: u32 = 0;
  private static form: u32 = 0;
  private static number: u64 = 0;
  private static shift: u32 = 0;
  private static huffman: bool = false;
  /** Bytes of the text that are to come, and of what they decoded to so far. */
  private static left: u32 = 0;
  private static length: u32 = 0;
  private static name: u32 = 0;
  private static nameLength: u32 = 0;
  private static key: u32 = 0;
  /** How far behind the table's mark the entry with its name is. */
  private static nameBehind: u32 = 0;
  private static half: Half = changetype<Half>(0);
  private static ownName: u32 = 0;
  /** Where the next byte is read. */
  static at: usize = 0;
  /** Whether the block broke its form. */
  static fault: bool = false;

  /** Takes the decoder for a half: the one that it saved, or a new one; `ownName` for names that are not read, 0 where they are not kept. */
  static open(half: Half, ownName: u32): void {
    Hpack.half = half;
    Hpack.ownName = ownName;
    Hpack.fault = false;
    Hpack.expect = Expect.FIELD;
    if (half.decoder == 0) return;
    const saved = changetype<Saved>(<usize>half.decoder);
    Hpack.expect = saved.expect;
    Hpack.form = saved.form;
    Hpack.number = saved.number;
    Hpack.shift = saved.shift;
    Hpack.huffman = saved.huffman != 0;
    Hpack.left = saved.left;
    Hpack.length = saved.length;
    Hpack.name = saved.name;
    Hpack.nameLength = saved.nameLength;
    Hpack.key = saved.key;
    Hpack.nameBehind = saved.nameBehind;
    Huffman.bits = saved.bits;
    Huffman.count = saved.count;
    memory.copy(TEXT, <usize>half.decoder + offsetof<Saved>(), VALUE_BYTES_MAX);
    memory.copy(NAME_TEXT, <usize>half.decoder + offsetof<Saved>() + VALUE_BYTES_MAX, NAME_BYTES_MAX);
  }

  /** Whether it stands between two fields, where nothing needs to be saved. */
  @inline static get isBetween(): bool {
    return Hpack.expect == Expect.FIELD;
  }

  /** Saves the decoder to a block of DECODER_BYTES. */
  static save(block: usize): void {
    const saved = changetype<Saved>(block);
    saved.expect = Hpack.expect;
    saved.form = Hpack.form;
    saved.number = Hpack.number;
    saved.shift = Hpack.shift;
    saved.huffman = Hpack.huffman ? 1 : 0;
    saved.left = Hpack.left;
    saved.length = Hpack.length;
    saved.name = Hpack.name;
    saved.nameLength = Hpack.nameLength;
    saved.bits = Huffman.bits;
    saved.count = Huffman.count;
    saved.key = Hpack.key;
    saved.nameBehind = Hpack.nameBehind;
    saved.spare = 0;
    memory.copy(block + offsetof<Saved>(), TEXT, VALUE_BYTES_MAX);
    memory.copy(block + offsetof<Saved>() + VALUE_BYTES_MAX, NAME_TEXT, NAME_BYTES_MAX);
  }

  /** Reads from `Hpack.at` up to `end` or the next field, which is then in HeaderField; false at the end or a fault. */
  static next(end: usize): bool {
    while (Hpack.at < end) {
      if (Hpack.expect == Expect.NAME || Hpack.expect == Expect.VALUE) {
        if (!Hpack.takeText(end)) return false;
        if (Hpack.left == 0 && Hpack.endText()) return true;
      } else if (Hpack.takeByte(u8At(Hpack.at++))) {
        return true;
      }
      if (Hpack.fault) return false;
    }
    return false;
  }

  private static fail(): bool {
    Hpack.fault = true;
    return false;
  }

  /** Takes a byte that is no text; true where it completes a field. */
  private static takeByte(byte: u32): bool {
    switch (Hpack.expect) {
      case Expect.FIELD:
        return Hpack.begin(byte);
      case Expect.NAME_LENGTH:
      case Expect.VALUE_LENGTH:
        Hpack.huffman = byte >= 128;
        Hpack.number = byte & 127;
        Hpack.shift = 0;
        if (Hpack.number != 127) return Hpack.beginText();
        Hpack.expect += 1;
        return false;
      default:
        return Hpack.takeMore(byte);
    }
  }

  /** One more byte of a number (section 5.1). */
  private static takeMore(byte: u32): bool {
    Hpack.number += (<u64>(byte & 127)) << Hpack.shift;
    Hpack.shift += 7;
    if (Hpack.number > NUMBER_MAX || Hpack.shift > 35) return Hpack.fail();
    if (byte >= 128) return false;
    if (Hpack.expect == Expect.INDEX) return Hpack.takeIndex();
    Hpack.expect -= 1;
    return Hpack.beginText();
  }

  private static begin(byte: u32): bool {
    const bits: u32 = byte >= 128 ? 7 : byte >= 64 ? 6 : byte >= 32 ? 5 : 4;
    Hpack.form =
      bits == 7 ? Form.INDEXED : bits == 6 ? Form.ADDED : bits == 5 ? Form.LIMIT : byte >= 16 ? Form.SECRET : Form.PLAIN;
    const most: u32 = (1 << bits) - 1;
    Hpack.number = byte & most;
    Hpack.shift = 0;
    if (Hpack.number != most) return Hpack.takeIndex();
    Hpack.expect = Expect.INDEX;
    return false;
  }

  private static takeIndex(): bool {
    const index = <u32>Hpack.number;
    Hpack.expect = Expect.FIELD;
    Hpack.nameBehind = 0;
    if (Hpack.form == Form.LIMIT) {
      tableLimit(Hpack.half, index);
      return false;
    }
    if (Hpack.form == Form.INDEXED) return index == 0 ? Hpack.fail() : Hpack.emitIndexed(index);
    if (index == 0) {
      Hpack.expect = Expect.NAME_LENGTH;
      return false;
    }
    Hpack.expect = Expect.VALUE_LENGTH;
    if (index <= STATIC_ENTRIES) {
      Hpack.name = staticName(index);
      Hpack.nameLength = staticNameLength(index);
      Hpack.key = staticKey(index);
      if (Hpack.name == Name.OTHER && Hpack.ownName != 0) {
        Hpack.name = Hpack.ownName;
        putStaticName(NAME_TEXT, index);
      }
    } else if (tableFind(Hpack.half, index - STATIC_ENTRIES)) {
      Hpack.takeEntryName();
    } else {
      Hpack.name = Name.UNKNOWN;
      Hpack.nameLength = 0;
      Hpack.key = Key.UNKNOWN;
      Hpack.nameBehind = Entry.behind;
    }
    return false;
  }

  /** Takes the name of the entry in `Entry`. */
  private static takeEntryName(): void {
    Hpack.name = Entry.name;
    Hpack.nameLength = Entry.nameLength;
    Hpack.key = keyAt(Entry.at);
    if (!hasText(Hpack.name)) return;
    if (Hpack.ownName != 0) memory.copy(NAME_TEXT, Entry.start, min(Entry.nameLength, NAME_BYTES_MAX));
    Hpack.name = Hpack.ownName != 0 ? Hpack.ownName : Name.OTHER;
  }

  private static emitIndexed(index: u32): bool {
    if (index <= STATIC_ENTRIES) {
      HeaderField.name = staticName(index);
      HeaderField.start = TEXT;
      HeaderField.length = <u32>(putText(TEXT, staticValue(index)) - TEXT);
      HeaderField.cut = false;
      HeaderField.key = staticKey(index);
      HeaderField.entry = 0;
      HeaderField.behind = 0;
      HeaderField.isText = false;
      if (Hpack.ownName != 0) HeaderField.isSecret = false;
      if (HeaderField.name == Name.OTHER && Hpack.ownName != 0) {
        putStaticName(NAME_TEXT, index);
        HeaderField.name = Hpack.ownName;
        HeaderField.nameStart = NAME_TEXT;
        HeaderField.nameLength = staticNameLength(index);
        HeaderField.isNameCut = false;
      }
    } else if (tableFind(Hpack.half, index - STATIC_ENTRIES)) {
      HeaderField.takeEntry();
    } else {
      HeaderField.name = Name.UNKNOWN;
      HeaderField.length = 0;
      HeaderField.key = Key.UNKNOWN;
      HeaderField.entry = 0;
      HeaderField.behind = Entry.behind;
      HeaderField.isText = false;
    }
    return true;
  }

  /** Adds the field to the table, with `kept` bytes of its value; its footer, 0 where it is not kept. */
  private static add(kept: u32): usize {
    const size = Hpack.nameLength + Hpack.length + ENTRY_BYTES;
    const isNamed = hasText(Hpack.name);
    const start = isNamed ? NAME_TEXT : TEXT;
    const bytes = isNamed ? Hpack.putBehindName(kept) : kept;
    const isCut = HeaderField.cut || (Hpack.name == Name.TRAILER && kept > TRAILER_BYTES_MAX);
    const footer = tableAdd(Hpack.half, Hpack.name, Hpack.key, Hpack.nameLength, start, bytes, isCut, size);
    if (footer != 0 && Hpack.nameBehind != 0) noteNamedBehind(footer, Hpack.nameBehind);
    return footer;
  }

  /** Puts a value behind its name, as the table keeps both; answers how many bytes they are. */
  private static putBehindName(kept: u32): u32 {
    const name = min(Hpack.nameLength, NAME_BYTES_MAX);
    const value = Hpack.name == Name.TRAILER ? min(kept, TRAILER_BYTES_MAX) : kept;
    memory.copy(NAME_TEXT + name, TEXT, value);
    return name + value;
  }

  private static beginText(): bool {
    Hpack.left = <u32>Hpack.number;
    Hpack.length = 0;
    Huffman.open();
    const isName = Hpack.expect == Expect.NAME_LENGTH;
    Hpack.expect = isName ? Expect.NAME : Expect.VALUE;
    return Hpack.left == 0 && Hpack.endText();
  }

  /** Takes what there is of a text; false at a fault. */
  private static takeText(end: usize): bool {
    const there = <u32>(end - Hpack.at);
    const take = Hpack.left < there ? Hpack.left : there;
    const most: u32 = Hpack.expect == Expect.NAME ? NAME_BYTES_MAX : VALUE_BYTES_MAX;
    const stop = Hpack.at + take;
    Hpack.left -= take;
    let length = Hpack.length;
    if (!Hpack.huffman) {
      for (let at = Hpack.at; at < stop; at++) {
        if (length < most) store<u8>(TEXT + length, u8At(at));
        length += 1;
      }
    } else {
      for (let at = Hpack.at; at < stop; at++) {
        Huffman.add(u8At(at));
        let found = Huffman.next();
        while (found > 0) {
          if (length < most) store<u8>(TEXT + length, Huffman.symbol);
          length += 1;
          found = Huffman.next();
        }
        if (found < 0) return Hpack.fail();
      }
    }
    Hpack.length = length;
    Hpack.at = stop;
    return true;
  }

  /** A text has ended; true where its field is complete. */
  private static endText(): bool {
    if (Hpack.huffman && !Huffman.ends()) return Hpack.fail();
    if (Hpack.expect == Expect.NAME) {
      Hpack.name = nameOf(TEXT, Hpack.length);
      Hpack.nameLength = Hpack.length;
      Hpack.key = keyOf(Hpack.name, TEXT, Hpack.length);
      if (Hpack.name == Name.OTHER && Hpack.ownName != 0) {
        Hpack.name = Hpack.ownName;
        memory.copy(NAME_TEXT, TEXT, NAME_BYTES_MAX);
      }
      Hpack.expect = Expect.VALUE_LENGTH;
      return false;
    }
    Hpack.expect = Expect.FIELD;
    const isRead = Hpack.name != Name.OTHER;
    const most: u32 = Hpack.name == Name.UNKNOWN ? NAMELESS_BYTES_MAX : VALUE_BYTES_MAX;
    const kept: u32 = !isRead ? 0 : Hpack.length < most ? Hpack.length : most;
    HeaderField.name = Hpack.name;
    HeaderField.start = TEXT;
    HeaderField.length = kept;
    HeaderField.isNameCut = Hpack.nameLength > NAME_BYTES_MAX;
    HeaderField.cut = (isRead && kept < Hpack.length) || (Hpack.name == Name.TRAILER && HeaderField.isNameCut);
    HeaderField.key = Hpack.key;
    HeaderField.behind = 0;
    HeaderField.isText = true;
    HeaderField.nameStart = NAME_TEXT;
    HeaderField.nameLength = min(Hpack.nameLength, NAME_BYTES_MAX);
    HeaderField.isSecret = Hpack.form == Form.SECRET;
    HeaderField.entry = Hpack.form == Form.ADDED ? Hpack.add(kept) : 0;
    return true;
  }
}
