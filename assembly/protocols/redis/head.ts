/**
 * The line that begins each value of RESP (the Redis serialization protocol, versions 2 and 3).
 *
 * ```
 *   +OK\r\n      -ERR text\r\n    :5\r\n       _\r\n    #t\r\n    ,1.5\r\n   (12345\r\n        a line is all there is
 *   $3\r\nabc\r\n                 !3\r\nabc\r\n         =7\r\ntxt:abc\r\n                   as many bytes follow
 *   *2\r\n       ~2\r\n           >2\r\n                %1\r\n    |1\r\n                     as many elements, or pairs, follow
 * ```
 */
import { u8At } from "../../bytes/reader";

const CR: u32 = 13;
const LF: u32 = 10;
/** Bytes of a line that are looked at together. */
export const LINE_BYTES_MAX: u32 = 2048;
/** Bytes of a line that holds a number. */
const NUMBER_BYTES_MAX: u32 = 24;
/** Digits of a length or count that are taken. */
const DIGITS_MAX: u32 = 10;
/** Bytes of a value, and elements of an aggregate, that are believed. */
const LENGTH_MAX: u64 = 0xfffffff0;
const COUNT_MAX: u64 = 1 << 28;

export class Type {
  static readonly ARRAY: u32 = 42;
  static readonly ATTRIBUTE: u32 = 124;
  static readonly BIG_NUMBER: u32 = 40;
  static readonly BOOLEAN: u32 = 35;
  static readonly BULK: u32 = 36;
  static readonly BULK_ERROR: u32 = 33;
  static readonly DOUBLE: u32 = 44;
  static readonly ERROR: u32 = 45;
  static readonly INTEGER: u32 = 58;
  static readonly MAP: u32 = 37;
  static readonly NULL: u32 = 95;
  static readonly PUSH: u32 = 62;
  static readonly SET: u32 = 126;
  static readonly SIMPLE: u32 = 43;
  static readonly VERBATIM: u32 = 61;
}

/** What became of a line. */
export class Read {
  static readonly OK: u32 = 0;
  /** Its end is not there yet. */
  static readonly MORE: u32 = 1;
  static readonly BAD: u32 = 2;
  /** Its end is further on than is looked. */
  static readonly LONG: u32 = 3;
}

/** The line that was read last. */
export class Head {
  static type: u32 = 0;
  /** Where its content begins, where it ends, and where the next byte behind it is. */
  static content: usize = 0;
  static contentEnd: usize = 0;
  static next: usize = 0;
  /** Length or count; meaningless where `isNull`. */
  static value: u32 = 0;
  static isNull: bool = false;
}

/** Whether a value of this type has so many bytes behind its line. */
export function hasBody(type: u32): bool {
  return type == Type.BULK || type == Type.BULK_ERROR || type == Type.VERBATIM;
}

/** Whether a value of this type has elements behind its line. */
export function hasElements(type: u32): bool {
  return type == Type.ARRAY || type == Type.MAP || type == Type.SET || type == Type.PUSH || type == Type.ATTRIBUTE;
}

/** Whether a value begins with this byte. */
export function isType(byte: u32): bool {
  if (hasBody(byte) || hasElements(byte)) return true;
  if (byte == Type.SIMPLE || byte == Type.ERROR || byte == Type.INTEGER || byte == Type.NULL) return true;
  return byte == Type.BOOLEAN || byte == Type.DOUBLE || byte == Type.BIG_NUMBER;
}

/** Reads the line at `at`, which lies before `end`. */
export function readHead(at: usize, end: usize): u32 {
  const type = u8At(at);
  if (!isType(type)) return Read.BAD;
  const isNumber = hasBody(type) || hasElements(type);
  const most: usize = isNumber ? NUMBER_BYTES_MAX : LINE_BYTES_MAX;
  const stop = end - at > most ? at + most : end;
  let p = at + 1;
  while (p < stop && u8At(p) != CR && u8At(p) != LF) p += 1;
  Head.type = type;
  Head.content = at + 1;
  Head.contentEnd = p;
  Head.isNull = false;
  if (p == stop) {
    if (stop != end) return isNumber ? Read.BAD : Read.LONG;
    return isNumber && !isNumeric(at + 1, p) ? Read.BAD : Read.MORE;
  }
  if (u8At(p) == LF) return Read.BAD;
  if (p + 1 == end) return Read.MORE;
  if (u8At(p + 1) != LF) return Read.BAD;
  Head.next = p + 2;
  if (isNumber) return readCount(type);
  return isLine(type) ? Read.OK : Read.BAD;
}

/** Whether the bytes may be the beginning of a length or count. */
function isNumeric(start: usize, end: usize): bool {
  for (let p = start; p < end; p++) {
    if (u8At(p) - 48 > 9 && !(p == start && u8At(p) == 45)) return false;
  }
  return true;
}

function readCount(type: u32): u32 {
  const digits = <u32>(Head.contentEnd - Head.content);
  if (digits == 2 && u8At(Head.content) == 45) {
    // "$-1" and "*-1" are how RESP2 writes null.
    Head.isNull = true;
    Head.value = 0;
    return u8At(Head.content + 1) == 49 && (type == Type.BULK || type == Type.ARRAY) ? Read.OK : Read.BAD;
  }
  if (digits == 0 || digits > DIGITS_MAX) return Read.BAD;
  let value: u64 = 0;
  for (let p = Head.content; p < Head.contentEnd; p++) {
    const digit = u8At(p) - 48;
    if (digit > 9) return Read.BAD;
    value = value * 10 + digit;
  }
  if (value > (hasBody(type) ? LENGTH_MAX : COUNT_MAX)) return Read.BAD;
  Head.value = <u32>value;
  return Read.OK;
}

/** Whether a line's content is what its type allows. */
function isLine(type: u32): bool {
  const length = <u32>(Head.contentEnd - Head.content);
  if (type == Type.SIMPLE || type == Type.ERROR) return true;
  if (type == Type.NULL) return length == 0;
  if (type == Type.BOOLEAN) return length == 1 && (u8At(Head.content) == 116 || u8At(Head.content) == 102);
  if (length == 0) return false;
  const first = u8At(Head.content);
  if (type == Type.DOUBLE) return first - 48 < 10 || first == 45 || first == 43 || first == 105 || first == 110 || first == 46;
  let p = Head.content;
  if (first == 45 || first == 43) p += 1;
  if (p == Head.contentEnd) return false;
  for (; p < Head.contentEnd; p++) if (u8At(p) - 48 > 9) return false;
  return true;
}

/** Whether from `start` to `end` there are whole values, one of them at least and the last perhaps cut. */
export function isChain(start: usize, end: usize): u32 {
  let at = start;
  let whole: u32 = 0;
  while (at < end) {
    const read = readHead(at, end);
    if (read == Read.BAD || read == Read.LONG) return Read.BAD;
    if (read == Read.MORE) break;
    if (!isPrintable(Head.content, Head.contentEnd)) return Read.BAD;
    at = Head.next;
    if (hasBody(Head.type) && !Head.isNull) {
      const left = end - at;
      if (<u64>left < <u64>Head.value + 2) return whole != 0 || left > 0 ? Read.OK : Read.MORE;
      if (u8At(at + Head.value) != CR || u8At(at + Head.value + 1) != LF) return Read.BAD;
      at += Head.value + 2;
    }
    whole += 1;
  }
  return whole != 0 ? Read.OK : Read.MORE;
}

function isPrintable(start: usize, end: usize): bool {
  for (let p = start; p < end; p++) {
    const byte = u8At(p);
    if (byte < 32 && byte != 9) return false;
  }
  return true;
}
