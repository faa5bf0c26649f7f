/**
 * Statements: what may be shown of one, and its fingerprint, which remains the same when only values differ.
 *
 * ```
 *   written      SELECT *  FROM t /* by id *\/ WHERE id IN (1, 2,3) AND n = 'x';
 *   text         SELECT *  FROM t /*?*\/ WHERE id IN (?, ?,?) AND n = ?;
 *   fingerprint  SELECT * FROM t WHERE id IN (?) AND n = ?
 * ```
 * Of the text literals are masked, and what comments say, unless the settings ask for it as it is. In a fingerprint strings, numbers
 * and placeholders are `?`, runs of white space one space, comments nothing. A list of nothing but values folds into one, and so
 * do neighbouring groups in parentheses that read the same. Letters keep their case. A statement that was cut inside a literal
 * or a comment ends there.
 *
 * Both are made in one pass: blocks are copied to the fingerprint as they are up to the next place that wants a closer look
 * (`places.ts`), where `parts.ts` goes on.
 */
import { u8At, v128At } from "../../bytes/reader";
import { Settings } from "../../settings";
import { Charset } from "./charset";
import { Groups } from "./groups";
import { Masked } from "./masked";
import { Both, Out, onPlace, Text } from "./parts";
import { BLOCK_BYTES, placesIn, placesInScalar, placesTable } from "./places";
import { Quick } from "./quick";

/** Bytes of a statement that are read at the most. */
export const STATEMENT_BYTES_MAX: u32 = 1024;
/** Bytes of a fingerprint at the most. */
export const FINGERPRINT_BYTES_MAX: u32 = 512;

const SPACE: u32 = 32;
const OPEN: u32 = 40;
const CLOSE: u32 = 41;
const QUOTE: u32 = 39;
const COMMA: u32 = 44;
const SEMICOLON: u32 = 59;

/** The statement read last. */
export class Statement {
  /** What may be shown of its text. */
  static textStart: usize = 0;
  static textLength: u32 = 0;
  /** Its fingerprint. */
  static readonly start: usize = Out.START;
  static length: u32 = 0;
  /** Whether the fingerprint was cut at its limit. */
  static isCut: bool = false;

  /** Whether it is several, a semicolon between them. */
  @inline static get isMany(): bool {
    return Text.isMany;
  }
}

/**
 * Reads the statement of `length` bytes at `start`, written in `charset`; it is in `Statement` until the next one is read.
 * `escapes`: whether backslashes do (`Escapes`).
 */
export function readStatement(start: usize, length: u32, dialect: u32, escapes: u32, charset: u32): void {
  const taken = length < STATEMENT_BYTES_MAX ? length : STATEMENT_BYTES_MAX;
  Charset.inForce = charset;
  let both = Both.of(start, open(start, taken, dialect, escapes));
  const table = placesTable(dialect);
  const end = start + taken;
  for (let block = start; block < end; block += BLOCK_BYTES) {
    if (Both.at(both) >= block + BLOCK_BYTES) continue;
    both = takeBlock(start, block, end, both, placesIn(table, start, block, <u32>(end - block)));
  }
  close(start, taken, Both.out(both));
}

/** The scalar twin of `readStatement`: a byte at a time, and every literal by the long way. */
export function readStatementScalar(start: usize, length: u32, dialect: u32, escapes: u32, charset: u32): void {
  const taken = length < STATEMENT_BYTES_MAX ? length : STATEMENT_BYTES_MAX;
  Charset.inForce = charset;
  let out = open(start, taken, dialect, escapes);
  const end = start + taken;
  let at = start;
  while (at < end) {
    if (placesInScalar(dialect, start, at, 1) == 0) {
      store<u8>(out, u8At(at));
      at += 1;
      out += 1;
      continue;
    }
    const both = onPlace(at, out);
    at = Both.at(both);
    out = Both.out(both);
  }
  close(start, taken, out);
}

function open(start: usize, length: u32, dialect: u32, escapes: u32): usize {
  Text.start = start;
  Text.from = start;
  Text.end = start + length;
  Text.dialect = dialect;
  Text.escapes = escapes;
  Text.isMany = false;
  Text.literalEnd = 0;
  if (!Quick.isOpen) Quick.open();
  Masked.open(start);
  return Out.open();
}

/** Goes through the block at `block`, whose places are the bits of `all`, from where `both` stands in it on. */
function takeBlock(start: usize, block: usize, end: usize, both: u64, all: u32): u64 {
  const stop = end - block < BLOCK_BYTES ? end : block + BLOCK_BYTES;
  let at = Both.at(both);
  let out = Both.out(both);
  let places = from(all, <u32>(at - block));
  while (places != 0) {
    const place = block + ctz(places);
    places &= places - 1;
    // The digits behind a number's dot.
    if (place < at) continue;
    v128.store(out, v128At(at, <u32>(place - at)));
    out += place - at;
    const byte = u8At(place);
    const before = place == start ? 0 : u8At(place - 1);
    const isUsual = Quick.isUsual(before);
    if (byte - 48 < 10 && isUsual) {
      at = Quick.numberEnd(place, end);
      if (at != 0) {
        out = Quick.take(place, at, before, out);
        if (at >= stop) return Both.of(at, out);
        continue;
      }
    } else if (byte == OPEN && before != COMMA) {
      out = Groups.open(out);
      at = place + 1;
      continue;
    } else if (byte == CLOSE && before != SPACE) {
      out = Groups.close(out);
      at = place + 1;
      continue;
    }
    at = byte == QUOTE && isUsual ? Quick.stringEnd(place, end) : 0;
    if (at != 0) {
      out = Quick.take(place, at, before, out);
    } else {
      const next = onPlace(place, out);
      at = Both.at(next);
      out = Both.out(next);
    }
    if (at >= stop) return Both.of(at, out);
    places = from(places, <u32>(at - block));
  }
  v128.store(out, v128At(at, <u32>(stop - at)));
  return Both.of(stop, out + (stop - at));
}

/** The bits from `first` on. */
function from(bits: u32, first: u32): u32 {
  return (bits >> first) << first;
}

function close(start: usize, length: u32, end: usize): void {
  let out = end;
  // Before the first byte lies one that is neither.
  while (<u32>load<u8>(out - 1) == SPACE || <u32>load<u8>(out - 1) == SEMICOLON) out -= 1;
  const made = <u32>(out - Statement.start);
  Statement.isCut = made > FINGERPRINT_BYTES_MAX;
  Statement.length = Statement.isCut ? FINGERPRINT_BYTES_MAX : made;
  if (Settings.raw) {
    Statement.textStart = start;
    Statement.textLength = length;
    return;
  }
  Masked.close(Text.end);
  Statement.textStart = Masked.start;
  Statement.textLength = Masked.length;
}
