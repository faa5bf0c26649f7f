/** What the table's cells say of a round trip. */
import { describeRequest, describeResponse } from "../../engine/describe";
import type { RoundTrip } from "../../engine/round-trip";

/** What was asked: `GET a.example/users`, `A example.com`. */
export const requestOf = describeRequest;

/** How it ended: `200 text/html 11.1 kB`, `NXDOMAIN`; empty where no response came. */
export function resultOf(trip: RoundTrip): string {
  return trip.response ? describeResponse(trip) : "";
}

/** Bytes of both sides together. */
export function bytesOf({ request, response }: RoundTrip): number {
  return (request?.bytes ?? 0) + (response?.bytes ?? 0);
}

/** An endpoint as it is written. */
export function endpointOf({ address, port }: { address: string; port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
