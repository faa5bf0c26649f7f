/** What a bundle's header counts, which a hub reads without opening the bundle, against the capture and the metrics. */
import { expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { type Captured, ethernet, ipv4, join, number, Pcapng, START_NS, udp } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";

const MINUTE_NS = 60_000_000_000n;
const ng = new Pcapng();
const INTERFACE_STATISTICS = 5;
/** Option isb_osdrop. */
const OS_DROPS = 7;

/** An interface statistics block: packets dropped since the capture began. */
function dropped(packets: number): Uint8Array {
  const option = join(number(OS_DROPS, 2, true), number(8, 2, true), number(packets, 8, true), new Uint8Array(4));
  return ng.block(INTERFACE_STATISTICS, new Uint8Array(12), option);
}

const datagram = (checksum?: number) =>
  ethernet(ipv4(udp("x", { sourcePort: 3333, destinationPort: 4444, ...(checksum === undefined ? {} : { checksum }) })));

function packet(minute: number, checksum?: number): Uint8Array {
  const captured: Captured = { timeNs: START_NS + BigInt(minute) * MINUTE_NS, bytes: datagram(checksum) };
  return ng.packet(captured);
}

const WRONG = 0x1234;
const file = join(
  ng.section(),
  ng.interface({ linkType: 1 }),
  packet(0),
  packet(0, WRONG),
  dropped(5),
  packet(1, WRONG),
  packet(1, WRONG),
  dropped(12),
  packet(2),
  dropped(12),
);

function bundlesOf(core: Core): Uint8Array[] {
  const bundles: Uint8Array[] = [];
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  const input = core.open("file");
  input.write(file);
  input.end();
  core.flush();
  return bundles;
}

const counts = ({ seen, dropped, malformed }: { seen: number; dropped: number; malformed: number }) => [seen, dropped, malformed];

/** The same, by the metrics inside. */
function countsOfMetrics(bundle: Uint8Array): number[] {
  const sum = new MinuteSum(new Core(coreModule(), {}));
  sum.add(bundle);
  const { metrics } = sum.summary();
  return ["capture_packets_total", "capture_dropped_packets_total", "capture_malformed_total"].map((name) =>
    metrics.filter(({ metric }) => metric === name).reduce((all, { value = 0 }) => all + value, 0),
  );
}

test("a minute's header counts what it saw, what the capture dropped in it and what was malformed", () => {
  const bundles = bundlesOf(new Core(coreModule(), {}));
  const headers = bundles.map((bundle) => counts(readBundleHeader(bundle)));
  expect(headers).toEqual([
    [2, 5, 1],
    [2, 7, 2],
    [1, 0, 0],
  ]);
  expect(bundles.map(countsOfMetrics)).toEqual(headers);
});

test("the header of merged minutes has the sums", () => {
  const bundles = bundlesOf(new Core(coreModule(), {}));
  const hub = new Core(coreModule(), { role: "hub" });
  expect(counts(readBundleHeader(hub.merge(bundles)))).toEqual([5, 12, 3]);
});
