/** Where numbers end (MySQL manual, "Numeric Literals", "Schema Object Names"; PostgreSQL manual, "Lexical Structure"). */
import { u8At } from "../../bytes/reader";
import { Dialect, isWordByte } from "./places";

const DOLLAR: u32 = 36;
const DOT: u32 = 46;
const MINUS: u32 = 45;
const PLUS: u32 = 43;
const E: u32 = 101;
const AT: u32 = 64;
const X: u32 = 120;
const B: u32 = 98;

/** Address behind the number that begins with the digit at `start`; `start` itself where it is a name, which MySQL's may begin so. */
export function numberEnd(start: usize, end: usize, dialect: u32): usize {
  let at = start + 1;
  while (at < end && u8At(at) - 48 < 10) at += 1;
  if (at >= end) return end;
  const next = u8At(at);
  if (next != DOT && !isPart(next, dialect)) return at;
  if (dialect == Dialect.MYSQL && next != DOT && isName(start, at)) return start;
  while (at < end) {
    const byte = u8At(at);
    const isSign = (byte == MINUS || byte == PLUS) && (u8At(at - 1) | 32) == E && u8At(start + 1) != X;
    if (!isPart(byte, dialect) && byte != DOT && !isSign) break;
    at += 1;
  }
  return at;
}

/** Whether a byte is part of the number before it, or of a name that begins so: a variable's sign is not, nor PostgreSQL's dollar. */
function isPart(byte: u32, dialect: u32): bool {
  return isWordByte(byte, dialect) && byte != AT && (byte != DOLLAR || dialect == Dialect.MYSQL);
}

/** Whether the word at `start`, digits up to `letter`, is none of the forms of a number: 0xf 0b1 1e5. */
function isName(start: usize, letter: usize): bool {
  const kind = u8At(letter) | 32;
  const isBased = letter == start + 1 && u8At(start) == 48 && (kind == X || kind == B);
  return !isBased && kind != E;
}
