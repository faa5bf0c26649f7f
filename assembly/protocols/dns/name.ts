/**
 * Domain names: from the wire to text, RFC 1035 section 3.1 and 4.1.4.
 *
 * Text has no final dot; the root is `.`; a byte that is not a printable ASCII character, or is a dot or a backslash inside a
 * label, reads as `\DDD` (RFC 1035 section 5.1). The case stays as on the wire.
 *
 * Pointers may lead anywhere in the message, but only so many are followed, and the labels they gather may not exceed a
 * name's 255 bytes; so every name ends.
 */
import { u8At, u16be } from "../../bytes/reader";

/** Bytes of a name on the wire at the most, RFC 1035 section 2.3.4. */
const NAME_BYTES_MAX: u32 = 255;
/** Pointers followed in one name at the most; a label each would leave none over. */
const POINTERS_MAX: u32 = 128;
/** Bytes of a name as text at the most: every byte escaped. */
export const NAME_TEXT_MAX: u32 = 1024;

/** Where the name that was read last ended and how long its text is. */
export class Name {
  /** One past the name in the message; after its first pointer if it has one. */
  static end: usize = 0;
  /** Bytes of text written. */
  static length: u32 = 0;
  /** The name goes on beyond the captured bytes. */
  static cut: bool = false;
}

/** Whether a byte stands for itself in a label's text. */
function isPlain(byte: u32): bool {
  return byte >= 32 && byte < 127 && byte != 46 && byte != 92;
}

function putEscaped(at: usize, byte: u32): usize {
  store<u8>(at, 92);
  store<u8>(at, 48 + byte / 100, 1);
  store<u8>(at, 48 + ((byte / 10) % 10), 2);
  store<u8>(at, 48 + (byte % 10), 3);
  return at + 4;
}

/**
 * Reads the name at `start` of the message that lies from `message` to `end`, its text to `text` (NAME_TEXT_MAX bytes).
 * False when it breaks the rules or, with `Name.cut`, when the capture ends before it does.
 */
export function readName(message: usize, start: usize, end: usize, text: usize): bool {
  let at = start;
  let out = text;
  let wire: u32 = 0;
  let pointers: u32 = 0;
  Name.cut = false;
  Name.end = 0;
  while (true) {
    if (at >= end) return cut();
    const length = u8At(at);
    if (length == 0) {
      if (Name.end == 0) Name.end = at + 1;
      break;
    }
    if (length >= 0xc0) {
      if (at + 2 > end) return cut();
      const target = message + (u16be(at) & 0x3fff);
      if (Name.end == 0) Name.end = at + 2;
      pointers += 1;
      if (pointers > POINTERS_MAX) return false;
      at = target;
      continue;
    }
    if (length > 63) return false;
    wire += length + 1;
    if (wire >= NAME_BYTES_MAX) return false;
    at += 1;
    if (at + length > end) return cut();
    if (out != text) {
      store<u8>(out, 46);
      out += 1;
    }
    out = putLabel(out, at, length);
    at += length;
  }
  if (out == text) {
    store<u8>(out, 46);
    out += 1;
  }
  Name.length = <u32>(out - text);
  return true;
}

function putLabel(at: usize, start: usize, length: u32): usize {
  let out = at;
  for (let i: u32 = 0; i < length; i++) {
    const byte = u8At(start + i);
    if (isPlain(byte)) {
      store<u8>(out, byte);
      out += 1;
    } else {
      out = putEscaped(out, byte);
    }
  }
  return out;
}

function cut(): bool {
  Name.cut = true;
  return false;
}

/** One past the name at `start` without reading it, 0 where it breaks the rules or leaves the captured bytes. */
export function skipName(start: usize, end: usize): usize {
  let at = start;
  while (at < end) {
    const length = u8At(at);
    if (length == 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= end ? at + 2 : 0;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}
