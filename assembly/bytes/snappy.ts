/**
 * Snappy (google/snappy, format_description.txt), as far as room is: a prefix of what was compressed.
 *
 * ```
 * length as a varint | elements:
 *   tag xxxxxx00  literal of x + 1 bytes, or of a length in the 1 to 4 bytes that follow
 *   tag xxxyyy01  copy of y + 4 bytes from x and 8 bits of offset before
 *   tag yyyyyy10  copy of y + 1 bytes, 16 bits of offset      tag yyyyyy11  the same, 32 bits
 * ```
 */
import { u8At, u16le, u32le } from "./reader";

/** Where the last text ended, and whether that was its end. */
export class Snappy {
  static length: u32 = 0;
  static isWhole: bool = false;
}

/** Unpacks what `length` bytes at `start` hold to `target`, at most `most` bytes; false where they are no such thing. */
export function unsnap(start: usize, length: u32, target: usize, most: u32): bool {
  const end = start + length;
  let at = start;
  let total: u32 = 0;
  for (let shift: u32 = 0; ; shift += 7) {
    if (at == end || shift > 28) return false;
    const byte = u8At(at++);
    total |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  const room = total < most ? total : most;
  let out: u32 = 0;
  Snappy.isWhole = false;
  while (at < end && out < room) {
    const tag = u8At(at++);
    const kind = tag & 3;
    const extra = kind == 0 ? literalBytes(tag >> 2) : kind == 3 ? 4 : kind;
    if (<u32>(end - at) < extra) break;
    const more = numberOf(at, extra);
    at += extra;
    if (kind == 0) {
      const size = (extra == 0 ? tag >> 2 : more) + 1;
      const there = min<u32>(min<u32>(size, room - out), <u32>(end - at));
      memory.copy(target + out, at, there);
      out += there;
      if (there < size) break;
      at += size;
      continue;
    }
    const size = kind == 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = kind == 1 ? ((tag >> 5) << 8) | more : more;
    if (offset == 0 || offset > out) return false;
    const there = min<u32>(size, room - out);
    for (let i: u32 = 0; i < there; i++) store<u8>(target + out + i, load<u8>(target + out + i - offset));
    out += there;
  }
  Snappy.length = out;
  Snappy.isWhole = out == total;
  return true;
}

/** Bytes of the length behind a literal's tag. */
function literalBytes(field: u32): u32 {
  return field < 60 ? 0 : field - 59;
}

function numberOf(at: usize, bytes: u32): u32 {
  if (bytes == 0) return 0;
  if (bytes == 1) return u8At(at);
  if (bytes == 2) return u16le(at);
  return bytes == 3 ? u16le(at) | (u8At(at + 2) << 16) : u32le(at);
}
