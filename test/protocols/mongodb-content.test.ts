/** What MongoDB's messages carry, kept where it is asked for: as it was sent, up to what was not captured, and without secrets. */
import { deflateSync } from "node:zlib";
import { BSON } from "mongodb";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes } from "../support/fixtures";
import { bson, compressed, EVERY_TYPE, int32, int64, message, mongo, msg, msgBody, query, reply, snap } from "../support/mongo";
import { pcap } from "../support/pcap-builder";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const N = 2048;
const SEGMENTS = [1, 2, 3, 7, 64, 1400];
type Document = Record<string, unknown>;

/** The MongoDB round trips of a capture, bodies as they are shown. */
function read(file: Uint8Array, raw = true, options: CoreOptions = { bodyBytes: N }): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, ...options });
  const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
  return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "mongodb");
}

const shown = (trips: RoundTrip[]) => trips.map(({ request, response }) => [request?.body, response?.body]);
const packetsOf = (asked: Uint8Array, answered: Uint8Array, segment = 1400) =>
  mongo().send("client", asked, segment).send("server", answered, segment).close().packets;

/** What is shown of a request and its reply, `segment` bytes a packet. */
function exchange(asked: Uint8Array, answered: Uint8Array, segment = 1400, raw = true, options?: CoreOptions) {
  return shown(read(pcap(packetsOf(asked, answered, segment)), raw, options))[0]!;
}

/** Trips but for what is kept. */
function others(trips: RoundTrip[]): RoundTrip[] {
  for (const { request, response } of trips) {
    delete request?.body;
    delete response?.body;
  }
  return trips;
}

const le = (value: number, bytes = 4) => Array.from({ length: bytes }, (_, index) => (value >> (8 * index)) & 255);
const cstring = (text: string) => [...Buffer.from(text), 0];
const DONE = (id: number) => msg(1000 + id, { n: 1, ok: 1 }, { responseTo: id });

/** Documents as the driver writes them, of each type that there is. */
const { Long, Decimal128, Double, Timestamp, Binary, BSONRegExp, Code, DBRef, MinKey, MaxKey, ObjectId, BSONSymbol, Int32 } =
  BSON;
const WRITTEN: Document = {
  find: "users",
  text: 'häß"lich\n',
  int: new Int32(-5),
  double: new Double(1.5),
  large: new Double(1e300),
  infinite: new Double(Number.NEGATIVE_INFINITY),
  none: new Double(Number.NaN),
  long: Long.fromBigInt(9_007_199_254_740_991n),
  id: new ObjectId("6b0023782aacfbaa65c0bd28"),
  date: new Date("2026-11-20T10:39:51.736Z"),
  second: new Date("2026-11-20T10:39:51Z"),
  before: new Date(-5),
  beyond: new Date(8e15),
  binary: new Binary(Buffer.from([1, 2, 3]), 0x80),
  uuid: new Binary(Buffer.alloc(16, 7), 4),
  pattern: new BSONRegExp("^a.*", "im"),
  stamp: new Timestamp({ t: 4_000_000_000, i: 7 }),
  code: new Code("return 1"),
  scoped: new Code("return a", { a: 1 }),
  symbol: new BSONSymbol("sym"),
  reference: new DBRef("users", new ObjectId("6b0023782aacfbaa65c0bd28")),
  least: new MinKey(),
  most: new MaxKey(),
  nothing: null,
  yes: true,
  nested: { a: [1, [2, { b: {} }], []], "": "" },
  decimals: ["1.5", "-0", "0E+3", "1E-7", "0.000001", "NaN", "-Infinity", "9999999999999999999999999999999999", "1.20E+6144"].map(
    (one) => Decimal128.fromString(one),
  ),
  $db: "lab",
};

describe("what was sent", () => {
  const bytes = [...BSON.serialize(WRITTEN)];
  const reference = JSON.parse(BSON.EJSON.stringify(BSON.deserialize(Uint8Array.from(bytes), { promoteValues: false })));

  test.each(SEGMENTS)("is what the driver's own Extended JSON says, in pieces of %i bytes", (segment) => {
    const asked = message(2013, 1, 0, [...le(0), 0, ...bytes]);
    const answered = message(2013, 2, 1, [...le(0), 0, ...bytes]);
    for (const body of exchange(asked, answered, segment)) expect(JSON.parse(String(body))).toEqual(reference);
  });

  const found = { cursor: { firstBatch: [{ a: 1, b: "x" }], id: int64(5n), ns: "lab.users" }, ok: 1 };

  test("is hidden unless it is asked for raw, but for names and what the fields tell", () => {
    const asked = msg(1, { find: "users", filter: { name: "Anna", age: { $gt: 5 } }, limit: int32(1), one: true, $db: "lab" });
    expect(exchange(asked, msg(2, found, { responseTo: 1 }), 1400, false)).toEqual([
      '{"find":"users","filter":{"name":"?","age":{"$gt":?}},"limit":?,"one":true,"$db":"lab"}',
      '{"cursor":{"firstBatch":[{"a":?,"b":"?"}],"id":?,"ns":"?"},"ok":1}',
    ]);
    const [all] = exchange(msg(1, { find: "users", ...EVERY_TYPE, $db: "lab" }), DONE(1), 1400, false);
    expect(all).toContain('"id":{"$oid":"?"},"yes":true,"date":{"$date":"?"},"none":null');
    expect(all).toContain('"binary":{"$binary":{"base64":"?","subType":"00"}}');
    const failed = msg(2, { ok: 0, errmsg: "no 'x'", code: int32(59), codeName: "CommandNotFound" }, { responseTo: 1 });
    expect(exchange(msg(1, { x: 1, $db: "lab" }), failed, 1400, false)).toEqual([
      '{"x":?,"$db":"lab"}',
      '{"ok":0,"errmsg":"?","code":59,"codeName":"CommandNotFound"}',
    ]);
  });

  test.each(SEGMENTS)("in sections, with or without a checksum, in pieces of %i bytes", (segment) => {
    const sequences = { documents: [{ a: "1" }, { b: "2" }], others: [{ c: "3" }] };
    for (const flags of [0, 1]) {
      const asked = msg(1, { insert: "users", $db: "lab" }, { flags, sequences });
      expect(exchange(asked, DONE(1), segment)).toEqual([
        '{"insert":"users","$db":"lab"}\n{"a":"1"}\n{"b":"2"}\n{"c":"3"}',
        '{"n":1,"ok":1}',
      ]);
    }
  });

  test.each(SEGMENTS)("by older operations, in pieces of %i bytes", (segment) => {
    const name = [...le(0), ...cstring("lab.users")];
    const a = bson({ a: "1" });
    expect(exchange(query(1, "lab.users", { a: "1" }), reply(2, 1, [{ b: "2" }, { c: "3" }]), segment)).toEqual([
      '{"a":"1"}',
      '{"b":"2"}\n{"c":"3"}',
    ]);
    expect(exchange(query(1, "lab.$cmd", { ping: 1 }), reply(2, 1, [{ ok: 1 }]), segment)).toEqual(['{"ping":1}', '{"ok":1}']);
    const alone = (opcode: number, body: number[]) =>
      shown(
        read(
          pcap(
            mongo()
              .send("client", message(opcode, 1, 0, body), segment)
              .close().packets,
          ),
        ),
      )[0];
    expect(alone(2002, [...name, ...a, ...a])).toEqual(['{"a":"1"}\n{"a":"1"}', undefined]);
    expect(alone(2001, [...name, ...le(0), ...a, ...a])).toEqual(['{"a":"1"}\n{"a":"1"}', undefined]);
    expect(alone(2006, [...name, ...le(0), ...a])).toEqual(['{"a":"1"}', undefined]);
    const more = message(2005, 1, 0, [...name, ...le(0), ...le(5, 8)]);
    expect(exchange(more, reply(2, 1, [{ b: "2" }]), segment)).toEqual([undefined, '{"b":"2"}']);
  });

  test.each([7, 1400])("inside of OP_COMPRESSED, snappy and zlib, in pieces of %i bytes", (segment) => {
    const body = msgBody({ find: "users", filter: { a: "x".repeat(300) }, $db: "lab" });
    const whole = `{"find":"users","filter":{"a":"${"x".repeat(300)}"},"$db":"lab"}`;
    const zlib = [...deflateSync(Uint8Array.from(body))];
    expect(exchange(compressed(1, 0, 1, body, snap(body)), DONE(1), segment)).toEqual([whole, '{"n":1,"ok":1}']);
    expect(exchange(compressed(1, 0, 2, body, zlib), DONE(1), segment)).toEqual([whole, '{"n":1,"ok":1}']);
    // Of what is not unpacked nothing is known, so neither what its answer may be.
    expect(exchange(compressed(1, 0, 3, body, zlib), DONE(1), segment)).toEqual([undefined, undefined]);
  });
});

describe("what is not all there", () => {
  const long = "0123456789".repeat(1000);
  const asked = msg(1, { insert: "users", documents: [{ a: long }], $db: "lab" });
  const answered = msg(2, { cursor: { firstBatch: [{ a: long }], id: int64(0n) }, ok: 1 }, { responseTo: 1 });

  test.each(SEGMENTS.slice(2))("so many bytes are kept as were asked for, in pieces of %i", (segment) => {
    const [request, response] = exchange(asked, answered, segment, true, { bodyBytes: 300 });
    const headOf = (text: Uint8Array) => Buffer.from(text).indexOf("0123456789") - 16;
    expect(request).toBe(`{"insert":"users","documents":[{"a":"${long.slice(0, 300 - headOf(asked))}…"}]}`);
    expect(response).toBe(`{"cursor":{"firstBatch":[{"a":"${long.slice(0, 300 - headOf(answered))}…"}]}}`);
  });

  test("behind missing bytes nothing more is kept, and nothing else changes", () => {
    const values = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`k${index}`, { of: ["value", String(index)] }]));
    const packets = packetsOf(
      msg(1, { insert: "users", filter: values, $db: "lab" }, { sequences: { documents: [values] } }),
      msg(2, { cursor: { firstBatch: [values, values], id: int64(0n) }, more: values, ok: 1 }, { responseTo: 1 }),
      50,
    );
    const whole = shown(read(pcap(packets)))[0]!.map(String);
    let kept = 0;
    for (let lost = 3; lost < packets.length; lost++) {
      for (let count = 1; count <= 3; count += 2) {
        const file = pcap(packets.filter((_, index) => index < lost || index >= lost + count));
        const trips = read(file);
        for (const bodies of shown(trips)) {
          bodies.forEach((body, side) => {
            const start = String(body ?? "")
              .replace(/("[^"]*…[^"]*"|…).*$/s, "")
              .replace(/[\]},]*$/, "");
            expect(whole[side]!.startsWith(start), `${lost}: ${start}`).toBe(true);
            kept += start.length;
          });
        }
        expect(others(trips), `${lost}, ${count}`).toEqual(read(file, true, {}));
      }
    }
    expect(kept).toBeGreaterThan(1000);
  });
});

describe("secrets", () => {
  const secret = "hunter2";
  const of = (first: Document) => ({ ...first, payload: secret, credentials: { pwd: secret }, $db: "admin" });
  const HELLO = { hello: 1, client: { name: "x".repeat(99) }, speculativeAuthenticate: { saslStart: 1, payload: secret } };
  const answer = { ok: 1, payload: secret, speculativeAuthenticate: { payload: secret } };
  const commands =
    "saslStart saslContinue authenticate getnonce createUser updateUser usersInfo copydb copydbsaslstart setParameter";
  const sent: [string, Uint8Array][] = [
    ...commands.split(" ").map((name): [string, Uint8Array] => [name, msg(1, of({ [name]: 1 }))]),
    ...["hello", "isMaster", "ismaster"].map((name): [string, Uint8Array] => [name, msg(1, { [name]: 1, ...HELLO, $db: "a" })]),
    ["isMaster of OP_QUERY", query(1, "admin.$cmd", { isMaster: 1, ...HELLO })],
    ["saslStart of OP_QUERY", query(1, "admin.$cmd", of({ saslStart: 1 }))],
    ["saslStart in $query", query(1, "admin.$cmd", { $query: of({ saslStart: 1 }) })],
    [
      "saslStart of OP_COMMAND",
      message(2010, 1, 0, [...cstring("admin"), ...cstring("saslStart"), ...bson({}), ...bson(of({ saslStart: 1 }))]),
    ],
    ["saslStart compressed", compressed(1, 0, 1, msgBody(of({ saslStart: 1 })), snap(msgBody(of({ saslStart: 1 }))))],
    ["documents before a command", msg(1, of({ createUser: "x" }), { sequences: { documents: [{ secret }] }, bodyLast: true })],
    ["users", msg(1, { find: "system.users", filter: { secret }, $db: "admin" })],
    ["users of an older operation", query(1, "admin.system.users", { secret })],
    ["an insert of users", message(2002, 1, 0, [...le(0), ...cstring("lab.system.users"), ...bson({ secret })])],
    ["more users", msg(1, { getMore: int64(5n), collection: "system.users", secret, $db: "admin" })],
    ["the oplog", msg(1, { aggregate: "oplog.rs", pipeline: [{ secret }], $db: "local" })],
  ];

  test.each(sent)("%s", (_, asked) => {
    const answered = [msg(2, answer, { responseTo: 1 }), reply(2, 1, [answer])];
    for (const response of answered) {
      for (const segment of [1, 5, 1400]) {
        const file = pcap(packetsOf(asked, response, segment));
        expect(JSON.stringify(shown(read(file)))).not.toContain(secret);
        expect(Buffer.from(JSON.stringify(read(file, true, { bodyBytes: N, headers: true }))).includes(secret)).toBe(false);
      }
    }
  });

  test("nor where part of the request, or all of it, was not captured", () => {
    const answered = msg(2, { ok: 1, payload: secret }, { responseTo: 1 });
    for (const [what, asked] of sent) {
      const before = mongo()
        .send("client", msg(9, { ping: 1, $db: "lab" }))
        .send("server", DONE(9));
      const { packets } = before.send("client", asked, 40).send("server", answered).close();
      for (let lost = 5; lost < packets.length; lost++) {
        const bodies = shown(read(pcap(packets.filter((_, index) => index !== lost))));
        // A secret's own bytes are in what was lost, or behind it.
        expect(JSON.stringify(bodies), `${what}, without ${lost}`).not.toContain(secret);
      }
    }
  });

  test("others around them are shown", () => {
    const talk = mongo();
    talk.send("client", msg(1, of({ saslStart: 1 }))).send("server", msg(2, answer, { responseTo: 1 }));
    talk
      .send("client", msg(3, { ping: "x", $db: "lab" }))
      .send("server", DONE(3))
      .close();
    expect(shown(read(pcap(talk.packets)))).toEqual([
      [undefined, undefined],
      ['{"ping":"x","$db":"lab"}', '{"n":1,"ok":1}'],
    ]);
  });
});

describe("captures", () => {
  const packetbeat = "upstream/urso/packetbeat/packetbeat/tests/system/pcaps/";
  const corpus = [
    `${packetbeat}mongodb_op_msg_opcode.pcap`,
    `${packetbeat}mongodb_more_rows.pcap`,
    `${packetbeat}mongo_3.0_session.pcap`,
    `${packetbeat}mongodb_find.pcap`,
    `${packetbeat}mongodb_use_db.pcap`,
    "upstream/arkime/arkime/tests/pcap/mongo.pcap",
    "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/mongo/mongo-msg.pcap",
  ];
  const files: [string, () => Uint8Array][] = [
    ["mongo_node.pcap", () => fixtureBytes("mongo_node.pcap")],
    ...(HAS_CORPUS ? corpus.map((name): [string, () => Uint8Array] => [name, () => corpusBytes(name)]) : []),
  ];

  test.each(files)("%s: nothing else changes", (_, bytes) => {
    const kept = read(bytes());
    expect(kept.some(({ request, response }) => request?.body ?? response?.body)).toBe(true);
    expect(others(kept)).toEqual(read(bytes(), true, {}));
  });

  test.runIf(HAS_TSHARK).each(files.filter(([name]) => /mongo_node|more_rows|3\.0_session/.test(name)))(
    "%s: all texts are tshark's",
    (_, bytes) => {
      const rows = tsharkFields(
        bytes(),
        ["mongo.element.value.string"],
        ["-d", "tcp.port==27017,mongo", "-Y", "mongo", "-E", "aggregator=|"],
      );
      const theirs = new Set(rows.flatMap(([texts = ""]) => texts.split("|")));
      let texts = 0;
      const look = (value: unknown): void => {
        if (typeof value === "string") {
          expect(theirs, value).toContain(value);
          texts += 1;
        } else if (value && typeof value === "object") {
          // What has a name with $ is no text but something else.
          for (const [name, one] of Object.entries(value))
            if (!/^\$(oid|date|binary|timestamp|numberDecimal)/.test(name)) look(one);
        }
      };
      for (const { request, response } of read(bytes())) {
        for (const body of [request?.body, response?.body]) {
          for (const line of String(body ?? "").split("\n")) if (line && !line.includes("…")) look(JSON.parse(line));
        }
      }
      expect(texts).toBeGreaterThan(5);
    },
  );
});
