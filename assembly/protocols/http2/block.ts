/**
 * Whether bytes that may be anything are a header block (RFC 7541 section 6): lengths that fit, codes that end, names and values of
 * letters that can be read, and the fields of a request or a response before all others (RFC 9113 section 8.3).
 */
import { u8At } from "../../bytes/reader";
import { FRAME_BYTES, Frame, FrameFlag, fixedLength } from "./frame";
import { Huffman } from "./huffman";

/** The static table's fields that only requests have, then those of responses, then all others. */
const REQUEST_LAST: u32 = 7;
const RESPONSE_LAST: u32 = 14;
const METHOD_FIRST: u32 = 2;
const PATH_FIRST: u32 = 4;
const SCHEME_FIRST: u32 = 6;
/** Largest index that is taken for one: tables are hardly ever larger. */
const INDEX_MAX: u32 = 4096;
const LENGTH_MAX: u32 = 65536;
/** Fields of a request at the least: method, scheme, path. */
const REQUEST_FIELDS_MIN: u32 = 3;
/** Letters of a text that are looked at. */
const LETTERS_MAX: u32 = 64;
const LETTERS: usize = memory.data(64);

/** What became of a part. */
class Part {
  static readonly BAD: u32 = 0;
  static readonly CUT: u32 = 1;
  static readonly OK: u32 = 2;
}

class Block {
  static at: usize = 0;
  static end: usize = 0;
  /** Number and text that were read last, the text up to LETTERS_MAX. */
  static number: u32 = 0;
  static length: u32 = 0;
  /** What the first fields said whose the block is. */
  static isResponse: bool = false;
  static inFirst: bool = false;
}

/** Whether the HEADERS frame in `Frame`, at `at`, holds a header block as far as it lies before `end`. */
export function isBlock(at: usize, end: usize): bool {
  let stop = at + FRAME_BYTES + Frame.length;
  if (Frame.has(FrameFlag.PADDED)) {
    if (at + FRAME_BYTES >= end) return false;
    const padding = u8At(at + FRAME_BYTES);
    if (fixedLength() + padding > Frame.length) return false;
    stop -= padding;
  }
  const whole = stop <= end && Frame.has(FrameFlag.END_HEADERS);
  Block.at = at + FRAME_BYTES + fixedLength();
  Block.end = stop < end ? stop : end;
  Block.inFirst = true;
  let fields: u32 = 0;
  while (Block.at < Block.end) {
    const read = readField(fields == 0);
    if (read == Part.BAD) return false;
    if (read == Part.CUT) return !whole && fields != 0;
    if (Block.length != u32.MAX_VALUE) fields += 1;
  }
  return fields != 0 && (!whole || Block.isResponse || fields >= REQUEST_FIELDS_MIN);
}

/** Reads one field or a limit of the table, of which `Block.length` is u32.MAX_VALUE then. */
function readField(isFirst: bool): u32 {
  const byte = u8At(Block.at);
  const bits: u32 = byte >= 128 ? 7 : byte >= 64 ? 6 : byte >= 32 ? 5 : 4;
  const number = readNumber(bits);
  if (number != Part.OK) return number;
  const index = Block.number;
  Block.length = 0;
  if (bits == 5) {
    Block.length = u32.MAX_VALUE;
    return isFirst ? Part.OK : Part.BAD;
  }
  if (index > INDEX_MAX || (bits == 7 && index == 0)) return Part.BAD;
  if (!isInOrder(index, isFirst)) return Part.BAD;
  if (bits == 7) return Part.OK;
  if (index == 0) {
    const name = readText();
    if (name != Part.OK) return name;
    if (!isName()) return Part.BAD;
  }
  const value = readText();
  if (value != Part.OK) return value;
  return isValue(index) ? Part.OK : Part.BAD;
}

/** Whether a field may stand here: those of the message's beginning before all others, and of one kind. */
function isInOrder(index: u32, isFirst: bool): bool {
  const isPseudo = index != 0 && index <= RESPONSE_LAST;
  const isResponse = index > REQUEST_LAST;
  if (isFirst) Block.isResponse = isResponse;
  else if (isPseudo && (!Block.inFirst || isResponse || Block.isResponse)) return false;
  // Behind one that is surely no such field there is none more.
  if (index > RESPONSE_LAST && index <= 61) Block.inFirst = false;
  return isPseudo || !isFirst;
}

/** A number behind a prefix of `bits` (section 5.1). */
function readNumber(bits: u32): u32 {
  const most: u32 = (1 << bits) - 1;
  let value = u8At(Block.at++) & most;
  if (value == most) {
    for (let shift: u32 = 0; ; shift += 7) {
      if (shift > 21) return Part.BAD;
      if (Block.at >= Block.end) return Part.CUT;
      const byte = u8At(Block.at++);
      value += (byte & 127) << shift;
      if (byte < 128) break;
    }
  }
  Block.number = value;
  return Part.OK;
}

/** A text (section 5.2), its first letters into LETTERS. */
function readText(): u32 {
  if (Block.at >= Block.end) return Part.CUT;
  const isCoded = u8At(Block.at) >= 128;
  const read = readNumber(7);
  if (read != Part.OK) return read;
  if (Block.number > LENGTH_MAX) return Part.BAD;
  const stop = Block.at + Block.number;
  if (stop > Block.end) return Part.CUT;
  Block.length = 0;
  Huffman.open();
  for (; Block.at < stop; Block.at++) {
    if (!isCoded) {
      if (!keepLetter(u8At(Block.at))) return Part.BAD;
      continue;
    }
    Huffman.add(u8At(Block.at));
    let found = Huffman.next();
    while (found > 0) {
      if (!keepLetter(Huffman.symbol)) return Part.BAD;
      found = Huffman.next();
    }
    if (found < 0) return Part.BAD;
  }
  return isCoded && !Huffman.ends() ? Part.BAD : Part.OK;
}

/** Keeps a letter; false for one that no field has (RFC 9110 section 5.5). */
function keepLetter(letter: u32): bool {
  if ((letter < 32 && letter != 9) || letter == 127) return false;
  if (Block.length < LETTERS_MAX) store<u8>(LETTERS + Block.length++, letter);
  return true;
}

/** Whether the text is a field's name: words of small letters (RFC 9113 section 8.2.1). */
function isName(): bool {
  for (let i: u32 = 0; i < Block.length; i++) {
    const letter = <u32>load<u8>(LETTERS + i);
    if (letter - 97 < 26 || letter - 48 < 10 || letter == 45 || letter == 95 || letter == 46) continue;
    if (letter != 58 || i != 0) return false;
  }
  return Block.length != 0;
}

/** Whether the text is one that the field with that index of the static table may have. */
function isValue(index: u32): bool {
  if (index == 0 || index > RESPONSE_LAST) return true;
  const first = <u32>load<u8>(LETTERS);
  if (Block.length == 0) return false;
  if (index > REQUEST_LAST) return Block.length == 3 && first - 49 < 5;
  if (index >= SCHEME_FIRST) return first - 97 < 26;
  if (index >= PATH_FIRST) return first == 47 || first == 42;
  return index < METHOD_FIRST ? first > 32 : first - 65 < 26;
}
