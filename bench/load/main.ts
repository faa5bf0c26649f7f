/**
 * What a hub takes in: real bundles of busy minutes, posted to one workerd over loopback for some time, to a tenant with shards, all the way up
 * to its root. Linux only (/proc).
 *
 * The words are the Worker's folder, how many seconds, and the number of shards (0: the root takes everything). Prints one JSON object.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import { Pool } from "undici";
import { readBundleHeader } from "../../engine/bundle";
import { startLocalHub } from "../../shim/hub/local-hub";
import { modelledMinute } from "../../test/support/minute-model";
import { sealCapture } from "../../test/support/seal-minute";
import { mergeOnlyMs } from "../lib/merge-only";
import { cpuMsOf, peakMegabytesOf } from "../lib/process";
import { request } from "../lib/request";

/** Requests of a busy minute. */
const REQUESTS = 60_000;
const DIFFERENT_BUNDLES = 8;
const EDGES = 10_000;
const CONNECTIONS = 160;
const SEAL_PERIOD_SECONDS = 5;
/** A hub that cannot take a bundle now is asked again after this time. */
const BUSY_MS = 100;
/** After the last bundle was taken the root has all of them within this time. */
const SETTLE_SECONDS_MAX = 60;

const [workerFolder = "build/hub", secondsWord = "60", shardsWord = "10"] = process.argv.slice(2);
const seconds = Number(secondsWord);
const shards = Number(shardsWord);
const module = new WebAssembly.Module(readFileSync("build/core.wasm"));

async function main(): Promise<void> {
  const minute = Math.floor(Date.now() / 60_000) * 60 - 60;
  const bundles = Array.from({ length: DIFFERENT_BUNDLES }, (_, index) =>
    sealCapture(module, modelledMinute(REQUESTS, minute), { bootId: BigInt(index + 1) }),
  );
  const bodies = bundles.map((bundle) => deflateSync(bundle));
  const mergeMs = mergeOnlyMs(module, bundles, 1000);

  const dataFolder = mkdtempSync(join(tmpdir(), "tallywire-load-"));
  const hub = await startLocalHub({ dataFolder, workerFolder, variables: { SEAL_PERIOD_SECONDS: String(SEAL_PERIOD_SECONDS) } });
  const pool = new Pool(hub.origin, { connections: CONNECTIONS });
  if (shards > 0) {
    const authorization = `Bearer ${await hub.key({ kind: "admin", tenant: "bench", edge: "" })}`;
    const { statusCode } = await pool.request({
      path: "/v1/shards",
      method: "PUT",
      headers: { authorization },
      body: '{"tag":"site"}',
    });
    if (statusCode !== 200) throw new Error(`the shard map was refused: ${statusCode}`);
  }
  const keys = await Promise.all(
    Array.from({ length: EDGES }, (_, edge) => hub.key({ kind: "write", tenant: "bench", edge: `edge-${edge}` })),
  );
  const packetsOf = bundles.map((bundle) => readBundleHeader(bundle).seen);
  let packets = 0;
  const delays: number[] = [];
  let next = 0;
  const until = performance.now() + seconds * 1000;
  const post = async () => {
    while (performance.now() < until) {
      const index = next++;
      const edge = index % EDGES;
      const headers = {
        authorization: `Bearer ${keys[edge]}`,
        "content-encoding": "deflate",
        "tallywire-tags": `site=site-${edge % Math.max(1, shards)}`,
      };
      const which = Math.floor(index / EDGES) % bodies.length;
      const body = bodies[which]!;
      const from = performance.now();
      const send = () => request(pool, { path: "/v1/ingest", method: "POST", headers, body });
      let told = await send();
      for (; told.status === 503 || told.status === 429; told = await send()) await sleep(BUSY_MS);
      if (told.status !== 200) throw new Error(told.text);
      delays.push(performance.now() - from);
      packets += packetsOf[which]!;
    }
  };
  const cpuBefore = cpuMsOf(hub.pid);
  const from = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, post));
  const took = (performance.now() - from) / 1000;

  // All of it comes to the root, every bundle once.
  const authorization = `Bearer ${await hub.key({ kind: "read", tenant: "bench", edge: "" })}`;
  const path = `/v1/query?metric=capture_packets_total&op=sum&from=${minute}&to=${minute + 60}`;
  const atRoot = async () => {
    const { status, text } = await request(pool, { path, method: "GET", headers: { authorization } });
    return status === 200 ? ((JSON.parse(text) as { data: { value: number }[] }).data[0]?.value ?? 0) : 0;
  };
  let found = 0;
  const settledFrom = performance.now();
  while (found !== packets) {
    await sleep(1000);
    found = await atRoot();
    if (performance.now() - settledFrom > SETTLE_SECONDS_MAX * 1000)
      throw new Error(`the root has ${found} of ${packets} packets`);
  }
  const settledMs = performance.now() - settledFrom;
  const cpuMs = cpuMsOf(hub.pid) - cpuBefore;
  const peak = peakMegabytesOf(hub.pid);
  await pool.close();
  await hub.stop();
  rmSync(dataFolder, { recursive: true });

  delays.sort((a, b) => a - b);
  const figures = {
    bundles: delays.length,
    perSecond: delays.length / took,
    cpuMs: cpuMs / delays.length,
    mergeOnlyMs: mergeMs,
    p50Ms: delays[delays.length >> 1],
    p99Ms: delays[Math.floor(delays.length * 0.99)],
    peakMegabytes: peak,
    settledMs,
  };
  console.log(JSON.stringify(figures));
}

await main();
