/** Laws that HTTP/2 and gRPC keep whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
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
  lines,
  plain,
  SERVER_START,
  START,
  statusFields,
  TYPE,
  tripsOf,
} from "../support/http2";
import { type Captured, Conversation, join, number } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";

const GRPC: [string, string] = ["content-type", "application/grpc"];
const message = (length: number) => join([0], number(length, 4), "m".repeat(length));
const two = (stream: number) => join(headers(stream, fields("POST", "/e/Say", [GRPC]), false), data(stream, message(9)));
const block = join(indexed(2), indexed(6), added(1, "lab.test"), added(4, "/three"), plain("cookie", "c".repeat(200)));

/** Both sides of one connection that shows most of what HTTP/2 can do. */
const TALK: ["client" | "server", Uint8Array][] = [
  ["client", join(START, get(1, "/one"), headers(3, fields("POST", "/two"), false), data(3, "abc"))],
  ["server", join(SERVER_START, headers(1, statusFields(200), false), answer(3, 404), data(1, "first"))],
  [
    "client",
    join(
      frame(TYPE.headers, FLAG.endStream | FLAG.padded, 5, join([2], block.slice(0, 30), "pp")),
      frame(TYPE.continuation, FLAG.endHeaders, 5, block.slice(30)),
      two(7),
    ),
  ],
  [
    "server",
    join(
      headers(7, join(indexed(8), plain(...GRPC)), false),
      frame(TYPE.data, FLAG.padded, 7, join([3], message(4), "ppp")),
      headers(7, plain("grpc-status", "3")),
      frame(TYPE.reset, 0, 5, number(2, 4)),
    ),
  ],
  ["client", headers(9, join(indexed(2), indexed(62), indexed(63)))],
  ["server", answer(9, 200, "last")],
];

/** The packets of TALK, each message in segments of `segmentBytes`. */
function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = new Conversation().open();
  for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ protocol, status, request: asked, response: answered, marks }) =>
    JSON.stringify({ protocol, status, asked, answered, marks }),
  );
}

const whole = essence(tripsOf(talk()));

/** The same packets in another order, at the same times. */
function reordered(packets: Captured[], order: number[]): Captured[] {
  return order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
}

describe("segments", () => {
  test("whole", () => {
    expect(tripsOf(talk()).map(({ protocol, request, status }) => `${protocol} ${request?.streamId} ${status}`)).toEqual([
      "http2 3 error",
      "http2 1 ok",
      "grpc 7 error",
      "http2 5 reset",
      "http2 9 ok",
    ]);
    expect(lines(talk()).at(-1)).toBe("9 GET /three 200 ok");
  });

  test("whole = split at every byte", () => {
    for (const [part, [, bytes]] of TALK.entries()) {
      for (let cut = 1; cut < bytes.length; cut++) {
        const one = new Conversation().open();
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

  test("a capture cut after any packet, or joined at any, invents nothing", () => {
    const packets = talk(60);
    const known: Record<string, string> = { 1: "200", 3: "404", 5: "undefined", 7: "200", 9: "200" };
    const check = (some: Captured[]) => {
      for (const { request: asked, response: answered, status } of tripsOf(some)) {
        const id = String(asked?.streamId ?? answered?.streamId);
        const code = answered?.statusCode ?? answered?.httpStatus;
        if (code !== undefined) expect(String(code)).toBe(known[id]);
        expect(["ok", "error", "reset", "closed", "unobserved"]).toContain(status);
      }
    };
    for (let count = 0; count < packets.length; count++) check(packets.slice(0, count));
    for (let count = 0; count < packets.length; count++) check(packets.slice(count));
  });
});

describe("losses", () => {
  const EXCHANGES = 60;
  /** Exchanges, several at a time, whose responses tell which request they answer; and of what each segment is a part. */
  const exchanges = () => {
    const one = http2({ stepNs: 100_000n });
    const first: number[] = [];
    const outcome: number[] = [];
    for (let i = 0; i < EXCHANGES; i += 3) {
      for (let k = i; k < i + 3; k++) {
        first.push(one.packets.length);
        one.send("client", headers(2 * k + 1, join(indexed(2), indexed(6), plain(4, `/${k}`), added("x-id", String(k)))));
      }
      one.acknowledge("server");
      for (let k = i + 2; k >= i; k--) {
        outcome[k] = one.packets.length;
        one.send("server", headers(2 * k + 1, statusFields(200, [["content-type", `number/${k}`]]), false));
        one.send("server", data(2 * k + 1, "x".repeat(700)), 300);
      }
      one.acknowledge("client").wait(20_000_000n);
    }
    return { packets: one.close().packets, first, outcome };
  };
  const wrong = (trips: RoundTrip[]) =>
    trips.filter(
      ({ request: asked, response: answered }) =>
        asked?.path !== undefined &&
        answered?.contentType !== undefined &&
        `/${String(answered.contentType).slice(7)}` !== asked.path,
    );

  test("of any one segment: no pair is wrong, and all that is decidable is decided", () => {
    const { packets, first, outcome } = exchanges();
    for (let lost = 5; lost < packets.length; lost++) {
      const trips = tripsOf(packets.filter((_, index) => index !== lost));
      expect(wrong(trips), `without packet ${lost}`).toEqual([]);
      for (let k = 0; k < EXCHANGES; k++) {
        if (first[k] === lost || outcome[k] === lost) continue;
        const found = trips.filter(({ request: asked }) => asked?.path === `/${k}`);
        expect(
          found.map(({ status }) => status),
          `exchange ${k} without packet ${lost}`,
        ).toEqual(["ok"]);
      }
    }
  });

  test.each([0.001, 0.01, 0.05, 0.2])("of a share of %d of all segments: what is decidable is decided", (share) => {
    let decidable = 0;
    let right = 0;
    for (let seed = 0; seed < 10; seed++) {
      const random = randomFrom(seed);
      const { packets, first, outcome } = exchanges();
      const isKept = packets.map((_, index) => index < 5 || random() >= share);
      const trips = tripsOf(packets.filter((_, index) => isKept[index]));
      expect(wrong(trips)).toEqual([]);
      for (let k = 0; k < EXCHANGES; k++) {
        if (!isKept[first[k]!] || !isKept[outcome[k]!]) continue;
        decidable += 1;
        const found = trips.filter(({ request: asked }) => asked?.path === `/${k}`);
        if (found.length === 1 && found[0]!.status === "ok") right += 1;
      }
    }
    expect(right / decidable).toBeGreaterThanOrEqual(share <= 0.01 ? 0.995 : 0.97);
  });
});

describe("bytes", () => {
  test("any byte with any bit flipped is read or counted, and the next clean exchange is reported", () => {
    const bad = join(START, TALK[2]![1]);
    for (let at = 0; at < bad.length; at++) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bad.slice();
        flipped[at]! ^= 1 << bit;
        const one = new Conversation({ clientPort: 50000 + bit }).open();
        packets.push(...one.send("client", flipped).send("server", join(SERVER_START, TALK[3]![1])).close().packets);
      }
      const startNs = packets.at(-1)!.timeNs + 1000n;
      packets.push(...http2({ clientPort: 60000, startNs }).send("client", get(1, "/clean")).send("server", answer(1)).packets);
      expect(lines(packets), `byte ${at}`).toContain("1 GET /clean 200 ok");
    }
  });

  test("after garbage of any length and content the next clean exchange on the connection is reported", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
      // What begins like a frame of any length is one.
      garbage[0] = 255;
      garbage[3] = 7;
      const one = http2().send("client", get(1, "/a")).send("server", answer(1));
      one.send(seed & 1 ? "client" : "server", garbage, 1000).acknowledge("client");
      one.send("client", get(3, "/clean")).send("server", answer(3, 204)).close();
      expect(
        lines(one.packets).map((text) => text.replace(/ resynchronized| gap/g, "")),
        `seed ${seed}`,
      ).toContain("3 GET /clean 204 ok");
    }
  });

  test("random bytes are never taken for it", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomFrom(1000 + seed);
      const one = seed & 1 ? new Conversation() : new Conversation().open();
      for (let i = 0; i < 6; i++) {
        const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 1400) }, () => Math.floor(random() * 256));
        one.send(i & 1 ? "client" : "server", bytes);
      }
      expect(tripsOf(one.packets).filter(({ protocol }) => protocol === "http2" || protocol === "grpc")).toEqual([]);
    }
  });
});
