/** The parts of a statement that want a closer look: what each leaves in the fingerprint, and what is masked of it. */
import { u8At, v128At } from "../../bytes/reader";
import { Charset, Second, secondAt } from "./charset";
import { commentEnd, continuation, dollarEnd, executableEnd, isExecutable, isLineComment, lineEnd, quotedEnd } from "./ends";
import { Escapes, maySetEscapes } from "./escapes";
import { Groups } from "./groups";
import { Masked } from "./masked";
import { numberEnd } from "./number";
import { Dialect, isWordByte } from "./places";

/** Twice the longest statement: a comma may bring a space. Before it one byte that stands for nothing. */
const OUT: usize = memory.data(16 + 2 * 1024 + 32, 16);
const NOTHING: u32 = 1;

const SPACE: u32 = 32;
const DOUBLE: u32 = 34;
const HASH: u32 = 35;
const DOLLAR: u32 = 36;
const AMPERSAND: u32 = 38;
const QUOTE: u32 = 39;
const OPEN: u32 = 40;
const CLOSE: u32 = 41;
const STAR: u32 = 42;
const PLUS: u32 = 43;
const COMMA: u32 = 44;
const MINUS: u32 = 45;
const DOT: u32 = 46;
const SLASH: u32 = 47;
const SEMICOLON: u32 = 59;
const LESS: u32 = 60;
const EQUALS: u32 = 61;
const GREATER: u32 = 62;
const QUESTION: u32 = 63;
const UNDERSCORE: u32 = 95;
const BACKTICK: u32 = 96;
/** Letters that strings have before them. */
const B: u32 = 98;
const E: u32 = 101;
const N: u32 = 110;
const U: u32 = 117;
const X: u32 = 120;

/** The statement in hand. */
export class Text {
  static start: usize = 0;
  static end: usize = 0;
  /** Where the one of several begins that is in hand. */
  static from: usize = 0;
  static dialect: u32 = 0;
  /** Whether backslashes escape in strings of no prefix (`Escapes`); behind a semicolon what stands before may have changed it. */
  static escapes: u32 = 0;
  /** Address behind the last literal that `parts.ts` took: no word goes on from there. */
  static literalEnd: usize = 0;
  /** Whether something follows a semicolon. */
  static isMany: bool = false;
}

/** Where the fingerprint lies. */
export class Out {
  static readonly START: usize = OUT + 16;

  /** Readies what stands before its first byte. */
  @inline static open(): usize {
    store<u8>(Out.START - 1, NOTHING);
    Groups.reset(Out.START);
    return Out.START;
  }
}

/**
 * A place in the statement and where the fingerprint goes on, in one value: a part takes both and answers both, so that they
 * stay in registers.
 */
export class Both {
  @inline static of(at: usize, out: usize): u64 {
    return ((<u64>at) << 32) | <u64>out;
  }

  @inline static at(both: u64): usize {
    return <usize>(both >> 32);
  }

  @inline static out(both: u64): usize {
    return <usize>(<u32>both);
  }
}

/** Takes the place at `at`, with all that stands before in the fingerprint, which goes on at `out`; answers where both go on. */
export function onPlace(at: usize, out: usize): u64 {
  const byte = u8At(at);
  const before = at == Text.start ? OPEN : u8At(at - 1);
  if (byte == CLOSE || byte == COMMA || byte == SEMICOLON) return closing(at, byte, out);
  if (byte <= SPACE) return gap(at, out);
  let to = out;
  if (before == COMMA) {
    store<u8>(to, SPACE);
    to += 1;
  }
  if (byte - 48 < 10) return number(at, before, to);
  if (byte == QUOTE || (byte == DOUBLE && Text.dialect == Dialect.MYSQL)) return string(at, before, to);
  return byte == OPEN ? Both.of(at + 1, Groups.open(to)) : onRare(at, byte, to);
}

/** What no space stands before. */
function closing(at: usize, byte: u32, out: usize): u64 {
  const end = <u32>load<u8>(out - 1) == SPACE ? out - 1 : out;
  if (byte == CLOSE) return Both.of(at + 1, Groups.close(end));
  if (byte == SEMICOLON) {
    if (!Text.isMany) Text.isMany = isMoreBehind(at + 1);
    if (Text.dialect == Dialect.MYSQL && maySetEscapes(Text.from, at)) Text.escapes = Escapes.UNKNOWN;
    Text.from = at + 1;
  }
  store<u8>(end, byte);
  return Both.of(at + 1, end + 1);
}

/** Whether the statement goes on at `from` with more than white space. */
function isMoreBehind(from: usize): bool {
  let at = from;
  while (at < Text.end && u8At(at) <= SPACE) at += 1;
  return at < Text.end;
}

function onRare(at: usize, byte: u32, out: usize): u64 {
  const next = at + 1 < Text.end ? u8At(at + 1) : 0;
  if (byte == DOUBLE || byte == BACKTICK) return quotedName(at, byte, out);
  if (isLineComment(at, Text.end, Text.dialect)) return lineComment(at, byte == HASH ? at + 1 : at + 2, out);
  if (byte == SLASH && next == STAR) return comment(at, out);
  if (byte == QUESTION) return Both.of(at + 1, value(at, out));
  if (byte == DOLLAR && !followsWord(at)) {
    // Letters right behind a number are a name of their own before PostgreSQL 15, to which the dollar may belong.
    if (at == Text.literalEnd && isLetterBehindNumber(at)) return literal(at, Text.end, out);
    if (next - 48 < 10) return parameter(at, out);
    const end = dollarEnd(at, Text.end);
    // A digit behind a dollar is no place.
    const isNumber = end < Text.end && u8At(end) - 48 < 10;
    if (end != at) return literal(at, isNumber ? numberEnd(end, Text.end, Text.dialect) : end, out);
    // No word begins with one.
    Text.literalEnd = at + 1;
  }
  store<u8>(out, byte);
  return Both.of(at + 1, out + 1);
}

/** Whether the number that ends at `end` has letters in it, or what ends there is none. */
function isLetterBehindNumber(end: usize): bool {
  let at = end - 1;
  while (at > Text.start && u8At(at) - 48 < 10) at -= 1;
  return u8At(at) != DOLLAR && isWordByte(u8At(at), Text.dialect);
}

/** A placeholder of PostgreSQL. */
function parameter(at: usize, out: usize): u64 {
  let end = at + 1;
  while (end < Text.end && u8At(end) - 48 < 10) end += 1;
  Text.literalEnd = end;
  return Both.of(end, value(at, out));
}

/** White space, or what is as good: one space, where what stands before and behind wants one. */
function gap(from: usize, out: usize): u64 {
  const end = Text.end;
  let at = from;
  while (at < end && u8At(at) <= SPACE) at += 1;
  if (at >= end) return Both.of(end, out);
  const next = u8At(at);
  const last = <u32>load<u8>(out - 1);
  if (next == COMMA || next == CLOSE || next == SEMICOLON) return Both.of(at, last == SPACE ? out - 1 : out);
  if (last <= SPACE || last == OPEN) return Both.of(at, out);
  store<u8>(out, SPACE);
  return Both.of(at, out + 1);
}

function lineComment(at: usize, from: usize, out: usize): u64 {
  const end = lineEnd(at, Text.end, Text.dialect);
  if (from < end) Masked.replace(from, end);
  return gap(end, out);
}

function comment(at: usize, out: usize): u64 {
  const isRead = Text.dialect == Dialect.MYSQL && isExecutable(at, Text.end);
  const end = isRead ? executableEnd(at, Text.end, Text.escapes) : commentEnd(at, Text.end, Text.dialect == Dialect.POSTGRESQL);
  if (end != 0) {
    if (at + 2 < end - 2) Masked.replace(at + 2, end - 2);
    return gap(end, out);
  }
  if (at + 2 < Text.end) Masked.replace(at + 2, Text.end);
  return Both.of(Text.end, out);
}

/** Whether what stands right before `at` is part of a word. */
function followsWord(at: usize): bool {
  return at > Text.start && at != Text.literalEnd && isWordByte(u8At(at - 1), Text.dialect);
}

/** A string; what stands right before it may belong to it. */
function string(at: usize, before: u32, out: usize): u64 {
  if (before != SPACE && before != OPEN && isWordByte(before, Text.dialect)) return prefixed(at, out);
  // With Unicode escapes, U&'', there are no others, and where those of all strings are in force it is an error.
  const isUnicode = before == AMPERSAND && Text.dialect == Dialect.POSTGRESQL && at > Text.start + 1 && (u8At(at - 2) | 32) == U;
  if (isUnicode && Text.escapes != Escapes.NO) return literal(at, stringEnd(at, Escapes.UNKNOWN), out);
  return literal(at, quotedEnd(at, Text.end, Text.escapes), out);
}

/** A string behind a word, which may belong to it: N'', B'', X'', E'', _utf8''. */
function prefixed(at: usize, out: usize): u64 {
  let from = at;
  while (from > Text.start && from != Text.literalEnd && isWordByte(u8At(from - 1), Text.dialect)) from -= 1;
  const letter = u8At(at - 1) | 32;
  const isLetter = at - from == 1 && (letter == N || letter == B || letter == X || letter == E);
  const isPrefix = u8At(at) == QUOTE && at != from && (u8At(from) == UNDERSCORE || isLetter);
  const to = isPrefix ? out - (at - from) : out;
  if (Text.dialect == Dialect.MYSQL) return literal(at, quotedEnd(at, Text.end, Text.escapes), to);
  // Right behind a number it goes by the server's version whether the letter belongs to it.
  if (at == from && (letter == B || letter == X || letter == E)) return literal(at, stringEnd(at, Escapes.UNKNOWN), to);
  if (!isLetter || letter == N) return literal(at, stringEnd(at, Text.escapes), to);
  return literal(at, stringEnd(at, letter == E ? Escapes.YES : Escapes.NO), to);
}

/** Address behind a string of PostgreSQL, all that it goes on with as it begins. */
function stringEnd(start: usize, escapes: u32): usize {
  let end = quotedEnd(start, Text.end, escapes);
  if (escapes == Text.escapes) return end;
  for (let next = continuation(end, Text.end); next != 0; next = continuation(end, Text.end)) {
    end = quotedEnd(next, Text.end, escapes);
  }
  return end;
}

/** A name in quotes, unless the backtick belongs to a character, or may. */
function quotedName(at: usize, byte: u32, out: usize): u64 {
  const second = byte == BACKTICK ? secondAt(Text.start, at) : Second.NO;
  if (second == Second.MAYBE) return literal(at, Text.end, out);
  if (second == Second.NO) return name(at, out);
  store<u8>(out, byte);
  return Both.of(at + 1, out + 1);
}

/** A quoted name stays as it is, where it is known to be one to its end. */
function name(at: usize, out: usize): u64 {
  const end = quotedEnd(at, Text.end, Escapes.NO);
  if (Charset.inForce == Charset.UNKNOWN && end == Text.end && isDoubtful(at, end)) return literal(at, end, out);
  const length = <u32>(end - at);
  for (let i: u32 = 0; i < length; i += 16) {
    const left = length - i;
    v128.store(out + i, v128At(at + i, left < 16 ? left : 16));
  }
  return Both.of(end, out + length);
}

/** Whether a backtick in what is quoted from `at` to `end` may belong to a character. */
function isDoubtful(at: usize, end: usize): bool {
  for (let next = at + 1; next < end; next++) {
    if (u8At(next) == BACKTICK && secondAt(at + 1, next) != Second.NO) return true;
  }
  return false;
}

/** A number, or a name of MySQL that begins with a digit. */
function number(at: usize, before: u32, out: usize): u64 {
  const end = numberEnd(at, Text.end, Text.dialect);
  if (end == at) {
    store<u8>(out, u8At(at));
    return Both.of(at + 1, out + 1);
  }
  if (before != DOT || <u32>load<u8>(out - 1) != DOT) return literal(at, end, out);
  const owner = <u32>load<u8>(out - 2);
  if (isWordByte(owner, Text.dialect) || owner == BACKTICK || owner == DOUBLE) return literal(at, end, out);
  return literal(at - 1, end, out - 1);
}

function literal(start: usize, end: usize, out: usize): u64 {
  Masked.replace(start, end);
  Text.literalEnd = end;
  return Both.of(end, value(start, out));
}

/** Writes `?` for the value at `start`, to which a sign before it belongs. */
function value(start: usize, out: usize): usize {
  const before = start == Text.start ? OPEN : u8At(start - 1);
  let to = out;
  if ((before == MINUS || before == PLUS) && <u32>load<u8>(out - 1) == before && isSign(out - 1)) to -= 1;
  return Groups.value(to, <u32>load<u8>(to - 1) == OPEN);
}

/** Whether the sign at `at` of the fingerprint is that of the number behind it, and no operator. */
function isSign(at: usize): bool {
  let before = at - 1;
  while (<u32>load<u8>(before) == SPACE) before -= 1;
  const byte = <u32>load<u8>(before);
  if (byte == OPEN || byte == COMMA || byte == EQUALS || byte == NOTHING) return true;
  return byte == STAR || byte == SLASH || byte == LESS || byte == GREATER;
}
