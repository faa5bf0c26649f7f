import type { MergeCore } from "../merge";
import type { EdgeStates } from "./edge-states";
import { listKept, readKept, readKeptBody, writeCut } from "./kept";
import type { Minutes } from "./minutes";
import type { Quarantine } from "./quarantine";
import { mergeMany } from "./seal";
import { markStale } from "./stale";
import { type TilePlace, writeSetApart, writeTile } from "./tiles";

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

/** Minutes from `from` on that an edge has bundles in, in order. */
export function minutesOf({ sql, sealed, edgeOf }: RecutContext, edge: number, from: number): number[] {
  const minutes = new Set<number>();
  for (const { minute, source } of listKept(sql, sealed, from)) {
    if (edgeOf(source) === edge) minutes.add(minute);
  }
  return [...minutes].sort((a, b) => a - b);
}

/**
 * Takes what an edge posted out of the tiles of one minute, inside the caller's transaction: sketches cannot be subtracted, so each
 * of them is made anew of what the batches hold of the others, which must be all of it. What is taken out is kept apart from
 * then on. Gives how many bundles it was.
 */
export function recutMinute(
  context: RecutContext,
  edge: { name: string; number: number },
  minute: number,
  revision: number,
  nowMs: number,
): number {
  const { core, sql, sealed, edgeOf } = context;
  const all = [...listKept(sql, sealed, minute)].filter((kept) => kept.minute === minute);
  const own = all.filter(({ source }) => edgeOf(source) === edge.number);
  for (const group of new Set(own.map((kept) => kept.group))) {
    const others = all.filter((kept) => kept.group === group && edgeOf(kept.source) !== edge.number);
    const { parts, setApart } = mergeMany(core, function* () {
      for (const kept of others) yield readKept(sql, kept);
    });
    const place: TilePlace = { level: 0, start: minute, group };
    writeTile(sql, place, parts, revision);
    writeSetApart(
      sql,
      place,
      others.reduce((sum, { upward }) => sum + (upward?.setApart ?? 0), setApart),
    );
    markStale(sql, place);
  }
  for (const kept of own) {
    const { at: _, length: __, batch: ___, encoding, ...head } = kept;
    const body = readKeptBody(sql, kept);
    context.quarantine.take(edge.name, { entry: { ...head, bytes: body }, body, encoding }, nowMs);
    writeCut(sql, kept.source, minute, sealed);
    context.edges.unobserve(edge.number, kept);
  }
  context.minutes.unreport(minute, edge.number);
  return own.length;
}
