import { ROWS_MAX } from "../limits";
import { LEVEL_SECONDS, placeOf, tileId } from "./tiles";

/** What the tiles of one minute, hour or day take. */
export interface TileSize {
  /** Its start, seconds since the epoch. */
  start: number;
  /** One for each set of policy, sampling and tags. */
  tiles: number;
  bytes: number;
  /** Of the largest of them. */
  largestBytes: number;
}

/** What the tiles of one level take that start in [from, to), in order; null where there are more than ROWS_MAX times. */
export function tileSizes(sql: SqlStorage, level: number, from: number, to: number): TileSize[] | null {
  const [tileSpan, slotSpan] = [tileId(0, 0, 1), tileId(0, LEVEL_SECONDS[0]!, 0)];
  const rows = sql.exec<{ first: number; tiles: number; bytes: number; largest: number }>(
    `SELECT MIN(first) AS first, COUNT(*) AS tiles, SUM(bytes) AS bytes, MAX(bytes) AS largest FROM
       (SELECT MIN(id) AS first, SUM(length(data)) AS bytes FROM tiles WHERE id >= ? AND id < ? GROUP BY id / ${tileSpan})
     GROUP BY first / ${slotSpan} ORDER BY first LIMIT ${ROWS_MAX + 1}`,
    tileId(level, from, 0),
    tileId(level, to, 0),
  );
  const sizes = rows.toArray().map(({ first, tiles, bytes, largest }) => {
    return { start: placeOf(first).start, tiles, bytes, largestBytes: largest };
  });
  return sizes.length > ROWS_MAX ? null : sizes;
}
