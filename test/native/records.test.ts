/**
 * Packets of real interfaces as records: each as tcpdump has it, to the byte. Where the kernel has not stamped a packet before it comes to
 * those who listen, each has its own time of it.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasLibpcap, Listener, Network, networkMissing } from "../support/capture/network";
import { ethernet, ipv4, pcap, spaced, udp, vlan } from "../support/pcap-builder";
import { ROOT } from "../support/repository";

const { node24 } = (await import(join(ROOT, "scripts/lib/node24.mjs"))) as { node24: () => Promise<string> };
const missing = networkMissing();
if (missing !== undefined) console.warn(`live capture is not tested: ${missing}`);

const HAS_TCPREPLAY = spawnSync("tcpreplay", ["--version"]).status === 0;
if (missing === undefined && !HAS_TCPREPLAY) console.warn("tags of VLANs are not tested: tcpreplay is not installed");
const NEAR = "10.77.0.1";
const tagged = (id: number) => ethernet(vlan(ipv4(udp(`tagged ${id}`), { id }), { id: 42 }));

interface Taken {
  timeNs: bigint;
  wire: number;
  /** Destination and source, and what follows, in hexadecimal digits. */
  head: string;
  digest: string;
}

interface Recorded extends Taken {
  interfaceId: number;
  linkType: number;
  direction: number;
}

const timeOf = (seconds: number, nanoseconds: number) => BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
const bytesOf = (bytes: Buffer) => ({
  head: bytes.toString("hex", 0, 18),
  digest: createHash("sha256").update(bytes).digest("hex"),
});

/** The packets of a pcap file with nanoseconds, written on this machine. */
function ofTcpdump(path: string): Taken[] {
  const file = readFileSync(path);
  expect(file.readUInt32LE(0)).toBe(0xa1b23c4d);
  const packets: Taken[] = [];
  for (let at = 24; at < file.length; ) {
    const [seconds, nanoseconds, captured, wire] = [0, 4, 8, 12].map((offset) => file.readUInt32LE(at + offset));
    packets.push({
      timeNs: timeOf(seconds!, nanoseconds!),
      wire: wire!,
      ...bytesOf(file.subarray(at + 16, at + 16 + captured!)),
    });
    at += 16 + captured!;
  }
  return packets;
}

function ofRecords(path: string): Recorded[] {
  const file = readFileSync(path);
  const packets: Recorded[] = [];
  for (let at = 0; at < file.length; ) {
    const [seconds, nanoseconds, captured, wire, interfaceId] = [0, 4, 8, 12, 16].map((offset) => file.readUInt32LE(at + offset));
    packets.push({
      timeNs: timeOf(seconds!, nanoseconds!),
      wire: wire!,
      ...bytesOf(file.subarray(at + 24, at + 24 + captured!)),
      interfaceId: interfaceId!,
      linkType: file.readUInt16LE(at + 20),
      direction: file[at + 22]!,
    });
    at += 24 + captured!;
  }
  return packets;
}

const TIME_OFF_MAX_NS = 1_000_000_000n;

/** First and last hexadecimal digit of the sender's address in an Ethernet header. */
const SENDER = [12, 24] as const;

/** Each sender's packets in their order: what two CPUs send at once reaches two listeners in different orders. */
function bySender(packets: readonly Taken[]): Taken[] {
  const sender = ({ head }: Taken) => head.slice(...SENDER);
  return packets.toSorted((a, b) => (sender(a) < sender(b) ? -1 : sender(a) > sender(b) ? 1 : 0));
}

/** Holds records against what tcpdump has of the same packets. */
function expectSame(records: readonly Taken[], packets: readonly Taken[]): void {
  const seen = ({ wire, head, digest }: Taken) => `${wire} ${head} ${digest}`;
  const told = bySender(packets);
  expect(bySender(records).map(seen)).toEqual(told.map(seen));
  const off = bySender(records).map(({ timeNs }, index) => timeNs - told[index]!.timeNs);
  expect(off.filter((ns) => ns > TIME_OFF_MAX_NS || ns < -TIME_OFF_MAX_NS)).toEqual([]);
  expect(records.some(({ timeNs }) => timeNs % 1000n !== 0n)).toBe(true);
}

describe.runIf(missing === undefined)("records", { timeout: 240_000 }, () => {
  let network: Network;
  const folder = mkdtempSync(join(tmpdir(), "tallywire-records-"));
  const path = (name: string) => join(folder, name);
  const dumper = join(ROOT, "test/support/capture/dump.mjs");

  beforeAll(async () => {
    network = new Network();
    await network.ready();
    writeFileSync(path("tagged"), pcap(spaced(Array.from({ length: 60 }, (_, id) => tagged(id)))));
  });
  afterAll(() => {
    network?.remove();
    rmSync(folder, { recursive: true });
  });

  /** Datagrams with tags, which the kernel takes out of the bytes, and a transfer of which it hands over large pieces. */
  async function talk(): Promise<void> {
    const server = new Listener(network.near.start(process.execPath, "--input-type=module", "-e", SERVER));
    await server.says(/ready/);
    if (HAS_TCPREPLAY) network.far.run("tcpreplay", "-q", "-t", "-i", network.far.device, path("tagged"));
    await network.far.script(CLIENT);
    await server.stop();
  }

  const SERVER = `
    import { createServer } from "node:net";
    createServer((socket) => socket.on("error", () => {}).end(Buffer.alloc(3_000_000, 7))).listen(8077, "0.0.0.0", () => console.error("ready"));
    process.on("SIGTERM", () => process.exit(0));`;
  const CLIENT = `
    import { connect } from "node:net";
    import { createSocket } from "node:dgram";
    const socket = createSocket("udp4");
    for (let i = 0; i < 50; i++) await new Promise((done) => socket.send("a datagram " + i, 9, "${NEAR}", done));
    socket.close();
    let bytes = 0;
    await new Promise((done) => connect(8077, "${NEAR}").on("data", (part) => (bytes += part.length)).on("end", done));
    if (bytes !== 3_000_000) throw new Error("bytes are missing");`;

  async function both(device: string, node: string, method: "ring" | "libpcap", traffic: () => Promise<void>) {
    const dump = new Listener(network.near.start(node, dumper, device, path("records"), method));
    const words = ["-i", device, "--time-stamp-precision=nano", "-s", "0", "-U", "-B", "16384", "-w", path("pcap")];
    const tcpdump = new Listener(network.near.start("tcpdump", ...words));
    await dump.says(/ready/);
    await tcpdump.says(/listening/);
    await traffic();
    // tcpdump gives up what it has not read yet when it is stopped: it is shown one packet more, and waited for.
    const said = await dump.stop();
    const records = ofRecords(path("records"));
    while (ofWhole(path("pcap")) < records.length) await new Promise((done) => setTimeout(done, 20));
    const told = await tcpdump.stop();
    expect(told).toMatch(/\n0 packets dropped by kernel/);
    return { said, records, packets: ofTcpdump(path("pcap")) };
  }

  /** How many whole packets a file has that is still written. */
  function ofWhole(name: string): number {
    const file = readFileSync(name);
    let count = 0;
    for (let at = 24; at + 16 <= file.length; count++) {
      at += 16 + file.readUInt32LE(at + 8);
      if (at > file.length) break;
    }
    return count;
  }

  test("of a ring are tcpdump's, with tags and large frames", async () => {
    const { said, records, packets } = await both(network.near.device, process.execPath, "ring", talk);
    expectSame(records, packets);
    expect(said).toContain(`counts ${packets.length} 0`);
    expect(records.filter(({ head }) => head.slice(24, 32) === "8100002a").length).toBe(HAS_TCPREPLAY ? 60 : 0);
    expect(Math.max(...records.map(({ wire }) => wire))).toBeGreaterThan(30_000);
    const index = Number(network.near.run("cat", `/sys/class/net/${network.near.device}/ifindex`));
    expect(new Set(records.map(({ interfaceId }) => interfaceId))).toEqual(new Set([index]));
    expect(new Set(records.map(({ linkType }) => linkType))).toEqual(new Set([1]));
    const far = network.far.run("cat", `/sys/class/net/${network.far.device}/address`).trim().replaceAll(":", "");
    const sent = records.filter(({ head }) => head.slice(24, 28) !== "8100");
    for (const { head, direction } of sent) expect(direction).toBe(head.slice(12, 24) === far ? 1 : 2);
  });

  test.runIf(hasLibpcap())("of libpcap are tcpdump's", async () => {
    const { records, packets } = await both(network.near.device, process.execPath, "libpcap", talk);
    expectSame(records, packets);
    expect(records.length).toBeGreaterThan(100);
  });

  test("of a ring are tcpdump's under Node 24, by the same binary", async ({ skip }) => {
    const node = await node24().catch(() => undefined);
    if (node === undefined) return skip("npm could not fetch the package node@24");
    const { said, records, packets } = await both(network.near.device, node, "ring", talk);
    expect(said).toContain("node 24.");
    expectSame(records, packets);
    expect(records.length).toBeGreaterThan(100);
  });
});
