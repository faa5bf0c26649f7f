/**
 * Names of objects: `<tenant>/<kind>/<epoch>/<shard>`. The epoch counts the versions of a tenant's shard map, so that a tenant
 * that is sharded anew keeps its old objects readable. The root has the first epoch for ever; a tenant without a map has
 * no other object, and it takes edges too.
 */
export type ObjectKind = "root" | "shard";

export interface ObjectName {
  tenant: string;
  kind: ObjectKind;
  epoch: number;
  /** `0` for the root; for a shard the percent-encoded value of its tag, empty for edges without the tag. */
  shard: string;
}

/** Epoch of a tenant that has no shard map. */
export const FIRST_EPOCH = 1;

/** The text form of a name. */
export function formatName(name: ObjectName): string {
  return `${name.tenant}/${name.kind}/${name.epoch}/${name.shard}`;
}

/** Takes the text form of a name apart. */
export function parseName(text: string): ObjectName {
  const [tenant = "", kind = "", epoch = "", shard = ""] = text.split("/");
  return { tenant, kind: kind === "shard" ? "shard" : "root", epoch: Number(epoch), shard };
}

/** The object at the top of a tenant's tree. */
export function rootOf(tenant: string): ObjectName {
  return { tenant, kind: "root", epoch: FIRST_EPOCH, shard: "0" };
}

/** The object that takes the bundles of edges whose tag has this value. */
export function shardOf(tenant: string, epoch: number, value: string): ObjectName {
  return { tenant, kind: "shard", epoch, shard: encodeURIComponent(value) };
}

/** The value of the tag that a shard's edges have; empty for those without it. */
export function tagValueOf(name: ObjectName): string {
  return decodeURIComponent(name.shard);
}
