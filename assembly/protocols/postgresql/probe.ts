/** Whether first bytes are PostgreSQL: how a connection begins, or in the middle of one a query. */
import { u8At, u32be } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { isStatementStart } from "../sql/words";
import { Unit } from "./state";

/** Codes of messages without a type (PostgreSQL manual, "Message Formats"). */
export class Code {
  static readonly CANCEL: u32 = 80877102;
  static readonly TLS: u32 = 80877103;
  static readonly GSS: u32 = 80877104;
  /** Version 3 in the upper half; the lower is a minor version. */
  static readonly VERSION_3: u32 = 3;
}

const STARTUP_BYTES_MAX: u32 = 10000;
const CANCEL_BYTES: u32 = 16;
/** Messages that are looked at before a segment is taken for ours. */
const CHAIN_MAX: u32 = 64;
/** Types of messages that clients send. */
const CLIENT_TYPES: string = "BCDEFHPQSXcdfp";

/** The contract's probe. */
export function probePg(start: usize, length: u32): u32 {
  if (Parse.isKnown) return Found.REQUEST;
  const first = u8At(start);
  if (first == 0) return probeStartup(start, length);
  if (first != 81 && first != 80 && first != 66) return Found.NO;
  if (length < 6) return length < 2 || u8At(start + 1) == 0 ? Found.MORE : Found.NO;
  if (!Unit.read(start, start + length)) return Found.NO;
  if (first == 81) return isQuery(start, length) ? Found.REQUEST : Found.NO;
  if (!isChain(start, start + length, true)) return Found.NO;
  return (first == 80 ? isParse() : isBind()) ? Found.REQUEST : Found.NO;
}

/** The message in hand: name, statement, types of parameters (a number of them, four bytes each). */
function isParse(): bool {
  const statement = Unit.zero(0) + 1;
  const types = Unit.zero(statement) + 1;
  return types + 2 + 4 * Unit.u16(types) == Unit.length && Unit.held == Unit.length;
}

/** The message in hand: portal, statement, forms of parameters, their values behind their lengths, forms of results. */
function isBind(): bool {
  const statement = Unit.zero(0) + 1;
  let at = Unit.zero(statement) + 1;
  at += 2 + 2 * Unit.u16(at);
  const values = Unit.u16(at);
  at += 2;
  for (let i: u32 = 0; i < values; i++) {
    const bytes = Unit.u32(at);
    at += 4;
    if (bytes == u32.MAX_VALUE) continue;
    if (bytes > Unit.length || at + bytes > Unit.length) return false;
    at += bytes;
  }
  return at + 2 + 2 * Unit.u16(at) == Unit.length && Unit.held == Unit.length;
}

function probeStartup(start: usize, length: u32): u32 {
  if (length < 8) return length < 2 || u8At(start + 1) == 0 ? Found.MORE : Found.NO;
  return isStartup(start, length) ? Found.REQUEST : Found.NO;
}

/** Whether the bytes, at least eight, begin with a message of a connection's beginning. */
export function isStartup(start: usize, length: u32): bool {
  const whole = u32be(start);
  const code = u32be(start + 4);
  if (code == Code.TLS || code == Code.GSS) return whole == 8;
  if (code == Code.CANCEL) return whole == CANCEL_BYTES;
  if (code >> 16 != Code.VERSION_3 || (code & 0xffff) > 9999 || whole < 9 || whole > STARTUP_BYTES_MAX) return false;
  if (length > whole || (length == whole && u8At(start + length - 1) != 0)) return false;
  // Names of parameters are words.
  return length < 9 || (u8At(start + 8) | 32) - 97 < 26 || (whole == 9 && u8At(start + 8) == 0);
}

/** Q, a length, a statement that ends with a zero. */
function isQuery(start: usize, length: u32): bool {
  if (!isStatementStart(Unit.body, Unit.body + Unit.held)) return false;
  if (length < Unit.whole) return length >= 64 && Unit.length < 1 << 24;
  return length == Unit.whole && u8At(start + length - 1) == 0;
}

/** Whether clients send messages of this type. */
export function isClientType(type: u32): bool {
  const types = changetype<usize>(CLIENT_TYPES);
  for (let i = 0; i < CLIENT_TYPES.length; i++) {
    if (<u32>load<u16>(types + (i << 1)) == type) return true;
  }
  return false;
}

/** Whether one client's message follows the other from `start` to `end`; where `strict`, the last ends there. */
export function isChain(start: usize, end: usize, strict: bool): bool {
  let at = start;
  for (let i: u32 = 0; i < CHAIN_MAX && at < end; i++) {
    if (end - at < 5) return !strict && i != 0;
    const type = u8At(at);
    const length = u32be(at + 1);
    if (!isClientType(type) || length < 4 || length > 1 << 26) return false;
    if ((type == 83 || type == 72 || type == 88 || type == 99) && length != 4) return false;
    if (<u32>(end - at) < length + 1) return !strict && length < 1 << 24;
    at += length + 1;
  }
  return !strict || at == end;
}
