/** nghttpd on a free port, asked by Node's own client: what it says it sent and got is what a capture of it holds. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRoundTrips } from "../support/round-trips";

const SERVER = "/usr/sbin/nghttpd";
const CAPTURE = "/usr/bin/tcpdump";
const REQUESTS = 40;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A port of loopback that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until something listens on a port. */
async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Asks for paths at once on one connection; the status codes in the order of the paths. */
async function ask(port: number, paths: string[]): Promise<number[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const codes = await Promise.all(
    paths.map(
      (path) =>
        new Promise<number>((resolve, reject) => {
          const stream = session.request({ ":path": path });
          let code = 0;
          stream.on("response", (headers) => {
            code = Number(headers[":status"]);
          });
          stream.on("end", () => resolve(code)).on("error", reject);
          stream.resume();
          stream.end();
        }),
    ),
  );
  await new Promise<void>((resolve) => session.close(resolve));
  return codes;
}

const isThere = existsSync(SERVER) && existsSync(CAPTURE) && process.getuid?.() === 0;

test.skipIf(!isThere)(
  "nghttpd: every stream with its status (skipped without nghttpd, tcpdump or root)",
  { timeout: 20_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tallywire-http2-"));
    const port = await freePort();
    const file = join(folder, "lo.pcap");
    writeFileSync(join(folder, "page.txt"), "page\n".repeat(5000));
    const server = spawn(SERVER, ["--no-tls", "-a", "127.0.0.1", "-d", folder, String(port)], { stdio: "ignore" });
    const capture = spawn(CAPTURE, ["-i", "lo", "-U", "-B", "65536", "--immediate-mode", "-w", file, `tcp port ${port}`], {
      stdio: "ignore",
    });
    try {
      await listening(port);
      for (let tries = 0; tries < 100 && !existsSync(file); tries++) await pause(50);
      await pause(300);
      const paths = Array.from({ length: REQUESTS }, (_, index) => (index % 4 === 3 ? `/none/${index}` : "/page.txt"));
      const codes = await ask(port, paths);
      await pause(500);
      capture.kill("SIGINT");
      await new Promise((resolve) => capture.on("exit", resolve));
      const trips = readRoundTrips(readFileSync(file)).filter(({ protocol }) => protocol === "http2");
      const found = trips.map(({ request, response }) => `${request?.path} ${response?.statusCode}`);
      expect(found.sort()).toEqual(paths.map((path, index) => `${path} ${codes[index]}`).sort());
      const bodies = trips.filter(({ status }) => status === "ok").map(({ response }) => response?.bodyBytes);
      expect(new Set(bodies)).toEqual(new Set([25_000]));
    } finally {
      server.kill();
      capture.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
