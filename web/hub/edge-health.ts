/** How edges are doing, and what is to be said against each. */
import { type Asker, type Rows, rowsOf } from "./asker";
import type { AnswerMeta, Edge, HubMetric, Shard, Tags } from "./client";
import { numberOf } from "./series";
import { titleOf } from "./tops";

/** An edge posts each minute, 50 s after it at the latest; two are missed before it counts as silent. */
const SILENT_SECONDS = 180;
/** The hub refuses minutes 120 s ahead; a clock this far off is on its way there. */
const SKEWED_SECONDS = 5;
/** From the end of a minute until it came: 5 s to seal, 45 s of spreading, and some. */
const LAGGING_SECONDS = 120;

/** Something said against an edge. */
export type Complaint = "silent" | "skewed" | "lagging" | "lost minutes" | "newer than the hub";

/** An edge with what is to be said against it. */
export interface EdgeHealth extends Edge {
  complaints: Complaint[];
}

/** What got lost on the way into the figures, by the values of a tag. */
export interface Losses {
  tag: string;
  values: string[];
  rows: { metric: string; title: string; counts: number[]; total: number }[];
}

export interface EdgesFigures {
  edges: EdgeHealth[];
  shards: Shard[];
  losses?: Losses;
  meta: AnswerMeta;
}

/** What is to be said against an edge. */
export function healthOf(edge: Edge): EdgeHealth {
  const { silent_seconds: silent, skew_seconds: skew, lag_seconds: lag, lost_minutes: lost, unknown_sections: unknown } = edge;
  const complaints: Complaint[] = [];
  if (silent > SILENT_SECONDS) complaints.push("silent");
  if (Math.abs(skew ?? 0) > SKEWED_SECONDS) complaints.push("skewed");
  if (lag > LAGGING_SECONDS) complaints.push("lagging");
  if (lost > 0) complaints.push("lost minutes");
  if (unknown > 0) complaints.push("newer than the hub");
  return { ...edge, complaints };
}

/** Counters of what was not counted elsewhere, by the ends of their names. */
const LOSS = /_(dropped_packets|malformed|refused|gaps|truncated_packets|evicted_flows)_total$/;

/** What got lost, by a tag: the API tells no single edge's figures. */
export async function askLosses(asker: Asker, tags: Tags): Promise<{ losses?: Losses; meta: AnswerMeta }> {
  const metrics = asker.of("counter").filter(({ name }) => LOSS.test(name));
  const tag = Object.keys(tags)[0];
  const rows = await asker.ask(
    metrics.map(({ name }) => name),
    { op: "sum", ...(tag !== undefined && { by: [`tag:${tag}`] }) },
  );
  return { meta: rows.meta, ...(tag !== undefined && { losses: lossesOf(rows, metrics, tag) }) };
}

function lossesOf(rows: Rows, metrics: readonly HubMetric[], tag: string): Losses {
  const values = [...new Set(rows.data.map((row) => String(row[tag] ?? "")))].sort();
  const lines = metrics.map((metric) => {
    const counts = values.map((value) => numberOf(rowsOf(rows, metric.name).find((row) => (row[tag] ?? "") === value)));
    return { metric: metric.name, title: titleOf(metric), counts, total: counts.reduce((sum, count) => sum + count, 0) };
  });
  return { tag, values, rows: lines.filter(({ total }) => total > 0) };
}
