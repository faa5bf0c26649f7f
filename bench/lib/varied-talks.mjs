/**
 * What is said on connections of each protocol that has any, with a key of its own in each exchange: generators of
 * [fromClient, bytes], a few exchanges long. DNS and HTTP are not among them: ./overload.mjs has them in many forms.
 */
import { mysql, postgresql } from "../roundtrips/sql.mjs";

const EXCHANGES = 6;
const LONG = "long-".repeat(8);

const big = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
};
const little = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(value, 0, bytes);
  return out;
};
const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));
const withLength = (lengthBytes, ...parts) => {
  const whole = join(...parts);
  return join(big(whole.length, lengthBytes), whole);
};

/** A text of letters that stands for a number. */
const lettersOf = (number) => number.toString().replace(/\d/g, (digit) => "abcdefghij"[digit]);
const key = (world, most = 100_000) => `${LONG}${lettersOf(Math.floor(world.random() ** 2 * most))}`;

function* redis(world) {
  const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
  for (let i = 0; i < EXCHANGES; i++) {
    const verb = ["GET", "INCR", "HGETALL", "LPOP", "TTL"][world.pick(5)];
    yield [true, Buffer.from(`*2\r\n${bulk(verb)}${bulk(`${key(world)}:1`)}`)];
    yield [false, Buffer.from(world.pick(5) === 0 ? `-E${key(world, 300).toUpperCase()} no\r\n` : ":1\r\n")];
  }
}

const statement = (world) => ({ text: `SELECT id FROM ${key(world).replaceAll("-", "_")} WHERE id = 1`, changes: false });

function* kafka(world) {
  for (let correlation = 1; correlation <= EXCHANGES; correlation++) {
    const topic = key(world);
    const name = join(big(topic.length, 2), topic);
    yield [true, withLength(4, big(3, 2), big(1, 2), big(correlation, 4), big(4, 2), "till", big(1, 4), name)];
    const error = world.pick(5) === 0 ? 3 : 0;
    yield [false, withLength(4, big(correlation, 4), big(0, 4), big(1, 4), big(1, 4), big(error, 2), name, [0], big(0, 4))];
  }
}

const text = (name, value) => join([2], name, [0], little(value.length + 1, 4), value, [0]);
const number = (name, value) => join([16], name, [0], little(value, 4));
const document = (...elements) => {
  const inner = join(...elements, [0]);
  return join(little(inner.length + 4, 4), inner);
};

function* mongodb(world) {
  for (let id = 1; id <= EXCHANGES; id++) {
    const message = (requestId, responseTo, body) =>
      join(
        little(16 + 5 + body.length, 4),
        little(requestId, 4),
        little(responseTo, 4),
        little(2013, 4),
        little(0, 4),
        [0],
        body,
      );
    yield [true, message(id, 0, document(text("find", key(world)), text("$db", key(world, 50))))];
    const failed = document(number("ok", 0), number("code", 11_000), text("codeName", "DuplicateKey"));
    yield [false, message(1000 + id, id, world.pick(5) === 0 ? failed : document(number("ok", 1)))];
  }
}

const shortText = (value) => join([value.length], value);
const amqpFrame = (type, channel, ...parts) => {
  const whole = join(...parts);
  return join([type], big(channel, 2), big(whole.length, 4), whole, [0xce]);
};
const amqpMethod = (channel, classId, methodId, ...parts) => amqpFrame(1, channel, big(classId, 2), big(methodId, 2), ...parts);
const longText = (value) => join(big(value.length, 4), value);

function* amqp(world) {
  yield [true, join("AMQP", [0, 0, 9, 1])];
  yield [false, amqpMethod(0, 10, 10, [0, 9], longText(""), longText("PLAIN"), longText("en_US"))];
  yield [true, amqpMethod(0, 10, 11, longText(""), shortText("PLAIN"), longText("\0till\0word"), shortText("en_US"))];
  yield [false, amqpMethod(0, 10, 30, big(2047, 2), big(131_072, 4), big(60, 2))];
  yield [
    true,
    join(amqpMethod(0, 10, 31, big(2047, 2), big(131_072, 4), big(60, 2)), amqpMethod(0, 10, 40, shortText("/"), [0, 0])),
  ];
  yield [false, amqpMethod(0, 10, 41, [0])];
  yield [true, amqpMethod(1, 20, 10, [0])];
  yield [false, amqpMethod(1, 20, 11, big(0, 4))];
  for (let i = 0; i < EXCHANGES; i++) {
    const queue = shortText(key(world));
    yield [true, amqpMethod(1, 50, 10, big(0, 2), queue, [0], big(0, 4))];
    yield [false, amqpMethod(1, 50, 11, queue, big(0, 4), big(0, 4))];
  }
}

const http2Frame = (type, flags, stream, ...parts) => {
  const whole = join(...parts);
  return join(big(whole.length, 3), [type, flags], big(stream, 4), whole);
};
/** A field that no table takes, by its names in full; texts are shorter than 127 bytes. */
const field = (name, value) => join([0], [name.length], name, [value.length], value);
const HEADERS = 1;
const END_HEADERS = 4;
const END_STREAM = 1;

function* http2(world, requestFields, answer) {
  yield [true, join("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http2Frame(4, 0, 0))];
  yield [false, join(http2Frame(4, 0, 0), http2Frame(4, 1, 0))];
  for (let i = 0; i < EXCHANGES; i++) {
    const stream = 1 + 2 * i;
    const request = join(
      field(":method", "POST"),
      field(":scheme", "http"),
      ...requestFields(world).map((pair) => field(...pair)),
    );
    yield [true, http2Frame(HEADERS, END_HEADERS | END_STREAM, stream, request)];
    yield [false, answer(world, stream)];
  }
}

const pages = (world) =>
  http2(
    world,
    (world) => [
      [":path", `/${key(world)}`],
      [":authority", "shop.example.test"],
    ],
    (world, stream) =>
      http2Frame(HEADERS, END_HEADERS | END_STREAM, stream, field(":status", world.pick(5) === 0 ? "503" : "200")),
  );

const calls = (world) =>
  http2(
    world,
    (world) => [
      [":path", `/${key(world)}/${lettersOf(world.pick(1000))}`],
      [":authority", "calls.example.test"],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ],
    (world, stream) =>
      join(
        http2Frame(HEADERS, END_HEADERS, stream, field(":status", "200"), field("content-type", "application/grpc")),
        http2Frame(HEADERS, END_HEADERS | END_STREAM, stream, field("grpc-status", String(world.pick(5) === 0 ? 13 : 0))),
      ),
  );

const extension = (type, ...parts) => join(big(type, 2), withLength(2, ...parts));

/** A handshake that the server refuses, or takes and closes. */
function* tls(world) {
  const name = `${key(world)}.test`;
  const serverName = extension(0, withLength(2, [0], withLength(2, name)));
  const suites = Array.from({ length: 3 + world.pick(20) }, (_, index) => big(0xc02b + index, 2));
  const versions = extension(43, [4, 3, 4, 3, 3]);
  const hello = join(
    [3, 3],
    Buffer.alloc(32, world.pick(256)),
    [0],
    withLength(2, ...suites),
    [1, 0],
    withLength(2, serverName, versions),
  );
  yield [true, join([22, 3, 1], withLength(2, [1], withLength(3, hello)))];
  yield [false, join([21, 3, 3], withLength(2, [2, 40 + world.pick(8)]))];
}

function* webSocket(world) {
  const head = `GET /${key(world)} HTTP/1.1\r\nHost: chat.example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  yield [true, Buffer.from(`${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)];
  const accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  yield [
    false,
    Buffer.from(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${accept}\r\n\r\n`),
  ];
  yield [true, join([0x81, 0x82, 1, 2, 3, 4], [104 ^ 1, 105 ^ 2])];
  const code = world.pick(5) === 0 ? 1011 : 1000;
  yield [false, join([0x81, 2], "hi", [0x88, 2], big(code, 2))];
  yield [true, join([0x88, 0x82, 0, 0, 0, 0], big(code, 2))];
}

/** Each with the port of its servers. */
export const VARIED_TALKS = [
  [6379, redis],
  [3306, (world) => mysql(world, EXCHANGES, statement)],
  [5432, (world) => postgresql(world, EXCHANGES, statement)],
  [9092, kafka],
  [27_017, mongodb],
  [5672, amqp],
  [8080, pages],
  [50_051, calls],
  [443, tls],
  [80, webSocket],
];
