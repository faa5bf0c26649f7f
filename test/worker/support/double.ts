/** A core for the object's own tests: a bundle is JSON with counts by direction and a set of clients. */
import type { BundleFault, BundleHeader, MergeCore, Row, RowSelection, Schema } from "../../../worker/merge";

export interface DoubleBundle {
  minute: number;
  sequence: number;
  boot: string;
  policy?: string;
  samplingRate?: number;
  counts: Record<string, number>;
  clients: string[];
}

const DIRECTIONS = ["in", "out", "unknown"];

const SCHEMA: Schema = {
  abi: 1,
  id: 1,
  metrics: [
    metric(1, "net_packets_total", "counter"),
    metric(2, "net_clients", "distinct"),
    metric(3, "dns_duration_seconds", "histogram"),
  ],
};

function metric(id: number, name: string, kind: Schema["metrics"][number]["kind"]): Schema["metrics"][number] {
  const labels = id === 1 ? [{ name: "direction", values: DIRECTIONS }] : [];
  return { id, name, kind, unit: "1", help: name, labels };
}

export function encode(bundle: DoubleBundle): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(bundle));
}

function decode(bytes: Uint8Array): DoubleBundle {
  return JSON.parse(new TextDecoder().decode(bytes));
}

export class DoubleCore implements MergeCore {
  validate(bytes: Uint8Array): BundleHeader | BundleFault {
    try {
      const { minute, sequence, boot, policy = "default", samplingRate = 1 } = decode(bytes);
      return { minute, sequence, boot, policy, samplingRate, windowSeconds: 60 };
    } catch {
      return { fault: "bad_bundle", reason: "this is no bundle" };
    }
  }

  merge(parts: Iterable<Uint8Array>): Uint8Array {
    const all = [...parts];
    const merged = { ...decode(all[0]!), counts: {} as Record<string, number>, clients: new Set<string>() };
    for (const part of all) {
      const { counts, clients } = decode(part);
      for (const [name, count] of Object.entries(counts)) merged.counts[name] = (merged.counts[name] ?? 0) + count;
      for (const client of clients) merged.clients.add(client);
    }
    return encode({ ...merged, clients: [...merged.clients].sort() });
  }

  rows(parts: Iterable<Uint8Array>, selection: RowSelection): Row[] {
    const all = [...parts];
    if (all.length === 0) return [];
    const { counts, clients } = decode(this.merge(all));
    if (selection.metric.id === 2) {
      return [{ labels: {}, estimate: clients.length, lower: clients.length, upper: clients.length }];
    }
    const chosen = selection.labelValues[0];
    const kept = Object.entries(counts).filter(([name]) => chosen == null || chosen.includes(DIRECTIONS.indexOf(name)));
    if (selection.keepLabelsMask & 1) return kept.map(([direction, value]) => ({ labels: { direction }, value }));
    return [{ labels: {}, value: kept.reduce((sum, [, count]) => sum + count, 0) }];
  }

  schema(): Schema {
    return SCHEMA;
  }
}
