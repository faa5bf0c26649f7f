import type { CaptureCounts } from "../../engine/summary";
import { formatCount, formatNumberOf } from "./units";

/** What was seen, parsed, and what was not, in one line. */
export function exitSummary({ packets, malformed, undecoded }: CaptureCounts, roundTrips?: number): string {
  const parts = [`${formatNumberOf(packets, "packet")} seen`];
  if (roundTrips !== undefined) parts.push(formatNumberOf(roundTrips, "round trip"));
  return [...parts, `malformed: ${list(malformed)}`, `undecoded: ${list(undecoded)}`].join(", ");
}

function list(counts: Record<string, number>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return "none";
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${formatCount(count)}`);
  return `${formatCount(total)} (${parts.join(", ")})`;
}
