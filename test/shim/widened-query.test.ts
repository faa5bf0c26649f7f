/** A question of days ago, whose minutes are gone: the command line says which window the figures are of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { workerWithClockOff } from "../crash/faults";
import { tallywire } from "../support/command";
import { sealMinute } from "../support/edge-minute";
import { ROOT } from "../support/repository";

const TENANT = "widened";
const HOUR_SECONDS = 3600;
const workerFolder = join(ROOT, "build/hub");
const folder = mkdtempSync(join(tmpdir(), "tallywire-widened-"));
/** An hour that ended three days ago: of it a hub keeps the hour alone. */
const HOUR = Math.floor(Date.now() / 1000 / HOUR_SECONDS) * HOUR_SECONDS - 73 * HOUR_SECONDS;
let hub: LocalHub;

const start = (worker: string) =>
  startLocalHub({ dataFolder: join(folder, "hub"), workerFolder: worker, variables: { SEAL_PERIOD_SECONDS: "1" } });
const time = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

async function post(at: number, requests: number): Promise<void> {
  const exchanges = Array.from({ length: requests }, (_, index) => ({ client: `10.0.0.${index}`, name: "a.example" }));
  const authorization = `Bearer ${await hub.key({ kind: "write", tenant: TENANT, edge: "web-1" })}`;
  const body = sealMinute({ minute: at, boot: 1n, exchanges });
  const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body, headers: { authorization } });
  expect(await response.json()).toMatchObject({ status: "stored" });
}

/** What the words of a window come to, by the command line. */
async function query(...words: string[]) {
  const env = { TALLYWIRE_HUB: hub.origin, TALLYWIRE_READ_KEY: await hub.key({ kind: "read", tenant: TENANT, edge: "" }) };
  const { code, stdout, stderr } = await tallywire(["query", "dns_requests_total", ...words], { env });
  expect(code).toBe(0);
  return { stdout, lines: stderr.trimEnd().split("\n") };
}

beforeAll(async () => {
  const secondsOff = HOUR + HOUR_SECONDS + 60 - Math.floor(Date.now() / 1000);
  hub = await start(workerWithClockOff(workerFolder, join(folder, "worker"), secondsOff));
  await post(HOUR + 600, 5);
  await post(HOUR + 3000, 7);
  await hub.stop();
  hub = await start(workerFolder);
});
afterAll(async () => {
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("query says that a window was widened, from what and why, and only then", async () => {
  const half = ["--from", time(HOUR + 900), "--to", time(HOUR + 1800)];
  const widened = `widened from ${half[1]} to ${half[3]}: what is older is kept by whole hours or days`;
  // Until the hour is merged and its minutes are deleted, of this half hour there is nothing.
  let told = await query(...half);
  while (!told.lines[0]!.startsWith("1 row")) told = await query(...half);
  expect(told.stdout.split("\n").map((line) => line.trim())).toEqual(["value", "12", ""]);
  expect(told.lines).toContain(`1 row from ${time(HOUR)} to ${time(HOUR + HOUR_SECONDS)}, exact`);
  expect(told.lines).toContain(widened);
  const json = JSON.parse((await query(...half, "-o", "json")).stdout);
  expect(json.meta).toMatchObject({ from: time(HOUR), asked: { from: half[1], to: half[3] } });

  const whole = await query("--from", time(HOUR), "--to", time(HOUR + HOUR_SECONDS));
  expect([whole.stdout.includes("12"), whole.lines.some((line) => line.startsWith("widened"))]).toEqual([true, false]);

  // What is near the end is kept by minutes.
  const open = await query("--from", time(HOUR + 1800));
  expect(open.lines[0]).toMatch(new RegExp(`^1 row from ${time(HOUR)} to `));
  expect(open.lines.find((line) => line.startsWith("widened"))).toMatch(new RegExp(`^widened from ${time(HOUR + 1800)} to `));
}, 120_000);
