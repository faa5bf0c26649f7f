/**
 * A tree of objects counts exactly through crashes: forty edges post to five shards with duplicates, late and in any order, while
 * workerd is killed at random moments, its clock steps by seconds and by hours, and its disk is full for a while. In the end every object holds what
 * was posted, once. In every other run bundles are so large that objects seal before their time, and nothing else seals them until the end.
 *
 * `npm run test:crash` runs it fifty times. TALLYWIRE_CRASH_RUNS says how often, TALLYWIRE_CRASH_SEED repeats a run; a run with an odd seed has
 * large bundles.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { startLocalHub } from "../../shim/hub/local-hub";
import { readSections } from "../support/bundle";
import { type Exchange, mergeDirectly, type Page, sealMinute, withSequence } from "../support/edge-minute";
import { padded } from "../support/seal-minute";
import { type Delivery, deliver, FallibleHub, newOutcome, type Outcome, shuffled } from "./deliveries";
import { type SmallDisk, smallDisk, workerWithClockOff } from "./faults";
import { randomOf } from "./random";

const TENANT = "crash";
const EDGES = 40;
const SITES = ["ams", "fra", "oslo", "rome", "wien"];
const ROLES = ["db", "web"];
const RUNS = Number(process.env.TALLYWIRE_CRASH_RUNS ?? 2);
const FIRST_SEED = Number(process.env.TALLYWIRE_CRASH_SEED ?? Date.now() % 1_000_000);
const BUNDLES = 240;
const DUPLICATES = 0.2;
const LATE = 0.1;
const POSTERS = 12;
const LATE_MINUTES = 44 * 60;
const KILLS_MIN = 6;
/** The hub's clock is off by so many seconds at the most, either way; and by hours now and then, within which no minute is too late. */
const CLOCK_SECONDS = 5;
const CLOCK_HOURS = 3;
const HOURS_OFF = 0.25;
/** How often a bundle is large in a run with large ones, and of how many bytes: a shard's are more than it may hold unsealed. */
const LARGE = 0.5;
const LARGE_BYTES = 900_000;
/** A quantile is off by so much at the most. */
const QUANTILE_ERROR = 0.011;
/** What the objects of a run take, twice. */
const DISK_MEBIBYTES = 96;
/** Kinds whose merge is the same in any order: counter, gauge, rate, histogram, distinct. */
const EXACT_KINDS_MAX = 5;

const workerFolder = new URL("../../build/hub", import.meta.url).pathname;

interface Posted extends Delivery {
  bundle: Uint8Array<ArrayBuffer>;
  site: string;
  role: string;
  exchanges: Exchange[];
  pages: Page[];
}

/** Edges' minutes, each the first of its minute or a supplement; some are hours late. */
function bundlesOf(random: () => number, thisMinute: number, hasLarge: boolean): Posted[] {
  const posted: Posted[] = [];
  const below = (most: number) => Math.floor(random() * most);
  for (let index = 0; posted.length < BUNDLES; index += 1) {
    const edge = index % EDGES;
    const age = 2 + Math.floor(index / EDGES) + (random() < LATE ? below(LATE_MINUTES) : 0);
    const site = SITES[edge % SITES.length]!;
    const role = ROLES[Math.floor(edge / SITES.length) % ROLES.length]!;
    const client = () => `10.${edge}.${below(8)}.${below(250)}`;
    for (const sequence of random() < 0.2 ? [0, 1] : [0]) {
      const exchanges = Array.from({ length: 10 + below(50) }, () => ({
        client: client(),
        name: `host${Math.floor(random() ** 4 * 3000)}.example.com`,
        rcode: random() < 0.1 ? 3 : 0,
        durationMs: 1 + Math.floor(random() ** 2 * 500),
      }));
      const pages = Array.from({ length: 5 + below(20) }, () => ({
        client: client(),
        path: `/${["shop", "news", "mail", "maps", "docs"][below(5)]}/${["list", "item", "edit"][below(3)]}`,
        status: random() < 0.2 ? 500 : 200,
      }));
      // Each start of an edge is a boot of its own where a minute comes twice by chance.
      const minute = { minute: thisMinute - 60 * age, boot: BigInt(index + 1), exchanges, pages };
      const bundle = withSequence(sealMinute(minute), sequence);
      const isDeflated = hasLarge && random() < LARGE;
      const body = isDeflated ? Uint8Array.from(deflateSync(padded(bundle, LARGE_BYTES))) : bundle;
      const tags = `site=${site},role=${role}`;
      posted.push({ tenant: TENANT, edge: `edge-${edge}`, tags, site, role, exchanges, pages, bundle, body, isDeflated });
    }
  }
  return posted;
}

/** Sections of the kinds that are exact: their bytes by metric and labels. */
function exactSections(bundle: Uint8Array): Map<string, string> {
  const exact = readSections(bundle).sections.filter(({ kind }) => kind <= EXACT_KINDS_MAX);
  return new Map(
    exact.map(({ metric, labels, payload }) => [`${metric}/${labels.join("/")}`, Buffer.from(payload).toString("hex")]),
  );
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

/** How far off the clock of a hub is that starts now. */
function clockOff(random: () => number): number {
  const most = random() < HOURS_OFF ? CLOCK_HOURS * 3600 : CLOCK_SECONDS;
  return Math.round((random() * 2 - 1) * most);
}

async function runOnce(seed: number): Promise<void> {
  const random = randomOf(seed);
  const hasLarge = seed % 2 === 1;
  const disk = smallDisk(DISK_MEBIBYTES);
  const dataFolder = disk?.folder ?? mkdtempSync(join(tmpdir(), "tallywire-tree-"));
  const workers = mkdtempSync(join(tmpdir(), "tallywire-worker-"));
  let isTrue = false;
  let hoursOff = 0;
  const start = (port: number) => {
    const seconds = isTrue ? 0 : clockOff(random);
    if (Math.abs(seconds) > CLOCK_SECONDS) hoursOff += 1;
    const worker = workerWithClockOff(workerFolder, join(workers, "worker"), seconds);
    const variables = { SEAL_PERIOD_SECONDS: hasLarge && !isTrue ? "86400" : "1" };
    return startLocalHub({ dataFolder, workerFolder: worker, port, variables });
  };
  const hub = await FallibleHub.open(start, random);
  try {
    const admin = `Bearer ${await hub.now.key({ kind: "admin", tenant: TENANT, edge: "" })}`;
    const map = { method: "PUT", headers: { authorization: admin }, body: '{"tag":"site","keep":["role"]}' };
    expect((await fetch(`${hub.now.origin}/v1/shards`, map)).status).toBe(200);

    const thisMinute = Math.floor(Date.now() / 60_000) * 60;
    const posted = bundlesOf(random, thisMinute, hasLarge);
    const again = posted.filter(() => random() < DUPLICATES);
    const outcome = newOutcome();
    const killing = hub.killAtRandom(300, 1500, KILLS_MIN);
    const filling = disk === null ? null : fillOnce(disk, hub, BUNDLES * (0.1 + 0.3 * random()), outcome);
    await deliver(hub, shuffled([...posted, ...again], random), POSTERS, 200, random, outcome);
    await filling;
    hub.end();
    await killing;
    if (hasLarge) await checkEarlySeals(hub, thisMinute);
    isTrue = true;
    await hub.killOnce();
    const { posts, failed, onFullDisk, ahead } = outcome;
    const faults = `${hub.kills} kills, ${failed} failed, ${onFullDisk} on a full disk, ${ahead} ahead, ${hoursOff} clocks off by hours`;
    console.log(`${posted.length} bundles, ${posts} posts, ${faults}, seed ${seed}`);
    expect(hub.kills).toBeGreaterThan(KILLS_MIN);
    expect(failed).toBeGreaterThan(0);
    if (disk !== null && hasLarge) expect(onFullDisk).toBeGreaterThan(0);
    expect(outcome.stored + outcome.duplicates).toBe(posted.length + again.length);
    expect(outcome.stored).toBeLessThanOrEqual(posted.length);
    await check(hub, posted, thisMinute);
  } finally {
    hub.end();
    await hub.now.stop();
    rmSync(workers, { recursive: true, force: true });
    if (disk === null) rmSync(dataFolder, { recursive: true, force: true });
    else disk.end();
  }
}

/**
 * Fills the disk once so many bundles are stored, until the hub has told an edge that it could not write, and for a while more, in which it is
 * killed too. Where bundles are large, what is still to come is more than the objects' logs hold by then; small ones may find room in them.
 */
async function fillOnce(disk: SmallDisk, hub: FallibleHub, afterStored: number, outcome: Outcome): Promise<void> {
  while (outcome.stored < afterStored) await sleep(5);
  await hub.spare();
  disk.fill();
  outcome.isDiskFull = true;
  while (outcome.onFullDisk === 0 && outcome.open > 0) await sleep(20);
  hub.spareNoMore();
  await sleep(700);
  outcome.isDiskFull = false;
  disk.free();
}

/** Some of what was posted is in tiles, long before any alarm. The hub's own clock may be hours behind here. */
async function checkEarlySeals(hub: FallibleHub, thisMinute: number): Promise<void> {
  const authorization = `Bearer ${await hub.now.key({ kind: "read", tenant: TENANT, edge: "" })}`;
  const tiles = async (object: string) => {
    const search = `from=${thisMinute - 48 * 3600}&to=${thisMinute}&resolution=minutes&object=${encodeURIComponent(object)}`;
    const { data } = await (await fetch(`${hub.now.origin}/v1/tiles?${search}`, { headers: { authorization } })).json();
    return data.length;
  };
  for (const site of SITES) expect(await tiles(`${TENANT}/shard/2/${site}`), site).toBeGreaterThan(0);
}

/** Every object holds what was posted to it, or came up to it, once. */
async function check(hub: FallibleHub, posted: readonly Posted[], thisMinute: number): Promise<void> {
  const authorization = `Bearer ${await hub.now.key({ kind: "read", tenant: TENANT, edge: "" })}`;
  const get = (path: string) => fetch(`${hub.now.origin}${path}`, { headers: { authorization } });
  const window = `from=${thisMinute - 48 * 3600 + 600}&to=${thisMinute + 60}`;
  const ask = async (search: string) => (await (await get(`/v1/query?${window}&${search}`)).json()).data;
  const total = posted.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
  // Shards whose alarm was a day away learn of their new period as they are asked for something.
  await ask("metric=dns_requests_total&op=sum&by=site");
  // The root has everything once the last alarm of each shard has run.
  for (let tries = 0; tries < 60 && (await ask("metric=dns_requests_total&op=sum"))[0]?.value !== total; tries += 1)
    await sleep(500);

  const wheres = [
    { where: "", isMeant: () => true },
    ...SITES.map((site) => ({ where: `&where.site=${site}`, isMeant: (one: Posted) => one.site === site })),
    ...ROLES.map((role) => ({ where: `&where.role=${role}`, isMeant: (one: Posted) => one.role === role })),
  ];
  for (const { where, isMeant } of wheres) {
    const own = posted.filter(isMeant);
    const merged = new Uint8Array(await (await get(`/v1/sketch?${window}${where}`)).arrayBuffer());
    const direct = exactSections(mergeDirectly(own.map(({ bundle }) => bundle)));
    const differing = [...exactSections(merged)].filter(([name, payload]) => direct.get(name) !== payload).map(([name]) => name);
    expect({ where, differing }).toEqual({ where, differing: [] });
    expect(exactSections(merged).size).toBe(direct.size);
    const names = countBy(
      own.flatMap(({ exchanges }) => exchanges),
      ({ name }) => name,
    );
    const ownTotal = own.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
    const top = await ask(`metric=dns_top_names&op=top&n=1024${where}`);
    expect(top.length).toBeGreaterThan(10);
    for (const { key, lower, upper, total: shown } of top) {
      expect(shown).toBe(ownTotal);
      expect(lower).toBeLessThanOrEqual(names.get(key) ?? 0);
      expect(upper).toBeGreaterThanOrEqual(names.get(key) ?? 0);
    }
    const failures = await ask(`metric=dns_responses_total&op=sum&where.rcode=nxdomain${where}`);
    expect(failures[0]?.value ?? 0).toBe(own.flatMap(({ exchanges }) => exchanges).filter(({ rcode }) => rcode === 3).length);
    checkDurations(own, await ask(`metric=dns_duration_seconds&op=quantile&q=0.1,0.5,0.99${where}`));
    const pages = own.flatMap((one) => one.pages);
    const routes = countBy(pages, ({ path, status }) => `${path} ${status < 400 ? "2xx" : "5xx"}`);
    const breakdown = await ask(`metric=http_routes&op=breakdown&n=1024${where}`);
    const sumOf = (name: "requests" | "errors") =>
      breakdown.reduce((sum: number, row: Record<string, number>) => sum + row[name]!, 0);
    expect(sumOf("requests")).toBe(pages.length);
    expect(sumOf("errors")).toBe(pages.filter(({ status }) => status >= 400).length);
    expect(breakdown.length).toBeGreaterThan(10);
    for (const { path, status_class, lower, upper } of breakdown) {
      if (path === null) continue;
      expect(lower).toBeLessThanOrEqual(routes.get(`${path} ${status_class}`) ?? 0);
      expect(upper).toBeGreaterThanOrEqual(routes.get(`${path} ${status_class}`) ?? 0);
    }
  }
}

/** Quantiles of durations are those of what was posted, within their error; what the buckets hold is compared with the exact sections. */
function checkDurations(own: readonly Posted[], rows: readonly { q: number; value: number }[]): void {
  const seconds = own.flatMap(({ exchanges }) => exchanges.map(({ durationMs = 0 }) => durationMs / 1000)).sort((a, b) => a - b);
  expect(rows).toHaveLength(3);
  for (const { q, value } of rows) {
    const rank = q * (seconds.length - 1);
    expect(value).toBeGreaterThanOrEqual(seconds[Math.floor(rank)]! * (1 - QUANTILE_ERROR));
    expect(value).toBeLessThanOrEqual(seconds[Math.ceil(rank)]! * (1 + QUANTILE_ERROR));
  }
}

for (let run = 0; run < RUNS; run += 1) {
  const seed = FIRST_SEED + run;
  it(`a tree counts exactly through crashes (seed ${seed})`, { timeout: 300_000 }, () => runOnce(seed));
}
