import type { Environment } from "./environment";
import { BODY_SECONDS, EDGES_MAX, GROUPS_MAX, TAGS_MAX, WIRE_BYTES_MAX } from "./limits";
import { type WholeNumber, wholeNumberOf } from "./whole-number";

/** How much a tenant's edges may send, as the hub's owner set it. */
export interface Allowance {
  /** Bundles and bytes of bodies that one edge may post a minute to one object, and that much at once. */
  edgeBundlesPerMinute: number;
  edgeBytesPerMinute: number;
  /** Edges of one object. */
  edges: number;
  /** Names of tags, and different values of one tag, of the edges of one object. */
  tagNames: number;
  tagValues: number;
  /** Seconds within which a body must be there. */
  bodySeconds: number;
}

interface Setting extends WholeNumber {
  of: keyof Allowance;
}

/**
 * An edge posts a bundle a minute and policy. What is usual lets one whose hub was away for 48 hours, 2,880 minutes, catch up in ten
 * minutes. No body may be longer than what may come in a minute, or it would never be taken.
 */
const SETTINGS: readonly Setting[] = [
  { of: "edgeBundlesPerMinute", name: "EDGE_BUNDLES_PER_MINUTE", usual: 300, least: 1, most: 1_000_000 },
  { of: "edgeBytesPerMinute", name: "EDGE_BYTES_PER_MINUTE", usual: 32 << 20, least: WIRE_BYTES_MAX, most: 2 ** 40 },
  { of: "edges", name: "MAX_EDGES", usual: EDGES_MAX, least: 1, most: EDGES_MAX },
  { of: "tagNames", name: "MAX_TAG_NAMES", usual: 32, least: TAGS_MAX, most: GROUPS_MAX },
  { of: "tagValues", name: "MAX_TAG_VALUES", usual: 500, least: 1, most: GROUPS_MAX },
  { of: "bodySeconds", name: "BODY_SECONDS", usual: BODY_SECONDS, least: 1, most: 600 },
];

/** What edges may send. Refuses a setting that is no whole number or out of range. */
export function allowanceOf(environment: Environment): Allowance {
  return Object.fromEntries(SETTINGS.map((setting) => [setting.of, wholeNumberOf(environment, setting)])) as unknown as Allowance;
}
