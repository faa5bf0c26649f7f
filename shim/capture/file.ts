import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import type { CaptureEnd } from "../../engine/capture-end";
import { Failure, reasonOf } from "../failure";

/** Who takes the bytes of a capture file. */
export interface CaptureSink {
  /** A place to read into; what is read is then `written`. */
  readonly free: Uint8Array;
  written(length: number): void;
  write(chunk: Uint8Array): void;
  /** Waits until more may come; false when nothing more is wanted. */
  ready(): Promise<boolean>;
}

/** What was found where the bytes of a file ended; nothing where it is not compressed, or all is well. */
export type StreamEnd = Pick<CaptureEnd, "gzipFault" | "lost" | "isFollowed">;

/** So little that what it inflates to is bounded. */
const COMPRESSED_CHUNK_BYTES = 1 << 14;
/** Codes of errors that the system gives. */
const SYSTEM_ERROR = /^E[A-Z]/;

/** Reads the capture at `path` (`-` is standard input), gzipped or not, to its end. Throws Failure. */
export async function readCapture(path: string, sink: CaptureSink): Promise<StreamEnd> {
  try {
    if (path === "-") return await readStream(process.stdin, sink);
    const descriptor = open(path);
    if (isPlainFile(descriptor)) return await readPlain(descriptor, sink).finally(() => closeSync(descriptor));
    const { createReadStream } = await import("node:fs");
    // The stream closes the file.
    return await readStream(createReadStream(path, { fd: descriptor, highWaterMark: COMPRESSED_CHUNK_BYTES }), sink);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE") return {};
    if (!SYSTEM_ERROR.test((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    throw new Failure(`cannot read ${path === "-" ? "standard input" : path}: ${reasonOf(cause)}`, 1, { cause });
  }
}

/** Whether it is a file, not a pipe, that is not compressed. */
function isPlainFile(descriptor: number): boolean {
  if (!fstatSync(descriptor).isFile()) return false;
  const head = new Uint8Array(2);
  return !isGzip(head.subarray(0, readSync(descriptor, head, 0, head.length, 0)));
}

function open(path: string): number {
  try {
    const descriptor = openSync(path, "r");
    if (!fstatSync(descriptor).isDirectory()) return descriptor;
    closeSync(descriptor);
  } catch (cause) {
    throw new Failure(`cannot read ${path}: ${reasonOf(cause)}`, 1, { cause });
  }
  throw new Failure(`cannot read ${path}: it is a folder; name the captures in it, as in ${path.replace(/\/$/, "")}/*.pcap`);
}

function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

async function readPlain(descriptor: number, sink: CaptureSink): Promise<StreamEnd> {
  while (true) {
    const length = readSync(descriptor, sink.free);
    if (length === 0) return {};
    sink.written(length);
    if (!(await sink.ready())) return {};
  }
}

async function readStream(stream: Readable, sink: CaptureSink): Promise<StreamEnd> {
  try {
    return await readChunks(stream[Symbol.asyncIterator](), sink);
  } finally {
    // What was not read any more must not keep the program waiting.
    stream.destroy();
  }
}

async function readChunks(chunks: AsyncIterator<Buffer>, sink: CaptureSink): Promise<StreamEnd> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  if (isGzip(head)) {
    const { inflateTo } = await import("./gzip");
    return inflateTo(head, chunks, sink);
  }
  const rest: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => chunks };
  sink.write(head);
  if (!(await sink.ready())) return {};
  for await (const chunk of rest) {
    sink.write(chunk);
    if (!(await sink.ready())) break;
  }
  return {};
}
