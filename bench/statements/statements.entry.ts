/** Statements read over and over, and their bytes hashed and copied. */
import { elementHash } from "../../assembly/bytes/hash";
import { copyBytes } from "../../assembly/bytes/run";
import { Charset } from "../../assembly/protocols/sql/charset";
import { readStatement, Statement } from "../../assembly/protocols/sql/statement";
import { Settings } from "../../assembly/settings";

const TEXT: usize = memory.data(1024 + 64, 16);
const COPY: usize = memory.data(1024 + 64, 16);

/** Where a statement may be put. */
export function staging(): usize {
  return TEXT + 16;
}

/** Reads the statement of `length` bytes `times` times; `raw`: its text is not masked. Answers its fingerprint's length. */
export function readMany(length: u32, dialect: u32, raw: bool, times: u32): u32 {
  Settings.raw = raw;
  for (let i: u32 = 0; i < times; i++) readStatement(staging(), length, dialect, true, Charset.PLAIN);
  return Statement.length;
}

/** Hashes it as often. */
export function hashMany(length: u32, times: u32): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < times; i++) sum += elementHash(staging(), length);
  return sum;
}

/** Copies it as often. */
export function copyMany(length: u32, times: u32): void {
  for (let i: u32 = 0; i < times; i++) copyBytes(COPY, staging(), length);
}
