/** What a file is, by its first bytes. */

/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a];
const GZIP_MAGIC = [0x1f, 0x8b];
/** A line of a key log, with whatever secret; or how programs begin one. */
const KEY_LOG = /^([A-Z][A-Z0-9_]* [0-9a-fA-F]{16,} [0-9a-fA-F]{16,}\s*|# ?(NSS|SSL|TLS)\b.*)$/m;
const KEY_LOG_HEAD_BYTES = 1 << 16;

/** Bytes that `isCaptureHead` looks at. */
export const MAGIC_BYTES = 4;

/** Whether a file that begins with these bytes is a capture. */
export function isCaptureHead(head: Uint8Array): boolean {
  return head.length >= MAGIC_BYTES && MAGICS.includes(new DataView(head.buffer, head.byteOffset).getUint32(0));
}

/** Whether a file that begins with these bytes is gzipped. */
export function isGzipHead(head: Uint8Array): boolean {
  return GZIP_MAGIC.every((byte, index) => head[index] === byte);
}

/** Files that were chosen together: the first capture, and what is beside it. */
export interface Chosen<F extends Blob> {
  capture?: F;
  keyLogs: F[];
}

/**
 * Sorts files that were chosen together. What is no capture beside one is taken for a key log; without one, what looks like none is to be
 * opened, so that what is wrong with it is told.
 */
export async function sortFiles<F extends Blob>(files: F[]): Promise<Chosen<F>> {
  const forms = await Promise.all(files.map(formOf));
  const those = (form: Form) => files.filter((_, index) => forms[index] === form);
  const [captures, keyLogs, others] = [those("capture"), those("key log"), those("other")];
  if (captures.length > 0) return { capture: captures[0]!, keyLogs: [...keyLogs, ...others] };
  return others.length > 0 ? { capture: others[0]!, keyLogs } : { keyLogs };
}

type Form = "capture" | "key log" | "other";

async function formOf(file: Blob): Promise<Form> {
  try {
    const head = new Uint8Array(await file.slice(0, KEY_LOG_HEAD_BYTES).arrayBuffer());
    if (isCaptureHead(head) || isGzipHead(head)) return "capture";
    return KEY_LOG.test(new TextDecoder("latin1").decode(head)) ? "key log" : "other";
  } catch {
    // What cannot be read is told where it is opened.
    return "other";
  }
}
