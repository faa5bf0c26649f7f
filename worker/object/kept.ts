/** What edges posted within the last two hours, as the sealed batches still hold it. */
import { inflateBody } from "../body";
import { AHEAD_SECONDS_MAX, MERGED_BYTES_MAX, MINUTE_SECONDS } from "../limits";
import { type Head, headsOf } from "./batches";
import { readNumber } from "./schema";

/** A bundle in a sealed batch. */
export interface Kept extends Head {
  batch: number;
}

/** The bundles of batches up to `sealed` that may hold minutes from `from` on, one row's heads in memory at a time. */
export function* listKept(sql: SqlStorage, sealed: number, from: number): Generator<Kept> {
  const rows = sql.exec<{ id: number; entries: string }>(
    "SELECT id, entries FROM batches WHERE id <= ? AND received_ms >= ? ORDER BY id",
    sealed,
    (from - AHEAD_SECONDS_MAX) * 1000,
  );
  for (const row of rows) for (const head of headsOf(row.entries)) if (head.minute >= from) yield { ...head, batch: row.id };
}

/** The bytes of one of them, inflated. */
export function readKept(sql: SqlStorage, kept: Kept): Uint8Array {
  return inflateBody(readKeptBody(sql, kept), kept.encoding, MERGED_BYTES_MAX);
}

/** The bytes of one of them, in its encoding. */
function readKeptBody(sql: SqlStorage, { batch, at, length }: Kept): Uint8Array {
  const rows = sql.exec<{ body: ArrayBuffer }>(
    "SELECT substr(data, ?, ?) AS body FROM batches WHERE id = ?",
    at + 1,
    length,
    batch,
  );
  return new Uint8Array(rows.one().body);
}

/**
 * The first minute from which on every bundle that came is still in a batch; 0 where no batch was deleted yet. A bundle comes
 * AHEAD_SECONDS_MAX before its minute at the earliest.
 */
export function keptWholeFrom(sql: SqlStorage): number {
  const goneMs = readNumber(sql, "batches_gone_ms");
  if (goneMs === 0) return 0;
  return (Math.floor((goneMs / 1000 + AHEAD_SECONDS_MAX) / MINUTE_SECONDS) + 1) * MINUTE_SECONDS;
}
