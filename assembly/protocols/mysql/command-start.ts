/** Whether bytes are a command, where nothing of a connection is known: those alone that have a form of their own. */
import { Parse } from "../protocol";
import { isStatementStart } from "../sql/words";
import { Command } from "./commands";
import { Packet } from "./state";

/** Bytes of a COM_STMT_EXECUTE up to its iteration count. */
const EXECUTE_BYTES: u32 = 10;

/** Whether `length` bytes at `start`, five at least, are what a client sends when it asks for something, and nothing behind. */
export function isCommandStart(start: usize, length: u32): bool {
  Packet.read(start, start + length);
  if (Packet.id != 0 || Packet.length == 0) return false;
  const first = Packet.byte(0);
  // A ping is five bytes, and nothing begins with one: the server greets first.
  if (first == Command.PING) return !Parse.isClient && !Parse.isServer && Packet.length == 1 && length == 5;
  if (first == Command.STMT_EXECUTE) return isExecute(length);
  return (first == Command.QUERY || first == Command.STMT_PREPARE) && isStatement(length);
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
