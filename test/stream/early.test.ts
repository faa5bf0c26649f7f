/** Segments that wait for one before them: whatever their order and number, in bounded time and memory. */
import { expect, test } from "vitest";
import { type Captured, Conversation, dnsQuery, dnsResponse, overTcp, pcap, toBytes } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";

const query = (id: number) => overTcp(dnsQuery(`${id}.test`, { id }));
const response = (id: number) => overTcp(dnsResponse(`${id}.test`, { id }));
/** Of a packet each, so that nothing is too old to wait for. */
const STEP_NS = 1000n;
/** Packets that are put into a file at once, and the bytes before them. */
const PART = 10_000;
const HEAD_BYTES = 24;

function namesOf(packets: readonly Captured[]): string[] {
  const parts = [pcap([])];
  for (let at = 0; at < packets.length; at += PART) parts.push(pcap(packets.slice(at, at + PART)).subarray(HEAD_BYTES));
  return readRoundTrips(Buffer.concat(parts)).map(({ request, status }) => `${request?.name} ${status}`);
}

/** The packets with those from `first` up to `end` in another order, at the times that were there. */
function ordered(packets: readonly Captured[], first: number, end: number, order: (part: Captured[]) => Captured[]): Captured[] {
  const part = order(packets.slice(first, end));
  const all = [...packets.slice(0, first), ...part, ...packets.slice(end)];
  return all.map(({ bytes }, place) => ({ bytes, timeNs: packets[0]!.timeNs + BigInt(place) * STEP_NS }));
}

function shuffled(part: Captured[]): Captured[] {
  const random = randomFrom(7);
  const all = [...part];
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}

test.each<[string, (part: Captured[]) => Captured[]]>([
  ["as sent, behind the first", (part) => [...part.slice(1), part[0]!]],
  ["backwards", (part) => part.toReversed()],
  ["by chance", shuffled],
  ["every other one first", (part) => [...part.filter((_, at) => at % 2 === 1), ...part.filter((_, at) => at % 2 === 0)]],
  ["each twice", (part) => part.toReversed().flatMap((one) => [one, one])],
])("a byte a segment, %s", (_, order) => {
  const ids = Array.from({ length: 60 }, (_, index) => index + 1);
  const talk = new Conversation({ serverPort: 53, stepNs: STEP_NS }).open();
  const first = talk.packets.length;
  for (const id of ids) talk.send("client", query(id), 1);
  const end = talk.packets.length;
  const late = ordered(talk.packets, first, end, order);
  const answers = new Conversation({ serverPort: 53, clientSequence: talk.next.client, serverSequence: talk.next.server });
  answers.wait(1_000_000_000n);
  for (const id of ids) answers.send("server", response(id));
  const begin = late.at(-1)!.timeNs;
  const after = answers.packets.map(({ bytes }, index) => ({ bytes, timeNs: begin + BigInt(index + 1) * STEP_NS }));
  expect(namesOf([...late, ...after])).toEqual(ids.map((id) => `${id}.test ok`));
});

test("however many a connection sends behind a byte that does not come, others have room", { timeout: 120_000 }, () => {
  const packets: Captured[] = [];
  for (let attacker = 0; attacker < 4; attacker++) {
    const talk = new Conversation({ serverPort: 53, clientPort: 50_000 + attacker, stepNs: 10_000n }).open();
    talk.lose("client", [0]).send("client", new Uint8Array(60_000), 1);
    packets.push(...talk.packets);
  }
  // Both of its queries come in the other order, while all that the others sent waits.
  const talk = new Conversation({ serverPort: 53, startNs: packets[59_000]!.timeNs, stepNs: STEP_NS }).open();
  talk.send("client", query(1)).send("client", query(2));
  const turned = ordered(talk.packets, 3, 5, (part) => part.toReversed());
  talk.send("server", response(1)).send("server", response(2));
  packets.push(...turned, ...talk.packets.slice(5));
  packets.sort((one, other) => Number(one.timeNs - other.timeNs));
  expect(namesOf(packets).filter((line) => /^\d/.test(line))).toEqual(["1.test ok", "2.test ok"]);
});

test("of a segment for which there is room in part all is delivered", () => {
  const talk = new Conversation({ serverPort: 53, stepNs: STEP_NS }).open();
  const perSegment = 40;
  const segmentOf = (from: number, count: number) =>
    toBytes(Array.from({ length: count }, (_, index) => [...toBytes(query(from + index))]).flat());
  talk.lose("client", segmentOf(1, 1));
  let id = 2;
  for (let segments = 0; segments < 185; segments++, id += perSegment) talk.send("client", segmentOf(id, perSegment));
  const large = 1500;
  talk.send("client", segmentOf(id, large));
  const last = id + large;
  talk.send("client", query(last));
  const names = new Set(readRoundTrips(pcap(talk.packets)).map(({ request }) => request?.name));
  const missing = Array.from({ length: last - 1 }, (_, index) => `${index + 2}.test`).filter((name) => !names.has(name));
  expect(missing).toEqual([]);
});
