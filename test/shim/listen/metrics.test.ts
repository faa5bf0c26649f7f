/** What the agent tells a Prometheus, against exact counts of what it was given, and promtool's word on its form. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { listenAddress } from "../../../shim/listen/address";
import { formatFor } from "../../../shim/listen/exposition";
import { readToken } from "../../../shim/listen/guard";
import { runOf, startCommand, untilSays } from "../../support/command";
import { manyMinutes } from "../../support/many-minutes";

const folder = mkdtempSync(join(tmpdir(), "tallywire-listen-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TOKEN = "a-token-of-some-length";
const MINUTES = 3;
const PER_MINUTE = 100;
const QUERIES = MINUTES * PER_MINUTE;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function ask(socketPath: string, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers, method, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    asked.once("error", reject).end();
  });
}

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
  await untilSays(child, /metrics are at unix:/);
  expect(statSync(socket).mode & 0o777).toBe(0o600);

  // A later packet seals the minutes; the input stays open, so the agent goes on.
  const later = manyMinutes({ startNs: startNs + 600_000_000_000n, minutes: 1, queriesPerMinute: 1, first: 5000 });
  child.stdin.write(capture);
  child.stdin.write(later.subarray(24));
  const authorization = `Bearer ${TOKEN}`;
  await expect
    .poll(async () => sumOf((await ask(socket, "/metrics", { authorization })).text, "dns_requests_total"), { timeout: 60_000 })
    .toBe(QUERIES);

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

test("a port of loopback answers for loopback's names alone", { timeout: 60_000 }, async () => {
  const child = startCommand(["agent", "--file", "-", "--spool", join(folder, "spool-2"), "--listen", "127.0.0.1:0"]);
  const run = runOf(child);
  const said = await untilSays(child, /metrics are at http:\S+/);
  const origin = /metrics are at (http:\/\/[^/]+)/.exec(said)![1]!;
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
});
