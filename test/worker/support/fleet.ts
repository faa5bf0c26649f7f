/** Edges of three sites and two roles, and the tree that they post to. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Exchange, sealMinute } from "../../support/edge-minute";
import { hubOf, MINUTE, post } from "./client";

/** The sites, which are the shards of a tree that is parted by `site`. */
export const SITES = ["fra", "ams", "oslo"];

/** One bundle of an edge. */
export interface Sent {
  edge: string;
  tags: string;
  bundle: Uint8Array<ArrayBuffer>;
}

let boots = 0n;

/** A minute of an edge in one of seven networks, each time of another start of its agent. */
export function minuteOf(at: number, requests: number, net = 0): Uint8Array<ArrayBuffer> {
  const exchanges = Array.from(
    { length: requests },
    (_, index): Exchange => ({
      client: `10.${net}.${(at / 60) % 7}.${index % 250}`,
      name: `host${index % 9}.example.com`,
      rcode: index % 10 === 0 ? 3 : 0,
      durationMs: 1 + ((index + at / 60) % 20),
    }),
  );
  boots += 1n;
  return sealMinute({ minute: at, boot: boots, exchanges });
}

/** Minutes of every edge, so many minutes before MINUTE. */
export function fleet(ages = [0, 1, 2]): Sent[] {
  return SITES.flatMap((site, net) =>
    ["web", "db"].flatMap((role) =>
      ages.map((age) => {
        const bundle = minuteOf(MINUTE - age * 60, 5 + net * 7 + age, net);
        return { edge: `${site}-${role}`, tags: `site=${site},role=${role}`, bundle };
      }),
    ),
  );
}

/** Posts one bundle. */
export const send = (tenant: string, { edge, tags, bundle }: Sent) => post(tenant, edge, bundle, { "tallywire-tags": tags });

/** The object of one site. */
export const shard = (tenant: string, site: string, epoch = 2) => env.HUB.getByName(`${tenant}/shard/${epoch}/${site}`);

/** Seals all objects of a tenant, the shards first. */
export async function seal(tenant: string, sites = SITES): Promise<void> {
  for (const site of sites) await runDurableObjectAlarm(shard(tenant, site));
  await runDurableObjectAlarm(hubOf(tenant));
}
