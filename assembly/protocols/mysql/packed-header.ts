/**
 * Headers of compressed packets (MySQL Internals, "Compression").
 *
 * ```
 *   length u24 | sequence id u8 | length of the content u24, 0 where it is not compressed | content, or zlib of it
 * ```
 */
import { u8At, u16le } from "../../bytes/reader";

/** Bytes of a header, and of one with that of an ordinary packet and its first byte, which tell whether it is one. */
export const PACKED_HEADER_BYTES: u32 = 7;
export const SURE_BYTES: u32 = 12;
/** What zstd's frames begin with (RFC 8878 section 3.1.1). */
export const ZSTD_MAGIC: u32 = 0xfd2fb528;

/** Bytes behind the header at `at`; also the payload's of an ordinary packet. */
export function lengthOf(at: usize): u32 {
  return u16le(at) | (u8At(at + 2) << 16);
}

/** Bytes of the content, 0 where it is not compressed. */
export function contentOf(at: usize): u32 {
  return u16le(at + 4) | (u8At(at + 6) << 16);
}

/** Whether fewer bytes than are sure may begin a client's compressed packet, of less than a mebibyte. */
export function mayBegin(start: usize, length: u32): bool {
  if (length >= 3 && u8At(start + 2) > 15) return false;
  if (length < 4) return true;
  if (u8At(start + 3) != 0 || lengthOf(start) < 5) return false;
  return length < PACKED_HEADER_BYTES || contentOf(start) == 0 || contentOf(start) > lengthOf(start);
}
