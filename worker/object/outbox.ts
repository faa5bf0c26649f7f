/** What was sealed and the parent does not have yet: one row a message, deleted when the parent acknowledged it. */
import { deflateSync } from "node:zlib";
import { BATCH_BYTES_MAX, MESSAGE_BYTES_MAX } from "../limits";
import type { MergeCore } from "../merge";
import type { Tags } from "../tags";
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
 * kept. Holds what one minute sealed, and one message.
 */
export class OutboxWriter {
  private minute = 0;
  private readonly series = new Map<string, { head: UpwardHead; parts: Uint8Array[] }>();
  private bundles: UpwardBundle[] = [];
  private bytes = 0;
  private readonly first: number;
  private inflatedBytes = 0;
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
    one.parts.push(...parts);
    one.head.setApart += setApart;
  }

  /** Writes what is left; gives the number of the first message, where there is one. */
  end(): number {
    this.endMinute();
    if (this.bundles.length > 0 || this.recut?.first === this.number) this.write();
    return this.first;
  }

  private endMinute(): void {
    if (this.series.size === 0) return;
    const partial = this.context.isPartial(this.minute);
    for (const { head, parts } of this.series.values()) {
      const merged = mergeParts(this.context.core, parts);
      let setApart = head.setApart + merged.setApart;
      for (const part of merged.parts) {
        this.push({ ...head, partial, setApart, body: deflateSync(part) }, part.byteLength);
        setApart = 0;
      }
    }
    this.series.clear();
  }

  private push(bundle: UpwardBundle, inflatedBytes: number): void {
    const isFull =
      this.bytes + bundle.body.byteLength > BATCH_BYTES_MAX || this.inflatedBytes + inflatedBytes > MESSAGE_BYTES_MAX;
    if (this.bundles.length > 0 && isFull) this.write();
    this.bundles.push(bundle);
    this.bytes += bundle.body.byteLength;
    this.inflatedBytes += inflatedBytes;
  }

  private write(): void {
    const heads = this.bundles.map(({ body, ...head }): PackedHead => ({ ...head, length: body.byteLength }));
    const data = new Uint8Array(this.bytes);
    let at = 0;
    for (const { body } of this.bundles) {
      data.set(body, at);
      at += body.byteLength;
    }
    const values = [this.number, JSON.stringify(heads), data, this.recut === null ? null : JSON.stringify(this.recut)];
    this.context.sql.exec("INSERT INTO outbox (number, heads, data, recut) VALUES (?, ?, ?, ?)", ...values);
    this.number += 1;
    this.bundles = [];
    this.bytes = 0;
    this.inflatedBytes = 0;
  }
}
