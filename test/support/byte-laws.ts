/** Laws of bytes that are not what they should be, for protocols that find their place again in the middle of a connection. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, START_NS } from "./pcap-builder";
import { randomFrom } from "./sketches";

/** A protocol that keeps them. */
export interface Robust {
  /** Its name, and its own port. */
  name: string;
  port: number;
  /** A connection that is open. */
  open(form?: ConstructorParameters<typeof Conversation>[0]): Conversation;
  talk: readonly ["client" | "server", Uint8Array][];
  trips(packets: Captured[]): RoundTrip[];
  lines(packets: Captured[]): string[];
  /** A clean exchange of this number, and its line. */
  clean(number: number): { asked: Uint8Array; answered: Uint8Array; line: string };
  /** Whether an exchange behind garbage may be without a mark of it. */
  isLoose?: boolean;
}

/** Declares the tests. */
export function keepsByteLaws(protocol: Robust): void {
  describe("bytes", () => {
    test("any byte with any bit flipped is read or counted, and the next clean exchange is reported", () => flipBits(protocol));
    test("after garbage of any length and content the next clean exchange on the connection is reported", () =>
      sendGarbage(protocol));
    test(`random bytes are never taken for ${protocol.name}, on its own port either`, () => sendNoise(protocol));
  });
}

function flipBits({ open, talk, lines, clean }: Robust): void {
  const asked = Buffer.concat(talk.filter(([side]) => side === "client").map(([, bytes]) => bytes));
  const next = clean(99);
  for (const [side, bad] of talk) {
    for (let at = 0; at < bad.length; at += 16) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8 * Math.min(16, bad.length - at); bit++) {
        const flipped = bad.slice();
        flipped[at + (bit >> 3)]! ^= 1 << (bit & 7);
        const startNs = packets.at(-1)?.timeNs ?? START_NS;
        const one = open({ clientPort: 50000 + bit, startNs: startNs + 1000n });
        if (side === "server") one.send("client", asked);
        packets.push(...one.send(side, flipped).close().packets);
      }
      const startNs = packets.at(-1)!.timeNs + 1000n;
      packets.push(...open({ clientPort: 60000, startNs }).send("client", next.asked).send("server", next.answered).packets);
      expect(lines(packets), `byte ${at}`).toContain(next.line);
    }
  }
}

function sendGarbage({ open, lines, clean, isLoose }: Robust): void {
  const [first, next] = [clean(1), clean(2)];
  for (let seed = 0; seed < 200; seed++) {
    const random = randomFrom(seed);
    const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
    const one = open().send("client", first.asked).send("server", first.answered);
    one.send(seed & 1 ? "client" : "server", garbage, 1000).acknowledge("client");
    one.send("client", next.asked).send("server", next.answered).close();
    const wanted = isLoose ? next.line : `${next.line} resynchronized`;
    expect(lines(one.packets).filter((text) => text.startsWith(wanted)).length, `seed ${seed}`).toBe(1);
  }
}

function sendNoise({ port, trips }: Robust): void {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomFrom(seed);
    const one = new Conversation({ serverPort: port }).open();
    for (let i = 0; i < 6; i++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256));
      one.send(i & 1 ? "server" : "client", bytes);
    }
    expect(trips(one.close().packets), `seed ${seed}`).toEqual([]);
  }
}
