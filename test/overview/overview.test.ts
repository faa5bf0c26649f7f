/** An overview is what counting the same round trips in plain TypeScript comes to, with names out of DNS on the wire. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { Overview, type OverviewAnswer, type OverviewRow } from "../../shim/overview/overview";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import {
  type Captured,
  Conversation,
  dnsMessage,
  dnsQuery,
  ethernet,
  FLAG,
  ipv4,
  pcap,
  START_NS,
  spaced,
  TYPE,
  udp,
} from "../support/pcap-builder";

const HOST = "10.0.0.5";
const PIECE_BYTES = 1 << 16;

function feed(core: Core, bytes: Uint8Array, turn: () => void): void {
  const input = core.open("file");
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    input.write(bytes.subarray(at, at + PIECE_BYTES));
    turn();
  }
  input.end();
  core.flush();
}

function overviewOf(bytes: Uint8Array, options: CoreOptions = {}, filter = ""): OverviewAnswer {
  const core = new Core(module, { events: true, allEvents: true, ...options });
  expect(core.setFilter(filter)).toBeUndefined();
  const overview = new Overview(core);
  core.drainTo({ events: (view) => overview.take(view) });
  feed(core, bytes, () => overview.turn());
  return overview.answer();
}

function tripsOf(bytes: Uint8Array, options: CoreOptions, filter = ""): RoundTrip[] {
  const core = new Core(module, { events: true, ...options });
  core.setFilter(filter);
  const reader = new RoundTripReader(core.schema);
  const trips: RoundTrip[] = [];
  core.drainTo({ events: (view) => trips.push(...reader.read(view)) });
  feed(core, bytes, () => {});
  return trips;
}

const wireBytes = ({ request, response }: RoundTrip) => (request?.bytes ?? 0) + (response?.bytes ?? 0);
const beganMs = ({ time }: RoundTrip) => Date.parse(time!);

/** What a row must say of these round trips, all of one service. */
function expectRow(row: OverviewRow, trips: readonly RoundTrip[]): void {
  const [{ direction }] = trips as [RoundTrip];
  const failed = trips.filter(({ status }) => status !== "ok" && status !== "unobserved");
  expect(row).toMatchObject({
    requests: trips.length,
    errors: failed.length,
    bytes: trips.reduce((sum, trip) => sum + wireBytes(trip), 0),
  });
  if (direction === "out") expect(row.clients).toBeUndefined();
  else expect(row.clients).toBe(new Set(trips.map(({ client }) => client.address)).size);
  const begins = trips.map(beganMs);
  const ends = trips.map((trip, index) => begins[index]! + (trip.durationNs ?? 0) / 1e6);
  expect(Math.abs(Date.parse(row.first!) - Math.min(...begins))).toBeLessThanOrEqual(1);
  expect(Math.abs(Date.parse(row.last!) - Math.max(...ends))).toBeLessThanOrEqual(1);
}

const PART = { out: "dependsOn", in: "dependedOnBy", unknown: "others" } as const;

describe.each([
  ["no networks", {}, ""],
  ["those of the host", { hostNetworks: ["127.0.0.1"] }, ""],
  ["a filter", {}, "durationNs > 200us"],
] as const)("with %s", (_, options, filter) => {
  test.each(FIXTURES)("%s adds up as its round trips do", (name) => {
    const bytes = fixtureBytes(name);
    const answer = overviewOf(bytes, options, filter);
    const services = new Map<string, RoundTrip[]>();
    for (const trip of tripsOf(bytes, options, filter)) {
      const { direction, protocol, server } = trip;
      const id = [direction, protocol, server.address, server.port].join(" ");
      services.set(id, [...(services.get(id) ?? []), trip]);
    }
    let rows = 0;
    for (const trips of services.values()) {
      const { direction, protocol, server } = trips[0]!;
      const row = answer[PART[direction]].find(
        (one) => one.protocol === protocol && one.address === server.address && one.port === server.port,
      );
      expectRow(row!, trips);
      rows += 1;
    }
    expect(answer.dependsOn.length + answer.dependedOnBy.length + answer.others.length).toBe(rows);
  });
});

/** A query of the host for an address, and its answer. */
function lookup(name: string, address: number[], startNs: bigint): Captured[] {
  const question = { name, type: TYPE.A };
  const answer = dnsMessage({
    flags: FLAG.response,
    questions: [question],
    answers: [{ name: Uint8Array.of(0xc0, 0x0c), ttl: 60, data: address }],
  });
  const server = "10.0.0.1";
  const frames = [
    ethernet(ipv4(udp(dnsQuery(name)), { source: HOST, destination: server })),
    ethernet(ipv4(udp(answer, { sourcePort: 53, destinationPort: 40000 }), { source: server, destination: HOST })),
  ];
  return spaced(frames, 1_000_000n, startNs);
}

function page(client: string, server: string, startNs: bigint): Captured[] {
  const talk = new Conversation({ client, server, startNs }).open();
  talk.send("client", "GET / HTTP/1.1\r\nHost: a\r\n\r\n").send("server", "HTTP/1.1 204 No Content\r\n\r\n").close();
  return talk.packets;
}

describe("a host", () => {
  const packets = [
    ...lookup("Api.Example.com", [192, 0, 2, 7], START_NS),
    ...page(HOST, "192.0.2.7", START_NS + 10_000_000n),
    ...page("10.0.0.8", HOST, START_NS + 50_000_000n),
    ...page("10.0.0.9", HOST, START_NS + 100_000_000n),
    ...page("10.0.0.9", "10.0.0.8", START_NS + 150_000_000n),
  ];
  const bytes = pcap(packets);
  const options = { hostNetworks: [HOST] };

  test("depends on what it asks, by the names that it asked for, and is depended on by who asks it", () => {
    const { dependsOn, dependedOnBy, others } = overviewOf(bytes, options);
    expect(dependsOn.map(({ address, port, names }) => [address, port, names])).toEqual(
      expect.arrayContaining([
        ["192.0.2.7", 80, ["api.example.com"]],
        ["10.0.0.1", 53, undefined],
      ]),
    );
    expect(dependsOn).toHaveLength(2);
    expect(dependedOnBy).toMatchObject([{ address: HOST, port: 80, protocol: "http", clients: 2, requests: 2 }]);
    expect(others).toMatchObject([{ address: "10.0.0.8", clients: 1, requests: 1 }]);
  });

  test("learns names of queries that the filter keeps out", () => {
    const { dependsOn, requests } = overviewOf(bytes, options, "http and direction == out");
    expect(requests).toBe(1);
    expect(dependsOn).toMatchObject([{ address: "192.0.2.7", names: ["api.example.com"], requests: 1 }]);
  });

  test("gets no name that is over, or that came later", () => {
    const late = pcap([
      ...lookup("old.example", [192, 0, 2, 7], START_NS),
      ...page(HOST, "192.0.2.7", START_NS + 400_000_000_000n),
      ...page(HOST, "192.0.2.8", START_NS + 401_000_000_000n),
      ...lookup("new.example", [192, 0, 2, 8], START_NS + 402_000_000_000n),
    ]);
    const { dependsOn } = overviewOf(late, options);
    expect(dependsOn.filter(({ protocol }) => protocol === "http").map(({ names }) => names)).toEqual([undefined, undefined]);
  });
});

test("a flood of services and clients takes no more than its room, and the busy ones stay whole", { timeout: 120_000 }, () => {
  const one = (index: number, client: string, server: string) => {
    const answer = dnsMessage({ flags: FLAG.response, questions: [{ name: "a.example" }] });
    const sourcePort = 1024 + (index % 60_000);
    return [
      ethernet(ipv4(udp(dnsQuery("a.example"), { sourcePort }), { source: client, destination: server })),
      ethernet(ipv4(udp(answer, { sourcePort: 53, destinationPort: sourcePort }), { source: server, destination: client })),
    ];
  };
  const rounds = Array.from({ length: 6000 }, (_, index) => [
    ...one(index, "10.9.9.9", "192.0.2.1"),
    ...one(index, "10.9.9.9", `10.1.${index >> 8}.${index & 255}`),
  ]);
  const bytes = pcap(spaced(rounds.flat(), 10_000n));
  const { others, requests, rest } = overviewOf(bytes, { budgetBytes: 64 << 20 });
  expect(requests).toBe(12_000);
  const [busy, ...small] = others;
  expect(busy).toMatchObject({ address: "192.0.2.1", requests: 6000, clients: 1, first: "2024-01-01T00:00:00.000Z" });
  expect(small.length).toBeLessThan(768);
  expect(others.reduce((sum, row) => sum + row.requests, rest!.requests)).toBe(12_000);
});
