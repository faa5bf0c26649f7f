/** Memory that runs out at any packet and for any time: what is told is right, what finds no room is counted, and nothing is invented. */
import { describe, expect, test } from "vitest";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { FAULTY } from "../support/faults";
import { verdictOf } from "../support/faults/judge";
import { type FaultyProtocol, type Talk, talk } from "../support/faults/talk";
import { type Captured, Conversation, pcap, START_NS } from "../support/pcap-builder";
import { PressedCore, type Squeeze } from "../support/pressure";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";
import { totalsOf } from "../support/summaries";

const CONNECTIONS = 2;
const EXCHANGES = 8;
const ROUNDS = 150;
/** The smallest budget: 2 MiB for streams. */
const BUDGET_BYTES = 8 << 20;
const CROWD = 3000;
const CROWD_STEP_NS = 10_000n;
const CROWD_WAIT_NS = 60_000_000n;

/** Windows of packets in which memory is short: one or two, of one packet or many. */
function squeezesOf(seed: number, packets: number): Squeeze[] {
  const random = randomFrom(seed);
  const below = (most: number) => Math.floor(random() * most);
  const from = below(packets);
  const lengths = [1, 2, 5, 20, packets];
  const to = from + 1 + below(lengths[below(lengths.length)]!);
  const again = to + below(20);
  const pages = below(4);
  return [{ from, to, pages }, ...(below(2) === 0 ? [] : [{ from: again, to: again + 1 + below(10), pages }])];
}

/** What of `shown` is not as `whole` has it: what is not known may be absent, and what was cut begins alike. */
function differences(shown: MessageFields | undefined, whole: MessageFields | undefined, isCut: boolean): string[] {
  return Object.entries(shown ?? {}).flatMap(([name, value]) => {
    // What went by unseen is no part of the account.
    if (name === "bytes" && isCut) return [];
    const own = whole?.[name];
    const isSame = JSON.stringify(value) === JSON.stringify(own);
    const isPart = isCut && typeof value === "string" && typeof own === "string" && own.startsWith(value);
    return isSame || isPart ? [] : [`${name}: ${JSON.stringify(value)}, was ${JSON.stringify(own)}`];
  });
}

/** Names of those that are told with an outcome. */
function byId(protocol: FaultyProtocol, trips: readonly RoundTrip[]): Map<string, RoundTrip> {
  const found = new Map<string, RoundTrip>();
  for (const trip of trips) {
    const id = trip.protocol === protocol.name ? protocol.idOf(trip) : undefined;
    if (id !== undefined) found.set(id, trip);
  }
  return found;
}

const MANNERS: [string, Parameters<typeof talk>[3]][] = [
  ["segments of 90 bytes", { segmentBytes: 90 }],
  ["segments of 1400 bytes, four requests at once", { depth: 4 }],
  ["segments of 90 bytes, three requests at once", { segmentBytes: 90, depth: 3 }],
];

describe.each(FAULTY)("$title", ({ protocol }) => {
  const core = new PressedCore();

  test.each(MANNERS)("%s", { timeout: 120_000 }, (_, manner) => {
    const said: Talk = talk(protocol, CONNECTIONS, EXCHANGES, manner);
    const packets = said.parts.map(({ packet }) => packet);
    const whole = byId(protocol, core.read(packets, []));
    const broken: string[] = [];
    let unobserved = 0;
    let right = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const squeezes = squeezesOf(seed, packets.length);
      const trips = core.read(packets, squeezes);
      const verdict = verdictOf(protocol, said, trips);
      unobserved += verdict.unobserved;
      right += verdict.right;
      if (verdict.wrong + verdict.invented > 0) broken.push(`${JSON.stringify(squeezes)} ${JSON.stringify(verdict)}`);
      for (const [id, trip] of byId(protocol, trips)) {
        const isCut = trip.marks.length > 0;
        const found = [
          ...differences(trip.request, whole.get(id)?.request, isCut),
          ...differences(trip.response, whole.get(id)?.response, isCut),
        ];
        if (found.length > 0) broken.push(`${JSON.stringify(squeezes)} ${id} ${trip.marks}: ${found.join("; ")}`);
      }
    }
    expect(whole.size).toBe(said.outcomes.size);
    expect(broken.length, broken.slice(0, 12).join("\n")).toBe(0);
    expect(unobserved).toBeGreaterThan(0);
    expect(right).toBeGreaterThan((ROUNDS * said.outcomes.size) / 3);
  });
});

/** Connections whose requests wait for long, more of them than the least budget has room for, and are answered then. */
function crowd(): Captured[] {
  return Array.from({ length: CROWD }, (_, index) => {
    const startNs = START_NS + BigInt(index) * CROWD_STEP_NS;
    const one = new Conversation({
      client: "192.0.2.9",
      clientPort: 20_000 + index,
      serverPort: 80,
      startNs,
      stepNs: 1000n,
    }).open();
    one.send("client", `GET /slow/${index}/${"p".repeat(700)} HTTP/1.1\r\nHost: crowd.test\r\n\r\n`);
    return one.wait(CROWD_WAIT_NS).send("server", "HTTP/1.1 204 Now\r\n\r\n").close().packets;
  }).flat();
}

describe("talk of all protocols beside a crowd that takes all memory", () => {
  const talks = FAULTY.map(({ title, protocol }, index) => {
    const server = `192.0.2.${100 + index}`;
    return { title, protocol, server, said: talk(protocol, 6, 20, { segmentBytes: 500, depth: 2, server }) };
  });
  const packets = [...talks.flatMap(({ said }) => said.parts.map(({ packet }) => packet)), ...crowd()].sort((a, b) =>
    Number(a.timeNs - b.timeNs),
  );
  const trips = readRoundTrips(pcap(packets, { nanoseconds: true }), { raw: true, budgetBytes: BUDGET_BYTES });

  test.each(talks)("$title: nothing is wrong", ({ protocol, server, said }) => {
    const own = trips.filter((trip) => trip.server.address === server);
    const { wrong, invented, right } = verdictOf(protocol, said, own);
    expect({ wrong, invented }).toEqual({ wrong: 0, invented: 0 });
    expect(right).toBeGreaterThan(0);
  });

  test("and what found no room is counted", () => {
    const totals = totalsOf(pcap(packets, { nanoseconds: true }), { budgetBytes: BUDGET_BYTES });
    const refused = ["capture_refused_total", "http_refused_total", "kafka_refused_total"].map((name) => totals.count(name));
    for (const count of refused) expect(count).toBeGreaterThan(0);
    expect(refused[0]! + refused[1]!).toBeGreaterThan(500);
  });
});
