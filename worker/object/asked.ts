/**
 * Minutes that a shard would take an edge out of: it has asked its parent, and does it when the parent has done it.
 *
 * Invariant: a row that is not refused stands for a message in the outbox, or for one whose receipt has not been read; so the two tiles
 * of a minute have the edge both, or will soon have it neither. What batches hold of its minute stays until then.
 */
import { ASKED_MAX, LATE_SECONDS_MAX } from "../limits";

/** One such minute. */
export interface Asked {
  /** Of the message that asks. */
  number: number;
  edge: number;
  minute: number;
  /** The last batch that is meant. */
  through: number;
  /** How many bundles are to be taken out. */
  bundles: number;
  /** Whether the parent cannot do it, since it has not all parts of the minute any more. */
  isRefused: boolean;
}

type Row = { number: number; edge: number; minute: number; through: number; bundles: number; refused: number };

/** Notes that the parent is asked; inside the caller's transaction. */
export function noteAsked(sql: SqlStorage, { number, edge, minute, through, bundles }: Omit<Asked, "isRefused">): void {
  const values = [number, edge, minute, through, bundles];
  sql.exec("INSERT INTO asked (number, edge, minute, through, bundles) VALUES (?, ?, ?, ?, ?)", ...values);
}

/** The minutes of an edge of which the parent was asked, and did not take it, or not yet. */
export function listAsked(sql: SqlStorage, edge: number): Asked[] {
  return sql.exec<Row>("SELECT * FROM asked WHERE edge = ? ORDER BY minute", edge).toArray().map(unpack);
}

/** Whether the parent was asked for minutes of an edge and has not said anything yet. */
export function isAsking(sql: SqlStorage, edge: number | undefined): boolean {
  return edge !== undefined && listAsked(sql, edge).some(({ isRefused }) => !isRefused);
}

/** The minute that a message asks of; null where the answer is known. */
export function readAsked(sql: SqlStorage, number: number): Asked | null {
  const [row] = sql.exec<Row>("SELECT * FROM asked WHERE number = ? AND refused = 0", number).toArray();
  return row === undefined ? null : unpack(row);
}

/** Notes what the parent said; inside the caller's transaction. */
export function noteDecided(sql: SqlStorage, number: number, isTaken: boolean): void {
  if (isTaken) sql.exec("DELETE FROM asked WHERE number = ?", number);
  else sql.exec("UPDATE asked SET refused = 1 WHERE number = ?", number);
}

/** Minutes that the parent was asked for and has not said anything about: what batches hold of them must stay. */
export function minutesAsked(sql: SqlStorage): Set<number> {
  const rows = sql.exec<{ minute: number }>("SELECT DISTINCT minute FROM asked WHERE refused = 0").toArray();
  return new Set(rows.map(({ minute }) => minute));
}

/** Whether the parent was asked for as many minutes as may be. */
export function isFullOfAsked(sql: SqlStorage): boolean {
  return sql.exec<{ asked: number }>("SELECT COUNT(*) AS asked FROM asked").one().asked >= ASKED_MAX;
}

/** Forgets refused minutes that are too old to be asked for again. */
export function expireRefused(sql: SqlStorage, nowSeconds: number): void {
  sql.exec("DELETE FROM asked WHERE refused = 1 AND minute < ?", nowSeconds - LATE_SECONDS_MAX);
}

function unpack({ refused, ...row }: Row): Asked {
  return { ...row, isRefused: refused !== 0 };
}
