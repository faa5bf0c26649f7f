/** HTTP where packets are missing: what is known is told, what is not is not invented, and no later pair shifts. */
import { describe, expect, test } from "vitest";
import { http, lines, request, response, tripsOf } from "../support/http";
import { type Captured, type Conversation, START_NS } from "../support/pcap-builder";

const get = (path: string) => request(`GET ${path} HTTP/1.1`);
const ok = (bytes: number) => response("200 OK", "b".repeat(bytes));

/** Lets the hole be given up: time passes, and both sides go on to acknowledge. */
function goOn(talk: Conversation): Conversation {
  return talk.acknowledge("client").wait(200_000_000n).acknowledge("client").acknowledge("server");
}

/** Sends a text of which the bytes from `from` to `to` were not captured. */
function sendWithout(talk: Conversation, side: "client" | "server", text: string, from: number, to: number): Conversation {
  return talk.send(side, text.slice(0, from)).lose(side, text.slice(from, to)).send(side, text.slice(to));
}

describe("missing bytes", () => {
  test("inside a body of known length cost a mark", () => {
    const answer = ok(5000);
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, 1000, 2500);
    goOn(talk).send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: answer.length, bodyBytes: 5000 });
  });

  test("at the very end of a body of known length too", () => {
    const answer = ok(5000);
    const talk = http().send("client", get("/a")).send("server", answer.slice(0, 4000)).lose("server", answer.slice(4000));
    goOn(talk).send("client", get("/b")).wait(200_000_000n).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: answer.length, bodyBytes: 5000 });
  });

  test("right behind the headers", () => {
    const answer = ok(3000);
    const head = answer.indexOf("b".repeat(9));
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, head, head + 1000);
    goOn(talk).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: answer.length, bodyBytes: 3000 });
  });

  test("in a body that the end ends", () => {
    const answer = `HTTP/1.0 200 OK\r\n\r\n${"z".repeat(4000)}`;
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, 1000, 2000);
    goOn(talk).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: answer.length, bodyBytes: 4000 });
  });

  test("inside a chunk", () => {
    const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfa0\r\n${"c".repeat(4000)}\r\n0\r\n\r\n`;
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, 1000, 2000);
    goOn(talk).send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: answer.length, bodyBytes: 4000 });
  });

  test("of the chunks' framing: the outcome stands, the next exchange is found", () => {
    const chunks = Array.from({ length: 50 }, () => `64\r\n${"c".repeat(100)}\r\n`).join("");
    const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, 1000, 2000);
    goOn(talk).send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response?.bodyBytes).toBeUndefined();
  });

  test("inside the headers of a response", () => {
    const answer = response("503 Busy", "x", [`X-Long: ${"h".repeat(3000)}`]);
    const talk = sendWithout(http().send("client", get("/a")), "server", answer, 1000, 2000);
    goOn(talk).send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 503 error gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response?.partial).toBe(true);
  });

  test("inside the headers of a request", () => {
    const asked = request("GET /a HTTP/1.1", ["Host: lab.test", `Cookie: ${"c".repeat(3000)}`]);
    const talk = goOn(sendWithout(http(), "client", asked, 1000, 2000)).send("server", ok(3));
    talk.send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.request).toMatchObject({ host: "lab.test", partial: true });
  });

  test("inside the request line", () => {
    const talk = goOn(sendWithout(http(), "client", get("/path/that/is/cut"), 12, 20))
      .send("server", ok(3))
      .close();
    expect(lines(talk.packets)).toEqual(["GET /path/th 200 ok gap truncated"]);
  });

  test("cut off by the snap length", () => {
    const talk = http();
    for (const path of ["/a", "/b", "/c"]) talk.send("client", get(path)).send("server", response("200 OK", "b", ["Server: x"]));
    const cut = talk
      .close()
      .packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, 90), wireBytes: packet.bytes.length }));
    expect(lines(cut)).toEqual(["GET /a 200 ok gap", "GET /b 200 ok gap", "GET /c 200 ok gap"]);
  });
});

/** What was captured of some packets, each cut to so many bytes of its TCP payload. */
function snapped(talk: Conversation, payloadBytes: number): Captured[] {
  return talk.packets.map((packet) => ({
    ...packet,
    bytes: packet.bytes.subarray(0, 54 + payloadBytes),
    wireBytes: packet.bytes.length,
  }));
}

describe("cut lines", () => {
  const exchange = () => http().send("client", get("/a")).send("server", response("404 Not Found", "x")).close();

  test("a status line tells its code, and not its reason", () => {
    const [trip, ...more] = tripsOf(snapped(exchange(), 18));
    expect([trip?.status, trip?.marks, more]).toEqual(["error", ["gap"], []]);
    expect(trip?.response).toMatchObject({ statusCode: 404, version: "1.1", partial: true });
    expect(trip?.response?.reason).toBeUndefined();
  });

  test("without the whole code the response is not known, and no breach of the protocol", () => {
    for (const bytes of [5, 8, 10, 11]) {
      const packets = exchange().packets.map((packet, index) =>
        index === 4 ? { ...packet, bytes: packet.bytes.subarray(0, 54 + bytes), wireBytes: packet.bytes.length } : packet,
      );
      expect(lines(packets)).toEqual(["GET /a - unobserved"]);
    }
  });

  test("a request line tells its target without what may be the version", () => {
    const line = "GET /some/where HTTP/1.1";
    for (let bytes = 6; bytes <= line.length; bytes++) {
      const talk = http();
      talk.send("client", line.slice(0, bytes)).lose("client", get("/some/where").slice(bytes)).send("server", ok(1));
      const [trip] = tripsOf(goOn(talk).close().packets);
      expect(["/some/where".slice(0, bytes - 4), trip?.marks]).toEqual([trip?.request?.path, ["gap", "truncated"]]);
    }
  });
});

describe("what one message says of its body", () => {
  test.each(["Content-Length: 900", "Transfer-Encoding: chunked"])("is not the next one's: %s", (header) => {
    const asked = request("POST /up HTTP/1.1", [header, `Cookie: ${"c".repeat(900)}`]);
    const talk = http().send("client", asked.slice(0, 300)).lose("client", asked.slice(300)).send("server", ok(1));
    goOn(talk);
    for (const path of ["/b", "/c", "/d"]) talk.send("client", get(path)).send("server", ok(1));
    const rest = ["/b", "/c", "/d"].map((path) => `GET ${path} 200 ok`);
    expect(lines(talk.close().packets)).toEqual(["POST /up 200 ok gap", ...rest]);
  });
});

describe("interim responses", () => {
  const asked = request("POST /up HTTP/1.1", ["Expect: 100-continue", "Content-Length: 4"]);
  const go = "HTTP/1.1 100 Continue\r\n\r\n";
  const begun = () => http().send("client", asked).send("server", go).send("client", "data");

  test("are all that is known where the final one is missing", () => {
    const talk = begun().lose("server", ok(300)).acknowledge("client").close();
    expect(lines(talk.packets)).toEqual(["POST /up - unobserved gap"]);
    const [trip] = tripsOf(talk.packets);
    expect([trip?.response?.informational, trip?.durationNs, trip?.timing.serverNs]).toEqual([[100], undefined, undefined]);
  });

  test("belong to no later response", () => {
    const talk = goOn(begun().lose("server", ok(300))).send("client", get("/b"));
    talk.wait(200_000_000n).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["POST /up - unobserved gap", "GET /b 404 error"]);
    expect(tripsOf(talk.packets)[1]?.response?.informational).toBeUndefined();
  });

  test("are no final ones where their end is missing", () => {
    const talk = http().send("client", asked).send("server", go.slice(0, -1)).lose("server", go.slice(-1));
    goOn(talk).send("client", "data").send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["POST /up 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response?.informational).toEqual([100]);
  });
});

describe("missing messages", () => {
  test("a whole response: its request is unobserved, the next pair stands", () => {
    const talk = http().send("client", get("/a")).lose("server", ok(300));
    goOn(talk).send("client", get("/b")).wait(200_000_000n).send("server", response("404 Not Found", "x"));
    talk.send("client", get("/c")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["GET /a - unobserved", "GET /b 404 error", "GET /c 200 ok"]);
  });

  test("a whole request: its response is an orphan, the next pair stands", () => {
    const talk = http().lose("client", get("/a")).send("server", response("500 Broken", "x"));
    goOn(talk).send("client", get("/b")).send("server", ok(1)).close();
    expect(lines(talk.packets)).toEqual(["- 500 error", "GET /b 200 ok"]);
  });

  test("a request and its response", () => {
    const talk = http().send("client", get("/a")).send("server", ok(1)).lose("client", get("/b")).lose("server", ok(2));
    goOn(talk).send("client", get("/c")).wait(200_000_000n).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok", "GET /c 404 error"]);
  });

  test("the first segment of a response: what follows is not taken for the next", () => {
    const answer = ok(4000);
    const talk = http().send("client", get("/a")).lose("server", answer.slice(0, 1400)).send("server", answer.slice(1400));
    goOn(talk).send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /a - unobserved", "GET /b 404 error"]);
  });

  test("of a pipeline: nothing is paired by guess, and pairs are sure again behind it", () => {
    const talk = http().send("client", ["/1", "/2", "/3", "/4"].map(get).join(""));
    talk
      .send("server", ok(1))
      .lose("server", ok(2))
      .send("server", response("404 Not Found", "3") + ok(4));
    goOn(talk).send("client", get("/5")).send("server", response("403 No", "5")).close();
    const found = lines(talk.packets);
    expect(found[0]).toBe("GET /1 200 ok");
    expect(found.at(-1)).toBe("GET /5 403 error");
    for (const path of ["/2", "/3", "/4"]) expect(found).toContain(`GET ${path} - unobserved`);
    expect(found.filter((text) => text.startsWith("- "))).toEqual(["- 404 error", "- 200 ok"]);
  });

  test("before the capture began", () => {
    const talk = http({ clientSequence: 70, serverSequence: 90 });
    talk.packets.splice(0);
    talk.send("server", ok(10)).send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["- 200 ok", "GET /b 404 error"]);
  });

  test("the middle of a body, before the capture began", () => {
    const talk = http();
    talk.packets.splice(0);
    talk.send("server", "x".repeat(2000), 500).send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /b 404 error"]);
  });

  test("an orphan that answers a HEAD does not swallow the next response", () => {
    const talk = http().lose("client", request("HEAD /a HTTP/1.1")).send("server", ok(500).slice(0, -500));
    goOn(talk).send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["- 200 ok", "GET /b 404 error"]);
  });
});

describe("garbage", () => {
  test("instead of a request: the next clean exchange is reported", () => {
    const talk = http().send("client", get("/a")).send("server", ok(1)).send("client", "\x01\x02 nonsense\r\nmore\r\n\r\n");
    talk.send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok", "GET /b 404 error resynchronized"]);
  });

  test("instead of a response", () => {
    const talk = http().send("client", get("/a")).send("server", "what is this?\r\n");
    talk.send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    const found = lines(talk.packets);
    expect(found).toContain("GET /a - unobserved");
    expect(found).toContain("GET /b 404 error resynchronized");
  });

  test("instead of a chunk size", () => {
    const talk = http().send("client", get("/a"));
    talk.send("server", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n");
    talk.send("client", get("/b")).send("server", response("404 Not Found", "x")).close();
    expect(lines(talk.packets)).toEqual(["GET /a 200 ok malformed", "GET /b 404 error resynchronized"]);
  });
});

describe("missing ends", () => {
  const asked = () => http().send("client", get("/a"));
  const later = () =>
    http({ clientPort: 7, startNs: START_NS + 50_000_000_000n })
      .send("client", get("/b"))
      .send("server", ok(1)).packets;

  test("a response of which only its acknowledgement was captured is unobserved, however the connection ends", () => {
    const talk = () => asked().lose("server", ok(3)).acknowledge("client");
    expect(lines(talk().packets)).toEqual(["GET /a - unobserved"]);
    expect(lines(talk().close().packets)).toEqual(["GET /a - unobserved"]);
    expect(lines(talk().reset("client").packets)).toEqual(["GET /a - unobserved"]);
    expect(lines([...talk().packets, ...later()], { streamTimeoutMs: 20_000 })).toEqual(["GET /a - unobserved", "GET /b 200 ok"]);
  });

  test("a response of which not even that was captured is known by the server's FIN", () => {
    const talk = asked().lose("server", ok(3)).finish("server");
    expect(lines([...talk.packets, ...later()])).toEqual(["GET /a - unobserved", "GET /b 200 ok"]);
  });

  test("the end of a body of known length", () => {
    const answer = ok(3000);
    const talk = asked().send("server", answer.slice(0, 1000)).lose("server", answer.slice(1000)).acknowledge("client");
    expect(lines([...talk.packets, ...later()])).toEqual(["GET /a 200 ok gap", "GET /b 200 ok"]);
    expect(lines(talk.close().packets)).toEqual(["GET /a 200 ok gap"]);
  });

  test("a FIN of which only the acknowledgement was captured is no missing byte", () => {
    const talk = asked().send("server", "HTTP/1.0 200 OK\r\n\r\nbody").lose("server", "F").finish("client");
    expect(lines([...talk.packets, ...later()])).toEqual(["GET /b 200 ok", "GET /a 200 ok"]);
  });
});
