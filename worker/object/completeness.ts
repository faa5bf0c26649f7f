import { EXPECTED_SECONDS, LATE_SECONDS_MAX, MINUTE_SECONDS, MISSING_EDGES_MAX, SEAL_SECOND, UPWARD_SECONDS } from "../limits";
import type { Plan } from "../query/plan";
import type { EdgeStates } from "./edge-states";
import type { Minutes } from "./minutes";
import type { Group, Registry } from "./registry";

/** What tells who reported. */
export interface Reports {
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
}

/** Which edges are missing in a window; of a shard that sent nothing, or said that edges are missing, its name stands for them. */
export interface Completeness {
  /** No edge is missing in a minute that is due. */
  complete: boolean;
  /** Minutes that end after this are not due yet: edges may still post them in time. */
  completeUntil: number;
  missing: { names: string[]; count: number };
}

/**
 * Tells which edges should have reported and did not. An edge is expected in a minute when it reported in one of the 15 minutes
 * before it; one that is gone for good is thus missing for 15 minutes and then is no more. Edges count by the tags they have now;
 * where `only` names one by its number, no other is expected.
 */
export function completeness(
  source: Reports,
  plan: Pick<Plan, "from" | "to">,
  groups: ReadonlyMap<number, Group>,
  nowMs: number,
  only?: number,
): Completeness {
  const oldest = Math.floor((nowMs / 1000 - LATE_SECONDS_MAX) / MINUTE_SECONDS) * MINUTE_SECONDS;
  const from = Math.max(plan.from, oldest) - EXPECTED_SECONDS;
  const hasReceived = [...groups.values()].some(({ received }) => received);
  const dueSeconds = SEAL_SECOND + (hasReceived ? UPWARD_SECONDS : 0);
  const duePast = Math.floor((nowMs / 1000 - dueSeconds) / MINUTE_SECONDS) * MINUTE_SECONDS;
  const completeUntil = Math.max(plan.from, Math.min(plan.to, duePast));
  const missing = missingEdges(reportedBits(source, from, completeUntil), from, plan.from, completeUntil);
  if (hasReceived) for (const shard of partialShards(source, plan.from, completeUntil)) missing.add(shard);
  const names: string[] = [];
  let count = 0;
  for (const edge of missing) {
    const isMeant = source.registry.isShard(edge) ? hasReceived : groups.has(source.edges.states.get(edge)?.group ?? -1);
    if (only === undefined ? !isMeant : edge !== only) continue;
    count += 1;
    if (names.length < MISSING_EDGES_MAX) names.push(source.registry.edges.get(edge) ?? "");
  }
  return { complete: count === 0, completeUntil, missing: { names: names.sort(), count } };
}

/** Whether an edge is missing in one minute, of those that are expected in it. */
export function isPartial(source: Reports, minute: number): boolean {
  const from = minute - EXPECTED_SECONDS;
  const to = minute + MINUTE_SECONDS;
  return missingEdges(reportedBits(source, from, to), from, minute, to).size > 0;
}

/** Shards that said of a minute of [from, to) that edges of theirs are missing. */
function partialShards(source: Reports, from: number, to: number): Set<number> {
  const shards = new Set<number>();
  const edgeOf = (id: number) => source.registry.sources.get(id)?.edge ?? 0;
  for (const bits of source.minutes.partials(from, to, edgeOf)) {
    for (let edge = 0; edge < bits.length * 8; edge += 1) if ((bits[edge >> 3]! >> (edge & 7)) & 1) shards.add(edge);
  }
  return shards;
}

/** A bit for each edge that reported, by minute. */
function reportedBits(source: Reports, from: number, to: number): Map<number, Uint8Array> {
  const edgeOf = (id: number) => source.registry.sources.get(id)?.edge ?? 0;
  const reported = new Map<number, Uint8Array>();
  for (const [minute, edges] of source.minutes.reported(from, to, edgeOf)) {
    const known = reported.get(minute);
    reported.set(minute, known === undefined ? edges : union(known, edges));
  }
  return reported;
}

function union(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [long, short] = a.length < b.length ? [b, a] : [a, b];
  const bits = long.slice();
  for (let index = 0; index < short.length; index += 1) bits[index]! |= short[index]!;
  return bits;
}

/** The edges that did not report in a minute of [start, to), though they had less than EXPECTED_SECONDS before it. */
function missingEdges(reported: ReadonlyMap<number, Uint8Array>, from: number, start: number, to: number): Set<number> {
  const lastSeen = new Map<number, number>();
  const missing = new Set<number>();
  for (let minute = from; minute < to; minute += MINUTE_SECONDS) {
    const bits = reported.get(minute) ?? new Uint8Array(0);
    for (let edge = 0; edge < bits.length * 8; edge += 1) {
      if ((bits[edge >> 3]! >> (edge & 7)) & 1) lastSeen.set(edge, minute);
    }
    if (minute < start) continue;
    for (const [edge, last] of lastSeen) {
      if (last < minute - EXPECTED_SECONDS) lastSeen.delete(edge);
      else if (last !== minute) missing.add(edge);
    }
  }
  return missing;
}
