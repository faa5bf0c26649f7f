/** Laws that WebSocket keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, join } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { AGREED, ASKED, closing, line, lines, OPCODE, pushed, sent, tripsOf, websocket } from "../support/websocket";

const BYE = closing(1001);

/** Both sides of one connection that shows most of what WebSocket can do. */
const TALK: ["client" | "server", Uint8Array][] = [
  ["client", join(ASKED)],
  ["server", join(AGREED, pushed(OPCODE.ping, "ab"))],
  ["client", join(sent(OPCODE.pong, "ab"), sent(OPCODE.text, "x".repeat(130)), sent(OPCODE.binary, "1", { more: true }))],
  ["client", join(sent(OPCODE.ping), sent(OPCODE.continuation, "23"), sent(OPCODE.text, "z", { lengthBytes: 8 }))],
  ["server", join(pushed(OPCODE.text), pushed(OPCODE.text, "y".repeat(300), { reserved: 4 }))],
  ["server", pushed(OPCODE.close, BYE)],
  ["client", sent(OPCODE.close, BYE)],
];

function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = new Conversation().open();
  for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ status, request, response, marks }) => JSON.stringify({ status, request, response, marks }));
}

const whole = essence(tripsOf(talk()));

describe("segments", () => {
  test("whole", () => expect(tripsOf(talk()).map(line)).toEqual(["/live/17 7/134/1001 4/300/1001 ok"]));

  test("whole = split at every byte", () => {
    for (const [part, [, bytes]] of TALK.entries()) {
      for (let cut = 1; cut < bytes.length; cut++) {
        const one = new Conversation().open();
        for (const [index, [side, other]] of TALK.entries()) {
          if (index === part) one.send(side, other.subarray(0, cut)).send(side, other.subarray(cut));
          else one.send(side, other);
        }
        expect(essence(tripsOf(one.close().packets)), `part ${part} cut at ${cut}`).toEqual(whole);
      }
    }
  });

  test.each([1, 2, 3, 5, 17, 100])("whole = segments of %i bytes", (segmentBytes) => {
    expect(essence(tripsOf(talk(segmentBytes)))).toEqual(whole);
  });

  test("whole = any order of segments, each of them twice", () => {
    const packets = talk(40);
    const last = packets.length - 3;
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const order = packets.map((_, index) => index);
      for (let i = last - 1; i > 3; i--) {
        const j = 3 + Math.floor(random() * (i - 2));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const mixed = order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
      expect(essence(tripsOf(mixed)), `seed ${seed}`).toEqual(whole);
    }
    const twice = packets.flatMap((packet) => [packet, { ...packet, bytes: packet.bytes.slice() }]);
    expect(essence(tripsOf(twice))).toEqual(whole);
  });

  test("a capture cut after any packet, or joined at any, invents nothing", () => {
    const packets = talk(60);
    for (let count = 0; count < packets.length; count++) {
      for (const { status } of tripsOf(packets.slice(0, count))) expect(["ok", "unobserved"]).toContain(status);
      for (const { status } of tripsOf(packets.slice(count))) expect(status).toBe("ok");
    }
  });
});

/** A connection of numbered messages, a segment each but for every fourth, which takes several. */
function messages(): Captured[] {
  const one = websocket({ stepNs: 100_000n });
  for (let index = 0; index < 100; index++) {
    const payload = String(index % 10).repeat(index % 4 === 0 ? 900 : 20);
    one.send("client", sent(OPCODE.text, payload), 300).send("server", pushed(OPCODE.text, payload), 300);
    one.acknowledge("client").acknowledge("server").wait(20_000_000n);
  }
  one.send("client", sent(OPCODE.close, BYE)).send("server", pushed(OPCODE.close, BYE));
  return one.close().packets;
}

describe("losses", () => {
  const all = messages();
  const exact = tripsOf(all)[0]!;
  const most = Number(exact.request?.frames);

  test("of any one segment: one frame at the most is not counted, and none is invented", () => {
    for (let lost = 5; lost < all.length; lost++) {
      const found = tripsOf(all.filter((_, index) => index !== lost));
      expect(found.length, `without packet ${lost}`).toBe(1);
      const { request, response, status } = found[0]!;
      expect(status, `without packet ${lost}`).toBe("ok");
      const frames = Number(request?.frames) + Number(response?.frames);
      expect(frames, `without packet ${lost}`).toBeLessThanOrEqual(2 * most);
      expect(frames, `without packet ${lost}`).toBeGreaterThanOrEqual(2 * most - 1);
    }
  });

  test.each([0.01, 0.05, 0.2])("of a share of %d of all segments: nothing is invented", (share) => {
    for (let seed = 0; seed < 20; seed++) {
      const random = randomFrom(seed);
      const kept = all.filter((_, index) => index < 5 || random() >= share);
      for (const { request, response, status } of tripsOf(kept)) {
        expect(["ok", "unobserved", "closed"], `seed ${seed}`).toContain(status);
        for (const side of [request, response]) {
          expect(Number(side?.textFrames ?? 0), `seed ${seed}`).toBeLessThanOrEqual(100);
          expect(Number(side?.bodyBytes ?? 0), `seed ${seed}`).toBeLessThanOrEqual(Number(exact.request?.bodyBytes));
          expect(Number(side?.binaryFrames ?? 0) + Number(side?.pingFrames ?? 0), `seed ${seed}`).toBe(0);
        }
      }
    }
  });
});

describe("bytes", () => {
  test("any byte with any bit flipped is read or counted, and the next clean connection is reported", () => {
    const bad = join(...TALK.slice(2, 4).map(([, bytes]) => bytes));
    for (let at = 0; at < bad.length; at++) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bad.slice();
        flipped[at]! ^= 1 << bit;
        packets.push(
          ...websocket({ clientPort: 50000 + bit })
            .send("client", flipped)
            .close().packets,
        );
      }
      const clean = websocket({ clientPort: 60000, startNs: packets.at(-1)!.timeNs + 1000n }).send("client", sent(8, BYE));
      packets.push(...clean.send("server", pushed(8, BYE)).packets);
      expect(lines(packets), `byte ${at}`).toContain("/live/17 1/0/1001 1/0/1001 ok");
    }
  });

  test("behind garbage frames are known again, and garbage is none", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      // A reserved opcode, so that the first frame cannot be a long one.
      const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
      garbage[0] = 0x83;
      garbage[1] = 5;
      const one = websocket().send("client", sent(1, "a")).send("client", garbage, 1000).send("client", sent(1, "b"));
      one.send("client", sent(8, BYE)).send("server", pushed(8, BYE)).close();
      expect(lines(one.packets), `seed ${seed}`).toEqual(["/live/17 3/2/1001 1/0/1001 ok resynchronized malformed"]);
    }
  });
});
