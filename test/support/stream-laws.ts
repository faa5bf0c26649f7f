/** The laws that every protocol in order keeps, as tests; to be called inside a `describe`. */
import { expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { type Bytes, type Captured, Conversation, START_NS, toBytes } from "./pcap-builder";
import { randomFrom } from "./sketches";

/** What both sides of a connection say, in its order. */
export type Talk = ["client" | "server", Bytes][];

type Form = NonNullable<ConstructorParameters<typeof Conversation>[0]>;

/** A protocol as the laws see it. */
export interface Lawful {
  /** From the very beginning of the connection on. */
  talk: Talk;
  /** Opens a connection on which requests can be sent. */
  connect: (form: Form) => Conversation;
  trips: (packets: Captured[]) => RoundTrip[];
  line: (trip: RoundTrip) => string;
  /** The lines of `talk`. */
  whole: string[];
  /** Request and response number `index`; the response of at least 600 bytes. */
  exchange: (index: number) => [Bytes, Bytes];
  /** Whether the response of a round trip is that of exchange `index`. */
  isRight: (trip: RoundTrip, index: number) => boolean;
  /** The exchange whose request it is, -1 for none. */
  indexOf: (trip: RoundTrip) => number;
  clean: [Bytes, Bytes];
  cleanLine: RegExp;
  /** Requests of which each byte is flipped. */
  bad: Uint8Array;
}

const EXCHANGES = 40;
const SEGMENT_BYTES = 250;

/** What must not depend on segments: everything but times and the connection's health. */
function essence(trips: RoundTrip[]): string[] {
  return trips.map(({ status, request, response, marks }) => JSON.stringify({ status, request, response, marks }));
}

function open(form: Form = {}): Conversation {
  return new Conversation({ serverPort: 7777, ...form }).open();
}

function said(talk: Talk, segmentBytes = Number.POSITIVE_INFINITY, form: Form = {}): Captured[] {
  const one = open(form);
  for (const [side, bytes] of talk) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

/** A talk of which part number `part` comes in two segments. */
function splitAt(talk: Talk, part: number, cut: number): Talk {
  return talk.flatMap(([side, bytes], index): Talk => {
    if (index !== part) return [[side, bytes]];
    const run = toBytes(bytes);
    return [
      [side, run.subarray(0, cut)],
      [side, run.subarray(cut)],
    ];
  });
}

/** What the laws of segments need of a protocol. */
export interface Segmented extends Pick<Lawful, "talk" | "trips" | "line" | "whole"> {
  /** Packets at the beginning that keep their places: what is said there tells whose bytes these are. */
  placed?: number;
  /** Whether round trips may be decided in another order when segments come in one. */
  isLoose?: boolean;
}

/** Declares the tests that round trips do not depend on how a talk was cut into segments, nor on their order. */
export function keepsSegments({ talk, trips, line, whole, placed = 3, isLoose = false }: Segmented): void {
  const expected = essence(trips(said(talk)));
  const ordered = (found: string[]) => (isLoose ? found.toSorted() : found);

  test("whole", () => expect(trips(said(talk)).map(line)).toEqual(whole));

  test("whole = split at every byte", () => {
    for (const [part, [, bytes]] of talk.entries()) {
      const cuts = Array.from({ length: toBytes(bytes).length - 1 }, (_, at) => at + 1);
      const packets = cuts.flatMap((cut) =>
        said(splitAt(talk, part, cut), undefined, { clientPort: 40000 + cut, startNs: START_NS + BigInt(cut) * 60_000_000n }),
      );
      const found = trips(packets);
      for (const cut of cuts) {
        const own = found.filter(({ client }) => client.port === 40000 + cut);
        expect(essence(own), `part ${part} cut at ${cut}`).toEqual(expected);
      }
    }
  });

  test.each([1, 2, 3, 5, 17, 100])("whole = segments of %i bytes", (segmentBytes) => {
    expect(essence(trips(said(talk, segmentBytes)))).toEqual(expected);
  });

  test("whole = any order of segments, each of them twice", () => {
    const packets = said(talk, 40);
    const last = packets.length - 3;
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const order = packets.map((_, index) => index);
      for (let i = last - 1; i > placed; i--) {
        const j = placed + Math.floor(random() * (i - placed + 1));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const mixed = order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
      expect(ordered(essence(trips(mixed))), `seed ${seed}`).toEqual(ordered(expected));
    }
    const twice = packets.flatMap((packet) => [packet, { ...packet, bytes: packet.bytes.slice() }]);
    expect(essence(trips(twice))).toEqual(expected);
  });
}

function segmentLaws(lawful: Lawful): void {
  const { talk, trips, line, whole } = lawful;
  keepsSegments(lawful);

  test("a capture cut after any packet, or joined at any, invents nothing", () => {
    const packets = said(talk, 60);
    // The text of what was prepared before the capture began is not known.
    const known = new Set(whole.map((text) => text.split(" ")[0]).concat("-"));
    for (let count = 0; count < packets.length; count++) {
      for (const trip of trips(packets.slice(0, count))) expect(["ok", "error", "unobserved"]).toContain(trip.status);
      for (const trip of trips(packets.slice(count))) expect(known).toContain(line(trip).split(" ")[0]);
    }
  });
}

/** Connections of exchanges whose responses tell which request they answer; where each exchange's packets begin. */
function exchanges({ connect, exchange }: Lawful): { packets: Captured[]; starts: number[]; counts: number[] } {
  const one = connect({ stepNs: 100_000n });
  const starts: number[] = [];
  const counts: number[] = [];
  for (let index = 0; index < EXCHANGES; index++) {
    const [request, response] = exchange(index);
    starts.push(one.packets.length);
    one.send("client", request).send("server", response, SEGMENT_BYTES).acknowledge("client").wait(20_000_000n);
    counts.push(one.packets.length - starts.at(-1)! - 2);
  }
  return { packets: one.close().packets, starts, counts };
}

function lossLaws(lawful: Lawful): void {
  const { trips, isRight, indexOf, line } = lawful;
  const { packets: all, starts, counts } = exchanges(lawful);
  const wrongOf = (found: RoundTrip[]) =>
    found.filter((trip) => trip.status === "ok" && indexOf(trip) >= 0 && trip.response && !isRight(trip, indexOf(trip)));

  test("of any one segment: no pair is wrong, and one exchange at the most is not whole", () => {
    for (let lost = 3; lost < all.length; lost++) {
      const found = trips(all.filter((_, index) => index !== lost));
      expect(wrongOf(found).map(line), `without packet ${lost}`).toEqual([]);
      const right = found.filter((trip) => indexOf(trip) >= 0 && isRight(trip, indexOf(trip)));
      expect(right.length, `without packet ${lost}`).toBeGreaterThanOrEqual(EXCHANGES - 1);
    }
  });

  test.each([0.01, 0.05, 0.2])("of a share of %d of all segments: what is decidable is decided, and nothing else", (share) => {
    let decidable = 0;
    let right = 0;
    for (let seed = 0; seed < 20; seed++) {
      const random = randomFrom(seed);
      const isKept = all.map((_, index) => index < starts[0]! || random() >= share);
      const found = trips(all.filter((_, index) => isKept[index]));
      expect(wrongOf(found).map(line), `seed ${seed}`).toEqual([]);
      for (let index = 0; index < EXCHANGES; index++) {
        const first = starts[index]!;
        // The request, and the response's first and last segments.
        if (!isKept[first] || !isKept[first + 1] || !isKept[first + counts[index]!]) continue;
        decidable += 1;
        const own = found.filter((trip) => indexOf(trip) === index);
        if (own.length === 1 && own[0]!.status === "ok" && isRight(own[0]!, index)) right += 1;
      }
    }
    expect(right / decidable).toBeGreaterThanOrEqual(share <= 0.01 ? 0.995 : share <= 0.05 ? 0.985 : 0.94);
  });
}

function byteLaws({ trips, line, connect, clean, cleanLine, bad }: Lawful): void {
  test("any byte with any bit flipped is read or counted, and the next clean exchange is reported", () => {
    for (let at = 0; at < bad.length; at++) {
      const packets: Captured[] = [];
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bad.slice();
        flipped[at]! ^= 1 << bit;
        packets.push(
          ...connect({ clientPort: 50000 + bit })
            .send("client", flipped)
            .close().packets,
        );
      }
      const startNs = packets.at(-1)!.timeNs + 1000n;
      packets.push(...connect({ clientPort: 60000, startNs }).send("client", clean[0]).send("server", clean[1]).packets);
      expect(
        trips(packets)
          .map(line)
          .some((text) => cleanLine.test(text)),
        `byte ${at}`,
      ).toBe(true);
    }
  });

  test("after garbage of any length and content a clean exchange on the connection is reported", () => {
    let reported = 0;
    for (let seed = 0; seed < 100; seed++) {
      const random = randomFrom(seed);
      const garbage = Uint8Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256));
      const one = connect({}).send("client", clean[0]).send("server", clean[1]);
      one.send(seed & 1 ? "client" : "server", garbage, 1000).acknowledge("client");
      one.send("client", clean[0]).send("server", clean[1]).close();
      if (
        trips(one.packets)
          .map(line)
          .filter((text) => cleanLine.test(text)).length === 2
      )
        reported += 1;
    }
    // Garbage can read as the header of a long message, which is then waited for.
    expect(reported).toBeGreaterThanOrEqual(97);
  });
}

/** Declares the tests of all laws. */
export function keepsLaws(lawful: Lawful): void {
  segmentLaws(lawful);
  lossLaws(lawful);
  byteLaws(lawful);
}
