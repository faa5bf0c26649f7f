/** Header fields and bodies of HTTP/2 that are kept where they are asked for: what was sent, however it was encoded and cut, and nothing else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import type { CoreOptions } from "../../engine/core";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { type Row, rowsOf, tripsWithContents } from "../support/contents";
import { type Field, HpackEncoder } from "../support/hpack-encoder";
import {
  added,
  data,
  FLAG,
  fields,
  frame,
  get,
  headers,
  http2,
  indexed,
  PREFACE,
  plain,
  SERVER_START,
  statusFields,
  TYPE,
} from "../support/http2";
import { type Bytes, type Captured, Conversation, join, pcap } from "../support/pcap-builder";

const tripsOf = (packets: Captured[], options?: CoreOptions) => tripsWithContents(module, pcap(packets), options);
const isPseudo = ([name]: Field) => name.startsWith(":") && name !== ":protocol";
const OWN: Field[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "lab.test"],
  [":path", "/a?b=c"],
];

/** What one stream asked and was answered, `segment` bytes at a time. */
function talk(request: Bytes, response: Bytes, options?: CoreOptions, segment?: number): RoundTrip {
  const conversation = http2().send("client", request, segment);
  return tripsOf(conversation.send("server", join(SERVER_START, response), segment).close().packets, options)[0]!;
}

describe("header fields", () => {
  const asked: Field[] = [
    ["accept", "*/*"],
    ["user-agent", "a client of some length/1.0"],
    ["x-twice", "a"],
    ["x-empty", ""],
    ["x-twice", "b"],
    ["content-type", "application/json"],
    ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    ["x-last", "z"],
  ];
  const answered: Field[] = [
    ["server", "one"],
    ["content-encoding", "identity"],
    ["content-type", "text/plain"],
    ["x-own", "1"],
  ];

  test.each([1, 2, 3, 7, 64, 1400])("are all there, in their order, in pieces of %i bytes, by reference too", (segment) => {
    const ask = new HpackEncoder();
    const answer = new HpackEncoder();
    const ids = [1, 3, 5];
    const requests = ids.map((id) => join(headers(id, ask.block([...OWN, ...asked]), false), data(id, `{"a":${id}}`)));
    const responses = ids.map((id) =>
      join(headers(id, answer.block([[":status", "200"], ...answered]), false), data(id, `answer ${id}`)),
    );
    const conversation = http2().send("client", join(...requests), segment);
    conversation.send("server", join(SERVER_START, ...responses), segment).close();
    const trips = tripsOf(conversation.packets);
    expect(trips.length).toBe(3);
    trips.forEach(({ request, response, marks }, index) => {
      expect(rowsOf(request)).toEqual(asked);
      expect(rowsOf(response)).toEqual(answered);
      expect(request).toMatchObject({
        method: "POST",
        path: "/a?b=c",
        userAgent: "a client of some length/1.0",
        contentType: "application/json",
        body: `{"a":${ids[index]}}`,
      });
      expect(response).toMatchObject({ contentType: "text/plain", contentEncoding: "identity", body: `answer ${ids[index]}` });
      expect(marks).toEqual([]);
    });
  });

  test("those that are fields of their own are not among them, others before the rest are", () => {
    const block = join(fields("CONNECT", "/chat"), plain(":protocol", "websocket"), plain("x", "1"));
    const { request } = talk(headers(1, block), headers(1, statusFields(200)));
    expect(rowsOf(request)).toEqual([
      [":protocol", "websocket"],
      ["x", "1"],
    ]);
  });

  test("what lets a client in, what its sender wants in no table, and queries are hidden", () => {
    const hidden = (name: string, value: string) => Uint8Array.from([0x10, ...plain(name, value).subarray(1)]);
    const names = ["cookie", "authorization", "proxy-authorization", "x-api-key", "x-amz-security-token"];
    const secrets = names.map((name) => plain(name, "s3cr3t"));
    const request = join(
      fields("GET", "/?s3cr3t"),
      ...secrets,
      // 62 is the newest entry, 32 the name of cookies.
      added(32, "s3cr3t"),
      indexed(62),
      hidden("x-own", "s3cr3t"),
      plain("referer", "http://a/b?s3cr3t"),
    );
    const response = statusFields(302, [
      ["set-cookie", "s3cr3t=1"],
      ["location", "/c?s3cr3t#s3cr3t"],
    ]);
    const shown = talk(headers(1, request), headers(1, response), { headers: true });
    expect(rowsOf(shown.request)).toEqual([
      ...names.map((name): Row => [name, "?"]),
      ["cookie", "?"],
      ["cookie", "?"],
      ["x-own", "?"],
      ["referer", "http://a/b"],
    ]);
    expect(rowsOf(shown.response)).toEqual([
      ["set-cookie", "?"],
      ["location", "/c"],
    ]);
    expect(JSON.stringify(shown)).not.toContain("s3cr3t");
    const raw = talk(headers(1, request), headers(1, response), { headers: true, raw: true });
    expect(rowsOf(raw.request).map(([, value]) => value)).toEqual([...Array(8).fill("s3cr3t"), "http://a/b?s3cr3t"]);
  });

  test("are bounded: those without room are left out and said so, and fields behind them are known", () => {
    const many = Array.from({ length: 100 }, (_, index): Field => [`x-number-${index}`, "v".repeat(40)]);
    const late: Field[] = [...many, ["user-agent", "late"], ["content-type", "a/b"]];
    const { request, marks } = talk(headers(1, join(fields("GET", "/"), ...late.map(([n, v]) => plain(n, v)))), new Uint8Array());
    const kept = rowsOf(request).map((row) => JSON.stringify(row));
    expect(kept.length).toBeGreaterThan(30);
    expect(late.map((row) => JSON.stringify(row)).filter((row) => kept.includes(row))).toEqual(kept);
    expect(request).toMatchObject({ userAgent: "late", contentType: "a/b" });
    expect(marks).toEqual(["truncated"]);
  });

  test("a long value is cut, a name that is too long left out, and both said so", () => {
    const long = talk(headers(1, join(fields("GET", "/"), added("x-long", "v".repeat(1500)))), headers(1, statusFields(204)));
    expect(rowsOf(long.request)).toEqual([["x-long", "v".repeat(1024)]]);
    expect(long.marks).toEqual(["truncated"]);
    const name = (bytes: number) => added("n".repeat(bytes), "v");
    const named = talk(headers(1, join(fields("GET", "/"), name(65), name(64))), headers(1, statusFields(204)));
    expect(rowsOf(named.request)).toEqual([["n".repeat(64), "v"]]);
    expect(named.marks).toEqual(["truncated"]);
  });

  test("trailers of calls are all of them", () => {
    const type: [string, string] = ["content-type", "application/grpc"];
    const request = join(indexed(3), indexed(6), plain(1, "lab"), plain(4, "/a.B/C"), plain(...type));
    const trailers: Row[] = [
      ["grpc-status", "5"],
      ["grpc-message", "none of that"],
      ["x-sum", "9"],
    ];
    const response = join(
      headers(1, statusFields(200, [type]), false),
      data(1, [0, 0, 0, 0, 1, 7], false),
      headers(1, join(...trailers.map(([name, value]) => added(name, value)))),
    );
    const { protocol, response: shown } = talk(headers(1, request), response);
    expect(protocol).toBe("grpc");
    expect(shown).toMatchObject({ grpcStatus: 5, grpcMessage: "none of that", body: "\0\0\0\0\x01\x07" });
    expect(rowsOf(shown)).toEqual([type]);
    expect(rowsOf(shown, "trailers")).toEqual(trailers);
  });

  test("of a request that asked for HTTP/2 in HTTP/1.1 are those that it had there", () => {
    const rows: Row[] = [
      ["Host", "lab.test"],
      ["Upgrade", "h2c"],
      ["X-Own", "1"],
    ];
    const text = rows.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const conversation = new Conversation().open().send("client", `GET /a HTTP/1.1\r\n${text}\r\n`);
    conversation.send("server", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n").send("client", PREFACE);
    conversation.send("server", join(SERVER_START, headers(1, statusFields(200, [["x", "y"]]), false), data(1, "ok"))).close();
    const upgraded = tripsOf(conversation.packets).find(({ protocol }) => protocol === "http2");
    expect(rowsOf(upgraded?.request)).toEqual(rows);
    expect(rowsOf(upgraded?.response)).toEqual([["x", "y"]]);
    expect(upgraded?.response?.body).toBe("ok");
  });
});

/** A round trip without what is kept. */
function strip({ request, response, marks, ...rest }: RoundTrip) {
  const plain = (message: MessageFields | undefined) => {
    const { headers, body, contentEncoding, ...others } = message ?? { bytes: -1 };
    return others;
  };
  return { ...rest, marks: marks.filter((mark) => mark !== "truncated"), request: plain(request), response: plain(response) };
}

describe("tables", () => {
  const name = fc.constantFrom("x-a", "x-b", "accept", "server", "content-type", "etag", "x-some-longer-name");
  const field = fc.tuple(name, fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 4 }));
  const blocks = fc.array(fc.array(field, { maxLength: 8 }), { minLength: 1, maxLength: 30 });
  const ids = (lists: unknown[]) => lists.map((_, index) => 2 * index + 1);

  /** A connection whose responses have these fields; `segment` bytes each. */
  function connection(lists: Field[][], most: number, segment = 100) {
    const encoder = new HpackEncoder(most);
    const answers = lists.map((rows, index) =>
      join(headers(2 * index + 1, encoder.block([[":status", "200"], ...rows]), false), data(2 * index + 1, "body")),
    );
    const conversation = http2().send("client", join(...ids(lists).map((id) => get(id, `/${id}`))));
    return conversation.send("server", join(SERVER_START, ...answers), segment).close();
  }

  test("of any size: fields by reference are what was sent", () => {
    fc.assert(
      fc.property(blocks, fc.constantFrom(0, 64, 200, 4096, 16_384), fc.integer({ min: 1, max: 300 }), (lists, most, segment) => {
        const trips = tripsOf(connection(lists, most, segment).packets);
        expect(trips.map(({ response }) => rowsOf(response))).toEqual(lists);
        expect(trips.flatMap(({ marks }) => marks)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test("larger than is kept: what is known without header fields is known with them, and what is left out is said", () => {
    const lists = Array.from({ length: 400 }, (_, index): Field[] => [
      ["content-type", `type/${index % 90}`],
      ["x-often", "the same each time"],
      ["x-id", `${index % 150}`.repeat(12)],
    ]);
    const { packets } = connection(lists, 65_536, 1400);
    const trips = tripsOf(packets);
    const without = tripsOf(packets, {});
    const said = (all: RoundTrip[]) => all.map(({ response }) => [response?.contentType, response?.partial]);
    expect(said(trips)).toEqual(said(without));
    let whole = 0;
    trips.forEach(({ response, marks }, index) => {
      const rows = rowsOf(response).map(String);
      expect(lists[index]!.map(String).filter((row) => rows.includes(row))).toEqual(rows);
      if (rows.length === 3) whole += 1;
      expect(marks.includes("truncated") || response?.partial === true).toBe(rows.length < 3);
    });
    expect(whole).toBeGreaterThan(30);
    expect(whole).toBeLessThan(300);
  });

  test("behind bytes that are missing: no field that was not sent", () => {
    let shown = 0;
    fc.assert(
      fc.property(
        blocks,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 4 }),
        (lists, lost) => {
          const { packets } = connection(lists, 4096, 60);
          // The client's and the handshake come first.
          const from = 6;
          const gone = new Set(lost.map((place) => from + Math.floor(place * (packets.length - from))));
          const left = packets.filter((_, index) => !gone.has(index));
          const trips = tripsOf(left);
          expect(trips.map(strip)).toEqual(tripsOf(left, {}).map(strip));
          for (const { response } of trips) {
            if (response?.streamId === undefined) continue;
            const rows = rowsOf(response).map(String);
            const sent = lists[(Number(response.streamId) - 1) / 2]!.map(String);
            for (const row of rows) expect(sent).toContain(row);
            for (const row of new Set(rows)) {
              expect(rows.filter((one) => one === row).length).toBeLessThanOrEqual(sent.filter((one) => one === row).length);
            }
            shown += rows.length;
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(shown).toBeGreaterThan(500);
  });

  test("begun before the capture: what is not known is left out, and the message partial", () => {
    const encoder = new HpackEncoder();
    const block = () =>
      encoder.block([
        [":status", "200"],
        ["x-a", "1"],
        ["server", "one"],
      ]);
    const conversation = http2().send("server", headers(1, block(), false));
    const conversationStart = conversation.packets.length;
    conversation
      .send("client", get(3, "/b"))
      .send("server", join(headers(3, block(), false), data(3, "body")))
      .close();
    const trip = tripsOf(conversation.packets.slice(conversationStart)).find(({ response }) => response?.streamId === 3);
    expect(trip?.response).toMatchObject({ statusCode: 200, partial: true, body: "body" });
    expect(rowsOf(trip?.response)).toEqual([]);
  });
});

describe("bodies", () => {
  const text = (length: number, step: number) =>
    Array.from({ length }, (_, index) => String.fromCharCode(97 + ((index * step) % 26))).join("");
  const bodies = [text(5000, 7), text(3000, 11), text(40, 3)];
  const padded = (stream: number, bytes: string, padding: number, ends: boolean) =>
    frame(TYPE.data, FLAG.padded | (ends ? FLAG.endStream : 0), stream, join([padding], bytes, new Uint8Array(padding).fill(33)));

  /** Frames of all bodies in turn, some of them padded. */
  const interleaved = (): Uint8Array[] => {
    const begun = bodies.map((_, index) => headers(2 * index + 1, statusFields(200), false));
    const parts = bodies.map((body) => [...body.matchAll(/.{1,97}/g)].map(([part]) => part));
    const frames: Uint8Array[] = [];
    for (let turn = 0; turn < Math.max(...parts.map(({ length }) => length)); turn++) {
      parts.forEach((list, index) => {
        const part = list[turn];
        if (part === undefined) return;
        const ends = turn === list.length - 1;
        frames.push(turn % 3 === 0 ? padded(2 * index + 1, part, turn % 200, ends) : data(2 * index + 1, part, ends));
      });
    }
    return [...begun, ...frames];
  };
  const asks = join(...bodies.map((_, index) => get(2 * index + 1, "/")));

  test.each([1, 96, 97, 1000, 2048])("the first %i bytes of each, across frames without padding, in any pieces", (bodyBytes) => {
    for (const segment of [13, 100, 1400]) {
      const conversation = http2()
        .send("client", asks)
        .send("server", join(SERVER_START, ...interleaved()), segment);
      const trips = tripsOf(conversation.close().packets, { bodyBytes });
      const found = new Map(trips.map(({ response }) => [response?.streamId, response]));
      bodies.forEach((body, index) => {
        expect(found.get(2 * index + 1)).toMatchObject({ body: body.slice(0, bodyBytes), bodyBytes: body.length });
      });
      expect(trips.flatMap(({ marks }) => marks)).toEqual([]);
      expect(trips.every(({ request }) => request?.body === undefined)).toBe(true);
    }
  });

  test("end before bytes that are missing", () => {
    const { packets } = http2()
      .send("client", asks)
      .send("server", join(SERVER_START, ...interleaved()), 500)
      .close();
    for (let lost = 8; lost < packets.length - 3; lost++) {
      for (const { response } of tripsOf(packets.filter((_, index) => index !== lost))) {
        const body = bodies[(Number(response?.streamId) - 1) / 2];
        expect(body?.startsWith(String(response?.body ?? ""))).toBe(true);
      }
    }
  });

  test("leave room to trailers, and are said to be shorter where header fields take theirs", () => {
    const many = Array.from({ length: 60 }, (_, index): [string, string] => [`x-${index}`, "v".repeat(25)]);
    const response = join(
      headers(1, statusFields(200, many), false),
      data(1, bodies[0]!, false),
      headers(1, join(plain("grpc-status", "5"), plain("grpc-message", "m".repeat(200)))),
    );
    const { response: shown, marks } = talk(get(1, "/"), response);
    expect(shown).toMatchObject({ grpcStatus: 5, grpcMessage: "m".repeat(200) });
    const kept = String(shown?.body);
    expect(kept.length).toBeGreaterThan(1000);
    expect(bodies[0]!.startsWith(kept)).toBe(true);
    expect(kept.length).toBeLessThan(2048);
    expect(marks).toEqual(["truncated"]);
  });

  test("come with their coding, up to 63 bytes of it", () => {
    for (const [length, marks] of [
      [63, []],
      [64, ["truncated"]],
    ] as const) {
      const coded = join(headers(1, statusFields(200, [["content-encoding", "x".repeat(length)]]), false), data(1, "a"));
      const { response, marks: found } = talk(get(1, "/"), coded, { bodyBytes: 10 });
      expect(response).toMatchObject({ contentEncoding: "x".repeat(63), body: "a" });
      expect(response).not.toHaveProperty("headers");
      expect(found).toEqual(marks);
    }
  });

  test("of requests too", () => {
    const request = join(
      headers(1, fields("POST", "/"), false),
      data(1, bodies[1]!.slice(0, 1500), false),
      data(1, bodies[1]!.slice(1500)),
    );
    expect(talk(request, headers(1, statusFields(204))).request).toMatchObject({
      body: bodies[1]!.slice(0, 2048),
      bodyBytes: 3000,
    });
  });
});

test("a stream of its own fields alone has no header fields", () => {
  const { request, response } = talk(get(1, "/"), headers(1, statusFields(204)));
  expect(request).not.toHaveProperty("headers");
  expect(response).not.toHaveProperty("headers");
  expect(OWN.every(isPseudo)).toBe(true);
});
