/**
 * JSON out of static strings: what the core says of itself is written through the Writer, without allocation.
 */
import { Writer } from "./writer";

/** Writes a further member whose value is text. */
export function field(name: string, value: string): void {
  raw(',"');
  raw(name);
  raw('":');
  text(value);
}

/** Writes a static string as a JSON string. */
export function text(value: string): void {
  raw('"');
  letters(value, 0, value.length);
  raw('"');
}

/** Writes the parts of a text with commas between them as JSON strings. */
export function list(csv: string): void {
  let start = 0;
  while (start <= csv.length) {
    const end = partEnd(csv, start);
    if (start > 0) raw(",");
    raw('"');
    letters(csv, start, end);
    raw('"');
    start = end + 1;
  }
}

/** One past the part of a text with commas that begins at `start`. */
export function partEnd(csv: string, start: i32): i32 {
  let end = start;
  while (end < csv.length && csv.charCodeAt(end) != 0x2c) end += 1;
  return end;
}

/** Writes letters of a declaration inside a JSON string. */
export function letters(value: string, start: i32, end: i32): void {
  for (let i = start; i < end; i++) {
    const letter = <u32>value.charCodeAt(i);
    if (letter == 0x22 || letter == 0x5c) Writer.u8(0x5c);
    utf8(letter);
  }
}

/** Writes letters as they are: punctuation of JSON. */
export function raw(value: string): void {
  for (let i = 0; i < value.length; i++) utf8(<u32>value.charCodeAt(i));
}

/** Writes a letter of the basic plane that is no control character: declarations hold no others. */
function utf8(letter: u32): void {
  assert(letter >= 0x20 && (letter < 0xd800 || letter > 0xdfff));
  if (letter < 0x80) {
    Writer.u8(letter);
  } else if (letter < 0x800) {
    Writer.u8(0xc0 | (letter >> 6));
    Writer.u8(0x80 | (letter & 0x3f));
  } else {
    Writer.u8(0xe0 | (letter >> 12));
    Writer.u8(0x80 | ((letter >> 6) & 0x3f));
    Writer.u8(0x80 | (letter & 0x3f));
  }
}

/** Writes a number. */
export function decimal(value: u32): void {
  if (value >= 10) decimal(value / 10);
  Writer.u8(0x30 + (value % 10));
}
