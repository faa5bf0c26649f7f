import { QUERY_PARTS_MAX } from "../limits";
import type { Refused } from "../refusal";
import { formatTime } from "../time";
import { keptFrom } from "./expiry";
import { listStale, startOf } from "./stale";
import { LEVEL_SECONDS, listTiles, type TileHead } from "./tiles";

/** A window and the length of its time buckets, seconds. */
export interface Buckets {
  from: number;
  to: number;
  step: number;
}

const LEVEL_NAMES = ["minutes", "hours", "days"];

/**
 * Finds the fewest tiles that hold a window: days and hours that lie whole in one bucket and are not behind, and smaller ones in
 * between. Refuses where only a tile is left that a bucket would have to cut, and where there are too many.
 */
export function coverWindow(sql: SqlStorage, buckets: Buckets, matches: (group: number) => boolean): TileHead[] | Refused {
  const cover = new Cover(sql, buckets, matches);
  cover.walk(LEVEL_SECONDS.length - 1, buckets.from, buckets.to, null);
  return cover.refused ?? cover.tiles;
}

/** The refusal of a window that is made of too much. */
export function tooManyParts(): Refused {
  const reason = `the window has more than ${QUERY_PARTS_MAX} tiles; take a shorter one, or name tags in where`;
  return { status: 422, code: "too_much", reason };
}

class Cover {
  readonly tiles: TileHead[] = [];
  refused: Refused | null = null;

  constructor(
    private readonly sql: SqlStorage,
    private readonly buckets: Buckets,
    private readonly matches: (group: number) => boolean,
  ) {}

  /** Takes what there is in [from, to), of `level` at the coarsest; of all groups that match, or only some. */
  walk(level: number, from: number, to: number, only: ReadonlySet<number> | null): void {
    const isWanted = (group: number) => only === null || only.has(group);
    if (level === 0) {
      this.take(level, from, to, isWanted);
      return;
    }
    const behind = this.behind(level, from, to);
    let whole = from;
    for (let start = startOf(level, from); start < to; start += LEVEL_SECONDS[level]!) {
      const end = start + LEVEL_SECONDS[level]!;
      const groups = behind.get(start);
      const isWhole = this.isWhole(start, end);
      if (isWhole && groups === undefined) continue;
      this.take(level, whole, Math.max(whole, start), isWanted);
      whole = end;
      if (isWhole && groups !== undefined) {
        this.take(level, start, end, (group) => isWanted(group) && !groups.has(group));
        this.walk(level - 1, start, end, new Set([...groups].filter(isWanted)));
      } else if (this.isKept(level, start, end)) {
        this.walk(level - 1, Math.max(start, from), Math.min(end, to), only);
      }
    }
    this.take(level, whole, Math.max(whole, to), isWanted);
  }

  /** Takes the tiles of one level that start in [from, to). */
  private take(level: number, from: number, to: number, wanted: (group: number) => boolean): void {
    if (from >= to) return;
    for (const tile of listTiles(this.sql, level, from, to)) {
      if (this.refused !== null) return;
      if (!this.matches(tile.group) || !wanted(tile.group)) continue;
      this.tiles.push(tile);
      if (this.tiles.length > QUERY_PARTS_MAX) this.refused = tooManyParts();
    }
  }

  /** Whether [start, end) lies in the window, and in one bucket of it. */
  private isWhole(start: number, end: number): boolean {
    const { from, to, step } = this.buckets;
    const bucketOf = (time: number) => Math.floor((time - from) / step);
    return start >= from && end <= to && bucketOf(start) === bucketOf(end - 1);
  }

  /** Groups whose tiles of one level are behind, by the tiles' start. */
  private behind(level: number, from: number, to: number): Map<number, Set<number>> {
    const behind = new Map<number, Set<number>>();
    for (const { start, group } of listStale(this.sql, level, startOf(level, from), to)) {
      if (!this.matches(group)) continue;
      const groups = behind.get(start) ?? new Set();
      behind.set(start, groups.add(group));
    }
    return behind;
  }

  /** Whether all that lies under the tiles of [start, end) is still there, or nothing ever was; notes the refusal where it is not. */
  private isKept(level: number, start: number, end: number): boolean {
    if (start >= keptFrom(this.sql, level - 1)) return true;
    for (const { group } of listTiles(this.sql, level, start, end)) {
      if (!this.matches(group)) continue;
      const unit = LEVEL_NAMES[level]!;
      const until = formatTime(keptFrom(this.sql, level - 1));
      const reason = `before ${until} this hub keeps ${unit}; let from, to and step be whole ${unit}, or begin later`;
      this.refused ??= { status: 422, code: "too_fine", reason };
      return false;
    }
    return true;
  }
}
