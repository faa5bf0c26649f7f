/** What the demonstration shows is the bundled captures, with other clients and times. */
import { describe, expect, test } from "vitest";
import { SITES, siteCapture } from "../../scripts/start/world";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { packetRecords } from "../support/oracle/capture-file";
import { addCount, countCapture, emptyCount, type Tally } from "../support/oracle/count";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const MINUTES = 2;
const START_NS = 1_800_000_000n * 1_000_000_000n;
const captures = FIXTURES.map(fixtureBytes);
const counts = SITES.map((site) => countCapture(siteCapture(captures, site, START_NS, MINUTES)));
const once = emptyCount();
for (const capture of captures) addCount(once, countCapture(capture));

describe.each(SITES.map((site, index) => [site.name, index] as const))("site %s", (_, index) => {
  const count = counts[index]!;

  test("sees each capture once a minute", () => {
    expect(count.packets).toBe(MINUTES * once.packets);
    expect(count.bytes).toBe(MINUTES * once.bytes);
    expect(count.dns.queries).toBe(MINUTES * once.dns.queries);
    expect(count.dns.rcodes).toEqual(new Map([...once.dns.rcodes].map(([code, times]) => [code, MINUTES * times])));
    expect(count.http.statuses).toEqual(new Map([...once.http.statuses].map(([code, times]) => [code, MINUTES * times])));
    expect(count.dns.durationsNs.length).toBe(MINUTES * once.dns.durationsNs.length);
    expect([count.dns.timeouts, count.dns.orphans]).toEqual([0, 0]);
  });

  test("lies within its minutes", () => {
    expect(count.startNs >= START_NS && count.endNs < START_NS + BigInt(MINUTES) * 60_000_000_000n).toBe(true);
  });
});

test("neighbouring sites share clients, and none sees all", () => {
  const shared = (one: Tally, other: Tally) => [...one.keys()].filter((client) => other.has(client)).length;
  const [first, , third] = counts.map((count) => new Set([...count.dns.clients.keys(), ...count.http.clients.keys()]));
  expect(first!.size).toBeGreaterThan(300);
  expect(shared(counts[0]!.dns.clients, counts[1]!.dns.clients)).toBeGreaterThan(100);
  expect(shared(counts[0]!.http.clients, counts[1]!.http.clients)).toBeGreaterThan(3);
  expect([...first!].filter((client) => third!.has(client) && client.startsWith("10."))).toEqual([]);
});

test.runIf(HAS_TSHARK)("checksums that were right stay right", { timeout: 180_000 }, () => {
  const wrong = (file: Uint8Array) =>
    tsharkFields(
      file,
      ["ip.checksum.status", "udp.checksum.status", "tcp.checksum.status"],
      [...["ip", "udp", "tcp"].flatMap((layer) => ["-o", `${layer}.check_checksum:TRUE`])],
    ).filter((row) => row.includes("0")).length;
  const before = captures.reduce((sum, capture) => sum + wrong(capture), 0);
  expect(wrong(siteCapture(captures, SITES[0]!, START_NS, 1))).toBe(before);
});

test("a site may be seen for as long as is wanted", () => {
  const minutes = 20;
  const long = siteCapture(captures, SITES[0]!, START_NS, minutes);
  expect([...packetRecords(long)]).toHaveLength(minutes * once.packets);
}, 60_000);
