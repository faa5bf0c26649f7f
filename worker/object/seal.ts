import { TILE_PARTS_MAX } from "../limits";
import type { MergeCore } from "../merge";
import type { Entry } from "./batches";
import { markStale } from "./stale";
import { noteSetApart, readTile, type TilePlace, writeTile } from "./tiles";

/**
 * Merges entries into the tiles of their minutes and groups; inside the caller's transaction, one tile in memory at a time. It
 * never fails for what is in a bundle: what finds no place in its tile is set apart and counted.
 */
export function sealTiles(core: MergeCore, sql: SqlStorage, entries: readonly Entry[], revision: number): void {
  const slots = new Map<string, { place: TilePlace; entries: Entry[] }>();
  for (const entry of entries) {
    const name = `${entry.minute} ${entry.group}`;
    const slot = slots.get(name) ?? { place: { level: 0, start: entry.minute, group: entry.group }, entries: [] };
    slot.entries.push(entry);
    slots.set(name, slot);
  }
  for (const slot of slots.values()) {
    const merged = mergeParts(core, [...readTile(sql, slot.place), ...slot.entries.map((entry) => entry.bytes)]);
    writeTile(sql, slot.place, merged.parts, revision);
    if (merged.setApart > 0) noteSetApart(sql, slot.place, merged.setApart);
    markStale(sql, slot.place.start, slot.place.group);
  }
}

/** What parts came to. */
export interface Merged {
  parts: readonly Uint8Array[];
  /** Bundles of edges that are in none of them. */
  setApart: number;
}

/**
 * Merges parts into as few as the core can hold: one, unless they do not fit its memory together. The first holds what most
 * bundles agree on, and then what is small.
 */
export function mergeParts(core: MergeCore, given: readonly Uint8Array[]): Merged {
  if (given.length <= 1) return { parts: given, setApart: 0 };
  const whole = core.merge(given);
  if (whole !== null) return { parts: [whole], setApart: 0 };
  const bundles = new Map(given.map((part) => [part, core.bundlesIn(part)]));
  let rest = [...given].sort((a, b) => bundles.get(b)! - bundles.get(a)! || a.length - b.length);
  const parts: Uint8Array[] = [];
  while (rest.length > 0 && parts.length < TILE_PARTS_MAX) {
    let merged = rest[0]!;
    const count = mostThat(1, rest.length, (some) => {
      const sum = core.merge(rest.slice(0, some));
      merged = sum ?? merged;
      return sum !== null;
    });
    parts.push(merged);
    rest = rest.slice(count);
  }
  return { parts, setApart: rest.reduce((sum, part) => sum + bundles.get(part)!, 0) };
}

/** The greatest number from `least`, which works, to `most` that works, where every smaller one does; the last tried that worked. */
export function mostThat(least: number, most: number, works: (count: number) => boolean): number {
  let good = least;
  let bad = most + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (works(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
