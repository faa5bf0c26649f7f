/**
 * Messages of handshakes inside of what is opened: a KeyUpdate of TLS 1.3 (RFC 8446 section 4.6.3), hellos of TLS 1.2 (RFC 5246 section 7.4.1).
 *
 * ```
 *   message  type u8 | length u24 | content
 *   hello    version u16 | random 32 | session u8+n | the server's: cipher u16 | ...
 * ```
 * A message may lie in several records, and several in one. So each half keeps where it stands: what is there of a header, and how much of the
 * content is to come. What a hello says of the keys is taken byte by byte as it comes, and nothing else is kept.
 */
import { u8At } from "../../bytes/reader";
import { Opened, OpenedHalf } from "./opened";
import { CLIENT_HELLO, SERVER_HELLO } from "./probe";

const HEADER_BYTES: u8 = 4;
const KEY_UPDATE: u32 = 24;
const RANDOM_AT: u32 = 2;
const SESSION_AT: u32 = 34;
const SESSION_BYTES_MAX: u8 = 32;

/** The place among the messages is lost: the next record begins one, as far as is known. */
export function loseMessage(half: OpenedHalf): void {
  half.headerBytes = 0;
  half.messageLeft = 0;
}

/** Reads the `length` bytes of handshake at `start`; answers whether a KeyUpdate ended in them, so that new keys follow. */
export function readMessages(opened: Opened, half: OpenedHalf, start: usize, length: u32): bool {
  const end = start + length;
  let isUpdate = false;
  for (let at = start; at < end; ) {
    if (half.headerBytes < HEADER_BYTES) {
      half.header = (half.header << 8) | u8At(at);
      half.headerBytes += 1;
      at += 1;
      if (half.headerBytes == HEADER_BYTES) half.messageLeft = half.header & 0xffffff;
    } else {
      const left = <u32>(end - at);
      const take = half.messageLeft < left ? half.messageLeft : left;
      const type = half.header >> 24;
      if (!opened.isThirteen && (type == CLIENT_HELLO || type == SERVER_HELLO)) readHello(opened, half, type, at, take);
      half.messageLeft -= take;
      at += take;
    }
    if (half.headerBytes < HEADER_BYTES || half.messageLeft != 0) continue;
    half.headerBytes = 0;
    if (opened.isThirteen && half.header >> 24 == KEY_UPDATE) isUpdate = true;
  }
  return isUpdate;
}

/** Notes what the next `length` bytes of a hello say of the keys. */
function readHello(opened: Opened, half: OpenedHalf, type: u32, start: usize, length: u32): void {
  const first = (half.header & 0xffffff) - half.messageLeft;
  const keysEnd = SESSION_AT + 1 + <u32>SESSION_BYTES_MAX + 2;
  for (let at = first; at < first + length && at < keysEnd; at++) {
    const byte = u8At(start + (at - first));
    if (at < RANDOM_AT) continue;
    if (at < SESSION_AT) {
      if (type == CLIENT_HELLO) opened.askedByte(at - RANDOM_AT, <u8>byte);
      else opened.answeredByte(at - RANDOM_AT, <u8>byte);
    } else if (at == SESSION_AT) half.sessionBytes = byte < <u32>SESSION_BYTES_MAX ? <u8>byte : SESSION_BYTES_MAX;
    else if (type == SERVER_HELLO && at == SESSION_AT + 1 + half.sessionBytes) opened.cipher = byte << 8;
    else if (type == SERVER_HELLO && at == SESSION_AT + 2 + half.sessionBytes) opened.cipher |= byte;
  }
}
