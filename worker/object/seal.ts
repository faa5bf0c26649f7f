import type { MergeCore } from "../merge";
import type { Entry } from "./batches";
import { readTile, type TilePlace, writeTile } from "./tiles";

/** Merges entries into the tiles of their minutes and groups; inside the caller's transaction, one tile in memory at a time. */
export function sealTiles(core: MergeCore, sql: SqlStorage, entries: readonly Entry[], revision: number): void {
  const slots = new Map<string, { place: TilePlace; entries: Entry[] }>();
  for (const entry of entries) {
    const name = `${entry.minute} ${entry.group}`;
    const slot = slots.get(name) ?? { place: { level: 0, start: entry.minute, group: entry.group }, entries: [] };
    slot.entries.push(entry);
    slots.set(name, slot);
  }
  for (const slot of slots.values()) {
    const parts = [...readTile(sql, slot.place), ...slot.entries.map((entry) => entry.bytes)];
    writeTile(sql, slot.place, mergeParts(core, parts), revision);
  }
}

/** Merges parts into as few as the core can hold: one, unless they do not fit its memory together. */
export function mergeParts(core: MergeCore, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (parts.length <= 1) return parts;
  const merged = core.merge(parts);
  if (merged !== null) return [merged];
  if (parts.length === 2) return parts;
  const half = parts.length >> 1;
  return [...mergeParts(core, parts.slice(0, half)), ...mergeParts(core, parts.slice(half))];
}
