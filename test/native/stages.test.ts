/**
 * Stages live: a container's requests through its veth, a bridge and the host's card, watched on `any`. tcpdump on each of them says when
 * each packet passed there.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { Listener, networkMissing, Side } from "../support/capture/network";
import { COMMAND, tallywire } from "../support/command";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const missing = networkMissing() ?? (HAS_TSHARK ? undefined : "tshark is not installed");
if (missing !== undefined) console.warn(`stages are not tested live: ${missing}`);

const REQUESTS = 30;
const SERVER = `
  import { createServer } from "node:http";
  createServer((request, response) => response.end("x".repeat(20000))).listen(80, "10.79.0.2", () => console.error("ready"));`;
const CLIENT = `
  import { Agent, get } from "node:http";
  const agent = new Agent({ keepAlive: true });
  for (let i = 0; i < ${REQUESTS}; i++)
    await new Promise((done, fail) => get({ agent, host: "10.79.0.2", path: "/" + i }, (response) => response.resume().on("end", done)).on("error", fail));
  agent.destroy();`;

/** When packets passed an interface, ns, by sequence number, identification and source port. */
type Passed = Map<string, bigint>;

describe.runIf(missing === undefined)("stages on any", { timeout: 120_000 }, () => {
  const suffix = randomBytes(3).toString("hex");
  const inside = new Side(`tw-inside-${suffix}`, "eth0", "10.78.0.2");
  const host = new Side(`tw-host-${suffix}`, "br0", "10.78.0.1");
  const outside = new Side(`tw-outside-${suffix}`, "eth0", "10.79.0.2");
  const folder = mkdtempSync(join(tmpdir(), "tallywire-stages-"));
  const captured = ["veth1", "br0", "up0"];
  let trips: RoundTrip[];
  let fromFile: RoundTrip[];
  let passed: Map<string, Passed>;

  const ip = (side: Side, ...words: string[]) => execFileSync("ip", ["-n", side.namespace, ...words]);

  beforeAll(async () => {
    for (const side of [inside, host, outside]) {
      execFileSync("ip", ["netns", "add", side.namespace]);
      side.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=1");
    }
    const pair = (device: string, peer: Side, there: string) =>
      ip(host, "link", "add", device, "type", "veth", "peer", "name", there, "netns", peer.namespace);
    ip(host, "link", "add", "br0", "type", "bridge");
    pair("veth1", inside, "eth0");
    pair("up0", outside, "eth0");
    ip(host, "link", "set", "veth1", "master", "br0");
    ip(host, "address", "add", "10.78.0.1/24", "dev", "br0");
    ip(host, "address", "add", "10.79.0.1/24", "dev", "up0");
    ip(inside, "address", "add", "10.78.0.2/24", "dev", "eth0");
    ip(outside, "address", "add", "10.79.0.2/24", "dev", "eth0");
    for (const device of captured) ip(host, "link", "set", device, "up");
    for (const side of [inside, outside]) ip(side, "link", "set", "eth0", "up");
    ip(inside, "route", "add", "default", "via", "10.78.0.1");
    ip(outside, "route", "add", "default", "via", "10.79.0.1");

    await new Listener(outside.start(process.execPath, "--input-type=module", "-e", SERVER)).says(/ready/);
    const dump = (device: string, ...words: string[]) => {
      const file = join(folder, device);
      const flags = ["-i", device, "-U", "-n", "-w", file, "--time-stamp-precision=nano", ...words];
      return new Listener(host.start("tcpdump", "-Z", "root", ...flags, "tcp port 80")).says(/listening on/);
    };
    const several = captured.flatMap((device) => ["-i", device, "-f", "tcp port 80"]);
    const dumpcap = new Listener(host.start("dumpcap", "-q", ...several, "-w", join(folder, "dumpcap")));
    await dumpcap.says(/File: /);
    const dumps = await Promise.all([...captured.map((device) => dump(device)), dump("any", "-y", "LINUX_SLL2")]);
    const child = host.start(process.execPath, COMMAND, "watch", "http", "-i", "any", "-o", "json");
    const watch = await new Listener(child).says(/watching any/);
    await inside.script(CLIENT);
    await sleep(1500);
    const said = await watch.stop();
    for (const each of [dumpcap, ...dumps]) await each.stop();
    trips = said
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as RoundTrip);
    const read = await tallywire(["read", join(folder, "any"), "-o", "json", "-Y", "http"]);
    fromFile = read.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as RoundTrip);
    passed = new Map(captured.map((device) => [device, passedIn(readFileSync(join(folder, device)))]));
  }, 120_000);
  afterAll(() => {
    for (const side of [inside, host, outside]) side.remove();
    rmSync(folder, { recursive: true });
  });

  test("each round trip has three, as tcpdump saw its packets on each interface", () => {
    expect(trips).toHaveLength(REQUESTS);
    const all = tripPackets(readFileSync(join(folder, "veth1")));
    const apart: number[] = [];
    trips.forEach((trip, index) => {
      expect(trip.stages?.map(({ name }) => name)).toEqual(captured);
      const { request, response } = all[index]!;
      const started = passed.get("veth1")!.get(request)!;
      for (const { name, requestNs, responseNs } of trip.stages!) {
        apart.push(Math.abs(requestNs! - Number(passed.get(name!)!.get(request)! - started)));
        apart.push(Math.abs(responseNs! - Number(passed.get(name!)!.get(response)! - started)));
      }
    });
    // Each socket has times of its own of a packet that the kernel has not stamped: a moment apart, or more where another program came between.
    apart.sort((a, b) => a - b);
    expect(apart[apart.length >> 1]).toBeLessThan(200_000);
    expect(apart.at(-1)).toBeLessThan(100_000_000);
  });

  test("and so does the file of tcpdump -i any, to the nanosecond", () => {
    expect(fromFile).toHaveLength(REQUESTS);
    const rows = tsharkFields(readFileSync(join(folder, "any")), [
      "sll.ifindex",
      "frame.time_epoch",
      "tcp.seq_raw",
      "ip.id",
      "tcp.srcport",
      "tcp.len",
    ]).filter((row) => row[5] !== "0");
    const firsts = tripPackets(readFileSync(join(folder, "veth1")));
    const timesOf = (key: string) =>
      rows.filter((row) => keyOf(row[2]!, row[3]!, row[4]!) === key).map((row) => [Number(row[0]), nsOf(row[1]!)] as const);
    fromFile.forEach((trip, index) => {
      const { request, response } = firsts[index]!;
      const asked = new Map(timesOf(request));
      const answered = new Map(timesOf(response));
      const startedNs = [...asked.values()].reduce((least, ns) => (ns < least ? ns : least));
      expect(asked.size).toBe(3);
      expect(new Set(trip.stages?.map((stage) => stage.interface))).toEqual(new Set(asked.keys()));
      for (const stage of trip.stages!) {
        expect(stage.requestNs).toBe(Number(asked.get(stage.interface)! - startedNs));
        expect(stage.responseNs).toBe(Number(answered.get(stage.interface)! - startedNs));
      }
    });
  });

  test.each([
    ["dumpcap of three interfaces", "dumpcap"],
    ["mergecap of three files", "merged"],
  ])("and so does %s, with its names", async (_, file) => {
    const path = join(folder, "in-order");
    const files = captured.map((device) => join(folder, device));
    if (file === "merged") execFileSync("mergecap", ["-I", "none", "-w", path, ...files]);
    else execFileSync("reordercap", [join(folder, file), path]);
    const { stdout } = await tallywire(["read", path, "-o", "json", "-Y", "http"]);
    const rows = tsharkFields(readFileSync(path), [
      "frame.interface_id",
      "frame.time_epoch",
      "tcp.seq_raw",
      "ip.id",
      "tcp.srcport",
      "tcp.len",
      "frame.interface_name",
    ]).filter((row) => row[5] !== "0");
    const firsts = tripPackets(readFileSync(join(folder, "veth1")));
    const names = new Map(rows.map((row) => [Number(row[0]), row[6]!]));
    if (file === "dumpcap") expect([...names.values()].sort()).toEqual([...captured].sort());
    const found = stdout.split("\n").filter(Boolean);
    expect(found).toHaveLength(REQUESTS);
    found.forEach((line, index) => {
      const trip = JSON.parse(line) as RoundTrip;
      const timesOf = (key: string) =>
        new Map(
          rows.filter((row) => keyOf(row[2]!, row[3]!, row[4]!) === key).map((row) => [Number(row[0]), nsOf(row[1]!)] as const),
        );
      const [asked, answered] = [timesOf(firsts[index]!.request), timesOf(firsts[index]!.response)];
      const startedNs = [...asked.values()].reduce((least, ns) => (ns < least ? ns : least));
      expect(trip.stages).toHaveLength(3);
      for (const stage of trip.stages!) {
        expect(stage.name ?? "unknown").toBe(names.get(stage.interface));
        expect(stage.requestNs).toBe(Number(asked.get(stage.interface)! - startedNs));
        expect(stage.responseNs).toBe(Number(answered.get(stage.interface)! - startedNs));
      }
    });
  });

  test("statistics count them", async () => {
    const { stdout } = await tallywire(["stat", "http", "-r", join(folder, "any"), "--by", "stages.count", "-o", "json"]);
    expect(JSON.parse(stdout).rows).toMatchObject([{ by: { "stages.count": 3 }, requests: REQUESTS }]);
  });
});

const keyOf = (sequence: string, id: string, port: string) => `${sequence} ${id} ${port}`;

function nsOf(epoch: string): bigint {
  const [seconds, fraction = ""] = epoch.split(".");
  return BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

function passedIn(file: Uint8Array): Passed {
  const rows = tsharkFields(file, ["frame.time_epoch", "tcp.seq_raw", "ip.id", "tcp.srcport", "tcp.len"]);
  return new Map(rows.filter((row) => row[4] !== "0").map((row) => [keyOf(row[1]!, row[2]!, row[3]!), nsOf(row[0]!)]));
}

/** The first packets of each request and of its response: those with content behind content of the other side. */
function tripPackets(file: Uint8Array): { request: string; response: string }[] {
  const rows = tsharkFields(file, ["tcp.seq_raw", "ip.id", "tcp.srcport", "tcp.len"]).filter((row) => row[3] !== "0");
  const turns = rows.filter((row, index) => row[2] !== rows[index - 1]?.[2]).map((row) => keyOf(row[0]!, row[1]!, row[2]!));
  return Array.from({ length: turns.length / 2 }, (_, index) => ({
    request: turns[2 * index]!,
    response: turns[2 * index + 1]!,
  }));
}
