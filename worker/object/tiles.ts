import { TILE_ROW_BYTES_MAX } from "../limits";
import { concatenate } from "./bytes";

/**
 * Where a tile lies: a number whose order is that of resolution, time, group and part, so that a window is one range of rows.
 *
 *      51   50 49              22 21              10 9           0
 *     +-------+------------------+------------------+------------+
 *     | level | start / 60 s     | group            | part       |
 *     +-------+------------------+------------------+------------+
 *
 * Level 0 holds minutes, 1 hours, 2 days (`rollup.ts`). A tile is one or more parts: each part is mergeable by itself, and one part that is
 * too large for a row lies in several rows, all but the last of them full.
 */
export const PART_SPAN = 2 ** 10;
const GROUP_SPAN = 2 ** 12;
const START_SPAN = 2 ** 28;

/** Seconds of each level's tiles. */
export const LEVEL_SECONDS: readonly number[] = [60, 3600, 86400];

/** A tile's place, without its parts. */
export interface TilePlace {
  level: number;
  /** Seconds since the epoch. */
  start: number;
  group: number;
}

/** A tile that is there. */
export interface TileHead extends TilePlace {
  revision: number;
  /** Whether all that was in it has been taken out again. */
  isEmpty: boolean;
}

/** Heads that are read in one go: whoever has enough of them stops, and leaves no statement open. */
const TILES_AT_A_TIME = 1_000;

/** What a tile is written as that has nothing in it any more, so that its revision stays. */
const NOTHING: readonly Uint8Array[] = [new Uint8Array(0)];

/** The number of a tile's first row. */
export function tileId(level: number, start: number, group: number): number {
  return ((level * START_SPAN + Math.floor(start / 60)) * GROUP_SPAN + group) * PART_SPAN;
}

/** The place of the tile that has a row of this number. */
export function placeOf(id: number): TilePlace {
  const tile = Math.floor(id / PART_SPAN);
  const slot = Math.floor(tile / GROUP_SPAN);
  return { level: Math.floor(slot / START_SPAN), start: (slot % START_SPAN) * 60, group: tile % GROUP_SPAN };
}

/** The tiles of one level that start in [from, to), in order, one head a tile. */
export function* listTiles(sql: SqlStorage, level: number, from: number, to: number): Generator<TileHead> {
  const end = tileId(level, to, 0);
  for (let next = tileId(level, from, 0); ; ) {
    const rows = sql
      .exec<{ id: number; revision: number; is_empty: number }>(
        `SELECT id, revision, length(data) = 0 AS is_empty FROM tiles
         WHERE id >= ? AND id < ? AND id % ${PART_SPAN} = 0 ORDER BY id LIMIT ${TILES_AT_A_TIME}`,
        next,
        end,
      )
      .toArray();
    for (const row of rows) yield { ...placeOf(row.id), revision: row.revision, isEmpty: row.is_empty !== 0 };
    if (rows.length < TILES_AT_A_TIME) return;
    next = rows.at(-1)!.id + 1;
  }
}

/** The parts of one tile; none where it is not there. */
export function readTile(sql: SqlStorage, place: TilePlace): Uint8Array[] {
  const id = tileId(place.level, place.start, place.group);
  const rows = sql.exec<{ data: ArrayBuffer }>("SELECT data FROM tiles WHERE id >= ? AND id < ? ORDER BY id", id, id + PART_SPAN);
  const parts: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  for (const row of rows) {
    open.push(new Uint8Array(row.data));
    if (row.data.byteLength === TILE_ROW_BYTES_MAX) continue;
    const part = open.length === 1 ? open[0]! : concatenate(open);
    if (part.byteLength > 0) parts.push(part);
    open = [];
  }
  return parts;
}

/** Writes one tile in place of what was there, an empty one where it has no parts; throws where it has more parts than a tile can have. */
export function writeTile(sql: SqlStorage, place: TilePlace, parts: readonly Uint8Array[], revision: number): void {
  const id = tileId(place.level, place.start, place.group);
  let row = 0;
  for (const part of parts.length === 0 ? NOTHING : parts) {
    for (let at = 0; at <= part.byteLength; at += TILE_ROW_BYTES_MAX) {
      if (row >= PART_SPAN) throw new RangeError(`a tile of more than ${PART_SPAN} rows`);
      const data = part.subarray(at, at + TILE_ROW_BYTES_MAX);
      sql.exec("INSERT OR REPLACE INTO tiles (id, revision, data) VALUES (?, ?, ?)", id + row, revision, data);
      row += 1;
    }
  }
  sql.exec("DELETE FROM tiles WHERE id >= ? AND id < ?", id + row, id + PART_SPAN);
}

/** Revision of one tile; 0 where it is not there. */
export function revisionOf(sql: SqlStorage, place: TilePlace): number {
  const id = tileId(place.level, place.start, place.group);
  const [row] = sql.exec<{ revision: number }>("SELECT revision FROM tiles WHERE id = ?", id).toArray();
  return row?.revision ?? 0;
}

/** Counts bundles that found no place in a tile. */
export function noteSetApart(sql: SqlStorage, place: TilePlace, bundles: number): void {
  const id = tileId(place.level, place.start, place.group);
  sql.exec(
    "INSERT INTO set_apart (tile, bundles) VALUES (?, ?) ON CONFLICT (tile) DO UPDATE SET bundles = bundles + excluded.bundles",
    id,
    bundles,
  );
}

/** Notes how many bundles found no place in all of a tile. */
export function writeSetApart(sql: SqlStorage, place: TilePlace, bundles: number): void {
  sql.exec("DELETE FROM set_apart WHERE tile = ?", tileId(place.level, place.start, place.group));
  if (bundles > 0) noteSetApart(sql, place, bundles);
}

/** The tiles of one level that start in [from, to) in which bundles found no place, and how many. */
export function* listSetApart(
  sql: SqlStorage,
  level: number,
  from: number,
  to: number,
): Generator<{ place: TilePlace; bundles: number }> {
  const rows = sql.exec<{ tile: number; bundles: number }>(
    "SELECT tile, bundles FROM set_apart WHERE tile >= ? AND tile < ?",
    tileId(level, from, 0),
    tileId(level, to, 0),
  );
  for (const { tile, bundles } of rows) yield { place: placeOf(tile), bundles };
}

/** Deletes the tiles of one level that start before `from`. */
export function deleteTiles(sql: SqlStorage, level: number, from: number): void {
  sql.exec("DELETE FROM tiles WHERE id >= ? AND id < ?", tileId(level, 0, 0), tileId(level, from, 0));
  sql.exec("DELETE FROM set_apart WHERE tile >= ? AND tile < ?", tileId(level, 0, 0), tileId(level, from, 0));
}
