import type { CaptureCounts } from "../../engine/summary";
import { formatCount, formatNumberOf } from "../../engine/units";

/** What a command showed of round trips, and what it knows besides. */
export interface Shown {
  roundTrips?: number;
  /** Round trips that a filter kept back, where there was one. */
  filtered?: number;
  /** Those that were too many for the display. */
  leftOut?: number;
  /** Whether it would be known if packets had been dropped before they were captured. */
  knowsDrops?: boolean;
}

/** What was seen, parsed, and what was not, in one line; what was dropped where that is known or there was any. */
export function exitSummary(counts: CaptureCounts, shown: Shown = {}): string {
  const { packets, dropped, sampledOut, cut, malformed, undecoded } = counts;
  const { roundTrips, filtered, leftOut, knowsDrops = dropped > 0 } = shown;
  const parts = [`${formatNumberOf(packets, "packet")} seen`];
  if (roundTrips !== undefined) parts.push(formatNumberOf(roundTrips, "round trip"));
  if (filtered !== undefined) parts.push(`${formatCount(filtered)} filtered`);
  if (leftOut) parts.push(`${formatCount(leftOut)} left out`);
  if (knowsDrops) parts.push(`dropped before the capture: ${dropped === 0 ? "none" : formatCount(dropped)}`);
  if (sampledOut) parts.push(`sampled out: ${formatCount(sampledOut)}`);
  if (cut) parts.push(`cut by the snap length: ${formatCount(cut)}`);
  return [...parts, `malformed: ${list(malformed)}`, `undecoded: ${list(undecoded)}`].join(", ");
}

function list(counts: Record<string, number>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return "none";
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${formatCount(count)}`);
  return `${formatCount(total)} (${parts.join(", ")})`;
}
