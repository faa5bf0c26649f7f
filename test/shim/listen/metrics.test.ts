/** What the agent tells a Prometheus, against exact counts of what it was given, and promtool's word on its form. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { deriveKey, importMaster } from "../../../engine/keys";
import { listenAddress } from "../../../shim/listen/address";
import { formatFor } from "../../../shim/listen/format";
import { readToken } from "../../../shim/listen/guard";
import { AskedAgent, askSocket as ask } from "../../support/agent-http";
import { runOf, startCommand, untilSays } from "../../support/command";
import { IngestServer } from "../../support/ingest-server";
import { manyMinutes } from "../../support/many-minutes";

const folder = mkdtempSync(join(tmpdir(), "tallywire-listen-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TOKEN = "a-token-of-some-length";
const MINUTES = 3;
const PER_MINUTE = 100;
const QUERIES = MINUTES * PER_MINUTE;

/** The sum of a metric's samples. */
function sumOf(text: string, name: string): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test("every query of a capture is counted once, in forms that promtool takes", { timeout: 120_000 }, async () => {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const socket = join(folder, "agent.sock");
  const startNs = BigInt(Math.floor(Date.now() / 60_000) - MINUTES - 2) * 60_000_000_000n;
  const capture = manyMinutes({ startNs, minutes: MINUTES, queriesPerMinute: PER_MINUTE });
  const words = ["agent", "--file", "-", "--spool", join(folder, "spool"), "--listen", `unix:${socket}`];
  const child = startCommand([...words, "--token-file", tokenFile]);
  const run = runOf(child);
  await untilSays(child, /metrics are at unix:.*; the token is in .*token\n/);
  expect(statSync(socket).mode & 0o777).toBe(0o600);

  // Time that goes on seals the minutes; the input stays open, and so does the agent.
  const nextNs = startNs + BigInt(MINUTES) * 60_000_000_000n;
  const later = manyMinutes({ startNs: nextNs, minutes: 1, queriesPerMinute: 10, first: 5000 });
  child.stdin.write(capture);
  child.stdin.write(later.subarray(24));
  const authorization = `Bearer ${TOKEN}`;
  const counted = async () => {
    const { text } = await ask(socket, "/metrics", { authorization });
    return [sumOf(text, "dns_requests_total"), sumOf(text, "tallywire_waiting_minutes")];
  };
  // What is sealed is told, and then written.
  await expect.poll(counted, { timeout: 60_000 }).toEqual([QUERIES, MINUTES]);

  const { text, headers } = await ask(socket, "/metrics", { authorization });
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(sumOf(text, "dns_duration_seconds_count")).toBe(QUERIES);
  // Each response comes a millisecond after its query.
  expect(sumOf(text, "dns_duration_seconds_sum")).toBeCloseTo(QUERIES * 0.001, 6);
  const atInfinity = text.split("\n").filter((line) => /^dns_duration_seconds_bucket\{.*le="\+Inf"\}/.test(line));
  expect(atInfinity.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)).toBe(QUERIES);
  if (spawnSync("promtool", ["--version"]).error === undefined) {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    // Code 3 is advice about names, which are the hub's too.
    expect([0, 3], `${stdout}${stderr}`).toContain(status);
    expect(stderr).not.toMatch(/error while linting/);
  }
  expect(sumOf(text, "tallywire_counted_until_timestamp_seconds")).toBe(Number(nextNs / 1_000_000_000n));
  expect(sumOf(text, "tallywire_sealed_minutes_total")).toBe(MINUTES);
  for (const name of ["posted_minutes", "lost_minutes", "left_out_values", "watch_lost_round_trips"])
    expect(sumOf(text, `tallywire_${name}_total`)).toBe(0);
  // Nothing is added by being asked.
  expect((await ask(socket, "/metrics", { authorization })).text).toBe(text);

  const open = await ask(socket, "/metrics", {
    authorization,
    accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
  });
  expect(open.headers["content-type"]).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(open.text.endsWith("\n# EOF\n")).toBe(true);
  expect(open.text).toMatch(/^# TYPE dns_requests counter$/m);
  expect(open.text).toMatch(/^# UNIT dns_duration_seconds seconds$/m);

  expect((await ask(socket, "/metrics")).status).toBe(401);
  expect((await ask(socket, "/metrics", { authorization: `${authorization}x` })).status).toBe(401);
  expect((await ask(socket, "/healthz")).status).toBe(200);
  expect((await ask(socket, "/readyz")).status).toBe(200);
  expect((await ask(socket, "/metrics", { authorization }, "POST")).status).toBe(405);
  child.stdin.end();
  expect((await run).code).toBe(0);
});

test("what the hub said of minutes is counted", { timeout: 60_000 }, async () => {
  const hub = new IngestServer();
  await hub.listen();
  const master = await importMaster("a master key that is for tests only");
  const key = await deriveKey(master, { kind: "write", tenant: "acme", edge: "here" });
  // The second of its minutes is refused for good.
  const startNs = BigInt(Math.floor(Date.now() / 60_000) - 10) * 60_000_000_000n;
  const second = String(Number(startNs / 60_000_000_000n) + 1);
  hub.refuse = (name) => (name.split(" ").includes(second) ? { status: 400, body: { error: "refused" } } : undefined);
  const place = join(folder, "posted");
  mkdirSync(place);
  const agent = await AskedAgent.start(place, ["--file", "-", "--hub", hub.origin, "--key", key]);
  agent.child.stdin.write(manyMinutes({ startNs, minutes: MINUTES, queriesPerMinute: PER_MINUTE }));
  const posted = async (outcome: string) => {
    const { text } = await agent.ask("/metrics");
    return new RegExp(`^tallywire_posted_minutes_total{outcome="${outcome}"} (\\d+)$`, "m").exec(text)?.[1];
  };
  // What was sealed is put on disk before more is read, so there must be more.
  const more = manyMinutes({ startNs: startNs + 180_000_000_000n, minutes: 1, queriesPerMinute: 1000 });
  let at = 24;
  const outcomes = () => {
    agent.child.stdin.write(more.subarray(at, at + 500));
    at += 500;
    return Promise.all([posted("refused"), posted("stored")]);
  };
  await expect.poll(outcomes, { timeout: 30_000 }).toEqual(["1", String(MINUTES - 1)]);
  expect(hub.bundles.size).toBe(MINUTES - 1);
  agent.child.stdin.end();
  await agent.ended;
  await hub.close();
});

test("a port of loopback answers for loopback's names alone", { timeout: 60_000 }, async () => {
  const child = startCommand(["agent", "--file", "-", "--spool", join(folder, "spool-2"), "--listen", "127.0.0.1:0"]);
  const run = runOf(child);
  const said = await untilSays(child, /metrics are at http:.*\n/);
  const [, origin = "", tokenPath = ""] = /metrics are at (http:[^;]+); the token is in (.*)\n/.exec(said)!;
  // Nobody gave a token, so one was made that only its owner can read.
  expect(readToken(tokenPath).length).toBeGreaterThanOrEqual(32);
  const statusFor = (host: string) =>
    new Promise((resolve, reject) => {
      request(`${origin}/healthz`, { headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once("error", reject)
        .end();
    });
  expect(await statusFor(new URL(origin).host)).toBe(200);
  expect(await statusFor("localhost")).toBe(200);
  expect(await statusFor("rebound.example")).toBe(421);
  expect(await statusFor("127.0.0.1.rebound.example")).toBe(421);
  child.stdin.write(manyMinutes({ startNs: 60_000_000_000n, minutes: 1, queriesPerMinute: 1 }));
  child.stdin.end();
  await run;
});

test("what is no address of loopback, and no token of the owner's alone, is refused", () => {
  expect(listenAddress("[::1]:9464")).toEqual({ kind: "tcp", host: "::1", port: 9464 });
  for (const text of ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[2001:db8::1]:80"])
    expect(() => listenAddress(text)).toThrow(/reached from other hosts/);
  for (const text of ["9464", "localhost:80", "127.0.0.1", "127.0.0.1:65536", "::1:80", "unix:", `unix:/${"x".repeat(103)}`])
    expect(() => listenAddress(text)).toThrow();
  const path = join(folder, "shown");
  writeFileSync(path, TOKEN);
  chmodSync(path, 0o640);
  expect(() => readToken(path)).toThrow(/chmod 600/);
});

test("the format is the one that is wanted most", () => {
  expect(formatFor(undefined)).toBe("text");
  expect(formatFor("*/*")).toBe("text");
  expect(formatFor("application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.5")).toBe("text");
  expect(formatFor("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5")).toBe("openmetrics");
  expect(formatFor("application/openmetrics-text;q=0")).toBe("text");
  const messages = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  expect(formatFor(`${messages},application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1`)).toBe("protobuf");
  expect(formatFor(`${messages};q=0.1,text/plain`)).toBe("text");
  expect(formatFor(messages.replace("delimited", "text"))).toBe("text");
});
