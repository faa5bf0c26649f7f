import { minuteMsOf } from "../spool/spool";

const MINUTE_MS = 60_000;
/** A minute seals this long after its end. */
export const SEAL_MS = 5_000;
/** Edges spread their posts over this long. */
const SPREAD_SECONDS = 45;

/** How much is corrected at the most: an answer comes as often, and may show that a clock was set. */
const CORRECTION_MAX_MS = 10 * MINUTE_MS;

/**
 * When the bundle of a live minute is posted first, ms since the epoch: each edge has its own second of the hub's minute. `offsetMs` is how
 * far this host's clock is ahead of the hub's.
 */
export function postingTime(fileName: string, edge: string, offsetMs = 0): number {
  const correctionMs = Math.max(-CORRECTION_MAX_MS, Math.min(offsetMs, CORRECTION_MAX_MS));
  return minuteMsOf(fileName) + MINUTE_MS + SEAL_MS + (hashOf(edge) % SPREAD_SECONDS) * 1000 + correctionMs;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
