import type { Environment } from "../environment";
import { SHARD_MAP_KNOWN_SECONDS, SHARD_MAPS_KNOWN_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import type { ShardMap } from "./shard-map";

interface Known {
  map: ShardMap;
  untilMs: number;
}

/** Maps that this isolate asked for lately. A change of a map waits longer for its first minute than they are known for. */
const known = new Map<string, Known>();

/** A tenant's shard map; asked of its root at most every SHARD_MAP_KNOWN_SECONDS. */
export async function shardMapOf(environment: Environment, tenant: string): Promise<ShardMap> {
  const found = known.get(tenant);
  if (found !== undefined && Date.now() < found.untilMs) return found.map;
  const map = await environment.HUB.getByName(formatName(rootOf(tenant))).shardMap();
  known.delete(tenant);
  known.set(tenant, { map, untilMs: Date.now() + SHARD_MAP_KNOWN_SECONDS * 1000 });
  for (const oldest of known.keys()) {
    if (known.size <= SHARD_MAPS_KNOWN_MAX) break;
    known.delete(oldest);
  }
  return map;
}

/** Forgets a tenant's map, so that it is asked for again. */
export function forgetShardMap(tenant: string): void {
  known.delete(tenant);
}
