/**
 * The demonstration behind `npm start`: a hub, three edges that read what their sites captured just now, and what the hub then
 * knows, held against an independent count.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { writePidFile } from "../../shim/hub/pid-file";
import { type Count, countCapture } from "../../test/support/oracle/count";
import { Hub, type Window } from "./ask";
import { type Check, compare, compareRequests } from "./compare";
import { runEdge, startLiveEdge } from "./edges";
import { dataOf, endLeftovers, livePidPath, spoolOf } from "./leftovers";
import { untilOrphaned } from "./orphaned";
import { worldPage } from "./print";
import { clientRequests } from "./records";
import { SITES, siteCapture } from "./world";

const TENANT = "start";
const MINUTES = 5;
const MINUTE_MS = 60_000;
const NS_PER_SECOND = 1_000_000_000n;
const FAILED_SHOWN_MAX = 20;

/** What `npm start` was asked for. */
export interface StartOptions {
  /** The project's folder. */
  root: string;
  /** End after printing; the exit code says whether all figures hold. */
  exit: boolean;
  /** Port of the hub; 0 takes any. */
  port: number;
  /** Why nothing can be captured live here; absent where it can. */
  liveMissing: string | undefined;
}

/** The last whole minutes before now. */
function lastMinutes(): Window {
  const to = Math.floor(Date.now() / MINUTE_MS) * 60;
  return { from: to - MINUTES * 60, to };
}

const fixturesOf = (root: string) => join(root, "test/fixtures");

function bundledCaptures(root: string): Uint8Array[] {
  const folder = fixturesOf(root);
  const names = readdirSync(folder).filter((name) => name.endsWith(".pcap"));
  return names.sort().map((name) => readFileSync(join(folder, name)));
}

/** Writes each site's capture, and lets an agent of its own post it; gives the independent counts of what they read. */
async function postSites(root: string, folder: string, hub: LocalHub, window: Window): Promise<Map<string, Count>> {
  const captures = bundledCaptures(root);
  const counts = new Map<string, Count>();
  const running = SITES.map(async (site) => {
    const capture = siteCapture(captures, site, BigInt(window.from) * NS_PER_SECOND, MINUTES);
    const path = join(folder, `${site.name}.pcapng`);
    writeFileSync(path, capture);
    const key = await hub.key({ kind: "write", tenant: TENANT, edge: `edge-${site.name}` });
    const posted = runEdge(root, { site: site.name, key, hub: hub.origin, spool: spoolOf(folder) }, path);
    counts.set(site.name, countCapture(capture));
    await posted;
  });
  await Promise.all(running);
  return new Map(SITES.map(({ name }) => [name, counts.get(name)!]));
}

/** Prints how the comparison went; whether everything holds. */
function report(checks: Check[]): boolean {
  const failed = checks.filter((check) => !check.ok);
  for (const { name, detail } of failed.slice(0, FAILED_SHOWN_MAX)) console.log(`  differs: ${name}: ${detail}`);
  const verdict = failed.length === 0 ? "all agree" : `${failed.length} differ`;
  console.log(`${checks.length} figures compared with an independent count of the same packets and the clients' own: ${verdict}`);
  return failed.length === 0;
}

/** An interface that packets may come through. */
function someInterface(): string | undefined {
  const candidates = Object.entries(networkInterfaces());
  return candidates.find(([, addresses]) => addresses?.some((one) => !one.internal))?.[0] ?? candidates[0]?.[0];
}

/** Adds the live interface where that is permitted, and says which it is or why not; gives what ends it. */
async function watchLive(root: string, folder: string, hub: LocalHub, missing: string | undefined): Promise<() => Promise<void>> {
  const name = someInterface();
  if (missing !== undefined || name === undefined) return async () => {};
  const key = await hub.key({ kind: "write", tenant: TENANT, edge: "edge-here" });
  const live = startLiveEdge(root, { site: "here", key, hub: hub.origin, spool: spoolOf(folder) }, name);
  writePidFile(livePidPath(folder), live.pid);
  const SETTLE_MS = 1500;
  const quit = await Promise.race([live.ended, new Promise<undefined>((resolve) => setTimeout(resolve, SETTLE_MS, undefined))]);
  if (quit === undefined)
    console.log(`This machine's interface ${name} is read too, as site "here"; its first minute appears within two.`);
  else console.log(`The interface ${name} cannot be read: ${quit.split("\n").at(-1)}`);
  return live.stop;
}

/** Resolves when somebody wants this to end. */
function untilTold(hub: LocalHub): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
    hub.ended.then(resolve);
    // npm hands SIGTERM on to a shell, which hands it on to nobody.
    if (process.env.npm_lifecycle_event !== undefined) untilOrphaned().then(resolve);
  });
}

/** Runs the demonstration; gives the exit code. */
export async function start({ root, exit, port, liveMissing }: StartOptions): Promise<number> {
  const place = join(root, ".tallywire");
  mkdirSync(place, { recursive: true });
  await endLeftovers(place);
  const folder = mkdtempSync(join(place, "start-"));
  const told = { signal: false };
  let hub: LocalHub | undefined;
  let stopLive = async () => {};
  try {
    const options = {
      dataFolder: dataOf(folder),
      workerFolder: join(root, "build/hub"),
      assetsFolder: join(root, "build/web"),
      port,
    };
    hub = await startLocalHub(options);
    const ending = untilTold(hub).then(() => {
      told.signal = true;
    });
    console.log(`A hub runs at ${hub.origin}; ${SITES.length} edges read their captures and post their minutes ...`);
    const window = lastMinutes();
    const counts = await Promise.race([postSites(root, folder, hub, window), ending]);
    if (counts === undefined) return 130;
    const readKey = await hub.key({ kind: "read", tenant: TENANT, edge: "" });
    const reader = new Hub(hub.origin, readKey);
    console.log(`\nWhat the hub knows of the last ${MINUTES} minutes, by its own query API\n`);
    console.log(await worldPage(reader, window, [...counts.keys()]));
    const requests = clientRequests(fixturesOf(root));
    const checks = [...(await compare(reader, window, counts)), ...(await compareRequests(reader, window, requests, MINUTES))];
    const holds = report(checks);
    if (exit) return holds ? 0 : 1;
    console.log(`\nThe page: ${hub.origin}/#key=${readKey}`);
    stopLive = await watchLive(root, folder, hub, liveMissing);
    console.log("Ctrl-C ends it.");
    await ending;
    return 0;
  } finally {
    await stopLive();
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
