import { ROLLUP_SETTLE_SECONDS, ROLLUPS_PER_ALARM_MAX } from "../limits";
import type { MergeCore } from "../merge";
import { mergeMany } from "./seal";
import { clearStale, listStale } from "./stale";
import { LEVEL_SECONDS, listSetApart, readTile, revisionOf, type TilePlace, writeSetApart, writeTile } from "./tiles";

/**
 * Merges minutes into hours and hours into days: those that have ended and are behind what lies under them, the oldest first, each
 * in a transaction of its own. Gives how many tiles it wrote; at most ROLLUPS_PER_ALARM_MAX, so that an alarm stays short.
 *
 * An hour is always made anew of all its minutes, which are kept longer than any late bundle may come; so what is late is in it
 * like all the rest, whatever happened before.
 */
export function rollUp(core: MergeCore, storage: DurableObjectStorage, nowSeconds: number): number {
  const { sql } = storage;
  let written = 0;
  for (let level = 1; level < LEVEL_SECONDS.length; level += 1) {
    const until = nowSeconds - LEVEL_SECONDS[level]! - ROLLUP_SETTLE_SECONDS[level]!;
    for (const place of listStale(sql, level, 0, Math.max(0, until))) {
      if (written >= ROLLUPS_PER_ALARM_MAX) return written;
      if (isAhead(sql, place)) continue;
      storage.transactionSync(() => writeRollup(core, sql, place));
      written += 1;
    }
  }
  return written;
}

/** Whether something under a tile is itself behind. */
function isAhead(sql: SqlStorage, { level, start, group }: TilePlace): boolean {
  if (level === 1) return false;
  return listStale(sql, level - 1, start, start + LEVEL_SECONDS[level]!).some((place) => place.group === group);
}

function writeRollup(core: MergeCore, sql: SqlStorage, place: TilePlace): void {
  const { level, start, group } = place;
  const end = start + LEVEL_SECONDS[level]!;
  const under: TilePlace[] = [];
  for (let at = start; at < end; at += LEVEL_SECONDS[level - 1]!) under.push({ level: level - 1, start: at, group });
  const { parts, setApart } = mergeMany(core, () => partsOf(sql, under));
  let apart = setApart;
  for (const one of listSetApart(sql, level - 1, start, end)) if (one.place.group === group) apart += one.bundles;
  const revision = Math.max(...under.map((one) => revisionOf(sql, one)));
  writeTile(sql, place, parts, revision);
  writeSetApart(sql, place, apart);
  clearStale(sql, place);
}

function* partsOf(sql: SqlStorage, places: readonly TilePlace[]): Generator<Uint8Array> {
  for (const place of places) yield* readTile(sql, place);
}
