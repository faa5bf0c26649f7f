/** Content codings taken off the first bytes of something, as far as they go. */
import * as zlib from "node:zlib";
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** What a few kilobytes can become, and no more. */
const DECOMPRESSED_BYTES_MAX = 4 << 20;

/** Bytes without their codings (RFC 9110 section 8.4), the last of which was put on last; undefined where that cannot be. */
export function decoded(bytes: Uint8Array, encodings: string): Uint8Array | undefined {
  const list = encodings
    .toLowerCase()
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "" && one !== "identity");
  try {
    return list.reduceRight((rest, one) => decompressed(rest, one), bytes);
  } catch {
    return undefined;
  }
}

function decompressed(bytes: Uint8Array, encoding: string): Uint8Array {
  // The end is not there, which is no fault.
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: DECOMPRESSED_BYTES_MAX };
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return gunzipSync(bytes, options);
    case "deflate":
      // Some send it without the header that RFC 1950 wants.
      return (bytes[0]! & 15) === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options);
    case "br":
      return brotliDecompressSync(bytes, {
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
        maxOutputLength: DECOMPRESSED_BYTES_MAX,
      });
    case "zstd":
      return unzstd(bytes);
    default:
      throw new Error(`no way to read ${encoding}`);
  }
}

/** Node has it from 22.15 on. */
function unzstd(bytes: Uint8Array): Uint8Array {
  const { zstdDecompressSync } = zlib as unknown as {
    zstdDecompressSync?: (bytes: Uint8Array, options: zlib.ZlibOptions) => Uint8Array;
  };
  if (!zstdDecompressSync) throw new Error("no way to read zstd");
  // 0 is ZSTD_e_continue, to which no end is missing.
  return zstdDecompressSync(bytes, { finishFlush: 0, maxOutputLength: DECOMPRESSED_BYTES_MAX });
}
