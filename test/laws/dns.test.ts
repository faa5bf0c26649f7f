/** Laws that DNS keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import {
  type Captured,
  Conversation,
  dnsQuery,
  dnsResponse,
  ethernet,
  ipv4,
  overTcp,
  pcap,
  spaced,
  udp,
} from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";

const NAMES = ["one.test", "two.example.test", "three.test"];
const queries = NAMES.map((name, id) => overTcp(dnsQuery(name, { id })));
const responses = NAMES.map((name, id) => overTcp(dnsResponse(name, { id })));
const joined = (messages: Uint8Array[]) => Uint8Array.from(messages.flatMap((message) => [...message]));

/** A connection that sends all queries and then all responses, cut at one byte each way. */
function cutAt(clientCut: number, serverCut: number): Captured[] {
  const all = joined(queries);
  const back = joined(responses);
  const talk = new Conversation({ serverPort: 53 }).open();
  if (clientCut > 0) talk.send("client", all.subarray(0, clientCut));
  talk.send("client", all.subarray(clientCut));
  if (serverCut > 0) talk.send("server", back.subarray(0, serverCut));
  return talk.send("server", back.subarray(serverCut)).close().packets;
}

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ protocol, status, request, response, marks }) =>
    JSON.stringify({ protocol, status, request, response, marks }),
  );
}

const whole = essence(readRoundTrips(pcap(cutAt(0, 0))));

describe("over TCP", () => {
  test("whole", () => expect(whole).toHaveLength(NAMES.length));

  test("whole = split at every byte of the queries", () => {
    for (let cut = 1; cut < joined(queries).length; cut++) expect(essence(readRoundTrips(pcap(cutAt(cut, 0))))).toEqual(whole);
  });

  test("whole = split at every byte of the responses", () => {
    for (let cut = 1; cut < joined(responses).length; cut++) expect(essence(readRoundTrips(pcap(cutAt(0, cut))))).toEqual(whole);
  });

  test("whole = a segment a byte, one direction in reverse order", () => {
    const talk = new Conversation({ serverPort: 53 }).open();
    const first = talk.packets.length;
    talk.send("client", joined(queries), 1);
    const segments = talk.packets.splice(first);
    const times = segments.map(({ timeNs }) => timeNs);
    talk.packets.push(...segments.reverse().map((packet, index) => ({ ...packet, timeNs: times[index]! })));
    expect(essence(readRoundTrips(pcap(talk.send("server", joined(responses)).close().packets)))).toEqual(whole);
  });

  test("a capture cut after any packet invents nothing", () => {
    const packets = cutAt(9, 13);
    const known = new Set(whole.map((line) => JSON.parse(line).request.name));
    for (let count = 0; count < packets.length; count++) {
      for (const trip of readRoundTrips(pcap(packets.slice(0, count)))) expect(known).toContain(trip.request?.name);
    }
  });
});

describe("over UDP", () => {
  const message = dnsResponse("flip.test", { id: 7 });
  const datagram = (payload: Uint8Array) =>
    ethernet(ipv4(udp(payload, { sourcePort: 53, destinationPort: 5000 }), { source: "192.0.2.2", destination: "192.0.2.1" }));

  test("any byte with any bit flipped is read or counted, and the next message is read", () => {
    const clean = dnsQuery("clean.test", { id: 9 });
    for (let at = 0; at < message.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = message.slice();
        flipped[at]! ^= 1 << bit;
        const trips = readRoundTrips(pcap(spaced([datagram(flipped), datagram(clean)])));
        expect(trips.some((trip) => trip.request?.name === "clean.test")).toBe(true);
      }
    }
  });

  test("a message cut by the capture at any byte is taken as far as it goes", () => {
    for (let cut = 12; cut < message.length; cut++) {
      const frame = datagram(message);
      const kept = frame.subarray(0, frame.length - message.length + cut);
      const [trip] = readRoundTrips(pcap([{ ...spaced([kept])[0]!, wireBytes: frame.length }]));
      expect([trip?.response?.id, trip?.response?.rcode]).toEqual([7, 0]);
    }
  });
});
