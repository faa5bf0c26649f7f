/** Several threads that share an interface's packets: who gets which, and that they count what one thread counts. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fanoutProgram } from "../../shim/capture/fanout-program";
import { type Ended, LiveAgents } from "../support/capture/live-agents";
import { hasLibpcap, Listener, Network, networkMissing, type Side } from "../support/capture/network";
import { fanoutNumber } from "../support/fan";
import { received, sent } from "../support/kernel-bpf";
import { manyHosts } from "../support/many-hosts";
import { pcap } from "../support/pcap-builder";
import { ROOT } from "../support/repository";

const missing =
  networkMissing() ?? (spawnSync("tcpreplay", ["--version"]).status === 0 ? undefined : "tcpreplay is not installed");
if (missing !== undefined) console.warn(`several threads are not tested on real interfaces: ${missing}`);

const PACKETS = manyHosts({ seed: 21, conversations: 900, seconds: 3 });
/** Beside what protocols count; what depends on when packets came is left out. */
const COUNTERS = ["capture_packets_total", "capture_wire_bytes_total", "capture_tunnels_total", "capture_joined_datagrams_total"];

describe.runIf(missing === undefined)("threads", { timeout: 240_000 }, () => {
  let network: Network;
  const folder = mkdtempSync(join(tmpdir(), "tallywire-threads-"));
  let agents: LiveAgents;
  const path = join(folder, "many-hosts.pcap");

  beforeAll(async () => {
    network = new Network();
    agents = new LiveAgents(network);
    writeFileSync(path, pcap(PACKETS));
    await settle();
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
    rmSync(folder, { recursive: true });
  });

  /** Waits until packets go both ways, and has nothing come by then that is not replayed. */
  async function settle(): Promise<void> {
    // Tunnels make frames longer.
    for (const { namespace, device } of [network.near, network.far])
      spawnSync("ip", ["-n", namespace, "link", "set", device, "mtu", "9000"]);
    await network.ready();
    for (const { namespace, device } of [network.near, network.far])
      spawnSync("ip", ["-n", namespace, "link", "set", device, "arp", "off"]);
  }

  const replay = () => void network.far.run("tcpreplay", "-q", "--pps", "8000", "-i", network.far.device, path);

  /** Holds what agents counted of the same packets against each other. */
  function expectSame([one, ...others]: Ended[], packets: number): void {
    expect(one!.summary.packets).toBe(packets);
    const counters = ({ summary }: Ended) =>
      Object.fromEntries(
        summary.metrics
          .filter(
            ({ metric, value }) => value !== undefined && (COUNTERS.includes(metric) || /^(dns|http|net)_.*_total$/.test(metric)),
          )
          .map(({ metric, labels, value }) => [`${metric} ${JSON.stringify(labels)}`, value]),
      );
    for (const other of others) {
      expect(counters(other)).toEqual(counters(one!));
      expect(other.names).toEqual([...new Set(other.names)]);
      expect(other.said).toContain("dropped before the capture: none");
    }
  }

  test.each([["near"], ["far"]] as const)(
    "get of the kernel what the program says, where packets come in and out (%s)",
    async (at) => {
      const side = network[at];
      for (const rings of [2, 3, 4]) {
        const program = Buffer.from(fanoutProgram()).toString("base64");
        const words = [join(ROOT, "test/support/capture/share.mjs"), side.device, String(rings), program];
        const sharing = await new Listener(side.start(process.execPath, ...words)).says(/ready/);
        replay();
        const counts = JSON.parse((await sharing.stop()).replace(/^ready\n/, "")) as [number, number][];
        const due = new Array<number>(rings).fill(0);
        for (const { bytes } of PACKETS) due[fanoutNumber(at === "near" ? received(bytes) : sent(bytes)) % rings]! += 1;
        expect(counts).toEqual(due.map((count) => [count, 0]));
        expect(Math.min(...due)).toBeGreaterThan(PACKETS.length / rings / 2);
      }
    },
  );

  async function agentsOf(side: Side, threads: readonly number[], ...words: string[]): Promise<Listener[]> {
    const device = words.includes("-i") ? [] : ["-i", side.device];
    const ring = words.includes("--ring") ? [] : ["--ring", "32"];
    return Promise.all(threads.map((count) => agents.startOn(side, ...device, ...ring, "--threads", String(count), ...words)));
  }

  test.each([["near"], ["far"]] as const)("count what one thread counts (%s)", async (at) => {
    const running = await agentsOf(network[at], [1, 2, 4]);
    replay();
    const all = await Promise.all(running.map((agent) => agents.end(agent)));
    expectSame(all, PACKETS.length);
    const [one] = all;
    expect(one!.sum("http_requests_total", { status: "ok" })).toBeGreaterThan(500);
    expect(one!.sum("dns_requests_total", { status: "ok" })).toBeGreaterThan(100);
    expect(one!.sum("capture_tunnels_total")).toBeGreaterThan(500);
    expect(all[2]!.said).toContain("captured through 4 rings of the kernel's, a thread each");
  });

  test.runIf(hasLibpcap())("take a filter, and interfaces by a pattern", async () => {
    const running = await agentsOf(network.near, [1, 3], "-i", "tw*", "-f", "udp port 53");
    replay();
    const all = await Promise.all(running.map((agent) => agents.end(agent)));
    const { packets } = all[0]!.summary;
    expect(packets).toBeGreaterThan(100);
    expect(packets).toBeLessThan(PACKETS.length);
    expectSame(all, packets);
  });

  test("go on together when their interface is back", async () => {
    const [running] = await agentsOf(network.near, [3]);
    replay();
    network.near.run("ip", "link", "del", "tw0");
    await running!.says(/tw0 is gone or down; capturing goes on when it is back/);
    network.connect();
    await running!.says(/interface tw0 is back/);
    await settle();
    replay();
    const { sum, said } = await agents.end(running!);
    expect(said).toContain("dropped before the capture: none");
    const [alone] = await agentsOf(network.near, [1]);
    replay();
    const once = await agents.end(alone!);
    for (const metric of ["capture_fragments_total", "capture_tunnels_total"]) expect(sum(metric)).toBe(2 * once.sum(metric));
  });

  test("look at a sample together above their ceiling of CPU, and count the rest", async () => {
    const [running] = await agentsOf(network.near, [2], "--cpu-max", "1");
    for (let count = 0; count < 6; count++) {
      replay();
      await sleep(700);
    }
    const { sum, said } = await agents.end(running!);
    expect(said).toContain("at the ceiling of 1 % of a processor");
    expect(sum("capture_packets_total")).toBe(6 * PACKETS.length);
    const left = sum("capture_sampled_out_packets_total");
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(6 * PACKETS.length);
  });

  test("count together what finds no room while they are held up", async () => {
    const [running] = await agentsOf(network.near, [2], "--ring", "1");
    running!.child.kill("SIGSTOP");
    for (let count = 0; count < 4; count++) replay();
    running!.child.kill("SIGCONT");
    const { summary, said } = await agents.end(running!);
    expect(summary.dropped).toBeGreaterThan(1000);
    expect(summary.packets + summary.dropped).toBe(4 * PACKETS.length);
    expect(said).toMatch(/dropped before the capture: [\d.]+/);
  });

  test("end the agent when one of them fails, and keep what the others have seen", async () => {
    const copy = join(folder, "copy");
    const shim = join(copy, "build/shim");
    cpSync(join(ROOT, "build/shim"), shim, { recursive: true });
    cpSync(join(ROOT, "build/native"), join(copy, "build/native"), { recursive: true });
    cpSync(join(ROOT, "build/core.wasm"), join(copy, "build/core.wasm"));
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    renameSync(join(shim, "capture-thread.mjs"), join(shim, "whole-thread.mjs"));
    const order = join(copy, "fail");
    const failing = `
      import { existsSync } from "node:fs";
      import { workerData } from "node:worker_threads";
      import "./whole-thread.mjs";
      const check = () => { if (existsSync(${JSON.stringify(order)})) throw new Error("it was told to"); };
      if (workerData.options.thread === 2) setInterval(check, 20).unref();`;
    writeFileSync(join(shim, "capture-thread.mjs"), failing);
    const [whole] = await agentsOf(network.near, [1]);
    const running = await agents.startFrom(join(shim, "tallywire.mjs"), "-i", "tw0", "--threads", "2");
    replay();
    writeFileSync(order, "");
    await running.says(/thread 2 of the capture failed: it was told to; what the others have seen is kept/);
    const [{ code, sum }, all] = [await agents.end(running), await agents.end(whole!)];
    expect(code).toBe(1);
    const due = PACKETS.filter(({ bytes }) => fanoutNumber(received(bytes)) % 2 === 0).length;
    expect(sum("capture_packets_total")).toBe(due);
    expect(all.sum("capture_packets_total")).toBe(PACKETS.length);
  });

  test("are refused where they cannot be", async () => {
    const start = (...words: string[]) => agents.start("--threads", "4", ...words);
    await expect(start("-i", "tw0", "--budget", "24")).rejects.toThrow(/4 threads take 32 MiB at least, not 24/);
    await expect(start("-i", "tw0", "--capture", "libpcap")).rejects.toThrow(/several threads take rings/);
    await expect(start("--file", path)).rejects.toThrow(/several threads read interfaces/);
    await expect(start("-i", "nowhere0")).rejects.toThrow(/no interface nowhere0/);
  });
});
