/**
 * A hub under attack: whatever is sent, each request gets a code that is right and a reason, nothing traps, nothing grows without end, nothing of
 * another tenant is told, and what the honest posted stays as it is.
 *
 * `npm run fuzz -- SECONDS` goes on for as long as asked. TALLYWIRE_FUZZ_SECONDS says how long, TALLYWIRE_FUZZ_SEED repeats a run.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { KeyHolder } from "../../engine/keys";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { randomOf } from "../crash/random";
import { sealMinute } from "../support/edge-minute";
import { type Arms, attack, badConnection, VICTIMS_EDGE } from "./attacks";

const SECONDS = Number(process.env.TALLYWIRE_FUZZ_SECONDS ?? 8);
const SEED = Number(process.env.TALLYWIRE_FUZZ_SEED ?? Date.now() % 1_000_000);
const ATTACKERS = 8;
const ATTEMPTS_MAX = 5;
/** Connections that fell silent are held open, as slow ones are, up to so many. */
const SILENT_MAX = 200;
const GROWTH_MEGABYTES_MAX = 250;
/** Whose data nothing may tell, and who attacks; each a tenant of one object, or one that is sharded. */
const SIDES = [
  { how: "one object", VICTIM: "victim", ATTACKER: "attacker" },
  { how: "a tree", VICTIM: "victim-tree", ATTACKER: "attacker-tree" },
] as const;
type Side = (typeof SIDES)[number];
const SECRET = "secret.of.the.victim.example";

const edgeOf = (tenant: string) => (tenant.startsWith("victim") ? VICTIMS_EDGE : "edge");
const folder = mkdtempSync(join(tmpdir(), "tallywire-abuse-"));
const minute = Math.floor(Date.now() / 60_000) * 60 - 120;
const bundle = sealMinute({ minute, boot: 1n, exchanges: [{ client: "10.0.0.1", name: SECRET }] });
const keys = new Map<string, string>();
let hub: LocalHub;

beforeAll(async () => {
  const workerFolder = new URL("../../build/hub", import.meta.url).pathname;
  // What is attacked is what lies behind the pace that a hub sets its edges.
  const paces = { EDGE_BUNDLES_PER_MINUTE: "1000000", EDGE_BYTES_PER_MINUTE: String(2 ** 40) };
  hub = await startLocalHub({ dataFolder: folder, workerFolder, variables: { SEAL_PERIOD_SECONDS: "1", ...paces } });
  for (const { how, VICTIM, ATTACKER } of SIDES) {
    for (const tenant of [VICTIM, ATTACKER]) {
      for (const kind of ["write", "read", "admin"] as const) {
        const holder: KeyHolder = { kind, tenant, edge: kind === "write" ? edgeOf(tenant) : "" };
        keys.set(JSON.stringify(holder), await hub.key(holder));
      }
      if (how === "a tree") await shard(tenant);
    }
  }
});

afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

const key = (holder: KeyHolder) => keys.get(JSON.stringify(holder))!;
const residentMegabytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hub.pid}/status`, "utf8"))?.[1]) / 1024;

async function shard(tenant: string): Promise<void> {
  const headers = { authorization: `Bearer ${key({ kind: "admin", tenant, edge: "" })}` };
  const told = await fetch(`${hub.origin}/v1/shards`, { method: "PUT", body: '{"tag":"site","keep":["role"]}', headers });
  expect(told.status).toBe(200);
}

async function names({ VICTIM }: Side): Promise<unknown> {
  const headers = { authorization: `Bearer ${key({ kind: "read", tenant: VICTIM, edge: "" })}` };
  const window = `from=${minute}&to=${minute + 60}`;
  const response = await answerTo("names", `${hub.origin}/v1/query?metric=dns_top_names&op=top&by=site&${window}`, { headers });
  return (await response.json()).data;
}

/** Sends one attack and holds the answer. */
async function send(arms: Arms): Promise<void> {
  const { name, path, init, statuses, isPrometheus } = attack(arms);
  const response = await answerTo(name, `${hub.origin}${path}`, init);
  const text = await response.text();
  const told = `${name}: ${response.status} ${text.slice(0, 300)}`;
  expect(statuses, told).toContain(response.status);
  expect(text, told).not.toContain(SECRET);
  expect(text, told).not.toMatch(/\bat .+\.(js|ts):\d+/);
  if (response.status < 400 || init.method === "HEAD") return;
  const { error, reason = "", errorType } = JSON.parse(text);
  if (isPrometheus === true) {
    expect([errorType, error.length > 9], told).toEqual([expect.stringMatching(/^[a-z_]+$/), true]);
    return;
  }
  expect(error, told).toMatch(/^[a-z_]+$/);
  expect(reason.length, told).toBeGreaterThan(9);
}

/** A connection on which the hub refused a body unread is closed, maybe as the next request is written to it; that one is sent again. */
async function answerTo(name: string, url: string, init: RequestInit = {}): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetch(url, { ...init, redirect: "manual" });
    } catch (cause) {
      if (attempt === ATTEMPTS_MAX) throw new Error(`${name}: no answer`, { cause });
    }
  }
}

/** Opens a connection that is no good; it ends, or stays silent until the end of the test. */
function connectBadly(arms: Arms, silent: Set<() => void>): Promise<void> {
  const { bytes, ends } = badConnection(arms);
  return new Promise((settle) => {
    const socket = connect(hub.port, "127.0.0.1");
    const end = () => socket.destroy();
    socket.on("error", () => settle());
    socket.on("close", () => {
      silent.delete(end);
      settle();
    });
    socket.resume();
    socket.write(bytes, () => {
      if (ends) end();
      else if (silent.size < SILENT_MAX) silent.add(end);
      else end();
      settle();
    });
  });
}

const title = `$how stands what is sent to it for ${SECONDS / SIDES.length} s (seed ${SEED})`;

it.each(SIDES)(title, { timeout: (SECONDS + 60) * 1000 }, async (side) => {
  const { how, VICTIM, ATTACKER } = side;
  const headers = {
    "tallywire-tags": "site=fra",
    authorization: `Bearer ${key({ kind: "write", tenant: VICTIM, edge: VICTIMS_EDGE })}`,
  };
  expect((await answerTo("a bundle", `${hub.origin}/v1/ingest`, { method: "POST", body: bundle, headers })).status).toBe(200);
  const before = await names(side);
  expect(before).toMatchObject([{ key: SECRET, value: 1 }]);

  const untilMs = Date.now() + (SECONDS / SIDES.length) * 1000;
  const silent = new Set<() => void>();
  const atFirst = residentMegabytes();
  let sent = 0;
  const attackers = Array.from({ length: ATTACKERS }, async (_, index) => {
    const random = randomOf(SEED + index);
    const arms: Arms = { random, bundle: withOtherName(), key, victim: VICTIM, attacker: ATTACKER };
    while (Date.now() < untilMs) {
      if (random() < 0.1) await connectBadly(arms, silent);
      else await send(arms);
      sent += 1;
    }
  });
  await Promise.all(attackers);
  const growth = residentMegabytes() - atFirst;
  for (const end of silent) end();
  console.log(`${how}: ${sent} sent in ${SECONDS / SIDES.length} s, ${growth.toFixed(0)} MB more resident, seed ${SEED}`);
  expect(sent).toBeGreaterThan(SECONDS);
  expect(growth).toBeLessThan(GROWTH_MEGABYTES_MAX);
  expect(await names(side)).toEqual(before);
  expect((await answerTo("health", `${hub.origin}/healthz`)).status).toBe(200);
  // A core that trapped or an object that threw stands in the log.
  expect(readFileSync(hub.logPath, "utf8")).not.toMatch(/the core has failed|RuntimeError|unreachable|TypeError|RangeError/);
});

/** What attackers post where they post what is good. */
function withOtherName(): Uint8Array<ArrayBuffer> {
  return sealMinute({ minute, boot: 2n, exchanges: [{ client: "10.0.0.2", name: "plain.example" }] });
}
