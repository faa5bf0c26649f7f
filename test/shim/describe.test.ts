/** Round trips in a few words. */
import { expect, test } from "vitest";
import { describeRequest, describeResponse } from "../../engine/describe";
import { fixtureBytes } from "../support/fixtures";
import { pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { closing, pushed, sent, websocket } from "../support/websocket";

test("a WebSocket: where it went, and what each side sent", () => {
  const talk = websocket()
    .send("client", sent(1, "hello"))
    .send("server", pushed(2, "x".repeat(2000)));
  talk.send("server", pushed(8, closing(1001))).send("client", sent(8));
  const trip = readRoundTrips(pcap(talk.packets))[1]!;
  expect(describeRequest(trip)).toBe("ws.lab.test/live/17 1 message, 5 B, close 1005");
  expect(describeResponse(trip)).toBe("1 message, 2 kB, close 1001");
});

test.each([
  ["mysql_node", "query INSERT INTO t1(n, d) VALUES(?) -> 1 changed"],
  ["mysql_node", "query SELECT * FROM nosuch -> 1146 42S02 Table 'test.nosuch' doesn't exist"],
  ["mysql_node", "connect -> ok"],
  ["pg_pgbench_simple", "simple BEGIN -> BEGIN"],
  ["pg_pgbench_simple", "startup -> ok"],
  ["redis_ioredis_resp2", "SET k4 -> simple string"],
  ["redis_ioredis_resp2", "CLIENT SETINFO -> ERR unknown subcommand ?. Try CLIENT HELP."],
  ["kafka_kafkajs", "Produce v7 t1 -> NONE"],
  ["mongo_node", "insert lab.c1 -> ok"],
  ["mongo_node", "nosuch lab -> 59 CommandNotFound no such command: ?"],
  ["grpc_node", "lab.Echo/Unary -> OK 1 message"],
  ["grpc_node", "lab.Echo/Unary -> NOT_FOUND no 0 messages"],
  ["h2_tls", "hello lab.test h2,http/1.1 -> TLS 1.3 TLS_AES_256_GCM_SHA384"],
  ["h2c_upgrade_refused", "GET 127.0.0.1:8086/b.html -> 200 text/html 11.1 kB"],
])("of %s: %s", (name, line) => {
  const trips = readRoundTrips(fixtureBytes(`${name}.pcap`));
  expect(trips.map((trip) => `${describeRequest(trip)} -> ${describeResponse(trip)}`)).toContain(line);
});

test("no protocol but shows what it is about in less than 200 characters", () => {
  for (const name of ["mysql_node", "redis_ioredis_resp2", "kafka_kafkajs", "mongo_node", "grpc_node", "h2_tls"]) {
    for (const trip of readRoundTrips(fixtureBytes(`${name}.pcap`))) {
      const line = `${describeRequest(trip)} -> ${describeResponse(trip)}`;
      expect(line.length).toBeLessThan(200);
      expect(line).not.toMatch(/undefined|\[object|bodyBytes=/);
    }
  }
});
