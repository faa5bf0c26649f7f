/** HTTP/2 and gRPC of real clients and servers, against what the clients say. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes, fixtureTruth } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

/** How many round trips have each value. */
function tally(trips: RoundTrip[], figureOf: (trip: RoundTrip) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const trip of trips) counts[String(figureOf(trip))] = (counts[String(figureOf(trip))] ?? 0) + 1;
  return counts;
}

describe("h2c_upgrade_refused", () => {
  const { sent, got } = fixtureTruth("h2c_upgrade_refused.pcap");
  const trips = readRoundTrips(fixtureBytes("h2c_upgrade_refused.pcap"));
  const streams = trips.filter(({ protocol }) => protocol === "http2");

  test("requests and responses", () => {
    expect(tally(streams, ({ request }) => request?.method)).toEqual({ GET: sent["h2c GET"], POST: sent["h2c POST"] });
    expect(tally(streams, ({ response }) => response?.statusCode)).toEqual({ 200: got!["h2 status 200"] });
    expect(tally(streams, ({ status }) => status)).toEqual({ ok: 6 });
    const refused = trips.filter(({ protocol }) => protocol === "http");
    expect(refused.length).toBe(sent["http1 GET with Upgrade, unanswered"]);
    expect(refused.every(({ response }) => response === undefined || response === null)).toBe(true);
  });
});

describe("grpc_node", () => {
  const { sent, got } = fixtureTruth("grpc_node.pcap");
  const trips = readRoundTrips(fixtureBytes("grpc_node.pcap"));
  const sum = (side: "request" | "response") => trips.reduce((total, trip) => total + Number(trip[side]?.messages ?? 0), 0);

  test("calls, statuses and messages", () => {
    expect(tally(trips, ({ protocol }) => protocol)).toEqual({ grpc: 82 });
    const paths = tally(trips, ({ request }) => `/${request?.service}/${request?.method}`);
    expect(paths).toEqual(Object.fromEntries(Object.entries(sent).filter(([key]) => key.startsWith("/"))));
    const statuses = tally(trips, ({ response }) => `grpc_status ${response?.grpcStatus}`);
    expect(statuses).toEqual(Object.fromEntries(Object.entries(got!).filter(([key]) => key.startsWith("grpc_status"))));
    expect([sum("request"), sum("response")]).toEqual([sent.request_messages, got!.response_messages]);
  });

  test("kinds", () => {
    const kind = (method: string) =>
      trips.filter(({ request }) => request?.method === method).map(({ request }) => request?.kind);
    expect(new Set(kind("ServerStream"))).toEqual(new Set(["server-stream"]));
    expect(kind("ClientStream")).toEqual(["client-stream"]);
    expect(kind("Bidi")).toEqual(["bidirectional"]);
    expect(new Set(kind("Unary"))).toEqual(new Set(["unary"]));
  });
});

describe.runIf(HAS_CORPUS)("h2c_prior", () => {
  test("requests and statuses", () => {
    const trips = readRoundTrips(corpusBytes("generated/h2c_prior.pcap"));
    expect(tally(trips, ({ protocol }) => protocol)).toEqual({ http2: 153 });
    expect(tally(trips, ({ request }) => request?.method)).toEqual({ GET: 153 });
    expect(tally(trips, ({ response }) => response?.statusCode)).toEqual({ 200: 152, 404: 1 });
  });
});
