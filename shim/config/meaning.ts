import { parseKey } from "../../engine/keys";
import type { Schema } from "../../engine/schema";
import { labelChoices } from "../agent/labels";
import { refuseHomeSign } from "../agent/settings";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { forcedProtocols } from "../forced-protocols";
import { hostNetworksOf } from "../host-networks";
import { listenAddress } from "../listen/address";
import { hubAddress } from "../post/hub-address";

/** What a value of the right kind has to mean, by the paths of keys; each throws Failure. */
const MEANINGS: Readonly<Record<string, (value: never) => unknown>> = {
  labels: (text: string) => withSchema((schema) => labelChoices(text, schema)),
  "capture.hostNetworks": hostNetworksOf,
  "capture.protocol": (text: string) => withSchema((schema) => forcedProtocols(text, () => schema)),
  "capture.tlsKeys": refuseHomeSign,
  // Whether it may go without TLS is told by another key.
  "hub.url": (text: string) => hubAddress(text, true),
  "hub.key": refuseOtherKey,
  "spool.folder": refuseHomeSign,
  "listen.address": listenAddress,
  "listen.tokenFile": refuseHomeSign,
};

/** Keys whose values have to mean something that no schema can say. */
export const KEYS_WITH_MEANING: ReadonlySet<string> = new Set(Object.keys(MEANINGS));

/** What is wrong with a value of the right kind, in words that follow its name; undefined where nothing is. */
export function wrongMeaning(path: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  try {
    MEANINGS[path]?.(value as never);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return `cannot be: ${error.message}`;
    throw error;
  }
}

/** Looks at what the core knows; a core that cannot be loaded is no fault of a configuration, and is told where it is needed. */
function withSchema(look: (schema: Schema) => unknown): void {
  let schema: Schema;
  try {
    ({ schema } = loadCore({}));
  } catch {
    return;
  }
  look(schema);
}

function refuseOtherKey(text: string): void {
  const kind = parseKey(text)?.kind;
  if (kind === "write") return;
  throw new Failure(`this is ${kind === undefined ? "no key" : `a ${kind} key`}; an agent needs a write key, tw_w_...`, 2);
}
