import { minuteMsOf } from "../spool/spool";

const MINUTE_MS = 60_000;
/** A minute seals this long after its end. */
const SEAL_MS = 5_000;
/** Edges spread their posts over this long. */
const SPREAD_SECONDS = 45;

/** When the bundle of a live minute is posted first, ms since the epoch: each edge has its own second of the minute. */
export function postingTime(fileName: string, edge: string): number {
  return minuteMsOf(fileName) + MINUTE_MS + SEAL_MS + (hashOf(edge) % SPREAD_SECONDS) * 1000;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
