/** Whose requests are, as a user sees it: a real curl and a real server on loopback, by the numbers of their own processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { findLoopback } from "../support/capture/loopback";
import { runOf, startCommand, untilSays } from "../support/command";
import { programPath } from "../support/servers/programs";

const { name: loopback, missing } = findLoopback();
const reason =
  missing ??
  (process.platform !== "linux" ? "this is no Linux" : programPath("curl") === undefined ? "curl is not installed" : undefined);
if (reason !== undefined) console.warn(`whose requests are is not tested by commands: ${reason}`);

const CURLS = 5;
/** It takes its time, so that a slow machine has looked before a client is gone. */
const SERVER = `
  const answer = (_, response) => setTimeout(() => response.end("page"), 200);
  const server = require("node:http").createServer(answer);
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

const linesOf = <Line>(text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

async function curl(port: number): Promise<number> {
  const child = spawn("curl", ["-s", `http://127.0.0.1:${port}/curl`], { stdio: "ignore" });
  await new Promise((done) => child.once("close", done));
  expect(child.exitCode).toBe(0);
  return child.pid!;
}

async function startServer(): Promise<{ server: ChildProcess; port: number }> {
  const server = spawn(process.execPath, ["-e", SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise<number>((done) => server.stdout!.once("data", (text) => done(Number(text))));
  return { server, port };
}

describe.runIf(reason === undefined)("a request", { timeout: 120_000 }, () => {
  test("has the processes of both its ends, in every command", async () => {
    const { server, port } = await startServer();
    const folder = mkdtempSync(join(tmpdir(), "tallywire-owner-"));
    const file = join(folder, "trips.json");
    const look = async (command: string[], more = "") => {
      const words = ["-i", loopback, "-Y", `server.port == ${port}${more}`];
      const child = startCommand([...command, ...words]);
      const run = runOf(child);
      await untilSays(child, /watching/);
      return async () => {
        child.kill("SIGINT");
        const { code, stdout } = await run;
        expect(code).toBe(0);
        return stdout;
      };
    };
    try {
      const watch = ["watch", "http", "-o", "json"];
      const all = await look(watch);
      const filtered = await look(watch, ' and process == "curl"');
      const without = await look([...watch, "--no-owners"]);
      const seen = await look(["overview", "http", "-o", "json"]);
      const logged = await look(["log", "http", "-w", file]);
      const pids: number[] = [];
      for (let i = 0; i < CURLS; i++) pids.push(await curl(port));
      await new Promise<void>((done) => get({ port, path: "/node", agent: false }, (one) => one.resume().on("end", done)));

      const trips = linesOf<RoundTrip>(await all());
      const ownServer = { address: "127.0.0.1", port, process: "node", pid: server.pid };
      expect(trips.map(({ client }) => client.pid)).toEqual([...pids, process.pid]);
      for (const trip of trips) expect(trip.server).toMatchObject(ownServer);
      expect(trips.slice(0, CURLS).map(({ client }) => client.process)).toEqual(pids.map(() => "curl"));
      const ofCurls = linesOf<RoundTrip>(await filtered());
      expect(ofCurls.map(({ client }) => client.pid)).toEqual(pids);
      const unasked = linesOf<RoundTrip>(await without());
      expect(unasked).toHaveLength(CURLS + 1);
      for (const { client, server } of unasked)
        expect([Object.keys(client), Object.keys(server)]).toEqual(Array(2).fill(["address", "port"]));
      const services = linesOf<{ dependedOnBy: unknown[] }>(await seen()).at(-1)!;
      expect(services.dependedOnBy).toMatchObject([{ port, requests: CURLS + 1, processes: ["node"] }]);
      await logged();
      expect(linesOf<RoundTrip>(readFileSync(file, "utf8")).map(({ client }) => client.pid)).toEqual([...pids, process.pid]);
    } finally {
      server.kill();
      rmSync(folder, { recursive: true });
    }
  });
});
