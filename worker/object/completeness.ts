import { EXPECTED_SECONDS, LATE_SECONDS_MAX, MINUTE_SECONDS, MISSING_EDGES_MAX, SEAL_SECOND } from "../limits";
import type { Plan } from "../query/plan";
import type { Source } from "./parts";
import type { Group } from "./registry";

/** Which edges are missing in a window. */
export interface Completeness {
  /** No edge is missing in a minute that is due. */
  complete: boolean;
  /** Minutes that end after this are not due yet: edges may still post them in time. */
  completeUntil: number;
  missing: { names: string[]; count: number };
}

/**
 * Tells which edges should have reported and did not. An edge is expected in a minute when it reported in one of the 15 minutes
 * before it; one that is gone for good is thus missing for 15 minutes and then is no more. Edges count by the tags they have now.
 */
export function completeness(source: Source, plan: Plan, groups: ReadonlyMap<number, Group>, nowMs: number): Completeness {
  const edgeOf = (id: number) => source.registry.sources.get(id)?.edge ?? 0;
  const oldest = Math.floor((nowMs / 1000 - LATE_SECONDS_MAX) / MINUTE_SECONDS) * MINUTE_SECONDS;
  const from = Math.max(plan.from, oldest) - EXPECTED_SECONDS;
  const reported = source.minutes.reported(from, plan.to, edgeOf);
  const duePast = Math.floor((nowMs / 1000 - SEAL_SECOND) / MINUTE_SECONDS) * MINUTE_SECONDS;
  const completeUntil = Math.max(plan.from, Math.min(plan.to, duePast));
  const lastSeen = new Map<number, number>();
  const missing = new Set<number>();
  for (let minute = from; minute < completeUntil; minute += MINUTE_SECONDS) {
    for (const edge of reported.get(minute) ?? []) lastSeen.set(edge, minute);
    if (minute < plan.from) continue;
    for (const [edge, last] of lastSeen) {
      if (last === minute) continue;
      if (last >= minute - EXPECTED_SECONDS) missing.add(edge);
      else lastSeen.delete(edge);
    }
  }
  const names: string[] = [];
  let count = 0;
  for (const edge of missing) {
    if (!groups.has(source.edges.states.get(edge)?.group ?? -1)) continue;
    count += 1;
    if (names.length < MISSING_EDGES_MAX) names.push(source.registry.edges.get(edge) ?? "");
  }
  return { complete: count === 0, completeUntil, missing: { names: names.sort(), count } };
}
