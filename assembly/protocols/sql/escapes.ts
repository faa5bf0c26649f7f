/** Whether backslashes escape in strings, and what may change it. */
import { u64le } from "../../bytes/reader";

export class Escapes {
  static readonly NO: u32 = 0;
  static readonly YES: u32 = 1;
  /** Where it makes a difference the rest of the statement is taken for a literal. */
  static readonly UNKNOWN: u32 = 2;
}

const LOWER: u64 = 0x2020202020202020;
/** "sql_mode" and "execute", each byte with the bit of lower case. */
const SQL_MODE: u64 = 0x65646f6d7f6c7173;
const EXECUTE: u64 = 0x0065747563657865;
const EXECUTE_BYTES: u64 = 0x00ffffffffffffff;

/** Whether what stands from `start` to `end` may change it in MySQL: it names the setting, or executes a text. */
export function maySetEscapes(start: usize, end: usize): bool {
  for (let at = start; at + 8 <= end; at++) {
    const letters = u64le(at) | LOWER;
    if (letters == SQL_MODE || (letters & EXECUTE_BYTES) == EXECUTE) return true;
  }
  return false;
}
