/** When each side of a round trip begins and ends, and how long its server takes, in every protocol that asks and answers. */
import { expect, test } from "vitest";
import { amqp, declare, declareOk } from "../support/amqp";
import { request as ask, http, response } from "../support/http";
import { data, fields, headers, http2, plain, statusFields } from "../support/http2";
import { kafka } from "../support/kafka";
import { kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { mongo, msg } from "../support/mongo";
import { type Bytes, type Conversation, join, number, pcap, toBytes } from "../support/pcap-builder";
import { array, bulk, command, redis } from "../support/redis";
import { readRoundTrips } from "../support/round-trips";
import { my, mysql, pg, postgresql } from "../support/sql";

const CALL: [string, string] = ["content-type", "application/grpc"];
const message = join([0], number(3, 4), "abc");

/** A connection on which requests can be sent, a request, and its response. */
const EXCHANGES: Record<string, [Conversation, Bytes, Bytes]> = {
  http: [http(), ask("GET / HTTP/1.1"), response("200 OK", "body")],
  http2: [
    http2(),
    join(headers(1, fields("POST", "/a"), false), data(1, "abc")),
    join(headers(1, statusFields(200), false), data(1, "body")),
  ],
  grpc: [
    http2(),
    join(headers(1, fields("POST", "/e/Say", [CALL]), false), data(1, message)),
    join(headers(1, statusFields(200, [CALL]), false), data(1, message, false), headers(1, plain("grpc-status", "0"))),
  ],
  mysql: [mysql(), my.query("SELECT name FROM t"), my.result([["a"], ["b"]])],
  postgresql: [postgresql(), join(pg.unnamed("SELECT a"), pg.sync()), join(pg.bound(), pg.select(["a"]), pg.ready())],
  redis: [redis(), command("LRANGE", "list", 0, -1), array(bulk("one"), bulk("two"))],
  kafka: [kafka(), kafkaRequest("Heartbeat", 4, { groupId: "group" }), kafkaResponse("Heartbeat", 4)],
  mongodb: [mongo(), msg(1, { find: "users", $db: "lab" }), msg(2, { cursor: { firstBatch: [{}] }, ok: 1 }, { responseTo: 1 })],
  amqp: [amqp(), declare(1, "queue"), declareOk(1, "queue")],
};

const MS = 1_000_000;
/** More than 32 bits of nanoseconds hold. */
const WAIT_MS = 5000;

test.each(Object.entries(EXCHANGES))("%s", (protocol, [talk, asked, answered]) => {
  const parts = (bytes: Bytes, count: number) => Math.ceil(toBytes(bytes).length / count);
  talk
    .send("client", asked, parts(asked, 2))
    .wait(BigInt(WAIT_MS * MS))
    .send("server", answered, parts(answered, 3));
  const trip = readRoundTrips(pcap(talk.close().packets))
    .filter((one) => one.protocol === protocol)
    .at(-1);
  // A packet each millisecond: of the wait one is the way to the server and back, as SYN and SYN-ACK show.
  expect(trip).toMatchObject({
    status: "ok",
    durationNs: (1 + 1 + WAIT_MS + 2) * MS,
    timing: { requestNs: 1 * MS, serverNs: WAIT_MS * MS, responseNs: 2 * MS, handshakeRttNs: 2 * MS },
  });
});
