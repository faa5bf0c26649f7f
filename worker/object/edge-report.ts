import { MINUTE_SECONDS } from "../limits";
import { parseName, tagValueOf } from "../names";
import type { TagCondition } from "../query/plan";
import type { Tags } from "../tags";
import { formatTime } from "../time";
import { type EdgeState, type EdgeStates, lostMinutes } from "./edge-states";
import { matchesTags } from "./parts";
import type { Apart, Quarantine } from "./quarantine";
import type { Registry } from "./registry";

/** One edge in `/v1/edges`. */
export interface EdgeReport {
  edge: string;
  tags: Tags;
  version: string;
  last_seen: string;
  last_minute: string;
  silent_seconds: number;
  /** The edge's clock less the hub's; null where the edge did not say. */
  skew_seconds: number | null;
  /** From the end of the last bundle's minute until it came. */
  lag_seconds: number;
  bundles: number;
  /** Packets that its capture lost, and findings of malformed bytes, by the headers of these bundles. */
  dropped: number;
  malformed: number;
  /** Sections of these bundles that this hub is too old to answer about. */
  unknown_sections: number;
  /** Minutes between the first and last of each of its runs that never came. */
  lost_minutes: number;
  /** Minutes between its runs, when no agent ran. */
  down_minutes: number;
  /** How often its agent started, as far back as bundles are still taken. */
  starts: number;
  /** What is kept apart of it; null where it is not quarantined and nothing is. */
  quarantine: QuarantineReport | null;
}

/** What is kept apart of a quarantined edge. */
export interface QuarantineReport {
  /** Null where the quarantine has ended and some is left. */
  since: string | null;
  bundles: number;
  bytes: number;
  lost: number;
}

/** One shard in `/v1/shards`. */
export interface ShardReport {
  /** The object's name. */
  object: string;
  /** The value of the tag that its edges have; empty for those without it. */
  value: string;
  epoch: number;
  last_seen: string | null;
  last_minute: string | null;
  /** Merged bundles that came up. */
  bundles: number;
}

/** How each shard is doing, as its messages tell; in the order in which they came. */
export function reportShards(registry: Registry, edges: EdgeStates): ShardReport[] {
  return [...registry.shards()].map((object) => {
    const name = parseName(object);
    const state = edges.states.get(registry.numberOf(object) ?? -1);
    return {
      object,
      value: tagValueOf(name),
      epoch: name.epoch,
      last_seen: state === undefined ? null : formatTime(Math.floor(state.lastSeenMs / 1000)),
      last_minute: state === undefined ? null : formatTime(state.lastMinute),
      bundles: state?.bundles ?? 0,
    };
  });
}

/** How each edge is doing, by name. */
export function reportEdges(registry: Registry, edges: EdgeStates, quarantine: Quarantine, nowMs: number): EdgeReport[] {
  const own = [...edges.states].filter(([id]) => !registry.isShard(id));
  const reports = own.map(([id, state]) => reportEdge(registry, id, state, quarantine, nowMs));
  return reports.sort((a, b) => (a.edge < b.edge ? -1 : 1));
}

function reportEdge(registry: Registry, id: number, state: EdgeState, quarantine: Quarantine, nowMs: number): EdgeReport {
  const apart = quarantine.of(registry.edges.get(id) ?? "");
  const boots = new Set([...state.sources.keys()].map((source) => registry.sources.get(source)?.boot));
  return {
    edge: registry.edges.get(id) ?? "",
    tags: registry.groups.get(state.group)?.tags ?? {},
    version: state.version,
    last_seen: formatTime(Math.floor(state.lastSeenMs / 1000)),
    last_minute: formatTime(state.lastMinute),
    silent_seconds: Math.max(0, Math.round((nowMs - state.lastSeenMs) / 1000)),
    skew_seconds: state.skewMs === null ? null : state.skewMs / 1000,
    lag_seconds: state.lagMs / 1000,
    bundles: state.bundles,
    dropped: state.losses.dropped,
    malformed: state.losses.malformed,
    unknown_sections: state.losses.unknown,
    lost_minutes: lostMinutes(state),
    down_minutes: downMinutes(registry, state),
    starts: boots.size,
    quarantine: apart === undefined ? null : reportApart(apart),
  };
}

function reportApart({ sinceMs, bundles, bytes, lost }: Apart): QuarantineReport {
  return { since: sinceMs === null ? null : formatTime(Math.floor(sinceMs / 1000)), bundles, bytes, lost };
}

/** Minutes between the runs of the policy that has the most of them. */
function downMinutes(registry: Registry, state: EdgeState): number {
  const policies = new Map<string, { first: number; last: number }[]>();
  for (const [id, run] of state.sources) {
    const policy = registry.sources.get(id)?.policy ?? "";
    policies.set(policy, [...(policies.get(policy) ?? []), { first: run.firstMinute, last: run.lastMinute }]);
  }
  let most = 0;
  for (const runs of policies.values()) {
    runs.sort((a, b) => a.first - b.first);
    let down = 0;
    let end = runs[0]?.first ?? 0;
    for (const { first, last } of runs) {
      down += Math.max(0, first - end) / MINUTE_SECONDS;
      end = Math.max(end, last + MINUTE_SECONDS);
    }
    most = Math.max(most, down);
  }
  return most;
}

/** The tags of all edges: each name with its values, and how many edges have it now. */
export function reportTags(registry: Registry, edges: EdgeStates): Record<string, { value: string; edges: number }[]> {
  const counts = new Map<string, Map<string, number>>();
  const count = (tags: Tags, edgeCount: number) => {
    for (const [name, value] of Object.entries(tags)) {
      const values = counts.get(name) ?? new Map<string, number>();
      values.set(value, (values.get(value) ?? 0) + edgeCount);
      counts.set(name, values);
    }
  };
  for (const group of registry.groups.values()) if (!group.received) count(group.tags, 0);
  for (const [id, state] of edges.states) {
    if (!registry.isShard(id)) count(registry.groups.get(state.group)?.tags ?? {}, 1);
  }
  const names = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    names.map(([name, values]) => [
      name,
      [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, edgeCount]) => ({ value, edges: edgeCount })),
    ]),
  );
}

/** The tags that bundles of edges came with, of those that meet conditions: each name with its values. */
export function reportTagValues(registry: Registry, where: readonly TagCondition[]): Record<string, string[]> {
  const names = new Map<string, Set<string>>();
  for (const { received, tags } of registry.groups.values()) {
    if (received || !matchesTags(where, tags)) continue;
    for (const [name, value] of Object.entries(tags)) names.set(name, (names.get(name) ?? new Set()).add(value));
  }
  return Object.fromEntries([...names].map(([name, values]) => [name, [...values]]));
}
