import { QUERY_PARTS_MAX } from "../limits";
import type { Plan, TagCondition } from "../query/plan";
import type { Refused } from "../refusal";
import { type Tags, tagOf } from "../tags";
import type { Entry } from "./batches";
import type { EdgeStates } from "./edge-states";
import type { Minutes } from "./minutes";
import type { Group, Registry } from "./registry";
import { listSetApart, listTiles, readTile, type TileHead } from "./tiles";

/** What a query reads of an object. */
export interface Source {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  /** Committed and not sealed. */
  pending: readonly Entry[];
  revision: number;
}

/** Which minutes of whom are meant. */
export type Window = Pick<Plan, "from" | "to" | "policy" | "tagConditions">;

/** One sealed tile, or one bundle that is not sealed yet. */
export interface Part {
  minute: number;
  group: Group;
  held: TileHead | Entry;
}

/** All parts of a window, the groups that it is about, and the revision of the last change to it. */
export interface Found {
  parts: Part[];
  groups: Map<number, Group>;
  revision: number;
  /** Bundles that found no place in a tile of the window. */
  setApart: number;
}

/** Finds what a window is made of. */
export function findParts(source: Source, window: Window): Found | Refused {
  const matches = (group: Group) => group.policy === window.policy && matchesTags(window.tagConditions, group.tags);
  const groups = new Map([...source.registry.groups].filter(([, group]) => matches(group)));
  const parts: Part[] = [];
  let revision = 0;
  for (const tile of listTiles(source.sql, 0, window.from, window.to)) {
    const group = groups.get(tile.group);
    if (group === undefined) continue;
    parts.push({ minute: tile.start, group, held: tile });
    revision = Math.max(revision, tile.revision);
    if (parts.length > QUERY_PARTS_MAX) break;
  }
  for (const entry of source.pending) {
    const group = groups.get(entry.group);
    if (group === undefined || entry.minute < window.from || entry.minute >= window.to) continue;
    parts.push({ minute: entry.minute, group, held: entry });
    revision = source.revision;
  }
  let setApart = 0;
  for (const { place, bundles } of listSetApart(source.sql, 0, window.from, window.to)) {
    if (groups.has(place.group)) setApart += bundles;
  }
  if (parts.length <= QUERY_PARTS_MAX) return { parts, groups, revision, setApart };
  const reason = `the window has more than ${QUERY_PARTS_MAX} tiles; take a shorter one, or name tags in where`;
  return { status: 422, code: "too_much", reason };
}

/** The bytes of parts, read one after the other. */
export function* readParts(sql: SqlStorage, parts: readonly Part[]): Generator<Uint8Array> {
  for (const { held } of parts) {
    if ("bytes" in held) yield held.bytes;
    else yield* readTile(sql, held);
  }
}

/** One bundle, or one part of a tile: what merges as it is. */
export interface Piece {
  held: TileHead | Entry;
  index: number;
}

/** What parts are made of, one by one. */
export function piecesOf(sql: SqlStorage, parts: readonly Part[]): Piece[] {
  return parts.flatMap(({ held }) => {
    const count = "bytes" in held ? 1 : readTile(sql, held).length;
    return Array.from({ length: count }, (_, index) => ({ held, index }));
  });
}

/** The bytes of pieces, read one after the other. */
export function* readPieces(sql: SqlStorage, pieces: readonly Piece[]): Generator<Uint8Array> {
  for (const { held, index } of pieces) yield "bytes" in held ? held.bytes : readTile(sql, held)[index]!;
}

function matchesTags(conditions: readonly TagCondition[], tags: Tags): boolean {
  return conditions.every(({ tag, values, negated }) => values.includes(tagOf(tags, tag)) !== negated);
}
