/** A hub and its keys from the command line: what a person does who wants one on their own machine. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseKey } from "../../engine/keys";
import { runOf, startCommand, tallywire } from "../support/command";
import { ROOT } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-hub-"));
const data = join(folder, "data");
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

interface Served {
  origin: string;
  /** What it said beside that. */
  stderr: () => string;
  /** Sends a signal, and waits for the end. */
  end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>;
}

async function serve(...words: string[]): Promise<Served> {
  const child = startCommand(["hub", "--data", data, "--port", "0", ...words]);
  started.push(child);
  const run = runOf(child);
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const said = await Promise.race([
    new Promise<string>((settle) => child.stdout.once("data", settle)),
    run.then(({ stderr }) => stderr),
  ]);
  const origin = /^A hub runs at (http:\S+); its data is in /.exec(said)?.[1];
  if (origin === undefined) throw new Error(said);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return (await run).code;
  };
  return { origin, end, stderr: () => stderr };
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** A capture, of 83 requests unless another is named, whose first packet came three minutes ago. */
function captureOfNow(name = "dns_kdig_udp"): string {
  const bytes = readFileSync(join(ROOT, `test/fixtures/${name}.pcap`));
  const shift = Math.floor(Date.now() / 1000) - 180 - bytes.readUInt32LE(24);
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8))
    bytes.writeUInt32LE(bytes.readUInt32LE(at) + shift, at);
  const path = join(folder, "now.pcap");
  writeFileSync(path, bytes);
  return path;
}

const workerdOf = () => JSON.parse(readFileSync(join(data, "hub.pid"), "utf8")).worker as number;
const keyOf = async (...words: string[]) => (await tallywire(["keys", ...words, "--data", data])).stdout.trim();

describe("a hub of one's own", () => {
  test("takes an edge's minutes by its key, answers, serves the page, and leaves no process", async () => {
    const hub = await serve();
    const workerd = workerdOf();
    const [write, read] = [await keyOf("write", "acme", "web-1"), await keyOf("read", "acme")];
    expect([parseKey(write), parseKey(read)]).toMatchObject([
      { kind: "write", tenant: "acme", edge: "web-1" },
      { kind: "read", tenant: "acme" },
    ]);
    const posting = ["--hub", hub.origin, "--key", write, "--spool", join(folder, "spool")];
    const posted = await tallywire(["agent", "--file", captureOfNow(), ...posting]);
    expect([posted.code, posted.stderr]).toEqual([0, expect.any(String)]);
    const asked = await tallywire(["query", "dns_requests_total", "-o", "json", "--hub", hub.origin, "--read-key", read]);
    expect(JSON.parse(asked.stdout).data.map(({ value }: { value: number }) => value)).toEqual([83]);
    const rows = await tallywire(["query", "dns_requests_total", "-o", "csv", "--hub", hub.origin, "--read-key", read]);
    expect(rows.stdout).toMatch(/^time,value\r\n[\dTZ:-]+,83\r\n$/);
    const other = await keyOf("write", "acme", "web-2");
    const pages = ["--hub", hub.origin, "--key", other, "--spool", join(folder, "pages")];
    expect((await tallywire(["agent", "--file", captureOfNow("http1_curl"), ...pages])).code).toBe(0);
    const routes = await tallywire(["query", "http_routes", "--hub", hub.origin, "--read-key", read]);
    const [titles = "", ...shown] = routes.stdout.trimEnd().split("\n");
    expect(titles).toMatch(/ mean +p50 .*p99/);
    // Here is a mean and three quantiles of durations, each with its unit.
    for (const row of shown) expect(row.match(/[\d.]+ [mun]?s\b/g)?.length).toBe(titles.match(/mean|p\d+/g)?.length);
    const words = ["--where", "status=error", "--per", "dns_requests_total", "--compare", "previous"];
    const rate = await tallywire(["query", "dns_requests_total", ...words, "--hub", hub.origin, "--read-key", read]);
    expect(rate.stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["value", "of", "per", "before", "change"],
      ["0.0723", "6", "83", "-", "-"],
      [""],
    ]);
    expect(await (await fetch(hub.origin)).text()).toContain("<title>");
    expect(await hub.end("SIGTERM")).toBe(0);
    expect(isAlive(workerd)).toBe(false);
  });

  test.each([
    ["127.0.0.2", "127.0.0.2", true],
    ["::1", "[::1]", true],
    ["[::1]", "[::1]", true],
    ["0.0.0.0", "127.0.0.1", false],
    ["::", "[::1]", false],
  ])("listens at %s", async (host, reached, isLoopback) => {
    const hub = await serve("--host", host);
    expect(new URL(hub.origin).hostname).toBe(reached);
    expect((await fetch(`${hub.origin}/healthz`)).status).toBe(200);
    expect(await hub.end("SIGTERM")).toBe(0);
    expect(hub.stderr().includes("other hosts reach it without TLS")).toBe(!isLoopback);
  });

  test("keeps its keys from start to start, to its owner", async () => {
    const before = await keyOf("read", "acme");
    const hub = await serve("--keep-days", "800d");
    expect(await keyOf("read", "acme")).toBe(before);
    expect(statSync(join(data, "master-key")).mode & 0o777).toBe(0o600);
    expect(await hub.end("SIGINT")).toBe(0);
  });

  test("paces its edges as it is set, and none of their minutes is lost", async () => {
    const hub = await serve("--set", "EDGE_BUNDLES_PER_MINUTE=20");
    const [write, read] = [await keyOf("write", "paced", "web-1"), await keyOf("read", "paced")];
    const headers = { authorization: `Bearer ${write}` };
    const post = () => fetch(`${hub.origin}/v1/ingest`, { method: "POST", body: "no bundle", headers });
    const statuses: number[] = [];
    for (let index = 0; index < 25; index++) statuses.push((await post()).status);
    expect(new Set(statuses)).toEqual(new Set([422, 429]));
    const posting = ["--hub", hub.origin, "--key", write, "--spool", join(folder, "paced")];
    const posted = await tallywire(["agent", "--file", captureOfNow(), ...posting]);
    expect(posted.stderr).toMatch(/takes no more for now: 429 too_fast edge web-1 posted 20 bundles .*post again in [1-3] s; /);
    expect(posted.code).toBe(0);
    const asked = await tallywire(["query", "dns_requests_total", "-o", "json", "--hub", hub.origin, "--read-key", read]);
    expect(JSON.parse(asked.stdout).data).toMatchObject([{ value: 83 }]);
    expect(await hub.end("SIGTERM")).toBe(0);
  });

  test("that wants bundles signed has an agent's, whose key stays at home; a limited key sees its edges", async () => {
    const hub = await serve("--set", "REQUIRE_SIGNATURE=yes");
    const write = await keyOf("write", "signed", "web-1");
    const posting = ["--hub", hub.origin, "--key", write, "--hide-key", "--tags", "site=fra1"];
    const posted = await tallywire(["agent", "--file", captureOfNow(), ...posting, "--spool", join(folder, "signed")]);
    expect([posted.code, posted.stderr]).toEqual([0, expect.any(String)]);
    const bare = { method: "POST", body: "a bundle", headers: { authorization: `Bearer ${write}` } };
    expect((await fetch(`${hub.origin}/v1/ingest`, bare)).status).toBe(401);
    const sums = async (condition: string) => {
      const read = await keyOf("read", "signed", "--where", condition);
      const asked = await tallywire(["query", "dns_requests_total", "-o", "json", "--hub", hub.origin, "--read-key", read]);
      return JSON.parse(asked.stdout).data.map(({ value }: { value: number }) => value);
    };
    expect([await sums("site=fra1"), await sums("site=!fra1"), await sums("site=ams2,fra1")]).toEqual([[83], [], [83]]);
    expect(await hub.end("SIGTERM")).toBe(0);
  });

  test("that has an impossible setting says which, and ends", async () => {
    const { code, stderr } = await tallywire(["hub", "--data", data, "--port", "0", "--keep-minutes", "1h"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^tallywire: the hub does not start: this hub's KEEP_MINUTES is "1h"/),
    ]);
    expect(existsSync(join(data, "hub.pid"))).toBe(false);
    const unknown = await tallywire(["hub", "--data", data, "--set", "MAX_EDGE=1"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('"MAX_EDGE=1" is no setting of a hub')]);
  });

  test("whose folder cannot be written says so, and leaves no half of a key", async () => {
    const full = join(folder, "full");
    mkdirSync(join(full, "master-key.draft"), { recursive: true });
    const { code, stderr } = await tallywire(["hub", "--data", full, "--port", "0"]);
    expect([code, stderr]).toEqual([1, `tallywire: cannot use the folder ${full}: it is a folder; name another with --data\n`]);
    expect(existsSync(join(full, "master-key"))).toBe(false);
  });

  test("is alone on its folder and on its port", async () => {
    const hub = await serve();
    const again = await tallywire(["hub", "--data", data, "--port", "0"]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("a hub is running on this data folder")]);
    const other = ["hub", "--data", join(folder, "other"), "--port", new URL(hub.origin).port];
    const taken = await tallywire(other);
    expect([taken.code, taken.stderr]).toEqual([
      1,
      "tallywire: the hub did not start: its port is in use; stop what listens there, or take another with --port\n",
    ]);
    expect(await hub.end("SIGTERM")).toBe(0);
  });
});

describe("keys", () => {
  const master = "a master key of at least thirty-two characters";
  const env = { TALLYWIRE_MASTER_KEY: master, XDG_STATE_HOME: join(folder, "nowhere") };

  test("of several edges stand beside their names", async () => {
    const { stdout } = await tallywire(["keys", "write", "acme", "a", "b"], { env });
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^edge +key$/);
    expect(rows.map((row) => row.split(/ +/)[0])).toEqual(["a", "b"]);
    const json = JSON.parse((await tallywire(["keys", "admin", "acme", "-o", "json"], { env })).stdout);
    expect(json).toEqual([{ kind: "admin", tenant: "acme", key: expect.stringMatching(/^tw_a_acme\./) }]);
  });

  test.each([
    [["write", "acme"], "a write key is of one edge; name the edges"],
    [["write", "acme", "a", "--where", "site=fra1"], "a write key takes no --where; a read key does"],
    [["read", "acme", "--where", "site"], '"site" is no condition; write site=fra1'],
    [["read", "acme", "--where", "Site=fra1"], '"Site" is no condition of a key'],
    [["read", "acme", "web-1"], "a read key is of a whole tenant; leave the edges out"],
    [["read", "Acme"], 'tenant "Acme": use a-z, 0-9 and -'],
    [["write", "acme", "web 1"], 'edge "web 1": use letters, digits'],
    [["post", "acme"], "post is no kind; there are write, read, admin, webhook"],
  ])("%j is refused", async (words, reason) => {
    const { code, stdout, stderr } = await tallywire(["keys", ...words], { env });
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(reason)]);
  });

  test("want a whole master", async () => {
    const broken = join(folder, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "master-key"), "");
    const { code, stderr } = await tallywire(["keys", "read", "acme", "--data", broken], { env: { TALLYWIRE_MASTER_KEY: "" } });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^tallywire: the hub's master key .* has only 0 characters; [^\n]*\n$/),
    ]);
  });

  test("want a master", async () => {
    const none = await tallywire(["keys", "read", "acme"], { env: { ...env, TALLYWIRE_MASTER_KEY: "" } });
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("there is no hub's master key in ")]);
    const short = await tallywire(["keys", "read", "acme"], { env: { ...env, TALLYWIRE_MASTER_KEY: "short" } });
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining("has 5 characters")]);
  });
});
