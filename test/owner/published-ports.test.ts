/** Ports that Docker publishes: who keeps one is named with what it takes itself, and not with what rules of the kernel take past it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Owner } from "../../engine/owner";
import type { Native } from "../../shim/capture/native";
import { Owners } from "../../shim/owner/owners";
import { ADDON, Listener, networkMissing } from "../support/capture/network";
import { ROOT } from "../support/repository";

const missing = networkMissing();
if (missing !== undefined) console.warn(`owners of published ports are not tested: ${missing}`);

const TCP = 6;
const UDP = 17;
const HOST = "127.0.0.1";
const SERVER = Uint8Array.of(127, 0, 0, 1);
const ELSEWHERE = Uint8Array.of(192, 0, 2, 1);

describe.runIf(missing === undefined)("a port that docker-proxy keeps", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "published-"));
  const keeper = join(folder, "docker-proxy");
  let owners: Owners;
  let port = 26_000 + (process.pid % 5000);
  beforeAll(() => {
    execFileSync(process.env.CC || "cc", ["-O2", "-Wall", "-o", keeper, join(ROOT, "test/support/owner/server.c")]);
    owners = Owners.open(createRequire(import.meta.url)(ADDON!) as Native, []);
  });
  afterAll(() => {
    owners?.close();
    rmSync(folder, { recursive: true });
  });

  async function keep(manner: string): Promise<ChildProcess> {
    const child = spawn(keeper, [manner, HOST, String(++port)], { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => {
      child.kill("SIGTERM");
    });
    await new Listener(child).says(/ready/);
    return child;
  }

  async function serverOf(protocol: number, client: Uint8Array, clientPort: number): Promise<Owner> {
    for (let tries = 0; tries < 400; tries++) {
      const ms = Date.now();
      const time = { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1e6, isClientSure: true };
      const owner = owners.ownerOf("server", { protocol, client, clientPort, server: SERVER, serverPort: port, ...time });
      if (owner === null) throw new Error("it is this host's");
      if (owner !== undefined && owner.unknown !== "busy") return owner;
      await sleep(5);
    }
    throw new Error("it is never known");
  }

  test("is its own where it has the connection, and doubtful where it has not", async () => {
    const child = await keep("plain");
    const socket = connect(port, HOST);
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, "connect");
    for (let round = 0; round < 3; round++) {
      expect(await serverOf(TCP, SERVER, socket.localPort!)).toMatchObject({ process: "docker-proxy", pid: child.pid });
      const past = await serverOf(TCP, ELSEWHERE, 40_000 + round);
      expect(past).toMatchObject({ process: undefined, pid: undefined, user: undefined, unknown: "doubtful" });
    }
  });

  test("is doubtful for datagrams", async () => {
    await keep("udp");
    expect(await serverOf(UDP, ELSEWHERE, 40_000)).toMatchObject({ process: undefined, pid: undefined, unknown: "doubtful" });
  });
});
