/** Both ends of real connections of this host, and what the kernel says of their sockets. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { OwnedConnection as Connection, Owner } from "../../engine/owner";
import type { Native } from "../../shim/capture/native";
import { Owners } from "../../shim/owner/owners";
import { ADDON, Listener, networkMissing } from "../support/capture/network";

const missing = networkMissing();
if (missing !== undefined) console.warn(`owners are not tested: ${missing}`);

const TCP = 6;
const UDP = 17;
const V4 = Uint8Array.of(127, 0, 0, 1);
const V6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** The next millisecond, as what was sent until now was sent before it. */
const nowTime = () => {
  const ms = Date.now() + 1;
  return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1e6, isClientSure: true };
};
/** To the microsecond. */
const exactTime = () => {
  const us = Math.ceil((performance.timeOrigin + performance.now()) * 1000);
  return { seconds: Math.floor(us / 1e6), nanoseconds: (us % 1e6) * 1000, isClientSure: true };
};
const ownCommand = () => readFileSync("/proc/self/comm", "utf8").trim();

describe.runIf(missing === undefined)("owners", { timeout: 60_000 }, () => {
  let owners: Owners;
  beforeAll(() => {
    owners = Owners.open(createRequire(import.meta.url)(ADDON!) as Native, []);
  });
  afterAll(() => owners.close());

  async function ownerOf(end: "client" | "server", connection: Connection): Promise<Owner | null> {
    for (let tries = 0; tries < 100; tries++) {
      const owner = owners.ownerOf(end, connection);
      // A busy machine may take longer for a look through all processes than the asker waits.
      if (owner !== undefined && owner?.unknown !== "busy") return owner;
      await sleep(5);
    }
    throw new Error("it is never known");
  }

  /** Connects to a server of this process; the connection as packets of it have it. */
  async function connection(listensOn: string, address: Uint8Array, words: string): Promise<[Connection, Socket]> {
    const server = createServer((socket) => socket.resume()).listen(0, listensOn);
    await new Promise((done) => server.once("listening", done));
    const { port: serverPort } = server.address() as { port: number };
    const socket = connect(serverPort, words);
    await new Promise((done) => socket.once("connect", done));
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    return [{ protocol: TCP, client: address, clientPort: socket.localPort!, server: address, serverPort, ...nowTime() }, socket];
  }

  const self = () => ({ process: ownCommand(), pid: process.pid, user: userInfo().username, unknown: undefined });

  test.each([
    ["IPv4", "127.0.0.1", V4, "127.0.0.1"],
    ["IPv6", "::1", V6, "::1"],
    ["IPv4 to a socket of both", "::", V4, "127.0.0.1"],
  ])("both ends over %s", async (_, listensOn, address, words) => {
    const [one] = await connection(listensOn, address, words);
    expect(await ownerOf("client", one)).toMatchObject(self());
    expect(await ownerOf("server", one)).toMatchObject(self());
  });

  test("an IPv4 address in the form of IPv6", async () => {
    const server = createServer((socket) => socket.resume()).listen(0, "::");
    await new Promise((done) => server.once("listening", done));
    const { port } = server.address() as { port: number };
    const socket = connect(port, "::ffff:127.0.0.1");
    await new Promise((done) => socket.once("connect", done));
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    const one = { protocol: TCP, client: V4, clientPort: socket.localPort!, server: V4, serverPort: port, ...nowTime() };
    expect(await ownerOf("client", one)).toMatchObject(self());
  });

  test("nobody where there is no socket, and nothing of other hosts", async () => {
    const [one, socket] = await connection("127.0.0.1", V4, "127.0.0.1");
    expect(await ownerOf("client", { ...one, clientPort: 1 })).toMatchObject({ process: undefined, unknown: "gone" });
    expect(await ownerOf("server", { ...one, client: Uint8Array.of(192, 0, 2, 1), serverPort: 1 })).toMatchObject({
      unknown: "gone",
    });
    expect(await ownerOf("client", { ...one, client: Uint8Array.of(192, 0, 2, 1) })).toBeNull();
    // What was found while it lived is known when it is over.
    socket.destroy();
    await sleep(50);
    expect(await ownerOf("client", one)).toMatchObject(self());
  });

  test("not one that came later with the same addresses", async () => {
    const [one] = await connection("127.0.0.1", V4, "127.0.0.1");
    const earlier = { ...one, seconds: one.seconds - 3600 };
    expect((await ownerOf("client", earlier))?.process).toBeUndefined();
  });

  test("at once, while whose another is is looked up", async () => {
    for (let rounds = 0; rounds < 30; rounds++) {
      const [one] = await connection("127.0.0.1", V4, "127.0.0.1");
      await sleep(20);
      const another = connect(one.serverPort, "127.0.0.1");
      await new Promise<void>((done) => process.nextTick(done)); // it begins then
      const owner = owners.ownerOf("client", one);
      another.destroy();
      expect(owner).toMatchObject(self());
    }
  });

  test("not who took the same port soon after", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    onTestFinished(() => void server.close());
    const { port: serverPort } = server.address() as { port: number };
    const script = `
      process.on("message", (localPort) => {
        const socket = require("node:net").connect({ port: ${serverPort}, host: "127.0.0.1", localPort });
        socket.on("connect", () => process.send("connected")).on("error", () => {});
      });`;
    const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    onTestFinished(() => void other.kill());
    await once(other, "spawn");
    const found: (number | undefined)[][] = [];
    for (let clientPort = 21_000 + (process.pid % 5000), rounds = 0; rounds < 30; rounds++, clientPort++) {
      const socket = connect({ port: serverPort, host: "127.0.0.1", localPort: clientPort });
      await once(socket, "connect");
      const one = { protocol: TCP, client: V4, clientPort, server: V4, serverPort };
      const mine = exactTime();
      // One that ends at once is often gone before it is looked up.
      if (rounds % 2 === 0) await sleep(2);
      socket.resetAndDestroy();
      other.send(clientPort);
      await once(other, "message");
      const its = exactTime();
      found.push([(await ownerOf("client", { ...one, ...mine }))?.pid, (await ownerOf("client", { ...one, ...its }))?.pid]);
    }
    const wrong = found.filter(([mine, its]) => mine === other.pid || its === process.pid);
    expect(wrong).toEqual([]);
    const lasting = found.filter((_, round) => round % 2 === 0);
    expect(lasting.filter(([mine, its]) => mine === process.pid && its === other.pid).length).toBeGreaterThan(10);
  });

  test("a socket of datagrams on a service's port, and none that the kernel chose for a while", async () => {
    const bound = createSocket("udp4");
    onTestFinished(() => void bound.close());
    const port = 20_000 + (process.pid % 10_000);
    await new Promise<void>((done) => bound.bind(port, "127.0.0.1", done));
    const chosen = createSocket("udp4");
    onTestFinished(() => void chosen.close());
    await new Promise<void>((done) => chosen.bind(0, "127.0.0.1", done));
    const time = nowTime();
    const one = { protocol: UDP, client: V4, clientPort: chosen.address().port, server: V4, serverPort: port, ...time };
    expect(await ownerOf("server", one)).toMatchObject(self());
    expect(await ownerOf("client", one)).toMatchObject({ unknown: "doubtful", user: userInfo().username });
    // Now it is known to have been there, for what comes later.
    await sleep(10);
    expect(await ownerOf("client", { ...one, ...nowTime() })).toMatchObject(self());
  });

  test("of processes that share a socket the one that the others descend from", async () => {
    const script = `
      const server = require("node:net").createServer(() => {}).listen(0, "127.0.0.1", () => {
        const inherited = { stdio: ["ignore", "ignore", "ignore", server._handle.fd] };
        const heir = require("node:child_process").spawn("sleep", ["30"], inherited);
        heir.on("spawn", () => console.log("port " + server.address().port));
        process.on("SIGTERM", () => (heir.kill(), process.exit()));
      });`;
    const first = start([process.execPath, "-e", script]);
    const { said } = await new Listener(first).says(/port \d+/);
    const serverPort = Number(/port (\d+)/.exec(said)![1]);
    const one = { protocol: TCP, client: V4, clientPort: 1, server: V4, serverPort, ...nowTime() };
    expect(await ownerOf("server", one)).toMatchObject({ pid: first.pid });
  });

  test("not a process that has died, but who has its socket now", async () => {
    const script = `
      const server = require("node:net").createServer(() => {}).listen(0, "127.0.0.1", () => {
        const inherited = { stdio: ["ignore", "ignore", "ignore", server._handle.fd], detached: true };
        const heir = require("node:child_process").spawn("sleep", ["30"], inherited);
        heir.on("spawn", () => console.log("port " + server.address().port + " heir " + heir.pid));
      });`;
    const first = start([process.execPath, "-e", script]);
    const { said } = await new Listener(first).says(/heir \d+/);
    const [, port, heir] = /port (\d+) heir (\d+)/.exec(said)!.map(Number);
    onTestFinished(() => void process.kill(heir!));
    const one = () => ({ protocol: TCP, client: V4, clientPort: 1, server: V4, serverPort: port!, ...nowTime() });
    expect(await ownerOf("server", one())).toMatchObject({ pid: first.pid });
    first.kill("SIGKILL");
    await new Promise((done) => first.once("exit", done));
    expect(await ownerOf("server", one())).toMatchObject({ pid: heir, process: "sleep" });
  });

  test("not systemd, which keeps a socket for a service that it has not begun", async () => {
    const script = `
      process.title = "systemd";
      const server = require("node:net").createServer(() => {}).listen(0, "127.0.0.1", () => {
        console.log("port " + server.address().port);
        process.once("SIGUSR2", () => {
          const inherited = { stdio: ["ignore", "ignore", "ignore", server._handle.fd] };
          const service = require("node:child_process").spawn("sleep", ["30"], inherited);
          service.on("spawn", () => console.log("service " + service.pid));
          process.on("SIGTERM", () => (service.kill(), process.exit()));
        });
      });`;
    const keeper = start([process.execPath, "-e", script]);
    const listener = new Listener(keeper);
    const serverPort = Number(/port (\d+)/.exec((await listener.says(/port \d+/)).said)![1]);
    const one = () => ({ protocol: TCP, client: V4, clientPort: 1, server: V4, serverPort, ...nowTime() });
    for (let asked = 0; asked < 5; asked++) expect(owners.ownerOf("server", one())).toBeUndefined();
    keeper.kill("SIGUSR2");
    const pid = Number(/service (\d+)/.exec((await listener.says(/service \d+/)).said)![1]);
    await sleep(50);
    expect(await ownerOf("server", one())).toMatchObject({ pid, process: "sleep" });
  });

  test("not one of two programs that send from the same port", async () => {
    const port = 20_000 + ((process.pid + 5000) % 10_000);
    const bind = `require("node:dgram").createSocket({ type: "udp4", reuseAddr: true }).bind(${port}, "127.0.0.1", () => console.log("bound"))`;
    for (const _ of [1, 2]) await new Listener(start([process.execPath, "-e", bind])).says(/bound/);
    const one = { protocol: UDP, client: V4, clientPort: port, server: V4, serverPort: 9, ...nowTime() };
    expect(await ownerOf("client", one)).toMatchObject({ pid: undefined });
  });

  const nginx = spawnSync("nginx", ["-v"]).status === 0;
  test.runIf(nginx)("nginx by its master", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nginx-"));
    const port = 30_000 + (process.pid % 2000);
    const http = `access_log off; server { listen 127.0.0.1:${port}; return 200 "hello"; }`;
    const settings = `daemon off; worker_processes 2; pid ${folder}/pid; error_log stderr; events {} http { ${http} }`;
    writeFileSync(join(folder, "nginx.conf"), settings);
    const master = start(["nginx", "-c", join(folder, "nginx.conf")]);
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (let tries = 0; tries < 200; tries++) {
      if (
        await fetch(`http://127.0.0.1:${port}`).then(
          (answer) => answer.ok,
          () => false,
        )
      )
        break;
      await sleep(50);
    }
    const one = { protocol: TCP, client: V4, clientPort: 1, server: V4, serverPort: port, ...nowTime() };
    expect(await ownerOf("server", one)).toMatchObject({ process: "nginx", pid: master.pid });
  });

  const groups = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1];
  const container = "0123456789abcdef".repeat(4);
  test.runIf(groups !== undefined && mayGroup(groups))("a container by its control group", async () => {
    const folder = join(groups!, `docker-${container}.scope`);
    mkdirSync(folder);
    const script = `
      require("node:fs").writeFileSync("${folder}/cgroup.procs", String(process.pid));
      const server = require("node:net").createServer(() => {}).listen(0, "127.0.0.1", () => console.log("port " + server.address().port));`;
    const child = start([process.execPath, "-e", script], () => rmdirSync(folder));
    const { said } = await new Listener(child).says(/port \d+/);
    const serverPort = Number(/port (\d+)/.exec(said)![1]);
    const one = { protocol: TCP, client: V4, clientPort: 1, server: V4, serverPort, ...nowTime() };
    expect(await ownerOf("server", one)).toMatchObject({ pid: child.pid, container: container.slice(0, 12), pod: undefined });
  });
});

/** Starts a program that ends with the test. */
function start([program = "", ...words]: readonly string[], after = () => {}): ChildProcess {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => child.once("close", done));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
    after();
  });
  return child;
}

/** Whether groups can be made there. */
function mayGroup(root: string): boolean {
  const folder = join(root, `tallywire-${process.pid}`);
  try {
    mkdirSync(folder);
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
