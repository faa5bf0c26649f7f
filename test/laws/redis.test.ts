/** Laws that redis keeps whatever the segments, the cuts, the losses and the bytes. */
import { describe, expect, test } from "vitest";
import { type Captured, Conversation, pcap } from "../support/pcap-builder";
import { array, bulk, command, line, lines, OK, redis, tripsOf } from "../support/redis";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";
import { keepsSegments } from "../support/stream-laws";

/** Both sides of one connection that shows most of what redis can do. */
const TALK: ["client" | "server", string][] = [
  ["client", command("HELLO", 3) + command("SET", "a:1", "x\r\n+OK\r\n")],
  ["server", `%1\r\n$5\r\nproto\r\n:3\r\n${OK}`],
  ["client", `get a:1\r\n\r\n${command("MULTI")}${command("LRANGE", "l", 0, -1)}${command("EXEC")}`],
  ["server", `|1\r\n+ttl\r\n:1\r\n${bulk("x\r\n+OK\r\n")}${OK}+QUEUED\r\n${array(array(bulk("p"), "$-1\r\n"))}`],
  ["client", command("SUBSCRIBE", "c", "d") + command("GET", "none")],
  ["server", ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"],
  ["server", ">3\r\n$9\r\nsubscribe\r\n$1\r\nd\r\n:2\r\n_\r\n"],
  ["client", command("EVAL", "script", 1, "k:2", "v") + command("QUIT")],
  ["server", `!9\r\nERR wrong\r\n${OK}`],
];

const WHOLE = [
  "HELLO map ok",
  "SET a:1 simple string ok",
  "GET a:1 bulk string ok",
  "MULTI simple string ok",
  "LRANGE l simple string ok",
  "EXEC array ok",
  "SUBSCRIBE push ok",
  "GET none null ok",
  "EVAL k:2 bulk error error",
  "QUIT simple string ok",
];

/** The packets of TALK, each part in segments of `segmentBytes`. */
function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = redis();
  for (const [side, text] of TALK) one.send(side, text, segmentBytes);
  return one.close().packets;
}

describe("segments", () => {
  keepsSegments({ talk: TALK, trips: tripsOf, line, whole: WHOLE });
});

describe("connections", () => {
  test("32-bit wrap at every byte of the first exchanges", () => {
    const answer = bulk("value");
    for (let before = 0; before < 80; before++) {
      const wrapped = redis({ clientSequence: 2 ** 32 - before, serverSequence: 2 ** 32 - 1 - before });
      for (let i = 0; i < 4; i++) wrapped.send("client", command("GET", `w${i}`), 13).send("server", answer, 7);
      const wanted = [0, 1, 2, 3].map((i) => `GET w${i} bulk string ok`);
      expect(lines(wrapped.close().packets), `${before}`).toEqual(wanted);
    }
  });

  test("joined at every packet, no pair is wrong", () => {
    const one = new Conversation({ serverPort: 6379 }).open();
    for (let i = 0; i < 8; i++)
      one.send("client", command("GET", `k${i}`), 15).send("server", `-E${i} ${"x".repeat(60)}\r\n`, 50);
    const { packets } = one.close();
    for (let from = 1; from < packets.length; from++) {
      for (const { request: asked, response: answer } of tripsOf(packets.slice(from))) {
        if (asked && answer) expect(answer.errorCode, `from ${from}`).toBe(`E${String(asked.key).slice(1)}`);
      }
    }
  });

  test("a capture cut after any packet invents nothing", () => {
    const packets = talk(30);
    const known = new Set(WHOLE.map((text) => text.split(" ")[0]));
    for (let count = 0; count < packets.length; count++) {
      for (const { request: asked, status } of tripsOf(packets.slice(0, count))) {
        expect(known).toContain(asked?.command);
        expect(["ok", "error", "unobserved"]).toContain(status);
      }
    }
  });
});

/** One exchange of `packets()`: which packets decide it, by their places. */
interface Decides {
  key: string;
  request: number;
  response: number;
}

/** Connections of exchanges whose responses tell which request they answer. */
function traffic(depth: number, valueBytes: number, rounds: number): { packets: Captured[]; exchanges: Decides[] } {
  const one = redis({ stepNs: 100_000n });
  const exchanges: Decides[] = [];
  for (let round = 0; round < rounds; round++) {
    const keys = Array.from({ length: depth }, (_, index) => `${round}x${index}`);
    const send = (side: "client" | "server", texts: string[]) => {
      const first = one.packets.length;
      one.send(side, texts.join(""), 1400);
      let at = 0;
      return texts.map((text) => {
        const place = first + Math.floor(at / 1400);
        at += text.length;
        return place;
      });
    };
    const asked = send(
      "client",
      keys.map((key) => command("GET", key)),
    );
    const answered = send(
      "server",
      keys.map((key) => `-E${key.toUpperCase()} ${"v".repeat(valueBytes)}\r\n`),
    );
    for (const [index, key] of keys.entries()) exchanges.push({ key, request: asked[index]!, response: answered[index]! });
    one.acknowledge("client").wait(20_000_000n);
  }
  return { packets: one.close().packets, exchanges };
}

describe("losses", () => {
  test.each([
    [1, 2000],
    [8, 20],
  ])("of any one segment, %i at a time: no pair is wrong", (depth, bytes) => {
    const { packets, exchanges } = traffic(depth, bytes, 6);
    for (let lost = 3; lost < packets.length; lost++) {
      const trips = tripsOf(packets.filter((_, index) => index !== lost));
      const pairs = trips.filter(({ request: asked, response: answer }) => asked && answer);
      for (const { request: asked, response: answer } of pairs) {
        expect(String(answer!.errorCode).slice(1).toLowerCase(), `without packet ${lost}`).toBe(asked!.key);
      }
      const decidable = exchanges.filter(({ request, response }) => request !== lost && response !== lost).length;
      expect(pairs.length, `without packet ${lost}`).toBeGreaterThanOrEqual(decidable);
    }
  });

  test.each([
    [1, 200, 0.001, 0.999],
    [1, 200, 0.01, 0.995],
    [1, 200, 0.05, 0.98],
    [1, 4000, 0.01, 0.995],
    [1, 4000, 0.05, 0.98],
    [16, 10, 0.01, 0.995],
    [16, 10, 0.05, 0.98],
    [16, 200, 0.01, 0.995],
    [16, 200, 0.05, 0.98],
  ])("%i at a time, %i bytes, of a share of %d of all segments", (depth, bytes, share, wanted) => {
    let decidable = 0;
    let right = 0;
    let wrong = 0;
    for (let seed = 0; seed < 10; seed++) {
      const random = randomFrom(seed * 7 + 1);
      const { packets, exchanges } = traffic(depth, bytes, depth === 1 ? 200 : 40);
      const isKept = packets.map((_, index) => index < 3 || random() >= share);
      const trips = tripsOf(packets.filter((_, index) => isKept[index]));
      const found = new Map(trips.filter(({ request: asked }) => asked).map((trip) => [String(trip.request!.key), trip]));
      for (const { key, request, response } of exchanges) {
        if (!isKept[request] || !isKept[response]) continue;
        decidable += 1;
        if (found.get(key)?.response?.errorCode === `E${key.toUpperCase()}`) right += 1;
      }
      for (const { request: asked, response: answer } of trips) {
        if (asked?.key !== undefined && answer?.errorCode !== undefined) {
          wrong += `E${String(asked.key).toUpperCase()}` === answer.errorCode ? 0 : 1;
        }
      }
    }
    expect(wrong / decidable).toBeLessThanOrEqual(0.001);
    expect(right / decidable).toBeGreaterThanOrEqual(wanted);
  });
});

describe("bytes", () => {
  test("any byte with any bit flipped is read or counted, and the next clean exchange is reported", () => {
    const bad = `${command("SET", "bad", "value")}${command("GET", "bad")}get bad\r\n`;
    for (let at = 0; at < bad.length; at++) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(bad, (letter) => letter.charCodeAt(0));
        flipped[at]! ^= 1 << bit;
        packets.push(
          ...redis({ clientPort: 50000 + bit })
            .send("client", flipped)
            .send("server", OK)
            .close().packets,
        );
      }
      const startNs = packets.at(-1)!.timeNs + 1000n;
      const clean = redis({ clientPort: 60000, startNs }).send("client", command("GET", "clean")).send("server", bulk("x"));
      expect(lines([...packets, ...clean.packets]), `byte ${at}`).toContain("GET clean bulk string ok");
    }
  });

  test("after garbage of any length and content the next clean exchange on the connection is reported", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
      const one = redis().send("client", command("GET", "a")).send("server", OK);
      one
        .send(seed & 1 ? "client" : "server", garbage, 1000)
        .acknowledge("client")
        .acknowledge("server");
      one
        .send("client", command("GET", "b"))
        .send("server", OK)
        .send("client", command("GET", "clean"))
        .send("server", bulk("x"));
      expect(lines(one.close().packets), `seed ${seed}`).toContain("GET clean bulk string ok");
    }
  });

  test("random bytes and TLS are never taken for redis", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomFrom(seed);
      const bytes = () => Uint8Array.from({ length: 1 + Math.floor(random() * 1200) }, () => Math.floor(random() * 256));
      const hello = Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...bytes()]);
      const one = redis()
        .send("client", seed & 1 ? bytes() : hello)
        .send("server", bytes())
        .send("client", bytes())
        .close();
      expect(tripsOf(one.packets).map(line), `seed ${seed}`).toEqual([]);
    }
  });

  test("on a port of another protocol it is redis all the same", () => {
    for (const serverPort of [53, 80, 443, 3306, 50_000]) {
      const one = redis({ serverPort }).send("client", command("GET", "a")).send("server", bulk("x")).close();
      expect(readRoundTrips(pcap(one.packets)).map(({ protocol }) => protocol)).toEqual(["redis"]);
    }
  });
});
