/**
 * Where the text of a statement wants a closer look: all other bytes go into its fingerprint as they are.
 *
 * Sixteen bytes at a time, and a byte at a time by the scalar twin, which must answer the same. A place is
 *
 * ```
 *   a control character, ( ) - / ; a quote, and ` # ? of MySQL or $ of PostgreSQL
 *   a digit behind what is part of no word
 *   a space behind a space or behind (        a comma behind a space        what follows a comma and is no space
 * ```
 * What stands before the first byte counts as `(`.
 */
import { u8At, v128At } from "../../bytes/reader";

/** Whose lexical rules hold. */
export class Dialect {
  /** Double quotes hold strings, backticks names, `#` begins a comment. */
  static readonly MYSQL: u32 = 0;
  /** Double quotes hold names, dollars quote strings, comments nest. */
  static readonly POSTGRESQL: u32 = 1;
}

/** Bytes of a block. */
export const BLOCK_BYTES: u32 = 16;

const SPACE: u32 = 32;
const OPEN: u32 = 40;
const COMMA: u32 = 44;

/**
 * Tables by half a byte, sixteen bytes each. Of two of them, by the lower half and by the upper one, the common bits are the rules
 * that a byte is under, as the one at a place or as the one before: a rule holds where both are under it. Any set of bytes below
 * 128 takes one table by the lower half, with a bit for each upper half.
 */
const OWN_LOW: usize = memory.data(16, 16);
const OWN_HIGH: usize = memory.data(16, 16);
const BEFORE_LOW: usize = memory.data(16, 16);
const BEFORE_HIGH: usize = memory.data(16, 16);
/** Of each dialect two tables: what is always a place, and behind it what is part of no word. */
const MYSQL_TABLES: usize = memory.data(32, 16);
const POSTGRESQL_TABLES: usize = memory.data(32, 16);
const NO_WORD: usize = 16;
/** By the upper half of a byte: its bit; none from 128 on, where letters of names are. */
const BITS: usize = memory.data<u8>([1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0], 16);
/** Sixteen times a byte: a load costs less than a constant. */
const HALF: usize = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15], 16);
const OPENS: usize = memory.data<u8>([40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40], 16);
const NUMBERS: usize = memory.data<u8>([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 16);

/** A digit behind what is part of no word, which is a set. */
const NUMBER: u32 = 1;
/** A space or a comma behind a space. */
const BEHIND_SPACE: u32 = 2;
/** A space behind an opening parenthesis. */
const BEHIND_OPEN: u32 = 4;
/** What is no space behind a comma: it differs in the lower half, or in the upper one alone. */
const BEHIND_COMMA_LOW: u32 = 8;
const BEHIND_COMMA_HIGH: u32 = 16;

/** Whether a byte can be part of a word: of MySQL's alone `@` can, which begins its variables; PostgreSQL has it in operators. */
export function isWordByte(byte: u32, dialect: u32): bool {
  if ((byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 95 || byte == 36 || byte >= 128) return true;
  return byte == 64 && dialect == Dialect.MYSQL;
}

/** Whether a byte is a place wherever it stands. */
function isAlways(byte: u32, dialect: u32): bool {
  if (byte < SPACE || byte == 34 || byte == 39 || byte == OPEN || byte == 41 || byte == 45 || byte == 47 || byte == 59)
    return true;
  return dialect == Dialect.MYSQL ? byte == 35 || byte == 63 || byte == 96 : byte == 36;
}

function note(table: usize, byte: u32): void {
  const at = table + (byte & 15);
  store<u8>(at, <u32>load<u8>(at) | (1 << (byte >> 4)));
}

/** Puts the bytes whose halves are in `lows` and `highs`, a bit each, under `rule`. */
function noteRule(low: usize, high: usize, rule: u32, lows: u32, highs: u32): void {
  for (let half: u32 = 0; half < 16; half++) {
    if ((lows >> half) & 1) store<u8>(low + half, <u32>load<u8>(low + half) | rule);
    if ((highs >> half) & 1) store<u8>(high + half, <u32>load<u8>(high + half) | rule);
  }
}

/** Fills the tables, once. */
function openTables(): void {
  for (let byte: u32 = 0; byte < 128; byte++) {
    if (isAlways(byte, Dialect.MYSQL)) note(MYSQL_TABLES, byte);
    if (isAlways(byte, Dialect.POSTGRESQL)) note(POSTGRESQL_TABLES, byte);
    if (!isWordByte(byte, Dialect.MYSQL)) note(MYSQL_TABLES + NO_WORD, byte);
    if (!isWordByte(byte, Dialect.POSTGRESQL)) note(POSTGRESQL_TABLES + NO_WORD, byte);
  }
  noteRule(OWN_LOW, OWN_HIGH, NUMBER, 0x3ff, 1 << 3);
  noteRule(OWN_LOW, OWN_HIGH, BEHIND_SPACE, 0x1001, 1 << 2);
  noteRule(OWN_LOW, OWN_HIGH, BEHIND_OPEN, 1, 1 << 2);
  noteRule(OWN_LOW, OWN_HIGH, BEHIND_COMMA_LOW, 0xfffe, 0xffff);
  noteRule(OWN_LOW, OWN_HIGH, BEHIND_COMMA_HIGH, 1, 0xfffb);
  noteRule(BEFORE_LOW, BEFORE_HIGH, BEHIND_SPACE, 1, 1 << 2);
  noteRule(BEFORE_LOW, BEFORE_HIGH, BEHIND_OPEN, 1 << 8, 1 << 2);
  noteRule(BEFORE_LOW, BEFORE_HIGH, BEHIND_COMMA_LOW | BEHIND_COMMA_HIGH, 1 << 12, 1 << 2);
}

/** Where the tables of a dialect lie, which `placesIn` wants. */
export function placesTable(dialect: u32): usize {
  if (load<u8>(MYSQL_TABLES) == 0) openTables();
  return dialect == Dialect.MYSQL ? MYSQL_TABLES : POSTGRESQL_TABLES;
}

/** Bit i is set where byte i of the `length` bytes at `at`, at most 16 are looked at, is a place; the text begins at `start`. */
export function placesIn(table: usize, start: usize, at: usize, length: u32): u32 {
  const count = length < BLOCK_BYTES ? length : BLOCK_BYTES;
  const bytes = v128At(at, count);
  const before = at == start ? behindOpen(bytes) : v128At(at - 1, count);
  const half = v128.load(HALF);
  const bits = v128.load(BITS);
  const zero = i64x2.splat(0);
  const low = v128.and(bytes, half);
  const high = v128.and(i16x8.shr_u(bytes, 4), half);
  const lowBefore = v128.and(before, half);
  const highBefore = v128.and(i16x8.shr_u(before, 4), half);
  const always = v128.and(i8x16.swizzle(v128.load(table), low), i8x16.swizzle(bits, high));
  const own = v128.and(i8x16.swizzle(v128.load(OWN_LOW), low), i8x16.swizzle(v128.load(OWN_HIGH), high));
  const rules = v128.and(i8x16.swizzle(v128.load(BEFORE_LOW), lowBefore), i8x16.swizzle(v128.load(BEFORE_HIGH), highBefore));
  const noWord = v128.and(i8x16.swizzle(v128.load(table + NO_WORD), lowBefore), i8x16.swizzle(bits, highBefore));
  const number = v128.andnot(v128.load(NUMBERS), i8x16.eq(noWord, zero));
  const any = v128.or(always, v128.and(own, v128.or(rules, number)));
  const places = <u32>i8x16.bitmask(i8x16.eq(any, zero)) ^ 0xffff;
  return length < BLOCK_BYTES ? places & ((1 << length) - 1) : places;
}

/** The bytes one further, behind an opening parenthesis. */
function behindOpen(bytes: v128): v128 {
  return i8x16.shuffle(v128.load(OPENS), bytes, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

/** The scalar twin of `placesIn`. */
export function placesInScalar(dialect: u32, start: usize, at: usize, length: u32): u32 {
  const count = length < BLOCK_BYTES ? length : BLOCK_BYTES;
  let places: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const before = at + i == start ? OPEN : u8At(at + i - 1);
    if (isPlace(u8At(at + i), before, dialect)) places |= 1 << i;
  }
  return places;
}

function isPlace(byte: u32, before: u32, dialect: u32): bool {
  if (isAlways(byte, dialect)) return true;
  if (byte - 48 < 10 && !isWordByte(before, dialect)) return true;
  if (byte == SPACE) return before == SPACE || before == OPEN;
  return before == COMMA || (byte == COMMA && before == SPACE);
}
