import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, openAsBlob, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { parseKey } from "../../engine/keys";
import { formatBytes, formatCount } from "../../engine/units";
import { Failure, reasonOf } from "../failure";
import { hubAddress } from "../post/hub-address";

/** Where a tenant's hub is, and what opens it. */
interface HubOptions {
  hub?: string;
  key?: string;
  insecure?: boolean;
}

/** The words of `tallywire hub backup`. */
export interface BackupOptions extends HubOptions {
  output: string;
}

/** The words of `tallywire hub restore`. */
export interface RestoreOptions extends HubOptions {
  force?: boolean;
}

/** What stands for the bucket of the hub in the place of a file, before a name in it. */
const BUCKET = "r2:";

/** Longest last line of a backup, in bytes, and more. */
const TAIL_BYTES = 1024;
const NEWLINE = 10;

/** A backup in the bucket of a hub. */
interface StoredBackup {
  name: string;
  bytes: number;
  stored: string;
}

/** `tallywire hub backup`: writes all that a hub has of a tenant to one file, or into the hub's bucket, whole or not at all. */
export async function backup(tenant: string, { output, ...options }: BackupOptions): Promise<number> {
  const ask = asker(options, tenant);
  if (output === BUCKET) return store(tenant, ask);
  if (output.startsWith(BUCKET)) throw new Failure(`the hub names what it stores; write -o ${BUCKET}`, 2);
  const draft = `${output}.draft`;
  try {
    const { body, origin } = await ask("v1/backup", {});
    if (body === null) throw new Failure(`${origin} sent nothing; try again`);
    const incoming = Readable.fromWeb(body as NodeReadableStream<Uint8Array>);
    await pipeline(incoming, createWriteStream(draft, { mode: 0o600 }));
    const { lines } = await check(draft);
    renameSync(draft, output);
    process.stdout.write(`${output}: all of ${tenant}, ${formatCount(lines)} pages, checked\n`);
    return 0;
  } catch (error) {
    rmSync(draft, { force: true });
    throw error instanceof Failure ? error : failed(error, `the backup broke off, nothing was written to ${output}`);
  }
}

async function store(tenant: string, ask: Asker): Promise<number> {
  const answer = await ask("v1/backups", { method: "POST" });
  const { name, bytes } = (await answer.json()) as StoredBackup;
  process.stdout.write(`${BUCKET}${name}: all of ${tenant}, ${formatBytes(bytes)}\n`);
  return 0;
}

/** `tallywire hub backups`: lists what is in the bucket of a hub of a tenant. */
export async function backups(tenant: string, options: HubOptions): Promise<number> {
  const answer = await asker(options, tenant)("v1/backups", {});
  const { data } = (await answer.json()) as { data: StoredBackup[] };
  for (const { name, bytes, stored } of data) process.stdout.write(`${BUCKET}${name}  ${stored}  ${formatBytes(bytes)}\n`);
  return 0;
}

/** `tallywire hub restore`: gives a hub what such a file has, or one in its bucket, all or nothing. */
export async function restore(file: string, { force, ...options }: RestoreOptions): Promise<number> {
  const ask = asker(options, null);
  const search = force === true ? "?force=true" : "";
  if (file.startsWith(BUCKET)) {
    const name = encodeURIComponent(file.slice(BUCKET.length));
    return tell(await ask(`v1/backups/${name}/restore${search}`, { method: "POST" }));
  }
  let body: Blob;
  try {
    await check(file);
    body = await openAsBlob(file);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`cannot read ${file}: ${reasonOf(error)}`, 1, { cause: error });
  }
  return tell(await ask(`v1/restore${search}`, { method: "POST", body }));
}

async function tell(answer: Answer): Promise<number> {
  const { tenant, taken, rows } = (await answer.json()) as { tenant: string; taken: string; rows: number };
  process.stdout.write(`${tenant} is what it was at ${taken}: ${formatCount(rows)} rows\n`);
  return 0;
}

type Answer = Pick<Response, "body" | "json"> & { origin: string };
type Asker = (path: string, init: RequestInit) => Promise<Answer>;

function asker({ hub, key, insecure }: HubOptions, tenant: string | null): Asker {
  if (hub === undefined) throw new Failure("no hub is given; add --hub https://HUB, or set TALLYWIRE_HUB", 2);
  const address = hubAddress(hub, insecure);
  if (key === undefined) throw new Failure("no key is given; add --key, or set TALLYWIRE_ADMIN_KEY", 2);
  const holder = parseKey(key);
  if (holder?.kind !== "admin") {
    throw new Failure(
      `${holder === null ? "this is no key" : `this is a ${holder.kind} key`}; an admin key is needed, tw_a_...`,
      2,
    );
  }
  if (tenant !== null && holder.tenant !== tenant) throw new Failure(`the key is of ${holder.tenant}, not of ${tenant}`, 2);
  return async (path, init) => {
    const headers = { authorization: `Bearer ${key}` };
    let response: Response;
    try {
      response = await fetch(new URL(path, address), { ...init, headers, redirect: "error" });
    } catch (cause) {
      throw failed(cause, `${address.origin} cannot be reached`);
    }
    if (response.ok) return Object.assign(response, { origin: address.origin });
    const text = await response.text();
    throw new Failure(`the hub refused (${response.status}): ${reasonIn(text)}`);
  };
}

/** Whether a file is a whole backup: its last line has the SHA-256 of all before it. */
async function check(path: string): Promise<{ lines: number }> {
  const hash = createHash("sha256");
  let tail = Buffer.alloc(0);
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        const all = Buffer.concat([tail, chunk]);
        const known = Math.max(0, all.length - TAIL_BYTES);
        hash.update(all.subarray(0, known));
        tail = all.subarray(known);
      }
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (/^E[A-Z]+$/.test(code)) throw error;
    throw notWhole(path);
  }
  const at = tail.lastIndexOf(NEWLINE, tail.length - 2) + 1;
  hash.update(tail.subarray(0, at));
  const { lines, sha256 } = readEnd(tail.subarray(at).toString()) ?? {};
  if (lines === undefined || sha256 !== hash.digest("hex")) throw notWhole(path);
  return { lines };
}

function readEnd(text: string): { lines: number; sha256: string } | null {
  try {
    const line = JSON.parse(text);
    return line?.end === true ? line : null;
  } catch {
    return null;
  }
}

function notWhole(path: string): Failure {
  return new Failure(`${path} is no whole backup; take another, or copy it again`);
}

function failed(error: unknown, what: string): Failure {
  const { cause, code, message } = error as Error & { code?: string; cause?: { code?: string; message?: string } };
  const why = cause?.code ?? cause?.message ?? (code === undefined ? message : reasonOf(error));
  return new Failure(`${what}: ${why}; try again`, 1, { cause: error });
}

function reasonIn(text: string): string {
  try {
    return String(JSON.parse(text).reason);
  } catch {
    return text.slice(0, 200);
  }
}
