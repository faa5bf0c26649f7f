/**
 * Rows that are written column by column, so that like stands beside like when a bundle is deflated: all keys, then a column
 * of varints for each number.
 */
import { Cursor } from "../bytes/cursor";
import { elementHash } from "../bytes/hash";
import { Writer } from "../bytes/writer";
import { compareKeys, selectedKey, selectedKeyLength } from "./select";
import { SketchPool } from "./sketch-pool";

/** Columns of numbers at the most: four of a table's rows, and those of a histogram's runs. */
const COLUMNS_MAX: u32 = 6;
export const GAPS: u32 = 4;
export const LENGTHS: u32 = 5;

/** Where each column begins and where it is read next, u32 each. */
const COLUMNS: usize = memory.data(6 * 8, 4);

class Keys {
  /** Where the next key is. */
  static at: usize = 0;
}

/** Writes the keys of the first `count` selected cells, each behind a byte of length. */
export function writeKeys(count: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    Writer.u8(selectedKeyLength(index));
    Writer.bytes(selectedKey(index), selectedKeyLength(index));
  }
}

/**
 * Steps the Cursor over `count` keys and puts their element hashes into `SketchPool.hashes`; false where they do not ascend by
 * hash and then by key, or end early.
 */
export function openKeys(count: u32): bool {
  Keys.at = Cursor.at;
  let hashBefore: u64 = 0;
  let keyBefore: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const key = Cursor.at;
    const length = Cursor.u8();
    if (Cursor.take(length) == 0) return false;
    const hash = elementHash(key + 1, length);
    store<u64>(SketchPool.hashes + (index << 3), hash);
    if (index != 0 && !ascending(hashBefore, keyBefore, hash, key)) return false;
    hashBefore = hash;
    keyBefore = key;
  }
  return !Cursor.fault;
}

/**
 * Steps the Cursor over column `column` of `count` numbers; false where it ends early. Only their ends are looked for, sixteen
 * bytes at a time: that each is well-formed shows when it is read.
 */
export function openColumn(column: u32, count: u32): bool {
  assert(column < COLUMNS_MAX);
  let at = Cursor.at;
  const end = Cursor.end;
  store<u32>(COLUMNS + (column << 3), <u32>at);
  store<u32>(COLUMNS + (column << 3), <u32>at, 4);
  let left = count;
  while (left >= 16 && end - at >= 16) {
    // The last byte of a number is the one below 128.
    left -= 16 - <u32>popcnt<i32>(v128.bitmask<i8>(v128.load(at)));
    at += 16;
  }
  for (; left != 0 && at < end; at++) left -= u32(load<u8>(at) < 0x80);
  Cursor.at = at;
  if (left != 0) Cursor.fault = true;
  return !Cursor.fault;
}

/** Goes back to the first number of a column that was opened. */
export function rewindColumn(column: u32): void {
  const place = COLUMNS + (column << 3);
  store<u32>(place, load<u32>(place), 4);
}

/** Gives the address of the next key, which is its byte of length. */
export function nextKey(): usize {
  const key = Keys.at;
  Keys.at = key + 1 + load<u8>(key);
  return key;
}

/** Gives the next number of column `column`, of as many as it was opened with; the Cursor stays where it is, a fault is noted. */
export function nextNumber(column: u32): u64 {
  const place = COLUMNS + (column << 3);
  const at = <usize>load<u32>(place, 4);
  const byte = <u64>load<u8>(at);
  if (byte < 0x80) {
    store<u32>(place, <u32>at + 1, 4);
    return byte;
  }
  const kept = Cursor.at;
  Cursor.at = at;
  const number = Cursor.varint();
  store<u32>(place, <u32>Cursor.at, 4);
  Cursor.at = kept;
  return number;
}

/** Whether a key, a byte of length and its bytes, comes before another in the order of the wire. */
function ascending(hashA: u64, keyA: usize, hashB: u64, keyB: usize): bool {
  if (hashA != hashB) return hashA < hashB;
  return compareKeys(keyA + 1, load<u8>(keyA), keyB + 1, load<u8>(keyB)) < 0;
}
