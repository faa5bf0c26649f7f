/**
 * What the hub asks of the core: check a bundle, merge bundles, read rows. Nothing of it is held across an await, so one
 * instance serves the Worker and every object in its isolate.
 */
import type { Row, RowQuery } from "../engine/rows";
import type { MetricSchema, Schema } from "../engine/schema";

/** The head of a bundle that passed validation, as far as the hub needs it. */
export interface BundleHead {
  /** Start of its minute, seconds since the epoch. */
  minute: number;
  windowSeconds: number;
  /** 0 for the minute's first bundle, then 1, 2, ... */
  sequence: number;
  /** The agent's start. */
  boot: string;
  policy: string;
  /** One packet of this many was looked at. */
  samplingRate: number;
  losses: Losses;
}

/** What answers about a bundle are without. */
export interface Losses {
  /** Packets that the capture lost. */
  dropped: number;
  /** Findings of malformed bytes. */
  malformed: number;
  /** Sections that a later build wrote: they are kept, and this one can answer nothing about them. */
  unknown: number;
}

/** Why bytes are refused: a stable code and a reason. */
export interface BundleFault {
  fault: string;
  reason: string;
}

/** A metric with its labels' values beside their names. */
export interface Metric extends Omit<MetricSchema, "labels"> {
  labels: { name: string; values: string[] }[];
}

/** A question about one metric. */
export type RowSelection = Required<Omit<RowQuery, "form">> & Pick<RowQuery, "form">;

/** Why there are no rows: the parts do not merge, or the answer is too long. */
export type NoRows = "parts" | "answer";

/** The core, as the hub uses it. */
export interface MergeCore {
  validate(bundle: Uint8Array): BundleHead | BundleFault;
  /** One bundle out of many, of all metrics or only one; null where they do not merge or do not fit the core's memory together. */
  merge(parts: Iterable<Uint8Array>, metric?: number): Uint8Array | null;
  /** The same, and where it is of one metric with all keys that a bundle may have. */
  mergeWhole(parts: Iterable<Uint8Array>, metric?: number): Uint8Array | null;
  /** Rows of the parts merged. */
  rows(parts: Iterable<Uint8Array>, selection: RowSelection): Row[] | NoRows;
  /** How many bundles of edges are merged in a part. */
  bundlesIn(part: Uint8Array): number;
  schema: Schema;
  metrics: readonly Metric[];
}
