/** Laws that DNS keeps whatever the segments, the cuts, the losses and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { NOISE } from "../support/noise";
import {
  type Captured,
  Conversation,
  dnsMessage,
  dnsQuery,
  dnsResponse,
  ethernet,
  FLAG,
  ipv4,
  join,
  number,
  overTcp,
  pcap,
  START_NS,
  spaced,
  TYPE,
  udp,
} from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";
import { keepsLaws, type Talk } from "../support/stream-laws";
import { totalsOf } from "../support/summaries";

const query = (name: string, id: number) => overTcp(dnsQuery(name, { id }));
const answer = (name: string, id: number, rcode = 0) => overTcp(dnsResponse(name, { id, rcode }));
const trips = (packets: Captured[]) => readRoundTrips(pcap(packets));
const line = ({ request, response, status }: RoundTrip) =>
  `${request?.name ?? "-"} ${response?.name ?? "-"} ${response?.rcode ?? "-"} ${status}`;
const connect = (form: ConstructorParameters<typeof Conversation>[0] = {}) =>
  new Conversation({ serverPort: 53, ...form }).open();

const TALK: Talk = [
  ["client", join(query("one.test", 1), query("two.example.test", 2))],
  ["server", join(answer("two.example.test", 2), answer("one.test", 1, 3))],
  ["client", query("three.test", 3)],
  ["server", answer("three.test", 3)],
];
const WHOLE = ["two.example.test two.example.test 0 ok", "one.test one.test 3 error", "three.test three.test 0 ok"];
const CLEAN = { asked: query("clean.test", 77), answered: answer("clean.test", 77), line: "clean.test clean.test 0 ok" };

const POINTER = Uint8Array.of(0xc0, 12);
const nameOf = (index: number) => `host-${index}.example.test`;

/** An answer of `count` records of 200 letters. */
function longAnswer(name: string, id: number, count: number, rcode = 0): Uint8Array {
  const record = { name: POINTER, type: TYPE.TXT, data: join([200], "x".repeat(200)) };
  return overTcp(
    dnsMessage({ id, flags: FLAG.response, rcode, questions: [{ name }], answers: Array.from({ length: count }, () => record) }),
  );
}

describe("over TCP", () => {
  keepsLaws({
    talk: TALK,
    connect,
    trips,
    line,
    whole: WHOLE,
    exchange: (index) => [query(nameOf(index), index), longAnswer(nameOf(index), index, 3)],
    isRight: ({ request, response }, index) =>
      request?.name === nameOf(index) && response?.name === nameOf(index) && response.id === index,
    indexOf: ({ request }) => Number(/^host-(\d+)\./.exec(String(request?.name))?.[1] ?? -1),
    clean: [CLEAN.asked, CLEAN.answered],
    cleanLine: /^clean\.test clean\.test 0 ok$/,
    bad: join(query("one.test", 1), query("two.example.test", 2)),
  });

  test.each([1, 2, 3, 5, 17, 100])("on its own port, segments of %i bytes = whole", (segmentBytes) => {
    const one = connect();
    for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
    expect(trips(one.close().packets).map(line)).toEqual(WHOLE);
  });
});

describe("lengths over TCP", () => {
  test.each([7777, 53])("the longest message and one behind it, on port %i", (serverPort) => {
    // One record fills the message up to 65,535 bytes.
    const questions = [{ name: "long.test" }];
    const longest = (bytes: number) =>
      dnsMessage({
        id: 1,
        flags: FLAG.response,
        questions,
        answers: [{ name: POINTER, type: TYPE.TXT, data: new Uint8Array(bytes) }],
      });
    const message = longest(0xffff - longest(0).length);
    expect(message.length).toBe(0xffff);
    for (const segmentBytes of [1, 1400, 4080, 4081, 40_000]) {
      const one = connect({ serverPort, stepNs: 1000n }).send("client", join(query("long.test", 1), query("next.test", 2)));
      const found = trips(one.send("server", join(overTcp(message), answer("next.test", 2)), segmentBytes).close().packets);
      expect(found.map(line), `segments of ${segmentBytes}`).toEqual(["long.test long.test 0 ok", "next.test next.test 0 ok"]);
      expect(found[0]!.response!.bytes).toBe(0xffff);
    }
  });

  test.each([0, 1, 2, 5, 11])("a message of %i bytes is none: it is counted, and the next one found", (bytes) => {
    for (const from of ["client", "server"] as const) {
      const one = connect().send("client", CLEAN.asked).send("server", CLEAN.answered);
      one.send(from, join(number(bytes, 2), new Uint8Array(bytes).fill(1))).acknowledge("client");
      const { packets } = one.send("client", query("next.test", 2)).send("server", answer("next.test", 2)).close();
      expect(trips(packets).map(line)).toEqual([CLEAN.line, "next.test next.test 0 ok"]);
      expect(totalsOf(pcap(packets)).count("dns_malformed_total", { reason: "header" })).toBe(1);
    }
  });

  test.each([1, 2, 7, 13])("%i bytes of garbage, fewer than tell anything, cost no message behind them", (bytes) => {
    for (let seed = 0; seed < 20; seed++) {
      const random = randomFrom(seed);
      const garbage = Uint8Array.from({ length: bytes }, () => 128 + random() * 128);
      const one = connect().send("client", garbage).send("client", CLEAN.asked).send("server", garbage);
      expect(trips(one.send("server", CLEAN.answered).close().packets).map(line), `seed ${seed}`).toEqual([CLEAN.line]);
    }
  });

  test("counts that find no room in the message are garbage, and what follows it is marked", () => {
    const lying = CLEAN.asked.slice();
    lying[6] = 0x40;
    const one = connect().send("client", query("first.test", 1)).send("server", answer("first.test", 1));
    const { packets } = one.send("client", lying).send("client", CLEAN.asked).send("server", CLEAN.answered).close();
    expect(trips(packets).map((trip) => [line(trip), trip.marks])).toEqual([
      ["first.test first.test 0 ok", []],
      [CLEAN.line, ["resynchronized"]],
    ]);
  });

  test("a header that announces nothing is a message by itself, or of a session", () => {
    const bare = (id: number, flags: number) => join(number(id, 2), number(flags, 2), new Uint8Array(8));
    const keepalive = join(number(1, 2), number(8, 2), number(15_000, 4), number(15_000, 4));
    const one = connect().send("client", CLEAN.asked).send("server", CLEAN.answered);
    one.send("client", overTcp(join(bare(5, 0x3000), keepalive))).send("server", overTcp(join(bare(5, 0xb000), keepalive)));
    one.send("client", overTcp(bare(6, 0x0100))).send("server", overTcp(bare(6, 0x8101)));
    one.send("client", overTcp(join(bare(7, 0x0100), keepalive)));
    const told = trips(one.close().packets).map(({ request, response }) => [request?.id, request?.opcode, response?.rcode]);
    expect(told).toEqual([
      [77, "QUERY", 0],
      [5, "DSO", 0],
      [6, "QUERY", 1],
    ]);
  });

  test("a client may end its side before it is answered", () => {
    const one = connect()
      .send("client", join(query("one.test", 1), query("two.test", 2)))
      .finish("client");
    const { packets } = one.send("server", answer("two.test", 2)).send("server", answer("one.test", 1)).finish("server");
    expect(trips(packets).map(line)).toEqual(["two.test two.test 0 ok", "one.test one.test 0 ok"]);
  });

  test("a server that ends inside its answer has given none", () => {
    const one = connect().send("client", query("one.test", 1)).send("server", answer("one.test", 1).subarray(0, 40));
    expect(trips(one.finish("server").finish("client").packets).map(line)).toEqual(["one.test - - closed"]);
  });
});

describe("what is missing over TCP", () => {
  /** A response of 250-byte segments of which some are missing, and one more exchange behind it. */
  function without(lost: readonly number[], rcode = 0): RoundTrip[] {
    const one = connect().send("client", query("one.test", 1));
    const first = one.packets.length;
    one
      .send("server", longAnswer("one.test", 1, 5, rcode), 250)
      .acknowledge("client")
      .wait(200_000_000n);
    const { packets } = one.send("client", CLEAN.asked).send("server", CLEAN.answered).close();
    return trips(packets.filter((_, index) => !lost.includes(index - first)));
  }

  test.each([[[1]], [[2]], [[4]], [[1, 3]], [[1, 2, 3, 4]]])("inside an answer costs only its records: segments %j", (lost) => {
    for (const rcode of [0, 3]) {
      const [trip, clean] = without(lost, rcode);
      expect(trip).toMatchObject({ request: { name: "one.test" }, response: { name: "one.test", rcode, answers: 5 } });
      expect([trip!.status, trip!.marks]).toEqual([rcode === 0 ? "ok" : "error", ["gap"]]);
      // Behind length, header and question, 28 bytes, each record takes 213.
      expect((trip!.response!.records as unknown[]).length).toBe(Math.floor((lost[0]! * 250 - 28) / 213));
      expect([line(clean!), clean!.marks]).toEqual([CLEAN.line, []]);
    }
  });

  test("with an answer's header leaves it unobserved", () => {
    for (const lost of [[0], [0, 1], [0, 1, 2, 3, 4]]) {
      expect(without(lost).map(line).toSorted()).toEqual([CLEAN.line, "one.test - - unobserved"]);
    }
  });

  test.each([
    ["name", 2, "-"],
    ["type", 1, "a-rather-long-name.test"],
  ])("with the %s that a query asks for leaves its id, by which it is answered", (_, fromLast, name) => {
    const one = connect().send("client", CLEAN.asked).send("server", CLEAN.answered);
    const lost = one.send("client", query("a-rather-long-name.test", 5), 20).packets.length - fromLast;
    const { packets } = one.send("server", answer("a-rather-long-name.test", 5, 3)).close();
    const found = trips(packets.filter((_, index) => index !== lost));
    expect(found.map(line)).toEqual([CLEAN.line, `${name} a-rather-long-name.test 3 error`]);
    expect(found[1]).toMatchObject({ request: { id: 5 }, marks: ["gap"] });
  });

  test("and queries that are sent while it is not known where answers begin claim no outcome", () => {
    const one = connect().send("client", CLEAN.asked).send("server", CLEAN.answered);
    one.send("server", new Uint8Array(100).fill(255)).acknowledge("client");
    expect(trips(one.send("client", query("late.test", 2)).close().packets).map(line)).toEqual([
      CLEAN.line,
      "late.test - - unobserved",
    ]);
  });

  test("as the capture cut packets short: headers and questions that are there are told", () => {
    const { packets } = connect()
      .send("client", query("one.test", 1))
      .send("server", longAnswer("one.test", 1, 3, 3))
      .close();
    const cut = packets.map(({ timeNs, bytes }) => ({ timeNs, bytes: bytes.subarray(0, 96), wireBytes: bytes.length }));
    expect(trips(cut).map((trip) => [line(trip), trip.marks])).toEqual([["one.test one.test 3 error", ["gap"]]]);
  });

  test.each(Object.keys(NOISE))("from bytes of no protocol on its own port makes none of them DNS: %s", (shape) => {
    const random = randomFrom(shape.length);
    const packets: Captured[] = [];
    for (let index = 0; index < 300; index++) {
      const startNs = START_NS + BigInt(index) * 20_000_000n;
      const one = new Conversation({ clientPort: 20_000 + index, serverPort: 53, startNs });
      if (index & 1) one.open();
      for (let part = 0; part < 8; part++) {
        const from = random() < 0.5 ? "client" : "server";
        const bytes = NOISE[shape]!(random, 8 + Math.floor(random() * random() * 600));
        if (random() < 0.3) one.lose(from, bytes);
        else one.send(from, bytes);
      }
      packets.push(...one.packets);
    }
    const cut = packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, 120), wireBytes: packet.bytes.length }));
    for (const some of [packets, cut]) expect(trips(some).filter(({ protocol }) => protocol === "dns")).toEqual([]);
  });
});

describe("over UDP", () => {
  const message = dnsResponse("flip.test", { id: 7 });
  const datagram = (payload: Uint8Array) =>
    ethernet(ipv4(udp(payload, { sourcePort: 53, destinationPort: 5000 }), { source: "192.0.2.2", destination: "192.0.2.1" }));

  test("any byte with any bit flipped is read or counted, and the next message is read", () => {
    const clean = dnsQuery("clean.test", { id: 9 });
    for (let at = 0; at < message.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = message.slice();
        flipped[at]! ^= 1 << bit;
        const found = trips(spaced([datagram(flipped), datagram(clean)]));
        expect(found.some(({ request }) => request?.name === "clean.test")).toBe(true);
      }
    }
  });

  test("a message cut by the capture at any byte is taken as far as it goes", () => {
    for (let cut = 12; cut < message.length; cut++) {
      const frame = datagram(message);
      const kept = frame.subarray(0, frame.length - message.length + cut);
      const [trip] = trips([{ ...spaced([kept])[0]!, wireBytes: frame.length }]);
      expect([trip?.response?.id, trip?.response?.rcode]).toEqual([7, 0]);
    }
  });
});
