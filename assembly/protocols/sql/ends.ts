/** Where the parts of a statement end that hold no statement: what is quoted, and comments. */
import { u8At, v128At } from "../../bytes/reader";
import { Second, secondAt } from "./charset";
import { Escapes } from "./escapes";
import { Dialect, isWordByte } from "./places";

const LF: u32 = 10;
const CR: u32 = 13;
const SPACE: u32 = 32;
const EXCLAMATION: u32 = 33;
const DOUBLE: u32 = 34;
const HASH: u32 = 35;
const DOLLAR: u32 = 36;
const QUOTE: u32 = 39;
const STAR: u32 = 42;
const PLUS: u32 = 43;
const MINUS: u32 = 45;
const SLASH: u32 = 47;
const M: u32 = 77;
const BACKSLASH: u32 = 92;
const BACKTICK: u32 = 96;
const DELETE: u32 = 127;

/**
 * Address behind what is quoted at `start`, `end` at the latest; a quote that is doubled, or escaped where backslashes do, is part of
 * it, and so is one that is the second byte of a character. Where that cannot be told it goes on to `end`.
 */
export function quotedEnd(start: usize, end: usize, escapes: u32): usize {
  const quote = u8At(start);
  let from = start + 1;
  let at = from;
  while (at < end) {
    at = findQuote(at, end, quote, escapes != Escapes.NO);
    if (at >= end) return end;
    const byte = u8At(at);
    const second = byte >= BACKSLASH ? secondAt(from, at) : Second.NO;
    if (second == Second.MAYBE) return end;
    if (second == Second.YES) {
      at += 1;
    } else if (byte != quote) {
      if (escapes == Escapes.UNKNOWN && at + 1 < end && u8At(at + 1) == quote) return end;
      at += 2;
    } else {
      at += 1;
      if (at >= end || u8At(at) != quote) return at;
      at += 1;
    }
    from = at;
  }
  return end;
}

/** Address of the next quote, or of the next backslash where one escapes; `end` where there is none. */
export function findQuote(start: usize, end: usize, quote: u32, escapes: bool): usize {
  const wanted = i8x16.splat(<i8>quote);
  const other = i8x16.splat(<i8>(escapes ? BACKSLASH : quote));
  for (let at = start; at < end; at += 16) {
    const left = <u32>(end - at);
    const bytes = v128At(at, left < 16 ? left : 16);
    const found = i8x16.bitmask(v128.or(i8x16.eq(bytes, wanted), i8x16.eq(bytes, other)));
    // What lies behind the text may look like a quote.
    if (found != 0) return <u32>ctz(found) < left ? at + ctz(found) : end;
  }
  return end;
}

/** The scalar twin of `findQuote`. */
export function findQuoteScalar(start: usize, end: usize, quote: u32, escapes: bool): usize {
  for (let at = start; at < end; at++) {
    const byte = u8At(at);
    if (byte == quote || (escapes && byte == BACKSLASH)) return at;
  }
  return end;
}

/** Address of the next `byte`, or `end`. */
export function findByte(start: usize, end: usize, byte: u32): usize {
  return findQuote(start, end, byte, false);
}

/** Address of what ends the comment at `start`, or `end`: a line feed, or a carriage return, which MySQL takes for none. */
export function lineEnd(start: usize, end: usize, dialect: u32): usize {
  const at = findByte(start, end, LF);
  return dialect == Dialect.MYSQL ? at : findByte(start, at, CR);
}

/** Whether a comment to the end of its line begins at `at`. MySQL wants white space, or a control character, behind the dashes. */
export function isLineComment(at: usize, end: usize, dialect: u32): bool {
  const isMysql = dialect == Dialect.MYSQL;
  if (u8At(at) == HASH) return isMysql;
  if (u8At(at) != MINUS || at + 1 >= end || u8At(at + 1) != MINUS) return false;
  if (!isMysql || at + 2 >= end) return true;
  const behind = u8At(at + 2);
  return behind <= SPACE || behind == DELETE;
}

/** Address behind the comment at `start`; one may lie in another where they nest. 0 where it has no end. */
export function commentEnd(start: usize, end: usize, nests: bool): usize {
  let depth: u32 = 1;
  let at = start + 2;
  while (at + 1 < end) {
    const byte = u8At(at);
    const next = u8At(at + 1);
    if (byte == STAR && next == SLASH) {
      depth -= 1;
      at += 2;
      if (depth == 0) return at;
    } else if (nests && byte == SLASH && next == STAR) {
      depth += 1;
      at += 2;
    } else {
      at += 1;
    }
  }
  return 0;
}

/** Whether MySQL or MariaDB may read what the comment at `start` holds: its own statements, and hints. */
export function isExecutable(start: usize, end: usize): bool {
  const byte = start + 2 < end ? u8At(start + 2) : 0;
  return byte == EXCLAMATION || byte == PLUS || (byte == M && start + 3 < end && u8At(start + 3) == EXCLAMATION);
}

/**
 * Address behind the comment at `start`, whether or not the server reads what it holds, which goes by the server's version; 0 where
 * it would end in different places, or has no end.
 */
export function executableEnd(start: usize, end: usize, escapes: u32): usize {
  const passed = commentEnd(start, end, false);
  if (passed == 0 || commentEnd(start, end, true) != passed) return 0;
  let at = start + 2;
  while (at + 1 < end) {
    const byte = u8At(at);
    if (byte == STAR && u8At(at + 1) == SLASH) return at + 2 == passed ? passed : 0;
    if (byte == QUOTE || byte == DOUBLE) at = quotedEnd(at, end, escapes);
    else if (byte == BACKTICK) at = quotedEnd(at, end, Escapes.NO);
    else if (isLineComment(at, end, Dialect.MYSQL)) at = lineEnd(at, end, Dialect.MYSQL);
    else at += 1;
  }
  return 0;
}

/**
 * Where the string that ends at `from` goes on with another quote: PostgreSQL takes both for one, where nothing but white space
 * and comments to the end of a line, and a new line, is between them. 0 where it does not.
 */
export function continuation(from: usize, end: usize): usize {
  let isNewLine: bool = false;
  let at = from;
  while (at < end) {
    const byte = u8At(at);
    if (byte == QUOTE) return isNewLine ? at : 0;
    if (byte == LF || byte == CR) isNewLine = true;
    if (byte == SPACE || byte - 9 < 5) at += 1;
    else if (isLineComment(at, end, Dialect.POSTGRESQL)) at = lineEnd(at, end, Dialect.POSTGRESQL);
    else return 0;
  }
  return 0;
}

/** Address behind what `$tag$` quotes at `start`, `end` where it has no end; `start` where there is no such tag. */
export function dollarEnd(start: usize, end: usize): usize {
  let tagEnd = start + 1;
  while (tagEnd < end && u8At(tagEnd) != DOLLAR && isWordByte(u8At(tagEnd), Dialect.POSTGRESQL)) tagEnd += 1;
  if (tagEnd >= end || u8At(tagEnd) != DOLLAR) return start;
  const length = <u32>(tagEnd - start) + 1;
  let at = tagEnd + 1;
  while (at < end) {
    at = findByte(at, end, DOLLAR);
    if (at < end && isTag(at, end, start, length)) return at + length;
    at += 1;
  }
  return end;
}

/** Whether the `length` bytes of the tag at `tag` stand at `at` too. */
function isTag(at: usize, end: usize, tag: usize, length: u32): bool {
  if (<u32>(end - at) < length) return false;
  for (let i: u32 = 0; i < length; i++) if (u8At(at + i) != u8At(tag + i)) return false;
  return true;
}
