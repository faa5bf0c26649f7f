/** The project's own DNS captures say what their clients say that they sent and got. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { fixtureBytes, fixtureTruth } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

const dnsOf = (name: string) => readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "dns");

/** How many round trips have each value. */
function countBy(trips: RoundTrip[], value: (trip: RoundTrip) => unknown): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const trip of trips) sum[String(value(trip))] = (sum[String(value(trip))] ?? 0) + 1;
  return sum;
}

const rcodeOf = ({ response }: RoundTrip) => response?.rcodeName;

describe("dnsperf", () => {
  const { sent, got } = fixtureTruth("dns_dnsperf_udp.pcap");
  const trips = dnsOf("dns_dnsperf_udp.pcap");

  test("queries by type", () => {
    expect(trips.length).toBe(sent.queries);
    expect(countBy(trips, ({ request }) => request?.type)).toEqual({ A: sent.A, AAAA: sent.AAAA });
  });

  test("responses by code", () => expect(countBy(trips, rcodeOf)).toEqual(got));
});

describe("kdig", () => {
  const { sent, rcodes } = fixtureTruth("dns_kdig_udp.pcap");
  const trips = dnsOf("dns_kdig_udp.pcap");
  const asked = (trip: RoundTrip, flag: string) => (trip.request?.flags as string[] | undefined)?.includes(flag);

  test("queries, what they ask for, and from where", () => {
    expect(trips.length).toBe(sent.queries);
    expect(trips.filter(({ request }) => request?.ecs !== undefined).length).toBe(sent.edns_client_subnet);
    expect(trips.filter((trip) => asked(trip, "do")).length).toBe(sent.dnssec_do);
    expect(trips.filter(({ client }) => client.address.includes(":")).length).toBe(sent.ipv6);
  });

  test("responses by code", () => expect(countBy(trips, rcodeOf)).toEqual(rcodes));
});

describe("unbound, which asks for its clients", () => {
  const { sent, rcodes } = fixtureTruth("dns_unbound_recursive.pcap");
  const trips = dnsOf("dns_unbound_recursive.pcap");
  const ofClients = trips.filter(({ server }) => server.port === 53);

  test("queries on both sides", () => {
    expect(ofClients.length).toBe(sent.client_queries);
    expect(trips.length - ofClients.length).toBe(sent.stub_queries_about);
  });

  test("responses to the clients by code", () => expect(countBy(ofClients, rcodeOf)).toEqual(rcodes));
});

test("nothing where all of it is encrypted", () => expect(dnsOf("dns_dot.pcap")).toEqual([]));
