/** What the page and the Web Worker that reads a capture say to each other. */
import type { RoundTrip } from "../../engine/round-trip";
import type { Schema } from "../../engine/schema";
import type { Summary } from "../../engine/summary";

/** How the table is sorted; by the file's own order unless given. */
export interface Order {
  column: string;
  descending: boolean;
}

/** What the table is to show. Answers carry its number, so that late ones are known as such. */
export interface View {
  number: number;
  filter: string;
  order?: Order;
}

/** What reading came to. */
export interface CaptureResult {
  schema: Schema;
  summary: Summary;
  /** Round trips of the file, and how many of them are kept for the table. */
  roundTrips: number;
  kept: number;
  /** What was wrong and did not end the reading, one sentence each. */
  notes: string[];
}

export type ToWorker =
  | { type: "open"; file: Blob; name: string; core: WebAssembly.Module }
  | { type: "show"; view: View }
  /** Asks for rows of the view that was shown last. */
  | { type: "rows"; view: number; first: number; count: number };

export type FromWorker =
  | { type: "progress"; bytesRead: number; roundTrips: number }
  | ({ type: "done" } & CaptureResult)
  | { type: "failed"; reason: string }
  /** How many kept round trips match the view's filter, or why the filter cannot be read. */
  | { type: "shown"; view: number; matches: number; fault?: string }
  | { type: "rows"; view: number; first: number; rows: RoundTrip[] };
