/** More connections than the table has records, and a port scan beside them: what is in use goes on, what is evicted is counted. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { MinuteSum } from "../../engine/summary";
import { FAULTY } from "../support/faults";
import { type Captured, Conversation, pcap, START_NS } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";
import { scanRecords } from "../support/scan";

const SECOND_NS = 1_000_000_000n;
const OPEN = 20_000;
/** Of those, the last: they say something every second, and the scan goes on for as long. */
const IN_USE = 600;
const SECONDS = 10;
const SYNS = 1_000_000;
const CHUNK_SYNS = 10_000;
/** Records in the table of the default budget. */
const RECORDS = 14_894;
const EXCHANGES = SECONDS + 1;
const PROTOCOLS = FAULTY.map(({ protocol }) => protocol).filter(({ name }) => name !== "http2" && name !== "grpc");

/** Connection `number` with its greeting and first exchange, and with one more a second where it is in use. */
function connection(number: number): Captured[] {
  const protocol = PROTOCOLS[number % PROTOCOLS.length]!;
  const talk = new Conversation({
    client: `10.${1 + (number >> 14)}.${(number >> 6) & 255}.${number & 63}`,
    clientPort: 20_000 + (number % 40_000),
    serverPort: protocol.port,
    startNs: START_NS + BigInt(number) * 50_000n,
    stepNs: 1000n,
  }).open();
  for (const { from, bytes } of protocol.greeting ?? []) talk.send(from, bytes, 1400);
  const exchanges = number >= OPEN - IN_USE ? EXCHANGES : 1;
  for (let i = 0; i < exchanges; i++) {
    if (i > 0) talk.wait(SECOND_NS);
    const { request, response } = protocol.exchange(number, i);
    talk.send("client", request, 1400).send("server", response, 1400);
  }
  return talk.packets;
}

const byTime = (a: Captured, b: Captured) => Number(a.timeNs - b.timeNs);
const packets = Array.from({ length: OPEN }, (_, number) => connection(number))
  .flat()
  .sort(byTime);

/** Records of some packets, without the file's header. */
const recordsOf = (some: Captured[]) => pcap(some).subarray(24);
const RECORDS_AT_ONCE = 1000;

test.each([
  ["unanswered", false],
  ["refused by half of the ports", true],
])(
  "20,000 open connections and a scan of a million SYNs, %s",
  (_, refuses) => {
    const core = new Core(coreModule(), { events: true });
    const reader = new RoundTripReader(core.schema);
    const sum = new MinuteSum(core);
    const answered = new Map<string, number>();
    core.drainTo({
      bundle: (bundle) => sum.add(bundle),
      events: (view) => {
        for (const { protocol, client, status, request, response, marks } of reader.read(view)) {
          if (!request || !response || marks.includes("mid-stream") || status === "unobserved") continue;
          const key = `${client.address} ${client.port} ${protocol}`;
          answered.set(key, (answered.get(key) ?? 0) + 1);
        }
      },
    });
    const memoryBytes = core.memoryBytes;
    const input = core.open("file");
    input.write(pcap([]));
    let at = 0;
    let wire = 0;
    const writeUntil = (timeNs: bigint) => {
      while (at < packets.length && packets[at]!.timeNs < timeNs) {
        const from = at;
        while (at < packets.length && at < from + RECORDS_AT_ONCE && packets[at]!.timeNs < timeNs) at++;
        input.write(recordsOf(packets.slice(from, at)));
        wire += at - from;
      }
    };
    const scanNs = START_NS + SECOND_NS;
    const chunkNs = (BigInt(SECONDS) * SECOND_NS * BigInt(CHUNK_SYNS)) / BigInt(SYNS);
    for (let first = 0, fromNs = scanNs; first < SYNS; first += CHUNK_SYNS, fromNs += chunkNs) {
      writeUntil(fromNs);
      const records = scanRecords(first, CHUNK_SYNS, fromNs, chunkNs, refuses);
      input.write(records);
      wire += records.length / 70;
    }
    writeUntil(START_NS + 60n * SECOND_NS);
    input.end();
    core.flush();

    const counter = (name: string) =>
      sum
        .summary()
        .metrics.filter(({ metric }) => metric === name)
        .reduce((total, { value = 0 }) => total + value, 0);
    expect(core.memoryBytes).toBe(memoryBytes);
    expect(counter("capture_packets_total")).toBe(wire);
    expect(counter("capture_evicted_flows_total")).toBe(OPEN + SYNS - RECORDS);
    const whole = [...answered].filter(([, count]) => count >= EXCHANGES);
    expect(whole).toHaveLength(IN_USE);
  },
  300_000,
);
