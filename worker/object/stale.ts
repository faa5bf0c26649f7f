import { LEVEL_SECONDS, placeOf, type TilePlace, tileId } from "./tiles";

/**
 * Which hours and days are behind what lies under them.
 *
 * Invariant: a tile of an hour or a day that is not listed is the merge of all that lies under it, and where there is none,
 * nothing lies under it. A seal lists the hour and the day of each minute that it writes, a rollup takes off what it wrote,
 * both in the transaction that writes the tiles.
 */

/** Lists the tiles that lie above one. */
export function markStale(sql: SqlStorage, { level, start, group }: TilePlace): void {
  for (let above = level + 1; above < LEVEL_SECONDS.length; above += 1) {
    sql.exec("INSERT OR IGNORE INTO stale (tile) VALUES (?)", tileId(above, startOf(above, start), group));
  }
}

/** Takes a tile off the list. */
export function clearStale(sql: SqlStorage, { level, start, group }: TilePlace): void {
  sql.exec("DELETE FROM stale WHERE tile = ?", tileId(level, start, group));
}

/** The listed tiles of one level that start in [from, to), in order. */
export function listStale(sql: SqlStorage, level: number, from: number, to: number): TilePlace[] {
  const range = [tileId(level, from, 0), tileId(level, to, 0)];
  const rows = sql.exec<{ tile: number }>("SELECT tile FROM stale WHERE tile >= ? AND tile < ? ORDER BY tile", ...range);
  return rows.toArray().map(({ tile }) => placeOf(tile));
}

/** Start of the oldest listed tile of one level; infinite where there is none. */
export function oldestStale(sql: SqlStorage, level: number): number {
  const range = [tileId(level, 0, 0), tileId(level + 1, 0, 0)];
  const [row] = sql
    .exec<{ tile: number }>("SELECT tile FROM stale WHERE tile >= ? AND tile < ? ORDER BY tile LIMIT 1", ...range)
    .toArray();
  return row === undefined ? Number.POSITIVE_INFINITY : placeOf(row.tile).start;
}

/** Start of the tile of one level that a time lies in. */
export function startOf(level: number, seconds: number): number {
  const length = LEVEL_SECONDS[level]!;
  return Math.floor(seconds / length) * length;
}
