/**
 * An agent under load for a while, as in months: its interface goes down and away, its hub ends and is killed, its disk is full, its configuration
 * changes, its load comes in bursts. What the hub knows in the end is what the clients counted, minute by minute; what the agent takes of memory stays what it was.
 *
 * `npm run soak` does it for thirty minutes. TALLYWIRE_SOAK_MINUTES says for how long.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SEAL_MS } from "../../shim/agent/posting-time";
import { writeWhole } from "../../shim/write-whole";
import { smallDisk } from "../crash/faults";
import { randomOf } from "../crash/random";
import { Listener, Network, networkMissing } from "../support/capture/network";
import { COMMAND } from "../support/command";
import { joined, Load, type MinuteCount } from "./load";

const MINUTES = Number(process.env.TALLYWIRE_SOAK_MINUTES ?? 2);
/** Of this run's minutes: as V8 has compiled and the tables have grown by then. */
const WARM_SHARE = 0.35;
/** How much memory may grow after that; in a short run V8 is still at it. */
const GROWTH_MOST = MINUTES >= 20 ? 0.05 : 0.2;
const TROUBLE_EACH_MS = [4_000, 12_000] as const;
const OUTAGE_MS = [500, 8_000] as const;
const DISK_MEBIBYTES = 8;
const MINUTE_MS = 60_000;
/** A minute is sealed and written so long after it is due to be, at the latest. */
const SEALED_WITHIN_MS = 4_000;
/** What an agent says whose minutes have to wait. */
const WAITS = /minutes wait in memory/;
const PORT = "8787";
const TENANT = "soak";

const missing = networkMissing();
if (missing !== undefined) console.warn(`an agent is not run for a while: ${missing}`);

let network: Network;
let hub: { now: Listener } | undefined;
const folder = mkdtempSync(join(tmpdir(), "tallywire-soak-"));
const disk = missing === undefined ? smallDisk(DISK_MEBIBYTES) : null;
const hubFolder = join(folder, "hub");

beforeAll(async () => {
  if (missing !== undefined) return;
  network = new Network();
  await network.ready();
});
afterAll(async () => {
  await hub?.now.stop();
  network?.remove();
  disk?.end();
  rmSync(folder, { recursive: true });
});

/** A hub of the near side. */
async function startHub(): Promise<Listener> {
  const hub = new Listener(network.near.start(process.execPath, COMMAND, "hub", "--data", hubFolder, "--port", PORT));
  return hub.says(/A hub runs at/);
}

/** Kills a hub with its worker, as when power fails. */
async function killHub(hub: Listener): Promise<void> {
  const { worker } = JSON.parse(readFileSync(join(hubFolder, "hub.pid"), "utf8"));
  const ended = new Promise((done) => hub.child.once("close", done));
  hub.child.kill("SIGKILL");
  process.kill(worker, "SIGKILL");
  await ended;
}

function keyOf(...words: string[]): string {
  const said = network.near.run(process.execPath, COMMAND, "keys", ...words, "--data", hubFolder, "-o", "json");
  return /tw_[a-z]_[\w.-]+/.exec(said)![0];
}

/** Filters that take all that the clients send. */
const FILTERS = ["udp or tcp", "ip", "tcp or udp port 53"];
/** A tag has few values, or a hub would keep few minutes of each. */
const STARTS = ["first", "second", "third"];
const configPath = join(folder, "agent.yaml");

/** Puts a configuration in place, the `turn`th of several that count the same; with each of `starts` the capture begins anew. */
function configure(spool: string, turn: number, starts: number): void {
  const config = {
    tags: { start: STARTS[starts % STARTS.length] },
    labels: { http: starts % 2 === 0 ? ["method", "path"] : ["path"] },
    capture: {
      interface: network.near.device,
      hostNetworks: [`${network.near.address}/32`],
      filter: FILTERS[turn % FILTERS.length],
    },
    hub: { url: `http://${turn % 2 === 0 ? "127.0.0.1" : "localhost"}:${PORT}` },
    spool: { folder: spool, sizeMiB: turn % 2 === 0 ? 256 : 200 },
  };
  writeWhole(configPath, JSON.stringify(config));
}

/** A figure by the minute, as the hub answers. */
function askHub(key: string, metric: string, minutes: number): Map<number, number> {
  const by = ["env", `TALLYWIRE_HUB=http://127.0.0.1:${PORT}`, `TALLYWIRE_READ_KEY=${key}`, process.execPath, COMMAND];
  const window = ["--from", `-${minutes}m`, "--step", "1m", "-o", "json"];
  const { data } = JSON.parse(network.near.run(...by, "query", metric, "sum", ...window));
  return new Map(data.map((row: { time: string; value: number }) => [Date.parse(row.time) / MINUTE_MS, row.value]));
}

/** What a process takes of memory, KiB. */
function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The troubles, each over when it resolves. */
function troubles(
  agent: Listener,
  load: Load,
  hub: { now: Listener },
  random: () => number,
  spool: string,
): Record<string, () => Promise<void>> {
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);
  const saysAgain = async (words: RegExp, act: () => void) => {
    const before = agent.said.length;
    act();
    while (!words.test(agent.said.slice(before))) {
      if (agent.child.exitCode !== null) throw new Error(`the agent ended: ${agent.said}`);
      await sleep(20);
    }
  };
  const { near } = network;
  let [turn, starts] = [0, 0];
  const interrupted = async (goes: () => void, comes: () => void) => {
    await load.pause();
    await saysAgain(/is gone or down/, goes);
    await saysAgain(/is back/, comes);
    await network.ready();
    await load.go();
  };
  return {
    "interface down": () =>
      interrupted(
        () => near.run("ip", "link", "set", near.device, "down"),
        () => near.run("ip", "link", "set", near.device, "up"),
      ),
    "interface gone": () =>
      interrupted(
        () => near.run("ip", "link", "del", near.device),
        () => network.connect(),
      ),
    reload: () =>
      saysAgain(/the configuration was read again/, () => {
        configure(spool, ++turn, starts);
        agent.child.kill("SIGHUP");
      }),
    "reload anew": () =>
      saysAgain(/the configuration was read again: .*, with packets from/, () => {
        configure(spool, turn, ++starts);
        agent.child.kill("SIGHUP");
      }),
    "hub ended": async () => {
      await hub.now.stop();
      await sleep(between(OUTAGE_MS));
      hub.now = await startHub();
    },
    "hub killed": async () => {
      await killHub(hub.now);
      await sleep(between(OUTAGE_MS));
      hub.now = await startHub();
    },
    ...(disk !== null && {
      "disk full": async () => {
        disk.fill();
        await sleep(between(OUTAGE_MS));
        // The minute that seals meanwhile has to wait; one that was posted before it has left room.
        if (!WAITS.test(agent.said) || random() < 0.5) {
          await sleep(MINUTE_MS - ((Date.now() - SEAL_MS) % MINUTE_MS) - 500);
          disk.fill();
          await sleep(SEALED_WITHIN_MS);
        }
        disk.free();
      },
    }),
  };
}

test.runIf(missing === undefined)(`an agent, for ${MINUTES} minutes`, { timeout: (MINUTES + 6) * MINUTE_MS }, async () => {
  const spool = join(disk?.folder ?? folder, "spool");
  mkdirSync(spool);
  const running = { now: await startHub() };
  hub = running;
  const write = keyOf("write", TENANT, "e");
  const read = keyOf("read", TENANT);
  configure(spool, 0, 0);
  const words = ["env", `TALLYWIRE_KEY=${write}`, process.execPath, COMMAND, "agent", "--config", configPath];
  const agent = await new Listener(network.near.start(...words)).says(/reading interface/);
  const load = await Load.start(network);
  const seed = Date.now() % 1_000_000;
  const random = randomOf(seed);
  const startMs = Date.now();
  const resident: { share: number; kib: number }[] = [];
  const share = () => (Date.now() - startMs) / (MINUTES * MINUTE_MS);
  const timer = setInterval(() => {
    if (agent.child.exitCode === null) resident.push({ share: share(), kib: residentOf(agent.child.pid!) });
  }, 1_000);

  const done: string[] = [];
  let counted: MinuteCount[];
  try {
    await load.go();
    const all = Object.entries(troubles(agent, load, running, random, spool));
    for (let index = 0; share() < 1 || index < all.length; index++) {
      const [least, most] = TROUBLE_EACH_MS;
      await sleep(least + random() * (most - least));
      // Each comes as often; which is next, nobody knows.
      if (index % all.length === 0) all.sort(() => random() - 0.5);
      const [name, trouble] = all[index % all.length]!;
      await trouble();
      done.push(name);
    }
    counted = await load.end();
  } finally {
    clearInterval(timer);
  }
  const said = await agent.stop();
  const flat = (from: number, to: number) =>
    median(resident.filter(({ share }) => share >= from && share < to).map(({ kib }) => kib));
  const [before, after] = [flat(WARM_SHARE, WARM_SHARE + 0.25), flat(0.8, 1)];
  const total = counted.reduce((sum, { http, dns }) => sum + http + dns, 0);
  const growth = `${((after / before - 1) * 100).toFixed(1)} %`;
  console.log(
    `${total} requests in ${counted.length} minutes; ${done.join(", ")}; memory ${before} KiB, ${growth} later; seed ${seed}`,
  );

  expect(agent.child.exitCode, said).toBe(0);
  // A bundle that the hub had as it was killed is posted again.
  const [, sealed, posted, again = 0] = /, (\d+) minutes? sealed, (\d+) posted(?: \((\d+) again\))?/.exec(said) ?? [];
  expect(Number(sealed), said).toBeGreaterThanOrEqual(counted.length);
  expect(Number(posted) + Number(again), said).toBe(Number(sealed));
  expect(said).toContain("dropped before the capture: none");
  expect(said).not.toMatch(/\d (lost|refused|wait in)\b/);
  if (disk !== null) expect(said).toMatch(WAITS);
  const minutes = Math.ceil((Date.now() - startMs) / MINUTE_MS) + 2;
  const http = askHub(read, "http_requests_total", minutes);
  const dns = askHub(read, "dns_requests_total", minutes);
  const isCrossed = (minute: number) => counted.every((one) => one.minute !== minute + 1);
  const known = [...new Set([...http.keys(), ...dns.keys()])].map((minute) => {
    return { minute, http: http.get(minute) ?? 0, dns: dns.get(minute) ?? 0 };
  });
  const busy = known.filter((one) => one.http + one.dns > 0);
  expect(joined(busy, isCrossed)).toEqual(counted);
  expect(after / before - 1).toBeLessThan(GROWTH_MOST);
});
