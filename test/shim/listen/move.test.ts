/** A running agent's HTTP that is told to be elsewhere, to take another token, to go and to come. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Answer, openSocket, wholeOf } from "../../support/agent-http";
import { type Run, runOf, startCommand, untilSays } from "../../support/command";
import { manyMinutes } from "../../support/many-minutes";

const [FIRST, SECOND] = ["first-token-of-the-agent", "second-token-of-the-agent"];
const MINUTES = 3;

const folder = mkdtempSync(join(tmpdir(), "tallywire-move-"));
const path = (name: string) => join(folder, name);
const configure = (listen: string) =>
  writeFileSync(path("agent.yaml"), listen === "" ? "" : `listen: { ${listen} }\n`, { mode: 0o600 });
const at = (name: string, token = "first") => `address: "unix:${path(name)}", tokenFile: ${path(token)}`;

let child: ReturnType<typeof startCommand>;
let ended: Promise<Run>;
let said = "";

beforeAll(async () => {
  writeFileSync(path("first"), FIRST, { mode: 0o600 });
  writeFileSync(path("second"), SECOND, { mode: 0o600 });
  configure(at("a"));
  child = startCommand(["agent", "--spool", path("spool"), "--edge", "here", "--config", path("agent.yaml"), "--file", "-"]);
  child.stderr.on("data", (text) => (said += text));
  ended = runOf(child);
  await untilSays(child, /metrics are at/);
  child.stdin.write(manyMinutes({ startNs: BigInt(Date.now() - 600_000) * 1_000_000n, minutes: MINUTES, queriesPerMinute: 10 }));
  await vi.waitFor(async () => expect(await requests("a")).toBeGreaterThan(0), { timeout: 30_000, interval: 50 });
}, 60_000);

afterAll(async () => {
  child.stdin.end();
  expect((await ended).code).toBe(0);
  rmSync(folder, { recursive: true });
});

async function ask(name: string, what: string, token = FIRST, method = "GET"): Promise<Answer> {
  return wholeOf(await openSocket(path(name), what, { method, headers: { authorization: `Bearer ${token}` } }));
}

/** Requests that its metrics count. */
async function requests(name: string, token = FIRST): Promise<number> {
  const { text } = await ask(name, "/metrics", token);
  return [...text.matchAll(/^dns_requests_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function reload(
  name: string,
  listen: string,
  token = FIRST,
): Promise<{ status: number; value: { error?: string; changed?: string[] } }> {
  configure(listen);
  const { status, text } = await ask(name, "/api/v1/reload", token, "POST");
  return { status, value: JSON.parse(text) };
}

const isGone = (name: string) => expect(ask(name, "/healthz")).rejects.toThrow(/ENOENT|ECONNREFUSED/);

test("moves, answers where it was asked, and counts on", async () => {
  const before = await requests("a");
  const watching = await openSocket(path("a"), "/api/v1/watch?timeout=2", { headers: { authorization: `Bearer ${FIRST}` } });
  expect(await reload("a", at("b"))).toEqual({ status: 200, value: { changed: ["listen.address"] } });
  await isGone("a");
  expect(await requests("b")).toBe(before);
  expect(said).toContain(`metrics are at unix:${path("b")}; the token is in ${path("first")}\n`);
  // Who watched there is not cut off.
  expect((await wholeOf(watching)).text).toMatch(/"end":"timeout"/);
});

test("takes a port", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => probe.once("listening", done));
  const { port } = probe.address() as AddressInfo;
  const taken = await reload("b", `address: "127.0.0.1:${port}", tokenFile: ${path("first")}`);
  expect(taken.status).toBe(409);
  const nowhere = await reload("b", at("missing/a"));
  expect(nowhere.value.error).toBe(`cannot listen on unix:${path("missing/a")}: there is no folder ${path("missing")}`);
  expect(taken.value.error).toBe(`cannot listen on 127.0.0.1:${port}: another program listens there`);
  expect(await requests("b")).toBeGreaterThan(0);
  await new Promise((done) => probe.close(done));
  expect((await reload("b", `address: "127.0.0.1:${port}", tokenFile: ${path("first")}`)).status).toBe(200);
  const health = await new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path: "/healthz" }, (answer) => resolve(answer.statusCode))
      .once("error", reject)
      .end();
  });
  expect(health).toBe(200);
  const before = said.length;
  configure(at("c"));
  child.kill("SIGHUP");
  await vi.waitFor(() => expect(said.slice(before)).toContain("the configuration was read again: listen.address changed\n"));
  expect(await requests("c")).toBeGreaterThan(0);
});

test("takes another token where it is", async () => {
  expect(await reload("c", at("c", "second"))).toEqual({ status: 200, value: { changed: ["listen.tokenFile"] } });
  expect((await ask("c", "/metrics")).status).toBe(401);
  expect(await requests("c", SECOND)).toBeGreaterThan(0);
  expect((await reload("c", at("c", "third"), SECOND)).value.error).toMatch(/cannot read the token/);
  expect((await ask("c", "/metrics", SECOND)).status).toBe(200);
});

test("goes, and comes again", async () => {
  expect(await reload("c", "", SECOND)).toEqual({ status: 200, value: { changed: ["listen.address", "listen.tokenFile"] } });
  await isGone("c");
  configure(at("d"));
  child.kill("SIGHUP");
  await vi.waitFor(() => expect(said).toContain(`metrics are at unix:${path("d")}`));
  await sleep(50);
  expect((await ask("d", "/readyz")).status).toBe(200);
});

test("has a token of its own, and takes another that is put in its place", async () => {
  const listen = `address: "unix:${path("e")}"`;
  expect((await reload("d", listen)).status).toBe(200);
  const file = /metrics are at unix:.*\/e; the token is in (.+)\n/.exec(said)![1]!;
  const own = readFileSync(file, "utf8").trim();
  expect((await ask("e", "/metrics", own)).status).toBe(200);
  writeFileSync(file, SECOND, { mode: 0o600 });
  expect((await reload("e", listen, own)).status).toBe(200);
  expect((await ask("e", "/metrics", own)).status).toBe(401);
  expect((await ask("e", "/metrics", SECOND)).status).toBe(200);
});
