/** Whether first bytes are MySQL: a server's greeting, a client's login under TLS, or in the middle of a connection a command. */
import { u8At, u16le } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { isCommandStart } from "./command-start";
import { isHandshakeResponse } from "./handshake";
import { probePacked } from "./packed-probe";
import { Packet } from "./state";

/** Payload bytes of a greeting at the least and most. */
const GREETING_BYTES_MIN: u32 = 24;
const GREETING_BYTES_MAX: u32 = 1024;
const VERSION_BYTES_MAX: u32 = 96;
/** Protocol version 10 (MySQL Internals, "Protocol::HandshakeV10"). */
const HANDSHAKE_VERSION: u32 = 10;
const ERROR: u32 = 0xff;
/** Id of a client's first packet under TLS: the greeting and what asked for TLS were in the clear. */
const LOGIN_UNDER_TLS: u32 = 2;
/** Codes of a server's own errors, and lengths of such a packet. */
const ERROR_CODE_MIN: u32 = 1000;
const ERROR_CODE_MAX: u32 = 4999;
const REFUSAL_BYTES_MIN: u32 = 12;
const REFUSAL_BYTES_MAX: u32 = 512;

/** The contract's probe. */
export function probeMysql(start: usize, length: u32): u32 {
  if (Parse.isKnown) return Found.REQUEST;
  if (length < 5) return isBeginning(start, length) ? Found.MORE : Found.NO;
  Packet.read(start, start + length);
  const first = Packet.byte(0);
  if (Packet.id == 0 && Packet.length != 0) {
    if (first == HANDSHAKE_VERSION) return probeGreeting();
    if (first == ERROR) return isRefusal(length) ? Found.RESPONSE : Found.NO;
  }
  if (Packet.id == LOGIN_UNDER_TLS && Parse.isClient && isHandshakeResponse()) return Found.REQUEST;
  return isCommandStart(start, length) ? Found.REQUEST : probePacked(start, length);
}

/** Whether fewer than five bytes can begin a packet of ours: lengths of less than a mebibyte, and the id 0. */
function isBeginning(start: usize, length: u32): bool {
  if (length >= 3 && u8At(start + 2) > 15) return false;
  return length < 4 || (u8At(start + 3) == 0 && u16le(start) + u8At(start + 2) != 0);
}

/** [10] version NUL, connection u32, 8 bytes of scramble, NUL, capabilities u16, ... */
function probeGreeting(): u32 {
  if (Packet.length < GREETING_BYTES_MIN || Packet.length > GREETING_BYTES_MAX) return Found.NO;
  let at: u32 = 1;
  while (at < Packet.held && at < VERSION_BYTES_MAX) {
    const byte = Packet.byte(at);
    if (byte == 0) break;
    if (byte < 32 || byte > 126 || (at == 1 && byte - 48 > 9)) return Found.NO;
    at += 1;
  }
  if (at == VERSION_BYTES_MAX) return Found.NO;
  if (at + 13 >= Packet.held) return Packet.held < Packet.length ? Found.MORE : Found.NO;
  return at > 2 && Packet.byte(at + 13) == 0 ? Found.RESPONSE : Found.NO;
}

/** [ff] code u16, a text that can be read: the server lets nobody in. */
function isRefusal(length: u32): bool {
  const code = Packet.u16(1);
  if (code < ERROR_CODE_MIN || code > ERROR_CODE_MAX || length != Packet.HEADER + Packet.length) return false;
  if (Packet.length < REFUSAL_BYTES_MIN || Packet.length > REFUSAL_BYTES_MAX) return false;
  for (let i: u32 = 3; i < Packet.length; i++) if (Packet.byte(i) < 32 || Packet.byte(i) == 127) return false;
  return true;
}
