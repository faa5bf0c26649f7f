import { QUERY_PARTS_MAX } from "../limits";
import type { Plan, TagCondition } from "../query/plan";
import type { Refused } from "../refusal";
import { type Tags, tagOf } from "../tags";
import type { AnswerCaches } from "./answer-cache";
import type { Entry } from "./batches";
import { coverWindow, tooManyParts } from "./cover";
import { findEdgeParts } from "./edge-parts";
import type { EdgeStates } from "./edge-states";
import { type KeptPlace, readKept } from "./kept";
import type { Minutes } from "./minutes";
import type { Group, Registry } from "./registry";
import { LEVEL_SECONDS, listSetApart, readTile, type TileHead, tileId } from "./tiles";

/** What a query reads of an object. */
export interface Source {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  /** Committed and not sealed. */
  pending: readonly Entry[];
  /** The last batch that went into tiles. */
  sealed: number;
  revision: number;
  answers: AnswerCaches;
}

/** Which minutes of whom are meant, and which of them may be merged. */
export type Window = Pick<Plan, "from" | "to" | "step" | "policy" | "edge" | "tagConditions"> & {
  /** Only what edges sent to this object, without what came from shards. */
  isOwn?: boolean;
};

/** One sealed tile, one bundle that is not sealed yet, or one of an edge in a sealed batch. */
export interface Part {
  /** Seconds since the epoch. */
  start: number;
  group: Group;
  held: Held;
}

/** What holds a part's bytes. */
export type Held = TileHead | Entry | KeptPlace;

/** All parts of a window, the groups that it is about, and the revision of the last change to it. */
export interface Found {
  parts: Part[];
  groups: Map<number, Group>;
  revision: number;
  /** Seconds of the longest tile. */
  resolution: number;
  /** Bundles that found no place in a tile of the window. */
  setApart: number;
  /** Of one edge: the edge, and the first minute from which on all that it posted is kept; 0 where nothing was deleted yet. */
  only?: { edge: number; keptFrom: number };
}

/** Finds what a window is made of. */
export function findParts(source: Source, window: Window): Found | Refused {
  if (window.edge !== null) return findEdgeParts(source, window, window.edge);
  const groups = groupsOf(source.registry, window, (group) => !(window.isOwn === true && group.received));
  const tiles = coverWindow(source.sql, window, (group) => groups.has(group));
  if ("status" in tiles) return tiles;
  const parts: Part[] = [];
  let revision = 0;
  let level = 0;
  for (const tile of tiles) {
    if (!tile.isEmpty) parts.push({ start: tile.start, group: groups.get(tile.group)!, held: tile });
    revision = Math.max(revision, tile.revision);
    level = Math.max(level, tile.level);
  }
  for (const entry of source.pending) {
    const group = groups.get(entry.group);
    if (group === undefined || entry.minute < window.from || entry.minute >= window.to) continue;
    parts.push({ start: entry.minute, group, held: entry });
    revision = source.revision;
  }
  if (parts.length <= QUERY_PARTS_MAX) {
    return { parts, groups, revision, resolution: LEVEL_SECONDS[level]!, setApart: setApartOf(source.sql, window, tiles) };
  }
  return tooManyParts();
}

/** The groups that a window is about, of those that are meant. */
export function groupsOf(registry: Registry, window: Window, isMeant: (group: Group) => boolean): Map<number, Group> {
  const matches = (group: Group) =>
    group.policy === window.policy && matchesTags(window.tagConditions, group.tags) && isMeant(group);
  return new Map([...registry.groups].filter(([, group]) => matches(group)));
}

/** Bundles that found no place in these tiles of the window. */
function setApartOf(sql: SqlStorage, { from, to }: Window, tiles: readonly TileHead[]): number {
  const used = new Set(tiles.map((tile) => tileId(tile.level, tile.start, tile.group)));
  let setApart = 0;
  for (let level = 0; level < LEVEL_SECONDS.length; level += 1) {
    for (const { place, bundles } of listSetApart(sql, level, from, to)) {
      if (used.has(tileId(level, place.start, place.group))) setApart += bundles;
    }
  }
  return setApart;
}

/** The bytes of parts, read one after the other. */
export function* readParts(sql: SqlStorage, parts: readonly Part[]): Generator<Uint8Array> {
  for (const { held } of parts) yield* readHeld(sql, held);
}

function readHeld(sql: SqlStorage, held: Held): readonly Uint8Array[] {
  if ("bytes" in held) return [held.bytes];
  return "batch" in held ? [readKept(sql, held)] : readTile(sql, held);
}

/** One bundle, or one part of a tile: what merges as it is. */
export interface Piece {
  held: Held;
  index: number;
}

/** What parts are made of, one by one. */
export function piecesOf(sql: SqlStorage, parts: readonly Part[]): Piece[] {
  return parts.flatMap(({ held }) => {
    const count = readHeld(sql, held).length;
    return Array.from({ length: count }, (_, index) => ({ held, index }));
  });
}

/** The bytes of pieces, read one after the other. */
export function* readPieces(sql: SqlStorage, pieces: readonly Piece[]): Generator<Uint8Array> {
  for (const { held, index } of pieces) yield readHeld(sql, held)[index]!;
}

/** Whether tags meet all conditions. */
export function matchesTags(conditions: readonly TagCondition[], tags: Tags): boolean {
  return conditions.every(({ tag, values, negated }) => values.includes(tagOf(tags, tag)) !== negated);
}
