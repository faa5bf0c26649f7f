/** Secrets of TLS that come with a capture: key logs beside it, and what a pcapng file brings. Nothing of them leaves the worker. */
import type { Ciphers } from "../../engine/tls/ciphers";
import { KeyLines } from "../../engine/tls/key-lines";
import type { TlsOpener } from "../../engine/tls/opener";
import { Secrets } from "../../engine/tls/secrets";
import { count } from "../parts/format";
import { readPlain } from "./read-blob";

/** A key log that was read. */
interface KeyLog {
  name: string;
  /** Handshakes that it has secrets of. */
  handshakes: number;
}

/** The secrets of key logs. */
export interface KeyLogs {
  secrets: Secrets;
  logs: KeyLog[];
}

/** Reads key logs, each to its end. */
export async function readKeyLogs(files: File[]): Promise<KeyLogs> {
  const secrets = new Secrets();
  const logs: KeyLog[] = [];
  for (const file of files) {
    const own = new Secrets();
    const lines = [new KeyLines(secrets), new KeyLines(own)];
    await readPlain(file, async (chunk) => {
      for (const each of lines) each.take(chunk);
    });
    for (const each of lines) each.end();
    logs.push({ name: file.name, handshakes: own.count });
  }
  return { secrets, logs };
}

let loaded: Promise<Ciphers> | undefined;

/** The ciphers that records are opened with, fetched once. */
export function loadCiphers(): Promise<Ciphers> {
  loaded ??= import("./noble-ciphers").then(({ nobleCiphers }) => nobleCiphers);
  loaded.catch(() => {
    loaded = undefined;
  });
  return loaded;
}

/** Stands where ciphers are not loaded yet: it opens nothing, and notes that a file brings secrets. */
export class SecretsWatch implements TlsOpener {
  readonly hasOthers = false;
  areThere = false;

  take(): void {
    this.areThere = true;
  }

  open(): number {
    return 0;
  }

  record(): number {
    return -1;
  }

  next(): void {}

  close(): void {}
}

/** What there is to say of a capture's secrets: `opened` handshakes led to something, with key logs and with what `isOwn`, the file's. */
export function secretsWords(name: string, logs: KeyLog[], isOwn: boolean, opened: number): string[] {
  const empty = logs.filter((log) => log.handshakes === 0);
  const full = logs.filter((log) => log.handshakes > 0);
  const words = empty.map((log) => `${log.name} is no key log of TLS, or an empty one: there are no secrets in it.`);
  const sources = [...full.map((log) => log.name), ...(isOwn ? [`${name} itself`] : [])];
  if (sources.length === 0) return words;
  const from = sources.length > 1 ? `${sources.slice(0, -1).join(", ")} and ${sources.at(-1)}` : sources[0]!;
  if (opened > 0) return [...words, `Looked into TLS behind ${handshakes(opened)} with the secrets of ${from}.`];
  const known = full.reduce((sum, log) => sum + log.handshakes, 0);
  const whose = known > 0 ? `, of ${handshakes(known)},` : "";
  return [...words, `The secrets of ${from}${whose} open nothing: they fit no handshake that the capture holds.`];
}

function handshakes(number: number): string {
  return `${count(number)} ${number === 1 ? "handshake" : "handshakes"}`;
}
