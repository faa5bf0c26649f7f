/** Edges and a real hub that are killed at any moment: what the hub knows in the end is what the captures hold. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { readSections, varint } from "../support/bundle";
import { runOf, startCommand, tallywire } from "../support/command";
import { manyMinutes } from "../support/many-minutes";
import { ROOT } from "../support/repository";

const SITES = ["fra", "sin", "gru"];
const MINUTES = 12;
const QUERIES_PER_MINUTE = 200;
const TENANT = "crash";
const KILLS = 6;
/** An edge waits for a minute at the most before it tries again: on a slow machine a hub that is killed for ever takes nothing. */
const HUB_KILLS_MAX = 30;

const folder = mkdtempSync(join(tmpdir(), "tallywire-crash-"));
let hub: LocalHub;
let module: WebAssembly.Module;

const start = (port: number) => startLocalHub({ dataFolder: join(folder, "hub"), workerFolder: join(ROOT, "build/hub"), port });
const captureOf = (site: string) => join(folder, `${site}.pcap`);

beforeAll(async () => {
  module = new WebAssembly.Module(await readFile(join(ROOT, "build/core.wasm")));
  const startNs = BigInt(Math.floor(Date.now() / 60_000) - MINUTES - 2) * 60_000_000_000n;
  SITES.forEach((site, index) => {
    const capture = manyMinutes({ startNs, minutes: MINUTES, queriesPerMinute: QUERIES_PER_MINUTE, first: index * 1200 });
    writeFileSync(captureOf(site), capture);
  });
  hub = await start(0);
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true });
});

/** Runs an edge's agent until it has posted everything, killing it a few times on the way; gives how often. */
async function runEdge(site: string, kills: number): Promise<number> {
  const key = await hub.key({ kind: "write", tenant: TENANT, edge: `edge-${site}` });
  const words = ["agent", "--file", captureOf(site), "--spool", join(folder, "spool"), "--tags", `site=${site}`];
  for (let killed = 0; ; ) {
    const child = startCommand(words, { TALLYWIRE_HUB: hub.origin, TALLYWIRE_KEY: key });
    const run = runOf(child);
    if (killed < kills) await Promise.race([run, sleep(150 + Math.random() * 400)]);
    if (killed < kills && child.exitCode === null) child.kill("SIGKILL");
    const { code, stderr } = await run;
    if (code === 0) return killed;
    if (code !== "SIGKILL") throw new Error(`the agent of ${site} ended with ${code}: ${stderr}`);
    killed += 1;
  }
}

/** Kills the hub and starts it again on the same folder and port, until told to stop or often enough. */
async function tormentHub(isOver: () => boolean): Promise<number> {
  let kills = 0;
  while (!isOver() && kills < HUB_KILLS_MAX) {
    await sleep(300 + Math.random() * 500);
    const { port } = hub;
    await hub.kill();
    await sleep(Math.random() * 200);
    hub = await start(port);
    kills += 1;
  }
  return kills;
}

/** Bounded kinds (top, breakdown) may keep other tails in another order of merging. */
const BOUNDED_KINDS = [6, 7];
const GAUGE = 2;
/** The run at the end of an encoded gauge. */
const GAUGE_RUN_BYTES = 8;

/** A bundle's sections, those whose bytes no order of merging changes; a top's begins with its total, which is exact too. */
function unordered(bundle: Uint8Array): object[] {
  return readSections(bundle).sections.map(({ payload, ...head }) => {
    // A gauge names the run that it is of, and each run has a name of its own.
    if (head.kind === GAUGE) return { ...head, value: Buffer.from(payload.subarray(0, -GAUGE_RUN_BYTES)).toString("hex") };
    if (!BOUNDED_KINDS.includes(head.kind)) return { ...head, payload: Buffer.from(payload).toString("hex") };
    return { ...head, total: String(varint(payload, 0)[0]) };
  });
}

/** The minutes that a core seals over a capture. */
async function sealed(path: string): Promise<Uint8Array[]> {
  const core = new Core(module, {});
  const bundles: Uint8Array[] = [];
  core.drainTo({ bundle: (bundle) => bundles.push(bundle.slice()) });
  const input = core.open("file");
  input.write(await readFile(path));
  input.end();
  core.flush();
  return bundles;
}

test("every minute of every edge counts once", async () => {
  let isOver = false;
  const torment = tormentHub(() => isOver);
  // Whatever becomes of the edges, no hub may be started after this.
  const end = () => {
    isOver = true;
    return torment;
  };
  const killed = await Promise.all(SITES.map((site) => runEdge(site, KILLS))).finally(end);
  const hubKills = await torment;
  expect([hubKills > 0, killed.some((kills) => kills > 0)]).toEqual([true, true]);

  const readKey = await hub.key({ kind: "read", tenant: TENANT, edge: "" });
  const env = { TALLYWIRE_HUB: hub.origin, TALLYWIRE_READ_KEY: readKey };
  const { code, stdout } = await tallywire(["query", "dns_transactions_total", "--by", "site", "-o", "json"], { env });
  expect(code).toBe(0);
  const rows = JSON.parse(stdout).data.map(({ site, value }: { site: string; value: number }) => [site, value]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(SITES.map((site) => [site, MINUTES * QUERIES_PER_MINUTE])));

  const authorization = `Bearer ${readKey}`;
  const sketch = await fetch(`${hub.origin}/v1/sketch?from=-1h`, { headers: { authorization } });
  expect(sketch.status).toBe(200);
  const direct = new Core(module, { role: "hub", budgetBytes: 32 << 20 }).merge(
    (await Promise.all(SITES.map((site) => sealed(captureOf(site))))).flat(),
  );
  expect(unordered(new Uint8Array(await sketch.arrayBuffer()))).toEqual(unordered(direct));
}, 300_000);

test("query prints a table that people read, and says how exact it is", async () => {
  const env = { TALLYWIRE_HUB: hub.origin, TALLYWIRE_READ_KEY: await hub.key({ kind: "read", tenant: TENANT, edge: "" }) };
  const latency = await tallywire(["query", "dns_duration_seconds", "--by", "site", "--where", "site=fra,sin", "-q", "0.5"], {
    env,
  });
  expect(latency.stdout).toMatch(/^site +q +value +count\nfra +0\.5 +(999 us|1(\.0\d)? ms) +2,400\nsin .*\n$/);
  expect(latency.stderr).toMatch(/^2 rows from .*Z to .*Z, each value within 1\.1 %\n/);
  const top = await tallywire(["query", "dns_top_names", "-n", "3"], { env });
  expect(top.stdout.split("\n")[0]).toMatch(/^key +value +lower +upper +total$/);
  expect(top.stdout.trimEnd().split("\n")).toHaveLength(4);
  const unknown = await tallywire(["query", "dns_clients", "quantile"], { env });
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("quantile does not fit dns_clients")]);
});
