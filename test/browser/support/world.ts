/** What several sites saw in the last minutes, posted to a hub as their agents would. */
import { gzipSync } from "node:zlib";
import { Core } from "../../../engine/core";
import { SITES, siteCapture } from "../../../scripts/start/world";
import type { LocalHub } from "../../../shim/hub/local-hub";
import { FIXTURES, fixtureBytes } from "../../support/fixtures";
import { type Count, countCapture } from "../../support/oracle/count";
import { coreModule } from "../../support/round-trips";

/** The tenant that they belong to. */
export const TENANT = "pages";

/** What was posted. */
export interface World {
  readKey: string;
  /** An independent count of each site's packets. */
  counts: Map<string, Count>;
}

function bundlesOf(capture: Uint8Array, bootId: bigint): Uint8Array[] {
  const core = new Core(coreModule(), { bootId });
  const bundles: Uint8Array[] = [];
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  const input = core.open("file");
  input.write(capture);
  input.end();
  core.flush();
  return bundles;
}

/** Posts `minutes` whole minutes of every site, up to `minutesAgo` minutes ago. */
export async function postWorld(hub: LocalHub, minutes: number, minutesAgo = 2): Promise<World> {
  const start = Math.floor(Date.now() / 60_000) * 60 - (minutes + minutesAgo - 1) * 60;
  const captures = FIXTURES.map(fixtureBytes);
  const counts = new Map<string, Count>();
  for (const [index, site] of SITES.entries()) {
    const capture = siteCapture(captures, site, BigInt(start) * 1_000_000_000n, minutes);
    counts.set(site.name, countCapture(capture));
    const key = await hub.key({ kind: "write", tenant: TENANT, edge: `edge-${site.name}` });
    for (const bundle of bundlesOf(capture, BigInt(index + 1))) {
      const headers = { authorization: `Bearer ${key}`, "content-encoding": "gzip", "tallywire-tags": `site=${site.name}` };
      const post = () => fetch(`${hub.origin}/v1/ingest`, { method: "POST", headers, body: gzipSync(bundle) });
      // An idle connection may close just then; a bundle that comes twice counts once.
      const response = await post().catch(post);
      if (!response.ok) throw new Error(`a bundle was refused: ${await response.text()}`);
    }
  }
  return { readKey: await hub.key({ kind: "read", tenant: TENANT, edge: "" }), counts };
}
