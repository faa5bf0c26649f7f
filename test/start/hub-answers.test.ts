/** A local hub that got the demonstration's minutes answers what the independent count counted. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { Hub, type Window } from "../../scripts/start/ask";
import { compare } from "../../scripts/start/compare";
import { SITES, siteCapture } from "../../scripts/start/world";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { countCapture } from "../support/oracle/count";
import { ROOT } from "../support/repository";
import { coreModule } from "../support/round-trips";

const MINUTES = 3;
const startSeconds = Math.floor(Date.now() / 60_000) * 60 - (MINUTES + 1) * 60;
const window: Window = { from: startSeconds, to: startSeconds + MINUTES * 60 };
const folder = mkdtempSync(join(tmpdir(), "tallywire-"));
let hub: LocalHub;

function bundlesOf(capture: Uint8Array, bootId: bigint): Uint8Array[] {
  const core = new Core(coreModule(), { bootId });
  const bundles: Uint8Array[] = [];
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  const input = core.open("file");
  input.write(capture);
  input.end();
  core.flush();
  return bundles;
}

beforeAll(async () => {
  hub = await startLocalHub({ dataFolder: folder, workerFolder: join(ROOT, "build/hub") });
});

afterAll(async () => {
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("every figure", { timeout: 60_000 }, async () => {
  const captures = FIXTURES.map(fixtureBytes);
  const counts = new Map();
  for (const [index, site] of SITES.entries()) {
    const capture = siteCapture(captures, site, BigInt(startSeconds) * 1_000_000_000n, MINUTES);
    counts.set(site.name, countCapture(capture));
    const key = await hub.key({ kind: "write", tenant: "start", edge: `edge-${site.name}` });
    for (const bundle of bundlesOf(capture, BigInt(index + 1))) {
      const headers = { authorization: `Bearer ${key}`, "content-encoding": "gzip", "tallywire-tags": `site=${site.name}` };
      const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", headers, body: gzipSync(bundle) });
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("stored")]);
    }
  }
  const reader = new Hub(hub.origin, await hub.key({ kind: "read", tenant: "start", edge: "" }));
  const checks = await compare(reader, window, counts);
  expect(checks.length).toBeGreaterThan(100);
  expect(checks.filter((check) => !check.ok)).toEqual([]);
});
