/** Packets without a time: pcapng's simple packets, alone in a file and among others that have one. tshark counts beside. */
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import type { BreakdownItem } from "../../engine/rows";
import { MinuteSum, type Summary } from "../../engine/summary";
import {
  type Captured,
  Conversation,
  dnsMessage,
  ethernet,
  FLAG,
  ipv4,
  join,
  Pcapng,
  START_NS,
  TYPE,
  udp,
} from "../support/pcap-builder";
import { coreModule, readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const SECOND = 1_000_000_000n;
const ng = new Pcapng();

/** A packet that is written as a simple packet. */
type Block = Captured & { simple?: boolean };

const simple = ({ bytes }: Captured): Block => ({ timeNs: 0n, bytes, simple: true });

const blocks = (packets: Block[]) => packets.map((packet) => (packet.simple ? ng.simplePacket(packet.bytes) : ng.packet(packet)));
const fileOf = (packets: Block[]) => join(ng.section(), ng.interface(), ...blocks(packets));

function dns(id: number, kind: "query" | "answer", timeNs = START_NS): Captured {
  const questions = [{ name: "one.example" }];
  const answers = [{ name: "one.example", type: TYPE.A, data: Uint8Array.of(192, 0, 2, 7) }];
  const isQuery = kind === "query";
  const message = dnsMessage({ id, questions, ...(isQuery ? {} : { flags: FLAG.response, answers }) });
  const ports = isQuery ? { sourcePort: 5353 + id, destinationPort: 53 } : { sourcePort: 53, destinationPort: 5353 + id };
  const [source, destination] = isQuery ? ["192.0.2.1", "192.0.2.2"] : ["192.0.2.2", "192.0.2.1"];
  return { timeNs, bytes: ethernet(ipv4(udp(message, ports), { source, destination, id: id + 1 })) };
}

function web(paths: string[], startNs = START_NS, clientPort = 40000): Captured[] {
  const talk = new Conversation({ startNs, clientPort }).open();
  for (const path of paths) {
    talk.send("client", `GET ${path} HTTP/1.1\r\nHost: example\r\n\r\n`);
    talk.send("server", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
  return talk.close().packets;
}

function summaryOf(file: Uint8Array): Summary & { minutes: number } {
  const core = new Core(coreModule(), {});
  const sum = new MinuteSum(core);
  let minutes = 0;
  core.drainTo({
    bundle: (bundle) => {
      minutes += 1;
      sum.add(bundle);
    },
  });
  const input = core.open("file");
  input.write(file);
  input.end();
  core.flush();
  return { ...sum.summary(), minutes };
}

const figures = (summary: Summary, metric: string) => summary.metrics.filter((row) => row.metric === metric);
const total = (summary: Summary, metric: string) => figures(summary, metric).reduce((sum, row) => sum + (row.value ?? 0), 0);
/** What a round trip says of its outcome and its times. */
const timesOf = ({ status, time, durationNs, timing }: RoundTrip) => ({ status, time, durationNs, timing });

/** What tshark counts of a file: packets, packets with a time, queries, responses of DNS, requests, responses of HTTP. */
function tsharkCounts(file: Uint8Array): number[] {
  const fields = ["frame.number", "frame.time_epoch", "dns.flags.response", "http.request.method", "http.response.code"];
  const rows = tsharkFields(file, fields);
  const count = (holds: (row: string[]) => boolean) => rows.filter(holds).length;
  return [
    rows.length,
    count(([, time]) => time !== ""),
    count(([, , response]) => response === "0"),
    count(([, , response]) => response === "1"),
    count((row) => row[3] !== ""),
    count((row) => row[4] !== ""),
  ];
}

function expectCounts(file: Uint8Array, counts: number[]): void {
  if (HAS_TSHARK) expect(tsharkCounts(file)).toEqual(counts);
  const summary = summaryOf(file);
  const [packets, , queries, answers, requests, responses] = counts;
  expect(summary.packets).toBe(packets);
  expect(total(summary, "dns_messages_total")).toBe(queries! + answers!);
  const trips = readRoundTrips(file);
  const sides = (protocol: string, side: "request" | "response") =>
    trips.filter((trip) => trip.protocol === protocol && trip[side]).length;
  expect([sides("dns", "request"), sides("dns", "response")]).toEqual([queries, answers]);
  expect([sides("http", "request"), sides("http", "response")]).toEqual([requests, responses]);
}

describe("a file of simple packets alone", () => {
  const packets = [dns(1, "query"), dns(1, "answer"), ...web(["/a", "/b"]), dns(2, "query")].map(simple);
  const file = fileOf(packets);

  test("counts as tshark does", () => expectCounts(file, [packets.length, 0, 2, 1, 2, 2]));

  test("gives round trips without any time", () => {
    const trips = readRoundTrips(file);
    expect(trips.map(({ protocol, status }) => `${protocol} ${status}`)).toEqual([
      "dns ok",
      "http ok",
      "http ok",
      "dns unobserved",
    ]);
    for (const trip of trips) {
      expect("time" in trip || "durationNs" in trip).toBe(false);
      expect(trip.timing).toEqual({});
    }
  });

  test("is one minute that says nothing of when it was", () => {
    const summary = summaryOf(file);
    expect(summary).toMatchObject({ minutes: 1, packets: packets.length });
    expect("start" in summary || "end" in summary).toBe(false);
  });

  test("has no durations and no rates", () => {
    const { metrics } = summaryOf(file);
    const timed = metrics.filter(({ metric }) => /_seconds$|_rate$|per_second/.test(metric)).filter(({ count }) => count !== 0);
    expect(timed).toEqual([]);
    const breakdown = metrics
      .filter(({ metric }) => metric === "http_routes")
      .flatMap(({ items }) => (items ?? []) as BreakdownItem[]);
    expect(breakdown.length).toBeGreaterThan(0);
    for (const item of breakdown) expect(item).not.toHaveProperty("quantiles.0.5");
  });
});

describe("a file of both kinds", () => {
  test("a packet at the very beginning of time dates what came before it", () => {
    const file = fileOf([simple(dns(1, "query")), { ...dns(2, "query"), timeNs: 0n }, dns(3, "query")]);
    const summary = summaryOf(file);
    expect(summary).toMatchObject({ packets: 3, start: "1970-01-01T00:00:00.000000000Z" });
  });

  test("a simple packet leaves out what hangs on its time, and no more", () => {
    const [query, answer] = [dns(1, "query"), dns(1, "answer", START_NS + 5_000_000n)];
    expect(timesOf(readRoundTrips(fileOf([dns(9, "query"), simple(query!), answer!]))[0]!)).toEqual({
      status: "ok",
      timing: { responseNs: 0 },
    });
    expect(timesOf(readRoundTrips(fileOf([query!, simple(answer!)]))[0]!)).toEqual({
      status: "ok",
      time: "2024-01-01T00:00:00.000000000Z",
      timing: { requestNs: 0 },
    });
  });

  test("a handshake without all its times has none", () => {
    const packets = web(["/a"]);
    for (const index of [0, 2]) {
      const trip = readRoundTrips(fileOf(packets.map((packet, at) => (at === index ? simple(packet) : packet))))[0]!;
      expect(trip).toMatchObject({ status: "ok", durationNs: 1_000_000 });
      expect("handshakeRttNs" in trip.timing).toBe(false);
    }
    expect(readRoundTrips(fileOf(packets))[0]!.timing.handshakeRttNs).toBe(2_000_000);
  });

  test("they count in the minute that is open, and move no clock", () => {
    const file = fileOf([
      dns(1, "query"),
      dns(1, "answer", START_NS + SECOND),
      ...web(["/x"]).map(simple),
      dns(2, "query", START_NS + 2n * SECOND),
      dns(2, "answer", START_NS + 3n * SECOND),
    ]);
    expectCounts(file, [4 + web(["/x"]).length, 4, 2, 2, 1, 1]);
    expect(summaryOf(file)).toMatchObject({
      minutes: 1,
      start: "2024-01-01T00:00:00.000000000Z",
      end: "2024-01-01T00:00:03.000000000Z",
    });
  });

  test.each([0n, 1n])("those in front belong to the first minute, %s after an even one", (minutes) => {
    const startNs = START_NS + minutes * 60n * SECOND;
    const front = [dns(1, "query"), dns(3, "query"), dns(3, "answer"), ...web(["/a", "/b"])].map(simple);
    const later = [dns(1, "answer", startNs), dns(2, "query", startNs + SECOND), dns(2, "answer", startNs + 2n * SECOND)];
    const file = fileOf([...front, ...later]);
    expectCounts(file, [front.length + 3, 3, 3, 3, 2, 2]);
    const summary = summaryOf(file);
    expect(summary).toMatchObject({ minutes: 1, packets: front.length + 3 });
    expect(summary.start).toBe(`2024-01-01T00:0${minutes}:00.000000000Z`);
    expect(summary.end).toBe(`2024-01-01T00:0${minutes}:02.000000000Z`);
    // The first request waited from the first time on: it has not timed out.
    expect(readRoundTrips(file).map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
    const counted = ["net_packets_total", "capture_packets_total"].map((metric) => total(summary, metric));
    expect(counted).toEqual([front.length + 3, front.length + 3]);
  });

  test("a request without a time times out by the clock at which it was read", () => {
    const file = fileOf([dns(1, "query"), simple(dns(2, "query")), dns(3, "query", START_NS + 30n * SECOND)]);
    expect(readRoundTrips(file).map(({ status, time }) => [status, time])).toEqual([
      ["timeout", "2024-01-01T00:00:00.000000000Z"],
      ["timeout", undefined],
      ["unobserved", "2024-01-01T00:00:30.000000000Z"],
    ]);
  });

  test("a hole among them is given up like any other", () => {
    const packets = web(["/a", "/b", "/c"]).map(simple);
    packets.splice(3, 1);
    const trips = readRoundTrips(fileOf(packets));
    expect(trips.map(({ status, request }) => `${status} ${request?.path}`)).toEqual(["ok undefined", "ok /b", "ok /c"]);
    expect(trips.every((trip) => trip.time === undefined)).toBe(true);
  });
});

test("sections of either kind stand side by side", () => {
  const times = [dns(1, "query"), dns(1, "answer", START_NS + SECOND)];
  const file = join(fileOf(web(["/a"]).map(simple)), fileOf(times), fileOf(web(["/b"], START_NS, 40001).map(simple)));
  expectCounts(file, [2 + 2 * web(["/a"]).length, 2, 1, 1, 2, 2]);
  expect(summaryOf(file)).toMatchObject({ minutes: 1, end: "2024-01-01T00:00:01.000000000Z" });
});

test("an enhanced packet of an interface that was not described has no time that could be read", () => {
  const file = join(ng.section(), ng.interface(), ng.packet(dns(1, "query"), { id: 4 }));
  const summary = summaryOf(file);
  expect(summary).toMatchObject({ packets: 1, malformed: { interface_unknown: 1 } });
  expect(summary.start).toBeUndefined();
});
