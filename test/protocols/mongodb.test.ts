/** MongoDB: named cases. */
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  bson,
  compressed,
  EVERY_TYPE,
  int32,
  int64,
  line,
  lines,
  message,
  mongo,
  msg,
  msgBody,
  older,
  query,
  reply,
  snap,
  together,
  tripsOf,
} from "../support/mongo";
import { hex } from "../support/pcap-builder";

const find = (id: number) => msg(id, { find: "users", filter: { a: 1 }, $db: "lab" });
const found = (id: number, documents: Record<string, unknown>[] = [{ a: 1 }], more: Record<string, unknown> = {}) =>
  msg(1000 + id, { cursor: { firstBatch: documents, id: int64(0n), ns: "lab.users" }, ok: 1, ...more }, { responseTo: id });
const one = (request: Uint8Array, response: Uint8Array, segmentBytes = Number.POSITIVE_INFINITY) =>
  tripsOf(mongo().send("client", request, segmentBytes).send("server", response, segmentBytes).close().packets);

describe("OP_MSG", () => {
  test("bytes by hand: a ping", () => {
    const request = hex(
      "2e000000 07000000 00000000 dd070000 00000000 00 19000000 1070696e6700 01000000 0224646200 02000000 6100 00".replaceAll(
        " ",
        "",
      ),
    );
    const response = hex(
      "26000000 09000000 07000000 dd070000 00000000 00 11000000 016f6b00 000000000000f03f 00".replaceAll(" ", ""),
    );
    new DataView(request.buffer).setUint32(0, request.length, true);
    new DataView(request.buffer).setUint32(21, request.length - 21, true);
    const [trip] = one(request, response);
    expect(line(trip!)).toBe("ping a #7 ok");
    expect(trip!.request).toEqual({
      bytes: request.length,
      opCode: "OP_MSG",
      requestId: 7,
      bodyBytes: request.length - 16,
      database: "a",
      command: "ping",
    });
    expect(trip!.response).toEqual({ bytes: 38, opCode: "OP_MSG", requestId: 9, bodyBytes: 22, ok: 1 });
  });

  test("every type of element, in the way of what is looked for", () => {
    const request = msg(1, { aggregate: "orders", ...EVERY_TYPE, $db: "shop" });
    const response = msg(
      2,
      { ...EVERY_TYPE, cursor: { ...EVERY_TYPE, firstBatch: [EVERY_TYPE, EVERY_TYPE], id: int64(5n) }, ok: 1 },
      { responseTo: 1 },
    );
    for (const segmentBytes of [1460, 1, 7]) {
      const [trip] = one(request, response, segmentBytes);
      expect(line(trip!)).toBe("aggregate shop.orders #1 ok");
      expect(trip!.response).toMatchObject({ documents: 2, cursorId: "5", ok: 1 });
    }
  });

  test("several sections, the body first or last, and a checksum", () => {
    for (const flags of [0, 1]) {
      for (const bodyLast of [false, true]) {
        const sequences = { documents: [{ a: 1 }, { b: 2 }, { c: EVERY_TYPE }], others: [{ d: 4 }] };
        const request = msg(1, { insert: "orders", ordered: true, $db: "shop" }, { flags, sequences, bodyLast });
        const [trip] = one(request, msg(2, { n: 3, ok: 1 }, { responseTo: 1, flags }), 9);
        expect(line(trip!)).toBe("insert shop.orders #1 ok");
        expect(trip!.request).toMatchObject({ documents: 4 });
      }
    }
  });

  test("documents in the body", () => {
    const [trip] = one(msg(1, { update: "orders", updates: [{}, {}], $db: "shop" }), msg(2, { n: 2, ok: 1 }, { responseTo: 1 }));
    expect(trip!.request).toMatchObject({ command: "update", documents: 2 });
    const [other] = one(
      msg(1, { delete: "orders", deletes: [{}, {}, {}], $db: "shop" }),
      msg(2, { n: 3, ok: 1 }, { responseTo: 1 }),
    );
    expect(other!.request).toMatchObject({ command: "delete", documents: 3 });
  });

  test("a nested field named like a command, before the command's own", () => {
    const [trip] = one(msg(1, { find: "users", filter: { count: "yes", $db: "no", insert: "x" }, $db: "lab" }), found(1));
    expect(line(trip!)).toBe("find lab.users #1 ok");
  });

  test("values that are no collection", () => {
    const [trip] = one(msg(1, { getParameter: "*", $db: "admin" }), msg(2, { ok: 1 }, { responseTo: 1 }));
    expect(line(trip!)).toBe("getParameter admin #1 ok");
  });

  test("getMore names its collection, and its cursor has all digits", () => {
    const id = 9_007_199_254_740_993n;
    const request = msg(1, { getMore: int64(id), collection: "orders", batchSize: 5, $db: "shop" });
    const response = msg(2, { cursor: { nextBatch: [{}, {}, {}], id: int64(id), ns: "shop.orders" }, ok: 1 }, { responseTo: 1 });
    const [trip] = one(request, response);
    expect(line(trip!)).toBe("getMore shop.orders #1 ok");
    expect(trip!.response).toMatchObject({ documents: 3, cursorId: String(id) });
  });

  test("a failed command", () => {
    const response = msg(
      2,
      { ok: 0, errmsg: "no such command: 'x'", code: int32(59), codeName: "CommandNotFound" },
      { responseTo: 1 },
    );
    const [trip] = one(msg(1, { x: 1, $db: "lab" }), response);
    expect(line(trip!)).toBe("x lab #1 CommandNotFound error");
    expect(trip!.response).toMatchObject({ ok: 0, code: 59, codeName: "CommandNotFound", message: "no such command: ?" });
  });

  test("write errors and write concern errors fail though ok is 1", () => {
    const duplicate = {
      n: int32(0),
      writeErrors: [{ index: int32(0), code: int32(11000), keyPattern: { a: 1 }, errmsg: "E11000" }],
      ok: 1,
    };
    const [trip] = one(msg(1, { insert: "c", $db: "d" }), msg(2, duplicate, { responseTo: 1 }));
    expect(line(trip!)).toBe("insert d.c #1 11000 error");
    expect(trip!.response).toMatchObject({ ok: 1, code: 11000, message: "E11000" });
    const concern = { ok: 1, writeConcernError: { code: int32(64), codeName: "WriteConcernFailed", errmsg: "timed out" } };
    expect(
      lines(
        mongo()
          .send("client", find(1))
          .send("server", msg(2, concern, { responseTo: 1 }))
          .close().packets,
      ),
    ).toEqual(["find lab.users #1 WriteConcernFailed error"]);
  });

  test("moreToCome in a request: nothing comes back", () => {
    const request = msg(1, { insert: "c", $db: "d" }, { flags: 2, sequences: { documents: [{}] } });
    const packets = mongo()
      .send("client", together(request, find(2)))
      .send("server", found(2))
      .close().packets;
    expect(lines(packets)).toEqual(["insert d.c #1 - ok", "find lab.users #2 ok"]);
  });

  test("an exhaust cursor: replies that follow each other are one round trip", () => {
    const request = msg(1, { getMore: int64(5n), collection: "c", $db: "d" }, { flags: 0x10000 });
    const part = (id: number, to: number, flags: number) =>
      msg(id, { cursor: { nextBatch: [{}, {}], id: int64(flags ? 5n : 0n) }, ok: 1 }, { responseTo: to, flags });
    const replies = [part(11, 1, 2), part(12, 11, 2), part(13, 12, 0)];
    const talk = mongo()
      .send("client", request)
      .send("server", together(...replies));
    const trips = tripsOf(talk.send("client", find(2)).send("server", found(2)).close().packets);
    expect(trips.map(line)).toEqual(["getMore d.c #1 ok", "find lab.users #2 ok"]);
    const bytes = replies.reduce((sum, { length }) => sum + length, 0);
    expect(trips[0]!.response).toMatchObject({ replies: 3, documents: 6, bytes, bodyBytes: bytes - 3 * 16 });
  });

  test("an exhaust cursor lasts until its last reply, and fails with it", () => {
    const talk = mongo().send("client", msg(1, { getMore: int64(5n), collection: "c", $db: "d" }, { flags: 0x10000 }));
    talk.send("server", msg(11, { cursor: { nextBatch: [{}], id: int64(5n) }, ok: 1 }, { responseTo: 1, flags: 2 }));
    talk
      .wait(50_000_000n)
      .send("server", msg(12, { ok: 0, errmsg: "killed", code: int32(11601) }, { responseTo: 11 }))
      .close();
    const [trip, ...more] = tripsOf(talk.packets);
    expect(more).toEqual([]);
    expect(trip).toMatchObject({ status: "error", durationNs: 52_000_000, response: { replies: 2, documents: 1 } });
  });

  test("a hello that is answered again and again is one round trip, and its later replies no orphans", () => {
    const hello = msg(1, { hello: 1, $db: "admin" }, { flags: 0x10000 });
    const talk = mongo()
      .send("client", hello)
      .send("server", msg(5, { ok: 1 }, { responseTo: 1, flags: 2 }));
    talk.wait(10_000_000_000n).send("server", msg(6, { ok: 1 }, { responseTo: 5, flags: 2 }));
    talk.wait(10_000_000_000n).send("server", msg(7, { ok: 1 }, { responseTo: 6, flags: 2 }));
    const [trip, ...more] = tripsOf(talk.close().packets);
    expect(more).toEqual([]);
    expect(line(trip!)).toBe("hello admin #1 ok");
    // It ended with the first of them.
    expect(trip!.durationNs).toBe(1_000_000);
    expect(trip!.response).not.toHaveProperty("replies");
  });

  test("several messages in a segment, answers in any order", () => {
    const talk = mongo().send("client", together(find(1), find(2), find(3)));
    talk.send("server", together(found(3), found(1), found(2))).close();
    expect(lines(talk.packets)).toEqual(["find lab.users #3 ok", "find lab.users #1 ok", "find lab.users #2 ok"]);
  });

  test("a header split at every byte", () => {
    for (let cut = 1; cut < 30; cut++) {
      const talk = mongo();
      talk.send("client", find(1).subarray(0, cut)).send("client", find(1).subarray(cut)).send("server", found(1)).close();
      expect(lines(talk.packets)).toEqual(["find lab.users #1 ok"]);
    }
  });

  test("megabytes of documents", () => {
    const documents = Array.from({ length: 300 }, (_, index) => ({ index, text: "x".repeat(3000) }));
    const [trip] = one(find(1), found(1, documents), 1460);
    expect(line(trip!)).toBe("find lab.users #1 ok");
    expect(trip!.response).toMatchObject({ documents: 300 });
  });

  test("texts are clipped", () => {
    const [trip] = one(find(1), msg(2, { ok: 0, errmsg: "m".repeat(2000), code: 1 }, { responseTo: 1 }), 100);
    expect(trip!.response!.message).toBe("m".repeat(255));
    expect(trip!.marks).toContain("truncated");
  });

  test("documents nested a thousand deep cost nothing", () => {
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 1000; i++) deep = { d: deep };
    expect(line(one(msg(1, { find: "c", filter: deep, $db: "d" }), found(1))[0]!)).toBe("find d.c #1 ok");
  });

  test("a response without its request is an orphan", () => {
    const talk = mongo()
      .send("client", find(1))
      .send("server", together(found(1), found(9)))
      .close();
    const trips = tripsOf(talk.packets);
    expect(trips.map(({ request, response }) => [request?.requestId, response?.requestId])).toEqual([
      [1, 1001],
      [undefined, 1009],
    ]);
  });
});

describe("older operations", () => {
  test("OP_QUERY hello", () => {
    const [trip] = one(query(1, "admin.$cmd", { hello: int32(1), helloOk: true }), reply(2, 1, [{ helloOk: true, ok: 1 }]));
    expect(line(trip!)).toBe("hello admin #1 ok");
    expect(trip!.request).toMatchObject({ opCode: "OP_QUERY" });
    expect(trip!.response).toMatchObject({ opCode: "OP_REPLY", ok: 1, documents: 1, cursorId: "0" });
  });

  test("a command inside $query", () => {
    const [trip] = one(
      query(1, "lab.$cmd", { $query: { count: "c", query: {} }, $readPreference: {} }),
      reply(2, 1, [{ n: 1, ok: 1 }]),
    );
    expect(line(trip!)).toBe("count lab.c #1 ok");
  });

  test("a query, whose documents may have a field ok", () => {
    const [trip] = one(query(1, "lab.users.old", { a: 1 }), reply(2, 1, [{ ok: 0 }, { ok: 0 }], 8, 77n));
    expect(line(trip!)).toBe("query lab.users.old #1 ok");
    expect(trip!.response).toMatchObject({ documents: 2, cursorId: "77" });
  });

  test("a query that failed, a command that failed, a cursor that is gone", () => {
    const failed = reply(2, 1, [{ $err: "bad", code: int32(17287) }], 2);
    expect(line(one(query(1, "lab.c", {}), failed)[0]!)).toBe("query lab.c #1 17287 error");
    expect(line(one(query(1, "lab.$cmd", { x: 1 }), reply(2, 1, [{ ok: 0, errmsg: "no", code: 59 }]))[0]!)).toBe(
      "x lab #1 59 error",
    );
    const more = older(2005, 1, "lab.c", [...Array.from({ length: 12 }, () => 1)]);
    expect(line(one(more, reply(2, 1, [], 1))[0]!)).toBe("getMore lab.c #1 error");
  });

  test("writes without a response", () => {
    const insert = older(2002, 1, "lab.c", [...bson({ a: 1 }), ...bson({ b: 1 })]);
    const others = [
      older(2001, 2, "lab.c", [0, 0, 0, 0, ...bson({}), ...bson({})]),
      older(2006, 3, "lab.c", [0, 0, 0, 0, ...bson({})]),
    ];
    const kill = older(2007, 4, "", [1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const trips = tripsOf(
      mongo()
        .send("client", together(insert, ...others, kill))
        .close().packets,
    );
    expect(trips.map(line)).toEqual([
      "insert lab.c #1 - ok",
      "update lab.c #2 - ok",
      "delete lab.c #3 - ok",
      "killCursors #4 - ok",
    ]);
    expect(trips[0]!.request).toMatchObject({ documents: 2 });
  });

  test("OP_COMMAND", () => {
    const body = [...new TextEncoder().encode("lab\0find\0"), ...bson({ find: "c" }), ...bson({})];
    const answer = message(2011, 2, 1, [...bson({ ok: 1 }), ...bson({})]);
    expect(line(one(message(2010, 1, 0, body), answer)[0]!)).toBe("find lab.c #1 ok");
  });
});

describe("OP_COMPRESSED", () => {
  const asked = msgBody({ find: "users", filter: {}, $db: "lab" });
  const answered = msgBody({
    cursor: { firstBatch: Array.from({ length: 40 }, () => ({ a: "abcabcabcabc" })), id: int64(0n) },
    ok: 1,
  });

  const zip = (bytes: number[], level?: number) => [...deflateSync(Uint8Array.from(bytes), { level })];
  const stored = (bytes: number[]) => zip(bytes, 0);

  test.each([
    ["snappy", 1, snap],
    ["zlib", 2, zip],
  ])("%s", (name, compressor, pack) => {
    const response = compressed(2, 1, compressor, answered, pack(answered));
    expect(response.length).toBeLessThan(answered.length);
    const [trip] = one(compressed(1, 0, compressor, asked, pack(asked)), response, 50);
    expect(line(trip!)).toBe("find lab.users #1 ok");
    expect(trip!.request).toMatchObject({ opCode: "OP_MSG", compressor: name });
    expect(trip!.response).toMatchObject({ documents: 40, compressor: name, bytes: response.length });
  });

  test("zlib that only stores", () => {
    const [trip] = one(compressed(1, 0, 2, asked, stored(asked)), compressed(2, 1, 2, answered, stored(answered)));
    expect(trip!.response).toMatchObject({ documents: 40, compressor: "zlib" });
  });

  test("without compression", () => {
    expect(line(one(compressed(1, 0, 0, asked, asked), compressed(2, 1, 0, answered, answered))[0]!)).toBe(
      "find lab.users #1 ok",
    );
  });

  test.each([
    ["snappy", 1, snap],
    ["zlib", 2, zip],
    ["zlib that only stores", 2, stored],
  ])("%s beyond the limit: read as far as it goes, the outcome not invented", (_, compressor, pack) => {
    const random = Array.from({ length: 9000 }, (_, index) => String.fromCharCode(33 + ((index * index * 7) % 90))).join("");
    const big = msgBody({ cursor: { firstBatch: [{ random }], id: int64(0n) }, ok: 1 });
    const [trip] = one(compressed(1, 0, compressor, asked, pack(asked)), compressed(2, 1, compressor, big, pack(big)), 1000);
    expect(trip!.status).toMatch(/^(ok|unobserved)$/);
    const insert = msgBody({ insert: "users", $db: "lab" }, { sequences: { documents: [{ random }, { random }] } });
    const done = msgBody({ ok: 1 });
    const [written] = one(
      compressed(1, 0, compressor, insert, pack(insert)),
      compressed(2, 1, compressor, done, pack(done)),
      1000,
    );
    expect(written!.request).toMatchObject({ command: "insert", database: "lab", collection: "users" });
  });

  test("more zlib than is unpacked is read to there", () => {
    const firstBatch = Array.from({ length: 100 }, () => ({ text: "t".repeat(1000) }));
    const big = msgBody({ cursor: { firstBatch, id: int64(0n) }, ok: 1 });
    const [trip] = one(compressed(1, 0, 2, asked, zip(asked)), compressed(2, 1, 2, big, zip(big)));
    expect(trip!.status).toBe("unobserved");
    expect(trip!.marks).toContain("truncated");
  });

  test("zstd is named, and what is inside not invented", () => {
    const [trip] = one(compressed(1, 0, 3, asked, [1, 2, 3]), compressed(2, 1, 3, answered, [4, 5, 6]));
    expect(trip!.status).toBe("unobserved");
    expect(trip!.request).toEqual({ bytes: 28, opCode: "OP_MSG", compressor: "zstd", requestId: 1, bodyBytes: 12 });
  });

  test.each([
    ["snappy", 1, [200, 1, 9, 9]],
    ["zlib", 2, [200, 1, 9, 9]],
    ["zlib, whose end is missing", 2, zip(asked).slice(0, -6)],
    ["zlib, whose sum is another", 2, zip(asked).with(-1, 0)],
  ])("what is no %s", (_, compressor, packed) => {
    const talk = mongo()
      .send("client", compressed(1, 0, compressor, asked, packed))
      .send("server", found(1))
      .close();
    expect(tripsOf(talk.packets).map(({ status }) => status)).toEqual(["ok"]);
  });
});
