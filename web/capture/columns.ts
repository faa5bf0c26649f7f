/** The table's columns: what sorts them. */
import type { RoundTrip } from "../../engine/round-trip";
import { bytesOf, endpointOf, requestOf, resultOf } from "./describe";

/** One column. */
export interface Column {
  id: string;
  title: string;
  /** What the rows sort by; undefined goes last either way. */
  key(trip: RoundTrip): string | number | undefined;
}

/** All columns, as they stand from left to right. */
export const COLUMNS: readonly Column[] = [
  { id: "time", title: "Time", key: (trip) => trip.time },
  { id: "protocol", title: "Protocol", key: (trip) => trip.protocol },
  { id: "status", title: "Status", key: (trip) => trip.status },
  { id: "request", title: "Request", key: requestOf },
  { id: "result", title: "Result", key: (trip) => resultOf(trip) || undefined },
  { id: "duration", title: "Duration", key: (trip) => trip.durationNs },
  { id: "bytes", title: "Bytes", key: bytesOf },
  { id: "client", title: "Client", key: ({ client }) => endpointOf(client) },
  { id: "server", title: "Server", key: ({ server }) => endpointOf(server) },
];
