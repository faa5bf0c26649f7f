/** A folder, the programs that run in it, and what tcpdump saw of their ports; all of it ends together. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CoreOptions } from "../../../engine/core";
import type { RoundTrip } from "../../../engine/round-trip";
import { readRoundTrips } from "../round-trips";
import { programPath } from "./programs";
import { Watched, watchMissing } from "./watched";

/** What a server may take to start on a machine that is busy. */
const READY_MAX_MS = 90_000;
const READY_STEP_MS = 50;
const STOP_MS = 5000;
/** The system hands packets over a second later at the latest; its immediate mode has room for a few hundred only. */
const FLUSH_MS = 1200;

interface StartForm {
  /** The user that it runs as; the one that runs the tests without. */
  user?: string;
  /** Variables beside those of the tests. */
  env?: Record<string, string>;
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

const isRunning = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null;

/** Asks a process to end and waits for it; ends it where it does not. */
async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const ended = once(child, "exit");
  child.kill();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** Where servers are met. */
export class Stage {
  readonly folder: string;
  private readonly started: ChildProcess[] = [];
  private readonly ends: (() => void)[] = [];
  private capture: ChildProcess | undefined;
  private captureWords = "";
  private watched: Watched | undefined;

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `tallywire-${name}-`));
    chmodSync(this.folder, 0o755);
  }

  /** A path in the folder. */
  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Runs a program to its end; gives what it prints. Throws what it says where it fails. */
  run(program: string, words: string[], { user, input = "" }: StartForm & { input?: string } = {}): string {
    const [name = "", ...rest] = asUser(user, program, words);
    const { status, stdout, stderr } = spawnSync(name, rest, { encoding: "utf8", input, cwd: this.folder });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Starts a program that ends with the stage. */
  start(program: string, words: string[], { user, env = {} }: StartForm = {}): ChildProcess {
    const [name = "", ...rest] = asUser(user, program, words);
    const child = spawn(name, rest, { stdio: ["ignore", "pipe", "pipe"], cwd: this.folder, env: { ...process.env, ...env } });
    child.stdout.resume();
    child.stderr.resume();
    this.started.push(child);
    return child;
  }

  /** Starts a server and waits until `isUp`. Throws what the server says where it ends, and where it takes too long. */
  async serve(program: string, words: string[], isUp: () => boolean | Promise<boolean>, form: StartForm = {}): Promise<void> {
    const child = this.start(program, words, form);
    let said = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (bytes) => (said = (said + bytes).slice(-4000)));
    const latest = Date.now() + READY_MAX_MS;
    while (Date.now() < latest && isRunning(child)) {
      if (await isUp()) return;
      await sleep(READY_STEP_MS);
    }
    throw new Error(`${program} does not start: ${said}`);
  }

  /** Captures the TCP packets of these ports of loopback from now on, and watches them. */
  async record(...ports: number[]): Promise<void> {
    await this.recordOn("lo", ...ports);
  }

  /** The same of another interface. */
  async recordOn(device: string, ...ports: number[]): Promise<void> {
    const filter = ports.map((port) => `tcp port ${port}`).join(" or ");
    if (watchMissing === undefined) this.watched = await Watched.begin((...command) => this.start(...command), device, filter);
    const size = ["-B", "65536", "-s", "0", "--time-stamp-precision=nano"];
    const words = ["-i", device, "-U", ...size, "-Z", "root", "-w", this.path("all.pcap"), filter];
    this.capture = this.start("tcpdump", words);
    this.capture.stderr!.on("data", (bytes) => (this.captureWords += bytes));
    while (!this.captureWords.includes("listening on")) {
      if (!isRunning(this.capture)) throw new Error(`tcpdump ended: ${this.captureWords}`);
      await sleep(10);
    }
    await sleep(200);
  }

  /**
   * Ends the capture, sees that the watch beside it showed the same, and gives its file. Throws where the system dropped packets: the file
   * is then no record of what was said.
   */
  async recorded(): Promise<Uint8Array> {
    await sleep(FLUSH_MS);
    // Its last words come before its streams close.
    const ended = once(this.capture!, "close");
    this.capture!.kill("SIGINT");
    await ended;
    if (!/\b0 packets dropped by kernel/.test(this.captureWords)) throw new Error(`tcpdump: ${this.captureWords}`);
    await this.watched?.compare(this.path("all.pcap"));
    return readFileSync(this.path("all.pcap"));
  }

  /** Ends the capture and gives its round trips of one protocol. */
  async trips(protocol: string, options: CoreOptions = {}): Promise<RoundTrip[]> {
    return readRoundTrips(await this.recorded(), options).filter((trip) => trip.protocol === protocol);
  }

  /** Has something of this process end with the stage. */
  endWith(end: () => void): void {
    this.ends.push(end);
  }

  /** Ends what was started, the last first, and removes the folder. */
  async end(): Promise<void> {
    for (const end of this.ends) end();
    for (const child of this.started.reverse()) await stop(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A command as another user runs it: no process stands between, so that its id is the program's. */
function asUser(user: string | undefined, program: string, words: string[]): string[] {
  const path = programPath(program) ?? program;
  if (user === undefined) return [path, ...words];
  return ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", path, ...words];
}

/** How many round trips are such. */
export function count(trips: readonly RoundTrip[], isOne: (trip: RoundTrip) => boolean): number {
  return trips.filter(isOne).length;
}

/** Whether something listens on a port of loopback. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
