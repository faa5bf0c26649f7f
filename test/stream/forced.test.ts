/** Protocols that are forced on a port: `--protocol http:8080`. */
import { describe, expect, test } from "vitest";
import { Core, type CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { NOISE } from "../support/noise";
import { Conversation, dnsQuery, dnsResponse, overTcp, pcap } from "../support/pcap-builder";
import { coreModule, readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";

const { protocols } = new Core(coreModule()).schema;
const forceable = protocols.filter(({ transports }) => transports !== "");
const at = (name: string, ...ports: number[]): CoreOptions => {
  const { number } = protocols.find((protocol) => protocol.name === name)!;
  return { forced: ports.map((port) => ({ protocol: number, port })) };
};

/** What a protocol may turn into on its own connection; Redis leaves what answers as HTTP does. */
const CARRIES: Record<string, readonly string[]> = {
  redis: ["redis", "http"],
  http: ["http", "http2", "grpc", "websocket"],
  http2: ["http2", "grpc"],
};

const portsOf = (trips: readonly RoundTrip[]) => [...new Set(trips.map(({ server }) => server.port))];

describe.each(FIXTURES)("%s", (name) => {
  const bytes = fixtureBytes(name);
  const free = readRoundTrips(bytes);

  test("its own protocol on its ports changes nothing of it", () => {
    const first = free[0]!.protocol === "grpc" ? "http2" : free[0]!.protocol;
    const own = (trips: readonly RoundTrip[]) => trips.filter(({ protocol }) => protocol === first);
    const ports = portsOf(own(free)).slice(0, 64);
    expect(own(readRoundTrips(bytes, at(first, ...ports)))).toEqual(own(free));
  });

  test.each(forceable.map((protocol) => protocol.name))("all of it as %s is that or nothing", (forced) => {
    const ports = portsOf(free).slice(0, 64);
    const { transports } = protocols.find((protocol) => protocol.name === forced)!;
    const trips = readRoundTrips(bytes, at(forced, ...ports));
    const here = trips.filter(({ server, client, tcp }) => {
      return (
        transports.includes(tcp === undefined ? "udp" : "tcp") && [server.port, client.port].some((port) => ports.includes(port))
      );
    });
    for (const { protocol } of here) expect(CARRIES[forced] ?? [forced]).toContain(protocol);
  });
});

test("a port that is not forced is recognised, whatever the others are", () => {
  const http = new Conversation({ serverPort: 8080 }).open().send("client", "GET / HTTP/1.1\r\n\r\n");
  const file = pcap(http.send("server", "HTTP/1.1 204 No Content\r\n\r\n").close().packets);
  expect(readRoundTrips(file, at("kafka", 8080))).toEqual([]);
  expect(readRoundTrips(file, at("kafka", 8081))).toHaveLength(1);
});

test("what was joined in its middle is read from the first message on, and who asks is known by the port", () => {
  const talk = new Conversation({ serverPort: 7777 }).send("server", overTcp(dnsResponse("b.example")));
  talk.send("client", overTcp(dnsQuery("a.example"))).send("server", overTcp(dnsResponse("a.example")));
  const trips = readRoundTrips(pcap(talk.packets), at("dns", 7777));
  expect(trips.map(({ server }) => server.port)).toContain(7777);
  expect(trips.every(({ client }) => client.port !== 7777)).toBe(true);
});

test("what leaves a forced protocol is recognised", () => {
  const talk = new Conversation({ serverPort: 8080 }).open();
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  talk.send(
    "client",
    `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  talk.send(
    "server",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
  );
  talk.send("client", Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69)).send("server", Uint8Array.of(0x81, 2, 0x68, 0x69));
  talk.send("client", Uint8Array.of(0x88, 0x80, 0, 0, 0, 0)).send("server", Uint8Array.of(0x88, 0));
  const file = pcap(talk.close().packets);
  const free = readRoundTrips(file);
  expect(free.map(({ protocol }) => protocol)).toContain("websocket");
  expect(readRoundTrips(file, at("http", 8080))).toEqual(free);
});

test.each(forceable.map(({ name }) => name))("%s forced upon any bytes ends nothing beside it", (name) => {
  const random = randomFrom(7);
  for (const [shape, make] of Object.entries(NOISE)) {
    const talk = new Conversation({ serverPort: 9999 }).open();
    for (let i = 0; i < 40; i++) talk.send(i % 3 === 0 ? "client" : "server", make(random, 1 + random() * 1400));
    const other = new Conversation({ clientPort: 4444 }).open().send("client", "GET / HTTP/1.1\r\n\r\n");
    other.send("server", "HTTP/1.1 204 No Content\r\n\r\n").close();
    const trips = readRoundTrips(pcap([...talk.packets, ...other.packets]), at(name, 9999));
    expect(
      trips.filter(({ server }) => server.port === 80),
      shape,
    ).toHaveLength(1);
  }
});
