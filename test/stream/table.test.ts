/** Which flows make room for others, and when. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import {
  type Captured,
  Conversation,
  dnsQuery,
  dnsResponse,
  ethernet,
  ipv4,
  overTcp,
  pcap,
  START_NS,
  udp,
} from "../support/pcap-builder";
import { coreModule, readRoundTrips } from "../support/round-trips";

const SECOND_NS = 1_000_000_000n;
/** The smallest budget: 4,964 flows. */
const budgetBytes = 8 << 20;

/** Exchanges over UDP, each a flow of its own, evenly over some seconds. */
function exchanges(count: number, seconds: number): Captured[] {
  const step = (BigInt(seconds) * SECOND_NS) / BigInt(count);
  return Array.from({ length: count }, (_, i) => {
    const client = `10.0.${i >> 8}.${i & 255}`;
    const name = `${i}.test`;
    const timeNs = START_NS + BigInt(i) * step;
    const ask = udp(dnsQuery(name), { sourcePort: 1024 + (i % 60_000) });
    const answer = udp(dnsResponse(name), { sourcePort: 53, destinationPort: 1024 + (i % 60_000) });
    return [
      { timeNs, bytes: ethernet(ipv4(ask, { source: client, destination: "192.0.2.53" })) },
      { timeNs: timeNs + 1000n, bytes: ethernet(ipv4(answer, { source: "192.0.2.53", destination: client })) },
    ];
  }).flat();
}

function evicted(packets: Captured[]): number {
  const core = new Core(coreModule(), { events: false, budgetBytes });
  const sum = new MinuteSum(core);
  core.drainTo({ bundle: (bundle) => sum.add(bundle) });
  const input = core.open("file");
  input.write(pcap(packets));
  input.end();
  core.flush();
  return sum.summary().metrics.find(({ metric }) => metric === "capture_evicted_flows_total")?.value ?? 0;
}

test("quiet flows end and evict nobody, however many there are in all", () => {
  expect(evicted(exchanges(12_000, 30))).toBe(0);
});

test("more flows at once than there are records evict those whose use is longest ago", () => {
  expect(evicted(exchanges(12_000, 1))).toBeGreaterThan(12_000 - 6_000);
});

test("an open connection rests for long while short flows come and go", () => {
  const talk = new Conversation({ serverPort: 53 }).open().send("client", overTcp(dnsQuery("slow.test")));
  talk.wait(4n * SECOND_NS).send("server", overTcp(dnsResponse("slow.test")));
  talk.wait(50n * SECOND_NS).send("client", overTcp(dnsQuery("later.test", { id: 2 })));
  talk.send("server", overTcp(dnsResponse("later.test", { id: 2 })));
  const packets = [...talk.packets, ...exchanges(12_000, 50)].sort((a, b) => Number(a.timeNs - b.timeNs));
  const trips = readRoundTrips(pcap(packets), { budgetBytes }).filter(({ server }) => server.address === "192.0.2.2");
  expect(trips.map(({ request, status, marks }) => [request?.name, status, marks])).toEqual([
    ["slow.test", "ok", []],
    ["later.test", "ok", []],
  ]);
});

test("a connection that has ended is over once it is quiet, and one on its tuple is a new one", () => {
  const first = new Conversation({ serverPort: 53 }).open().send("client", overTcp(dnsQuery("a.test")));
  first.send("server", overTcp(dnsResponse("a.test"))).close();
  const startNs = first.packets.at(-1)!.timeNs + 20n * SECOND_NS;
  const second = new Conversation({ serverPort: 53, startNs }).open().send("client", overTcp(dnsQuery("b.test")));
  second.send("server", overTcp(dnsResponse("b.test"))).close();
  const packets = [...first.packets, ...second.packets, ...exchanges(4_000, 30)].sort((a, b) => Number(a.timeNs - b.timeNs));
  const trips = readRoundTrips(pcap(packets), { budgetBytes }).filter(({ server }) => server.address === "192.0.2.2");
  expect(trips.map(({ request, status }) => [request?.name, status])).toEqual([
    ["a.test", "ok"],
    ["b.test", "ok"],
  ]);
});
