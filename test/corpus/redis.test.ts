/** Redis in the collection: commands, replies and errors as their clients, an independent walk and tshark count them. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectFew } from "../support/exceptions";
import { countRedis, type RedisCount } from "../support/oracle/redis-message";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";

/** The last is that of a service in the cloud. */
const PORTS = [6379, 6380, 10625];
const FOLDER = "upstream/zeek/zeek/testing/btest/Traces/redis/";

/** Captures that are counted otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/the-tcpdump-group/tcpdump/tests/resp_3_malicious.pcap",
    packet: 7,
    reason: "connections whose only line is no command, like $0, of which nothing says that they are redis but the port",
  },
  {
    file: "upstream/the-tcpdump-group/tcpdump/tests/resp_4_infiniteloop.pcapng",
    packet: 1,
    reason: "made to stop a dissector: a negative count of arguments, and lines that are no commands",
  },
  {
    file: `${FOLDER}attr.pcap`,
    packet: 7,
    reason:
      "a server made for a test: the command FAKE is none, and a line of text without a known command is not taken for redis",
  },
  {
    file: `${FOLDER}oss-fuzz-473580107.pcap`,
    packet: 4,
    reason: "made by a fuzzer on port 80, no redis: tshark shows lines that begin with a minus sign as errors",
  },
  {
    file: `${FOLDER}start-with-server.pcapng`,
    packet: 1,
    reason: "joined in the middle at a +OK, which many protocols say",
  },
];

interface TruthRow {
  file: string;
  tshark_rc: number;
  counts: Record<string, number>;
}

const redisOf = (file: string) => readRoundTrips(corpusBytes(file)).filter(({ protocol }) => protocol === "redis");

/** The same figures as the independent walk has. */
function figuresOf(trips: RoundTrip[]): RedisCount {
  const count: RedisCount = { commands: {}, replies: 0, errors: {} };
  for (const { request, response } of trips) {
    if (request) {
      const [first = "", second] = String(request.command).toLowerCase().split(" ");
      const name = /^(client|config)$/.test(first) ? `${first} ${second}` : first;
      count.commands[name] = (count.commands[name] ?? 0) + 1;
    }
    if (response) count.replies += 1;
    const code = response?.errorCode;
    if (typeof code === "string" && response?.type === "error") count.errors[code] = (count.errors[code] ?? 0) + 1;
  }
  return count;
}

describe.runIf(HAS_CORPUS)("redis", () => {
  const files = HAS_CORPUS ? corpusIndex().filter(({ tags }) => tags.includes("redis")) : [];
  const truth = new Map(HAS_CORPUS ? corpusRows<TruthRow>("truth.ndjson").map((row) => [row.file, row]) : []);
  const upstream = files.filter(({ file }) => file.startsWith("upstream/")).map(({ file }) => file);

  test("upstream captures equal the walk and tshark's errors, but for those exceptions", () => {
    expectFew(EXCEPTIONS);
    const unequal = upstream.filter((file) => {
      const found = figuresOf(redisOf(file));
      const wanted = countRedis(corpusBytes(file), PORTS);
      const { tshark_rc: code, counts } = truth.get(file)!;
      const errors = Object.values(found.errors).reduce((sum, one) => sum + one, 0);
      const hasErrors = code !== 0 || (counts["resp.errors"] ?? 0) === errors;
      return !hasErrors || JSON.stringify(sorted(found)) !== JSON.stringify(sorted(wanted));
    });
    expect(unequal).toEqual(EXCEPTIONS.map(({ file }) => file).filter((file) => upstream.includes(file)));
    expect(upstream.length).toBeGreaterThanOrEqual(20);
  });

  test("in no other capture is anything redis", { timeout: 300_000 }, () => {
    const others = corpusIndex().filter(({ tags }) => !tags.includes("redis"));
    expect(others.filter(({ file }) => redisOf(file).length > 0).map(({ file }) => file)).toEqual([]);
  });

  test.each(["redis_benchmark_P16", "redis_ioredis_resp2"])("%s: what the client says", (name) => {
    const said = JSON.parse(new TextDecoder().decode(corpusBytes(`generated/${name}.truth.json`)));
    const trips = redisOf(`generated/${name}.pcap`);
    const wanted: Record<string, number> = {};
    for (const [key, count] of Object.entries<number>({ ...said.sent })) {
      const command = key.replace("inline ", "");
      wanted[command] = (wanted[command] ?? 0) + count;
    }
    for (const [key, count] of Object.entries<number>(said.implicit.sent)) wanted[key] = (wanted[key] ?? 0) + count;
    const { commands, errors } = figuresOf(trips);
    expect(commands).toEqual(wanted);
    expect(trips.every(({ request, response }) => request && response)).toBe(true);
    const failed = (said.got?.error ?? 0) + (said.implicit.errors ?? 0);
    expect(Object.values(errors).reduce((sum, one) => sum + one, 0)).toBe(failed);
    if (!said.got) return;
    const gets = trips.filter(({ request }) => request?.command === "GET").map(({ response }) => response!);
    expect(gets.filter(({ isNull }) => isNull)).toHaveLength(said.got.null);
    expect(gets.some(({ bodyBytes }) => bodyBytes === said.got.big_bytes)).toBe(true);
  });

  test.each([
    ["redis_benchmark_P16", 0.001, 0.999],
    ["redis_benchmark_P16", 0.01, 0.995],
    ["redis_benchmark_P16", 0.05, 0.98],
    ["redis_ioredis_resp2", 0.01, 0.995],
    ["redis_ioredis_resp2", 0.05, 0.98],
  ])("%s with a share of %d of its segments missing", (name, share, wanted) => {
    const bytes = corpusBytes(`generated/${name}.pcap`);
    const packets = recordsOf(bytes);
    const whole = redisOf(`generated/${name}.pcap`);
    const sum = { decidable: 0, right: 0, wrong: 0 };
    for (let seed = 0; seed < 12; seed++) {
      const random = randomFrom(seed + 1);
      const kept = packets.filter((packet, index) => index < 24 || !packet.hasPayload || random() >= share);
      const file = Buffer.concat([bytes.subarray(0, 24), ...kept.map(({ record }) => record)]);
      const found = readRoundTrips(file).filter(({ protocol }) => protocol === "redis");
      addRates(sum, whole, found, new Set(kept.map(({ key }) => key)));
    }
    expect(sum.wrong / sum.decidable).toBeLessThanOrEqual(0.001);
    expect(sum.right / sum.decidable).toBeGreaterThanOrEqual(wanted);
  });
});

const sorted = (count: RedisCount) => ({
  commands: Object.entries(count.commands).sort(),
  replies: count.replies,
  errors: Object.entries(count.errors).sort(),
});

interface PacketOf {
  record: Uint8Array;
  /** Time in microseconds and the sender's port. */
  key: string;
  hasPayload: boolean;
}

/** The records of a little-endian capture in microseconds over Ethernet. */
function recordsOf(bytes: Uint8Array): PacketOf[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: PacketOf[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const end = at + 16 + view.getUint32(at + 8, true);
    const timeUs = view.getUint32(at, true) * 1e6 + view.getUint32(at + 4, true);
    const ip = at + 30;
    const tcp = ip + (bytes[ip]! & 15) * 4;
    const payload = view.getUint16(ip + 2) - (tcp - ip) - (bytes[tcp + 12]! >> 4) * 4;
    found.push({ record: bytes.subarray(at, end), key: `${timeUs} ${view.getUint16(tcp)}`, hasPayload: payload > 0 });
    at = end;
  }
  return found;
}

/** Who asked, what, when: the same request of two readings. */
const identity = ({ client, time, request }: RoundTrip) => `${client.port} ${time} ${request?.command} ${request?.key}`;
const answerOf = ({ response }: RoundTrip) =>
  JSON.stringify([response?.type, response?.elements, response?.isNull, response?.errorCode]);

/** Requests of one segment have one time: those of the same name there are compared in their order. */
function byIdentity(trips: RoundTrip[]): Map<string, RoundTrip[]> {
  const found = new Map<string, RoundTrip[]>();
  for (const trip of trips) if (trip.request) found.set(identity(trip), [...(found.get(identity(trip)) ?? []), trip]);
  return found;
}

function addRates(
  sum: { decidable: number; right: number; wrong: number },
  whole: RoundTrip[],
  found: RoundTrip[],
  kept: Set<string>,
): void {
  const actual = byIdentity(found);
  const timeUs = (time: string) => Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(time.slice(20, 26));
  for (const [name, trips] of byIdentity(whole)) {
    const others = actual.get(name) ?? [];
    for (const [index, trip] of trips.entries()) {
      const other = others[index];
      const isRight = other?.response !== undefined && answerOf(other) === answerOf(trip);
      if (other?.response && !isRight) sum.wrong += 1;
      const askedUs = timeUs(trip.time!);
      const answeredUs = askedUs + Math.round((trip.durationNs! - trip.timing.responseNs!) / 1000);
      if (!kept.has(`${askedUs} ${trip.client.port}`) || !kept.has(`${answeredUs} ${trip.server.port}`)) continue;
      sum.decidable += 1;
      if (isRight) sum.right += 1;
    }
  }
}
