/** Reads a capture file through the core, from its first to its last byte. */
import { type EndWords, endWords } from "../../engine/capture-end";
import { Core, type CoreSink } from "../../engine/core";
import type { Schema } from "../../engine/schema";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import type { Ciphers } from "../../engine/tls/ciphers";
import { SecretsOpener } from "../../engine/tls/secrets-opener";
import { isCaptureHead, MAGIC_BYTES } from "./file-forms";
import { type KeyLogs, loadCiphers, SecretsWatch, secretsWords } from "./key-logs";
import { readBlob } from "./read-blob";

const FORMS = "tallywire reads pcap and pcapng, plain or gzipped";

/** A file, the secrets for what is under TLS in it, and the core that is to read it. */
export interface Source {
  file: Blob;
  name: string;
  keyLogs: KeyLogs;
  core: WebAssembly.Module;
}

/** A file that is not what it has to be; the message says what would. */
export class FileError extends Error {
  override name = "FileError";
}

/** What is to be said of a file that was read. */
export interface Reading {
  schema: Schema;
  words: EndWords;
  /** Of secrets of TLS, one sentence each. */
  secrets: string[];
}

/** A file brings secrets, and there are no ciphers yet to use them with. */
class CiphersMissing extends Error {
  override name = "CiphersMissing";
}

type SinkFor = (core: Core) => CoreSink;
type Progress = (bytesRead: number) => void;

/**
 * Gives a sink what the core makes of the file; `progress` hears after each chunk how many bytes are read, and ends the reading
 * by throwing. Answers what is to be said of the file's end. Throws FileError for what is no capture.
 *
 * A file that turns out to bring secrets of TLS is read from its beginning once more, with a sink of its own: the core has its answers at
 * once, and ciphers are loaded for no other file.
 */
export async function readCapture(source: Source, sinkFor: SinkFor, progress: Progress): Promise<Reading> {
  const hasSecrets = source.keyLogs.secrets.count > 0;
  if (hasSecrets) return readWith(await loadCiphers(), source, sinkFor, progress);
  try {
    return await readWith(undefined, source, sinkFor, progress);
  } catch (error) {
    if (!(error instanceof CiphersMissing)) throw error;
  }
  return readWith(await loadCiphers(), source, sinkFor, progress);
}

async function readWith(
  ciphers: Ciphers | undefined,
  { file, name, keyLogs: { secrets, logs }, core: module }: Source,
  sinkFor: SinkFor,
  progress: Progress,
): Promise<Reading> {
  const watch = new SecretsWatch();
  // What the file brings is known from where it brings it, in each reading.
  const opener = ciphers && new SecretsOpener(ciphers, secrets.copy(), secrets.count > 0);
  const core = new Core(module, { events: true, budgetBytes: CAPTURE_BUDGET_BYTES, tlsOpener: opener ?? watch });
  core.drainTo(sinkFor(core));
  const input = core.open("file");
  const head = new Uint8Array(MAGIC_BYTES);
  let content = 0;
  const end = await readBlob(file, (chunk, bytesRead) => {
    if (content < MAGIC_BYTES) head.set(chunk.subarray(0, MAGIC_BYTES - content), content);
    content += chunk.length;
    if (content >= MAGIC_BYTES) checkHead(head, name);
    input.write(chunk);
    if (watch.areThere) throw new CiphersMissing();
    progress(bytesRead);
  });
  if (content < MAGIC_BYTES) throw new FileError(shortReason(name, content, end.gzipFault));
  const ending = input.end();
  core.flush();
  const said = secretsWords(name, logs, opener?.hasTaken === true, opener?.opened ?? 0);
  return { schema: core.schema, words: endWords(name, { ...end, ending }), secrets: said };
}

function checkHead(head: Uint8Array, name: string): void {
  if (isCaptureHead(head)) return;
  const bytes = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new FileError(`${name} is no capture: it begins with ${bytes}. ${FORMS}.`);
}

function shortReason(name: string, bytes: number, fault: string | undefined): string {
  if (fault !== undefined)
    return `${name} cannot be inflated: its gzip stream is broken (${fault}). Check the file, for instance with gzip -t.`;
  return `${name} is no capture: it has ${bytes === 0 ? "no bytes" : `only ${bytes} bytes`}. ${FORMS}.`;
}
