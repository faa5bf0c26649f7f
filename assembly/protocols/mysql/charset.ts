/**
 * The charset of a connection's statements: by the number of a collation in the handshake, and by statements that set it.
 *
 * ```
 *   SET NAMES gbk      SET CHARACTER SET 'gbk'      SET @@session.character_set_client = 28      /*!40101 SET NAMES gbk *\/
 * ```
 */
import { u8At } from "../../bytes/reader";
import { Charset, charsetOfName } from "../sql/charset";
import { commentEnd, isLineComment, lineEnd, quotedEnd } from "../sql/ends";
import { Escapes } from "../sql/escapes";
import { Dialect, isWordByte } from "../sql/places";

const SPACE: u32 = 32;
const EXCLAMATION: u32 = 33;
const DOUBLE: u32 = 34;
const QUOTE: u32 = 39;
const STAR: u32 = 42;
const COMMA: u32 = 44;
const DOT: u32 = 46;
const SLASH: u32 = 47;
const COLON: u32 = 58;
const SEMICOLON: u32 = 59;
const EQUALS: u32 = 61;
const AT: u32 = 64;
const M: u32 = 77;
const BACKTICK: u32 = 96;

/** What MariaDB adds to the number of a collation for that of its twin without padding. */
const NO_PAD: u32 = 1024;
/** Numbers, from and to, that are collations of no charset that a client can have, or of none at all. */
const NO_CLIENTS: usize = memory.data<u8>([0, 0, 17, 17, 35, 35, 54, 56, 60, 62, 90, 90, 100, 191, 216, 222, 251, 254]);
const NO_CLIENTS_COUNT: u32 = 9;

/** The charset of collation `id` (information_schema.COLLATIONS); UNKNOWN where the server takes its own. */
export function charsetOfCollation(collation: u32): u32 {
  const id = collation >= NO_PAD && collation < NO_PAD + 256 ? collation - NO_PAD : collation;
  if (id == 28 || id == 87 || (id >= 248 && id <= 250)) return Charset.GBK;
  if (id == 1 || id == 84) return Charset.BIG5;
  if (id == 13 || id == 88 || id == 95 || id == 96) return Charset.SJIS;
  for (let i: u32 = 0; i < NO_CLIENTS_COUNT; i++) {
    const range = NO_CLIENTS + (i << 1);
    if (id >= <u32>load<u8>(range) && id <= <u32>load<u8>(range, 1)) return Charset.UNKNOWN;
  }
  return id < 256 ? Charset.PLAIN : Charset.UNKNOWN;
}

/** What a statement does to the charset of those behind it. */
export class CharsetChange {
  /** It sets none. */
  static readonly NONE: u32 = 255;
}

/** Whether a statement may be one that sets the charset: it begins with SET, EXECUTE or a comment that the server reads. */
export function maySetCharset(start: usize, length: u32): bool {
  const end = start + length;
  let at = start;
  while (at < end && u8At(at) <= SPACE) at += 1;
  if (end - at < 4) return false;
  if (u8At(at) == SLASH && u8At(at + 1) == STAR) return true;
  return isWord(at, 3, "set") || (end - at > 7 && isWord(at, 7, "execute"));
}

/**
 * The charset that the statement of `length` bytes at `start` sets last, UNKNOWN where that cannot be told; CharsetChange.NONE where
 * it sets none. It may be several statements.
 */
export function charsetSet(start: usize, length: u32, escapes: u32): u32 {
  const end = start + length;
  let found = CharsetChange.NONE;
  let isFirst = true;
  let sets: bool = false;
  let isGlobal = false;
  let at = start;
  while (at < end) {
    const byte = u8At(at);
    if (byte == SEMICOLON) {
      isFirst = true;
      sets = false;
    }
    if (byte == COMMA) isGlobal = false;
    if (!isWordByte(byte, Dialect.MYSQL)) {
      at = stepOver(at, end, byte, escapes);
      continue;
    }
    const from = at;
    while (at < end && isWordByte(u8At(at), Dialect.MYSQL)) at += 1;
    const bytes = <u32>(at - from);
    // The version in a comment that the server reads.
    if (isFirst && byte - 48 < 10) continue;
    if (isFirst && isWord(from, bytes, "execute")) found = Charset.UNKNOWN;
    if (isFirst) sets = isWord(from, bytes, "set");
    isFirst = false;
    if (!sets) continue;
    if (isWord(from, bytes, "global") || isWord(from, bytes, "@@global")) isGlobal = true;
    const value = valueAt(from, bytes, at, end);
    if (value == 0) continue;
    found = isGlobal ? Charset.UNKNOWN : charsetOfValue(value, end);
    at = value;
  }
  return found;
}

/** Address behind what begins with `byte` at `at` and holds no word: what is quoted, a comment, or the byte alone. */
function stepOver(at: usize, end: usize, byte: u32, escapes: u32): usize {
  if (byte == QUOTE || byte == DOUBLE || byte == BACKTICK) return quotedEnd(at, end, byte == BACKTICK ? Escapes.NO : escapes);
  const next = at + 1 < end ? u8At(at + 1) : 0;
  if (isLineComment(at, end, Dialect.MYSQL)) return lineEnd(at, end, Dialect.MYSQL);
  if (byte != SLASH || next != STAR) return at + 1;
  const third = at + 2 < end ? u8At(at + 2) : 0;
  if (third == EXCLAMATION) return at + 3;
  if (third == M && at + 3 < end && u8At(at + 3) == EXCLAMATION) return at + 4;
  const behind = commentEnd(at, end, false);
  return behind != 0 ? behind : end;
}

/** Where the value begins that the word of `length` bytes at `from`, which ends at `at`, gives the charset; 0 where it gives none. */
function valueAt(from: usize, length: u32, at: usize, end: usize): usize {
  const next = skipSpace(at, end);
  if (isWord(from, length, "names") || isWord(from, length, "charset")) return next;
  if (isWord(from, length, "character")) {
    return end - next > 3 && isWord(next, 3, "set") ? skipSpace(next + 3, end) : 0;
  }
  if (!isWord(from, length, "character_set_client") && !isWord(from, length, "@@character_set_client")) return 0;
  const sign = next < end && u8At(next) == COLON ? next + 1 : next;
  return sign < end && u8At(sign) == EQUALS ? skipSpace(sign + 1, end) : 0;
}

function skipSpace(from: usize, end: usize): usize {
  let at = from;
  while (at < end && u8At(at) <= SPACE) at += 1;
  return at;
}

/** The charset that a value names: a name, in quotes or not, or the number of a collation. */
function charsetOfValue(from: usize, end: usize): u32 {
  let at = from;
  const isQuoted = at < end && (u8At(at) == QUOTE || u8At(at) == DOUBLE || u8At(at) == BACKTICK);
  if (isQuoted) at += 1;
  const start = at;
  while (at < end && isWordByte(u8At(at), Dialect.MYSQL) && u8At(at) != AT) at += 1;
  if (at < end && u8At(at) == DOT) return Charset.UNKNOWN;
  const length = <u32>(at - start);
  if (length == 0 || u8At(start) - 48 >= 10) return charsetOfName(start, length);
  let number: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = u8At(start + i) - 48;
    if (digit >= 10 || number > 65535) return Charset.UNKNOWN;
    number = number * 10 + digit;
  }
  return charsetOfCollation(number);
}

/** Whether the `length` bytes at `start` are `word`, in any case. */
function isWord(start: usize, length: u32, word: string): bool {
  if (length != <u32>word.length) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = u8At(start + i);
    if ((byte - 65 < 26 ? byte | 32 : byte) != <u32>load<u16>(changetype<usize>(word) + (i << 1))) return false;
  }
  return true;
}
