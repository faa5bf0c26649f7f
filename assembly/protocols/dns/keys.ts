/** Keys of tops whose texts are few: types, response codes, ports. Text and hash are kept once they were asked for. */
import { packDecimal, packedLength } from "../../bytes/ascii";
import { elementHash } from "../../bytes/hash";
import { putName } from "../../bytes/names";
import { RCODE_NAMES, TYPE_NAMES } from "./numbers";

const TYPES_KEPT: u32 = 128;
const RCODES_KEPT: u32 = 32;
/** {hash u64, length u8, text 23 bytes} each. */
const KEPT_BYTES: u32 = 32;
const KEPT: usize = memory.data(32 * 160, 16);
const TEXT: usize = memory.data(32, 16);
const HASH_AT: usize = 0;
const LENGTH_AT: usize = 8;
const TEXT_AT: usize = 9;

/** The key that was made last. */
export class Key {
  static start: usize = 0;
  static length: u32 = 0;
  static hash: u64 = 0;
}

function fresh(list: string, value: u32, prefix: string): void {
  Key.start = TEXT;
  Key.length = <u32>(putName(TEXT, list, value, prefix) - TEXT);
  Key.hash = elementHash(TEXT, Key.length);
}

function kept(at: usize, list: string, value: u32, prefix: string): void {
  if (load<u8>(at, LENGTH_AT) == 0) {
    const end = putName(at + TEXT_AT, list, value, prefix);
    store<u8>(at, end - at - TEXT_AT, LENGTH_AT);
    store<u64>(at, elementHash(at + TEXT_AT, load<u8>(at, LENGTH_AT)), HASH_AT);
  }
  Key.start = at + TEXT_AT;
  Key.length = load<u8>(at, LENGTH_AT);
  Key.hash = load<u64>(at, HASH_AT);
}

/** Makes the key of a record type: its name, or TYPE and its number. */
export function typeKey(type: u32): void {
  if (type < TYPES_KEPT) kept(KEPT + type * KEPT_BYTES, TYPE_NAMES, type, "TYPE");
  else fresh(TYPE_NAMES, type, "TYPE");
}

/** Makes the key of a response code: its name, or RCODE and its number. */
export function rcodeKey(rcode: u32): void {
  if (rcode < RCODES_KEPT) kept(KEPT + (TYPES_KEPT + rcode) * KEPT_BYTES, RCODE_NAMES, rcode, "RCODE");
  else fresh(RCODE_NAMES, rcode, "RCODE");
}

/** Makes the key of a port: its number. */
export function portKey(port: u32): void {
  const text = packDecimal(port);
  v128.store(TEXT, i64x2.replace_lane(i64x2.splat(0), 0, text));
  Key.start = TEXT;
  Key.length = packedLength(text);
  Key.hash = elementHash(TEXT, Key.length);
}
