/** What is made of statements opened to tests, and the scalar twins. */
import { Window } from "../../assembly/bytes/window";
import { findQuote, findQuoteScalar } from "../../assembly/protocols/sql/ends";
import { readStatement, readStatementScalar, Statement } from "../../assembly/protocols/sql/statement";
import { Settings } from "../../assembly/settings";

/** Where a statement may be put. */
export function staging(): usize {
  return __heap_base + 64;
}

/** Reads the statement of `length` bytes that was put there, written in `charset`, `times` times; answers its fingerprint's length. */
export function read(length: u32, dialect: u32, escapes: u32, scalar: bool, times: u32, charset: u32): u32 {
  Window.open(staging(), length);
  for (let i: u32 = 0; i < times; i++) {
    if (scalar) readStatementScalar(staging(), length, dialect, escapes, charset);
    else readStatement(staging(), length, dialect, escapes, charset);
  }
  return Statement.length;
}

/** Offset of the first quote in what was put there, by both ways of looking for it. */
export function quote(length: u32, byte: u32, escapes: bool, scalar: bool): u32 {
  Window.open(staging(), length);
  const end = staging() + length;
  return <u32>((scalar ? findQuoteScalar(staging(), end, byte, escapes) : findQuote(staging(), end, byte, escapes)) - staging());
}

/** Whether texts are kept as they are. */
export function keepRaw(raw: bool): void {
  Settings.raw = raw;
}

/** Where the fingerprint lies. */
export function made(): usize {
  return Statement.start;
}

/** Where the text lies that may be shown. */
export function text(): usize {
  return Statement.textStart;
}

/** Its bytes. */
export function textLength(): u32 {
  return Statement.textLength;
}
