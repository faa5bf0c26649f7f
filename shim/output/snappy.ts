/**
 * Snappy (google/snappy, format_description.txt), as far as its bytes go: a prefix of what was compressed.
 *
 * ```
 * length as a varint | elements:
 *   tag xxxxxx00  literal of x + 1 bytes, or of a length in the 1 to 4 bytes that follow
 *   tag xxxyyy01  copy of y + 4 bytes from x and 8 bits of offset before
 *   tag yyyyyy10  copy of y + 1 bytes, 16 bits of offset      tag yyyyyy11  the same, 32 bits
 * ```
 * What Java writes (xerial/snappy-java) has blocks of it: 8 bytes of a name, two versions, and each block behind its length.
 */
import { copyBack } from "./copy-back";

const JAVA = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const JAVA_HEAD_BYTES = 16;
const LENGTH_BYTES_MAX = 5;
/** A literal's length that lies behind its tag is named from here on. */
const LONG_LITERAL = 60;

/** What the first bytes of a compressed text hold; throws where they are none. */
export function unsnap(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  if (!JAVA.every((byte, index) => bytes[index] === byte)) {
    unsnapBlock(bytes, out);
    return Uint8Array.from(out);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = JAVA_HEAD_BYTES; at + 4 < bytes.length; ) {
    const end = at + 4 + view.getUint32(at);
    const isWhole = unsnapBlock(bytes.subarray(at + 4, end), out);
    if (!isWhole) break;
    at = end;
  }
  return Uint8Array.from(out);
}

/** Unpacks a block behind `out`; false where its bytes end before it does. */
function unsnapBlock(bytes: Uint8Array, out: number[]): boolean {
  let at = bytes.findIndex((byte) => byte < 128) + 1;
  if (at === 0 && bytes.length < LENGTH_BYTES_MAX) return false;
  if (at === 0 || at > LENGTH_BYTES_MAX) throw new Error("no snappy");
  const first = out.length;
  const numberOf = (count: number) => {
    let value = 0;
    for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
    return value;
  };
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const kind = tag & 3;
    const field = tag >> 2;
    at += 1;
    const extra = kind === 0 ? Math.max(0, field - LONG_LITERAL + 1) : kind === 3 ? 4 : kind;
    if (at + extra > bytes.length) return false;
    const more = numberOf(extra);
    at += extra;
    if (kind === 0) {
      const end = at + (extra === 0 ? field : more) + 1;
      for (const stop = Math.min(end, bytes.length); at < stop; at++) out.push(bytes[at]!);
      if (end > bytes.length) return false;
    } else if (kind === 1) copyBack(out, first, (tag >> 5) * 256 + more, (field & 7) + 4);
    else copyBack(out, first, more, field + 1);
  }
  return true;
}
