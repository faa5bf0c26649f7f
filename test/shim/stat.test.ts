/** `tallywire stat` as a user meets it: on captures, and on loopback where this host and user can. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import type { StatAnswer } from "../../engine/stat";
import { captureDevices } from "../../shim/capture/live";
import { sortRows, statTable } from "../../shim/output/stat-table";
import { runOf, startCommand, tallywire } from "../support/command";
import { Conversation, pcap } from "../support/pcap-builder";

const KDIG = "test/fixtures/dns_kdig_udp.pcap";
const CURL = "test/fixtures/http1_curl.pcap";

const { devices } = await captureDevices().catch(() => ({ devices: [] as string[] }));
const loopback = devices.find((name) => /^lo\d*$/.test(name));
if (loopback === undefined)
  console.warn("stat is not tested live: nothing that captures was built, or this user may not capture");

const answersOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as StatAnswer);

async function askedFor(...words: string[]): Promise<StatAnswer> {
  const { code, stdout } = await tallywire(["stat", ...words, "-o", "json"]);
  expect(code).toBe(0);
  const [answer, ...others] = answersOf(stdout);
  expect(others).toEqual([]);
  return answer!;
}

async function readTrips(file: string): Promise<RoundTrip[]> {
  const { stdout } = await tallywire(["read", file, "-o", "json"]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RoundTrip);
}

/** Waits until something is true, as long as a slow machine may take. */
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1000; left > 0 && !isSo(); left--) await sleep(20);
}

test("the table is shown once more where the terminal closes", async () => {
  const child = startCommand(["stat", "-r", "-", "--every", "10s"]);
  const run = runOf(child);
  child.stdin.on("error", () => {});
  child.stdin.write(readFileSync(KDIG));
  await sleep(1500);
  child.kill("SIGHUP");
  const { code, stdout, stderr } = await run;
  expect([code, stderr]).toEqual([0, expect.stringMatching(/166 packets seen, 83 round trips/)]);
  expect(stdout.match(/^dns .*$/gm)?.map((row) => Number(row.split(/ +/)[2]))).toEqual([82, 1]);
});

describe("-r", () => {
  test("counts what read shows, by server unless told otherwise", async () => {
    const trips = await readTrips(KDIG);
    const { by, rows, requests, errors } = await askedFor("-r", KDIG);
    expect(by).toEqual(["protocol", "server.address"]);
    expect(requests).toBe(trips.length);
    expect(errors).toBe(trips.filter(({ status }) => status === "error").length);
    for (const row of rows) {
      const mine = trips.filter(({ server }) => server.address === row.by["server.address"]);
      expect(row.requests).toBe(mine.length);
      expect(row.values!.max).toBe(Math.max(...mine.map(({ durationNs }) => durationNs ?? 0)));
    }
  });

  test("a field of the one protocol goes without its name", async () => {
    const short = await askedFor("http", "-r", CURL, "--by", "path,statusCode");
    expect(short.by).toEqual(["http.path", "http.statusCode"]);
    expect(short.rows).toEqual((await askedFor("-r", CURL, "-Y", "http", "--by", "http.path", "http.statusCode")).rows);
    expect(short.rows.find(({ by }) => by["http.path"] === "/nosuch")).toMatchObject({
      by: { "http.statusCode": 404 },
      errors: 1,
    });
  });

  test("--slow and --big put first what is, with the round trips behind it", async () => {
    const trips = await readTrips(CURL);
    const slow = await askedFor("http", "-r", CURL, "--by", "path", "--slow");
    expect(slow.rows.map(({ values }) => values!.quantiles["0.99"])).toEqual(
      slow.rows.map(({ values }) => values!.quantiles["0.99"]).sort((a, b) => b - a),
    );
    const slowest = trips.reduce((one, other) => (other.durationNs! > one.durationNs! ? other : one));
    expect(slow.rows[0]!.samples![0]).toEqual(slowest);
    const big = await askedFor("-r", CURL, "--by", "http.path", "--big");
    expect(big.rows[0]).toMatchObject({ by: { "http.path": "/big.bin" } });
    expect(big.rows[0]!.values!.sum).toBe(big.rows[0]!.bytes);
  });

  test("a table for people, with what is not shown told", async () => {
    const { stdout, stderr } = await tallywire(["stat", "dns", "-r", KDIG, "--by", "rcodeName,type", "--rows", "3", "-s", "1"]);
    const [head, ...lines] = stdout.split("\n\n")[0]!.split("\n");
    expect(head!.trim().split(/\s+/)).toEqual(
      "dns.rcodeName dns.type requests errors mean p50 p90 p99 max total bytes".split(" "),
    );
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toMatch(/^\(\d+ more\)$/);
    expect(stdout.split("\n\n")).toHaveLength(4);
    expect(stderr).toContain("166 packets seen, 83 round trips, 0 filtered");
  });

  test("what a client sent reaches no terminal as it is, in no place", async () => {
    const talk = new Conversation({ serverPort: 80 }).open();
    talk.send("client", "GET /\u001b[2J\u0007 HTTP/1.1\r\nHost: a\u001b]0;b\u0007\r\n\r\n");
    talk.send("server", "HTTP/1.1 204 \u001b[31m\r\n\r\n").close();
    const file = join(mkdtempSync(join(tmpdir(), "tallywire-stat-")), "odd.pcap");
    writeFileSync(file, pcap(talk.packets));
    const { stdout } = await tallywire(["stat", "http", "-r", file, "--by", "path,host,reason", "-s", "1"]);
    expect(stdout).toContain("requests");
    expect([...stdout].filter((letter) => letter < " " && letter !== "\n")).toEqual([]);
  });

  test("--every shows what there is of a pipe before its end", { timeout: 60_000 }, async () => {
    const child = startCommand(["stat", "-r", "-", "--every", "100ms", "-o", "json"]);
    const ended = runOf(child);
    let isShown = false;
    child.stdout.once("data", () => {
      isShown = true;
    });
    const capture = readFileSync(KDIG);
    for (let at = 0; at < capture.length; at += 1000) {
      child.stdin.write(capture.subarray(at, at + 1000));
      await sleep(50);
      if (at + 1000 >= capture.length) await until(() => isShown);
    }
    child.stdin.end();
    const requests = answersOf((await ended).stdout).map((answer) => answer.requests);
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.at(-1)).toBe(83);
    expect(requests).toEqual([...requests].sort((a, b) => a - b));
  });

  test.each([
    ["no source", ["stat"], 2, "name an interface with -i or a capture with -r"],
    ["no field", ["stat", "-r", CURL, "--by", ","], 2, "--by names no field; leave it out, or name one to four"],
    ["a field twice", ["stat", "http", "-r", CURL, "--by", "path,http.path"], 2, "--by has http.path twice; name it once"],
    [
      "a field of both sides",
      ["stat", "http", "-r", CURL, "--metric", "contentLength"],
      2,
      "--metric: both sides have it: write http.request.contentLength or http.response.contentLength",
    ],
    [
      "a field of other protocols",
      ["stat", "postgresql", "-r", CURL, "--by", "command"],
      2,
      "--by: there is no field postgresql.command; did you mean postgresql.commandTag?",
    ],
    [
      "a field that is none",
      ["stat", "-r", KDIG, "--by", "dns.nam"],
      2,
      "--by: there is no field dns.nam; did you mean dns.name?",
    ],
    ["a metric that is none", ["stat", "-r", KDIG, "--metric", "dns.name"], 2, "--metric: dns.name is no number"],
    ["two questions", ["stat", "-r", KDIG, "--slow", "--big"], 2, "--slow and --big are two questions"],
    ["a time of a capture", ["stat", "-r", KDIG, "--time", "10s"], 2, "--time ends a look at an interface: leave it out with -r"],
    [
      "what is not kept",
      ["stat", "-r", KDIG, "--by", "http.request.body"],
      2,
      "--by: http.request.body is not kept here; read, watch and log keep it with --body",
    ],
    ["a span that is none", ["stat", "-r", KDIG, "--time", "soon"], 2, "Give a span of at least 100ms"],
    ["a file that is none", ["stat", "-r", "nowhere.pcap"], 1, "cannot read nowhere.pcap: there is no such file"],
  ])("%s is one clear error", async (_, words, code, says) => {
    const run = await tallywire(words);
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toContain(says);
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe.skipIf(loopback === undefined)("-i", () => {
  test("what the client counted, in a table that grows and ends when its time is over", { timeout: 120_000 }, async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/missing" ? 404 : 200;
      response.end("page");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const words = ["stat", "http", "-i", loopback!, "-Y", `server.port == ${port}`, "--by", "path,statusCode"];
    const child = startCommand([...words, "--every", "300ms", "-o", "json"]);
    const ended = runOf(child);
    const said = { out: "", err: "" };
    child.stdout.on("data", (text) => {
      said.out += text;
    });
    child.stderr.on("data", (text) => {
      said.err += text;
    });
    const requestsSoFar = () => answersOf(said.out.slice(0, said.out.lastIndexOf("\n") + 1)).at(-1)?.requests ?? 0;
    await until(() => said.err.includes("watching"));
    for (let page = 0; page < 30; page++) {
      const path = page % 3 === 0 ? "/missing" : "/page";
      await new Promise<void>((done) =>
        get({ port, host: "127.0.0.1", path, agent: false }, (response) => response.resume().on("end", done)),
      );
    }
    await until(() => requestsSoFar() === 30);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    server.close();
    expect(code).toBe(0);
    const answers = answersOf(stdout);
    const counts = answers.map(({ requests }) => requests);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(answers.at(-1)).toMatchObject({
      requests: 30,
      errors: 10,
      rows: [
        { by: { "http.path": "/page", "http.statusCode": 200 }, requests: 20, errors: 0 },
        { by: { "http.path": "/missing", "http.statusCode": 404 }, requests: 10, errors: 10 },
      ],
    });
  });

  test("--time ends it", { timeout: 60_000 }, async () => {
    const { code, stdout } = await tallywire(["stat", "-i", loopback!, "--time", "500ms", "-o", "json"]);
    expect(code).toBe(0);
    expect(answersOf(stdout)).toHaveLength(1);
  });
});

describe("a table", () => {
  const part = (requests: number, max: number) => ({
    requests,
    errors: 0,
    bytes: 10,
    values: { count: requests, sum: max * requests, min: 0, max, quantiles: { "0.5": max, "0.9": max, "0.99": max } },
  });
  const answer: StatAnswer = {
    value: "durationNs",
    by: ["a"],
    requests: 9,
    errors: 0,
    bytes: 30,
    rows: [
      { by: { a: "first\u001b[2J" }, ...part(5, 1000) },
      { by: {}, ...part(3, 3_600_000_000_000), upper: 4 },
      { by: { a: "none" }, requests: 1, errors: 0, bytes: 0 },
    ],
    other: part(1, 1),
  };

  test("is sorted by any figure, what has none last", () => {
    expect(sortRows(answer.rows, "max").map(({ requests }) => requests)).toEqual([3, 5, 1]);
    expect(sortRows(answer.rows, "requests").map(({ requests }) => requests)).toEqual([5, 3, 1]);
  });

  test("shows what is not known, bounds and hours, and no control characters", () => {
    const lines = statTable(answer, "mean", 20).split("\n");
    expect(lines[1]).toMatch(/^- +3\.\.4 .* 1 h /);
    expect(lines[2]).not.toContain("\u001b");
    expect(lines[3]).toMatch(/^none .* - +- +-/);
    expect(lines[4]).toMatch(/^\(other\) +1 /);
  });
});
