/**
 * What the hub costs by bundle: real bundles of busy minutes posted to workerd over loopback, its CPU counted until all are
 * sealed; in the same run the CPU of validating and merging the same bundles and nothing else. Linux only (/proc).
 *
 * The words are the number of bundles and what they are: "dns", requests in one direction, or "modelled", the minute of
 * test/support/minute-model.ts with DNS and HTTP in both. Prints one JSON object.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import { Pool } from "undici";
import { startLocalHub } from "../../shim/hub/local-hub";
import { modelledMinute } from "../../test/support/minute-model";
import { sealCapture, sealMinuteBy } from "../../test/support/seal-minute";
import { mergeOnlyMs } from "../lib/merge-only";
import { cpuMsOf, peakMegabytesOf } from "../lib/process";

/** Requests of a busy minute, and its names and clients. */
const REQUESTS = 60_000;
const NAMES = 20_000;
const DIFFERENT_BUNDLES = 8;
const EDGES = 1_000;
const SITES = 10;
/** Enough for rows to fill, as they do when edges post when they like. */
const CONNECTIONS = 160;
const SEAL_PERIOD_SECONDS = 5;

const [words = "4000", kind = "dns"] = process.argv.slice(2);
const count = Number(words);
const module = new WebAssembly.Module(readFileSync("build/core.wasm"));

/** More often a small number than a large one, below `most`. */
const skewed = (most: number) => Math.floor(Math.random() ** 3 * most);

function busyMinute(minute: number, boot: number): Uint8Array {
  if (kind === "modelled") return sealCapture(module, modelledMinute(REQUESTS, minute), { bootId: BigInt(boot) });
  const exchanges = Array.from({ length: REQUESTS }, (_, index) => ({
    client: `10.${skewed(40)}.${boot}.${index % 250}`,
    name: `host${skewed(NAMES)}.site${skewed(300)}.example.com`,
    rcode: index % 17 === 0 ? 3 : 0,
    durationMs: 1 + skewed(200),
  }));
  return sealMinuteBy(module, { minute, boot: BigInt(boot), exchanges });
}

async function main(): Promise<void> {
  const minute = Math.floor(Date.now() / 60_000) * 60 - 60;
  const bundles = Array.from({ length: DIFFERENT_BUNDLES }, (_, index) => busyMinute(minute, index + 1));
  const bodies = bundles.map((bundle) => deflateSync(bundle));
  const mergeMs = mergeOnlyMs(module, bundles, count);

  const dataFolder = mkdtempSync(join(tmpdir(), "tallywire-bench-"));
  const variables = { SEAL_PERIOD_SECONDS: String(SEAL_PERIOD_SECONDS) };
  const hub = await startLocalHub({ dataFolder, workerFolder: "build/hub", variables });
  const key = (edge: number) => hub.key({ kind: "write", tenant: "bench", edge: `edge-${edge}` });
  const keys = await Promise.all(Array.from({ length: EDGES }, (_, edge) => key(edge)));
  const pool = new Pool(hub.origin, { connections: CONNECTIONS });
  const delays: number[] = [];
  let next = 0;
  const post = async () => {
    while (next < count) {
      const index = next++;
      const body = bodies[Math.floor(index / EDGES) % bodies.length]!;
      const headers = {
        authorization: `Bearer ${keys[index % EDGES]}`,
        "content-encoding": "deflate",
        "tallywire-tags": `site=site-${index % SITES}`,
      };
      const from = performance.now();
      const { statusCode, body: answer } = await pool.request({ path: "/v1/ingest", method: "POST", headers, body });
      const text = await answer.text();
      if (statusCode !== 200 || !text.includes("stored")) throw new Error(text);
      delays.push(performance.now() - from);
    }
  };
  const cpuBefore = cpuMsOf(hub.pid);
  const from = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, post));
  const seconds = (performance.now() - from) / 1000;
  await sleep((SEAL_PERIOD_SECONDS + 2) * 1000);
  const cpuMs = (cpuMsOf(hub.pid) - cpuBefore) / count;
  const peakMegabytes = peakMegabytesOf(hub.pid);
  await pool.close();
  await hub.stop();
  rmSync(dataFolder, { recursive: true });

  delays.sort((a, b) => a - b);
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  const figures = {
    machine: `${cpus().length} x ${cpus()[0]?.model}`,
    bundles: count,
    bundleBytes: bundles[0]!.length,
    wireBytes: bodies[0]!.length,
    cpuMs: round(cpuMs, 3),
    mergeOnlyMs: round(mergeMs, 3),
    timesMergeOnly: round(cpuMs / mergeMs, 1),
    perSecond: Math.round(count / seconds),
    p50Ms: round(delays[delays.length >> 1]!, 1),
    p99Ms: round(delays[Math.floor(delays.length * 0.99)]!, 1),
    peakMegabytes: Math.round(peakMegabytes),
  };
  console.log(JSON.stringify(figures));
}

await main();
