/** The command line with a hub that has an R2 bucket, as Cloudflare's own development server has it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Unstable_DevWorker, unstable_dev } from "wrangler";
import { deriveKey, importMaster, type KeyHolder } from "../../engine/keys";
import { tallywire } from "../support/command";
import { sealMinute } from "../support/edge-minute";
import { ROOT } from "../support/repository";

const MASTER_KEY = "a master key that is for tests only";
const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 180;
const folder = mkdtempSync(join(tmpdir(), "tallywire-bucket-"));
let hub: Unstable_DevWorker;
let origin: string;

beforeAll(async () => {
  hub = await unstable_dev(join(ROOT, "worker/index.ts"), {
    config: join(ROOT, "wrangler.toml"),
    ip: "127.0.0.1",
    port: 0,
    vars: { MASTER_KEY },
    r2: [{ binding: "BACKUPS", bucket_name: "tallywire-backups" }],
    persistTo: folder,
    logLevel: "none",
    experimental: { disableExperimentalWarning: true, testMode: true, watch: false },
  });
  origin = `http://127.0.0.1:${hub.port}`;
}, 90_000);
afterAll(async () => {
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const keyOf = async (kind: KeyHolder["kind"], edge = "") =>
  deriveKey(await importMaster(MASTER_KEY), { kind, tenant: "acme", edge });

async function total(): Promise<unknown> {
  const headers = { authorization: `Bearer ${await keyOf("read")}` };
  const search = `metric=dns_requests_total&op=sum&from=${MINUTE}&to=${MINUTE + 60}`;
  const { data } = (await (await fetch(`${origin}/v1/query?${search}`, { headers })).json()) as { data: { value: number }[] };
  return data[0]?.value;
}

async function send(boot: number): Promise<void> {
  const exchanges = Array.from({ length: 9 }, (_, index) => ({ client: `10.0.${boot}.${index}`, name: "a.example" }));
  const body = sealMinute({ minute: MINUTE, boot: BigInt(boot), exchanges });
  const headers = { authorization: `Bearer ${await keyOf("write", "edge")}` };
  expect((await fetch(`${origin}/v1/ingest`, { method: "POST", body, headers })).status).toBe(200);
}

test("a tenant goes into the bucket, is listed, and comes out again", { timeout: 90_000 }, async () => {
  const words = ["--hub", origin, "--key", await keyOf("admin")];
  await send(1);
  const saved = await tallywire(["hub", "backup", "acme", "-o", "r2:", ...words]);
  expect([saved.stderr, saved.code]).toEqual(["", 0]);
  const [, name] = /^(r2:\d{8}T\d{6}Z-[0-9a-f]{8}): all of acme, .+\n$/.exec(saved.stdout)!;
  const listed = await tallywire(["hub", "backups", "acme", ...words]);
  expect(listed.stdout).toMatch(new RegExp(`^${name}  20.+\n$`));
  await send(2);
  expect(await total()).toBe(18);
  const kept = await tallywire(["hub", "restore", name!, ...words]);
  expect([kept.code, kept.stderr]).toEqual([1, expect.stringContaining("this tenant has data; restore with force")]);
  const restored = await tallywire(["hub", "restore", name!, "--force", ...words]);
  expect([restored.stderr, restored.code]).toEqual(["", 0]);
  expect(restored.stdout).toMatch(/^acme is what it was at 20.+: \d+ rows\n$/);
  expect(await total()).toBe(9);
});
