import type { Environment } from "../environment";
import { SHARD_MAP_KNOWN_SECONDS } from "../limits";
import { formatName, rootOf } from "../names";
import { Known } from "./known";
import type { ShardMap } from "./shard-map";

/** Maps that this isolate asked for lately. A change of a map waits longer for its first minute than they are known for. */
const known = new Known<ShardMap>(SHARD_MAP_KNOWN_SECONDS);

/** A tenant's shard map; asked of its root at most every SHARD_MAP_KNOWN_SECONDS. */
export function shardMapOf(environment: Environment, tenant: string): Promise<ShardMap> {
  return known.get(tenant, async () => environment.HUB.getByName(formatName(rootOf(tenant))).shardMap());
}

/** Forgets a tenant's map, so that it is asked for again. */
export function forgetShardMap(tenant: string): void {
  known.forget(tenant);
}
