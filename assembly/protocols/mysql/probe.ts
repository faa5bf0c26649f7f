/** Whether first bytes are MySQL: a server's greeting, or in the middle of a connection a command. */
import { u8At, u16le } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { isStatementStart } from "../sql/words";
import { Command } from "./commands";
import { probePacked } from "./packed";
import { Packet } from "./state";

/** Payload bytes of a greeting at the least and most. */
const GREETING_BYTES_MIN: u32 = 24;
const GREETING_BYTES_MAX: u32 = 1024;
const VERSION_BYTES_MAX: u32 = 96;
/** Protocol version 10 (MySQL Internals, "Protocol::HandshakeV10"). */
const HANDSHAKE_VERSION: u32 = 10;
const ERROR: u32 = 0xff;
/** Codes of a server's own errors, and lengths of such a packet. */
const ERROR_CODE_MIN: u32 = 1000;
const ERROR_CODE_MAX: u32 = 4999;
const REFUSAL_BYTES_MIN: u32 = 12;
const REFUSAL_BYTES_MAX: u32 = 512;
/** Bytes of a COM_STMT_EXECUTE up to its iteration count. */
const EXECUTE_BYTES: u32 = 10;

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
  return isCommandStart(start, length) ? Found.REQUEST : probePacked(start, length);
}

/** Whether `length` bytes at `start`, five at least, are what a client sends when it asks for something, and nothing behind. */
export function isCommandStart(start: usize, length: u32): bool {
  Packet.read(start, start + length);
  if (Packet.id != 0 || Packet.length == 0) return false;
  const first = Packet.byte(0);
  if (first == Command.PING) return Packet.length == 1 && length == 5;
  if (first == Command.STMT_EXECUTE) return isExecute(length);
  return (first == Command.QUERY || first == Command.STMT_PREPARE) && isStatement(length);
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

/** [23] statement u32, flags u8, iterations u32 that is 1. */
function isExecute(length: u32): bool {
  if (Packet.length < EXECUTE_BYTES || length != Packet.HEADER + Packet.length) return false;
  return Packet.byte(5) < 16 && Packet.u32(6) == 1 && Packet.u32(1) != 0;
}

/** Whether the text begins with the first word of a statement, and the segment ends with it or within it. */
function isStatement(length: u32): bool {
  const whole = Packet.HEADER + Packet.length;
  if (length > whole || (length < whole && length < 64)) return false;
  // No attributes, one set of them (MySQL 8.0.23).
  const at: u32 = Packet.byte(1) == 0 && Packet.byte(2) == 1 && Packet.held >= 3 ? 3 : 1;
  return isStatementStart(Packet.payload + at, Packet.payload + Packet.held);
}
