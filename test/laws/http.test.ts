/** Laws that HTTP keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { http, line, lines, request, response, tripsOf } from "../support/http";
import { type Captured, Conversation } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";

const get = (path: string, method = "GET") => request(`${method} ${path} HTTP/1.1`);
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n";

/** Both sides of one connection that shows most of what HTTP can do. */
const TALK: ["client" | "server", string][] = [
  ["client", get("/one") + get("/two", "HEAD")],
  ["server", response("200 OK", "first") + response("404 Not Found", "none").slice(0, -4)],
  ["client", request("POST /three HTTP/1.1", ["Host: lab.test", "Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n")],
  ["server", `HTTP/1.1 103 Early Hints\r\n\r\n${chunked}`],
  ["client", "GET /four HTTP/1.0\nHost:\n lab.test\n\n"],
  ["server", "HTTP/1.0 200 OK\r\n\r\nuntil the end"],
];

/** The packets of TALK, each message in segments of `segmentBytes`. */
function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = http();
  for (const [side, text] of TALK) one.send(side, text, segmentBytes);
  return one.close().packets;
}

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ status, request: asked, response: answer, marks }) => JSON.stringify({ status, asked, answer, marks }));
}

const whole = essence(tripsOf(talk()));

/** The same packets in another order, at the same times. */
function reordered(packets: Captured[], order: number[]): Captured[] {
  return order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
}

describe("segments", () => {
  test("whole", () => {
    expect(tripsOf(talk()).map(line)).toEqual([
      "GET /one 200 ok",
      "HEAD /two 404 error",
      "POST /three 200 ok",
      "GET /four 200 ok",
    ]);
  });

  test("whole = split at every byte", () => {
    for (const [part, [, text]] of TALK.entries()) {
      for (let cut = 1; cut < text.length; cut++) {
        const one = http();
        for (const [index, [side, other]] of TALK.entries()) {
          if (index === part) one.send(side, other.slice(0, cut)).send(side, other.slice(cut));
          else one.send(side, other);
        }
        expect(essence(tripsOf(one.close().packets)), `part ${part} cut at ${cut}`).toEqual(whole);
      }
    }
  });

  test.each([1, 2, 3, 5, 17, 100])("whole = segments of %i bytes", (segmentBytes) => {
    expect(essence(tripsOf(talk(segmentBytes)))).toEqual(whole);
  });

  test("whole = any order of segments", () => {
    const packets = talk(40);
    const last = packets.length - 3;
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      const order = packets.map((_, index) => index);
      for (let i = last - 1; i > 3; i--) {
        const j = 3 + Math.floor(random() * (i - 2));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      expect(essence(tripsOf(reordered(packets, order))), `seed ${seed}`).toEqual(whole);
    }
  });

  test("whole = every segment twice, and pieces that overlap", () => {
    const twice = talk(40).flatMap((packet) => [packet, { ...packet, bytes: packet.bytes.slice() }]);
    expect(essence(tripsOf(twice))).toEqual(whole);
    const one = http();
    for (const [side, text] of TALK) {
      const start = one.next[side];
      for (let at = 0; at < text.length; at += 20)
        one.packet(side, "P.", text.slice(Math.max(0, at - 15), at + 20), start + Math.max(0, at - 15));
      one.next[side] = start + text.length;
    }
    expect(essence(tripsOf(one.close().packets))).toEqual(whole);
  });
});

describe("connections", () => {
  test("32-bit wrap at every byte of the first exchange", () => {
    const plain = http().send("client", get("/w")).send("server", response("200 OK", "body")).close();
    const wanted = lines(plain.packets);
    for (let before = 0; before < 60; before++) {
      const wrapped = http({ clientSequence: 2 ** 32 - before, serverSequence: 2 ** 32 - 1 - before });
      for (let i = 0; i < 3; i++) wrapped.send("client", get("/w"), 13).send("server", response("200 OK", "body"), 11);
      expect(lines(wrapped.close().packets)).toEqual([...wanted, ...wanted, ...wanted]);
    }
  });

  test("32-bit wrap with a segment from before it that is sent again behind it", () => {
    const asked = get("/w");
    for (let before = 1; before < 60; before++) {
      const wrapped = http({ clientSequence: 2 ** 32 - before, serverSequence: 70 });
      for (let i = 0; i < 3; i++) {
        const start = wrapped.next.client;
        wrapped.send("client", asked, 13).packet("client", "P.", asked.slice(0, 13), start);
        wrapped.send("server", response("200 OK", "body"));
      }
      expect(lines(wrapped.close().packets), `${before} bytes before it`).toEqual(Array(3).fill("GET /w 200 ok"));
    }
  });

  test("tuple reuse with a lower sequence number, after an end and without one", () => {
    const first = http({ clientSequence: 9_000_000, serverSequence: 8_000_000 }).send("client", get("/first"));
    const startNs = first.packets.at(-1)!.timeNs + 1_000_000_000n;
    const second = http({ clientSequence: 10, serverSequence: 20, startNs });
    second.send("client", get("/second")).send("server", response("200 OK")).close();
    expect(lines([...first.packets, ...second.packets])).toEqual(["GET /first - closed", "GET /second 200 ok"]);
    first.reset("server");
    expect(lines([...first.packets, ...second.packets])).toEqual(["GET /first - reset", "GET /second 200 ok"]);
  });

  test("half-close: the client ends its side before the answer", () => {
    const one = http().send("client", get("/half")).finish("client").acknowledge("server");
    one.send("server", response("200 OK", "late")).finish("server").acknowledge("client");
    expect(lines(one.packets)).toEqual(["GET /half 200 ok"]);
  });

  test("mid-stream: joined at every packet, no pair is wrong", () => {
    const packets: Captured[] = [];
    const one = new Conversation().open();
    for (let i = 0; i < 6; i++) one.send("client", get(`/${i}`), 30).send("server", response(`20${i} OK`, "x".repeat(90)), 50);
    packets.push(...one.close().packets);
    for (let from = 1; from < packets.length; from++) {
      for (const text of lines(packets.slice(from)).filter((found) => /^GET \S+ \d/.test(found))) {
        const [, path, code] = /^GET \/(\d) 20(\d)/.exec(text) ?? [];
        expect(code, `from ${from}: ${text}`).toBe(path);
      }
    }
  });

  test("a capture cut after any packet invents nothing", () => {
    const packets = talk(60);
    const known = new Set(["/one", "/two", "/three", "/four"]);
    for (let count = 0; count < packets.length; count++) {
      for (const { request: asked, status } of tripsOf(packets.slice(0, count))) {
        expect(known).toContain(asked?.path);
        expect(["ok", "error", "unobserved"]).toContain(status);
      }
    }
  });
});

describe("losses", () => {
  /** A connection of exchanges whose responses tell which request they answer, in several segments each. */
  const packets = () => {
    const one = http({ stepNs: 100_000n });
    for (let i = 0; i < 40; i++) {
      one.send("client", get(`/${i}`)).send("server", response("200 OK", "x".repeat(900), [`Content-Type: number/${i}`]), 300);
      one.acknowledge("client").wait(20_000_000n);
    }
    return one.close().packets;
  };

  test("of any one segment: no pair is wrong, and one exchange at the most is not whole", () => {
    const all = packets();
    for (let lost = 3; lost < all.length; lost++) {
      const trips = tripsOf(all.filter((_, index) => index !== lost));
      const pairs = trips.filter(({ request: asked, response: answer }) => asked && answer?.contentType);
      for (const { request: asked, response: answer } of pairs) {
        expect(`/${String(answer!.contentType).slice(7)}`, `without packet ${lost}`).toBe(asked!.path);
      }
      expect(pairs.length, `without packet ${lost}`).toBeGreaterThanOrEqual(39);
    }
  });

  test.each([0.01, 0.05, 0.2])(
    "of a share of %d of all segments: no pair is wrong, and what is decidable is decided",
    (share) => {
      let decidable = 0;
      let right = 0;
      for (let seed = 0; seed < 10; seed++) {
        const random = randomFrom(seed);
        const all = packets();
        const isKept = all.map((_, index) => index < 3 || random() >= share);
        const trips = tripsOf(all.filter((_, index) => isKept[index]));
        for (let i = 0; i < 40; i++) {
          // Each exchange is a request, four segments of the response, and an acknowledgement.
          const first = 3 + i * 6;
          if (!isKept[first] || !isKept[first + 1]) continue;
          decidable += 1;
          const found = trips.filter(({ request: asked }) => asked?.path === `/${i}`);
          if (found.length === 1 && found[0]!.response?.contentType === `number/${i}`) right += 1;
        }
        for (const { request: asked, response: answer } of trips) {
          if (asked && answer?.contentType) expect(`/${String(answer.contentType).slice(7)}`).toBe(asked.path);
        }
      }
      expect(right / decidable).toBeGreaterThanOrEqual(share <= 0.05 ? 0.995 : 0.97);
    },
  );
});

describe("bytes", () => {
  test("any byte with any bit flipped is read or counted, and the next clean exchange is reported", () => {
    const bad = get("/bad") + request("POST /body HTTP/1.1", ["Content-Length: 3"], "abc");
    for (let at = 0; at < bad.length; at++) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(bad, (letter) => letter.charCodeAt(0));
        flipped[at]! ^= 1 << bit;
        packets.push(
          ...http({ clientPort: 50000 + bit })
            .send("client", flipped)
            .close().packets,
        );
      }
      const startNs = packets.at(-1)!.timeNs + 1000n;
      packets.push(
        ...http({ clientPort: 60000, startNs }).send("client", get("/clean")).send("server", response("200 OK")).packets,
      );
      expect(lines(packets), `byte ${at}`).toContain("GET /clean 200 ok");
    }
  });

  test("after garbage of any length and content the next clean exchange on the connection is reported", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
      const one = http().send("client", get("/a")).send("server", response("200 OK"));
      one.send(seed & 1 ? "client" : "server", garbage, 1000).acknowledge("client");
      one.send("client", get("/clean")).send("server", response("204 No Content")).close();
      expect(lines(one.packets), `seed ${seed}`).toContain("GET /clean 204 ok resynchronized");
    }
  });
});
