/** Where the parts of a statement end that hold no statement: what is quoted, and comments. */
import { u8At, v128At } from "../../bytes/reader";
import { Second, secondAt } from "./charset";
import { isWordByte } from "./places";

const LF: u32 = 10;
const DOLLAR: u32 = 36;
const STAR: u32 = 42;
const SLASH: u32 = 47;
const BACKSLASH: u32 = 92;

/**
 * Address behind what is quoted at `start`, `end` at the latest; a quote that is doubled, or escaped where `escapes`, is part of it,
 * and so is one that is the second byte of a character. Where that cannot be told it goes on to `end`.
 */
export function quotedEnd(start: usize, end: usize, escapes: bool): usize {
  const quote = u8At(start);
  let from = start + 1;
  let at = from;
  while (at < end) {
    at = findQuote(at, end, quote, escapes);
    if (at >= end) return end;
    const byte = u8At(at);
    const second = byte >= BACKSLASH ? secondAt(from, at) : Second.NO;
    if (second == Second.MAYBE) return end;
    if (second == Second.YES) {
      at += 1;
    } else if (byte != quote) {
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

/** Address of the line feed that ends the comment at `start`, or `end`. */
export function lineEnd(start: usize, end: usize): usize {
  return findByte(start, end, LF);
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

/** Address behind what `$tag$` quotes at `start`, `end` where it has no end; `start` where there is no such tag. */
export function dollarEnd(start: usize, end: usize): usize {
  let tagEnd = start + 1;
  while (tagEnd < end && u8At(tagEnd) != DOLLAR && isWordByte(u8At(tagEnd))) tagEnd += 1;
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
