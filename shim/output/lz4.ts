/**
 * LZ4 frames (lz4/lz4, lz4_Frame_format.md and lz4_Block_format.md), as far as their bytes go. Checksums are not looked at: Kafka's first ones are
 * wrong (KIP-57).
 *
 * ```
 * frame:  magic u32 | flags u8 | block size u8 | [content size u64] | [dictionary u32] | checksum u8 | blocks ... | 0 u32
 * block:  bytes u32, the highest bit where it is not compressed | data | [checksum u32]
 * data:   token: bytes of literals u4, of the copy behind them and 4 u4 | [more of 255 ...] | literals | offset u16 | [more]
 * ```
 */
import { copyBack } from "./copy-back";

const MAGIC = 0x184d2204;
const HEAD_BYTES = 7;
const DICTIONARY = 1;
const CONTENT_SIZE = 8;
const BLOCK_CHECKSUM = 16;
const PLAIN = 0x8000_0000;
const COPY_BYTES_MIN = 4;

/** What the first bytes of a frame hold; throws where they are none. */
export function unlz4(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_BYTES || view.getUint32(0, true) !== MAGIC) throw new Error("no frame of lz4");
  const flags = bytes[4]!;
  const out: number[] = [];
  const checksum = flags & BLOCK_CHECKSUM ? 4 : 0;
  let at = HEAD_BYTES + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY ? 4 : 0);
  while (at + 4 < bytes.length) {
    const size = view.getUint32(at, true);
    if (size === 0) break;
    const start = at + 4;
    const end = start + (size % PLAIN);
    const block = bytes.subarray(start, end);
    if (size >= PLAIN) for (const byte of block) out.push(byte);
    else unpackBlock(block, out);
    at = end + checksum;
  }
  return Uint8Array.from(out);
}

/** Unpacks a block behind `out`, from which blocks before it may be copied; up to where its bytes end. */
function unpackBlock(bytes: Uint8Array, out: number[]): void {
  let at = 0;
  // What is cut off of it leaves a shorter one.
  const lengthOf = (field: number) => {
    let length = field;
    if (field === 15) {
      for (; bytes[at] === 255; at++) length += 255;
      length += bytes[at++] ?? 0;
    }
    return length;
  };
  while (at < bytes.length) {
    const token = bytes[at++]!;
    const end = lengthOf(token >> 4) + at;
    for (const stop = Math.min(end, bytes.length); at < stop; at++) out.push(bytes[at]!);
    if (at + 2 > bytes.length) return;
    const offset = bytes[at]! + bytes[at + 1]! * 256;
    at += 2;
    copyBack(out, 0, offset, lengthOf(token & 15) + COPY_BYTES_MIN);
  }
}
