/** HTTP 1.0 and 1.1: each case as the bytes of both sides and the round trips that they are. */
import { describe, expect, test } from "vitest";
import { http, line, lines, request, response, tripsOf } from "../support/http";
import { dnsQuery, dnsResponse, overTcp } from "../support/pcap-builder";

const get = (path: string) => request(`GET ${path} HTTP/1.1`);

/** The round trips of one exchange. */
const exchange = (asked: string, answer: string) => tripsOf(http().send("client", asked).send("server", answer).close().packets);

describe("fields", () => {
  test("of a request", () => {
    const asked = request(
      "POST /users?id=7 HTTP/1.1",
      [
        "Host: lab.test:8080",
        "User-Agent: curl/8.0",
        "Content-Type: application/json",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Content-Length: 2",
      ],
      "{}",
    );
    const [trip] = exchange(asked, response("201 Created"));
    expect(trip?.request).toEqual({
      bytes: asked.length,
      method: "POST",
      target: "/users",
      path: "/users",
      version: "1.1",
      host: "lab.test:8080",
      userAgent: "curl/8.0",
      contentType: "application/json",
      contentLength: 2,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      bodyBytes: 2,
    });
  });

  test("of a response", () => {
    const answer = response("200 All is well", "hello", ["Content-Type: text/plain; charset=utf-8"]);
    expect(exchange(get("/"), answer)[0]?.response).toEqual({
      bytes: answer.length,
      statusCode: 200,
      reason: "All is well",
      version: "1.1",
      contentType: "text/plain; charset=utf-8",
      contentLength: 5,
      bodyBytes: 5,
    });
  });

  test("query strings stay only where they are asked for", () => {
    const { packets } = http().send("client", get("/a?b=c#d")).send("server", response("200 OK"));
    expect(tripsOf(packets)[0]?.request).toMatchObject({ target: "/a", path: "/a" });
    expect(tripsOf(packets, { raw: true })[0]?.request).toMatchObject({ target: "/a?b=c", path: "/a?b=c" });
  });

  test("times of both sides", () => {
    const talk = http({ stepNs: 1_000_000n });
    talk
      .send("client", get("/slow"), 20)
      .wait(50_000_000n)
      .send("server", response("200 OK", "x".repeat(3000)), 1000);
    const segments = Math.ceil(get("/slow").length / 20);
    expect(tripsOf(talk.packets)[0]).toMatchObject({
      durationNs: (segments - 1 + 50 + 1 + 3) * 1_000_000,
      timing: { requestNs: (segments - 1) * 1_000_000, responseNs: 3_000_000, serverNs: 50_000_000 },
    });
  });

  test.each([
    ["400 Bad Request", 400, "error"],
    ["399 Odd", 399, "ok"],
    ["999 Request denied", 999, "error"],
    ["204 ", 204, "ok"],
    ["200", 200, "ok"],
  ])("the status code of %s", (status, code, outcome) => {
    const [trip] = exchange(get("/"), `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    expect([trip?.response?.statusCode, trip?.status]).toEqual([code, outcome]);
  });

  test("a status code that is no number of three digits is shown as far as it goes", () => {
    for (const [text, code] of [
      ["2000 ok", 200],
      ["20x ok", 20],
      ["0200 ok", 20],
    ] as const) {
      const [trip] = exchange(get("/"), `HTTP/1.1 ${text}\r\nContent-Length: 0\r\n\r\n`);
      expect([trip?.response?.statusCode, trip?.marks]).toEqual([code, ["malformed"]]);
    }
  });

  test("texts are cut at their limits", () => {
    const asked = request(`GET /${"p".repeat(1500)} HTTP/1.1`, [`Host: ${"h".repeat(300)}`, `User-Agent: ${"u".repeat(300)}`]);
    const [trip] = exchange(asked, response(`200 ${"r".repeat(100)}`));
    expect(trip?.marks).toEqual(["truncated"]);
    const length = (value: unknown) => String(value).length;
    const { path, host, userAgent } = trip!.request!;
    expect([path, host, userAgent, trip?.response?.reason].map(length)).toEqual([1024, 255, 255, 63]);
  });
});

describe("targets", () => {
  test("in absolute form", () => {
    const [trip] = exchange(request("GET http://proxied.test:81/a/b?c HTTP/1.1", []), response("200 OK"));
    expect(trip?.request).toMatchObject({ target: "http://proxied.test:81/a/b", path: "/a/b", host: "proxied.test:81" });
  });

  test("in absolute form without a path, with a password", () => {
    const [trip] = exchange(request("GET http://me:secret@proxied.test HTTP/1.1", ["Host: other.test"]), response("200 OK"));
    expect(trip?.request).toMatchObject({ target: "http://proxied.test", path: "/", host: "other.test" });
  });

  test("the asterisk, and any token as a method", () => {
    expect(exchange(request("OPTIONS * HTTP/1.1"), response("200 OK"))[0]?.request).toMatchObject({
      method: "OPTIONS",
      path: "*",
    });
    expect(exchange(request("VERSION-CONTROL /x HTTP/1.1"), response("200 OK"))[0]?.request?.method).toBe("VERSION-CONTROL");
  });
});

describe("bodies", () => {
  const cases: [string, string, number][] = [
    ["of known length", response("200 OK", "x".repeat(5000)), 5000],
    ["chunked, with extensions and trailers", chunked("200 OK", ["5;a=b", "hello", "0010", "y".repeat(16), "0", "X-Sum: 1"]), 21],
    ["chunked, holding a line with a zero", chunked("200 OK", ["6", "a\r\n0\r\n", "0"]), 6],
    ["chunked behind gzip", chunked("200 OK", ["3", "abc", "0"], "gzip, chunked"), 3],
    ["until the connection closes", `HTTP/1.0 200 OK\r\nContent-Type: x/y\r\n\r\n${"z".repeat(3000)}`, 3000],
    ["of an encoding that only the end ends", `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n${"z".repeat(30)}`, 30],
    ["the same length said twice", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc", 3],
  ];

  test.each(cases)("%s", (_, answer, bodyBytes) => {
    for (const segmentBytes of [1, 7, 1400, 65000]) {
      const { packets } = http().send("client", get("/")).send("server", answer, segmentBytes).close();
      const trips = tripsOf(packets);
      expect(trips).toHaveLength(1);
      expect(trips[0]).toMatchObject({ status: "ok", marks: [], response: { bytes: answer.length, bodyBytes } });
    }
  });

  test("of a request, chunked", () => {
    const asked = `POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n`;
    const [trip] = exchange(asked, response("200 OK"));
    expect(trip?.request).toMatchObject({ bytes: asked.length, bodyBytes: 4 });
  });

  test("lengths that disagree are malformed, and the end ends the body", () => {
    const [trip] = exchange(get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcdef");
    expect([trip?.response?.bodyBytes, trip?.marks]).toEqual([6, ["malformed"]]);
  });

  test("cut off by the end of the connection keep their outcome", () => {
    const { packets } = http()
      .send("client", get("/"))
      .send("server", response("200 OK", "x".repeat(500)).slice(0, -100))
      .close();
    expect(lines(packets)).toEqual(["GET / 200 ok incomplete"]);
    expect(tripsOf(packets)[0]?.response?.bodyBytes).toBe(400);
  });

  test("cut off by a reset keep their outcome", () => {
    const { packets } = http()
      .send("client", get("/"))
      .send("server", response("200 OK", "x".repeat(500)).slice(0, -100))
      .reset("client");
    expect(lines(packets)).toEqual(["GET / 200 ok incomplete"]);
  });
});

/** A chunked response; a line for each size and each chunk, trailers behind the last size. */
function chunked(status: string, parts: string[], encoding = "chunked"): string {
  return `HTTP/1.1 ${status}\r\nTransfer-Encoding: ${encoding}\r\n\r\n${parts.join("\r\n")}\r\n\r\n`;
}

describe("exchanges", () => {
  test("one after the other", () => {
    const talk = http();
    for (let i = 0; i < 10; i++) talk.send("client", get(`/${i}`)).send("server", response("200 OK", "body"));
    expect(lines(talk.close().packets)).toEqual(Array.from({ length: 10 }, (_, i) => `GET /${i} 200 ok`));
  });

  test("pipelined", () => {
    const ten = Array.from({ length: 10 }, (_, i) => i);
    const talk = http().send("client", ten.map((i) => get(`/${i}`)).join(""));
    talk.send("server", ten.map((i) => response(i % 2 ? "404 Not Found" : "200 OK", "b".repeat(i))).join(""), 100).close();
    expect(lines(talk.packets)).toEqual(ten.map((i) => `GET /${i} ${i % 2 ? "404 error" : "200 ok"}`));
  });

  test("HEAD among GETs, one after the other and pipelined", () => {
    const asked = [get("/a"), request("HEAD /b HTTP/1.1"), get("/c"), request("HEAD /d HTTP/1.1"), get("/e")];
    const answers = asked.map((text) =>
      text.startsWith("HEAD") ? response("200 OK", "12345").slice(0, -5) : response("200 OK", "12345"),
    );
    const all = ["GET /a 200 ok", "HEAD /b 200 ok", "GET /c 200 ok", "HEAD /d 200 ok", "GET /e 200 ok"];
    const talk = http();
    for (const [i, text] of asked.entries()) talk.send("client", text).send("server", answers[i]!);
    expect(lines(talk.close().packets)).toEqual(all);
    expect(lines(http().send("client", asked.join("")).send("server", answers.join("")).close().packets)).toEqual(all);
  });

  test("204 and 304 have no body whatever their headers say", () => {
    const talk = http().send("client", get("/a") + get("/b") + get("/c"));
    talk.send("server", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    talk.send("server", response("200 OK", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /a 304 ok", "GET /b 204 ok", "GET /c 200 ok"]);
  });

  test("HTTP/1.0 with and without keep-alive", () => {
    const talk = http().send("client", request("GET /a HTTP/1.0", ["Connection: keep-alive"]));
    talk.send("server", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na");
    talk.send("client", "GET /b HTTP/1.0\r\n\r\n").send("server", "HTTP/1.0 200 OK\r\n\r\nb").close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets).map(({ request: asked }) => asked?.version)).toEqual(["1.0", "1.0"]);
  });

  test("lines that end in LF only, and folded headers", () => {
    const talk = http().send("client", "GET /lf HTTP/1.1\nHost:\n lab.test\nUser-Agent: one\n\ttwo\n\n");
    talk.send("server", "HTTP/1.1 200 OK\nTransfer-Encoding:\n chunked\n\n2\nab\n0\n\n");
    talk.send("client", get("/next")).send("server", response("200 OK")).close();
    expect(lines(talk.packets)).toEqual(["GET /lf 200 ok", "GET /next 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.request).toMatchObject({ host: "lab.test", userAgent: "one two" });
  });

  test("empty lines between messages", () => {
    const talk = http()
      .send("client", `\r\n\r\n${get("/a")}`)
      .send("server", `${response("200 OK", "a")}\r\n`);
    talk
      .send("client", `\r\n${get("/b")}`)
      .send("server", response("200 OK", "b"))
      .close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok", "GET /b 200 ok"]);
  });

  test("headers split anywhere, also a byte a segment", () => {
    const long = request("GET /long HTTP/1.1", ["Host: lab.test", `Cookie: ${"c".repeat(9000)}`, "User-Agent: last"]);
    for (const segmentBytes of [1, 3, 1000, 2048, 4000, 60000]) {
      const { packets } = http().send("client", long, segmentBytes).send("server", response("200 OK"), segmentBytes).close();
      const trips = tripsOf(packets);
      expect(trips.map(({ request: asked }) => asked)).toMatchObject([
        { bytes: long.length, host: "lab.test", userAgent: "last" },
      ]);
    }
  });

  test("a request line longer than a parser keeps together", () => {
    for (const bytes of [2000, 2039, 2040, 2048, 3000, 9000]) {
      for (const segmentBytes of [1, 1000, 20000]) {
        const asked = request(`GET /${"q".repeat(bytes)} HTTP/1.1`);
        const { packets } = http().send("client", asked, segmentBytes).send("server", response("200 OK")).close();
        const trips = tripsOf(packets);
        expect(trips.map(({ marks }) => marks)).toEqual([["truncated"]]);
        expect(trips[0]?.request).toMatchObject({ bytes: asked.length, version: "1.1", host: "lab.test" });
      }
    }
  });

  test("on any port, and with the server's side captured first", () => {
    const talk = http({ serverPort: 5555 }).send("client", get("/p")).send("server", response("200 OK"));
    expect(lines(talk.close().packets)).toEqual(["GET /p 200 ok"]);
  });

  test("over HTTP in datagrams", async () => {
    const { ethernet, ipv4, spaced, udp } = await import("../support/pcap-builder");
    const search = request("M-SEARCH * HTTP/1.1", ["HOST: 239.255.255.250:1900", 'MAN: "ssdp:discover"']);
    const frame = ethernet(ipv4(udp(search, { sourcePort: 4000, destinationPort: 1900 }), { destination: "239.255.255.250" }));
    const answer = ethernet(ipv4(udp(response("200 OK"), { sourcePort: 1900, destinationPort: 4000 }), {}));
    expect(lines(spaced([frame, answer]))).toEqual(["M-SEARCH * - unobserved", "- 200 ok"]);
  });
});

describe("interim responses", () => {
  test("go before the final one", () => {
    const asked = request("POST /up HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4"], "");
    const talk = http().send("client", asked).send("server", "HTTP/1.1 100 Continue\r\n\r\n").send("client", "data");
    talk.send("server", `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${response("200 OK", "x")}`).close();
    expect(lines(talk.packets)).toEqual(["POST /up 200 ok"]);
    const [trip] = tripsOf(talk.packets);
    expect([trip?.request?.bodyBytes, trip?.response?.informational]).toEqual([4, [100, 103]]);
  });

  test("that are all that came", () => {
    const talk = http().send("client", get("/")).send("server", "HTTP/1.1 102 Processing\r\n\r\n").close();
    expect(lines(talk.packets)).toEqual(["GET / - closed"]);
    expect(tripsOf(talk.packets)[0]?.response?.informational).toEqual([102]);
  });

  test("a refusal instead of a go-ahead: the body never comes", () => {
    const asked = request("POST /up HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4000"]);
    const talk = http().send("client", asked).send("server", response("417 Expectation Failed"));
    talk.send("client", get("/next")).send("server", response("200 OK")).close();
    expect(lines(talk.packets)).toEqual(["POST /up 417 error", "GET /next 200 ok"]);
  });
});

test("who opened the connection may be the one that answers, also after the other has ended", () => {
  const talk = http().send("server", get("/a")).send("client", "HTTP/1.1 200 OK\r\n\r\nhel").finish("server");
  for (let i = 0; i < 9; i++) talk.send("client", "lo");
  const [trip, ...more] = tripsOf(talk.finish("client").packets);
  expect([trip?.request?.path, trip?.response?.bodyBytes, trip?.status, more]).toEqual(["/a", 21, "ok", []]);
});

describe("tunnels and upgrades", () => {
  const connect = request("CONNECT db.test:443 HTTP/1.1", ["Host: db.test:443"]);
  const granted = "HTTP/1.1 200 Connection established\r\n\r\n";

  test("HTTP inside a tunnel is found on the same connection", () => {
    const talk = http().send("client", connect).send("server", granted);
    talk.send("client", get("/in")).send("server", response("200 OK", "x")).close();
    expect(lines(talk.packets)).toEqual(["CONNECT db.test:443 200 ok upgrade", "GET /in 200 ok"]);
  });

  test("a tunnel that opens while the body of its request is awaited ends that body", () => {
    const withBody = request("CONNECT db.test:443 HTTP/1.1", ["Host: db.test:443", "Content-Length: 100"]);
    const talk = http().send("client", `${withBody}0123456789`).send("server", "HTTP/1.1 200 OK\r\n\r\n");
    talk.send("client", get("/in")).send("server", response("200 OK"));
    talk.send("client", get(`/${"x".repeat(100)}`)).send("server", response("404 Not Found"));
    expect(lines(talk.close().packets)).toEqual([
      "CONNECT db.test:443 200 ok upgrade",
      "GET /in 200 ok",
      `GET /${"x".repeat(100)} 404 error`,
    ]);
  });

  test("inside a tunnel the sides may have changed their parts; what waited before goes on waiting", () => {
    const talk = http()
      .send("client", `${connect}${get("/left")}`)
      .send("server", granted);
    talk.send("server", get("/in")).send("client", "HTTP/1.1 200 OK\r\n\r\nhel").finish("server");
    talk.send("client", "lo").finish("client");
    expect(lines(talk.packets)).toEqual(["CONNECT db.test:443 200 ok upgrade", "GET /left - closed", "GET /in 200 ok"]);
  });

  test("a DNS response inside a tunnel answers no HTTP request that waits from before it", () => {
    const talk = http()
      .send("client", `${connect}${get("/left")}`)
      .send("server", granted);
    const failed = Uint8Array.from([0, 0, 0x81, 0x82, 0, 0, 0, 0, 0, 0, 0, 0]);
    talk.send("client", overTcp(dnsQuery("a.test", { id: 5 }))).send("server", overTcp(dnsResponse("a.test", { id: 5 })));
    talk.send("server", overTcp(failed)).close();
    expect(lines(talk.packets)).toEqual(["CONNECT db.test:443 200 ok upgrade", "GET /left - closed"]);
  });

  test("what else is in a tunnel is not looked at", () => {
    const talk = http().send("client", connect).send("server", granted);
    for (let i = 0; i < 20; i++) talk.send("client", [0x16, 3, 1, 0, 9, i]).send("server", [0x17, 3, 3, 0, 1, i]);
    expect(lines(talk.close().packets)).toEqual(["CONNECT db.test:443 200 ok upgrade"]);
  });

  test("a tunnel that is refused is an exchange like any other", () => {
    const talk = http().send("client", connect).send("server", response("407 Proxy Authentication Required", "no"));
    talk.send("client", connect).send("server", granted).close();
    expect(lines(talk.packets)).toEqual(["CONNECT db.test:443 407 error", "CONNECT db.test:443 200 ok upgrade"]);
  });

  test("101 ends HTTP on the connection", () => {
    const asked = request("GET /chat HTTP/1.1", ["Upgrade: websocket", "Connection: Upgrade"]);
    const talk = http().send("client", asked).send("server", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    talk.send("client", get("/not-http")).send("server", response("200 OK")).close();
    expect(lines(talk.packets)).toEqual(["GET /chat 101 ok upgrade"]);
  });

  test("HTTP/2 with prior knowledge is none of ours", () => {
    const { packets } = http()
      .send("client", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      .send("server", [0, 0, 0, 4, 0, 0, 0, 0, 0])
      .close();
    expect(lines(packets)).toEqual([]);
  });
});

test("two hops through a proxy are two round trips, also where both are on one host", () => {
  const asked = get("/hop").replace("\r\n\r\n", "\r\nVia: 1.1 hop\r\n\r\n");
  const answer = response("200 OK", "same", ["Via: 1.1 hop"]);
  for (const [proxy, origin] of [
    ["192.0.2.2", "192.0.2.3"],
    ["127.0.0.1", "127.0.0.1"],
  ] as const) {
    const client = proxy === origin ? proxy : "192.0.2.1";
    const sequences = { clientSequence: 1000, serverSequence: 5000 };
    const near = http({ client, server: proxy, clientPort: 40000, serverPort: 3128, ...sequences });
    const far = http({ client: proxy, server: origin, clientPort: 40001, serverPort: 8080, ...sequences });
    near.send("client", asked).wait(10_000_000n).send("server", answer).close();
    far.wait(3_000_000n).send("client", asked).send("server", answer).close();
    const packets = [...near.packets, ...far.packets].sort((a, b) => Number(a.timeNs - b.timeNs));
    const trips = tripsOf(packets);
    expect(trips.map(line)).toEqual(["GET /hop 200 ok", "GET /hop 200 ok"]);
    expect(trips.map(({ server }) => server.port)).toEqual([8080, 3128]);
  }
});

describe("outcomes without a response", () => {
  const asked = () => http().send("client", get("/none"));

  test("closed, reset, timed out, and not known", () => {
    expect(lines(asked().close().packets)).toEqual(["GET /none - closed"]);
    expect(lines(asked().reset("server").packets)).toEqual(["GET /none - reset"]);
    expect(lines(asked().packets)).toEqual(["GET /none - unobserved"]);
    const late = asked().wait(30_000_000_000n).send("server", response("200 OK")).close();
    expect(lines(late.packets, { streamTimeoutMs: 20_000 })).toEqual(["GET /none - timeout", "- 200 ok"]);
  });

  test("a late response does not shift those that follow", () => {
    const late = asked().wait(30_000_000_000n).send("client", get("/second"));
    late.send("server", response("200 OK", "late")).send("server", response("404 Not Found")).close();
    const all = ["GET /none - timeout", "- 200 ok", "GET /second 404 error"];
    expect(lines(late.packets, { streamTimeoutMs: 20_000 })).toEqual(all);
  });

  test("a response that nobody asked for crosses the next request", () => {
    const talk = http().send("client", get("/a")).send("server", response("200 OK", "a"));
    const behind = talk.next.client;
    talk.send("client", get("/b"));
    const ahead = talk.next.client;
    talk.next.client = behind;
    talk.send("server", response("408 Request Timeout"));
    talk.next.client = ahead;
    expect(lines(talk.close().packets)).toEqual(["GET /a 200 ok", "- 408 error", "GET /b - closed"]);
  });

  test("a request cut off by the end of the connection", () => {
    const { packets } = http().send("client", "GET /cut HTTP/1.1\r\nHost: la").close();
    expect(lines(packets)).toEqual(["GET /cut - closed incomplete"]);
    expect(tripsOf(packets)[0]?.request?.partial).toBe(true);
  });

  test("a server that answers before it has the whole request", () => {
    const talk = http()
      .send("client", "POST /early HTTP/1.1\r\nHost: lab.test\r\nX: ")
      .send("server", response("431 Too Large"))
      .close();
    expect(lines(talk.packets)).toEqual(["POST /early 431 error incomplete"]);
  });
});
