/**
 * The demonstration behind `npm start`: a hub, three edges that read what their sites captured just now, one on this machine's interface where that is
 * permitted, and what the hub then knows, held against an independent count.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { type Count, countCapture } from "../../test/support/oracle/count";
import { Hub, type Window } from "./ask";
import { type Check, compare, compareRequests } from "./compare";
import { Edges, type RunningEdge } from "./edges";
import { dataOf, endLeftovers } from "./leftovers";
import { worldPage } from "./print";
import { clientRequests } from "./records";
import { SITES, siteCapture } from "./world";

const TENANT = "start";
/** The site of what this machine's own interface sees. */
const LIVE_SITE = "here";
/** The exit code of one that was told to end before it had shown anything. */
const TOLD_CODE = 130;
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
  /** Resolves when npm, which started this, is gone; absent where it was not npm. */
  orphaned: Promise<void> | undefined;
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

/** One run of the demonstration: a hub, and the edges that post to it. */
interface Stage {
  root: string;
  folder: string;
  hub: LocalHub;
  edges: Edges;
}

const writeKey = (hub: LocalHub, site: string) => hub.key({ kind: "write", tenant: TENANT, edge: `edge-${site}` });

/** Writes each site's capture, and lets an agent of its own post it; gives the independent counts of what they read. */
async function postSites({ root, folder, hub, edges }: Stage, window: Window): Promise<Map<string, Count>> {
  const captures = bundledCaptures(root);
  const counts = new Map<string, Count>();
  const running = SITES.map(async (site) => {
    const capture = siteCapture(captures, site, BigInt(window.from) * NS_PER_SECOND, MINUTES);
    const path = join(folder, `${site.name}.pcapng`);
    writeFileSync(path, capture);
    const edge = edges.start({ site: site.name, key: await writeKey(hub, site.name), input: ["--file", path] });
    counts.set(site.name, countCapture(capture));
    const { code, said } = await edge.ended;
    if (code !== 0) throw new Error(`the agent of ${site.name} ended with ${code}: ${said}`);
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

/** Starts an edge on the live interface, where there is one and reading it is possible. */
async function startLive({ hub, edges }: Stage, name: string | undefined): Promise<RunningEdge | undefined> {
  if (name === undefined) return undefined;
  return edges.start({ site: LIVE_SITE, key: await writeKey(hub, LIVE_SITE), input: ["--interface", name] });
}

/**
 * Lets the live edge post what it has seen so far, and says what that is; gives the window that shows it, beside the sites'. It begins where theirs
 * ends, so that no figure of theirs has any of it.
 */
async function postLive(live: RunningEdge | undefined, name: string | undefined, sites: Window): Promise<Window | undefined> {
  if (live === undefined) return undefined;
  await live.begun;
  const { code, said } = await live.finish();
  if (code === 0) {
    console.log(`This machine's interface ${name} was read meanwhile, as site "${LIVE_SITE}".`);
    return { from: sites.from, to: (Math.floor(Date.now() / MINUTE_MS) + 1) * 60 };
  }
  console.log(`The interface ${name} is not among them: ${said.split("\n").at(-1)}`);
  return undefined;
}

/** Resolves when somebody wants this to end, by a signal or by ending npm, which started it. */
function untilTold(orphaned: Promise<void> | undefined): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
    orphaned?.then(resolve);
  });
}

/** Shows the world and compares it; gives the exit code, or nothing where it is to go on. */
async function show(stage: Stage, { exit, liveMissing }: StartOptions): Promise<number | undefined> {
  const { root, hub } = stage;
  const window = lastMinutes();
  const interfaceName = liveMissing === undefined ? someInterface() : undefined;
  const live = await startLive(stage, interfaceName);
  const counts = await postSites(stage, window);
  const wider = await postLive(live, interfaceName, window);
  const readKey = await hub.key({ kind: "read", tenant: TENANT, edge: "" });
  const reader = new Hub(hub.origin, readKey);
  const andThis = wider === undefined ? "" : " and of this one";
  console.log(`\nWhat the hub knows of the last ${MINUTES} minutes${andThis}, by its own query API\n`);
  const sites = wider === undefined ? [...counts.keys()] : [...counts.keys(), LIVE_SITE];
  console.log(await worldPage(reader, wider ?? window, sites));
  const requests = clientRequests(fixturesOf(root));
  const checks = [...(await compare(reader, window, counts)), ...(await compareRequests(reader, window, requests, MINUTES))];
  const holds = report(checks);
  if (exit) return holds ? 0 : 1;
  console.log(`\nThe page: ${hub.origin}/#key=${readKey}`);
  if (wider !== undefined) await startLive(stage, interfaceName);
  console.log("Ctrl-C ends it.");
  return undefined;
}

/** Runs the demonstration; gives the exit code. From the first moment on it ends with all that it started when it is told to. */
export async function start(options: StartOptions): Promise<number> {
  const { root, port, orphaned } = options;
  let isTold = false;
  const told = untilTold(orphaned).then(() => {
    isTold = true;
  });
  const place = join(root, ".tallywire");
  mkdirSync(place, { recursive: true });
  await endLeftovers(place);
  const folder = mkdtempSync(join(place, "start-"));
  let hub: LocalHub | undefined;
  let edges: Edges | undefined;
  try {
    hub = await startLocalHub({
      dataFolder: dataOf(folder),
      workerFolder: join(root, "build/hub"),
      assetsFolder: join(root, "build/web"),
      port,
    });
    edges = new Edges(root, folder, hub.origin);
    const over = Promise.race([told, hub.ended]).then(() => (isTold ? TOLD_CODE : 1));
    console.log(`A hub runs at ${hub.origin}; ${SITES.length} edges read their captures and post their minutes ...`);
    const shown = show({ root, folder, hub, edges }, options);
    shown.catch(() => {});
    // What breaks because it was told to end too, as Ctrl-C tells all of them, is no failure.
    const code = await Promise.race([shown, over]).catch((error) => {
      if (isTold) return TOLD_CODE;
      throw error;
    });
    if (code !== undefined) return code;
    return (await over) === TOLD_CODE ? 0 : 1;
  } finally {
    await edges?.kill();
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
