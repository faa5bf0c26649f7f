/** `tallywire log` as a user meets it: of captures, and on a network of its own under load, killed and with its file moved away. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { Listener, Network, networkMissing } from "../support/capture/network";
import { COMMAND, tallywire } from "../support/command";

const CAPTURE = "test/fixtures/dns_dnsperf_udp.pcap";
const KILLS = 12;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-log-"));
  path = join(folder, "trips.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The text of all files of the log, the oldest first. */
/** Without the spaces before a line's end that fill a page. */
const unfilled = (text: string) => text.replaceAll(/ +\n/g, "\n");
const allText = () =>
  readdirSync(folder)
    .sort((one, other) => (one === "trips.json" ? 1 : other === "trips.json" ? -1 : one < other ? -1 : 1))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");

describe("-r", () => {
  test("writes what read shows, over as many files as it takes, and adds to what is there", async () => {
    const { stdout } = await tallywire(["read", CAPTURE, "-o", "json"]);
    const words = ["log", "-r", CAPTURE, "-w", path, "--rotate-size", "1"];
    for (let run = 0; run < 3; run++) {
      const { code, stderr } = await tallywire(words);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^[\d,]+ packets seen, 1,260 round trips, malformed: none/)]);
    }
    expect(unfilled(allText())).toBe(stdout.repeat(3));
    expect(readdirSync(folder)).toHaveLength(Math.ceil(allText().length / (1 << 20)));
    // A part of a line for each page.
    expect(allText().length).toBeLessThan(stdout.length * 3 * 1.2);
  });

  test("protocols, a filter and a count choose", async () => {
    const chosen = ["-Y", "dns.rcode != 0", "-c", "3"];
    const { stdout } = await tallywire(["read", CAPTURE, "-o", "json", ...chosen]);
    expect((await tallywire(["log", "dns", "-r", CAPTURE, "-w", path, ...chosen])).code).toBe(0);
    expect(unfilled(readFileSync(path, "utf8"))).toBe(stdout);
  });

  test.each([
    ["no file", ["log", "-r", CAPTURE], "name the file with -w; watch -o json writes to standard output"],
    ["standard output", ["log", "-r", CAPTURE, "-w", "-"], "-w takes a file; watch -o json writes to standard output"],
    [
      "no folder",
      ["log", "-r", CAPTURE, "-w", "/nowhere/trips.json"],
      "cannot write /nowhere/trips.json: its folder is not there",
    ],
    ["a capture", ["log", "-r", CAPTURE, "-w", CAPTURE], `${CAPTURE} is no log of round trips, and is left as it is`],
    ["a device", ["log", "-r", CAPTURE, "-w", "/dev/null"], "/dev/null is no plain file"],
  ])("%s is refused", async (_, words, why) => {
    const { code, stderr } = await tallywire(words);
    expect(code).not.toBe(0);
    expect(stderr).toContain(why);
  });
});

const missing = networkMissing();
if (missing !== undefined) console.warn(`log is not tested live: ${missing}`);

/** Answers each request with its path. */
const SERVER = `
  import { createServer } from "node:http";
  createServer((request, response) => response.end(request.url)).listen(8080, "10.77.0.1", () => console.error("ready"));`;

/** Asks for /0, /1, ... ten at once, until it is told to stop, and then says how many were answered. */
const CLIENT = `
  import { Agent, get } from "node:http";
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  let next = 0, answered = 0, isOver = false;
  process.on("SIGTERM", () => { isOver = true; });
  const ask = () => new Promise((done, fail) =>
    get({ host: "10.77.0.1", port: 8080, agent, path: "/" + next++ }, (response) => response.resume().on("end", () => done(answered++))).on("error", fail));
  await Promise.all(Array.from({ length: 10 }, async () => { while (!isOver) await ask(); }));
  console.log("answered " + answered);
  process.exit();`;

describe.runIf(missing === undefined)("under load", () => {
  let network: Network;
  beforeAll(async () => {
    network = new Network();
    await network.ready();
    const server = new Listener(network.near.start(process.execPath, "--input-type=module", "-e", SERVER));
    await server.says(/ready/);
  });
  afterAll(() => network?.remove());

  const logger = async () =>
    new Listener(network.near.start(process.execPath, COMMAND, "log", "-i", "tw0", "-w", path)).says(/watching tw0/);
  const client = () => new Listener(network.far.start(process.execPath, "--input-type=module", "-e", CLIENT));
  const numbersIn = (file: string) =>
    readFileSync(file, "utf8")
      .split(/(?<=\n)/)
      .filter(Boolean)
      .map((line) => {
        expect(line.endsWith("\n"), line).toBe(true);
        const { request } = JSON.parse(line) as RoundTrip;
        return Number(String(request?.path).slice(1));
      });

  test("every line is whole however often it is killed", async () => {
    const asking = client();
    onTestFinished(async () => void (await asking.stop()));
    let lines = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const log = await logger();
      await sleep(150 + 37 * kill);
      log.child.kill("SIGKILL");
      await log.stop();
      expect(log.said).not.toMatch(/ended within/);
      const now = existsSync(path) ? numbersIn(path).length : 0;
      expect(now).toBeGreaterThanOrEqual(lines);
      lines = now;
    }
    await asking.stop();
    expect(lines).toBeGreaterThan(KILLS);
  }, 120_000);

  test("whoever moves the file away loses no request and finds none twice", async () => {
    const log = await logger();
    const asking = client();
    const moved: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      await sleep(300);
      moved.push(`${path}.${turn}`);
      renameSync(path, moved.at(-1)!);
      log.child.kill("SIGHUP");
      while (!existsSync(path)) await sleep(10);
    }
    const answered = Number(/answered (\d+)/.exec(await asking.stop())?.[1]);
    await sleep(500);
    const said = await log.stop();
    expect(said).toMatch(/dropped before the capture: none, malformed: none/);
    const numbers = [...moved, path].flatMap(numbersIn).sort((one, other) => one - other);
    expect(answered).toBeGreaterThan(100);
    expect(numbers).toEqual(Array.from({ length: answered }, (_, index) => index));
  }, 60_000);
});
