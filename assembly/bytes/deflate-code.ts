/**
 * Huffman codes of deflate (RFC 1951 section 3.2): a code's lengths become a table of its first ten bits, and lists for longer ones.
 *
 * ```
 *   entry   base u16 | kind u8 | length u8         what the symbol means, so that one look tells all
 *   code    1024 entries | how many codes have each length, 16 u16 | symbols in the order of their codes, 288 u16
 * ```
 * An entry is 0 where the code is longer than the table's bits, or is none.
 */

/** What an entry's base is: as many bits are added to it, or it is one of these. */
export class Kind {
  /** A byte, or a symbol of the code of lengths. */
  static readonly LITERAL: u32 = 16;
  static readonly END: u32 = 17;
  /** A symbol that must not be used. */
  static readonly NONE: u32 = 18;
}

/** Which alphabet a code is of. */
export class Alphabet {
  static readonly LENGTHS: u32 = 0;
  static readonly LITERALS: u32 = 1;
  static readonly DISTANCES: u32 = 2;
}

/** Symbols of the alphabets, those included that only the fixed code has. */
export const LENGTH_SYMBOLS: u32 = 19;
export const LITERAL_SYMBOLS: u32 = 288;
export const DISTANCE_SYMBOLS: u32 = 32;

const TABLE_BITS: u32 = 10;
/** Selects the table's bits. */
export const TABLE_MASK: u64 = 1023;
const COUNTS: u32 = 4096;
const SYMBOLS: u32 = COUNTS + 32;
/** Bytes of a code. */
export const CODE_BYTES: u32 = SYMBOLS + 2 * 288;
const LENGTH_MAX: u32 = 15;
const END_OF_BLOCK: u32 = 256;

/** Where codes of each length begin, while a code is made. */
const NEXT: usize = memory.data(64, 4);
const PLACES: usize = memory.data(64, 4);

/**
 * Makes the code whose symbols have the `count` lengths, a byte each, at `lengths`; false where they are none. As in zlib, no
 * codes at all are a code, and a single one of one bit may leave the other unused.
 */
export function makeCode(code: usize, alphabet: u32, lengths: usize, count: u32): bool {
  memory.fill(code, 0, SYMBOLS);
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const at = code + COUNTS + (load<u8>(lengths + symbol) << 1);
    store<u16>(at, load<u16>(at) + 1);
  }
  const unused = <u32>load<u16>(code, COUNTS);
  store<u16>(code, 0, COUNTS);
  if (!isComplete(code, alphabet, count - unused)) return false;
  let next: u32 = 0;
  let place: u32 = 0;
  for (let length: u32 = 1; length <= LENGTH_MAX; length++) {
    next = (next + load<u16>(code + COUNTS + ((length - 1) << 1))) << 1;
    store<u32>(NEXT + (length << 2), next);
    store<u32>(PLACES + (length << 2), place);
    place += load<u16>(code + COUNTS + (length << 1));
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length != 0) putSymbol(code, alphabet, symbol, length);
  }
  return true;
}

/** Whether `used` codes of these lengths leave nothing over. */
function isComplete(code: usize, alphabet: u32, used: u32): bool {
  let left: i32 = 1;
  for (let length: u32 = 1; length <= LENGTH_MAX; length++) {
    left = (left << 1) - load<u16>(code + COUNTS + (length << 1));
    if (left < 0) return false;
  }
  if (left == 0) return true;
  return used == 0 || (alphabet != Alphabet.LENGTHS && used == 1 && load<u16>(code, COUNTS + 2) == 1);
}

/** Gives a symbol the next code of its length. */
function putSymbol(code: usize, alphabet: u32, symbol: u32, length: u32): void {
  const places = PLACES + (length << 2);
  store<u16>(code + SYMBOLS + (load<u32>(places) << 1), symbol);
  store<u32>(places, load<u32>(places) + 1);
  const next = NEXT + (length << 2);
  const bits = load<u32>(next);
  store<u32>(next, bits + 1);
  if (length > TABLE_BITS) return;
  const entry = entryOf(alphabet, symbol) | length;
  const step: u32 = 1 << length;
  for (let at = reversed(bits, length); at < 1 << TABLE_BITS; at += step) store<u32>(code + (at << 2), entry);
}

/** Codes come with their highest bit first, all else with its lowest. */
function reversed(bits: u32, length: u32): u32 {
  let result: u32 = 0;
  for (let i: u32 = 0; i < length; i++) result |= ((bits >> i) & 1) << (length - 1 - i);
  return result;
}

/** The entry of the code that `bits` begin with, where the table has none; 0 where it is no code. */
export function longEntry(code: usize, alphabet: u32, bits: u64): u32 {
  let word: u32 = 0;
  let first: u32 = 0;
  let place: u32 = 0;
  for (let length: u32 = 1; length <= LENGTH_MAX; length++) {
    word = (word << 1) | (<u32>(bits >> (length - 1)) & 1);
    const count = <u32>load<u16>(code + COUNTS + (length << 1));
    if (word < first + count) return entryOf(alphabet, load<u16>(code + SYMBOLS + ((place + word - first) << 1))) | length;
    place += count;
    first = (first + count) << 1;
  }
  return 0;
}

/** An entry without its length: what a symbol means (RFC 1951 section 3.2.5). */
function entryOf(alphabet: u32, symbol: u32): u32 {
  if (alphabet == Alphabet.DISTANCES) {
    if (symbol >= 30) return Kind.NONE << 8;
    if (symbol < 4) return (symbol + 1) << 16;
    const extra = (symbol >> 1) - 1;
    return ((((2 | (symbol & 1)) << extra) + 1) << 16) | (extra << 8);
  }
  if (symbol < END_OF_BLOCK || alphabet == Alphabet.LENGTHS) return (symbol << 16) | (Kind.LITERAL << 8);
  if (symbol == END_OF_BLOCK) return Kind.END << 8;
  if (symbol > 285) return Kind.NONE << 8;
  if (symbol == 285) return 258 << 16;
  const index = symbol - 257;
  if (index < 8) return (index + 3) << 16;
  const extra = (index >> 2) - 1;
  return ((((4 | (index & 3)) << extra) + 3) << 16) | (extra << 8);
}
