import { parseName, tagValueOf } from "../names";
import { epochsOf, type ShardMap } from "../tree/shard-map";
import type { Window } from "./parts";

/** The shards that minutes of a window may lie in: by the versions of the map that they are under, and by what it asks of the shards' tag. */
export function shardsIn(
  shards: Iterable<string>,
  map: ShardMap,
  { from, to, tagConditions }: Pick<Window, "from" | "to" | "tagConditions">,
): string[] {
  const epochs = new Map(epochsOf(map, from, to).map((epoch) => [epoch.epoch, epoch]));
  return [...shards].filter((name) => {
    const parts = parseName(name);
    const epoch = epochs.get(parts.epoch);
    if (epoch === undefined) return false;
    const value = tagValueOf(parts);
    return tagConditions.every(({ tag, values, negated }) => tag !== epoch.tag || values.includes(value) !== negated);
  });
}
