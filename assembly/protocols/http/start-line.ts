/**
 * Start lines (RFC 9112 sections 3 and 4) and the probe that knows a message by its first bytes.
 *
 * ```
 * request:  GET /path?query HTTP/1.1          response:  HTTP/1.1 404 Not Found
 * ```
 * The probe is strict; a parser that already knows whose turn it is takes more: runs of blanks, any token as a method, any
 * number as a code, blanks inside a target.
 */
import { u8At, u32le, u64le } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { METHOD_BYTES_MAX, VERSION_BYTES_MAX } from "./fields";
import { Method, methodNumber } from "./method";
import { findByte, findControl } from "./scan";

/** Bytes of a line that are looked at together; the rest of a longer one is stepped over. */
export const LINE_BYTES_MAX: u32 = 2048;

const LF: u8 = 10;
const CR: u32 = 13;
const SPACE: u32 = 32;
const TAB: u32 = 9;
/** Digits of a status code. */
const CODE_DIGITS: u32 = 3;
/** "HTTP/" as a little-endian load gives it, and its bytes. */
const HTTP_SLASH: u64 = 0x2f50545448;
const HTTP_SLASH_BYTES: u32 = 5;
/** "HTTP/1.1" and "HTTP/1.0" as a little-endian load gives them. */
const HTTP_1_1: u64 = 0x312e312f50545448;
const HTTP_1_0: u64 = 0x302e312f50545448;
const VERSION_BYTES: u32 = 8;
/** A status line with a reason of one letter. */
const USUAL_BYTES: usize = 14;
/** "GET " as a little-endian load gives it. */
const GET: u32 = 0x20544547;
/** Shortest status line: "HTTP/1.1 200". */
const STATUS_BYTES_MIN: u32 = 12;

/** The parts of the line that was read last. */
export class StartLine {
  static methodLength: u32 = 0;
  static method: u32 = 0;
  static targetStart: usize = 0;
  static targetEnd: usize = 0;
  static versionStart: usize = 0;
  static versionLength: u32 = 0;
  static code: u32 = 0;
  /** Digits of the code; 0 where it is not known. */
  static codeDigits: u32 = 0;
  /** Whether the code is three digits and nothing more. */
  static isCode: bool = false;
  static reasonStart: usize = 0;
  static reasonLength: u32 = 0;
}

/** Where the content of a line ends whose LF is at `lineEnd`: before its CRs and blanks. */
export function contentEnd(start: usize, lineEnd: usize): usize {
  let end = lineEnd;
  while (end > start) {
    const byte = u8At(end - 1);
    if (byte != CR && byte != SPACE && byte != TAB) break;
    end -= 1;
  }
  return end;
}

function isBlank(byte: u32): bool {
  return byte == SPACE || byte == TAB;
}

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

/** Whether the bytes from `start` on are "HTTP/", as far as they go. */
export function beginsHttp(start: usize, end: usize): bool {
  const length = <u32>(end - start);
  const most: u32 = length < HTTP_SLASH_BYTES ? length : HTTP_SLASH_BYTES;
  let expected = HTTP_SLASH;
  for (let i: u32 = 0; i < most; i++) {
    if (<u64>u8At(start + i) != (expected & 0xff)) return false;
    expected >>= 8;
  }
  return true;
}

/** Token characters of RFC 9110 section 5.6.2. */
function isToken(byte: u32): bool {
  if ((byte | 32) - 97 < 26 || isDigit(byte)) return true;
  // ! # $ % & ' * + - . ^ _ ` | ~
  if (byte < 64) return byte > 32 && ((0x6cfa >> (byte - 32)) & 1) != 0;
  return byte == 94 || byte == 95 || byte == 96 || byte == 124 || byte == 126;
}

function skipBlanks(start: usize, end: usize): usize {
  let at = start;
  while (at < end && isBlank(u8At(at))) at += 1;
  return at;
}

function skipSpaces(start: usize, end: usize): usize {
  let at = start;
  while (at < end && u8At(at) == SPACE) at += 1;
  return at;
}

/** Reads digits and dots of a version from `start`; 0 where there are none or too many. */
function versionLength(start: usize, end: usize): u32 {
  let at = start;
  while (at < end && (isDigit(u8At(at)) || u8At(at) == 46)) at += 1;
  const length = <u32>(at - start);
  return length > VERSION_BYTES_MAX ? 0 : length;
}

/** Reads "HTTP/1.1 200 OK" and its like; false where anything is otherwise. */
function readUsualStatusLine(start: usize, end: usize): bool {
  if (end - start < USUAL_BYTES) return false;
  const version = u64le(start);
  if ((version != HTTP_1_1 && version != HTTP_1_0) || u8At(start + 8) != SPACE || u8At(start + 12) != SPACE) return false;
  const hundreds = u8At(start + 9) - 48;
  const tens = u8At(start + 10) - 48;
  const ones = u8At(start + 11) - 48;
  if (hundreds > 9 || tens > 9 || ones > 9 || isBlank(u8At(start + 13))) return false;
  StartLine.versionStart = start + HTTP_SLASH_BYTES;
  StartLine.versionLength = 3;
  StartLine.code = hundreds * 100 + tens * 10 + ones;
  StartLine.codeDigits = CODE_DIGITS;
  StartLine.isCode = true;
  StartLine.reasonStart = start + 13;
  StartLine.reasonLength = <u32>(end - start) - 13;
  return true;
}

/**
 * Reads the status line from `start` to its content's `end`; false when it is none. The code is the number in the three bytes
 * behind the spaces (RFC 9112 section 4), as far as they are digits; `isStrict` wants it whole, and a version of digits.
 */
export function readStatusLine(start: usize, end: usize, isStrict: bool): bool {
  if (readUsualStatusLine(start, end)) return true;
  if (<u32>(end - start) < HTTP_SLASH_BYTES || !beginsHttp(start, end)) return false;
  StartLine.versionStart = start + HTTP_SLASH_BYTES;
  StartLine.versionLength = versionLength(StartLine.versionStart, end);
  let at = StartLine.versionStart + StartLine.versionLength;
  const isVersion = StartLine.versionLength != 0 && at < end && u8At(at) == SPACE;
  if (!isVersion) {
    if (isStrict) return false;
    StartLine.versionLength = 0;
    while (at < end && u8At(at) != SPACE && u8At(at) != CR) at += 1;
    if (at < end && u8At(at) == CR) return false;
  }
  if (at >= end) return false;
  at = skipSpaces(at, end);
  readCode(at, end);
  if (isStrict && StartLine.codeDigits != CODE_DIGITS) return false;
  at += CODE_DIGITS;
  while (at < end && !isBlank(u8At(at))) at += 1;
  at = skipBlanks(at, end);
  StartLine.reasonStart = at;
  StartLine.reasonLength = at < end ? <u32>(end - at) : 0;
  return true;
}

/** Reads a status line whose end was not captured: its code is there, and the reason is not known. */
export function readCutStatusLine(start: usize, end: usize): bool {
  const content = contentEnd(start, end);
  if (!readStatusLine(start, content, true) || !isVersion1() || !StartLine.isCode || findControl(start, content) != content)
    return false;
  StartLine.reasonLength = 0;
  return true;
}

/** Reads the code in the three bytes from `start`; it has no digits where a blank cuts them short. */
function readCode(start: usize, end: usize): void {
  StartLine.code = 0;
  StartLine.codeDigits = 0;
  StartLine.isCode = false;
  if (start + CODE_DIGITS > end) return;
  for (let i: u32 = 1; i < CODE_DIGITS; i++) if (u8At(start + i) == SPACE) return;
  let at = u8At(start) == TAB ? start + 1 : start;
  while (at < start + CODE_DIGITS && isDigit(u8At(at))) {
    StartLine.code = StartLine.code * 10 + u8At(at++) - 48;
    StartLine.codeDigits += 1;
  }
  const behind = start + CODE_DIGITS;
  StartLine.isCode = StartLine.codeDigits == CODE_DIGITS && (behind == end || isBlank(u8At(behind)));
}

/** Reads method and what follows it; the target ends at `end`. */
function readMethod(start: usize, end: usize): bool {
  let at = start;
  if (end - start > 4 && u32le(start) == GET) at += 3;
  while (at < end && isToken(u8At(at))) at += 1;
  const length = <u32>(at - start);
  if (length == 0 || length > METHOD_BYTES_MAX || at >= end || !isBlank(u8At(at))) return false;
  StartLine.methodLength = length;
  StartLine.method = methodNumber(start, length);
  StartLine.targetStart = skipBlanks(at, end);
  StartLine.targetEnd = end;
  StartLine.versionLength = 0;
  return StartLine.targetStart < end;
}

/** Whether what was read up to the target ends in " HTTP/1.1" or " HTTP/1.0", and takes it. */
function takeUsualVersion(end: usize): bool {
  if (end - StartLine.targetStart <= VERSION_BYTES) return false;
  const version = u64le(end - VERSION_BYTES);
  if ((version != HTTP_1_1 && version != HTTP_1_0) || u8At(end - VERSION_BYTES - 1) != SPACE) return false;
  StartLine.versionStart = end - 3;
  StartLine.versionLength = 3;
  StartLine.targetEnd = contentEnd(StartLine.targetStart, end - VERSION_BYTES);
  return StartLine.targetEnd != StartLine.targetStart;
}

/** Reads the request line from `start` to its content's `end`; false when it is none. */
export function readRequestLine(start: usize, end: usize): bool {
  if (!readMethod(start, end)) return false;
  if (takeUsualVersion(end)) return true;
  let last = end;
  while (last > StartLine.targetStart && !isBlank(u8At(last - 1))) last -= 1;
  if (last == StartLine.targetStart || end - last <= HTTP_SLASH_BYTES || !beginsHttp(last, end)) return false;
  StartLine.versionStart = last + HTTP_SLASH_BYTES;
  StartLine.versionLength = versionLength(StartLine.versionStart, end);
  if (StartLine.versionLength == 0 || StartLine.versionStart + StartLine.versionLength != end) return false;
  StartLine.targetEnd = contentEnd(StartLine.targetStart, last);
  return true;
}

/** Reads the first LINE_BYTES_MAX bytes of a request line whose end is further on. */
export function readLongRequestLine(start: usize): bool {
  return readMethod(start, start + LINE_BYTES_MAX);
}

/** Reads a request line whose end was not captured: a known method, and the target as far as it came. */
export function readCutRequestLine(start: usize, end: usize): bool {
  const content = contentEnd(start, end);
  if (!readMethod(start, content) || StartLine.method == Method.OTHER || findControl(start, content) != content) return false;
  StartLine.targetEnd = beforeVersion(StartLine.targetStart, content);
  return true;
}

/** Where a target whose line was cut at `end` ends: before what may be the beginning of the version. */
function beforeVersion(start: usize, end: usize): usize {
  let last = end;
  while (last > start && !isBlank(u8At(last - 1))) last -= 1;
  if (last == start || !beginsHttp(last, end)) return end;
  const version = last + HTTP_SLASH_BYTES;
  for (let at = version; at < end; at++) if (!isDigit(u8At(at)) && u8At(at) != 46) return end;
  return contentEnd(start, last);
}

/** Whether the line just read is of version 1.x. */
function isVersion1(): bool {
  return StartLine.versionLength >= 3 && u8At(StartLine.versionStart) == 49 && u8At(StartLine.versionStart + 1) == 46;
}

/** Whether bytes without a line end can be the beginning of a request line. */
function beginsRequest(start: usize, end: usize): u32 {
  let at = start;
  while (at < end && (u8At(at) - 65 < 26 || u8At(at) == 45 || u8At(at) == 95)) at += 1;
  const length = <u32>(at - start);
  if (length > METHOD_BYTES_MAX) return Found.NO;
  if (at == end) return Found.MORE;
  if (length == 0 || u8At(at) != SPACE) return Found.NO;
  if (at + 1 < end && u8At(at + 1) <= SPACE) return Found.NO;
  const line = contentEnd(at, end);
  if (findControl(at, line) != line) return Found.NO;
  if (<u32>(end - start) < LINE_BYTES_MAX && !(Parse.isCut && at + 1 < end)) return Found.MORE;
  return methodNumber(start, length) != Method.OTHER ? Found.REQUEST : Found.NO;
}

/** What the bytes from `start` on are, when a message may begin there. */
export function probeLine(start: usize, end: usize): u32 {
  if (start == end) return Found.MORE;
  if (beginsHttp(start, end)) {
    if (<u32>(end - start) < STATUS_BYTES_MIN) return Found.MORE;
    const most = start + 64 < end ? start + 64 : end;
    return readStatusLine(start, contentEnd(start, findByte(start, most, LF)), true) && isVersion1() ? Found.RESPONSE : Found.NO;
  }
  const first = u8At(start);
  if (first - 65 >= 26) return Found.NO;
  const most = start + LINE_BYTES_MAX < end ? start + LINE_BYTES_MAX : end;
  const lineEnd = findByte(start, most, LF);
  if (lineEnd == most) return beginsRequest(start, most);
  if (!readRequestLine(start, contentEnd(start, lineEnd)) || !isVersion1()) return Found.NO;
  for (let i: u32 = 0; i < StartLine.methodLength; i++) {
    const byte = u8At(start + i);
    if (byte - 65 >= 26 && byte != 45 && byte != 95) return Found.NO;
  }
  return Found.REQUEST;
}

/** The contract's probe: empty lines before a message are allowed (RFC 9112 section 2.2). */
export function probeHttp(start: usize, length: u32): u32 {
  let at = start;
  const end = start + length;
  while (at < end && at < start + 4 && (u8At(at) == CR || u8At(at) == LF)) at += 1;
  if (at == end && length >= 4) return Found.NO;
  return probeLine(at, end);
}
