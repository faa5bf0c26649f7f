import { BATCH_BYTES_MAX, TILE_BYTES_MAX, TILE_PARTS_MAX } from "../limits";
import type { MergeCore } from "../merge";
import type { Entry } from "./batches";
import { finestKept } from "./expiry";
import { markStale, startOf } from "./stale";
import { noteSetApart, readTile, writeTile } from "./tiles";

/** What was sealed of one minute and group at once: what its tile did not have before. */
export interface Sealed extends Merged {
  minute: number;
  group: number;
}

/**
 * Merges entries into the tiles of their minutes and groups; inside the caller's transaction, one tile in memory at a time. It
 * never fails for what is in a bundle: what finds no place in its tile is set apart and counted. Hands on what it sealed, minute by
 * minute.
 *
 * What is so late that the tiles of its minutes are deleted goes into the finest tile that is still kept.
 */
export function sealTiles(
  core: MergeCore,
  sql: SqlStorage,
  entries: readonly Entry[],
  revision: number,
  onSealed: (sealed: Sealed) => void,
): void {
  const slots = new Map<string, Entry[]>();
  for (const entry of [...entries].sort((a, b) => a.minute - b.minute || a.group - b.group)) {
    const name = `${entry.minute} ${entry.group}`;
    const slot = slots.get(name);
    if (slot === undefined) slots.set(name, [entry]);
    else slot.push(entry);
  }
  for (const slot of slots.values()) {
    const { minute, group } = slot[0]!;
    const level = finestKept(sql, minute);
    const place = { level, start: startOf(level, minute), group };
    const sealed = mergeParts(
      core,
      slot.map(({ bytes }) => bytes),
    );
    const before = readTile(sql, place);
    const merged = before.length === 0 ? { parts: sealed.parts, setApart: 0 } : mergeParts(core, [...before, ...sealed.parts]);
    const setApart = slot.reduce((sum, { upward }) => sum + (upward?.setApart ?? 0), sealed.setApart);
    writeTile(sql, place, merged.parts, revision);
    if (setApart + merged.setApart > 0) noteSetApart(sql, place, setApart + merged.setApart);
    markStale(sql, place);
    onSealed({ minute, group, parts: sealed.parts, setApart });
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
 * bundles agree on, and then what is small; what there are too many parts of, or too large ones, is set apart.
 */
export function mergeParts(core: MergeCore, given: readonly Uint8Array[]): Merged {
  if (given.length <= 1) return { parts: given, setApart: 0 };
  const whole = core.merge(given);
  if (whole !== null) return { parts: [whole], setApart: 0 };
  const bundles = new Map(given.map((part) => [part, core.bundlesIn(part)]));
  let rest = [...given].sort((a, b) => bundles.get(b)! - bundles.get(a)! || a.length - b.length);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (rest.length > 0 && parts.length < TILE_PARTS_MAX) {
    let merged = rest[0]!;
    const count = mostThat(1, rest.length, (some) => {
      const sum = core.merge(rest.slice(0, some));
      merged = sum ?? merged;
      return sum !== null;
    });
    bytes += merged.byteLength;
    if (bytes > TILE_BYTES_MAX) break;
    parts.push(merged);
    rest = rest.slice(count);
  }
  return { parts, setApart: rest.reduce((sum, part) => sum + bundles.get(part)!, 0) };
}

/**
 * Merges many parts, read one after the other, and once more where they do not all merge, as forged ones may not: then into as few
 * as can be, some MB in memory at a time.
 */
export function mergeMany(core: MergeCore, read: () => Iterable<Uint8Array>): Merged {
  let isEmpty = true;
  for (const _ of read()) {
    isEmpty = false;
    break;
  }
  if (isEmpty) return { parts: [], setApart: 0 };
  const whole = core.merge(read());
  if (whole !== null) return { parts: [whole], setApart: 0 };
  let merged: Merged = { parts: [], setApart: 0 };
  let some: Uint8Array[] = [];
  const fold = () => {
    const { parts, setApart } = mergeParts(core, [...merged.parts, ...some]);
    merged = { parts, setApart: merged.setApart + setApart };
    some = [];
  };
  for (const part of read()) {
    some.push(part);
    if (some.reduce((sum, { byteLength }) => sum + byteLength, 0) > BATCH_BYTES_MAX) fold();
  }
  fold();
  return merged;
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
