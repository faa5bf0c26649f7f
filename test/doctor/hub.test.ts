/** What doctor says of a hub, a key and a clock, of a real hub and of what stands in its place. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deriveKey, importMaster } from "../../engine/keys";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { tallywire } from "../support/command";
import { type Examined, examine } from "../support/doctor";
import { ROOT } from "../support/repository";

const TENANT = "acme";
const folder = mkdtempSync(join(tmpdir(), "tallywire-doctor-hub-"));
const spool = join(folder, "spool");
const servers: (Server | TcpServer)[] = [];
const sockets: Socket[] = [];
let hub: LocalHub;

beforeAll(async () => {
  hub = await startLocalHub({ dataFolder: join(folder, "hub"), workerFolder: join(ROOT, "build/hub"), port: 0 });
});
afterAll(async () => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  await hub.stop();
  rmSync(folder, { recursive: true });
});

const keyOf = (edge: string, kind: "write" | "read" | "admin" = "write") =>
  hub.key({ kind, tenant: TENANT, edge: kind === "write" ? edge : "" });

function look(origin: string, key: string, ...words: string[]): Promise<Examined> {
  return examine(["--hub", origin, "--spool", spool, ...words], { env: { TALLYWIRE_KEY: key } });
}

/** What the hub has of the tenant: edges, and what was refused of them. */
async function kept(): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${await keyOf("", "read")}` };
  const ask = async (path: string) => (await fetch(`${hub.origin}${path}`, { headers })).json();
  return [(await ask("/v1/edges")).data, (await ask("/v1/refusals?from=-1h")).data];
}

async function serve<T extends Server | TcpServer>(server: T): Promise<string> {
  servers.push(server);
  server.on("connection", (socket: Socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The hub behind a clock that is `offsetSeconds` ahead of its own. */
function shifted(offsetSeconds: number): Promise<string> {
  const answer: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers, url } = request;
    const body = method === "POST" ? Buffer.concat(chunks) : undefined;
    const { host: _, ...rest } = headers as Record<string, string>;
    const said = await fetch(`${hub.origin}${url}`, { method, headers: rest, body });
    const json = (await said.json()) as { time: number };
    response.writeHead(said.status, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...json, time: json.time + offsetSeconds }));
  };
  return serve(createServer(answer));
}

test("a hub, its key and its clock are good, and nothing of the question stays there", async () => {
  const { found } = await look(hub.origin, await keyOf("web-1"), "--tags", "site=fra1");
  expect(found.hub).toEqual({
    status: "ok",
    found: expect.stringMatching(/^http.* answers within \d+ ms; its core has ABI \d+$/),
  });
  expect(found.key).toEqual({ status: "ok", found: `the hub takes what edge web-1 of tenant ${TENANT} signs` });
  expect(found.clock).toEqual({ status: "ok", found: "within 2 s of the hub's" });
  expect(await kept()).toEqual([[], []]);
});

test("a key of another hub, of another kind, of no form, or without a hub", async () => {
  const foreign = await deriveKey(await importMaster("a master key that is for tests only"), {
    kind: "write",
    tenant: TENANT,
    edge: "web-1",
  });
  const wrong = await look(hub.origin, foreign);
  expect([wrong.code, wrong.found.hub?.status]).toEqual([1, "ok"]);
  expect(wrong.found.key).toEqual({
    status: "failed",
    found: expect.stringContaining("the hub takes nothing from edge web-1: 401 bad_signature"),
    mend: `take the key that its hub makes: tallywire keys write ${TENANT} web-1`,
  });
  const read = await look(hub.origin, await keyOf("", "read"));
  expect(read.found.key).toEqual({ status: "failed", found: "this is a read key", mend: "an agent needs a write key, tw_w_..." });
  const none = await look(hub.origin, "tw_w_nothing");
  expect([none.code, none.found.key?.found]).toEqual([1, "this is no key"]);
  const missing = await examine(["--hub", hub.origin, "--spool", spool]);
  expect([missing.code, missing.found.key?.found, missing.found.hub?.status]).toEqual([1, "a hub but no key", "ok"]);
  const homeless = await examine(["--spool", spool], { env: { TALLYWIRE_KEY: foreign } });
  expect([homeless.code, homeless.found.key?.found]).toEqual([1, "a key but no hub"]);
  expect(await kept()).toEqual([[], []]);
});

test("a revoked key", async () => {
  const headers = { authorization: `Bearer ${await keyOf("", "admin")}` };
  const body = JSON.stringify({ edge: "web-2" });
  expect((await fetch(`${hub.origin}/v1/keys/revoke`, { method: "POST", headers, body })).status).toBe(200);
  const key = await keyOf("web-2");
  // A Worker may hold the list for a while.
  let seen = await look(hub.origin, key);
  while (seen.found.key?.status === "ok") seen = await look(hub.origin, key);
  expect(seen.code).toBe(1);
  expect(seen.found.key?.found).toContain("401 revoked_key");
  expect(seen.found.key?.mend).toContain("POST /v1/keys/restore");
}, 120_000);

test("tags that this hub does not take", async () => {
  const { code, found } = await look(hub.origin, await keyOf("web-3"), "--tags", "time=now");
  expect([code, found.key?.status]).toEqual([1, "failed"]);
  expect(found.key?.found).toMatch(/400 bad_tags/);
  expect((await look(hub.origin, await keyOf("web-3"), "--tags", "nonsense")).found.key?.found).toBe('"nonsense" is no tag');
});

test("nothing listens, its name is not known, it is not on this host and in the clear", async () => {
  const closed = createServer();
  const origin = await serve(closed);
  await new Promise((done) => closed.close(done));
  const key = await keyOf("web-1");
  const { code, found } = await look(origin, key);
  expect([code, found.key?.status, found.clock?.status]).toEqual([1, "skipped", "skipped"]);
  expect(found.hub).toEqual({
    status: "failed",
    found: `${origin} cannot be reached: nothing listens there`,
    mend: "start the hub there, or give its own port with --hub or TALLYWIRE_HUB",
  });
  const unknown = await look("https://hub.invalid", key);
  expect(unknown.found.hub?.found).toBe("https://hub.invalid cannot be reached: its name is not known");
  const clear = await look("http://192.0.2.1", key);
  expect(clear.found.hub).toEqual({
    status: "failed",
    found: "http://192.0.2.1 is not encrypted and not on this host",
    mend: "use https, or add --insecure",
  });
});

test("what answers is no hub, or breaks off, or says nothing", async () => {
  const key = await keyOf("web-1");
  const page = await serve(createServer((_, response) => response.end("<html>\u001b[2J")));
  const { code, found } = await look(page, key);
  expect([code, found.hub?.found]).toEqual([1, `what answers at ${page}/v1/hello is no hub (status 200)`]);
  const set = { error: "bad_setting", reason: "this hub's MAX_EDGES is many" };
  const broken = await serve(createServer((_, response) => response.writeHead(503).end(JSON.stringify(set))));
  expect((await look(broken, key)).found.hub?.found).toBe("the hub answers 503 bad_setting: this hub's MAX_EDGES is many");
  const rude = await serve(createTcpServer((socket) => socket.destroy()));
  expect((await look(rude, key)).found.hub?.status).toBe("failed");
  const silent = await serve(createTcpServer(() => {}));
  expect((await look(silent, key)).found.hub?.found).toBe(`${silent} cannot be reached: it does not answer`);
  const secure = page.replace("http", "https");
  expect((await look(secure, key)).found.hub).toEqual({
    status: "failed",
    found: `${secure} cannot be reached: it speaks no TLS there`,
    mend: `write ${page}`,
  });
}, 90_000);

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
if (!hasOpenssl) console.warn("a certificate that nobody signed is not tested: openssl is not installed");

test.runIf(hasOpenssl)("a certificate of one's own is mended by its CA", async () => {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  const credentials = { key: readFileSync(key), cert: readFileSync(cert) };
  const hello = { service: "tallywire", abi: 3, time: Date.now() / 1000 };
  const origin = await serve(createSecureServer(credentials, (_, response) => response.end(JSON.stringify(hello))));
  const address = origin.replace("http://127.0.0.1", "https://localhost");
  const strange = await look(address, await keyOf("web-1"));
  expect(strange.found.hub?.mend).toMatch(/NODE_EXTRA_CA_CERTS=/);
  const env = { TALLYWIRE_KEY: await keyOf("web-1"), NODE_EXTRA_CA_CERTS: cert };
  const { found } = await examine(["--hub", address, "--spool", spool], { env });
  expect(found.hub?.status).toBe("ok");
  // What it answers to a post is no answer of a hub.
  expect([found.key?.status, found.key?.found]).toEqual(["failed", expect.stringContaining("what no hub answers to a post")]);
});

test.each([
  [3, "warning", /^(2\.\d|3) s behind the hub's: what is seen is told of a wrong minute$/],
  [-60, "warning", /^60(\.\d)? s ahead of the hub's: what is seen is told of a wrong minute$/],
  [-300, "failed", /^5(\.\d+)? min ahead of the hub's, which takes no minute before it is there itself$/],
  [50 * 3600, "failed", /^50 h behind the hub's, which takes no minute that is so late$/],
] as const)("a hub whose clock is %d s ahead", async (offsetSeconds, status, words) => {
  const { code, found } = await look(await shifted(offsetSeconds), await keyOf("web-1"));
  expect(found.clock).toEqual({ status, found: expect.stringMatching(words), mend: expect.stringContaining("set-ntp") });
  if (status === "failed") expect(code).toBe(1);
});

test("in words: a line a check, below it what mends it, and a last one", async () => {
  const { code, stdout, stderr } = await tallywire(["doctor", "--spool", spool, "--hub", "https://hub.invalid", "--edge", "e"]);
  expect([code, stderr]).toEqual([1, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toMatch(/^an agent would not work here: [2-9] failed(, \d warnings?)?$/);
  for (const line of lines.slice(0, -1)) expect(line).toMatch(/^((ok|warning|failed|skipped) +[a-z]+ +\S.*| {21}-> \S.*)$/);
  expect(stdout).toMatch(/^failed {3}hub {9}https:\/\/hub\.invalid cannot be reached: .*\n {21}-> mend the name in --hub/m);
});
