/**
 * Inflate (RFC 1951) of what zlib wrote (RFC 1950), piece by piece into a window of bounded size.
 *
 * ```
 *   zlib     method and window u8 | flags u8 | blocks | Adler-32 of the content, highest byte first
 *   block    last? 1 bit | 00 stored: to the next byte, length u16, its complement, bytes | 01 fixed codes | 10 codes, then symbols
 *
 *   window   start ......... out ...... limit .. + 266 bytes
 *            what came before            where a call stops
 * ```
 * All of the compressed bytes that there are lie together; a call goes on until the window's limit is passed, the content ends, or
 * something is wrong. Nothing before `start` of the window is ever read. Behind the limit the longest copy may be written, 258 bytes in
 * steps of eight, and nothing behind that.
 */
import { ADLER_START, adler32 } from "./adler32";
import {
  Alphabet,
  CODE_BYTES,
  DISTANCE_SYMBOLS,
  Kind,
  LENGTH_SYMBOLS,
  LITERAL_SYMBOLS,
  longEntry,
  makeCode,
  TABLE_MASK,
} from "./deflate-code";
import { u8At, u16be, u16le, u32be, u64le } from "./reader";

/** How a call of `inflate` ended. */
export class Inflated {
  /** The content ended, and its sum is right. */
  static readonly DONE: u32 = 0;
  /** More than the limit came out: another call goes on. */
  static readonly FULL: u32 = 1;
  /** The compressed bytes ended before the content. */
  static readonly TRUNCATED: u32 = 2;
  /** The bytes are not what zlib writes, need a dictionary, or have another sum. */
  static readonly BAD: u32 = 3;
}

/** How far copies reach back. */
export const REACH_BYTES: u32 = 32768;

/** Where a stream stands. */
class Stage {
  static readonly HEADER: u32 = 0;
  static readonly BLOCK: u32 = 1;
  static readonly STORED: u32 = 2;
  static readonly CODES: u32 = 3;
  static readonly CHECK: u32 = 4;
}

/** The one stream in progress: what it reads, and the window. */
export class Inflate {
  /** First byte of the window, and one past the last that came out. */
  static start: usize = 0;
  static out: usize = 0;
  static limit: usize = 0;
  static at: usize = 0;
  static end: usize = 0;
  /** Bits read and not used, lowest first. Those behind `count` are of the byte at `at`. */
  static bits: u64 = 0;
  static count: u32 = 0;
  /** How many of the bits are zeros that stand behind the end. */
  static beyond: u32 = 0;
  static stage: u32 = 0;
  static isLast: bool = false;
  /** Bytes that a stored block has left. */
  static stored: u32 = 0;
  static sum: u32 = 0;
}

const LITERALS: usize = memory.data(4704, 16);
const DISTANCES: usize = memory.data(4704, 16);
const LENGTHS: usize = memory.data(320, 16);
/** In which order the lengths of the code of lengths come (RFC 1951 section 3.2.7). */
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Opens what `length` bytes at `start` hold, to come out from `target` on. */
export function inflateOpen(start: usize, length: u32, target: usize): void {
  assert(CODE_BYTES <= 4704);
  Inflate.at = start;
  Inflate.end = start + length;
  Inflate.start = target;
  Inflate.out = target;
  Inflate.bits = 0;
  Inflate.count = 0;
  Inflate.beyond = 0;
  Inflate.stage = Stage.HEADER;
  Inflate.isLast = false;
  Inflate.stored = 0;
  Inflate.sum = ADLER_START;
}

/** Goes on until more than `limit` bytes stand in the window; answers how it ended. `Inflate.out` is behind the last of them. */
export function inflate(limit: u32): u32 {
  const from = Inflate.out;
  Inflate.limit = Inflate.start + limit;
  const outcome = proceed();
  Inflate.sum = adler32(Inflate.sum, from, <u32>(Inflate.out - from));
  if (outcome != Inflated.DONE) return outcome;
  return Inflate.out > Inflate.limit ? Inflated.FULL : checkSum();
}

/** Moves the last REACH_BYTES of the window to its start, so that more find room; answers by how far. */
export function inflateSlide(): u32 {
  const held = <u32>(Inflate.out - Inflate.start);
  if (held <= REACH_BYTES) return 0;
  const distance = held - REACH_BYTES;
  memory.copy(Inflate.start, Inflate.start + distance, REACH_BYTES);
  Inflate.out -= distance;
  return distance;
}

function proceed(): u32 {
  if (Inflate.stage == Stage.HEADER) {
    const outcome = readHeader();
    if (outcome != Inflated.DONE) return outcome;
  }
  while (Inflate.stage != Stage.CHECK) {
    if (Inflate.stage == Stage.BLOCK) {
      const outcome = readBlock();
      if (outcome != Inflated.DONE) return outcome;
    }
    const outcome = Inflate.stage == Stage.STORED ? copyStored() : readSymbols();
    if (outcome != Inflated.DONE) return outcome;
    Inflate.stage = Inflate.isLast ? Stage.CHECK : Stage.BLOCK;
  }
  return Inflated.DONE;
}

function readHeader(): u32 {
  if (Inflate.end - Inflate.at < 2) return Inflated.TRUNCATED;
  if (!isZlib(u16be(Inflate.at))) return Inflated.BAD;
  Inflate.at += 2;
  Inflate.stage = Stage.BLOCK;
  return Inflated.DONE;
}

/** Whether the first two bytes are zlib's: method 8, a window that there is, no dictionary, a multiple of 31. */
export function isZlib(header: u32): bool {
  return (header & 0x0f00) == 0x0800 && header >> 12 <= 7 && (header & 0x20) == 0 && header % 31 == 0;
}

/** The content has ended: its sum stands at the next whole byte. */
function checkSum(): u32 {
  giveBack();
  if (Inflate.end - Inflate.at < 4) return Inflated.TRUNCATED;
  const isRight = u32be(Inflate.at) == Inflate.sum;
  Inflate.at += 4;
  return isRight ? Inflated.DONE : Inflated.BAD;
}

/** Gives back the whole bytes among the bits that are not used, and drops the others. */
function giveBack(): void {
  Inflate.at -= (Inflate.count - Inflate.beyond) >> 3;
  Inflate.bits = 0;
  Inflate.count = 0;
  Inflate.beyond = 0;
}

/** Reads bits until there are 56 at least; zeros stand for those that are not there. */
function refill(): void {
  if (Inflate.at + 8 <= Inflate.end) {
    Inflate.bits |= u64le(Inflate.at) << Inflate.count;
    Inflate.at += (63 - Inflate.count) >> 3;
    Inflate.count |= 56;
    return;
  }
  while (Inflate.count < 56) {
    if (Inflate.at < Inflate.end) Inflate.bits |= (<u64>u8At(Inflate.at++)) << Inflate.count;
    else Inflate.beyond += 8;
    Inflate.count += 8;
  }
}

/** Takes `count` bits, at most 32 after a refill. */
function take(count: u32): u32 {
  const value = <u32>Inflate.bits & ((1 << count) - 1);
  Inflate.bits >>= count;
  Inflate.count -= count;
  return value;
}

/** Whether bits were used that are not there. */
function isBeyond(): bool {
  return Inflate.count < Inflate.beyond;
}

/** Reads the beginning of a block, up to its symbols or stored bytes. */
function readBlock(): u32 {
  refill();
  Inflate.isLast = take(1) != 0;
  const type = take(2);
  if (isBeyond()) return Inflated.TRUNCATED;
  if (type == 3) return Inflated.BAD;
  if (type == 0) return readStored();
  Inflate.stage = Stage.CODES;
  if (type == 1) {
    makeFixed();
    return Inflated.DONE;
  }
  return readCodes();
}

function readStored(): u32 {
  giveBack();
  if (Inflate.end - Inflate.at < 4) return Inflated.TRUNCATED;
  const length = u16le(Inflate.at);
  if (length != (u16le(Inflate.at + 2) ^ 0xffff)) return Inflated.BAD;
  Inflate.at += 4;
  Inflate.stored = length;
  Inflate.stage = Stage.STORED;
  return Inflated.DONE;
}

function copyStored(): u32 {
  if (Inflate.out > Inflate.limit) return Inflated.FULL;
  const room = <u32>(Inflate.limit - Inflate.out) + 1;
  const there = min<u32>(min<u32>(Inflate.stored, room), <u32>(Inflate.end - Inflate.at));
  memory.copy(Inflate.out, Inflate.at, there);
  Inflate.at += there;
  Inflate.out += there;
  Inflate.stored -= there;
  if (Inflate.stored == 0) return Inflated.DONE;
  return Inflate.at == Inflate.end ? Inflated.TRUNCATED : Inflated.FULL;
}

/** The codes of RFC 1951 section 3.2.6. */
function makeFixed(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  makeCode(LITERALS, Alphabet.LITERALS, LENGTHS, LITERAL_SYMBOLS);
  memory.fill(LENGTHS, 5, DISTANCE_SYMBOLS);
  makeCode(DISTANCES, Alphabet.DISTANCES, LENGTHS, DISTANCE_SYMBOLS);
}

/** Reads a block's own codes: the code of lengths, and in it the lengths of the two others. */
function readCodes(): u32 {
  refill();
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const lengths = take(4) + 4;
  if (isBeyond()) return Inflated.TRUNCATED;
  if (literals > 286 || distances > 30) return Inflated.BAD;
  memory.fill(LENGTHS, 0, LENGTH_SYMBOLS);
  for (let i: u32 = 0; i < lengths; i++) {
    refill();
    store<u8>(LENGTHS + load<u8>(ORDER + i), take(3));
  }
  if (isBeyond()) return Inflated.TRUNCATED;
  if (!makeCode(DISTANCES, Alphabet.LENGTHS, LENGTHS, LENGTH_SYMBOLS)) return Inflated.BAD;
  const outcome = readLengths(literals + distances);
  if (outcome != Inflated.DONE) return outcome;
  // A block must be able to end.
  if (load<u8>(LENGTHS + 256) == 0) return Inflated.BAD;
  if (!makeCode(LITERALS, Alphabet.LITERALS, LENGTHS, literals)) return Inflated.BAD;
  return makeCode(DISTANCES, Alphabet.DISTANCES, LENGTHS + literals, distances) ? Inflated.DONE : Inflated.BAD;
}

/** Reads `total` lengths in the code of lengths, which stands where that of distances will. */
function readLengths(total: u32): u32 {
  let at: u32 = 0;
  while (at < total) {
    refill();
    const entry = load<u32>(DISTANCES + ((<usize>(Inflate.bits & TABLE_MASK)) << 2));
    // Where there are no codes each bit stands for nothing: the block has no end then.
    take(entry == 0 ? 1 : entry & 255);
    const symbol = entry >> 16;
    if (symbol < 16) {
      if (isBeyond()) return Inflated.TRUNCATED;
      store<u8>(LENGTHS + at++, symbol);
      continue;
    }
    const times = symbol == 16 ? 3 + take(2) : symbol == 17 ? 3 + take(3) : 11 + take(7);
    if (isBeyond()) return Inflated.TRUNCATED;
    if (at + times > total || (symbol == 16 && at == 0)) return Inflated.BAD;
    memory.fill(LENGTHS + at, symbol == 16 ? load<u8>(LENGTHS + at - 1) : 0, times);
    at += times;
  }
  return Inflated.DONE;
}

/** Bits that a symbol with its distance takes at the most. */
const SYMBOL_BITS: u32 = 48;

/** Reads symbols up to the block's end; what changes with each of them stands in locals on the way. */
function readSymbols(): u32 {
  const start = Inflate.start;
  const limit = Inflate.limit;
  let bits = Inflate.bits;
  let count = Inflate.count;
  let out = Inflate.out;
  let outcome = Inflated.FULL;
  while (out <= limit) {
    if (count < SYMBOL_BITS) {
      Inflate.bits = bits;
      Inflate.count = count;
      refill();
      bits = Inflate.bits;
      count = Inflate.count;
    }
    const entry = find(LITERALS, Alphabet.LITERALS, bits);
    bits >>= entry & 255;
    count -= entry & 255;
    const kind = (entry >> 8) & 255;
    if (kind == Kind.LITERAL && count >= Inflate.beyond) {
      store<u8>(out++, entry >> 16);
      continue;
    }
    if (kind >= Kind.LITERAL || entry == 0) {
      outcome = kind == Kind.END ? Inflated.DONE : Inflated.BAD;
      if (entry == 0 ? count <= Inflate.beyond : count < Inflate.beyond) outcome = Inflated.TRUNCATED;
      break;
    }
    const length = (entry >> 16) + (<u32>bits & ((1 << kind) - 1));
    bits >>= kind;
    count -= kind;
    const far = find(DISTANCES, Alphabet.DISTANCES, bits);
    bits >>= far & 255;
    count -= far & 255;
    const extra = (far >> 8) & 255;
    if (far == 0 || extra == Kind.NONE) {
      outcome = (far == 0 ? count <= Inflate.beyond : count < Inflate.beyond) ? Inflated.TRUNCATED : Inflated.BAD;
      break;
    }
    const distance = (far >> 16) + (<u32>bits & ((1 << extra) - 1));
    bits >>= extra;
    count -= extra;
    if (count < Inflate.beyond || distance > <u32>(out - start)) {
      outcome = count < Inflate.beyond ? Inflated.TRUNCATED : Inflated.BAD;
      break;
    }
    repeat(out, distance, length);
    out += length;
  }
  Inflate.bits = bits;
  Inflate.count = count;
  Inflate.out = out;
  return outcome;
}

/** The entry that `bits` begin with; 0 where they begin with no code. */
function find(code: usize, alphabet: u32, bits: u64): u32 {
  const entry = load<u32>(code + ((<usize>(bits & TABLE_MASK)) << 2));
  return entry != 0 ? entry : longEntry(code, alphabet, bits);
}

/** Copies `length` bytes from `distance` before `out`, eight at a time where they do not overlap; up to seven more are written. */
function repeat(out: usize, distance: u32, length: u32): void {
  const end = out + length;
  if (distance >= 8) {
    for (let at = out; at < end; at += 8) store<u64>(at, load<u64>(at - distance));
    return;
  }
  for (let at = out; at < end; at++) store<u8>(at, load<u8>(at - distance));
}
