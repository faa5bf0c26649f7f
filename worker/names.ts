/**
 * Names of objects: `<tenant>/<kind>/<epoch>/<shard>`. The epoch counts the versions of a tenant's shard map, so that a tenant
 * that is sharded anew keeps its old objects readable. A tenant without a map has one object, its root, which takes edges too.
 */
export type ObjectKind = "root" | "shard";

export interface ObjectName {
  tenant: string;
  kind: ObjectKind;
  epoch: number;
  shard: string;
}

/** Epoch of the first shard map. */
const FIRST_EPOCH = 1;

/** The text form of a name. */
export function formatName(name: ObjectName): string {
  return `${name.tenant}/${name.kind}/${name.epoch}/${name.shard}`;
}

/** The object that takes an edge's bundles and answers a tenant's queries, as long as the tenant has one object. */
export function rootOf(tenant: string): ObjectName {
  return { tenant, kind: "root", epoch: FIRST_EPOCH, shard: "0" };
}
