/** Keys that are good no more, as the tenant's root keeps them and Workers hold them for a while. */
import type { KeyHolder } from "../../engine/keys";
import type { Environment } from "../environment";
import { REVOKED_KNOWN_SECONDS } from "../limits";
import { formatName, rootOf } from "../names";
import { Known } from "./known";

const known = new Known<ReadonlySet<string>>(REVOKED_KNOWN_SECONDS);

/** Whether a key was revoked, itself or with all keys of its edge; heard of within REVOKED_KNOWN_SECONDS. */
export async function isRevoked(environment: Environment, { tenant, edge }: KeyHolder, key: string): Promise<boolean> {
  const revoked = await known.get(tenant, async () => {
    const list = await environment.HUB.getByName(formatName(rootOf(tenant))).listRevoked();
    return new Set(list.map(({ name }) => name));
  });
  if (revoked.size === 0) return false;
  return (edge !== "" && revoked.has(nameOfEdge(edge))) || revoked.has(await nameOfKey(key));
}

/** Forgets what is known of a tenant, so that it is asked for again. */
export function forgetRevoked(tenant: string): void {
  known.forget(tenant);
}

/** What all keys of an edge are called in the list. */
export function nameOfEdge(edge: string): string {
  return `edge:${edge}`;
}

/** What a key is called in the list, from which it cannot be had. */
export async function nameOfKey(key: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)), 0, 16);
  return `key:${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
