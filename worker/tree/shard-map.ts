/**
 * A tenant's shard map: which object takes a bundle.
 *
 * A bundle goes by its minute and the tags it came with, and by nothing else, so that a second delivery meets the first one whenever it
 * comes. A change of the map is for minutes to come, and what is late for an old minute goes where that minute is.
 */
import { formatName, rootOf, shardOf } from "../names";
import { type Tags, tagOf } from "../tags";

/** One version of the map: from a minute on, one object for each value of a tag. */
export interface Epoch {
  epoch: number;
  /** Its first minute, seconds since the epoch. */
  from: number;
  /** The tag whose values part the tenant; null: the root takes everything. */
  tag: string | null;
  /** Tags that the root keeps apart: a query that names no others is answered there. */
  keep: string[];
}

/** All versions, the oldest first. Before the first the root takes everything. */
export type ShardMap = readonly Epoch[];

/** Where an object stands: its own name, who takes what it seals, and the tags that are kept apart there. */
export interface Standing {
  name: string;
  parent: string;
  keep: string[];
}

/** The version of the map that a minute is under; undefined before the first. */
export function epochOf(map: ShardMap, minute: number): Epoch | undefined {
  return map.findLast(({ from }) => from <= minute);
}

/** The versions that some minute of [from, to) is under. */
export function epochsOf(map: ShardMap, from: number, to: number): Epoch[] {
  return map.filter((epoch, index) => epoch.from < to && (map[index + 1]?.from ?? Number.POSITIVE_INFINITY) > from);
}

/** Who takes a bundle: the root where `standing` is null. */
export function placeOf(tenant: string, map: ShardMap, minute: number, tags: Tags): { name: string; standing: Standing | null } {
  const root = formatName(rootOf(tenant));
  const epoch = epochOf(map, minute);
  if (epoch === undefined || epoch.tag === null) return { name: root, standing: null };
  const name = formatName(shardOf(tenant, epoch.epoch, tagOf(tags, epoch.tag)));
  return { name, standing: { name, parent: root, keep: epoch.keep } };
}

/** Whether the root tells rows apart by these tags in all of [from, to). */
export function isKeptAtRoot(map: ShardMap, from: number, to: number, tags: readonly string[]): boolean {
  return epochsOf(map, from, to).every(({ tag, keep }) => tag === null || tags.every((name) => keep.includes(name)));
}
