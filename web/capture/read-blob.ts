/** The bytes of a capture file in chunks, inflated where they are gzipped, however large the file is. */

/** Bytes read ahead at a time: large enough that waiting for the disk does not show. */
const CHUNK_BYTES = 1 << 20;
const GZIP_MAGIC = [0x1f, 0x8b];

/** How a file ended. */
export interface BlobEnd {
  /** What was wrong with its compression; what came before was read. */
  fault?: string;
}

/**
 * Gives `take` the content of `blob`, chunk after chunk, with the bytes of the file that were read up to then. Rejects where the
 * file cannot be read, as when it was moved away.
 */
export async function readBlob(blob: Blob, take: (chunk: Uint8Array, bytesRead: number) => void): Promise<BlobEnd> {
  const magic = new Uint8Array(await blob.slice(0, GZIP_MAGIC.length).arrayBuffer());
  if (GZIP_MAGIC.every((byte, index) => magic[index] === byte)) return inflate(blob, take);
  await readPlain(blob, async (chunk, bytesRead) => take(chunk, bytesRead));
  return {};
}

/** Reads one chunk ahead while the one before is worked on. */
async function readPlain(blob: Blob, take: (chunk: Uint8Array<ArrayBuffer>, bytesRead: number) => Promise<void>): Promise<void> {
  const read = (start: number) => blob.slice(start, start + CHUNK_BYTES).arrayBuffer();
  let next = read(0);
  for (let start = 0; start < blob.size; start += CHUNK_BYTES) {
    const chunk = new Uint8Array(await next);
    if (start + CHUNK_BYTES < blob.size) next = read(start + CHUNK_BYTES);
    await take(chunk, start + chunk.length);
  }
}

async function inflate(blob: Blob, take: (chunk: Uint8Array, bytesRead: number) => void): Promise<BlobEnd> {
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
  // What is wrong with the content shows on both sides; it is reported once, by the reading side.
  const unreadable = fed.then(
    () => undefined,
    (error) => (error instanceof DOMException ? error : undefined),
  );
  const fault = await drain(readable.getReader(), (chunk) => take(chunk, bytesRead));
  const error = await unreadable;
  if (error !== undefined) throw error;
  return fault === undefined ? {} : { fault };
}

/** Reads to the end; answers what was wrong with the content. */
async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): Promise<string | undefined> {
  while (true) {
    let part: ReadableStreamReadResult<Uint8Array>;
    try {
      part = await reader.read();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    if (part.done) return undefined;
    take(part.value);
  }
}
