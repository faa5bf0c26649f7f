/**
 * Whether bytes begin a TLS record (RFC 8446 section 5.1) with a hello, or a hello of SSL 2.
 *
 * ```
 *   record      type u8 | version u16 (3.x) | length u16 | fragment
 *   handshake   type u8 | length u24 | version u16 (3.x) | random 32 | session u8 ...
 *   SSL 2       length u16, highest bit set | type 1 | version u16 | ciphers u16 | session u16 | challenge u16 ...
 * ```
 * Six bytes at fixed places and lengths that agree: no text and no protocol of ours begins like that.
 */
import { u8At, u16be, u24be } from "../../bytes/reader";
import { Found, Parse } from "../protocol";

/** Content types. */
export class Content {
  static readonly CHANGE_CIPHER_SPEC: u32 = 20;
  static readonly ALERT: u32 = 21;
  static readonly HANDSHAKE: u32 = 22;
  static readonly APPLICATION_DATA: u32 = 23;
  static readonly HEARTBEAT: u32 = 24;
}

export const CLIENT_HELLO: u32 = 1;
export const SERVER_HELLO: u32 = 2;
/** The type of the hello of a server of SSL 2. */
export const SSL_2_SERVER_HELLO: u32 = 4;

/** Bytes of a record's header. */
export const RECORD_BYTES: u32 = 5;
/** Bytes of a record at the most: 2^14 and what ciphers may add. */
export const RECORD_BYTES_MAX: u32 = 16384 + 2048;
/** Bytes of a record from its header to the version in its hello. */
export const HELLO_HEAD_BYTES: u32 = 11;
/** Shortest hello: version, random, an empty session, and a cipher. */
const HELLO_BYTES_MIN: u32 = 38;
/** Longest hello that is taken for one. */
const HELLO_BYTES_MAX: u32 = 1 << 17;
/** Bytes up to the length of the session. */
const SESSION_AT: u32 = 43;
const SSL_2_HEAD_BYTES: u32 = 11;

/** Whether a record's header is well-formed, as far as `length` bytes of it are there. */
export function isRecord(start: usize, length: u32): bool {
  const type = u8At(start);
  if (type < Content.CHANGE_CIPHER_SPEC || type > Content.HEARTBEAT) return false;
  if (length >= 2 && u8At(start + 1) != 3) return false;
  if (length >= 3 && u8At(start + 2) > 4) return false;
  if (length < RECORD_BYTES) return true;
  const bytes = u16be(start + 3);
  return bytes != 0 && bytes <= RECORD_BYTES_MAX;
}

/** The type of the hello that begins a record of `HELLO_HEAD_BYTES` or more; 0 where none does. */
export function helloOf(start: usize): u32 {
  const type = u8At(start + 5);
  const length = u24be(start + 6);
  const isHello =
    (type == CLIENT_HELLO || type == SERVER_HELLO) &&
    length >= HELLO_BYTES_MIN &&
    length <= HELLO_BYTES_MAX &&
    u8At(start + 9) == 3 &&
    u8At(start + 10) <= 4;
  // A client's hello stands alone: its record holds no more than it.
  if (isHello && type == CLIENT_HELLO && u16be(start + 3) > length + 4) return 0;
  return isHello ? type : 0;
}

/** The contract's probe. */
export function probeTls(start: usize, length: u32): u32 {
  if (length == 0) return Found.MORE;
  if (u8At(start) & 0x80) return probeSsl2(start, length);
  if (Parse.isKnown) return probeKnown(start, length);
  if (u8At(start) != Content.HANDSHAKE || !isRecord(start, length)) return Found.NO;
  if (length < RECORD_BYTES) return Found.MORE;
  if (u16be(start + 3) < HELLO_HEAD_BYTES - RECORD_BYTES) return probePieces(start, length);
  if (length < HELLO_HEAD_BYTES) return length > RECORD_BYTES && u8At(start + 5) - 1 > 1 ? Found.NO : Found.MORE;
  const type = helloOf(start);
  const hasSession = length > SESSION_AT && RECORD_BYTES + u16be(start + 3) > SESSION_AT;
  if (type == 0 || (hasSession && u8At(start + SESSION_AT) > 32)) return Found.NO;
  return type == CLIENT_HELLO ? Found.REQUEST : Found.RESPONSE;
}

/** A hello in records of a few bytes: two of them one behind the other. */
function probePieces(start: usize, length: u32): u32 {
  if (length > RECORD_BYTES && u8At(start + 5) - 1 > 1) return Found.NO;
  const bytes = u16be(start + 3);
  const next = RECORD_BYTES + bytes;
  if (bytes > 1 && length > RECORD_BYTES + 1 && u8At(start + 6) > 1) return Found.NO;
  if (length > next && !isRecord(start + next, length - next)) return Found.NO;
  if (length > next && u8At(start + next) != Content.HANDSHAKE) return Found.NO;
  if (length < next + RECORD_BYTES) return Found.MORE;
  return u8At(start + 5) == CLIENT_HELLO ? Found.REQUEST : Found.RESPONSE;
}

/** A parser that lost its place finds it at a record whose successor, where it is there, is one too. */
function probeKnown(start: usize, length: u32): u32 {
  if (!isRecord(start, length)) return Found.NO;
  if (length < RECORD_BYTES) return Found.MORE;
  const next = RECORD_BYTES + u16be(start + 3);
  if (length > next && !isRecord(start + next, length - next)) return Found.NO;
  return Found.REQUEST;
}

/** The client's hello of SSL 2 (RFC 5246 appendix E.2), and in a known conversation the server's. */
function probeSsl2(start: usize, length: u32): u32 {
  if (length > 2 && u8At(start + 2) != CLIENT_HELLO && !(Parse.isKnown && u8At(start + 2) == SSL_2_SERVER_HELLO)) return Found.NO;
  if (length > 3 && u8At(start + 3) != 3 && u8At(start + 3) != 0) return Found.NO;
  if (length < SSL_2_HEAD_BYTES) return Found.MORE;
  return ssl2Bytes(start) != 0 ? Found.REQUEST : Found.NO;
}

/** Bytes of the hello of SSL 2 whose first 11 are there, with its length; 0 where it is none. */
export function ssl2Bytes(start: usize): u32 {
  const bytes = u16be(start) & 0x7fff;
  const version = u16be(start + 3);
  if (u16be(start) >> 15 == 0 || u8At(start + 2) != CLIENT_HELLO) return 0;
  if (version != 2 && (version < 0x0300 || version > 0x0304)) return 0;
  const ciphers = u16be(start + 5);
  const session = u16be(start + 7);
  const challenge = u16be(start + 9);
  const fits =
    ciphers != 0 &&
    ciphers % 3 == 0 &&
    session <= 32 &&
    challenge >= 16 &&
    challenge <= 32 &&
    bytes == 9 + ciphers + session + challenge;
  return fits && bytes <= 2048 ? bytes + 2 : 0;
}
