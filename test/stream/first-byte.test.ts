/** The time of a message is that of its first byte, also where the rest comes later. */
import { describe, expect, test } from "vitest";
import { Conversation, dnsQuery, dnsResponse, overTcp, pcap, START_NS } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";

const STEP_NS = 1_000_000;
const FIRST_DATA = Number(START_NS / 1_000_000_000n);

describe("a request in several segments", () => {
  test.each([1, 4, 9, 20, 40])("of %i bytes, HTTP", (segmentBytes) => {
    const request = "GET /a/long/path/indeed HTTP/1.1\r\nHost: a\r\n\r\n";
    const conversation = new Conversation().open().send("client", request, segmentBytes);
    const [trip] = readRoundTrips(pcap(conversation.send("server", "HTTP/1.1 204 No Content\r\n\r\n").close().packets));
    expect(trip?.time).toBe(new Date(FIRST_DATA * 1000 + 3).toISOString().replace("Z", "000000Z"));
    expect(trip?.durationNs).toBe(Math.ceil(request.length / segmentBytes) * STEP_NS);
  });

  test.each([1, 2, 5, 30])("of %i bytes, DNS over TCP", (segmentBytes) => {
    const query = overTcp(dnsQuery("a.long.name.example.com"));
    const conversation = new Conversation({ serverPort: 53 }).open().send("client", query, segmentBytes);
    const [trip] = readRoundTrips(
      pcap(conversation.send("server", overTcp(dnsResponse("a.long.name.example.com"))).close().packets),
    );
    expect(trip?.durationNs).toBe(Math.ceil(query.length / segmentBytes) * STEP_NS);
  });

  test("behind another that came whole", () => {
    const both = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
    const conversation = new Conversation().open().send("client", both, 25);
    conversation.send("server", "HTTP/1.1 204 A\r\n\r\nHTTP/1.1 204 B\r\n\r\n");
    const trips = readRoundTrips(pcap(conversation.close().packets));
    expect(trips.map((trip) => trip.durationNs)).toEqual([2 * STEP_NS, 2 * STEP_NS]);
  });
});
