/** What was sealed and the parent does not have yet: one row a message, deleted when the parent acknowledged it. */
import { deflateSync } from "node:zlib";
import { BATCH_BUNDLES_MAX, BATCH_BYTES_MAX, MESSAGE_BYTES_MAX, OUTBOX_HELD_BYTES_MAX } from "../limits";
import type { MergeCore } from "../merge";
import type { Tags } from "../tags";
import { bytesOfParts, concatenate } from "./bytes";
import type { Group } from "./registry";
import { mergeParts, type Sealed } from "./seal";

/** One merged bundle on its way up, deflated. */
export interface UpwardBundle extends UpwardHead {
  body: Uint8Array;
}

interface UpwardHead {
  minute: number;
  policy: string;
  samplingRate: number;
  /** Those that are kept apart above. */
  tags: Tags;
  partial: boolean;
  setApart: number;
}

/** What an object sends its parent at once; it is known by (shard, boot, number), and counts once. */
export interface Message {
  shard: string;
  boot: string;
  /** Larger than that of the message before. */
  number: number;
  bundles: UpwardBundle[];
  recut?: Recut;
}

/** That a message stands in the place of all that its shard sent of a minute before. */
export interface Recut {
  minute: number;
  /** Number of the first message of those that have the minute between them: what is decided about it holds for all. */
  first: number;
  /** Whether edges are missing in the minute. */
  partial: boolean;
}

/** A message that stands in the place of others; it may have no bundles. */
export type Replacement = Message & { recut: Recut };

type PackedHead = UpwardHead & { length: number };

/** Messages of one seal have numbers of their own between those of two seals. */
const MESSAGES_PER_SEAL = 1024;

/** Reads the oldest message; null where nothing waits. */
export function readMessage(sql: SqlStorage): Pick<Message, "number" | "bundles" | "recut"> | null {
  const [row] = sql
    .exec<{ number: number; heads: string; data: ArrayBuffer; recut: string | null }>(
      "SELECT * FROM outbox ORDER BY number LIMIT 1",
    )
    .toArray();
  if (row === undefined) return null;
  let at = 0;
  const bundles = (JSON.parse(row.heads) as PackedHead[]).map(({ length, ...head }) => {
    const body = new Uint8Array(row.data, at, length);
    at += length;
    return { ...head, body };
  });
  return { number: row.number, bundles, ...(row.recut !== null && { recut: JSON.parse(row.recut) as Recut }) };
}

/** Deletes a message that the parent has. */
export function deleteMessage(sql: SqlStorage, number: number): void {
  sql.exec("DELETE FROM outbox WHERE number = ?", number);
}

/** Whether something waits. */
export function hasMessages(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM outbox LIMIT 1").toArray().length > 0;
}

/** How much waits. */
export interface Waiting {
  messages: number;
  bytes: number;
}

/** Counts what waits. */
export function measureOutbox(sql: SqlStorage): Waiting {
  const bytes = "COALESCE(SUM(octet_length(heads) + length(data)), 0)";
  return sql.exec<{ messages: number; bytes: number }>(`SELECT COUNT(*) AS messages, ${bytes} AS bytes FROM outbox`).one();
}

/** What an outbox is written by, in one seal. */
export interface OutboxContext {
  core: MergeCore;
  sql: SqlStorage;
  groups: ReadonlyMap<number, Group>;
  /** Tags that are kept apart above. */
  keep: readonly string[];
  /** Whether edges are missing in a minute. */
  isPartial(minute: number): boolean;
}

/**
 * Writes what one seal sends up, minute by minute: of each policy and sampling rate one bundle for each set of the tags that are
 * kept, or several where there is so much of a minute that it is not held at once. Holds OUTBOX_HELD_BYTES_MAX of that, and one message.
 */
export class OutboxWriter {
  private minute = 0;
  private readonly series = new Map<string, { head: UpwardHead; parts: readonly Uint8Array[] }>();
  /** Bytes of all parts of the minute that are held. */
  private heldBytes = 0;
  /** Of the message that is being made: its bundles' heads as JSON, and the bundles. */
  private heads: string[] = [];
  private bodies: Uint8Array[] = [];
  /** Bytes that both take in its row. */
  private bytes = 0;
  private inflatedBytes = 0;
  private readonly first: number;
  private number: number;
  private readonly recut: Recut | null;

  /** `revision` is the seal's, which no other has; what is written stands in the place of all that was sent of `replaced`, a minute. */
  constructor(
    private readonly context: OutboxContext,
    revision: number,
    replaced: number | null = null,
  ) {
    const first = revision * MESSAGES_PER_SEAL;
    this.first = first;
    this.number = first;
    this.recut = replaced === null ? null : { minute: replaced, first, partial: context.isPartial(replaced) };
  }

  /** Takes what was sealed of a minute and group; minutes come in order. */
  add({ minute, group, parts, setApart }: Sealed): void {
    if (minute !== this.minute) this.endMinute();
    this.minute = minute;
    const { policy, samplingRate, tags } = this.context.groups.get(group)!;
    const kept = Object.fromEntries(Object.entries(tags).filter(([name]) => this.context.keep.includes(name)));
    const name = JSON.stringify([policy, samplingRate, kept]);
    const head = { minute, policy, samplingRate, tags: kept, partial: false, setApart: 0 };
    const one = this.series.get(name) ?? { head, parts: [] };
    this.series.set(name, one);
    one.parts = [...one.parts, ...parts];
    one.head.setApart += setApart;
    this.heldBytes += bytesOfParts(parts);
    if (this.heldBytes > OUTBOX_HELD_BYTES_MAX) this.fold();
  }

  /** Writes what is left; gives the number of the first message, where there is one. */
  end(): number {
    this.endMinute();
    if (this.bodies.length > 0 || this.recut?.first === this.number) this.write();
    return this.first;
  }

  /** Merges what is held; where that is still much, it goes up as a part of the minute, and the rest as others. */
  private fold(): void {
    this.heldBytes = 0;
    for (const one of this.series.values()) {
      const { parts, setApart } = mergeParts(this.context.core, one.parts);
      one.parts = parts;
      one.head.setApart += setApart;
      this.heldBytes += bytesOfParts(parts);
    }
    if (this.heldBytes > OUTBOX_HELD_BYTES_MAX / 2) this.endMinute();
  }

  private endMinute(): void {
    if (this.series.size === 0) return;
    const partial = this.context.isPartial(this.minute);
    for (const { head, parts } of this.series.values()) {
      const merged = mergeParts(this.context.core, parts);
      let setApart = head.setApart + merged.setApart;
      for (const part of merged.parts) {
        this.push({ ...head, partial, setApart }, part);
        setApart = 0;
      }
    }
    this.series.clear();
    this.heldBytes = 0;
  }

  private push(head: UpwardHead, part: Uint8Array): void {
    const body = deflateSync(part);
    const packed: PackedHead = { ...head, length: body.byteLength };
    const text = JSON.stringify(packed);
    const bytes = body.byteLength + new TextEncoder().encode(text).byteLength + 1;
    const isFull =
      this.bytes + bytes > BATCH_BYTES_MAX ||
      this.inflatedBytes + part.byteLength > MESSAGE_BYTES_MAX ||
      this.bodies.length === BATCH_BUNDLES_MAX;
    if (this.bodies.length > 0 && isFull) this.write();
    this.heads.push(text);
    this.bodies.push(body);
    this.bytes += bytes;
    this.inflatedBytes += part.byteLength;
  }

  private write(): void {
    if (this.number === this.first + MESSAGES_PER_SEAL) throw new Error(`more than ${MESSAGES_PER_SEAL} messages at once`);
    const recut = this.recut === null ? null : JSON.stringify(this.recut);
    const values = [this.number, `[${this.heads.join(",")}]`, concatenate(this.bodies), recut];
    this.context.sql.exec("INSERT INTO outbox (number, heads, data, recut) VALUES (?, ?, ?, ?)", ...values);
    this.number += 1;
    this.heads = [];
    this.bodies = [];
    this.bytes = 0;
    this.inflatedBytes = 0;
  }
}
