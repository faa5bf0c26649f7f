/**
 * Which charset statements are written in, as far as it tells how their literals end.
 *
 * In most charsets a byte below 128 is that letter. In a few the second byte of a character may be one, a backslash among them: in
 * GBK 運 is DF 5C. Whoever takes that for an escape reads on behind the end of the literal, and then shows what stands in the next.
 * ```
 *            first byte          second byte
 *   GBK      81-FE               40-7E 80-FE      also GB18030, whose characters of four bytes hold no backslash, UHC, JOHAB
 *   BIG5     A1-F9               40-7E A1-FE
 *   SJIS     81-9F E0-FC         40-7E 80-FC      also CP932 and SHIFT_JIS_2004
 * ```
 * Where it is not known which charset it is, both readings of a backslash behind a byte of 129 or more are possible: then the rest of
 * the statement is taken for a literal. (MySQL manual, "Character Sets"; PostgreSQL manual, "Character Set Support".)
 */
import { u8At } from "../../bytes/reader";

/** Least first byte of a character of two. */
const LEAD_MIN: u32 = 0x81;
const NAME_BYTES_MAX: u32 = 32;
const UNDERSCORE: u32 = 95;
const MINUS: u32 = 45;

export class Charset {
  static readonly UNKNOWN: u32 = 0;
  /** One in which a byte below 128 is a character of its own. */
  static readonly PLAIN: u32 = 1;
  static readonly GBK: u32 = 2;
  static readonly BIG5: u32 = 3;
  static readonly SJIS: u32 = 4;

  /** That of the statement in hand. */
  static inForce: u32 = 1;
}

/** What a byte below 128 is that may be the second of a character. */
export class Second {
  static readonly NO: u32 = 0;
  static readonly YES: u32 = 1;
  static readonly MAYBE: u32 = 2;
}

/** Whether the byte at `at` is the second one of a character that begins at `from` or later, where one begins. */
export function secondAt(from: usize, at: usize): u32 {
  const charset = Charset.inForce;
  if (charset == Charset.PLAIN || at <= from || u8At(at - 1) < LEAD_MIN) return Second.NO;
  if (charset == Charset.UNKNOWN) return Second.MAYBE;
  // A byte below 128 is no first one, so a character begins behind it.
  let first = at - 1;
  while (first > from && u8At(first - 1) >= 128) first -= 1;
  while (first < at) {
    if (!isPair(charset, u8At(first), u8At(first + 1))) first += 1;
    else if (first + 1 == at) return Second.YES;
    else first += 2;
  }
  return Second.NO;
}

/** Whether two bytes are one character. */
function isPair(charset: u32, first: u32, second: u32): bool {
  if (second < 0x40 || second == 0x7f) return false;
  if (charset == Charset.GBK) return first >= LEAD_MIN && first <= 0xfe && second <= 0xfe;
  if (charset == Charset.BIG5) return first >= 0xa1 && first <= 0xf9 && (second < 0x7f || second >= 0xa1) && second <= 0xfe;
  return ((first >= LEAD_MIN && first <= 0x9f) || (first >= 0xe0 && first <= 0xfc)) && second <= 0xfc;
}

/** Names without `_` and `-`, in lower case, of MySQL, MariaDB and PostgreSQL. */
const GBK_NAMES: string = " gbk gb18030 uhc johab windows949 windows936 win949 win936 ";
const BIG5_NAMES: string = " big5 windows950 win950 ";
const SJIS_NAMES: string = " sjis cp932 shiftjis shiftjis2004 mskanji windows932 win932 ";
const PLAIN_NAMES: string =
  " utf8 utf8mb3 utf8mb4 unicode ascii sqlascii binary latin1 latin2 latin3 latin4 latin5 latin6 latin7 latin8 latin9 latin10 iso88591 iso88592 iso88593 iso88594 iso88595 iso88596 iso88597 iso88598 iso88599 iso885910 iso885913 iso885914 iso885915 iso885916 eucjp euccn euckr euctw eucjis2004 eucjpms ujis gb2312 koi8 koi8r koi8u muleinternal win alt abc tcvn tcvn5712 vscii win866 win874 win1250 win1251 win1252 win1253 win1254 win1255 win1256 win1257 win1258 windows866 windows874 windows1250 windows1251 windows1252 windows1253 windows1254 windows1255 windows1256 windows1257 windows1258 armscii8 cp850 cp852 cp866 cp1250 cp1251 cp1256 cp1257 dec8 geostd8 greek hebrew hp8 keybcs2 macce macroman swe7 tis620 ";

const NAME: usize = memory.data(32);

/** The charset of a name of `length` bytes at `start`; UNKNOWN where it is none of which this is known. */
export function charsetOfName(start: usize, length: u32): u32 {
  let made: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = u8At(start + i);
    if (byte == UNDERSCORE || byte == MINUS) continue;
    if (made == NAME_BYTES_MAX) return Charset.UNKNOWN;
    store<u8>(NAME + made, byte - 65 < 26 ? byte | 32 : byte);
    made += 1;
  }
  if (isAmong(PLAIN_NAMES, made)) return Charset.PLAIN;
  if (isAmong(GBK_NAMES, made)) return Charset.GBK;
  if (isAmong(BIG5_NAMES, made)) return Charset.BIG5;
  return isAmong(SJIS_NAMES, made) ? Charset.SJIS : Charset.UNKNOWN;
}

/** Whether the name in hand, of `length` bytes, is in a list. */
function isAmong(list: string, length: u32): bool {
  if (length == 0) return false;
  const letters = changetype<usize>(list);
  const count = <u32>list.length;
  let matched: u32 = 0;
  let isMatch = false;
  for (let i: u32 = 0; i < count; i++) {
    const letter = <u32>load<u16>(letters + (i << 1));
    if (letter == 32) {
      if (isMatch && matched == length) return true;
      isMatch = true;
      matched = 0;
    } else if (isMatch) {
      isMatch = matched < length && <u32>load<u8>(NAME + matched) == letter;
      matched += 1;
    }
  }
  return false;
}
