/** `tallywire watch` as a user meets it: on captures, and on loopback where this host and user can. */
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { captureDevices } from "../../shim/capture/live";
import { paletteFor } from "../../shim/output/colour";
import { DisplayLimit } from "../../shim/output/display-limit";
import { BAR_WIDTH, timingBar } from "../../shim/output/timing-bar";
import { startCommand, tallywire } from "../support/command";

const KDIG = "test/fixtures/dns_kdig_udp.pcap";
const PAGES = 25;

const { devices } = await captureDevices().catch(() => ({ devices: [] as string[] }));
const loopback = devices.find((name) => /^lo\d*$/.test(name));
if (loopback === undefined)
  console.warn("watch is not tested live: nothing that captures was built, or this user may not capture");

const tripsOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RoundTrip);

describe("-r", () => {
  test("shows what read shows", async () => {
    for (const form of ["line", "wide", "json"]) {
      const watched = await tallywire(["watch", "-r", KDIG, "-o", form]);
      const read = await tallywire(["read", KDIG, "-o", form]);
      expect([watched.code, watched.stdout, watched.stderr]).toEqual([0, read.stdout, read.stderr]);
    }
  });

  test("protocols and a filter are both asked, whatever its operators", async () => {
    const all = tripsOf((await tallywire(["watch", "-r", KDIG, "-o", "json"])).stdout);
    const watched = async (...words: string[]) =>
      tripsOf((await tallywire(["watch", ...words, "-n", "-r", KDIG, "-o", "json"])).stdout);
    expect(await watched("dns", "http")).toEqual(all);
    expect(await watched("http", "redis")).toEqual([]);
    expect(await watched("http", "-Y", "http or dns")).toEqual([]);
    expect(await watched("dns", "-Y", "status == error or http")).toEqual(all.filter(({ status }) => status === "error"));
  });

  test("the summary adds up: shown, filtered, left out", async () => {
    const { stdout, stderr } = await tallywire(["watch", "-r", KDIG, "-Y", "status == ok", "--rate", "3"]);
    const [, shown, filtered, left] =
      /166 packets seen, (\d+) round trips, (\d+) filtered, (\d+) left out, malformed: none/.exec(stderr) ?? [];
    expect(stdout.trimEnd().split("\n")).toHaveLength(Number(shown));
    const told = [...stderr.matchAll(/tallywire: (\d+) round trips? not shown: more than 3 lines a second/g)];
    expect(told.reduce((sum, [, lines]) => sum + Number(lines), 0)).toBe(Number(left));
    expect(Number(shown) + Number(filtered) + Number(left)).toBe(83);
    expect(Number(left)).toBeGreaterThan(0);
  });

  test.each([
    ["nothing to watch", ["watch"], 2, "name an interface with -i or a capture with -r"],
    ["no interface", ["watch", "-i", ","], 2, '"," names no interface; tallywire interfaces lists them'],
    ["both", ["watch", "-i", "lo", "-r", KDIG], 2, "give -i or -r, not both"],
    ["a protocol that is none", ["watch", "htt", "-r", KDIG], 2, "there is no protocol htt; there are dns, http"],
    [
      "a filter that is wrong",
      ["watch", "dns", "-r", KDIG, "-Y", "status == eror"],
      2,
      "-Y, column 11: status has no value eror; did you mean error?",
    ],
    ["a file that is none", ["watch", "-r", "nowhere.pcap"], 1, "cannot read nowhere.pcap: there is no such file"],
  ])("%s is one clear error", async (_, words, code, says) => {
    const run = await tallywire(words);
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toContain(`tallywire: ${says}`);
  });
});

/** A server of node, of which each fifth page is missing. */
async function openServer() {
  const server = createServer((request, response) => {
    response.statusCode = Number(request.url!.slice(1)) % 5 === 0 ? 404 : 200;
    response.end("page");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const ask = (page: number) =>
    new Promise<void>((done, fail) => {
      const request = get({ port, host: "127.0.0.1", path: `/${page}`, agent: false }, (answer) =>
        answer.resume().on("end", done),
      );
      request.on("error", fail);
    });
  return { port, ask, close: () => new Promise((done) => server.close(done)) };
}

/** Whether something becomes true while one waits a little. */
async function soon(isSo: () => boolean, tries = 50): Promise<boolean> {
  for (let left = tries; left > 0 && !isSo(); left--) await sleep(20);
  return isSo();
}

test.runIf(loopback !== undefined)("-i shows what a client did, as it happens", { timeout: 120_000 }, async () => {
  const filter = "http.path startswith / and server.port > 1024";
  const child = startCommand(["watch", "http", "-i", loopback!, "-o", "json", "-Y", filter]);
  const said = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    said.out += text;
  });
  child.stderr.on("data", (text) => {
    said.err += text;
  });
  const ended = new Promise((done) => child.once("close", done));
  const server = await openServer();
  const shown = () =>
    tripsOf(said.out.slice(0, said.out.lastIndexOf("\n") + 1)).filter((trip) => trip.server.port === server.port);
  const isShown = (page: number) => shown().some(({ request }) => request?.path === `/${page}`);
  await soon(() => said.err.includes("watching"), 1000);
  for (let page = 0; page < PAGES; page++) {
    await server.ask(page);
    await soon(() => isShown(page), 1000);
  }
  child.kill("SIGINT");
  expect(await ended).toBe(0);
  await server.close();
  expect(shown().length).toBe(PAGES);
  for (const { request, response, status } of shown().filter(({ status }) => status !== "unobserved")) {
    const isMissing = Number(String(request?.path).slice(1)) % 5 === 0;
    expect([response?.statusCode, status]).toEqual(isMissing ? [404, "error"] : [200, "ok"]);
  }
  expect(said.err).toMatch(/packets seen, \d+ round trips, \d+ filtered, dropped before the capture: none, malformed: .*\n$/);
});

describe("the display limit", () => {
  test("lets so many through a second, and tells how many it left out when the second is over", () => {
    const told: number[] = [];
    let nowMs = 10_000;
    const limit = new DisplayLimit(
      3,
      (lines) => told.push(lines),
      () => nowMs,
    );
    const ask = (times: number) => Array.from({ length: times }, () => limit.isDue()).filter(Boolean).length;
    expect(ask(10)).toBe(3);
    nowMs += 999;
    expect([ask(5), told]).toEqual([0, []]);
    nowMs += 1;
    expect([ask(2), told]).toEqual([2, [12]]);
    nowMs += 5000;
    limit.turn();
    expect(told).toEqual([12]);
    expect(ask(4)).toBe(3);
    limit.tell();
    expect(told).toEqual([12, 1]);
  });
});

describe("the bar of a duration", () => {
  const bar = (durationNs: number | undefined, timing: RoundTrip["timing"]) =>
    timingBar({ durationNs, timing } as RoundTrip, paletteFor(new Writable()));

  test("has its parts in their order, by their share", () => {
    expect(bar(100, { requestNs: 25, serverNs: 25, responseNs: 25 })).toBe(">>>>>~~~~~#####<<<<<");
    expect(bar(1000, { requestNs: 0, serverNs: 1000, responseNs: 0 })).toBe("#".repeat(BAR_WIDTH));
    expect(bar(1_000_000, { requestNs: 1, serverNs: 999_998, responseNs: 1 })).toBe(`>${"#".repeat(BAR_WIDTH - 2)}<`);
  });

  test("is as wide for any parts, and empty where nothing is known", () => {
    for (let turn = 1; turn < 500; turn++) {
      const [requestNs, serverNs, responseNs] = [(turn * 7919) % 101, (turn * 104729) % 1009, (turn * 1299709) % 53];
      expect(bar(requestNs + serverNs + responseNs + (turn % 3), { requestNs, serverNs, responseNs })).toHaveLength(BAR_WIDTH);
    }
    expect([bar(undefined, {}), bar(0, {})]).toEqual([" ".repeat(BAR_WIDTH), " ".repeat(BAR_WIDTH)]);
  });
});
