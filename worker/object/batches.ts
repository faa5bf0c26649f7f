import { BODY_ENCODINGS, type BodyEncoding, inflateBody } from "../body";
import { BATCH_RETENTION_BYTES_MAX, BATCH_RETENTION_SECONDS, ENTRY_BYTES, MERGED_BYTES_MAX } from "../limits";
import type { Losses } from "../merge";
import { type PackedLosses, packLosses, unpackLosses } from "./losses";
import { readNumber, writeNumber } from "./schema";

/** One bundle that passed every check, and what came with it. */
export interface Entry {
  source: number;
  group: number;
  /** Start of its minute, seconds since the epoch. */
  minute: number;
  sequence: number;
  receivedMs: number;
  /** The edge's clock less the hub's, as the bundle came in; null where the edge did not say. */
  skewMs: number | null;
  version: string;
  /** Absent where there are none, and for bundles of shards. */
  losses?: Losses;
  bytes: Uint8Array;
  /** What a shard says beside a bundle that it sends up; absent for bundles of edges. */
  upward?: Upward;
}

/** What a shard says about a minute that it sends up. */
export interface Upward {
  /** Of the message that it came in: each is larger than the one before. */
  number: number;
  /** Whether edges of the shard are missing in the minute. */
  partial: boolean;
  /** Bundles of the minute that are not in it, since they do not merge with the others. */
  setApart: number;
}

/** A bundle as it came over the wire, which is how its row keeps it: deflated it takes less than half. */
export interface Arrival {
  entry: Entry;
  body: Uint8Array;
  encoding: BodyEncoding;
}

/** What an entry takes in memory. */
export function sizeOf({ bytes }: Pick<Entry, "bytes">): number {
  return bytes.byteLength + ENTRY_BYTES;
}

type PackedEntry = [
  source: number,
  group: number,
  minute: number,
  sequence: number,
  receivedMs: number,
  skewMs: number | null,
  version: string,
  length: number,
  encoding: number,
  upward?: Upward | null,
  losses?: PackedLosses,
];

/** Writes one batch. */
export function writeBatch(sql: SqlStorage, id: number, arrivals: readonly Arrival[], nowMs: number): void {
  const data = new Uint8Array(arrivals.reduce((length, { body }) => length + body.byteLength, 0));
  const packed: PackedEntry[] = [];
  let at = 0;
  for (const { entry, body, encoding } of arrivals) {
    data.set(body, at);
    at += body.byteLength;
    const { source, group, minute, sequence, receivedMs, skewMs, version } = entry;
    const form = BODY_ENCODINGS.indexOf(encoding);
    packed.push([source, group, minute, sequence, receivedMs, skewMs, version, body.byteLength, form, ...besides(entry)]);
  }
  const values = [id, nowMs, data.byteLength, JSON.stringify(packed), data];
  sql.exec("INSERT INTO batches (id, received_ms, bytes, entries, data) VALUES (?, ?, ?, ?, ?)", ...values);
}

/** What only some entries have. */
function besides({ upward, losses }: Entry): [] | [Upward] | [Upward | null, PackedLosses] {
  if (losses !== undefined) return [upward ?? null, packLosses(losses)];
  return upward === undefined ? [] : [upward];
}

/** A bundle in a batch: all of its entry but the bytes, and where in the row these lie. */
export interface Head extends Omit<Entry, "bytes"> {
  at: number;
  length: number;
  encoding: BodyEncoding;
}

/** The bundles of one batch, by the text of its entries. */
export function* headsOf(entries: string): Generator<Head> {
  let at = 0;
  for (const packed of JSON.parse(entries) as PackedEntry[]) {
    const [source, group, minute, sequence, receivedMs, skewMs, version, length, form, upward, lost] = packed;
    const encoding = BODY_ENCODINGS[form] ?? "identity";
    const rest = { ...(upward && { upward }), ...(lost && { losses: unpackLosses(lost) }) };
    yield { source, group, minute, sequence, receivedMs, skewMs, version, at, length, encoding, ...rest };
    at += length;
  }
}

/** Reads the batches after `id`, in order. */
export function* readBatches(sql: SqlStorage, id: number): Generator<{ id: number; entries: Entry[] }> {
  const rows = sql.exec<{ id: number; entries: string; data: ArrayBuffer }>(
    "SELECT id, entries, data FROM batches WHERE id > ? ORDER BY id",
    id,
  );
  for (const row of rows) {
    const entries = [...headsOf(row.entries)].map(({ at, length, encoding, ...head }): Entry => {
      return { ...head, bytes: inflateBody(new Uint8Array(row.data, at, length), encoding, MERGED_BYTES_MAX) };
    });
    yield { id: row.id, entries };
  }
}

/**
 * Deletes sealed batches that are too old, or too many bytes, the oldest first; notes until when there were any. Those that have bundles of
 * `held` minutes stay.
 */
export function expireBatches(sql: SqlStorage, sealed: number, nowMs: number, held: ReadonlySet<number>): void {
  const oldestMs = nowMs - BATCH_RETENTION_SECONDS * 1000;
  let bytes = 0;
  let keepFrom = sealed + 1;
  const rows = sql.exec<{ id: number; received_ms: number; bytes: number }>(
    "SELECT id, received_ms, bytes FROM batches WHERE id <= ? ORDER BY id DESC",
    sealed,
  );
  for (const row of rows) {
    bytes += row.bytes;
    if (bytes > BATCH_RETENTION_BYTES_MAX || row.received_ms < oldestMs) break;
    keepFrom = row.id;
  }
  const until = Math.min(keepFrom, sealed + 1);
  const kept = held.size === 0 ? [] : batchesWith(sql, until, held);
  const which = `id < ? AND id NOT IN (SELECT value FROM json_each(?))`;
  const values = [until, JSON.stringify(kept)];
  const gone = sql.exec<{ last: number | null }>(`SELECT MAX(received_ms) AS last FROM batches WHERE ${which}`, ...values);
  const lastMs = gone.one().last;
  if (lastMs === null) return;
  sql.exec(`DELETE FROM batches WHERE ${which}`, ...values);
  writeNumber(sql, "batches_gone_ms", Math.max(lastMs, readNumber(sql, "batches_gone_ms")));
}

/** Batches before one that have bundles of some minutes. */
function batchesWith(sql: SqlStorage, before: number, minutes: ReadonlySet<number>): number[] {
  const ids: number[] = [];
  for (const { id, entries } of sql.exec<{ id: number; entries: string }>(
    "SELECT id, entries FROM batches WHERE id < ?",
    before,
  )) {
    for (const { minute } of headsOf(entries)) {
      if (!minutes.has(minute)) continue;
      ids.push(id);
      break;
    }
  }
  return ids;
}
