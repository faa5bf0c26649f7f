/**
 * A tenant out of its backup: all of it, or nothing. Every object is filled first; only when the last line has come and its SHA-256 is that
 * of the lines do they become what the backup says, the shards before the root, so that what they send up is refused until it is there.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Environment } from "../environment";
import { BACKUP_LINE_BYTES_MAX, FAN_OUT_OBJECTS_MAX, HOLD_SECONDS } from "../limits";
import { formatName, parseName, rootOf } from "../names";
import type { RestoreStep } from "../object/archive";
import type { Page, Value } from "../object/dump";
import { FORMAT } from "../object/schema";
import { quote, Refusal, type Refused } from "../refusal";
import { BACKUP_VERSION, type BackupHead, type BackupLine, type PackedValue } from "./backup";
import { ALWAYS } from "./fleet";
import { forgetShardMap } from "./known-maps";

const NEWLINE = 10;

/** What was restored. */
export interface Restored {
  tenant: string;
  taken: string;
  objects: number;
  rows: number;
}

/** Restores a tenant out of a backup's bytes; where `isForced`, in place of what it has. Throws Refusal, and then nothing is there. */
export async function restoreFrom(
  environment: Environment,
  tenant: string,
  body: ReadableStream<Uint8Array>,
  isForced: boolean,
): Promise<Restored> {
  const restore = new Restore(environment, tenant, isForced);
  try {
    for await (const line of linesOf(body)) await restore.take(line);
    return await restore.end();
  } catch (error) {
    await restore.abandon();
    if (error instanceof Refusal) throw error;
    throw bad(`it cannot be read to its end: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

class Restore {
  private readonly token = crypto.randomUUID();
  private readonly hash = createHash("sha256");
  private readonly begun: string[] = [];
  private head: BackupHead | null = null;
  /** Shards that are there now and not in the backup. */
  private others: string[] = [];
  private isWhole = false;
  private lines = 0;
  private rows = 0;
  private waitedMs = 0;

  constructor(
    private readonly environment: Environment,
    private readonly tenant: string,
    private readonly isForced: boolean,
  ) {}

  async take(text: Uint8Array): Promise<void> {
    if (this.isWhole) throw bad("something follows its last line");
    const line = parse(text);
    if ("end" in line) {
      const isSame = line.sha256 === this.hash.digest("hex") && line.lines === this.lines;
      if (!isSame) throw bad("its SHA-256 is not that of its lines; it was damaged on the way");
      this.isWhole = true;
      return;
    }
    this.hash.update(text).update("\n");
    this.lines += 1;
    if (this.head === null) await this.begin(line);
    else if ("object" in line) await this.beginObject(line.object);
    else if ("table" in line) await this.page(line);
    else throw bad("it has a line that is none of a backup's");
  }

  async end(): Promise<Restored> {
    if (this.head === null || !this.isWhole) throw bad("its end is missing; take another, or copy it again");
    if (this.begun.length !== this.head.objects.length) throw bad("not every object is in it that its first line names");
    for (const name of this.begun) this.check(await this.step(name, { step: "ready", name }));
    for (const name of [...this.begun].reverse()) this.check(await this.step(name, { step: "end" }));
    forgetShardMap(this.tenant);
    return { tenant: this.tenant, taken: this.head.taken, objects: this.begun.length, rows: this.rows };
  }

  /** Gives up what is not yet at its end. */
  async abandon(): Promise<void> {
    for (const name of this.begun) await this.step(name, { step: "abandon" });
  }

  private async begin(line: BackupLine): Promise<void> {
    if (!("tallywire_backup" in line)) throw bad("it does not begin like a backup of tallywire");
    const { tallywire_backup: version, tenant, format, objects } = line;
    if (version !== BACKUP_VERSION || !Number.isInteger(format) || format < 1 || format > FORMAT) {
      throw bad(
        `it is of version ${quote(version)}, format ${quote(format)}; this hub knows ${BACKUP_VERSION} and ${FORMAT}: run a newer one`,
      );
    }
    if (tenant !== this.tenant) throw bad(`it is of tenant ${quote(tenant)}, the key is of ${quote(this.tenant)}`);
    const isOwn = (name: unknown) =>
      typeof name === "string" && parseName(name).tenant === tenant && formatName(parseName(name)) === name;
    if (!Array.isArray(objects) || objects.length > FAN_OUT_OBJECTS_MAX * 10 || !objects.every(isOwn)) {
      throw bad("its first line does not name its objects");
    }
    const root = formatName(rootOf(tenant));
    if (objects[0] !== root) throw bad("the root is not the first of its objects");
    this.head = line;
    const shards = this.isForced ? await this.environment.HUB.getByName(root).listShards(ALWAYS) : [];
    this.others = shards.filter((name) => !objects.includes(name));
  }

  private async beginObject(name: string): Promise<void> {
    const { objects, format } = this.head!;
    if (objects[this.begun.length] !== name) throw bad("its objects are not in the order of its first line");
    this.check(await this.step(name, { step: "begin", format, isForced: this.isForced }));
    this.begun.push(name);
    // Only now no shard can be enrolled any more.
    for (const other of this.others.splice(0)) {
      this.check(await this.step(other, { step: "begin", format, isForced: true }));
      await this.step(other, { step: "abandon" });
    }
  }

  private async page({ table, columns, rows }: PackedPage): Promise<void> {
    const name = this.begun.at(-1);
    if (name === undefined) throw bad("it has rows of no object");
    const page: Page = { table, columns, rows: rows.map((row) => row.map(unpack)) };
    this.check(await this.step(name, { step: "page", page }));
    this.rows += rows.length;
    if (Date.now() < this.waitedMs + (HOLD_SECONDS * 1000) / 4) return;
    for (const begun of this.begun) this.check(await this.step(begun, { step: "wait" }));
    this.waitedMs = Date.now();
  }

  private async step(name: string, step: RestoreStep): Promise<Refused | null> {
    return this.environment.HUB.getByName(name).restore(this.token, step);
  }

  private check(refused: Refused | null): void {
    if (refused !== null) throw new Refusal(refused.status, refused.code, refused.reason);
  }
}

type PackedPage = Extract<BackupLine, { table: string }>;

/** The lines of a gzipped body, one in memory at a time. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflated = body.pipeThrough(new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>);
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of inflated) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      yield Buffer.concat([...pieces, chunk.subarray(at, end)]);
      pieces = [];
      length = 0;
      at = end + 1;
    }
    pieces.push(chunk.slice(at));
    length += chunk.byteLength - at;
    if (length > BACKUP_LINE_BYTES_MAX) throw bad("a line of it is too long");
  }
  if (length > 0) throw bad("its last line is cut short");
}

function parse(text: Uint8Array): BackupLine {
  try {
    const line = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(text));
    if (typeof line === "object" && line !== null && isSound(line)) return line as BackupLine;
  } catch {
    // Said below.
  }
  throw bad("it has a line that is none of a backup's");
}

/** Whether a line that has rows has them in their form; what they mean is for the object to say. */
function isSound(line: object): boolean {
  if (!("table" in line)) return true;
  const { table, columns, rows } = line as { table: unknown; columns?: unknown; rows?: unknown };
  const isValue = (value: unknown) =>
    value === null ||
    typeof value === "number" ||
    typeof value === "string" ||
    (typeof value === "object" && typeof (value as { base64?: unknown }).base64 === "string");
  return (
    typeof table === "string" &&
    Array.isArray(columns) &&
    columns.every((column) => typeof column === "string") &&
    Array.isArray(rows) &&
    rows.every((row) => Array.isArray(row) && row.every(isValue))
  );
}

function unpack(value: PackedValue): Value {
  if (typeof value !== "object" || value === null) return value;
  return new Uint8Array(Buffer.from(value.base64, "base64")).buffer;
}

function bad(reason: string, options?: ErrorOptions): Refusal {
  return new Refusal(422, "bad_backup", `this is no backup that can be restored: ${reason}`, options);
}
