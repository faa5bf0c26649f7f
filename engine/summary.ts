/** What whole captures add up to: one object, which the command line prints and the page shows. */
import { readBundleHeader } from "./bundle.ts";
import type { Core } from "./core.ts";
import { encodeRowQuery, type Row, RowDecoder, type RowQuery } from "./rows.ts";

/** Memory of a core that reads whole captures: a workstation's, so that the sum of many busy minutes fits. */
export const CAPTURE_BUDGET_BYTES = 64 << 20;

/** What captures came to, apart from their metrics. */
export interface CaptureCounts {
  /** Packet records. */
  packets: number;
  /** Their bytes on the wire. */
  bytes: number;
  /** Packets that the capture says were dropped before it. */
  dropped: number;
  /** Packets of conversations that were left out to keep a ceiling of CPU; absent where there were none. */
  sampledOut?: number;
  /** Packets that a snap length cut; absent where there were none. */
  cut?: number;
  malformed: Record<string, number>;
  undecoded: Record<string, number>;
}

/** What captures add up to, as `read --summary -o json` prints it. */
export interface Summary extends CaptureCounts {
  /** Times of the first and last packet, RFC 3339; absent where there was none. */
  start?: string;
  end?: string;
  metrics: Row[];
}

const QUERY: RowQuery = { quantiles: [0.5, 0.9, 0.99], items: 10 };
const MALFORMED = /(^|_)malformed_total$/;
const SECOND_NS = 1_000_000_000n;

/** Adds up the minutes that a core seals. */
export class MinuteSum {
  private firstNs: bigint | undefined;
  private lastNs: bigint | undefined;
  private count = 0;

  constructor(private readonly core: Core) {}

  /** Takes a sealed minute. */
  add(bundle: Uint8Array): void {
    const { firstNs, lastNs } = readBundleHeader(bundle);
    if (firstNs !== undefined && (this.firstNs === undefined || firstNs < this.firstNs)) this.firstNs = firstNs;
    if (lastNs !== undefined && (this.lastNs === undefined || lastNs > this.lastNs)) this.lastNs = lastNs;
    this.core.add(bundle);
    this.count += 1;
  }

  /** What it comes to; tops and breakdowns with `items` items. */
  summary(items = QUERY.items): Summary {
    const query = { ...QUERY, items };
    const rows = this.count === 0 ? [] : new RowDecoder(this.core.schema).decode(this.core.rows(encodeRowQuery(query)), query);
    const { packets, bytes, ...rest } = captureCounts(rows);
    const start = this.firstNs === undefined ? {} : { start: formatTime(this.firstNs) };
    const end = this.lastNs === undefined ? {} : { end: formatTime(this.lastNs) };
    return { packets, bytes, ...start, ...end, ...rest, metrics: rows };
  }
}

/** Reads the counts out of rows of all metrics. */
export function captureCounts(rows: readonly Row[]): CaptureCounts {
  const total = (name: string) => rows.find((row) => row.metric === name)?.value ?? 0;
  const sampledOut = total("capture_sampled_out_packets_total");
  const cut = total("capture_truncated_packets_total");
  return {
    packets: total("capture_packets_total"),
    bytes: total("capture_wire_bytes_total"),
    dropped: total("capture_dropped_packets_total"),
    ...(sampledOut > 0 ? { sampledOut } : {}),
    ...(cut > 0 ? { cut } : {}),
    malformed: byLabel(rows, (name) => MALFORMED.test(name), "reason"),
    undecoded: byLabel(rows, (name) => name === "capture_undecoded_total", "layer"),
  };
}

function byLabel(rows: readonly Row[], isWanted: (metric: string) => boolean, label: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { metric, labels, value = 0 } of rows) {
    const name = labels[label];
    if (isWanted(metric) && name !== undefined && value > 0) counts[name] = (counts[name] ?? 0) + value;
  }
  return counts;
}

/** RFC 3339, UTC, nine digits. */
export function formatTime(ns: bigint): string {
  const seconds = new Date(Number(ns / SECOND_NS) * 1000).toISOString().slice(0, -5);
  return `${seconds}.${(ns % SECOND_NS).toString().padStart(9, "0")}Z`;
}
