/** Live capture on loopback, where this host and user can. */
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { deriveKey, importMaster } from "../../engine/keys";
import { MinuteSum } from "../../engine/summary";
import { findLoopback } from "../support/capture/loopback";
import { runOf, startCommand, tallywire, untilSays } from "../support/command";
import { IngestServer } from "../support/ingest-server";
import * as make from "../support/pcap-builder";
import { ROOT } from "../support/repository";

const QUERIES = 40;

const { name: loopback, missing } = findLoopback();
if (missing !== undefined) console.warn(`live capture on loopback is not tested: ${missing}`);

/** Asks a name server that answers everything, over loopback. */
async function askQuestions(): Promise<void> {
  const server = createSocket("udp4");
  server.on("message", (message, { port, address }) => {
    const id = message.readUInt16BE(0);
    server.send(make.dnsResponse(`n${id}.example`, { id }), port, address);
  });
  await new Promise<void>((done) => server.bind(0, "127.0.0.1", done));
  const client = createSocket("udp4");
  let answers = 0;
  client.on("message", () => {
    answers += 1;
  });
  for (let id = 1; id <= QUERIES; id++) {
    client.send(make.dnsQuery(`n${id}.example`, { id }), server.address().port, "127.0.0.1");
    await sleep(5);
  }
  for (let tries = 0; answers < QUERIES && tries < 100; tries++) await sleep(10);
  client.close();
  server.close();
}

test.runIf(missing === undefined)("an agent on loopback posts what it saw when it is told to end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-live-"));
  const hub = new IngestServer();
  await hub.listen();
  try {
    const key = await deriveKey(await importMaster("a master key that is for tests only"), {
      kind: "write",
      tenant: "t",
      edge: "e",
    });
    const child = startCommand(["agent", "-i", loopback, "--spool", folder], { TALLYWIRE_HUB: hub.origin, TALLYWIRE_KEY: key });
    const run = runOf(child);
    await untilSays(child, /reading interface/);
    await askQuestions();
    child.kill("SIGTERM");
    const { code, stderr } = await run;
    expect(stderr).toContain(`reading interface ${loopback}; captured through `);
    expect(code).toBe(0);
    const core = new Core(new WebAssembly.Module(await readFile(join(ROOT, "build/core.wasm"))), {
      role: "hub",
      budgetBytes: 32 << 20,
    });
    const sum = new MinuteSum(core);
    for (const bundle of hub.bundles.values()) sum.add(bundle);
    const { metrics } = sum.summary();
    const names = metrics.find((row) => row.metric === "dns_names");
    expect(names?.estimate).toBeGreaterThanOrEqual(QUERIES);
  } finally {
    await hub.close();
    rmSync(folder, { recursive: true });
  }
});

test.runIf(missing === undefined)("an interface that is none is named", async () => {
  const key = await deriveKey(await importMaster("a master key that is for tests only"), {
    kind: "write",
    tenant: "t",
    edge: "e",
  });
  const env = { TALLYWIRE_HUB: "http://127.0.0.1:4999", TALLYWIRE_KEY: key };
  const { code, stderr } = await tallywire(["agent", "-i", "nowhere0", "--spool", join(tmpdir(), "tallywire-none")], { env });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no interface nowhere0|CAP_NET_RAW/)]);
});
