/**
 * Path templates: a path with what names single things taken out, so that the paths of one kind count together.
 *
 * ```
 *   /users/4711/orders/2024-05-01                     /users/{id}/orders/{date}
 *   /o/6fa459ea-ee8a-3ca4-894e-db77e160355e           /o/{uuid}
 *   /static/main.3f2a9c1b.js                          /static/main.{hash}.js
 *   /t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIi                  /t/{token}
 *   /by-mail/ann@example.com                          /by-mail/{email}
 * ```
 * A segment is looked at as a whole, then piece by piece between its separators. Queries and fragments are left out,
 * percent-encoding stays. Depth and length are bounded; what is beyond is `{rest}`.
 */
import { putText } from "../../bytes/ascii";

/** Bytes of a template at the most. */
export const TEMPLATE_BYTES_MAX: u32 = 120;
/** Segments of a template at the most. */
export const SEGMENTS_MAX: u32 = 10;
/** A longer segment that nothing else fits is `{text}`. */
const SEGMENT_BYTES_MAX: u32 = 48;
/** Room that `{rest}` needs. */
const REST_BYTES: u32 = 8;
/** Digits from which a piece between separators is a number of something. */
const PIECE_DIGITS_MIN: u32 = 3;
/** Hexadecimal digits from which a piece is a hash, when a decimal one is among them. */
const HASH_DIGITS_MIN: u32 = 8;
/** Bytes from which letters and digits in disorder are a token, and how many of them change their class. */
const TOKEN_BYTES_MIN: u32 = 16;
const TOKEN_CHANGES_PART: u32 = 4;
/** Separators in a token that is a whole segment; more of them part words or an identifier of many parts. */
const TOKEN_SEPARATORS_MAX: u32 = 3;

const SLASH: u32 = 47;
/** "{id}" as a little-endian load gives it. */
const ID: u32 = 0x7d64697b;

/** Classes of bytes, one bit each. */
const DIGIT: u32 = 1;
const UPPER: u32 = 2;
const LOWER: u32 = 4;
const HEX: u32 = 8;
const SEPARATOR: u32 = 16;
const END: u32 = 32;

/** The class bits of every byte, filled at the first use. */
const CLASSES: usize = memory.data(256);
/** The template that was made last. */
const TEXT: usize = memory.data(256);

export class Template {
  static readonly start: usize = TEXT;
  static length: u32 = 0;
  private static ready: bool = false;

  /** Fills the table of classes. */
  static open(): void {
    if (Template.ready) return;
    Template.ready = true;
    for (let byte: u32 = 0; byte < 256; byte++) store<u8>(CLASSES + byte, classOf(byte));
  }
}

function classOf(byte: u32): u32 {
  if (byte - 48 < 10) return DIGIT | HEX;
  if (byte - 65 < 26) return byte < 71 ? UPPER | HEX : UPPER;
  if (byte - 97 < 26) return byte < 103 ? LOWER | HEX : LOWER;
  if (byte == 63 || byte == 35) return END;
  // ! $ ( ) * + , - . : ; = @ _ ~
  const separates =
    byte == 33 ||
    byte == 36 ||
    (byte >= 40 && byte <= 46) ||
    byte == 58 ||
    byte == 59 ||
    byte == 61 ||
    byte == 64 ||
    byte == 95 ||
    byte == 126;
  return separates ? SEPARATOR : 0;
}

function classAt(p: usize): u32 {
  return load<u8>(CLASSES + <usize>load<u8>(p));
}

/** What a run of bytes consists of. */
class Run {
  static digits: u32 = 0;
  static letters: u32 = 0;
  static uppers: u32 = 0;
  static hexes: u32 = 0;
  static separators: u32 = 0;
  /** Neighbours of different classes among digits, capital and small letters; a capital before a small one is none. */
  static changes: u32 = 0;
}

function measure(start: usize, end: usize): void {
  let digits: u32 = 0;
  let letters: u32 = 0;
  let uppers: u32 = 0;
  let hexes: u32 = 0;
  let separators: u32 = 0;
  let changes: u32 = 0;
  let before: u32 = 0;
  for (let p = start; p < end; p++) {
    const bits = classAt(p);
    const kind = bits & (DIGIT | UPPER | LOWER);
    digits += bits & DIGIT;
    uppers += (bits >> 1) & 1;
    letters += ((bits >> 1) | (bits >> 2)) & 1;
    hexes += (bits >> 3) & 1;
    separators += (bits >> 4) & 1;
    changes += u32((kind & before) == 0 && kind != 0 && before != 0 && !(before == UPPER && kind == LOWER));
    before = kind;
  }
  Run.digits = digits;
  Run.letters = letters;
  Run.uppers = uppers;
  Run.hexes = hexes;
  Run.separators = separators;
  Run.changes = changes;
}

/** Whether what was measured, `length` bytes, is letters and digits in disorder. */
function isToken(length: u32): bool {
  if (length < TOKEN_BYTES_MIN || Run.digits + Run.letters + Run.separators != length) return false;
  if (Run.digits == 0) return Run.uppers >= 4 && Run.changes * 3 >= Run.letters;
  return Run.letters != 0 && Run.changes * TOKEN_CHANGES_PART >= Run.digits + Run.letters;
}

function isHexDigit(p: usize): bool {
  return (classAt(p) & HEX) != 0;
}

/** Eight, four, four, four and twelve hexadecimal digits from `p` on, and no other after them. */
function isUuid(p: usize, end: usize): bool {
  if (end - p < 36 || load<u8>(p, 8) != 45) return false;
  for (let i: u32 = 0; i < 36; i++) {
    const isDash = i == 8 || i == 13 || i == 18 || i == 23;
    if (isDash ? load<u8>(p + i) != 45 : !isHexDigit(p + i)) return false;
  }
  return p + 36 == end || !isHexDigit(p + 36);
}

/** Bytes of the date from `p` on, 2024-05-01 or 2024_05_01 or 2024.05.01, with a time behind a T; 0 for none. */
function dateLength(p: usize, end: usize): u32 {
  if (end - p < 10) return 0;
  const between = <u32>load<u8>(p, 4);
  if ((between != 45 && between != 95 && between != 46) || <u32>load<u8>(p, 7) != between) return 0;
  for (let i: u32 = 0; i < 10; i++) {
    if (i != 4 && i != 7 && !(classAt(p + i) & DIGIT)) return 0;
  }
  if (p + 10 < end && classAt(p + 10) & DIGIT) return 0;
  if (p + 12 > end || (load<u8>(p, 10) | 32) != 116 || !(classAt(p + 11) & DIGIT)) return 10;
  let last = p + 11;
  while (last < end) {
    const byte = <u32>load<u8>(last);
    if (!(classAt(last) & DIGIT) && byte != 45 && byte != 58 && byte != 46 && byte != 43 && (byte | 32) != 122) break;
    last += 1;
  }
  return <u32>(last - p);
}

/** An at sign, plain or encoded, with a dot somewhere behind it. */
function isEmail(start: usize, end: usize): bool {
  for (let p = start + 1; p < end; p++) {
    const byte = <u32>load<u8>(p);
    const encoded = byte == 37 && p + 2 < end && load<u16>(p, 1) == 0x3034;
    if (byte != 64 && !encoded) continue;
    for (let q = p + 2; q + 1 < end; q++) {
      if (load<u8>(q) == 46) return true;
    }
    return false;
  }
  return false;
}

/** Four numbers with dots between them. */
function isIpv4(start: usize, end: usize): bool {
  let dots: u32 = 0;
  let digits: u32 = 0;
  for (let p = start; p < end; p++) {
    if (classAt(p) & DIGIT) {
      digits += 1;
      if (digits > 3) return false;
    } else {
      if (load<u8>(p) != 46 || digits == 0) return false;
      dots += 1;
      digits = 0;
    }
  }
  return dots == 3 && digits != 0;
}

/** Writes what stands for the whole segment; 0 where it is not known as a whole. */
function putWhole(at: usize, start: usize, end: usize): usize {
  const length = <u32>(end - start);
  measure(start, end);
  if (Run.digits == length) return putText(at, "{id}");
  if (length == 36 && isUuid(start, end)) return putText(at, "{uuid}");
  if (length >= 10 && dateLength(start, end) == length) return putText(at, "{date}");
  if (isEmail(start, end)) return putText(at, "{email}");
  if (Run.digits != 0 && Run.digits + Run.separators == length) {
    if (isIpv4(start, end)) return putText(at, "{ip}");
    // A short one is a version: /3.0/
    if (length > 3) return putText(at, "{id}");
  }
  if (Run.digits != 0 && Run.hexes == length && length >= HASH_DIGITS_MIN) return putText(at, "{hash}");
  const isWhole = length >= TOKEN_BYTES_MIN + 4 && Run.separators <= TOKEN_SEPARATORS_MAX;
  if (isWhole && isToken(length)) return putText(at, "{token}");
  return length > SEGMENT_BYTES_MAX ? putText(at, "{text}") : 0;
}

/** Writes what stands for a piece without separators. */
function putPiece(at: usize, start: usize, end: usize): usize {
  const length = <u32>(end - start);
  if (length < PIECE_DIGITS_MIN) return copy(at, start, length);
  measure(start, end);
  if (Run.digits == length) return putText(at, "{id}");
  if (Run.digits != 0 && Run.hexes == length && length >= HASH_DIGITS_MIN) return putText(at, "{hash}");
  const isPrefixed = length >= HASH_DIGITS_MIN && load<u16>(start) == 0x7830 && Run.hexes == length - 1;
  if (isPrefixed) return putText(at, "{hash}");
  return isToken(length) ? putText(at, "{token}") : copy(at, start, length);
}

function copy(at: usize, start: usize, length: u32): usize {
  memory.copy(at, start, length);
  return at + length;
}

/** Writes a segment's template to `at`; answers one past its last byte. */
function putSegment(at: usize, start: usize, end: usize): usize {
  if (start == end) return at;
  const whole = putWhole(at, start, end);
  if (whole != 0) return whole;
  if (Run.digits == 0 && Run.separators == 0) return putPiece(at, start, end);
  let out = at;
  let p = start;
  while (p < end) {
    if (classAt(p) & SEPARATOR) {
      store<u8>(out++, load<u8>(p++));
      continue;
    }
    const date = dateLength(p, end);
    if (date != 0) {
      out = putText(out, "{date}");
      p += date;
    } else if (isUuid(p, end)) {
      out = putText(out, "{uuid}");
      p += 36;
    } else {
      const first = p;
      while (p < end && !(classAt(p) & SEPARATOR)) p += 1;
      out = putPiece(out, first, p);
    }
  }
  return out;
}

/** Which of sixteen bytes end a segment. */
function segmentEnds(bytes: v128): u32 {
  const slashes = i8x16.eq(bytes, i8x16.splat(47));
  const queries = i8x16.eq(bytes, i8x16.splat(63));
  const fragments = i8x16.eq(bytes, i8x16.splat(35));
  return <u32>i8x16.bitmask(v128.or(slashes, v128.or(queries, fragments)));
}

/**
 * Writes the template of a segment of less than sixteen bytes that is all digits, or that has neither a digit nor an at sign and so is
 * its own template; 0 where it is neither, or longer. `Short.end` is where it ends.
 */
function putShort(at: usize, start: usize, end: usize): usize {
  const bytes = v128.load(start);
  const left = <u32>min<usize>(end - start, 16);
  const length = ctz(segmentEnds(bytes) | (1 << left));
  if (length == 16) return 0;
  Short.end = start + length;
  const all = (1 << length) - 1;
  const digits = <u32>i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10))) & all;
  if (digits == all && length != 0) {
    store<u32>(at, ID);
    return at + 4;
  }
  const signs = <u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(64))) & all;
  if ((digits | signs) != 0) return 0;
  v128.store(at, bytes);
  return at + length;
}

/** The segment that `putShort` wrote last. */
class Short {
  static end: usize = 0;
}

/** Makes the template of the path of `length` bytes at `start`; it lies in `Template` until the next. */
export function pathTemplate(start: usize, length: u32): void {
  makeTemplate(start, length, true);
}

/** The scalar twin of `pathTemplate`. */
export function pathTemplateScalar(start: usize, length: u32): void {
  makeTemplate(start, length, false);
}

function makeTemplate(start: usize, length: u32, byBlocks: bool): void {
  const end = start + length;
  let out = TEXT;
  let p = start;
  let segments: u32 = 0;
  const most = TEXT + TEMPLATE_BYTES_MAX - REST_BYTES;
  while (p < end && !(classAt(p) & END)) {
    if (load<u8>(p) == SLASH) {
      store<u8>(out++, SLASH);
      p += 1;
    }
    const first = p;
    segments += 1;
    const before = out;
    const short = byBlocks ? putShort(out, p, end) : 0;
    if (short != 0) {
      p = Short.end;
      out = short;
    } else {
      while (p < end && load<u8>(p) != SLASH && !(classAt(p) & END)) p += 1;
      out = putSegment(out, first, p);
    }
    if (segments > SEGMENTS_MAX && p > first) out = most + 1;
    if (out > most) {
      out = putText(before, "{rest}");
      break;
    }
  }
  Template.length = <u32>(out - TEXT);
}
