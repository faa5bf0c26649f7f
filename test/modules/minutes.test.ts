/** What is counted of packets and of flows stands in the minute of the packets, also where the next one has begun before it is counted. */
import { expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { readCounters } from "../support/bundle";
import { Conversation, pcap, START_NS } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";

const SECOND_NS = 1_000_000_000n;
const PACKETS = "1/0/0";
const NET_PACKETS = /^100\//;

/** Packets by minute from the first on: what the header says, what the capture counts, and what flows come to. */
function counted(...talks: Conversation[]): [seen: number, packets: number, net: number][] {
  const bundles: Uint8Array[] = [];
  const core = new Core(coreModule());
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  const input = core.open("file");
  const packets = talks.flatMap((talk) => talk.packets).sort((a, b) => Number(a.timeNs - b.timeNs));
  input.write(pcap(packets));
  input.end();
  core.flush();
  return bundles.map((bundle) => {
    const counters = readCounters(bundle);
    const net = [...counters].filter(([series]) => NET_PACKETS.test(series)).reduce((sum, [, count]) => sum + count, 0n);
    return [readBundleHeader(bundle).seen, Number(counters.get(PACKETS) ?? 0n), Number(net)];
  });
}

/** A connection of which packets come at these seconds. */
function talkAt(client: string, ...seconds: number[]): Conversation {
  const talk = new Conversation({ client, stepNs: 0n });
  let now = 0n;
  for (const second of seconds) {
    const next = BigInt(Math.round(second * 1000)) * (SECOND_NS / 1000n);
    talk.wait(next - now).packet("client", ".");
    now = next;
  }
  return talk;
}

test.each([
  ["goes on at once", [talkAt("192.0.2.1", 1, 58, 59.5, 60.5, 61, 70, 119)], [3, 4]],
  ["goes on later than the minute seals", [talkAt("192.0.2.1", 1, 58, 75, 119)], [2, 2]],
  ["rests while another goes on", [talkAt("192.0.2.1", 1, 2, 59, 64, 64.5), talkAt("192.0.2.3", 5, 60.1, 60.2)], [4, 4]],
  ["ends with the next minute's first seconds", [talkAt("192.0.2.1", 30, 59), talkAt("192.0.2.3", 61)], [2, 1]],
  ["goes through many minutes", [talkAt("192.0.2.1", 30, 90, 150, 210)], [1, 1, 1, 1]],
])("a connection that %s", (_, talks, minutes) => {
  expect(START_NS % (60n * SECOND_NS)).toBe(0n);
  expect(counted(...talks)).toEqual(minutes.map((count) => [count, count, count]));
});
