/** What edges posted within the last two hours, as the sealed batches still hold it. */
import { inflateBody } from "../body";
import { AHEAD_SECONDS_MAX, CUTS_MAX, MERGED_BYTES_MAX, MINUTE_SECONDS } from "../limits";
import { type Head, headsOf } from "./batches";
import { readNumber } from "./schema";

/** A bundle in a sealed batch. */
export interface Kept extends Head {
  batch: number;
}

/** Where a bundle lies in a sealed batch, which is all that reading it takes: there may be very many. */
export type KeptPlace = Pick<Kept, "batch" | "at" | "length" | "encoding">;

/** The place of a bundle. */
export function placeOfKept({ batch, at, length, encoding }: Kept): KeptPlace {
  return { batch, at, length, encoding };
}

/**
 * The bundles of batches up to `sealed` whose minutes are `from` or later, but for what was taken out of its tile; one row's heads in
 * memory at a time.
 */
export function* listKept(sql: SqlStorage, sealed: number, from: number): Generator<Kept> {
  const cuts = readCuts(sql);
  const isCut = ({ source, minute }: Head, batch: number) => batch <= (cuts.get(cutKey(source, minute)) ?? 0);
  const rows = sql.exec<{ id: number; entries: string }>(
    "SELECT id, entries FROM batches WHERE id <= ? AND received_ms >= ? ORDER BY id",
    sealed,
    (from - AHEAD_SECONDS_MAX) * 1000,
  );
  for (const { id, entries } of rows) {
    for (const head of headsOf(entries)) if (head.minute >= from && !isCut(head, id)) yield { ...head, batch: id };
  }
}

/** Notes that what batches up to one hold of a source's minute is in its tile no more. */
export function writeCut(sql: SqlStorage, source: number, minute: number, through: number): void {
  sql.exec("INSERT OR REPLACE INTO cuts (source, minute, through) VALUES (?, ?, ?)", source, minute, through);
}

/** Forgets the cuts of which no batch is left. */
export function expireCuts(sql: SqlStorage, sealed: number): void {
  sql.exec("DELETE FROM cuts WHERE through < COALESCE((SELECT MIN(id) FROM batches), ? + 1)", sealed);
}

/** Whether there are as many cuts as may be. */
export function isFullOfCuts(sql: SqlStorage): boolean {
  return sql.exec<{ cuts: number }>("SELECT COUNT(*) AS cuts FROM cuts").one().cuts >= CUTS_MAX;
}

/** Through which batch a source's minute was taken out. */
function readCuts(sql: SqlStorage): Map<number, number> {
  const cuts = new Map<number, number>();
  for (const { source, minute, through } of sql.exec<{ source: number; minute: number; through: number }>("SELECT * FROM cuts")) {
    cuts.set(cutKey(source, minute), through);
  }
  return cuts;
}

/** A source's minute as one number. */
function cutKey(source: number, minute: number): number {
  return source * 2 ** 32 + minute / MINUTE_SECONDS;
}

/** The bytes of one of them, inflated. */
export function readKept(sql: SqlStorage, kept: KeptPlace): Uint8Array {
  return inflateBody(readKeptBody(sql, kept), kept.encoding, MERGED_BYTES_MAX);
}

/** The bytes of one of them, in its encoding. */
export function readKeptBody(sql: SqlStorage, { batch, at, length }: KeptPlace): Uint8Array {
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
