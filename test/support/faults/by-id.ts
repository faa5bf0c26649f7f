/** Protocols that are matched by id, under faults: DNS, Kafka, MongoDB, HTTP/2 and gRPC. */
import type { RoundTrip } from "../../../engine/round-trip";
import { data, fields, get, headers, plain, SERVER_START, START, statusFields } from "../http2";
import { batch, kafkaRequest, kafkaResponse } from "../kafka-schema";
import { int32, msg } from "../mongo";
import { dnsMessage, dnsQuery, FLAG, join, number, overTcp, TYPE } from "../pcap-builder";
import { type FaultyProtocol, FIRST_PORT } from "./talk";

/** An id of a connection as a name of its exchange. */
const named = (connection: number, id: number) => `${FIRST_PORT + connection}#${id}`;
const nameOf = ({ client }: RoundTrip, id: unknown) => (typeof id === "number" ? `${client.port}#${id}` : undefined);

const RCODES = [0, 3, 0, 2];

export const DNS: FaultyProtocol = {
  name: "dns",
  port: 53,
  exchange(connection, exchange) {
    const id = exchange + 1;
    const name = `e${exchange}.c${connection}.lab.test`;
    const rcode = RCODES[exchange % RCODES.length]!;
    const record = { name: Uint8Array.of(0xc0, 12), type: TYPE.TXT, data: join([200], "t".repeat(200)) };
    const answers = Array.from({ length: rcode !== 0 ? 0 : exchange % 4 === 0 ? 25 : 2 }, () => record);
    const questions = [{ name, type: TYPE.TXT }];
    return {
      id: named(connection, id),
      outcome: String(rcode),
      request: overTcp(dnsQuery(name, { id, type: TYPE.TXT })),
      response: overTcp(dnsMessage({ id, flags: FLAG.response, rcode, questions, answers })),
    };
  },
  idOf: (trip) => nameOf(trip, trip.request?.id),
  outcomeOf: ({ response }) => String(response?.rcode),
};

export const KAFKA: FaultyProtocol = {
  name: "kafka",
  port: 9092,
  exchange(connection, exchange) {
    const errorCode = exchange % 4 === 3 ? 6 : 0;
    const form = { correlationId: exchange + 1 };
    const topic = `topic.${connection}`;
    const records = batch(3, 1200);
    const isFetch = exchange % 2 === 0;
    const partition = { index: 0, ...(isFetch ? { records, errorCode } : { errorCode }) };
    return {
      id: named(connection, exchange + 1),
      outcome: errorCode === 0 ? "ok" : "error",
      request: isFetch
        ? kafkaRequest("Fetch", 11, { topics: [{ name: topic, partitions: [{ index: 0 }] }] }, form)
        : kafkaRequest("Produce", 9, { acks: 1, topics: [{ name: topic, partitions: [{ index: 0, records }] }] }, form),
      response: kafkaResponse(
        isFetch ? "Fetch" : "Produce",
        isFetch ? 11 : 9,
        { topics: [{ name: topic, partitions: [partition] }] },
        form,
      ),
    };
  },
  idOf: (trip) => nameOf(trip, trip.request?.correlationId),
  outcomeOf: ({ status }) => status,
};

export const MONGODB: FaultyProtocol = {
  name: "mongodb",
  port: 27017,
  isDecidedAtEnd: true,
  exchange(connection, exchange) {
    const id = exchange + 1;
    const isFailure = exchange % 4 === 3;
    const batchOf = Array.from({ length: exchange % 3 === 0 ? 60 : 2 }, () => ({ text: "t".repeat(60) }));
    const answer = isFailure ? { ok: 0, errmsg: "no", code: int32(59) } : { cursor: { firstBatch: batchOf, ns: "lab.c" }, ok: 1 };
    return {
      id: named(connection, id),
      outcome: isFailure ? "error" : "ok",
      request: msg(id, { find: "c", filter: { a: id }, $db: "lab" }),
      response: msg(1000 + id, answer, { responseTo: id }),
    };
  },
  idOf: (trip) => nameOf(trip, trip.request?.requestId),
  outcomeOf: ({ status }) => status,
};

const CODES = [200, 404, 200, 500];
const CALL: [string, string] = ["content-type", "application/grpc"];
const message = (bytes: number) => join([0], number(bytes, 4), "m".repeat(bytes));
const GREETING: FaultyProtocol["greeting"] = [
  { from: "client", bytes: START },
  { from: "server", bytes: SERVER_START },
];

export const HTTP2: FaultyProtocol = {
  name: "http2",
  port: 8080,
  greeting: GREETING,
  exchange(connection, exchange) {
    const stream = exchange * 2 + 1;
    const code = CODES[exchange % CODES.length]!;
    const body = "b".repeat(exchange % 3 === 0 ? 5000 : 200);
    return {
      id: named(connection, stream),
      outcome: String(code),
      request: get(stream, `/${connection}/${exchange}`),
      response: join(headers(stream, statusFields(code), false), data(stream, body)),
    };
  },
  idOf: (trip) => nameOf(trip, trip.request?.streamId),
  outcomeOf: ({ response }) => String(response?.statusCode),
};

export const GRPC: FaultyProtocol = {
  name: "grpc",
  port: 50051,
  isDecidedAtEnd: true,
  greeting: GREETING,
  exchange(connection, exchange) {
    const stream = exchange * 2 + 1;
    const status = exchange % 4 === 3 ? 5 : 0;
    return {
      id: named(connection, stream),
      outcome: String(status),
      request: join(headers(stream, fields("POST", "/lab.Shop/Buy", [CALL]), false), data(stream, message(100))),
      response: join(
        headers(stream, join(statusFields(200), plain(...CALL)), false),
        data(stream, message(exchange % 3 === 0 ? 4000 : 50), false),
        headers(stream, plain("grpc-status", String(status))),
      ),
    };
  },
  idOf: (trip) => nameOf(trip, trip.request?.streamId),
  outcomeOf: ({ response }) => String(response?.grpcStatus),
};
