/**
 * What the agent takes of memory: a real `tallywire agent` reads a capture of which nothing fits and posts to a hub that takes
 * everything, while its resident memory is read from /proc. Linux only.
 *
 * The words are the capture, the budget in MiB, how often the capture is read, and what the agent is told of its memory; prints one JSON object. The refusals that the bundles tell of say which
 * regions were full; how much of the core's memory was resident at the end says that they were touched.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Core } from "../../engine/core";
import { deriveKey, importMaster } from "../../engine/keys";
import { MinuteSum } from "../../engine/summary";
import { startCommand } from "../../test/support/command";
import { IngestServer } from "../../test/support/ingest-server";

const SAMPLE_MS = 20;
/** Samples between two looks at the core's memory, which take longer. */
const SAMPLES_A_LOOK = 25;
const MASTER = "a master key that is for benchmarks only";
const NETWORKS = ["10.0.0.0/8", "2001:db8:a00::/40"];

const [capture = "", budget = "24", times = "1", ...given] = process.argv.slice(2);
const budgetKiB = Number(budget) * 1024;

/** Resident memory of a process now and at its highest, KiB; nothing once it has ended. */
function residentOf(pid: number): { now: number; most: number } | undefined {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [now, most] = [/VmRSS:\s+(\d+)/, /VmHWM:\s+(\d+)/].map((pattern) => Number(pattern.exec(status)?.[1]));
  return now && most ? { now, most } : undefined;
}

/** How much of the core's memory is resident, KiB: the writable mapping whose size is nearest above the budget. */
function coreResidentOf(pid: number): number {
  const mappings = readFileSync(`/proc/${pid}/smaps`, "utf8").split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const [nearest] = mappings
    .filter((text) => /^\S+ rw/.test(text))
    .map((text) => [/\nSize:\s+(\d+)/, /\nRss:\s+(\d+)/].map((pattern) => Number(pattern.exec(text)?.[1])))
    .filter(([size]) => size! >= budgetKiB)
    .sort(([a], [b]) => a! - b!);
  return nearest?.[1] ?? 0;
}

/** Samples a process until it has ended; throws where it did not end well. */
async function watch(child: ReturnType<typeof startCommand>) {
  const samples: number[] = [];
  let peak = 0;
  let coreResident = 0;
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const ended = new Promise((done) => child.once("close", done));
  while (child.exitCode === null && child.signalCode === null) {
    const resident = residentOf(child.pid!);
    if (resident === undefined) break;
    samples.push(resident.now);
    peak = Math.max(peak, resident.most);
    if (samples.length % SAMPLES_A_LOOK === 0) coreResident = Math.max(coreResident, coreResidentOf(child.pid!));
    await sleep(SAMPLE_MS);
  }
  if ((await ended) !== 0) throw new Error(`the agent ended with ${child.exitCode}: ${said}`);
  return { samples, peak, coreResident };
}

/** Sums of the counters of all bundles, by metric and, where it has one, by limit. */
function countersOf(bundles: Iterable<Uint8Array>): (name: string) => number {
  const core = new Core(new WebAssembly.Module(readFileSync("build/core.wasm")), { role: "hub", budgetBytes: 64 << 20 });
  const sum = new MinuteSum(core);
  for (const bundle of bundles) sum.add(bundle);
  const { metrics } = sum.summary();
  return (name) =>
    metrics
      .filter(({ metric, labels }) => name === (labels.limit ? `${metric} ${labels.limit}` : metric))
      .reduce((total, { value = 0 }) => total + value, 0);
}

const server = new IngestServer();
await server.listen();
const key = await deriveKey(await importMaster(MASTER), { kind: "write", tenant: "bench", edge: "full" });
const spool = mkdtempSync(join(tmpdir(), "tallywire-bench-"));
const networks = NETWORKS.flatMap((network) => ["--host-network", network]);
const words = ["agent", "--file", ...Array<string>(Number(times)).fill(capture), "--spool", spool, ...given, ...networks];
const from = performance.now();
const { samples, peak, coreResident } = await watch(startCommand(words, { TALLYWIRE_HUB: server.origin, TALLYWIRE_KEY: key }));
const seconds = (performance.now() - from) / 1000;
await server.close();
rmSync(spool, { recursive: true });

const counter = countersOf(server.bundles.values());
console.log(
  JSON.stringify({
    seconds,
    peakMiB: peak / 1024,
    residentMiB: samples.map((kiB) => kiB / 1024),
    coreResidentMiB: coreResident / 1024,
    packets: counter("capture_packets_total"),
    bundles: server.bundles.size,
    evictedFlows: counter("capture_evicted_flows_total"),
    refusedStreams: counter("capture_refused_total stream_memory") + counter("dns_refused_total") + counter("http_refused_total"),
    refusedSketches: counter("capture_refused_total sketch_memory"),
  }),
);
