/** Two hops through a proxy, both on loopback and in one capture: two round trips, whichever kind of proxy and of interface. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { readRoundTrips } from "../support/round-trips";

const HAS_TOOLS = spawnSync("which", ["tcpdump"]).status === 0 && process.getuid?.() === 0;
if (!HAS_TOOLS) console.warn("tcpdump is missing, or may not capture: hops through a real proxy are not tested");

const REQUESTS = 40;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

/** Answers every request with its path, every tenth with 404. */
function origin(): Server {
  return createServer((asked, answer) => {
    answer.writeHead(Number(asked.url?.split("/").at(-1)) % 10 === 9 ? 404 : 200, { "content-type": "text/plain" });
    answer.end(`you asked for ${asked.url}`);
  });
}

/** Passes requests on: those in absolute form to where they say, the others to `originPort`. */
function proxy(originPort: number): Server {
  return createServer((asked: IncomingMessage, answer) => {
    const target = new URL(asked.url ?? "/", `http://127.0.0.1:${originPort}`);
    const headers = { ...asked.headers, via: "1.1 hop" };
    const { method } = asked;
    const onward = request({ host: target.hostname, port: target.port, path: target.pathname, method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, { ...answered.headers, via: "1.1 hop" });
      answered.pipe(answer);
    });
    asked.pipe(onward);
  });
}

function ask(port: number, path: string): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: { "user-agent": "hops/1" } }, (answered) => {
      answered.resume().on("end", () => done(answered.statusCode ?? 0));
    });
    asked.on("error", fail).end();
  });
}

async function stop(dump: ChildProcess): Promise<void> {
  await wait(500);
  const ended = new Promise((done) => dump.on("exit", done));
  dump.kill("SIGINT");
  await ended;
}

/** Of round trips to `port`: code and path of each. */
function told(trips: RoundTrip[], port: number): string[] {
  return trips
    .filter(({ server }) => server.port === port)
    .map(({ request: asked, response }) => `${response?.statusCode} ${asked?.path}`)
    .sort();
}

test.runIf(HAS_TOOLS).each(["lo", "any"])(
  "a forward and a reverse proxy, captured on %s",
  async (device) => {
    const folder = mkdtempSync(join(tmpdir(), "tallywire-proxy-"));
    const servers = [origin()];
    const originPort = await listen(servers[0]!);
    servers.push(proxy(originPort));
    const proxyPort = await listen(servers[1]!);
    const file = join(folder, "hops.pcap");
    const words = [
      "-i",
      device,
      "-U",
      "-B",
      "16384",
      "-s",
      "2048",
      "--immediate-mode",
      "-w",
      file,
      `tcp port ${originPort} or tcp port ${proxyPort}`,
    ];
    const dump = spawn("tcpdump", words, { stdio: "ignore" });
    try {
      await wait(1500);
      const codes: Record<number, number> = {};
      for (let index = 0; index < REQUESTS; index++) {
        const way = index % 2 === 0 ? `http://127.0.0.1:${originPort}` : "";
        const code = await ask(proxyPort, `${way}/item/${index}`);
        codes[code] = (codes[code] ?? 0) + 1;
      }
      expect(codes).toEqual({ 200: 36, 404: 4 });
      await stop(dump);
      const trips = readRoundTrips(readFileSync(file)).filter(({ protocol }) => protocol === "http");
      expect(trips.length).toBe(2 * REQUESTS);
      const paths = Array.from({ length: REQUESTS }, (_, index) => `${index % 10 === 9 ? 404 : 200} /item/${index}`).sort();
      expect(told(trips, originPort)).toEqual(paths);
      expect(told(trips, proxyPort)).toEqual(paths);
      expect(trips.every(({ request: asked }) => asked?.userAgent === "hops/1")).toBe(true);
    } finally {
      dump.kill("SIGINT");
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  30_000,
);
