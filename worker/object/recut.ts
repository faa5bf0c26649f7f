import { MINUTE_SECONDS } from "../limits";
import type { MergeCore } from "../merge";
import type { EdgeStates } from "./edge-states";
import { type Kept, type KeptPlace, listKept, placeOfKept, readKept, readKeptBody, writeCut } from "./kept";
import type { Minutes } from "./minutes";
import type { Quarantine } from "./quarantine";
import { type Merged, mergeMany, type Sealed } from "./seal";
import { markStale } from "./stale";
import { listSetApart, listTiles, readTile, type TilePlace, writeSetApart, writeTile } from "./tiles";

/** What it takes to make tiles anew. */
export interface RecutContext {
  core: MergeCore;
  sql: SqlStorage;
  minutes: Minutes;
  edges: EdgeStates;
  quarantine: Quarantine;
  /** The last batch that went into tiles. */
  sealed: number;
  edgeOf(source: number): number;
}

/** What is to be taken out: what batches up to `through` hold of an edge's minute. */
export interface Cut {
  edge: number;
  minute: number;
  through: number;
}

/** Minutes from `from` on that an edge has bundles in, in order. */
export function minutesOf({ sql, sealed, edgeOf }: RecutContext, edge: number, from: number): number[] {
  const minutes = new Set<number>();
  for (const { minute, source } of listKept(sql, sealed, from)) {
    if (edgeOf(source) === edge) minutes.add(minute);
  }
  return [...minutes].sort((a, b) => a - b);
}

/** The bundles of one minute in batches up to one, one row's heads in memory at a time. */
export function* keptIn(sql: SqlStorage, through: number, minute: number): Generator<Kept> {
  for (const kept of listKept(sql, through, minute)) if (kept.minute === minute) yield kept;
}

/** Whether a bundle is one of those that are to be taken out. */
function isCut({ edgeOf }: RecutContext, cut: Cut, { source, batch }: Kept): boolean {
  return edgeOf(source) === cut.edge && batch <= cut.through;
}

/** What batches hold of a minute and is to be taken out, one row's heads in memory at a time. */
function* ownOf(context: RecutContext, cut: Cut): Generator<Kept> {
  for (const kept of keptIn(context.sql, context.sealed, cut.minute)) if (isCut(context, cut, kept)) yield kept;
}

/** Where the other bundles of a minute lie, of groups of which something is to be taken out; and of how many bundles that is. */
function othersOf(context: RecutContext, cut: Cut): { others: KeptOfGroups; bundles: number } {
  const groups = new Set<number>();
  let bundles = 0;
  for (const { group } of ownOf(context, cut)) {
    groups.add(group);
    bundles += 1;
  }
  const all = keptIn(context.sql, context.sealed, cut.minute);
  return { others: keptOfGroups(all, groups, (kept) => !isCut(context, cut, kept)), bundles };
}

/** Where bundles of a minute lie, and how many are in none of them, by group. */
export type KeptOfGroups = ReadonlyMap<number, { places: KeptPlace[]; setApart: number }>;

/** Sorts those bundles of some groups by group that are meant. */
export function keptOfGroups(
  all: Iterable<Kept>,
  groups: Iterable<number>,
  isMeant: (kept: Kept) => boolean = () => true,
): KeptOfGroups {
  const sorted = new Map([...groups].map((group) => [group, { places: [] as KeptPlace[], setApart: 0 }]));
  for (const kept of all) {
    const one = sorted.get(kept.group);
    if (one === undefined || !isMeant(kept)) continue;
    one.places.push(placeOfKept(kept));
    one.setApart += kept.upward?.setApart ?? 0;
  }
  return sorted;
}

/**
 * Takes what an edge posted out of the tiles of one minute, inside the caller's transaction: sketches cannot be subtracted, so each
 * of them is made anew of what the batches hold of the others, which must be all of it. What is taken out is kept apart from
 * then on. Gives how many bundles it was.
 */
export function recutMinute(context: RecutContext, name: string, cut: Cut, revision: number, nowMs: number): number {
  const { sql, quarantine, edges } = context;
  const { others, bundles } = othersOf(context, cut);
  remakeTiles(context, cut.minute, others, revision);
  for (const kept of ownOf(context, cut)) {
    const { at: _, length: __, batch: ___, encoding, ...head } = kept;
    const body = readKeptBody(sql, kept);
    quarantine.take(name, { entry: { ...head, bytes: body }, body, encoding }, nowMs);
    writeCut(sql, kept.source, cut.minute, cut.through);
    edges.unobserve(cut.edge, kept);
  }
  return bundles;
}

/** Hands on all of a minute but what is to be taken out, one group at a time, and gives how many bundles that is. */
export function minuteWithout(context: RecutContext, cut: Cut, onSealed: (sealed: Sealed) => void): number {
  const { core, sql } = context;
  const { minute } = cut;
  const { others, bundles } = othersOf(context, cut);
  for (const group of others.keys()) onSealed({ minute, group, ...mergeKept(core, sql, others, group) });
  const setApart = new Map<number, number>();
  for (const { place, bundles } of listSetApart(sql, 0, minute, minute + MINUTE_SECONDS)) setApart.set(place.group, bundles);
  for (const tile of listTiles(sql, 0, minute, minute + MINUTE_SECONDS)) {
    const { group } = tile;
    if (!others.has(group)) onSealed({ minute, group, parts: readTile(sql, tile), setApart: setApart.get(group) ?? 0 });
  }
  return bundles;
}

/** Makes the tiles of some groups of a minute anew of bundles, which must be all that is in them; inside the caller's transaction. */
export function remakeTiles(
  { core, sql }: Pick<RecutContext, "core" | "sql">,
  minute: number,
  all: KeptOfGroups,
  revision: number,
): void {
  for (const group of all.keys()) {
    const place: TilePlace = { level: 0, start: minute, group };
    const { parts, setApart } = mergeKept(core, sql, all, group);
    writeTile(sql, place, parts, revision);
    writeSetApart(sql, place, setApart);
    markStale(sql, place);
  }
}

function mergeKept(core: MergeCore, sql: SqlStorage, all: KeptOfGroups, group: number): Merged {
  const { places, setApart: before } = all.get(group)!;
  const { parts, setApart } = mergeMany(core, function* () {
    for (const place of places) yield readKept(sql, place);
  });
  return { parts, setApart: before + setApart };
}
