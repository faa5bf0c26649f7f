/** The frame of a gzip member (RFC 1952): where its header ends, and whether another one follows. */

/** What is wrong with a gzip file. */
export class GzipError extends Error {
  override name = "GzipError";
}

/** Bytes of the checksum and length behind a member. */
export const GZIP_TRAILER_BYTES = 8;

const HEADER_BYTES = 10;
/** Bytes of a header's extra field and texts at the most. */
const HEADER_BYTES_MAX = 1 << 18;
const MAGIC = [0x1f, 0x8b];
const DEFLATE = 8;
const HAS_CHECK = 2;
const HAS_EXTRA = 4;
const TEXTS = [8, 16];
const RESERVED = 0xe0;

/** Whether `bytes` begin a member, as far as they go. */
export function beginsGzip(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => index >= bytes.length || bytes[index] === byte);
}

/** Length of the header that `here` begins with; undefined where it goes on behind. `crc` sums as zlib's crc32. Throws GzipError. */
export function gzipHeaderBytes(here: Uint8Array, crc: (bytes: Uint8Array) => number): number | undefined {
  if (!beginsGzip(here)) throw new GzipError("what follows is no gzip stream");
  if (here.length > 2 && here[2] !== DEFLATE) throw new GzipError("its compression method is unknown");
  if (here.length < HEADER_BYTES) return undefined;
  const flags = here[3]!;
  if (flags & RESERVED) throw new GzipError("it has unknown flags");
  let length = HEADER_BYTES;
  // What is behind the end is NaN from here on, and Infinity where a text has no end.
  if (flags & HAS_EXTRA) length += 2 + here[length]! + 256 * here[length + 1]!;
  for (const text of TEXTS) if (flags & text && length <= here.length) length = 1 + (here.indexOf(0, length) >>> 0);
  if (flags & HAS_CHECK) length += 2;
  if (!(length <= here.length)) {
    if (here.length > HEADER_BYTES_MAX) throw new GzipError("its header has no end");
    return undefined;
  }
  const check = flags & HAS_CHECK ? here[length - 2]! + 256 * here[length - 1]! : undefined;
  if (check !== undefined && check !== (crc(here.subarray(0, length - 2)) & 0xffff)) throw new GzipError("its header is damaged");
  return length;
}
