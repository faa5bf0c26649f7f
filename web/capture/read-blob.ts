/** The bytes of a capture file in chunks, inflated where they are gzipped, however large the file is. */
import type { CaptureEnd } from "../../engine/capture-end";
import { GzipError } from "../../engine/gzip";
import { isGzipHead, MAGIC_BYTES } from "./file-forms";
import { Gunzip } from "./gunzip";

/** Bytes read ahead at a time: large enough that waiting for the disk does not show. */
const CHUNK_BYTES = 1 << 20;

/** What was found at the end of a file, before which all was read; nothing where it is not compressed, or all is well. */
export type BlobEnd = Pick<CaptureEnd, "gzipFault" | "isFollowed">;

/**
 * Gives `take` the content of `blob`, chunk after chunk, with the bytes of the file that were read up to then. Rejects where the
 * file cannot be read, as when it was moved away.
 */
export async function readBlob(blob: Blob, take: (chunk: Uint8Array, bytesRead: number) => void): Promise<BlobEnd> {
  const head = new Uint8Array(await blob.slice(0, MAGIC_BYTES).arrayBuffer());
  if (isGzipHead(head)) return inflate(blob, take);
  await readPlain(blob, async (chunk, bytesRead) => take(chunk, bytesRead));
  return {};
}

/** Gives `take` the bytes of `blob` as they are; reads one chunk ahead while the one before is worked on. */
export async function readPlain(
  blob: Blob,
  take: (chunk: Uint8Array<ArrayBuffer>, bytesRead: number) => Promise<void>,
): Promise<void> {
  const read = (start: number) => blob.slice(start, start + CHUNK_BYTES).arrayBuffer();
  let next = read(0);
  for (let start = 0; start < blob.size; start += CHUNK_BYTES) {
    const chunk = new Uint8Array(await next);
    if (start + CHUNK_BYTES < blob.size) next = read(start + CHUNK_BYTES);
    await take(chunk, start + chunk.length);
  }
}

/**
 * Inflates by the browser's own means, which are fast, and where they come to an end before the file does, as behind the first
 * of several members, once more by ours from the start: `take` is then given what is new.
 */
async function inflate(blob: Blob, take: (chunk: Uint8Array, bytesRead: number) => void): Promise<BlobEnd> {
  let given = 0;
  let read = 0;
  const isWhole = await inflateQuickly(blob, (chunk, bytesRead) => {
    given += chunk.length;
    read = bytesRead;
    take(chunk, bytesRead);
  });
  if (isWhole) return {};
  let known = given;
  const gunzip = new Gunzip((chunk) => {
    const fresh = chunk.subarray(Math.min(known, chunk.length));
    known -= chunk.length - fresh.length;
    if (fresh.length > 0) take(fresh, read);
  });
  try {
    await readPlain(blob, async (chunk, bytesRead) => {
      read = Math.max(read, bytesRead);
      gunzip.write(chunk);
    });
    gunzip.end();
    return gunzip.isFollowed ? { isFollowed: true } : {};
  } catch (error) {
    if (!(error instanceof GzipError)) throw error;
    return { gzipFault: error.message };
  }
}

/** Inflates the first member; whether that is the whole file, and sound. */
async function inflateQuickly(blob: Blob, take: (chunk: Uint8Array, bytesRead: number) => void): Promise<boolean> {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  let bytesRead = 0;
  const fed = readPlain(blob, async (chunk, end) => {
    await writer.write(chunk);
    bytesRead = end;
  }).then(
    () => writer.close(),
    (error) => writer.abort(error).then(() => Promise.reject(error)),
  );
  // What is wrong with the content shows on both sides; it is known by the reading side.
  const unreadable = fed.then(
    () => undefined,
    (error) => (error instanceof DOMException ? error : undefined),
  );
  const isWhole = await drain(readable.getReader(), (chunk) => take(chunk, bytesRead));
  const error = await unreadable;
  if (error !== undefined) throw error;
  return isWhole;
}

/** Reads to the end; whether there was one. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<boolean> {
  while (true) {
    let part: ReadableStreamReadResult<Uint8Array>;
    try {
      part = await reader.read();
    } catch {
      return false;
    }
    if (part.done) return true;
    take(part.value);
  }
}
