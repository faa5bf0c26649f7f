/**
 * A tenant's backup: lines of JSON, gzipped. The first says what it is, `{"object"}` whose the rows behind it are, the last their SHA-256.
 *
 * Each object holds still while it is read. The root is read first and takes nothing from shards until the last of them is read: so whatever a
 * shard has sent by then is in the root's part, and all else is still in the shard's outbox, in its own part. Restored, it is sent
 * then; what the root had already it knows by its number. The other way round a shard's numbers could fall behind what the root has seen.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Environment } from "../environment";
import { HOLD_SECONDS } from "../limits";
import { formatName, rootOf } from "../names";
import type { Cursor, Page, Value } from "../object/dump";
import type { Hub } from "../object/hub";
import { FORMAT } from "../object/schema";
import { Refusal } from "../refusal";
import { ALWAYS } from "./fleet";

/** Version of a backup's lines. */
export const BACKUP_VERSION = 1;

/** A value in a line: bytes in base64. */
export type PackedValue = number | string | null | { base64: string };

/** The first line of a backup. */
export interface BackupHead {
  tallywire_backup: number;
  tenant: string;
  taken: string;
  /** Of the objects' tables. */
  format: number;
  /** Names of the objects in it, the root first. */
  objects: string[];
}

/** A line of a backup. */
export type BackupLine =
  | BackupHead
  | { object: string }
  | { table: string; columns: string[]; rows: PackedValue[][] }
  | { end: true; lines: number; sha256: string };

/** A tenant's backup, as it goes out; it breaks off where an object does not hold still for it. */
export function backupOf(environment: Environment, tenant: string): Promise<ReadableStream<Uint8Array>> {
  return new Backup(environment, tenant).open();
}

class Backup {
  private readonly token = crypto.randomUUID();
  private readonly root: string;
  private readonly hash = createHash("sha256");
  private lines = 0;
  private renewedMs = 0;

  constructor(
    private readonly environment: Environment,
    private readonly tenant: string,
  ) {
    this.root = formatName(rootOf(tenant));
  }

  async open(): Promise<ReadableStream<Uint8Array>> {
    if (!(await this.object(this.root).hold(this.token, "still"))) {
      throw new Refusal(409, "backing_up", "another backup or a restore of this tenant is under way; wait for its end");
    }
    const lines = this.write();
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { value, done } = await lines.next();
          if (done === true) controller.close();
          else controller.enqueue(encoder.encode(value));
        } catch (error) {
          console.error(`backup: ${error instanceof Error ? error.message : String(error)}`);
          controller.error(error);
        }
      },
      cancel: async () => void (await lines.return()),
    });
    return stream.pipeThrough(new CompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>);
  }

  private async *write(): AsyncGenerator<string, void, undefined> {
    let held = this.root;
    try {
      const shards = await this.object(this.root).listShards(ALWAYS);
      const objects = [this.root, ...shards];
      const taken = new Date().toISOString();
      yield this.line({ tallywire_backup: BACKUP_VERSION, tenant: this.tenant, taken, format: FORMAT, objects });
      yield* this.objectLines(this.root);
      this.must(await this.object(this.root).hold(this.token, "deaf"));
      for (const shard of shards) {
        this.must(await this.object(shard).hold(this.token, "still"));
        held = shard;
        yield* this.objectLines(shard);
        this.must(await this.object(shard).hold(this.token, "end"));
        held = this.root;
      }
      this.must(await this.object(this.root).hold(this.token, "end"));
      yield `${JSON.stringify({ end: true, lines: this.lines, sha256: this.hash.digest("hex") } satisfies BackupLine)}\n`;
    } finally {
      await this.object(held).hold(this.token, "end");
      await this.object(this.root).hold(this.token, "end");
    }
  }

  private async *objectLines(name: string): AsyncGenerator<string, void, undefined> {
    yield this.line({ object: name });
    let cursor: Cursor | null = { table: 0, after: [] };
    while (cursor !== null) {
      const read: { page: Page; next: Cursor | null } | null = await this.object(name).backupPage(this.token, cursor);
      if (read === null) throw lapsed();
      const { table, columns, rows } = read.page;
      if (rows.length > 0) yield this.line({ table, columns, rows: rows.map((row) => row.map(pack)) });
      cursor = read.next;
      if (name !== this.root) await this.renewRoot();
    }
  }

  private async renewRoot(): Promise<void> {
    if (Date.now() < this.renewedMs + (HOLD_SECONDS * 1000) / 4) return;
    this.must(await this.object(this.root).hold(this.token, "renew"));
    this.renewedMs = Date.now();
  }

  private line(line: BackupLine): string {
    const text = `${JSON.stringify(line)}\n`;
    this.hash.update(text);
    this.lines += 1;
    return text;
  }

  private object(name: string): DurableObjectStub<Hub> {
    return this.environment.HUB.getByName(name);
  }

  private must(isHeld: boolean): void {
    if (!isHeld) throw lapsed();
  }
}

function pack(value: Value): PackedValue {
  return value instanceof ArrayBuffer ? { base64: Buffer.from(value).toString("base64") } : value;
}

function lapsed(): Error {
  return new Error(`an object did not hold still any more: no page was asked for in ${HOLD_SECONDS} s`);
}
