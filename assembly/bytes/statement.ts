/**
 * The fingerprint of an SQL statement: what remains the same when only values differ.
 *
 * ```
 *   SELECT *  FROM t /* by id *\/ WHERE id IN (1, 2,3) AND n = 'x'  ->  SELECT * FROM t WHERE id IN (?) AND n = ?
 *   INSERT INTO t VALUES (1, now()), (2, now());                    ->  INSERT INTO t VALUES (?, now())
 * ```
 * Strings, numbers and placeholders become `?`, runs of white space one space, comments nothing. A list of nothing but values
 * folds into one, and so do neighbouring groups in parentheses that read the same. Letters keep their case. A statement that
 * was cut inside a literal or a comment ends there.
 */

/** Whose lexical rules hold. */
export class Dialect {
  /** Backslashes escape, double quotes hold strings, `#` begins a comment. */
  static readonly MYSQL: u32 = 0;
  /** Double quotes hold identifiers, dollars quote strings, comments nest. */
  static readonly POSTGRESQL: u32 = 1;
}

/** Bytes of a fingerprint at the most. */
export const FINGERPRINT_BYTES_MAX: u32 = 512;

/** Groups within groups whose beginnings are kept. */
const DEPTH_MAX: u32 = 16;

const OUT: usize = memory.data(16 + 512 + 16);
const OPENED: usize = memory.data(4 * 16, 4);

/** What a byte can begin. */
const WORD: u8 = 1;
const DIGIT: u8 = 2;
const SPACE: u8 = 3;
const SPECIAL: u8 = 4;
const CLASSES: usize = memory.data(256);

const LF: u32 = 10;
const DOUBLE: u32 = 34;
const HASH: u32 = 35;
const DOLLAR: u32 = 36;
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
const EQUALS: u32 = 61;
const QUESTION: u32 = 63;
const BACKSLASH: u32 = 92;
const UNDERSCORE: u32 = 95;
const BACKTICK: u32 = 96;

/** The fingerprint made last. */
export class Statement {
  static start: usize = OUT + 16;
  static length: u32 = 0;
}

class Text {
  static at: usize = 0;
  static end: usize = 0;
  static out: usize = 0;
  static limit: usize = 0;
  static dialect: u32 = 0;
  /** Whether white space stands before what comes next. */
  static gap: bool = false;
  static depth: u32 = 0;
}

/** Fills the table of classes, once. */
function openClasses(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    const isLetter = (byte | 32) - 97 < 26 || byte >= 128 || byte == UNDERSCORE || byte == 64;
    let kind: u8 = isLetter ? WORD : byte - 48 < 10 ? DIGIT : byte <= 32 ? SPACE : 0;
    const isSpecial =
      byte == DOUBLE || byte == HASH || byte == DOLLAR || byte == QUOTE || byte == OPEN || byte == CLOSE || byte == COMMA;
    if (isSpecial || byte == MINUS || byte == DOT || byte == SLASH || byte == SEMICOLON || byte == BACKTICK || byte == QUESTION)
      kind = SPECIAL;
    store<u8>(CLASSES + byte, kind);
  }
}

/** Makes the fingerprint of the `length` bytes of text at `start`; it is in `Statement` until the next is made. */
export function fingerprint(start: usize, length: u32, dialect: u32): void {
  if (load<u8>(CLASSES + 65) == 0) openClasses();
  Text.at = start;
  Text.end = start + length;
  Text.out = Statement.start;
  Text.limit = Statement.start + FINGERPRINT_BYTES_MAX;
  Text.dialect = dialect;
  Text.gap = false;
  Text.depth = 0;
  while (Text.at < Text.end && Text.out < Text.limit) step();
  while (Text.out > Statement.start && load<u8>(Text.out - 1) == <u8>SEMICOLON) Text.out -= 1;
  Statement.length = <u32>(Text.out - Statement.start);
}

function step(): void {
  const byte = <u32>load<u8>(Text.at);
  const kind = load<u8>(CLASSES + byte);
  if (kind == WORD) word();
  else if (kind == SPACE) {
    Text.gap = true;
    Text.at += 1;
  } else if (kind == DIGIT) number();
  else if (kind == SPECIAL) special(byte);
  else {
    put(byte);
    Text.at += 1;
  }
}

/** Writes one byte, and a space before it where white space stood and something stands before that. */
function put(byte: u32): void {
  if (Text.gap) {
    Text.gap = false;
    const last = Text.out > Statement.start ? <u32>load<u8>(Text.out - 1) : OPEN;
    if (last != OPEN && last != 32 && byte != CLOSE && byte != COMMA && byte != SEMICOLON) {
      store<u8>(Text.out, 32);
      Text.out += 1;
    }
  }
  if (Text.out >= Text.limit) return;
  store<u8>(Text.out, byte);
  Text.out += 1;
}

/** A word: a keyword, a name, or what stands before a string that belongs to it. */
function word(): void {
  const from = Text.at;
  let at = from + 1;
  const end = Text.end;
  while (at < end && isWordByte(load<u8>(at))) at += 1;
  const length = <u32>(at - from);
  if (at < end && load<u8>(at) == <u8>QUOTE && isPrefix(from, length)) {
    Text.at = at;
    const escapes = Text.dialect == Dialect.MYSQL || (<u32>load<u8>(from) | 32) == 101;
    quoted(QUOTE, escapes);
    value();
    return;
  }
  put(load<u8>(from));
  let out = Text.out;
  const limit = Text.limit;
  let p = from + 1;
  while (p < at && out < limit) {
    store<u8>(out, load<u8>(p));
    out += 1;
    p += 1;
  }
  Text.out = out;
  Text.at = at;
}

function isWordByte(byte: u8): bool {
  const kind = load<u8>(CLASSES + <u32>byte);
  return kind == WORD || kind == DIGIT || <u32>byte == DOLLAR;
}

/** Whether a word before a quote is part of the string: N'', B'', X'', E'', _utf8''. */
function isPrefix(from: usize, length: u32): bool {
  const first = <u32>load<u8>(from);
  if (first == UNDERSCORE) return true;
  const letter = first | 32;
  return length == 1 && (letter == 110 || letter == 98 || letter == 120 || letter == 101);
}

/** A number: digits with a fraction, an exponent or letters of another base. */
function number(): void {
  let at = Text.at + 1;
  while (at < Text.end) {
    const byte = <u32>load<u8>(at);
    const isSign = (byte == MINUS || byte == PLUS) && (<u32>load<u8>(at - 1) | 32) == 101 && load<u8>(Text.at + 1) != 120;
    if (!isWordByte(<u8>byte) && byte != DOT && !isSign) break;
    at += 1;
  }
  Text.at = at;
  value();
}

/** Steps over what is quoted; the quote doubled, or escaped where `escapes`, is part of it. */
function quoted(quote: u32, escapes: bool): void {
  let at = Text.at + 1;
  while (at < Text.end) {
    const byte = <u32>load<u8>(at);
    if (byte == BACKSLASH && escapes) {
      at += 2;
      continue;
    }
    at += 1;
    if (byte != quote) continue;
    if (at >= Text.end || <u32>load<u8>(at) != quote) break;
    at += 1;
  }
  Text.at = at < Text.end ? at : Text.end;
}

/** Writes `?` for a value: a sign before it belongs to it, and in a list of values it goes with the one before. */
function value(): void {
  dropSign();
  const out = Text.out;
  const isNext =
    out - Statement.start >= 3 &&
    <u32>load<u8>(out - 1) == COMMA &&
    <u32>load<u8>(out - 2) == QUESTION &&
    <u32>load<u8>(out - 3) == OPEN;
  if (isNext) {
    Text.out = out - 1;
    Text.gap = false;
    return;
  }
  put(QUESTION);
}

function dropSign(): void {
  const out = Text.out;
  if (Text.gap || out == Statement.start) return;
  const last = <u32>load<u8>(out - 1);
  if (last != MINUS && last != PLUS) return;
  let before = out - 1;
  while (before > Statement.start && load<u8>(before - 1) == 32) before -= 1;
  const byte = before > Statement.start ? <u32>load<u8>(before - 1) : OPEN;
  const isSign = byte == OPEN || byte == COMMA || byte == EQUALS || byte == STAR || byte == SLASH || byte == 60 || byte == 62;
  if (!isSign) return;
  Text.gap = before != out - 1 || byte == COMMA;
  Text.out = before;
}

function special(byte: u32): void {
  const next = Text.at + 1 < Text.end ? <u32>load<u8>(Text.at + 1) : 0;
  const isMysql = Text.dialect == Dialect.MYSQL;
  if (byte == QUOTE || (byte == DOUBLE && isMysql)) {
    quoted(byte, isMysql);
    value();
  } else if (byte == DOUBLE || byte == BACKTICK) {
    identifier(byte);
  } else if (byte == MINUS && next == MINUS && (!isMysql || isBlankAfterDashes())) {
    lineComment();
  } else if (byte == HASH && isMysql) {
    lineComment();
  } else if (byte == SLASH && next == STAR) {
    comment();
  } else if (byte == DOT && next - 48 < 10 && !followsName()) {
    number();
  } else if (byte == QUESTION && isMysql) {
    Text.at += 1;
    value();
  } else if (byte == DOLLAR && !isMysql) {
    dollar(next);
  } else {
    punctuation(byte);
  }
}

/** MySQL wants white space behind the dashes of a comment. */
function isBlankAfterDashes(): bool {
  return Text.at + 2 >= Text.end || load<u8>(Text.at + 2) <= 32;
}

/** Whether the last byte written can end a name, so that a dot behind it is none of a number. */
function followsName(): bool {
  if (Text.gap || Text.out == Statement.start) return false;
  const last = load<u8>(Text.out - 1);
  return isWordByte(last) || <u32>last == BACKTICK || <u32>last == DOUBLE;
}

/** A quoted name stays as it is. */
function identifier(quote: u32): void {
  const from = Text.at;
  quoted(quote, false);
  put(quote);
  for (let p = from + 1; p < Text.at && Text.out < Text.limit; p++) {
    store<u8>(Text.out, load<u8>(p));
    Text.out += 1;
  }
}

function lineComment(): void {
  while (Text.at < Text.end && <u32>load<u8>(Text.at) != LF) Text.at += 1;
  Text.gap = true;
}

/** A comment; in PostgreSQL one may lie in another. */
function comment(): void {
  let depth: u32 = 1;
  let at = Text.at + 2;
  while (depth != 0 && at + 1 < Text.end) {
    const two = <u32>load<u16>(at);
    if (two == ((SLASH << 8) | STAR)) depth -= 1;
    else if (two == ((STAR << 8) | SLASH) && Text.dialect == Dialect.POSTGRESQL) depth += 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
  }
  Text.at = depth == 0 ? at : Text.end;
  Text.gap = true;
}

/** `$1` or `$tag$ ... $tag$`. */
function dollar(next: u32): void {
  if (next - 48 < 10) {
    Text.at += 1;
    number();
    return;
  }
  let tagEnd = Text.at + 1;
  while (
    tagEnd < Text.end &&
    load<u8>(CLASSES + <u32>load<u8>(tagEnd)) <= DIGIT &&
    load<u8>(CLASSES + <u32>load<u8>(tagEnd)) != 0
  )
    tagEnd += 1;
  if (tagEnd >= Text.end || <u32>load<u8>(tagEnd) != DOLLAR) {
    punctuation(DOLLAR);
    return;
  }
  const length = tagEnd - Text.at;
  let at = tagEnd + 1;
  while (at < Text.end && !isTag(at, Text.at, length)) at += 1;
  Text.at = at < Text.end ? at + length + 1 : Text.end;
  value();
}

/** Whether the tag at `tag`, `length` bytes and a dollar, stands at `at` too. */
function isTag(at: usize, tag: usize, length: usize): bool {
  if (Text.end - at <= length) return false;
  for (let i: usize = 0; i <= length; i++) {
    if (load<u8>(at + i) != load<u8>(tag + i)) return false;
  }
  return true;
}

function punctuation(byte: u32): void {
  put(byte);
  Text.at += 1;
  if (byte == COMMA) {
    Text.gap = true;
  } else if (byte == OPEN) {
    if (Text.depth < DEPTH_MAX) store<u32>(OPENED + (Text.depth << 2), <u32>(Text.out - 1));
    Text.depth += 1;
  } else if (byte == CLOSE && Text.depth != 0) {
    Text.depth -= 1;
    if (Text.depth < DEPTH_MAX) foldGroup(load<u32>(OPENED + (Text.depth << 2)));
  }
}

/** Drops the group from `from` on when the one before it, a comma between, reads the same. */
function foldGroup(from: usize): void {
  const length = Text.out - from;
  const separator = from - 2;
  if (from < Statement.start + 2 + length || <u32>load<u8>(separator) != COMMA || load<u8>(from - 1) != 32) return;
  const other = separator - length;
  for (let i: usize = 0; i < length; i++) {
    if (load<u8>(other + i) != load<u8>(from + i)) return;
  }
  Text.out = separator;
}
