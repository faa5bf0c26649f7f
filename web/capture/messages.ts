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

/** What a view found. */
export interface Matches {
  /** Rows that there are. */
  rows: number;
  /** Round trips that match; more than there are rows where not all could be kept. */
  found: number;
  /** Out of how many: all of the file's, or those that are kept. */
  of: number;
}

/** Why there is nothing to show, and at which character of which filter. */
export interface Fault {
  message: string;
  column?: number;
  filter: string;
}

/** What reading came to. */
export interface CaptureResult {
  schema: Schema;
  summary: Summary;
  /** Round trips of the file, and how many of them are kept for the table. */
  roundTrips: number;
  kept: number;
  /** What was wrong and did not end the reading, and what became of secrets of TLS, one sentence each. */
  notes: string[];
}

export type ToWorker =
  | { type: "open"; file: Blob; name: string; keyLogs: File[]; core: WebAssembly.Module }
  | { type: "show"; view: View }
  /** Reads the file once more for the view's filter, where not all of its round trips are kept. */
  | { type: "search"; view: View }
  /** Asks for rows of the view that was shown last. */
  | { type: "rows"; view: number; first: number; count: number };

export type FromWorker =
  | { type: "progress"; bytesRead: number; roundTrips: number }
  | ({ type: "done" } & CaptureResult)
  | { type: "failed"; reason: string }
  /** How many kept round trips match the view's filter, or why the filter cannot be read. */
  | { type: "shown"; view: number; matches: Matches; fault?: Fault }
  | { type: "searching"; view: number; share: number }
  | { type: "rows"; view: number; first: number; rows: RoundTrip[] };
