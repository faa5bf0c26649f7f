/** HTTP/2 where every frame was captured. */
import { describe, expect, test } from "vitest";
import {
  added,
  answer,
  data,
  FLAG,
  fields,
  frame,
  get,
  headers,
  http2,
  indexed,
  limit,
  lines,
  plain,
  SERVER_START,
  START,
  statusFields,
  TYPE,
  tripsOf,
} from "../support/http2";
import { Conversation, hex, join, number } from "../support/pcap-builder";

describe("round trips", () => {
  test("a GET, whose HEADERS end the stream", () => {
    const packets = http2()
      .send("client", get(1, "/a?b=c"))
      .send("server", answer(1, 200, "hello"))
      .close().packets;
    expect(lines(packets)).toEqual(["1 GET /a 200 ok"]);
    const [trip] = tripsOf(packets);
    expect(trip?.request).toMatchObject({ method: "GET", scheme: "http", authority: "lab.test", path: "/a", bodyBytes: 0 });
    expect(trip?.request?.bytes).toBe(get(1, "/a?b=c").length);
    expect(trip?.response).toMatchObject({ statusCode: 200, bodyBytes: 5, bytes: answer(1, 200, "hello").length });
    expect(tripsOf(packets, { raw: true })[0]?.request?.path).toBe("/a?b=c");
  });

  test("a POST with its body in two frames, and all that is read of headers", () => {
    const more: [string, string][] = [
      ["content-type", "text/plain"],
      ["user-agent", "probe/2"],
      ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
      ["x-other", "1"],
    ];
    const talk = http2().send("client", headers(1, fields("POST", "/p", more), false));
    talk.send("client", data(1, "abc", false)).send("client", data(1, "de"));
    talk.send("server", headers(1, statusFields(404, [["content-type", "text/html"]]))).close();
    expect(lines(talk.packets)).toEqual(["1 POST /p 404 error"]);
    const [trip] = tripsOf(talk.packets);
    expect(trip?.request).toEqual({
      bytes: headers(1, fields("POST", "/p", more)).length + 12 + 11,
      streamId: 1,
      method: "POST",
      scheme: "http",
      authority: "lab.test",
      path: "/p",
      contentType: "text/plain",
      userAgent: "probe/2",
      traceparent: more[2]![1],
      bodyBytes: 5,
    });
    const answered = headers(1, statusFields(404, [["content-type", "text/html"]]));
    expect(trip?.response).toEqual({
      bytes: answered.length,
      streamId: 1,
      statusCode: 404,
      contentType: "text/html",
      bodyBytes: 0,
    });
  });

  test("hundreds of streams interleaved, answered backwards", () => {
    const talk = http2();
    const ids = Array.from({ length: 300 }, (_, i) => 2 * i + 1);
    talk.send("client", join(...ids.map((id) => get(id, `/${id}`))), 1400);
    talk.send("server", join(...ids.toReversed().map((id) => headers(id, statusFields(200), false))), 1400);
    talk.send("server", join(...ids.map((id) => data(id, "x".repeat(id % 50)))), 1400).close();
    const trips = tripsOf(talk.packets);
    expect(lines(talk.packets)).toEqual(ids.map((id) => `${id} GET /${id} 200 ok`));
    expect(trips.map(({ response }) => response?.bodyBytes)).toEqual(ids.map((id) => id % 50));
  });

  test("interim responses are passed over, trailers are not", () => {
    const talk = http2().send("client", get(1, "/i"));
    talk.send("server", headers(1, plain(8, "103"), false)).send("server", headers(1, indexed(8), false));
    talk
      .send("server", data(1, "body", false))
      .send("server", headers(1, plain("x-sum", "9")))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /i 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ trailers: [{ name: "x-sum", value: "9" }], bodyBytes: 4 });
  });

  test("a pushed response", () => {
    const promise = frame(TYPE.promise, FLAG.endHeaders, 1, join(number(2, 4), fields("GET", "/pushed")));
    const talk = http2()
      .send("client", get(1, "/page"))
      .send("server", join(promise, answer(1), answer(2)))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /page 200 ok", "2 GET /pushed 200 ok"]);
    expect(tripsOf(talk.packets)[1]?.request?.pushed).toBe(true);
    expect(tripsOf(talk.packets).map(({ client }) => client.port)).toEqual([40000, 40000]);
  });

  test("a promise in several frames", () => {
    const block = fields("GET", "/pushed");
    const promise = join(
      frame(TYPE.promise, FLAG.padded, 1, join([2], number(2, 4), block.slice(0, 5), "pp")),
      frame(TYPE.continuation, FLAG.endHeaders, 1, block.slice(5)),
    );
    const talk = http2()
      .send("client", get(1, "/page"))
      .send("server", join(promise, answer(2), answer(1)))
      .close();
    expect(lines(talk.packets)).toEqual(["2 GET /pushed 200 ok", "1 GET /page 200 ok"]);
  });
});

describe("frames", () => {
  test("padding, priority and CONTINUATION", () => {
    const block = fields("GET", "/padded");
    const first = frame(
      TYPE.headers,
      FLAG.endStream | FLAG.padded | FLAG.priority,
      1,
      join([3], [0, 0, 0, 0, 15], block.slice(0, 4), "ppp"),
    );
    const parts = [
      frame(TYPE.continuation, 0, 1, block.slice(4, 9)),
      frame(TYPE.continuation, FLAG.endHeaders, 1, block.slice(9)),
    ];
    const body = frame(TYPE.data, FLAG.endStream | FLAG.padded, 1, join([4], "hello", "pppp"));
    const talk = http2().send("client", join(first, ...parts));
    talk.send("server", join(headers(1, indexed(8), false), body)).close();
    expect(lines(talk.packets)).toEqual(["1 GET /padded 200 ok"]);
    expect(tripsOf(talk.packets)[0]).toMatchObject({
      request: { bytes: first.length + parts[0]!.length + parts[1]!.length },
      response: { bodyBytes: 5, bytes: 10 + body.length },
    });
  });

  test("of a response: its block padded and in several, and so its trailers", () => {
    const [block, end] = [statusFields(404, [["content-type", "a/b"]]), plain("x-sum", "7")];
    const first = frame(TYPE.headers, FLAG.padded, 1, join([2], block.slice(0, 3), "pp"));
    const parts = [
      first,
      frame(TYPE.continuation, 0, 1, block.slice(3, 8)),
      frame(TYPE.continuation, FLAG.endHeaders, 1, block.slice(8)),
      data(1, "body", false),
      frame(TYPE.headers, FLAG.endStream, 1, end.slice(0, 4)),
      frame(TYPE.continuation, FLAG.endHeaders, 1, end.slice(4)),
    ];
    const talk = http2()
      .send("client", get(1, "/a"))
      .send("server", join(...parts))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 404 error"]);
    expect(tripsOf(talk.packets)[0]?.response).toEqual({
      bytes: join(...parts).length,
      streamId: 1,
      statusCode: 404,
      contentType: "a/b",
      bodyBytes: 4,
      trailers: [{ name: "x-sum", value: "7" }],
    });
  });

  test("all others in between, of types that nobody knows too", () => {
    const noise = join(
      frame(TYPE.priority, 0, 5, [0, 0, 0, 0, 1]),
      frame(TYPE.ping, 0, 0, "12345678"),
      frame(TYPE.window, 0, 0, [0, 0, 1, 0]),
      frame(0x21, 0xff, 0, "grease"),
      frame(TYPE.settings, 0, 0, [0, 4, 0, 1, 0, 0]),
    );
    const talk = http2()
      .send("client", join(noise, get(1, "/a"), noise))
      .send("server", join(noise, answer(1), noise))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 200 ok"]);
  });

  test("a header block that frames of another stream break is malformed, and what was read of it stands", () => {
    const open = frame(TYPE.headers, FLAG.endStream, 1, fields("GET", "/open"));
    const talk = http2()
      .send("client", join(open, get(3, "/b")))
      .send("server", join(answer(1), answer(3)))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /open 200 ok malformed", "3 GET /b 200 ok"]);
  });

  test("a header of 20,000 bytes in three frames", () => {
    const block = join(fields("GET", "/long"), plain("cookie", "c".repeat(20_000)), plain("user-agent", "end"));
    const talk = http2();
    talk.send("client", frame(TYPE.headers, FLAG.endStream, 1, block.slice(0, 16_384)), 1400);
    talk
      .send("client", frame(TYPE.continuation, FLAG.endHeaders, 1, block.slice(16_384)), 1400)
      .send("server", answer(1))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /long 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.request?.userAgent).toBe("end");
  });

  test("texts beyond their limit are cut and marked", () => {
    const path = `/${"p".repeat(3000)}`;
    const talk = http2().send("client", get(1, path)).send("server", answer(1)).close();
    expect(lines(talk.packets)).toEqual([`1 GET ${path.slice(0, 1024)} 200 ok truncated`]);
  });
});

describe("header compression", () => {
  /** RFC 7541 appendix C.4: three requests with Huffman's texts, on one connection. */
  const C4 = [
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
  ];
  /** Appendix C.6: three responses, with a table of 256 bytes. */
  const C6 = [
    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
    "4883640effc1c0bf",
    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ];

  test("the RFC's examples", () => {
    const talk = http2();
    for (const [i, block] of C4.entries()) talk.send("client", headers(2 * i + 1, hex(block)));
    for (const [i, block] of C6.entries()) talk.send("server", headers(2 * i + 1, join(i === 0 ? limit(256) : [], hex(block))));
    talk.close();
    expect(lines(talk.packets)).toEqual(["1 GET / 302 ok", "3 GET / 307 ok", "5 GET /index.html 200 ok"]);
    expect(tripsOf(talk.packets).map(({ request }) => [request?.scheme, request?.authority])).toEqual([
      ["http", "www.example.com"],
      ["http", "www.example.com"],
      ["https", "www.example.com"],
    ]);
  });

  test("entries are found by their distance from the newest, in each direction by itself", () => {
    const first = join(indexed(2), indexed(6), added(1, "one.test"), added(4, "/one"), added("x-id", "7"));
    // 62 is x-id, 63 the path, 64 the authority.
    const second = join(indexed(2), indexed(6), indexed(64), added(63, "/two"));
    const third = join(indexed(2), indexed(6), indexed(62), indexed(65));
    const talk = http2().send("client", join(headers(1, first), headers(3, second), headers(5, third)));
    const codes = [join(added(8, "418")), join(added(8, "201"), indexed(63)), join(indexed(63))];
    for (const [i, block] of codes.entries()) talk.send("server", headers(2 * i + 1, block));
    expect(lines(talk.close().packets)).toEqual(["1 GET /one 418 error", "3 GET /two 201 ok", "5 GET /two 418 error"]);
    expect(tripsOf(talk.packets).map(({ request }) => request?.authority)).toEqual(["one.test", "one.test", "one.test"]);
  });

  test("a table of 4,096 bytes turns over many times", () => {
    const talk = http2();
    const wanted: string[] = [];
    for (let i = 0; i < 400; i++) {
      const path = `/${String(i).padStart(30 + (i % 60), "x")}`;
      const again = i % 3 === 2 ? indexed(62 + 1) : added(4, path);
      if (i % 3 === 2) wanted.push(wanted.at(-2)!);
      else wanted.push(path);
      talk.send("client", headers(2 * i + 1, join(indexed(2), again)));
      talk.send("server", headers(2 * i + 1, indexed(8)));
    }
    // Only every third is the one before the last that was added.
    const paths = tripsOf(talk.close().packets).map(({ request }) => request?.path);
    expect(paths).toEqual(wanted);
  });

  test("a limit of 0 empties the table, and a larger one lets it grow to what memory allows", () => {
    const talk = http2().send("client", headers(1, join(indexed(2), added(4, "/old"))));
    talk.send("client", headers(3, join(limit(0), limit(65536), indexed(2), added(4, "/new"))));
    const many = Array.from({ length: 90 }, (_, i) => added(4, `/${i}/${"y".repeat(90)}`));
    talk.send("client", headers(5, join(indexed(2), ...many)), 1400);
    talk.send("client", headers(7, join(indexed(2), indexed(62))), 1400);
    talk.send("client", headers(9, join(indexed(2), indexed(62 + 90))), 1400);
    for (const id of [1, 3, 5, 7, 9]) talk.send("server", headers(id, indexed(8)));
    expect(lines(talk.close().packets)).toEqual([
      "1 GET /old 200 ok",
      "3 GET /new 200 ok",
      `5 GET /0/${"y".repeat(90)} 200 ok`,
      `7 GET /89/${"y".repeat(90)} 200 ok`,
      "9 GET - 200 ok",
    ]);
    expect(tripsOf(talk.packets)[4]?.request?.partial).toBe(true);
  });

  test("an entry larger than the table empties it", () => {
    const talk = http2().send("client", headers(1, join(limit(64), indexed(2), added(4, "/a"))));
    talk.send("client", headers(3, join(indexed(2), added(4, `/${"b".repeat(64)}`))));
    talk.send("client", headers(5, join(indexed(2), added(4, "/c"))));
    talk.send("client", headers(7, join(indexed(2), indexed(62))));
    for (const id of [1, 3, 5, 7]) talk.send("server", headers(id, indexed(8)));
    expect(lines(talk.close().packets).at(-1)).toBe("7 GET /c 200 ok");
  });

  test.each([
    ["an index of 0", "80"],
    ["a number without end", "ffffffffffffffff"],
    ["padding of zeros", "418cf1e3c2e5f23a6ba0ab90f400"],
    ["the end of string as a symbol", "4184ffffffff"],
    ["a text that goes beyond the block", "0405 2f61"],
  ])("a block that breaks its form: %s", (_, bad) => {
    const talk = http2()
      .send("client", headers(1, join(indexed(2), hex(bad))))
      .send("client", get(3, "/b"));
    talk.send("server", join(answer(1), answer(3))).close();
    expect(lines(talk.packets)).toEqual(["1 GET - 200 ok malformed", "3 GET /b 200 ok"]);
  });
});

describe("ends", () => {
  test("RST_STREAM from either side, before and inside the response", () => {
    const talk = http2().send("client", join(get(1, "/a"), get(3, "/b"), get(5, "/c")));
    talk.send("server", frame(TYPE.reset, 0, 1, number(7, 4))).send("server", headers(3, indexed(8), false));
    talk
      .send("client", frame(TYPE.reset, 0, 3, number(8, 4)))
      .send("server", answer(5))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /a - reset", "3 GET /b 200 reset", "5 GET /c 200 ok"]);
    expect(tripsOf(talk.packets).map(({ request }) => request?.reset)).toEqual(["REFUSED_STREAM", "CANCEL", undefined]);
  });

  test("frames of a stream that was reset are no orphans", () => {
    const talk = http2()
      .send("client", get(1, "/a"))
      .send("client", frame(TYPE.reset, 0, 1, number(8, 4)));
    talk.send("server", answer(1)).close();
    expect(lines(talk.packets)).toEqual(["1 GET /a - reset"]);
  });

  test("GOAWAY refuses what is above its last stream, and nothing else", () => {
    const talk = http2().send("client", join(get(1, "/a"), get(3, "/b"), get(5, "/c")));
    talk.send("server", frame(TYPE.goaway, 0, 0, join(number(3, 4), number(0, 4), "bye")));
    talk.send("server", join(answer(1), answer(3))).close();
    expect(lines(talk.packets)).toEqual(["5 GET /c - reset", "1 GET /a 200 ok", "3 GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.request?.reset).toBe("NO_ERROR");
  });

  test("GOAWAY of the client refuses what is pushed above its last stream", () => {
    const promise = (id: number) => frame(TYPE.promise, FLAG.endHeaders, 1, join(number(id, 4), fields("GET", `/${id}`)));
    const talk = http2()
      .send("client", get(1, "/page"))
      .send("server", join(promise(2), promise(4)));
    talk.send("client", frame(TYPE.goaway, 0, 0, join(number(2, 4), number(8, 4))));
    talk.send("server", join(answer(2), answer(1))).close();
    expect(lines(talk.packets)).toEqual(["4 GET /4 - reset", "2 GET /2 200 ok", "1 GET /page 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.request?.reset).toBe("CANCEL");
  });

  test("the connection's end: closed, reset, and inside a response", () => {
    const talk = () =>
      http2()
        .send("client", join(get(1, "/a"), get(3, "/b")))
        .send("server", headers(3, indexed(8), false));
    expect(lines(talk().close().packets)).toEqual(["3 GET /b 200 ok incomplete", "1 GET /a - closed"]);
    expect(lines(talk().reset("server").packets)).toEqual(["3 GET /b 200 ok incomplete", "1 GET /a - reset"]);
    expect(lines(talk().packets)).toEqual(["3 GET /b 200 ok incomplete", "1 GET /a - unobserved"]);
  });

  test("a response before the request's end", () => {
    const talk = http2()
      .send("client", headers(1, fields("POST", "/p"), false))
      .send("client", data(1, "abc", false));
    talk.send("server", join(answer(1, 413), frame(TYPE.reset, 0, 1, number(0, 4)))).close();
    expect(lines(talk.packets)).toEqual(["1 POST /p 413 error incomplete"]);
  });

  test("more streams than may wait: the oldest is unobserved", () => {
    const talk = http2();
    for (let i = 0; i < 1030; i++) talk.send("client", get(2 * i + 1, "/"));
    const found = lines(talk.close().packets);
    expect(found.filter((one) => one.endsWith("unobserved")).length).toBe(6);
    expect(found.length).toBe(1030);
  });
});

describe("recognition", () => {
  test("any port, the preface cut anywhere", () => {
    const bytes = join(START, get(1, "/a"));
    for (let cut = 1; cut < 40; cut++) {
      const talk = new Conversation({ serverPort: 9999 })
        .open()
        .send("client", bytes.slice(0, cut))
        .send("client", bytes.slice(cut));
      talk.send("server", join(SERVER_START, answer(1))).close();
      expect(lines(talk.packets), `cut at ${cut}`).toEqual(["1 GET /a 200 ok"]);
    }
  });

  test("from the middle, by a header block of either side", () => {
    const talk = new Conversation().send("client", get(7, "/a")).send("server", answer(7));
    expect(lines(talk.packets)).toEqual(["7 GET /a 200 ok"]);
    const other = new Conversation().send("server", answer(5)).send("client", get(7, "/a")).send("server", answer(7));
    expect(lines(other.packets)).toEqual(["5 - 200 ok", "7 GET /a 200 ok"]);
  });

  test("from the middle of a body", () => {
    const body = data(1, "x".repeat(5000));
    const talk = new Conversation().send("server", body.slice(700), 1400).send("client", get(3, "/a")).send("server", answer(3));
    expect(lines(talk.packets)).toEqual(["3 GET /a 200 ok"]);
  });
});

describe("an upgrade from HTTP/1.1", () => {
  const ask = "GET /up?x=1 HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: probe/1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  const accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  const all = (packets: Parameters<typeof tripsOf>[0]) =>
    tripsOf(packets).map(({ protocol, request, response, status }) =>
      [protocol, request?.method, request?.path, response?.statusCode, status].join(" "),
    );

  test("the request that asked for it is stream 1", () => {
    const talk = new Conversation().open().send("client", ask).send("server", join(accept, SERVER_START));
    talk.send("client", START).send("server", answer(1, 404)).send("client", get(3, "/b")).send("server", answer(3)).close();
    expect(all(talk.packets)).toEqual(["http GET /up 101 ok", "http2 GET /up 404 error", "http2 GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[1]?.request).toMatchObject({ streamId: 1, authority: "lab.test", userAgent: "probe/1" });
  });

  test("a request with a body: stream 1 has its bytes, and has ended", () => {
    const post = ask.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody");
    const talk = new Conversation().open().send("client", post);
    talk
      .send("server", join(accept, SERVER_START, answer(1)))
      .send("client", START)
      .close();
    const stream = tripsOf(talk.packets)[1];
    expect(stream).toMatchObject({ protocol: "http2", status: "ok", marks: [] });
    expect(stream?.request).toMatchObject({ method: "POST", bytes: post.length, bodyBytes: 4 });
  });

  test("cut anywhere", () => {
    const bytes = join(accept, SERVER_START, answer(1));
    for (let cut = 1; cut < bytes.length; cut++) {
      const talk = new Conversation().open().send("client", ask);
      talk.send("server", bytes.slice(0, cut)).send("server", bytes.slice(cut)).send("client", START).close();
      expect(all(talk.packets), `cut at ${cut}`).toEqual(["http GET /up 101 ok", "http2 GET /up 200 ok"]);
    }
  });

  test("refused, HTTP/1.1 goes on", () => {
    const talk = new Conversation().open().send("client", ask);
    talk.send("server", "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok").close();
    expect(all(talk.packets)).toEqual(["http GET /up 200 ok"]);
  });
});
