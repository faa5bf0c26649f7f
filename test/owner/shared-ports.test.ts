/** Programs that listen on one port with a socket each: which of them took a connection, by what it answered. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { OwnedConnection as Connection, Owner } from "../../engine/owner";
import type { Native } from "../../shim/capture/native";
import { Owners } from "../../shim/owner/owners";
import { ADDON, Listener, networkMissing } from "../support/capture/network";
import { ROOT } from "../support/repository";

const missing = networkMissing();
if (missing !== undefined) console.warn(`owners of shared ports are not tested: ${missing}`);

const TCP = 6;
const UDP = 17;
const HOST = "127.0.0.1";
const V4 = Uint8Array.of(127, 0, 0, 1);
const AT_ONCE = 20;
const ROUNDS = 10;
const ALL = AT_ONCE * ROUNDS;
/** A machine that is busy with other tests may look too late for some. */
const MOST = 0.75;

const nowTime = () => ({ seconds: Math.floor(Date.now() / 1000), nanoseconds: (Date.now() % 1000) * 1e6, isClientSure: true });

/** What came of asking whose a connection was that a process said it had. */
interface Asked {
  pid: number;
  owner: Owner;
}

describe.runIf(missing === undefined)("a port that several programs share", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "shared-"));
  const running: ChildProcess[] = [];
  let owners: Owners;
  let port = 21_000 + (process.pid % 5000);
  beforeAll(() => {
    const [first, second] = ["alpha", "beta"].map((name) => join(folder, name));
    execFileSync(process.env.CC || "cc", ["-O2", "-Wall", "-o", first!, join(ROOT, "test/support/owner/server.c")]);
    copyFileSync(first!, second!);
    owners = Owners.open(createRequire(import.meta.url)(ADDON!) as Native, []);
  });
  afterEach(async () => {
    const ended = running.map((child) => new Promise((done) => child.once("close", done)));
    for (const child of running.splice(0)) child.kill("SIGTERM");
    await Promise.all(ended);
    port++;
  });
  afterAll(() => {
    owners?.close();
    rmSync(folder, { recursive: true });
  });

  function start(...[program, ...words]: string[]): ChildProcess {
    const child = spawn(program!, words, { stdio: ["ignore", "pipe", "pipe"] });
    running.push(child);
    return child;
  }

  async function serve(name: string, manner: string): Promise<number> {
    const child = start(join(folder, name), manner, HOST, String(port));
    await new Listener(child).says(/ready/);
    return child.pid!;
  }

  async function ownerOf(connection: Connection): Promise<Owner> {
    for (let tries = 0; tries < 400; tries++) {
      const owner = owners.ownerOf("server", connection);
      if (owner === null) throw new Error("it is this host's");
      // A busy machine may take longer for a look through all processes than the asker waits.
      if (owner !== undefined && owner.unknown !== "busy") return owner;
      await sleep(5);
    }
    throw new Error("it is never known");
  }

  /** Has one request answered, and asks whose the server was, with the connection open or closed. */
  async function ask(isOpen: boolean): Promise<Asked> {
    const time = nowTime();
    const socket: Socket = connect(port, HOST);
    const said = await new Promise<string>((done, failed) => {
      let text = "";
      socket.on("connect", () => socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      socket.on("data", (part) => {
        text += part;
        if (/\r\n\r\n\d+$/.test(text)) done(text);
      });
      socket.on("error", failed);
    });
    const one = { protocol: TCP, client: V4, clientPort: socket.localPort!, server: V4, serverPort: port, ...time };
    if (isOpen) await sleep(2);
    else await new Promise((done) => socket.once("close", done).destroy());
    const owner = await ownerOf(one);
    socket.destroy();
    return { pid: Number(/\d+$/.exec(said)![0]), owner };
  }

  async function askAll(isOpen: boolean): Promise<Asked[]> {
    const all: Asked[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      all.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => ask(isOpen)))));
    }
    return all;
  }

  const commandOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const isRight = ({ pid, owner }: Asked) => owner.pid === pid && owner.process === commandOf(pid);
  const isNamed = ({ owner }: Asked) => owner.process !== undefined || owner.pid !== undefined;

  /** Nobody is named that did not answer, both answered, and most that were open are named. */
  function expectRight(asked: readonly Asked[], pids: readonly number[]): void {
    expect(asked).toHaveLength(ALL);
    expect(new Set(asked.map(({ pid }) => pid))).toEqual(new Set(pids));
    expect(asked.filter((one) => isNamed(one) && !isRight(one))).toEqual([]);
    expect(asked.filter(isRight).length).toBeGreaterThan(ALL * MOST);
  }

  test.each([
    ["plain", "plain"],
    ["plain", "fork"],
    ["workers", "fork"],
  ])("is named by the connection while that is open: %s and %s", async (one, other) => {
    const pids = [await serve("alpha", one), await serve("beta", other)];
    expectRight(await askAll(true), pids);
  });

  test("is unknown when the connection has gone", async () => {
    await serve("alpha", "plain");
    await serve("beta", "plain");
    const asked = await askAll(false);
    expect(asked.filter((one) => !isRight(one) && (isNamed(one) || one.owner.unknown !== "shared"))).toEqual([]);
    expect(asked.filter((one) => !isNamed(one)).length).toBeGreaterThan(ALL / 2);
  });

  test("says what programs have in common when the connection has gone", async () => {
    const pids = [await serve("alpha", "plain"), await serve("alpha", "plain")];
    const gone = await askAll(false);
    expect(gone.filter(({ pid, owner }) => owner.process !== "alpha" || (owner.pid ?? pid) !== pid)).toEqual([]);
    expectRight(await askAll(true), pids);
  });

  test("is seen to be one from the first connection on", async () => {
    const first = await serve("alpha", "plain");
    expect((await ask(true)).owner).toMatchObject({ process: "alpha", pid: first });
    const pids = [first, await serve("beta", "plain")];
    expectRight(await askAll(true), pids);
  });

  test("of datagrams is unknown", async () => {
    await serve("alpha", "udp");
    await serve("beta", "udp");
    const socket = createSocket("udp4");
    await new Promise<void>((done) => socket.bind(0, HOST, done));
    const one = { protocol: UDP, client: V4, clientPort: socket.address().port, server: V4, serverPort: port, ...nowTime() };
    expect(await ownerOf(one)).toMatchObject({ process: undefined, pid: undefined, unknown: "shared" });
    socket.close();
  });

  const nginx = spawnSync("nginx", ["-v"]).status === 0;
  const conf = (http: string) =>
    `daemon off; worker_processes 2; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${http} }`;

  test.runIf(nginx)("is nginx' master or another program", async () => {
    const server = `server { listen ${HOST}:${port} reuseport; default_type text/plain; return 200 "$pid"; }`;
    writeFileSync(join(folder, "nginx.conf"), conf(server));
    const master = start("nginx", "-c", join(folder, "nginx.conf"));
    for (let tries = 0; tries < 200 && (await ask(true).catch(() => undefined)) === undefined; tries++) await sleep(50);
    // Sockets of its own workers alone have one server.
    for (const { owner } of await askAll(false)) expect(owner).toMatchObject({ process: "nginx", pid: master.pid });
    const other = await serve("beta", "plain");
    const masterOf = (pid: number) => (commandOf(pid) === "nginx" ? master.pid! : pid);
    const asked = (await askAll(true)).map(({ pid, owner }) => ({ pid: masterOf(pid), owner }));
    expectRight(asked, [master.pid!, other]);
  });
});
