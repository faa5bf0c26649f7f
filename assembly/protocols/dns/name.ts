/**
 * Domain names: from the wire to text, RFC 1035 section 3.1 and 4.1.4.
 *
 * Text has no final dot; the root is `.`; a byte outside 0x21 to 0x7e, and a dot or a backslash inside a label, reads as `\DDD`
 * (RFC 1035 section 5.1, RFC 4343 section 2.1), so every dot in it separates labels. The case stays as on the wire.
 *
 * Pointers may lead anywhere in the message, but only so many are followed, and the labels they gather may not exceed a
 * name's 255 bytes; so every name ends.
 */
import { u8At, u16be, v128At } from "../../bytes/reader";

/** Bytes of a name on the wire at the most, RFC 1035 section 2.3.4. */
export const NAME_BYTES_MAX: u32 = 255;
/** Pointers followed in one name at the most; a label each would leave none over. */
const POINTERS_MAX: u32 = 128;
/** Bytes of a name as text at the most: every byte escaped. */
export const NAME_TEXT_MAX: u32 = 1024;

/** Sixteen bytes of ones, then sixteen of zeros: the mask for `n` bytes of a label starts at 16 - n. */
const MASKS: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** What is known of the name that was read last. */
export class Name {
  /** One past the name in the message; after its first pointer if it has one. */
  static end: usize = 0;
  /** Bytes of text written. */
  static length: u32 = 0;
  /** The name goes on beyond the captured bytes. */
  static cut: bool = false;
  /** A number that is the same for names that differ in case alone. */
  static key: u64 = 0;
  /** Whether a letter is upper case. */
  static upper: bool = false;
}

/** What becomes of a name's text. */
export class NameForm {
  /** It is walked and not written. */
  static readonly KEY_ONLY: u32 = 0;
  static readonly AS_IS: u32 = 1;
  static readonly LOWER: u32 = 2;
}

/**
 * Reads the name at `start` of the message that lies from `message` to `end`, its text in `form` to `text`,
 * which has room for NAME_TEXT_MAX bytes and 32 more: labels are written 16 bytes at a time. False when it breaks the rules or, with `Name.cut`, when the capture ends before it does.
 */
export function readName(message: usize, start: usize, end: usize, text: usize, form: u32): bool {
  let at = start;
  let out = text;
  let wire: u32 = 0;
  let pointers: u32 = 0;
  Name.cut = false;
  Name.end = 0;
  Name.key = 0;
  Name.upper = false;
  while (true) {
    if (at >= end) return cut();
    const length = u8At(at);
    if (length == 0) {
      if (Name.end == 0) Name.end = at + 1;
      break;
    }
    if (length >= 0xc0) {
      if (at + 2 > end) return cut();
      if (Name.end == 0) Name.end = at + 2;
      pointers += 1;
      if (pointers > POINTERS_MAX) return false;
      at = message + (u16be(at) & 0x3fff);
      continue;
    }
    if (length > 63) return false;
    wire += length + 1;
    if (wire >= NAME_BYTES_MAX) return false;
    at += 1;
    if (at + length > end) return cut();
    if (out != text) store<u8>(out++, 46);
    out = readLabel(out, at, length, form);
    at += length;
  }
  if (out == text && form != NameForm.KEY_ONLY) store<u8>(out++, 46);
  Name.length = <u32>(out - text);
  return true;
}

/** Adds a label to the key and, by `form`, to the text; answers one past its text. */
function readLabel(to: usize, start: usize, length: u32, form: u32): usize {
  let out = to;
  let key = rotl<u64>(Name.key, 5) + length;
  for (let i: u32 = 0; i < length; i += 16) {
    const count = length - i < 16 ? length - i : 16;
    const bytes = v128.and(v128At(start + i, count), v128.load(MASKS + 16 - count));
    const isUpper = v128.and(i8x16.gt_s(bytes, i8x16.splat(64)), i8x16.lt_s(bytes, i8x16.splat(91)));
    const lowered = v128.or(bytes, v128.and(isUpper, i8x16.splat(32)));
    if (v128.any_true(isUpper)) Name.upper = true;
    key = rotl<u64>((key ^ v128.extract_lane<u64>(lowered, 0)) * 0x9e3779b97f4a7c15, 29);
    key = (key ^ v128.extract_lane<u64>(lowered, 1)) * 0xbf58476d1ce4e5b9;
    if (form != NameForm.KEY_ONLY) out = putChunk(out, form == NameForm.LOWER ? lowered : bytes, count);
  }
  Name.key = key ^ (key >> 31);
  return out;
}

/** Writes `count` bytes of a label (16 at most), escaped where they must be. */
function putChunk(to: usize, bytes: v128, count: u32): usize {
  v128.store(to, bytes);
  const special = v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(127)), i8x16.eq(bytes, i8x16.splat(46))),
    v128.or(i8x16.eq(bytes, i8x16.splat(92)), i8x16.lt_s(bytes, i8x16.splat(33))),
  );
  const escapes = i8x16.bitmask(special) & ((1 << count) - 1);
  if (escapes == 0) return to + count;
  v128.store(CHUNK, bytes);
  let out = to;
  for (let i: u32 = 0; i < count; i++) {
    const byte = <u32>load<u8>(CHUNK + i);
    if ((escapes >> i) & 1) out = putEscaped(out, byte);
    else store<u8>(out++, byte);
  }
  return out;
}

const CHUNK: usize = memory.data(16);

function putEscaped(at: usize, byte: u32): usize {
  store<u8>(at, 92);
  store<u8>(at, 48 + byte / 100, 1);
  store<u8>(at, 48 + ((byte / 10) % 10), 2);
  store<u8>(at, 48 + (byte % 10), 3);
  return at + 4;
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
