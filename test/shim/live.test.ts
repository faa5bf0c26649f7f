/** Live capture on loopback, where this host and user can. */
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
async function askQuestions(port = 0): Promise<void> {
  const server = createSocket("udp4");
  server.on("message", (message, { port, address }) => {
    const id = message.readUInt16BE(0);
    server.send(make.dnsResponse(`n${id}.example`, { id }), port, address);
  });
  await new Promise<void>((done) => server.bind(port, "127.0.0.1", done));
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

type Row = Record<"name" | "value", string>;

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
}

// Each query and response has 66 bytes or more: 14 and 28 of headers, 12 of DNS' own, a name and its type.
test.runIf(missing === undefined).each([
  ["60", `cut by the snap length: ${2 * QUERIES},`, 0],
  ["1000", "malformed: none", QUERIES],
  ["0", "malformed: none", QUERIES],
])("-s %s takes no more of each packet, and the end says how many were cut", async (bytes, words, roundTrips) => {
  const port = await freePort();
  const child = startCommand(["watch", "-i", loopback, "-s", bytes, "-f", `udp port ${port}`, "-o", "json", "dns"]);
  const run = runOf(child);
  await untilSays(child, /watching /);
  await askQuestions(port);
  child.kill("SIGTERM");
  const { code, stdout, stderr } = await run;
  expect(code).toBe(0);
  expect(stderr).toContain(`${2 * QUERIES} packets seen`);
  expect(stderr).toContain(words);
  expect(stderr.includes("cut by")).toBe(bytes === "60");
  expect(stdout.split("\n").filter(Boolean)).toHaveLength(roundTrips);
});

// The program stands still while they come, so all of them wait: 12 MiB.
test.runIf(missing === undefined && process.platform === "linux").each([
  ["4", false],
  ["128", true],
])("--ring %s lets so many MiB of packets wait", async (mib, isRoomy) => {
  const DATAGRAMS = 1500;
  const port = await freePort();
  const child = startCommand(["watch", "-i", loopback, "--ring", mib, "-f", `udp dst port ${port}`]);
  const run = runOf(child);
  await untilSays(child, /watching /);
  child.kill("SIGSTOP");
  const sender = createSocket("udp4");
  const bytes = Buffer.alloc(8192);
  // An answer that nobody listens is no matter.
  sender.on("error", () => {});
  for (let i = 0; i < DATAGRAMS; i++) await new Promise((done) => sender.send(bytes, port, "127.0.0.1", done));
  sender.close();
  child.kill("SIGCONT");
  await sleep(500);
  child.kill("SIGTERM");
  const { code, stderr } = await run;
  expect(code).toBe(0);
  const [, seen, dropped] = /(\d+) packets seen.*dropped before the capture: (\w+)/.exec(stderr.replaceAll(",", ""))!;
  expect(dropped === "none").toBe(isRoomy);
  expect(Number(seen) + (isRoomy ? 0 : Number(dropped))).toBe(DATAGRAMS);
});

test.each([
  ["-s", "60"],
  ["--ring", "16"],
])("%s is not for files", async (...words) => {
  const run = await tallywire(["watch", "-r", "any.pcap", ...words]);
  expect(run).toMatchObject({ code: 2, stdout: "" });
  expect(run.stderr).toContain("leave it out with -r");
});

test.runIf(missing === undefined)("--headers and --body show what a server got and a client was answered", async () => {
  const got: string[][] = [];
  const server = createServer((request, response) => {
    got.push(request.rawHeaders);
    request.resume().on("end", () => response.setHeader("content-type", "application/json").end('{"id":4711}'));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const words = [
    "watch",
    "http",
    "-i",
    loopback,
    "-f",
    `tcp port ${port}`,
    "-o",
    "json",
    "--headers",
    "--body",
    "100",
    "-c",
    "1",
  ];
  const child = startCommand(words);
  const run = runOf(child);
  await untilSays(child, /watching /);
  const headers = { "content-type": "application/json", cookie: "session=s3cr3t", "x-debug": "yes" };
  const url = `http://127.0.0.1:${port}/cart?token=s3cr3t`;
  const answer = await fetch(url, { method: "POST", headers, body: '{"article":"s3cr3t","count":2}' });
  await answer.text();
  const { stdout } = await run;
  server.closeAllConnections();
  server.close();
  const { request, response } = JSON.parse(stdout);
  const sent = got[0]!.map((text, index, all) => (all[index - 1]?.toLowerCase() === "cookie" && index % 2 === 1 ? "?" : text));
  expect(request.headers.flatMap(({ name, value }: Row) => [name, value])).toEqual(sent);
  expect(request.body).toBe('{"article":"?","count":?}');
  const shown = response.headers.map(({ name, value }: Row) => [name.toLowerCase(), value]);
  expect(Object.fromEntries(shown)).toEqual({ ...Object.fromEntries(answer.headers) });
  expect(response.body).toBe('{"id":?}');
  expect(stdout).not.toContain("s3cr3t");
});
