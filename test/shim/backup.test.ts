/** A tenant of one hub in a file, and under another hub out of it: by the command line, as a person does. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { tallywire } from "../support/command";
import { sealMinute } from "../support/edge-minute";
import { ROOT } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-backup-"));
const file = join(folder, "acme.backup.gz");
const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 180;
const SITES = ["fra", "ams"];
const QUESTIONS = [
  "metric=dns_requests_total&op=sum&by=site&step=60",
  "metric=dns_clients&op=distinct",
  "metric=dns_top_names&op=top&n=50",
  "metric=dns_duration_seconds&op=quantile&by=site",
];
let from: LocalHub;
let to: LocalHub;

const start = (name: string) =>
  startLocalHub({
    dataFolder: join(folder, name),
    workerFolder: join(ROOT, "build/hub"),
    variables: { SEAL_PERIOD_SECONDS: "1" },
  });

beforeAll(async () => {
  [from, to] = await Promise.all([start("from"), start("to")]);
});
afterAll(async () => {
  await Promise.all([from?.stop(), to?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const keyOf = (hub: LocalHub, kind: "read" | "write" | "admin", edge = "") => hub.key({ kind, tenant: "acme", edge });
const bundleOf = (boot: number, minute: number, requests: number) =>
  sealMinute({
    minute,
    boot: BigInt(boot),
    exchanges: Array.from({ length: requests }, (_, index) => ({
      client: `10.0.${boot}.${index}`,
      name: `host${index % 7}.example`,
    })),
  });

async function post(hub: LocalHub, site: string, bundle: Uint8Array<ArrayBuffer>): Promise<string> {
  const headers = { authorization: `Bearer ${await keyOf(hub, "write", `edge-${site}`)}`, "tallywire-tags": `site=${site}` };
  while (true) {
    const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body: bundle, headers });
    const { status, error } = (await response.json()) as { status?: string; error?: string };
    if (status !== undefined) return status;
    if (error !== "backing_up") throw new Error(error);
    await new Promise((settle) => setTimeout(settle, 20));
  }
}

async function answers(hub: LocalHub): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${await keyOf(hub, "read")}` };
  const window = `from=${MINUTE - 3600}&to=${MINUTE + 60}`;
  const ask = async (question: string) => (await fetch(`${hub.origin}/v1/query?${window}&${question}`, { headers })).json();
  const told = (await Promise.all(QUESTIONS.map(ask))) as { data: unknown }[];
  return told.map(({ data }) => data);
}

/** Asks until the root has all that its shards had. */
async function settled(hub: LocalHub, expected: (told: unknown[]) => boolean): Promise<unknown[]> {
  for (let tries = 0; ; tries += 1) {
    const told = await answers(hub);
    if (expected(told) || tries === 60) return told;
    await new Promise((settle) => setTimeout(settle, 250));
  }
}

/** Whether the root, which the top of all sites is asked of, has so many requests. */
const hasAtRoot = (requests: number) => (told: unknown[]) => (told[2] as { total: number }[])[0]?.total === requests;
const isSame = (one: unknown) => (other: unknown) => JSON.stringify(one) === JSON.stringify(other);

test("a tree is restored under another hub, and answers alike", { timeout: 90_000 }, async () => {
  const admin = { authorization: `Bearer ${await keyOf(from, "admin")}` };
  expect((await fetch(`${from.origin}/v1/shards`, { method: "PUT", headers: admin, body: '{"tag":"site"}' })).status).toBe(200);
  const sent = SITES.flatMap((site, net) =>
    [0, 1, 2].map((age) => ({ site, bundle: bundleOf(net * 10 + age + 1, MINUTE - age * 60, 20 + age) })),
  );
  for (const { site, bundle } of sent) expect(await post(from, site, bundle)).toBe("stored");
  const saved = await tallywire(["hub", "backup", "acme", "-o", file, "--hub", from.origin, "--key", await keyOf(from, "admin")]);
  expect([saved.stderr, saved.code]).toEqual(["", 0]);
  expect(saved.stdout).toMatch(/acme\.backup\.gz: all of acme, \d+ pages, checked\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const to1 = ["--hub", to.origin, "--key", await keyOf(to, "admin")];
  const restored = await tallywire(["hub", "restore", file, ...to1]);
  expect([restored.stderr, restored.code]).toEqual(["", 0]);
  expect(restored.stdout).toMatch(/^acme is what it was at \d{4}-.*: \d+ rows\n$/);
  const before = await settled(from, hasAtRoot(2 * (20 + 21 + 22)));
  expect(await settled(to, isSame(before))).toEqual(before);
  for (const { site, bundle } of sent) expect(await post(to, site, bundle)).toBe("duplicate");
  await to.kill();
  to = await start("to");
  expect(await answers(to)).toEqual(before);
  for (const hub of [from, to]) expect(await post(hub, "fra", bundleOf(99, MINUTE - 300, 9))).toBe("stored");
  const after = await settled(from, hasAtRoot(2 * (20 + 21 + 22) + 9));
  expect(await settled(to, isSame(after))).toEqual(after);
});

test("a hub without a bucket says so, and names in it are its own", async () => {
  const to1 = ["--hub", to.origin, "--key", await keyOf(to, "admin")];
  for (const words of [
    ["backup", "acme", "-o", "r2:"],
    ["backups", "acme"],
    ["restore", "r2:20260131T120000Z-0123abcd"],
  ]) {
    const { code, stderr } = await tallywire(["hub", ...words, ...to1]);
    expect([code, stderr], words.join(" ")).toEqual([
      1,
      expect.stringContaining("(404): this hub has no bucket for backups; bind one"),
    ]);
  }
  const named = await tallywire(["hub", "backup", "acme", "-o", "r2:mine", ...to1]);
  expect([named.code, named.stderr]).toEqual([2, "tallywire: the hub names what it stores; write -o r2:\n"]);
});

test("a tenant that has data is kept, unless it is forced", async () => {
  const words = ["hub", "restore", file, "--hub", to.origin, "--key", await keyOf(to, "admin")];
  const { code, stderr } = await tallywire(words);
  expect([code, stderr]).toEqual([1, expect.stringContaining("the hub refused (409): this tenant has data; restore with force")]);
  expect((await tallywire([...words, "--force"])).code).toBe(0);
});

test("what is no whole backup is said so before the hub is asked, and no half of a file is left", async () => {
  const to1 = ["--hub", to.origin, "--key", await keyOf(to, "admin")];
  const half = join(folder, "half");
  writeFileSync(half, readFileSync(file).subarray(0, 500));
  for (const [path, reason] of [
    [half, `${half} is no whole backup; take another, or copy it again`],
    [join(folder, "none"), `cannot read ${join(folder, "none")}: there is no such file`],
  ]) {
    const { code, stderr } = await tallywire(["hub", "restore", path!, ...to1]);
    expect([code, stderr]).toEqual([1, `tallywire: ${reason}\n`]);
  }
  const words = ["hub", "backup", "acme", "-o", join(folder, "refused"), "--hub", to.origin];
  expect((await tallywire([...words, "--key", await keyOf(from, "admin")])).stderr).toContain("the hub refused (401)");
  expect((await tallywire([...words, "--key", await keyOf(to, "read")])).stderr).toContain(
    "this is a read key; an admin key is needed",
  );
  expect((await tallywire(["hub", "backup", "other", "-o", "x", ...to1])).stderr).toContain("the key is of acme, not of other");
  const nowhere = ["hub", "backup", "acme", "-o", join(folder, "no", "such"), ...to1];
  expect((await tallywire(nowhere)).stderr).toContain("there is no such file");
  expect(readdirSync(folder).filter((name) => /refused|draft/.test(name))).toEqual([]);
});
