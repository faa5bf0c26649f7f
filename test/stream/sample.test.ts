/** A sample of conversations: each whole or not at all, a smaller one a part of a larger, all that is left out counted. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { MinuteSum, type Summary } from "../../engine/summary";
import { type Captured, Conversation, dnsQuery, dnsResponse, ethernet, ipv4, pcap, START_NS, udp } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";
import { Totals } from "../support/summaries";

const CONVERSATIONS = 400;
const REQUESTS = 3;
const SECOND_NS = 1_000_000_000n;

/** Packets in the order of their times. */
const inOrder = (packets: Captured[]) => packets.sort((a, b) => Number(a.timeNs - b.timeNs));

/** HTTP connections side by side, each with a few requests, and as many DNS queries from other ports. */
function talks(): Captured[] {
  const all = Array.from({ length: CONVERSATIONS }, (_, index) => {
    const startNs = START_NS + BigInt(index) * 777_777n;
    const talk = new Conversation({ clientPort: 20_000 + index, startNs, stepNs: 40_000_000n }).open();
    for (let request = 0; request < REQUESTS; request++) {
      talk.send("client", `GET /${index}/${request} HTTP/1.1\r\nHost: a\r\n\r\n`);
      talk.send("server", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    const [client, server] = ["192.0.2.1", "192.0.2.53"];
    const query = ipv4(udp(dnsQuery(`n${index}.test`), { sourcePort: 30_000 + index, destinationPort: 53 }), {
      source: client,
      destination: server,
    });
    const response = ipv4(udp(dnsResponse(`n${index}.test`), { sourcePort: 53, destinationPort: 30_000 + index }), {
      source: server,
      destination: client,
    });
    const dns = [query, response].map((packet, place) => ({
      timeNs: startNs + BigInt(place) * 5_000_000n,
      bytes: ethernet(packet),
    }));
    return [...talk.close().packets, ...dns];
  });
  return inOrder(all.flat());
}

interface Found {
  trips: RoundTrip[];
  summary: Summary;
  totals: Totals;
}

/** Reads packets with a share of conversations, and from a place on with another. */
function read(packets: Captured[], share: number, then = share, place = packets.length): Found {
  const core = new Core(coreModule(), { events: true, secret: 4711n });
  const reader = new RoundTripReader(core.schema);
  const trips: RoundTrip[] = [];
  const sum = new MinuteSum(core);
  const minutes: Uint8Array[] = [];
  core.drainTo({
    events: (view) => trips.push(...reader.read(view)),
    bundle: (bytes) => minutes.push(bytes.slice()),
  });
  core.sample(share);
  const input = core.open("file");
  input.write(pcap(packets.slice(0, place)));
  core.sample(then);
  input.write(pcap(packets.slice(place)).subarray(24));
  input.end();
  core.flush();
  for (const minute of minutes) sum.add(minute);
  const summary = sum.summary();
  return { trips, summary, totals: new Totals(summary) };
}

/** A round trip as its conversation and what was asked. */
const nameOf = ({ client, protocol, request }: RoundTrip) => `${protocol} ${client.port} ${JSON.stringify(request)}`;
const conversationsOf = (found: Found) => new Set(found.trips.map(({ client, protocol }) => `${protocol} ${client.port}`));

const packets = talks();
const whole = read(packets, 1);

test("without a sample everything is looked at", () => {
  expect(whole.trips).toHaveLength(CONVERSATIONS * (REQUESTS + 1));
  expect(whole.trips.every(({ status }) => status === "ok")).toBe(true);
  expect(whole.summary.sampledOut).toBeUndefined();
});

test.each([0.5, 0.25, 1 / 16])("of a share of %d as many conversations are looked at, all of them whole", (share) => {
  const found = read(packets, share);
  const expected = new Set(whole.trips.map(nameOf));
  expect(found.trips.every((trip) => expected.has(nameOf(trip)) && trip.status === "ok")).toBe(true);
  const http = found.trips.filter(({ protocol }) => protocol === "http");
  const kept = conversationsOf(found);
  expect(http).toHaveLength([...kept].filter((name) => name.startsWith("http")).length * REQUESTS);
  const wanted = 2 * CONVERSATIONS * share;
  expect(Math.abs(kept.size - wanted)).toBeLessThan(5 * Math.sqrt(wanted * (1 - share)));
});

test("what is left out is counted, in packets and bytes", () => {
  for (const share of [0.5, 1 / 16, 0]) {
    const { totals, summary } = read(packets, share);
    const left = totals.count("capture_sampled_out_packets_total");
    const bytes = totals.count("capture_sampled_out_bytes_total");
    expect(summary.sampledOut).toBe(left);
    expect(left + totals.count("net_packets_total")).toBe(packets.length);
    expect(bytes + totals.count("net_bytes_total")).toBe(whole.totals.count("net_bytes_total"));
    expect(totals.count("capture_packets_total")).toBe(packets.length);
  }
});

test("a smaller share is a part of a larger, the same each time", () => {
  const shares = [1, 0.5, 0.3, 0.1, 0.01].map((share) => conversationsOf(read(packets, share)));
  for (const [index, smaller] of shares.slice(1).entries())
    expect([...smaller].every((name) => shares[index]!.has(name))).toBe(true);
  expect(conversationsOf(read(packets, 0.3))).toEqual(shares[2]);
});

test("what a share that falls leaves out ends as not observed, never as without an answer", () => {
  const late = [
    ...packets,
    ...inOrder(new Conversation({ clientPort: 9, startNs: START_NS + 900n * SECOND_NS }).open().close().packets),
  ];
  for (const place of [400, 1500, 3000]) {
    const { trips } = read(late, 1, 0.1, place);
    const statuses = new Set(trips.map(({ status }) => status));
    expect([...statuses].sort()).toEqual(["ok", "unobserved"]);
    const { trips: risen } = read(late, 0.1, 1, place);
    const expected = new Set(whole.trips.map(nameOf));
    const known = risen.filter(({ status, request }) => status === "ok" && request !== undefined);
    expect(known.every((trip) => expected.has(nameOf(trip)))).toBe(true);
    expect(risen.some(({ status }) => status === "timeout")).toBe(false);
  }
});
