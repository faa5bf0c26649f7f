import { MINUTE_SECONDS } from "../limits";
import type { MergeCore } from "../merge";
import type { EdgeStates } from "./edge-states";
import { type Kept, listKept, readKept, readKeptBody, writeCut } from "./kept";
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

/** What batches hold of a minute, the part that is to be taken out by itself. */
function partsOf({ sql, sealed, edgeOf }: RecutContext, cut: Cut): { own: Kept[]; others: Kept[] } {
  const own: Kept[] = [];
  const others: Kept[] = [];
  for (const kept of keptIn(sql, sealed, cut.minute)) {
    const isOwn = edgeOf(kept.source) === cut.edge && kept.batch <= cut.through;
    (isOwn ? own : others).push(kept);
  }
  return { own, others };
}

/** The bundles of one minute in batches up to one. */
export function keptIn(sql: SqlStorage, through: number, minute: number): Kept[] {
  const found: Kept[] = [];
  for (const kept of listKept(sql, through, minute)) if (kept.minute === minute) found.push(kept);
  return found;
}

/**
 * Takes what an edge posted out of the tiles of one minute, inside the caller's transaction: sketches cannot be subtracted, so each
 * of them is made anew of what the batches hold of the others, which must be all of it. What is taken out is kept apart from
 * then on. Gives how many bundles it was.
 */
export function recutMinute(context: RecutContext, name: string, cut: Cut, revision: number, nowMs: number): number {
  const { sql, quarantine, edges } = context;
  const { own, others } = partsOf(context, cut);
  remakeTiles(context, cut.minute, new Set(own.map(({ group }) => group)), others, revision);
  for (const kept of own) {
    const { at: _, length: __, batch: ___, encoding, ...head } = kept;
    const body = readKeptBody(sql, kept);
    quarantine.take(name, { entry: { ...head, bytes: body }, body, encoding }, nowMs);
    writeCut(sql, kept.source, cut.minute, cut.through);
    edges.unobserve(cut.edge, kept);
  }
  return own.length;
}

/** All of a minute but what is to be taken out, and how many bundles that is. */
export function minuteWithout(context: RecutContext, cut: Cut): { rest: Sealed[]; bundles: number } {
  const { core, sql } = context;
  const { minute } = cut;
  const { own, others } = partsOf(context, cut);
  const groups = new Set(own.map(({ group }) => group));
  const rest: Sealed[] = [...groups].map((group) => ({ minute, group, ...mergeKept(core, sql, others, group) }));
  const setApart = new Map<number, number>();
  for (const { place, bundles } of listSetApart(sql, 0, minute, minute + MINUTE_SECONDS)) setApart.set(place.group, bundles);
  for (const tile of listTiles(sql, 0, minute, minute + MINUTE_SECONDS)) {
    const { group } = tile;
    if (!groups.has(group)) rest.push({ minute, group, parts: readTile(sql, tile), setApart: setApart.get(group) ?? 0 });
  }
  return { rest, bundles: own.length };
}

/** Makes the tiles of some groups of a minute anew of bundles, which must be all that is in them; inside the caller's transaction. */
export function remakeTiles(
  { core, sql }: Pick<RecutContext, "core" | "sql">,
  minute: number,
  groups: Iterable<number>,
  all: readonly Kept[],
  revision: number,
): void {
  for (const group of groups) {
    const place: TilePlace = { level: 0, start: minute, group };
    const { parts, setApart } = mergeKept(core, sql, all, group);
    writeTile(sql, place, parts, revision);
    writeSetApart(sql, place, setApart);
    markStale(sql, place);
  }
}

function mergeKept(core: MergeCore, sql: SqlStorage, all: readonly Kept[], group: number): Merged {
  const some = all.filter((kept) => kept.group === group);
  const { parts, setApart } = mergeMany(core, function* () {
    for (const kept of some) yield readKept(sql, kept);
  });
  return { parts, setApart: some.reduce((sum, { upward }) => sum + (upward?.setApart ?? 0), setApart) };
}
