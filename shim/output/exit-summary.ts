import type { CaptureCounts } from "../../engine/summary";
import { formatCount, formatNumberOf } from "./units";

/** Round trips that a command showed, and those that it did not. */
export interface Shown {
  roundTrips: number;
  /** Those that a filter kept back, where there was one. */
  filtered?: number;
  /** Those that were too many for the display. */
  leftOut?: number;
  /** What is known of packets that the kernel dropped, of a live capture. */
  dropped?: string;
}

/** What was seen, parsed, and what was not, in one line. */
export function exitSummary({ packets, malformed, undecoded }: CaptureCounts, shown?: Shown): string {
  const parts = [`${formatNumberOf(packets, "packet")} seen`];
  if (shown !== undefined) parts.push(formatNumberOf(shown.roundTrips, "round trip"));
  if (shown?.filtered !== undefined) parts.push(`${formatCount(shown.filtered)} filtered`);
  if (shown?.leftOut) parts.push(`${formatCount(shown.leftOut)} left out`);
  parts.push(`malformed: ${list(malformed)}`, `undecoded: ${list(undecoded)}`);
  if (shown?.dropped !== undefined) parts.push(`dropped by the kernel: ${shown.dropped}`);
  return parts.join(", ");
}

function list(counts: Record<string, number>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return "none";
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${formatCount(count)}`);
  return `${formatCount(total)} (${parts.join(", ")})`;
}
