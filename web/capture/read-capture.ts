/** Reads a capture file through the core, from its first to its last byte. */
import { type EndWords, endWords } from "../../engine/capture-end";
import { Core, type CoreSink } from "../../engine/core";
import type { Schema } from "../../engine/schema";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { readBlob } from "./read-blob";

/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a];
const MAGIC_BYTES = 4;
const FORMS = "tallywire reads pcap and pcapng, plain or gzipped";

/** A file, and the core that is to read it. */
export interface Source {
  file: Blob;
  name: string;
  core: WebAssembly.Module;
}

/** A file that is not what it has to be; the message says what would. */
export class FileError extends Error {
  override name = "FileError";
}

/**
 * Gives a sink what the core makes of the file; `progress` hears after each chunk how many bytes are read, and ends the reading
 * by throwing. Answers what is to be said of the file's end. Throws FileError for what is no capture.
 */
export async function readCapture(
  { file, name, core: module }: Source,
  sinkFor: (core: Core) => CoreSink,
  progress: (bytesRead: number) => void,
): Promise<{ schema: Schema; words: EndWords }> {
  const core = new Core(module, { events: true, budgetBytes: CAPTURE_BUDGET_BYTES });
  core.drainTo(sinkFor(core));
  const input = core.open("file");
  const head = new Uint8Array(MAGIC_BYTES);
  let content = 0;
  const end = await readBlob(file, (chunk, bytesRead) => {
    if (content < MAGIC_BYTES) head.set(chunk.subarray(0, MAGIC_BYTES - content), content);
    content += chunk.length;
    if (content >= MAGIC_BYTES) checkHead(head, name);
    input.write(chunk);
    progress(bytesRead);
  });
  if (content < MAGIC_BYTES) throw new FileError(shortReason(name, content, end.gzipFault));
  const ending = input.end();
  core.flush();
  return { schema: core.schema, words: endWords(name, { ...end, ending }) };
}

function checkHead(head: Uint8Array, name: string): void {
  if (MAGICS.includes(new DataView(head.buffer).getUint32(0))) return;
  const bytes = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new FileError(`${name} is no capture: it begins with ${bytes}. ${FORMS}.`);
}

function shortReason(name: string, bytes: number, fault: string | undefined): string {
  if (fault !== undefined)
    return `${name} cannot be inflated: its gzip stream is broken (${fault}). Check the file, for instance with gzip -t.`;
  return `${name} is no capture: it has ${bytes === 0 ? "no bytes" : `only ${bytes} bytes`}. ${FORMS}.`;
}
