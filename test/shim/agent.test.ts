/** The agent, from a capture to the hub: what it posts, how it waits, and what survives when it is killed. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { deriveKey, importMaster } from "../../engine/keys";
import { MinuteSum } from "../../engine/summary";
import { runOf, startCommand, tallywire, untilSays } from "../support/command";
import { IngestServer } from "../support/ingest-server";
import { manyMinutes } from "../support/many-minutes";
import { ethernet, ipv4, Pcapng, udp } from "../support/pcap-builder";
import { ROOT } from "../support/repository";

const MINUTES = 40;
const QUERIES_PER_MINUTE = 50;
const QUERIES = MINUTES * QUERIES_PER_MINUTE;
const START_NS = 1_800_000_000n * 1_000_000_000n;

let folder: string;
let capture: string;
let key: string;
let server: IngestServer;

beforeAll(async () => {
  const master = await importMaster("a master key that is for tests only");
  key = await deriveKey(master, { kind: "write", tenant: "acme", edge: "web-7" });
  folder = mkdtempSync(join(tmpdir(), "tallywire-agent-"));
  capture = join(folder, "long.pcap");
  writeFileSync(capture, manyMinutes({ startNs: START_NS, minutes: MINUTES, queriesPerMinute: QUERIES_PER_MINUTE }));
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  server = new IngestServer();
  await server.listen();
});
afterEach(async () => {
  await server.close();
  rmSync(join(folder, "spool"), { recursive: true, force: true });
});

const spoolFolder = () => join(folder, "spool/web-7");
const waiting = () => readdirSync(spoolFolder()).filter((name) => name.endsWith(".twb"));
const words = (...more: string[]) => ["agent", "--file", capture, "--spool", join(folder, "spool"), ...more];
const environment = () => ({ TALLYWIRE_HUB: server.origin, TALLYWIRE_KEY: key, TALLYWIRE_TAGS: "site=fra1,role=edge" });

/** Transactions that arrived, over all bundles merged. */
async function arrived(bundles: Iterable<Uint8Array>): Promise<number> {
  const core = new Core(new WebAssembly.Module(await readFile(join(ROOT, "build/core.wasm"))), {
    role: "hub",
    budgetBytes: 32 << 20,
  });
  const sum = new MinuteSum(core);
  for (const bundle of bundles) sum.add(bundle);
  const rows = sum.summary().metrics.filter((row) => row.metric === "dns_transactions_total");
  return rows.reduce((total, row) => total + (row.value ?? 0), 0);
}

test("posts each minute once, with its key and tags", async () => {
  const { code, stdout, stderr } = await tallywire(words(), { env: environment() });
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toContain(
    `${(2 * QUERIES).toLocaleString("en-US")} packets seen, malformed: none, undecoded: none, ${server.bundles.size} minutes sealed`,
  );
  expect(server.bundles.size).toBeGreaterThanOrEqual(MINUTES);
  expect(server.duplicates).toBe(0);
  expect(waiting()).toEqual([]);
  expect(await arrived(server.bundles.values())).toBe(QUERIES);
  expect(server.requests[0]).toMatchObject({
    path: "/v1/ingest",
    headers: {
      authorization: `Bearer ${key}`,
      "tallywire-tags": "site=fra1,role=edge",
      "tallywire-clock": expect.stringMatching(/^\d{10}\.\d{3}$/),
      "tallywire-signature": expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
      "content-encoding": "deflate",
      "user-agent": expect.stringMatching(/^tallywire\/\d+\.\d+\.\d+ node\//),
    },
  });
});

test("without a hub nothing leaves, and a later run posts what waits", async () => {
  const { code, stderr } = await tallywire(words("--edge", "web-7"));
  expect([code, server.requests.length]).toEqual([0, 0]);
  expect(stderr).toContain("no hub is given: nothing leaves this host");
  const count = waiting().length;
  expect(count).toBeGreaterThanOrEqual(MINUTES);
  const run = await tallywire(["agent", "--file", "test/fixtures/http1_nano.pcap", "--spool", join(folder, "spool")], {
    env: environment(),
  });
  expect(run.code).toBe(0);
  expect(server.bundles.size).toBeGreaterThan(count);
  expect(waiting()).toEqual([]);
});

describe("a hub that fails", () => {
  test("and breaks connections before and after it kept a bundle gets all of them once", async () => {
    let turn = 0;
    server.refuse = () =>
      [{ status: 0, breaks: "before" as const }, undefined, undefined, { status: 0, breaks: "after" as const }][turn++ % 8];
    const { code } = await tallywire(words(), { env: environment() });
    expect(code).toBe(0);
    expect(server.duplicates).toBeGreaterThan(0);
    expect(await arrived(server.bundles.values())).toBe(QUERIES);
  });

  test("is waited for as long as it says", async () => {
    let isFirst = true;
    server.refuse = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return { status: 503, headers: { "retry-after": "1" }, body: { error: "behind", reason: "busy" } };
    };
    const { code, stderr } = await tallywire(words(), { env: environment() });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /the hub cannot be reached: 503 behind busy; bundles wait in .*\n(.*\n)*.*the hub takes bundles again/,
    );
    expect(server.bundles.size).toBeGreaterThanOrEqual(MINUTES);
  });

  test("is found again when it comes back", async () => {
    const { port } = server;
    const env = environment();
    await server.close();
    const child = startCommand(words(), env);
    const run = runOf(child);
    await sleep(1500);
    server = new IngestServer();
    await server.listen(port);
    expect((await run).code).toBe(0);
    expect(await arrived(server.bundles.values())).toBe(QUERIES);
  });
});

describe("refusals", () => {
  test("of one bundle set it aside and stop nothing", async () => {
    let first = "";
    server.refuse = (name) => {
      first ||= name;
      return name === first ? { status: 422, body: { error: "too_late", reason: "older than 48 h" } } : undefined;
    };
    const { code, stderr } = await tallywire(words(), { env: environment() });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the hub refused 00\d+-[0-9a-f]{16}-\d+-0\.twb, which is set aside in .*refused: 422 too_late older than 48 h/,
    );
    expect(readdirSync(join(spoolFolder(), "refused"))).toHaveLength(2);
    expect(waiting()).toEqual([]);
  });

  test("of the key keep everything and say what to mend", async () => {
    server.refuse = () => ({ status: 401, body: { error: "bad_key", reason: "the key is not one of this hub's" } });
    const { code, stderr } = await tallywire(words(), { env: environment() });
    expect(code).toBe(1);
    expect(stderr).toContain("the hub takes nothing from this edge: 401 bad_key the key is not one of this hub's");
    expect(waiting().length).toBeGreaterThanOrEqual(MINUTES);
  });
});

describe("killed", () => {
  test("at any moment and started again, everything arrives once", async () => {
    server.refuse = () => (Math.random() < 0.15 ? { status: 0, breaks: "after" } : undefined);
    let kills = 0;
    for (let attempt = 0; attempt < 25; attempt++) {
      const child = startCommand(words(), environment());
      const run = runOf(child);
      const isEnd = attempt === 24;
      if (!isEnd) await Promise.race([sleep(60 + Math.random() * 240), run]);
      if (!isEnd && child.exitCode === null) child.kill("SIGKILL");
      const { code } = await run;
      if (code === "SIGKILL") kills += 1;
      if (code === 0) break;
    }
    expect(kills).toBeGreaterThan(0);
    expect(waiting()).toEqual([]);
    expect(await arrived(server.bundles.values())).toBe(QUERIES);
    expect(new Set([...server.bundles.values()].map((bundle) => readBundleHeader(bundle).bootId)).size).toBe(1);
  }, 60_000);
});

describe("told to end", () => {
  test("it keeps what it cannot post, and goes on where it stopped when it is run again", async () => {
    server.refuse = () => ({ status: 503, body: { error: "behind", reason: "busy" } });
    const child = startCommand(words(), environment());
    const run = runOf(child);
    await untilSays(child, /: reading /);
    await sleep(300);
    child.kill("SIGTERM");
    const { code, stderr } = await run;
    expect(code).toBe(1);
    expect(stderr).toMatch(/\d+ packets seen, .* minutes sealed, 0 posted, \d+ wait in /);
    server.refuse = () => undefined;
    expect((await tallywire(words(), { env: environment() })).code).toBe(0);
    expect(await arrived(server.bundles.values())).toBe(QUERIES);
  });

  test("it does not count the same files again while their minutes wait", async () => {
    server.refuse = () => ({ status: 503, body: { error: "behind", reason: "busy" } });
    const child = startCommand(words(), environment());
    const run = runOf(child);
    while (!existsSync(spoolFolder()) || waiting().length < MINUTES) await sleep(20);
    await sleep(200);
    child.kill("SIGKILL");
    await run;
    server.refuse = () => undefined;
    expect((await tallywire(words(), { env: environment() })).code).toBe(0);
    expect(await arrived(server.bundles.values())).toBe(QUERIES);
  });

  test.each(["SIGINT", "SIGHUP"] as const)("while a pipe goes on, %s has it seal what is open and post it", async (signal) => {
    const child = startCommand(["agent", "--file", "-", "--spool", join(folder, "spool")], environment());
    const run = runOf(child);
    child.stdin.on("error", () => {});
    child.stdin.write(await readFile(join(ROOT, "test/fixtures/dns_kdig_udp.pcap")));
    await sleep(1000);
    child.kill(signal);
    // A shell and the terminal both send the latter.
    if (signal === "SIGHUP") child.kill(signal);
    const { code, stderr } = await run;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("166 packets seen, malformed: none, undecoded: none, 1 minute sealed, 1 posted"),
    ]);
    expect(await arrived(server.bundles.values())).toBe(83);
  });
});

test("packets without a time belong to no minute, which it says", async () => {
  const ng = new Pcapng();
  const path = join(folder, "simple.pcapng");
  writeFileSync(
    path,
    Buffer.concat([ng.section(), ng.interface(), ...[1, 2].map((id) => ng.simplePacket(ethernet(ipv4(udp("x"), { id }))))]),
  );
  const { code, stderr } = await tallywire(["agent", "--file", path, "--spool", join(folder, "spool")], { env: environment() });
  expect([code, server.bundles.size]).toEqual([0, 0]);
  expect(stderr).toContain("2 packets seen");
  expect(stderr).toContain("0 minutes sealed, 0 posted, 2 packets without a time, which belong to no minute and are not sent");
});

test("a clock that differs from the hub's is named once", async () => {
  server.clockOffsetMs = -90_000;
  const { stderr } = await tallywire(words(), { env: environment() });
  expect(stderr.match(/this host's clock is \d+ s ahead of the hub's/g)).toEqual([
    "this host's clock is 90 s ahead of the hub's",
  ]);
});

test("a spool that cannot be written is named, and what was kept stays", async () => {
  const path = join(folder, "spool");
  writeFileSync(path, "a file where a folder should be");
  const { code, stderr } = await tallywire(words(), { env: environment() });
  rmSync(path);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^tallywire: cannot use the spool .*; name another with --spool\n$/)]);
});

describe("words that cannot be", () => {
  test.each([
    [["agent"], "nothing to read; give -i INTERFACE"],
    [["agent", "--file", "x", "-i", "lo"], "give --file or --interface, not both"],
    [["agent", "--file", "x", "--hub", "https://hub.example.com"], "a hub but no key"],
    [["agent", "--file", "x", "--key", "tw_w_a.b.c"], "a key but no hub"],
    [["agent", "--file", "x", "--hub", "https://hub.example.com", "--key", "secret"], "this is no key"],
    [["agent", "--file", "x", "--tags", "Site=fra"], '"Site=fra" is no tag; write tags as site=fra1,role=edge'],
    [["agent", "--file", "x", "--edge", "../up"], '"../up" cannot name an edge'],
    [["agent", "--file", "x", "--spool-size", "0"], "Give a whole number from 1"],
  ])("%j", async (given, line) => {
    const { code, stderr } = await tallywire(given);
    expect([code, stderr]).toEqual([2, expect.stringContaining(line)]);
  });

  test("a key of another edge", async () => {
    const { code, stderr } = await tallywire(words("--edge", "db-1"), { env: environment() });
    expect([code, stderr]).toEqual([2, expect.stringContaining("the key is of edge web-7, not db-1")]);
  });
});
