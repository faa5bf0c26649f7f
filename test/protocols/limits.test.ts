/** Every text of every protocol is whole up to its limit, and cut there beyond it, with a mark. */
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { response as answering, request as asking, http } from "../support/http";
import { data, headers, http2, plain, statusFields } from "../support/http2";
import { kafka } from "../support/kafka";
import { kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { int32, mongo, msg } from "../support/mongo";
import { type Conversation, join, number, pcap } from "../support/pcap-builder";
import { command, OK, redis } from "../support/redis";
import { coreModule, readRoundTrips } from "../support/round-trips";
import { CAPABILITY, connection, my, PLAIN, pg } from "../support/sql";
import { clientHello, EXTENSION, handshake12, record, talkOf } from "../support/tls";
import { AGREED, closing, OPCODE, pushed, sent } from "../support/websocket";

/** Gives each field its text: a usual one, but for the field in question. */
type Texts = (field: string) => string;

interface Limit {
  bytes: number;
  usual: string;
  /** A text of so many bytes; letters unless given. */
  long?: (bytes: number) => string;
  /** The field whose text it is, where it is not its own. */
  of?: string;
  /** Round trips that show it; one unless given. */
  shown?: number;
}

interface Limited {
  limits: Record<string, Limit>;
  talk: (text: Texts) => Conversation;
}

const letters =
  (letter: string, head = "") =>
  (bytes: number) =>
    head + letter.repeat(bytes - head.length);
const small = letters("x");

const target: Limit = { bytes: 1024, usual: "/a", long: letters("x", "/") };
const named = (bytes: number, usual = "usual", shown = 1): Limit => ({ bytes, usual, shown });

const HTTP: Limited = {
  limits: {
    "request.target": target,
    "request.path": { ...target, of: "request.target" },
    "request.host": named(255),
    "request.userAgent": named(255),
    "request.traceparent": named(63),
    "request.contentType": named(127),
    "response.contentType": named(127),
    "response.reason": named(63),
  },
  talk: (text) => {
    const head = [
      `Host: ${text("request.host")}`,
      `User-Agent: ${text("request.userAgent")}`,
      `Traceparent: ${text("request.traceparent")}`,
      `Content-Type: ${text("request.contentType")}`,
    ];
    const type = [`Content-Type: ${text("response.contentType")}`];
    return http()
      .send("client", asking(`GET ${text("request.target")} HTTP/1.1`, head))
      .send("server", answering(`200 ${text("response.reason")}`, "", type));
  },
};

/** Texts that streams of HTTP/2 and calls of gRPC have. */
const STREAM = {
  "request.authority": named(255),
  "request.userAgent": named(255),
  "request.traceparent": named(63),
};
const streamFields = (text: Texts, method: string, scheme: string, path: string) =>
  join(
    plain(2, method),
    plain(6, scheme),
    plain(1, text("request.authority")),
    plain(4, path),
    plain("user-agent", text("request.userAgent")),
    plain("traceparent", text("request.traceparent")),
    plain("content-type", text("request.contentType")),
  );

const HTTP2: Limited = {
  limits: {
    ...STREAM,
    "request.method": { bytes: 32, usual: "GET", long: letters("M") },
    "request.scheme": named(16, "http"),
    "request.path": target,
    "request.contentType": named(127),
    "response.contentType": named(127),
  },
  talk: (text) => {
    const block = streamFields(text, text("request.method"), text("request.scheme"), text("request.path"));
    const answer = statusFields(200, [["content-type", text("response.contentType")]]);
    return http2().send("client", headers(1, block)).send("server", headers(1, answer));
  },
};

const call = { bytes: 127, usual: "application/grpc", long: letters("x", "application/grpc+") };
const PATH = "/e/";
const GRPC: Limited = {
  limits: {
    ...STREAM,
    // Service and method are parts of one path.
    "request.method": named(1024 - PATH.length),
    "request.timeout": named(32, "5S"),
    "request.encoding": named(32, "gzip"),
    "request.contentType": call,
    "response.contentType": call,
    "response.encoding": named(32, "gzip"),
    "response.grpcMessage": named(255),
  },
  talk: (text) => {
    const message = join([0], number(3, 4), "abc");
    const block = join(
      streamFields(text, "POST", "http", PATH + text("request.method")),
      plain("grpc-timeout", text("request.timeout")),
      plain("grpc-encoding", text("request.encoding")),
    );
    const begin = statusFields(200, [
      ["content-type", text("response.contentType")],
      ["grpc-encoding", text("response.encoding")],
    ]);
    const end = join(plain("grpc-status", "0"), plain("grpc-message", text("response.grpcMessage")));
    return http2()
      .send("client", join(headers(1, block, false), data(1, message)))
      .send("server", join(headers(1, begin, false), data(1, message, false), headers(1, end)));
  },
};

/** A statement whose fingerprint is short, and one whose fingerprint is as long as itself. */
const blanks = (bytes: number) => `SELECT${" ".repeat(bytes - 7)}x`;
const statement: Limit = { bytes: 1024, usual: "SELECT a", long: blanks, shown: 3 };
const fingerprint: Limit = { bytes: 512, usual: "SELECT a", long: letters("x", "SELECT "), of: "request.statement", shown: 3 };

const MYSQL: Limited = {
  limits: {
    "request.statement": statement,
    "request.fingerprint": fingerprint,
    "request.user": named(64, "root", 5),
    "request.database": named(64, "shop", 5),
    "response.errorMessage": named(256),
  },
  talk: (text) =>
    connection()
      .send("server", my.greeting())
      .send("client", my.login(PLAIN | CAPABILITY.database, text("request.user"), text("request.database")))
      .send("server", my.ok(2))
      .send("client", my.command(22, text("request.statement")))
      .send("server", my.prepared(9, 0, 0))
      .send("client", my.execute(9))
      .send("server", my.ok(1))
      .send("client", my.query(text("request.statement")))
      .send("server", my.error(1, 1146, "42S02", text("response.errorMessage")))
      .send("client", my.command(14))
      .send("server", my.ok(1)),
};

const POSTGRESQL: Limited = {
  limits: {
    "request.statement": { ...statement, shown: 2 },
    "request.fingerprint": { ...fingerprint, shown: 2 },
    "request.portal": named(63),
    "request.user": named(63, "ann", 3),
    "request.database": named(63, "shop", 3),
    "request.application": named(63, "till", 3),
    "response.commandTag": named(63),
    "response.severity": named(16),
    "response.message": named(256),
  },
  talk: (text) => {
    const [user, database, application] = ["user", "database", "application"].map((name) => text(`request.${name}`));
    const portal = text("request.portal");
    const error = `S${text("response.severity")}\0C42601\0M${text("response.message")}\0\0`;
    return connection({ serverPort: 5432 })
      .send("client", pg.untyped(196608, `user\0${user}\0database\0${database}\0application_name\0${application}\0\0`))
      .send("server", pg.welcome())
      .send("client", join(pg.parse(text("request.statement")), pg.bind("", portal), pg.execute(portal), pg.sync()))
      .send("server", join(pg.message("1"), pg.message("2"), pg.complete(text("response.commandTag")), pg.ready()))
      .send("client", pg.query(text("request.statement")))
      .send("server", join(pg.message("E", error), pg.ready()));
  },
};

const REDIS: Limited = {
  limits: {
    "request.command": { bytes: 32, usual: "PING", long: letters("X") },
    "request.key": named(255),
    "response.errorCode": { bytes: 32, usual: "ERR", long: letters("E") },
    "response.errorMessage": named(255),
  },
  talk: (text) =>
    redis()
      .send("client", command("GET", text("request.key")))
      .send("server", `-${text("response.errorCode")} ${text("response.errorMessage")}\r\n`)
      .send("client", command(text("request.command")))
      .send("server", OK),
};

const KAFKA: Limited = {
  limits: { "request.groupId": named(255), "request.transactionalId": named(255) },
  talk: (text) =>
    kafka()
      .send("client", kafkaRequest("Heartbeat", 1, { groupId: text("request.groupId") }, { correlationId: 1 }))
      .send("server", kafkaResponse("Heartbeat", 1, {}, { correlationId: 1 }))
      .send(
        "client",
        kafkaRequest("InitProducerId", 1, { transactionalId: text("request.transactionalId") }, { correlationId: 2 }),
      )
      .send("server", kafkaResponse("InitProducerId", 1, {}, { correlationId: 2 })),
};

const MONGODB: Limited = {
  limits: {
    "request.database": named(255),
    "request.collection": named(255),
    "response.codeName": named(255),
    "response.message": named(255),
  },
  talk: (text) => {
    const asked = { find: text("request.collection"), $db: text("request.database") };
    const failed = { ok: 0, errmsg: text("response.message"), code: int32(59), codeName: text("response.codeName") };
    return mongo()
      .send("client", msg(1, { ping: 1, $db: "admin" }))
      .send("server", msg(2, { ok: 1 }, { responseTo: 1 }))
      .send("client", msg(3, asked))
      .send("server", msg(4, failed, { responseTo: 3 }));
  },
};

const TLS: Limited = {
  limits: { "request.serverName": named(255), "request.alpn": { bytes: 255, usual: "h2", long: small } },
  talk: (text) => {
    // A name of the list has 255 bytes at the most; what does not fit as a whole is left out.
    const names = text("request.alpn").length > 255 ? [text("request.alpn").slice(0, 255), "y"] : [text("request.alpn")];
    const hello = clientHello({ extensions: [EXTENSION.serverName(text("request.serverName")), EXTENSION.alpn(...names)] });
    return talkOf([["client", record(22, hello)], ...handshake12().slice(1)]);
  },
};

const WEBSOCKET: Limited = {
  limits: {
    "request.host": named(255),
    "request.target": target,
    "request.path": { ...target, of: "request.target" },
    "request.userAgent": named(255),
  },
  talk: (text) => {
    const head = [`Host: ${text("request.host")}`, `User-Agent: ${text("request.userAgent")}`];
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: a2V5"];
    return http()
      .send("client", asking(`GET ${text("request.target")} HTTP/1.1`, [...head, ...upgrade]))
      .send("server", AGREED)
      .send("client", sent(OPCODE.close, closing(1000)))
      .send("server", pushed(OPCODE.close, closing(1000)));
  },
};

const PROTOCOLS: Record<string, Limited> = {
  ...{ http: HTTP, http2: HTTP2, grpc: GRPC, mysql: MYSQL, postgresql: POSTGRESQL, redis: REDIS },
  ...{ kafka: KAFKA, mongodb: MONGODB, tls: TLS, websocket: WEBSOCKET },
};

/** Texts that have no more bytes by their own form; what is longer is none of them. */
const BOUNDED = [
  /^dns /,
  /^amqp /,
  /^http (request\.method|(request|response)\.version)$/,
  /^(http|http2|grpc) (request|response)\.contentEncoding$/,
  /^grpc request\.service$/,
  /^(mysql|postgresql) response\.sqlState$/,
  /^kafka request\.clientId$/,
  /^mongodb (request\.command|response\.cursorId)$/,
  /^tls .*\.(ja3|ja3s|ja4)$/,
  /^tls response\.alpn$/,
];

const cases = Object.entries(PROTOCOLS).flatMap(([protocol, { limits, talk }]) =>
  Object.entries(limits).map(([field, limit]) => ({ protocol, field, limit, limits, talk })),
);

describe("texts are cut at their limits, with a mark", () => {
  test.each(cases)("$protocol $field: $limit.bytes", ({ protocol, field, limit, limits, talk }) => {
    const [side, name] = field.split(".") as ["request" | "response", string];
    for (const over of [0, 1]) {
      const long = (limit.long ?? small)(limit.bytes + over);
      const packets = talk((one) => (one === (limit.of ?? field) ? long : limits[one]!.usual)).close().packets;
      const trips = readRoundTrips(pcap(packets)).filter((trip) => trip.protocol === protocol);
      const found = trips.filter((trip) => trip[side]?.[name] === long.slice(0, limit.bytes));
      expect(found.length, trips.map((trip) => trip[side]?.[name]).join("\n")).toBe(limit.shown ?? 1);
      expect(found.map(({ marks }) => marks.includes("truncated"))).toEqual(found.map(() => over === 1));
    }
  });
});

test("there is none without", () => {
  const TEXT = 5;
  const texts = new Core(coreModule()).schema.protocols.flatMap(({ name: protocol, fields }) =>
    fields.filter(({ kind }) => kind === TEXT).map(({ side, name }) => `${protocol} ${side}.${name}`),
  );
  const known = new Set(cases.map(({ protocol, field }) => `${protocol} ${field}`));
  expect(texts.filter((text) => !known.has(text) && !BOUNDED.some((form) => form.test(text)))).toEqual([]);
});
