import { parseKey } from "../../engine/keys";
import { hubOf, tagsHeader } from "../agent/settings";
import { Poster } from "../post/poster";
import { USER_AGENT } from "../version";
import { type Finding, failed, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

const TIMEOUT_MS = 15_000;
/** No bundle, and nothing that inflates to one. */
const NOTHING = new TextEncoder().encode("tallywire doctor");

/**
 * Whether the hub takes what is signed with this key, and these tags. Throws Failure where they have not the form of such.
 *
 * A signed post of what is no bundle: a hub that finds the signature good refuses the body, and keeps nothing of it. The key itself does
 * not leave this host.
 */
export async function checkKey({ options, hub }: Subject): Promise<Finding> {
  const tags = tagsHeader(options.tags ?? "");
  const settings = hubOf(options);
  if (settings === undefined) return skipped("without a hub there is none to show it to");
  if (hub === undefined) return skipped("only the hub can tell");
  const { address, key } = settings;
  const onTime = (...times: [number, number, number]) => hub.clock.note(...times);
  const poster = new Poster({ hub: address, key, userAgent: USER_AGENT, hideKey: true, onTime });
  const verdict = await poster.post(NOTHING, tags, AbortSignal.timeout(TIMEOUT_MS)).finally(() => poster.close());
  const { tenant, edge } = parseKey(key)!;
  switch (verdict.kind) {
    case "refused":
      if (/\bbad_body\b/.test(verdict.reason)) return ok(`the hub takes what edge ${edge} of tenant ${tenant} signs`);
      break;
    case "held":
      return failed(`the hub takes nothing from edge ${edge}: ${verdict.reason}`, mendOf(verdict.reason, tenant, edge));
    case "paced":
    case "later":
      return warning(`the hub does not say now: ${verdict.reason}`, "ask again in a minute: tallywire doctor");
  }
  return failed(
    `the hub answers what no hub answers to a post: ${JSON.stringify(verdict)}`,
    "give the hub's own address with --hub",
  );
}

function mendOf(reason: string, tenant: string, edge: string): string {
  if (/\bbad_(key|signature)\b/.test(reason)) return `take the key that its hub makes: tallywire keys write ${tenant} ${edge}`;
  if (/\brevoked_key\b/.test(reason))
    return `take a key of another name, tallywire keys write ${tenant} NAME, or restore this: POST /v1/keys/restore`;
  return /tag/.test(reason) ? "mend --tags or TALLYWIRE_TAGS as it says" : "docs/api.md has what a hub refuses, and why";
}
