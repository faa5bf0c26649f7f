/** In how much of a window anybody reported: what all that is shown a second is divided by, on every view. */
import { type Asker, type Rows, rowsOf } from "./asker";
import type { AnswerMeta, AnswerRow, HubMetric } from "./client";
import { numberOf, secondOf } from "./series";

/** All packets; where a label filters, those that were decoded so far that they have it. */
const PACKETS = ["capture_packets_total", "net_packets_total"];

/** Name of the metric that counts packets; empty where there is none. */
export function packetsOf(metrics: readonly HubMetric[]): string {
  return PACKETS.find((name) => metrics.some((metric) => metric.name === name)) ?? "";
}

/** The rows of steps in which anybody reported. */
export function reportedIn(packets: Rows, metric: string): AnswerRow[] {
  return rowsOf(packets, metric).filter((row) => numberOf(row) > 0);
}

/** Seconds of these steps, as far as they lie in the window; all of the window where nobody is known to have reported. */
export function secondsIn(reported: readonly AnswerRow[], { from, to, step }: Pick<AnswerMeta, "from" | "to" | "step">): number {
  const end = Date.parse(to) / 1000;
  if (reported.length === 0) return end - Date.parse(from) / 1000;
  return reported.reduce((sum, row) => sum + Math.min(step, end - secondOf(row)), 0);
}

/** Asks in how many seconds anybody reported, and what there is to say about the window. Throws HubError. */
export async function askReported(asker: Asker): Promise<{ seconds: number; meta: AnswerMeta }> {
  const metric = packetsOf(asker.metrics);
  const packets = await asker.ask(metric === "" ? [] : [metric], { op: "sum", isOverTime: true });
  return { seconds: secondsIn(reportedIn(packets, metric), packets.meta), meta: packets.meta };
}
