/**
 * Inflates gzip streams member by member: zlib inflates what lies in a member, and what is around it is read here, so that what
 * follows the last member costs nothing of what came before.
 */
import { crc32, createInflateRaw } from "node:zlib";
import { beginsGzip, GZIP_TRAILER_BYTES, GzipError, gzipHeaderBytes } from "../../engine/gzip";
import type { CaptureSink, StreamEnd } from "./file";

const INFLATED_CHUNK_BYTES = 1 << 18;

/** The compressed bytes that are not used yet. */
class Compressed {
  /** Those that are here. */
  bytes: Buffer;

  constructor(
    head: Buffer,
    private readonly rest: AsyncIterator<Buffer>,
    private readonly ready: () => Promise<boolean>,
  ) {
    this.bytes = head;
  }

  /** Brings more, behind those that are here; false at the end. Throws Stopped. */
  async more(): Promise<boolean> {
    if (!(await this.ready())) throw new Stopped();
    const { value, done } = await this.rest.next();
    if (done) return false;
    this.bytes = this.bytes.length === 0 ? value : Buffer.concat([this.bytes, value]);
    return true;
  }

  /** Makes sure that `length` bytes are here. Throws GzipError where there are not so many. */
  async need(length: number): Promise<void> {
    while (this.bytes.length < length) if (!(await this.more())) throw new GzipError("it ends early");
  }

  drop(length: number): void {
    this.bytes = this.bytes.subarray(length);
  }
}

/** Nothing more is wanted. */
class Stopped extends Error {
  override name = "Stopped";
}

/**
 * Inflates `head` and then `rest`, and gives the sink what comes out. Where the content of a member has a fault, what the piece with
 * the fault inflated to before it is lost: zlib gives out nothing of it. The pieces are small, so that this is little.
 */
export async function inflateTo(head: Buffer, rest: AsyncIterator<Buffer>, sink: CaptureSink): Promise<StreamEnd> {
  const input = new Compressed(head, rest, () => sink.ready());
  try {
    do await inflateMember(input, sink);
    while (await anotherFollows(input));
    return input.bytes.length === 0 || input.bytes[0] === 0 ? {} : { isFollowed: true };
  } catch (error) {
    if (error instanceof Stopped) return {};
    if (error instanceof GzipError) return { gzipFault: error.message };
    if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw error;
    return { gzipFault: (error as Error).message, lost: "the last 16 KB or less" };
  }
}

/** Whether another member begins behind the last one, where zeros are padding. */
async function anotherFollows(input: Compressed): Promise<boolean> {
  if (input.bytes.length === 0 && !(await input.more())) return false;
  if (!beginsGzip(input.bytes)) return false;
  if (input.bytes.length < 2) await input.more();
  return beginsGzip(input.bytes);
}

async function inflateMember(input: Compressed, sink: CaptureSink): Promise<void> {
  let headerBytes = gzipHeaderBytes(input.bytes, crc32);
  while (headerBytes === undefined) {
    await input.need(input.bytes.length + 1);
    headerBytes = gzipHeaderBytes(input.bytes, crc32);
  }
  input.drop(headerBytes);
  const { crc, bytes } = await inflateContent(input, sink);
  await input.need(GZIP_TRAILER_BYTES);
  if (input.bytes.readUInt32LE(0) !== crc) throw new GzipError("its content is not what its checksum says");
  if (input.bytes.readUInt32LE(4) !== bytes % 2 ** 32) throw new GzipError("its content is not as long as it says");
  input.drop(GZIP_TRAILER_BYTES);
}

/** Inflates what lies between a member's header and its trailer, where it leaves the input. */
async function inflateContent(input: Compressed, sink: CaptureSink): Promise<{ crc: number; bytes: number }> {
  const inflate = createInflateRaw({ chunkSize: INFLATED_CHUNK_BYTES });
  let crc = 0;
  let bytes = 0;
  let hasEnded = false;
  inflate.on("data", (chunk: Buffer) => {
    crc = crc32(chunk, crc);
    bytes += chunk.length;
    sink.write(chunk);
  });
  const ended = new Promise<void>((settle, fail) => {
    inflate.once("end", () => {
      hasEnded = true;
      settle();
    });
    inflate.once("error", fail);
  });
  try {
    while (true) {
      const piece = input.bytes;
      const before = inflate.bytesWritten;
      await Promise.race([new Promise<void>((done) => inflate.write(piece, () => done())), ended]);
      if (hasEnded) {
        input.drop(inflate.bytesWritten - before);
        break;
      }
      input.drop(piece.length);
      await input.need(1);
    }
  } finally {
    ended.catch(() => {});
    inflate.destroy();
  }
  return { crc, bytes };
}
