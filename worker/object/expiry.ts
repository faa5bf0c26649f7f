import { readNumber, writeNumber } from "./schema";
import { oldestStale, startOf } from "./stale";
import { deleteTiles, LEVEL_SECONDS } from "./tiles";

/**
 * Deletes the tiles that are older than their level's retention (seconds, by level), inside the caller's transaction.
 *
 * Those under one tile go together, and only when it has all of them: so a tile that is made anew is made of everything, and what
 * is deleted is in the level above.
 */
export function expireTiles(sql: SqlStorage, retentionSeconds: readonly number[], nowSeconds: number): void {
  for (let level = 0; level < LEVEL_SECONDS.length; level += 1) {
    const above = level + 1;
    let from = nowSeconds - retentionSeconds[level]!;
    if (above < LEVEL_SECONDS.length) from = startOf(above, Math.min(from, oldestStale(sql, above)));
    if (from <= keptFrom(sql, level)) continue;
    deleteTiles(sql, level, from);
    writeNumber(sql, numberOf(level), from);
  }
}

/** The finest level whose tile of a minute is not deleted; the coarsest where all are. */
export function finestKept(sql: SqlStorage, minute: number): number {
  const level = LEVEL_SECONDS.findIndex((_, index) => minute >= keptFrom(sql, index));
  return level < 0 ? LEVEL_SECONDS.length - 1 : level;
}

/** The time before which the tiles of one level are deleted. */
export function keptFrom(sql: SqlStorage, level: number): number {
  return readNumber(sql, numberOf(level));
}

function numberOf(level: number): string {
  return `kept_from_${LEVEL_SECONDS[level]}`;
}
