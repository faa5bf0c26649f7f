import { closeSync, fstatSync, openSync, readSync } from "node:fs";
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

/** The file ended before its compressed content did. */
export interface CaptureEnd {
  /** What was wrong with the compression; absent when all is well. */
  fault?: string;
}

/** So little that what it inflates to is bounded. */
const COMPRESSED_CHUNK_BYTES = 1 << 14;
/** Codes of errors that the system gives. */
const SYSTEM_ERROR = /^E[A-Z]/;

/** Reads the capture at `path` (`-` is standard input), gzipped or not, to its end. Throws Failure. */
export async function readCapture(path: string, sink: CaptureSink): Promise<CaptureEnd> {
  const descriptor = path === "-" ? undefined : open(path);
  try {
    if (descriptor === undefined) return await readStream(process.stdin, sink);
    if (isPlainFile(descriptor)) return await readPlain(descriptor, sink);
    const { createReadStream } = await import("node:fs");
    const stream = createReadStream(path, { fd: descriptor, autoClose: false, highWaterMark: COMPRESSED_CHUNK_BYTES });
    return await readStream(stream, sink);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE") return {};
    if (!SYSTEM_ERROR.test((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    throw new Failure(`cannot read ${path === "-" ? "standard input" : path}: ${reasonOf(cause)}`, 1, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
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

async function readPlain(descriptor: number, sink: CaptureSink): Promise<CaptureEnd> {
  while (true) {
    const length = readSync(descriptor, sink.free);
    if (length === 0) return {};
    sink.written(length);
    if (!(await sink.ready())) return {};
  }
}

async function readStream(stream: AsyncIterable<Buffer>, sink: CaptureSink): Promise<CaptureEnd> {
  const chunks = stream[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const rest: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => chunks };
  if (isGzip(head)) {
    const { inflateTo } = await import("./gzip");
    return inflateTo(head, rest, sink);
  }
  sink.write(head);
  for await (const chunk of rest) {
    if (!(await sink.ready())) break;
    sink.write(chunk);
  }
  return {};
}
