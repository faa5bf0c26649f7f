/** Laws that TLS keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { handshake12, handshake13, lines, talkOf, tls, tripsOf } from "../support/tls";

const TALKS = { "TLS 1.3": handshake13("law.test"), "TLS 1.2": handshake12("law.test") };

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ status, request, response, marks }) => JSON.stringify({ status, request, response, marks }));
}

/** A random run of bytes. */
function noise(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

describe.each(Object.entries(TALKS))("%s", (version, flights) => {
  const whole = essence(tripsOf(talkOf(flights).close().packets));

  test("whole", () => {
    expect(lines(talkOf(flights).close().packets)).toEqual([`law.test ${version} ok`]);
  });

  test("whole = split at every byte", () => {
    for (const [part, [, bytes]] of flights.entries()) {
      for (let cut = 1; cut < bytes.length; cut += part < 2 || bytes.length < 300 ? 1 : 17) {
        const one = tls();
        for (const [index, [side, other]] of flights.entries()) {
          if (index === part) one.send(side, other.slice(0, cut)).send(side, other.slice(cut));
          else one.send(side, other);
        }
        expect(essence(tripsOf(one.close().packets)), `part ${part} cut at ${cut}`).toEqual(whole);
      }
    }
  });

  test.each([1, 2, 3, 5, 17, 100])("whole = segments of %i bytes", (segmentBytes) => {
    expect(essence(tripsOf(talkOf(flights, segmentBytes).close().packets))).toEqual(whole);
  });

  test("whole = any order of segments", () => {
    const packets = talkOf(flights, 60).close().packets;
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const order = packets.map((_, index) => index);
      for (let i = packets.length - 4; i > 3; i--) {
        const j = 3 + Math.floor(random() * (i - 2));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const mixed = order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
      expect(essence(tripsOf(mixed)), `seed ${seed}`).toEqual(whole);
    }
  });

  test("whole = every segment twice", () => {
    const twice = talkOf(flights, 60)
      .close()
      .packets.flatMap((packet) => [packet, { ...packet, bytes: packet.bytes.slice() }]);
    expect(essence(tripsOf(twice))).toEqual(whole);
  });

  test("a capture cut after any packet invents nothing", () => {
    const packets = talkOf(flights, 60).packets;
    for (let count = 0; count < packets.length; count++) {
      for (const { request, status, response } of tripsOf(packets.slice(0, count))) {
        expect([undefined, "law.test"]).toContain(request?.serverName);
        expect([undefined, version]).toContain(response?.version);
        expect(["ok", "unobserved"]).toContain(status);
      }
    }
  });

  test("without any one segment nothing is invented, and what is decidable is decided", () => {
    const all = talkOf(flights, 200).close().packets;
    const exact = tripsOf(talkOf(flights, 200).close().packets)[0]!;
    for (let lost = 3; lost < all.length - 3; lost++) {
      const trips = tripsOf(all.filter((_, index) => index !== lost));
      expect(trips.length, `without packet ${lost}`).toBeLessThanOrEqual(2);
      for (const { request, response, status } of trips) {
        expect(["ok", "unobserved"], `without packet ${lost}`).toContain(status);
        for (const [key, value] of Object.entries(request ?? {})) {
          if (key !== "bytes" && key !== "version") expect(value, `${key} without packet ${lost}`).toEqual(exact.request![key]);
        }
        for (const [key, value] of Object.entries(response ?? {})) {
          if (key !== "bytes" && key !== "resumed") expect(value, `${key} without packet ${lost}`).toEqual(exact.response![key]);
        }
      }
    }
  });

  test("mid-stream: joined at every packet, nothing is invented", () => {
    const packets = talkOf(flights, 200).close().packets;
    for (let from = 1; from < packets.length; from++) {
      for (const { response, status } of tripsOf(packets.slice(from))) {
        expect([undefined, version]).toContain(response?.version);
        expect(["ok", "unobserved", "closed"]).toContain(status);
      }
    }
  });

  test("any byte with any bit flipped is read or counted, and the next clean handshake is reported", () => {
    const bytes = [flights[0]![1], flights[1]![1].slice(0, 300)] as const;
    for (const [part, flight] of bytes.entries()) {
      for (let at = 0; at < flight.length; at++) {
        const packets: Captured[] = [];
        for (let bit = 0; bit < 8; bit++) {
          const flipped = flight.slice();
          flipped[at]! ^= 1 << bit;
          const one = tls({ clientPort: 50000 + bit });
          if (part === 1) one.send("client", bytes[0]);
          packets.push(...one.send(part === 0 ? "client" : "server", flipped).close().packets);
        }
        const startNs = packets.at(-1)!.timeNs + 1000n;
        packets.push(...talkOf(handshake13("clean.test"), 1460, { clientPort: 60000, startNs }).packets);
        expect(lines(packets), `part ${part} byte ${at}`).toContain("clean.test TLS 1.3 ok");
      }
    }
  });
});

describe("random bytes", () => {
  test("are never a handshake, on TLS's own port and others", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      const one = new Conversation({ serverPort: seed & 1 ? 443 : 9999 }).open();
      for (let i = 0; i < 6; i++)
        one.send("client", noise(random, 1 + random() * 600)).send("server", noise(random, 1 + random() * 600));
      expect(lines(one.close().packets), `seed ${seed}`).toEqual([]);
    }
  });

  test("behind a hello cost its answer, and invent none", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      const one = talkOf(handshake13("noise.test").slice(0, 1));
      for (let i = 0; i < 6; i++)
        one.send("server", noise(random, 1 + random() * 600)).send("client", noise(random, 1 + random() * 600));
      expect(lines(one.close().packets), `seed ${seed}`).toEqual(["noise.test - error"]);
    }
  });
});
