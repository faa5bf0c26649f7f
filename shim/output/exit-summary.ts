import type { CaptureCounts } from "../../engine/summary";

/** What was seen, parsed, and what was not, in one line. */
export function exitSummary({ packets, malformed, undecoded }: CaptureCounts, roundTrips?: number): string {
  const parts = [`${packets} packets seen`];
  if (roundTrips !== undefined) parts.push(`${roundTrips} round trips`);
  return [...parts, `malformed: ${list(malformed)}`, `undecoded: ${list(undecoded)}`].join(", ");
}

function list(counts: Record<string, number>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return "none";
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return `${total} (${parts.join(", ")})`;
}
