/** Two network namespaces with a pair of interfaces between them, gone when the test is over. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../repository";

const { addonsOfHost } = (await import(join(ROOT, "scripts/lib/platform.mjs"))) as { addonsOfHost(): string[] };

/** The addon that was built for this host; undefined where none was. */
export const ADDON = addonsOfHost()[0];

function has(program: string, ...words: string[]): boolean {
  return spawnSync(program, words).status === 0;
}

/** What keeps this host from testing live capture, one line; undefined where nothing does. */
export function networkMissing(): string | undefined {
  if (process.platform !== "linux") return "rings are Linux's alone";
  if (ADDON === undefined) return "native/ is not built: there is no C compiler";
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  if (!has("ip", "-V")) return "ip is not installed (Debian: apt-get install iproute2)";
  if (!has("tcpdump", "--version")) return "tcpdump is not installed";
  const name = `tw-probe-${randomBytes(3).toString("hex")}`;
  if (!has("ip", "netns", "add", name)) return "this host makes no network namespaces";
  execFileSync("ip", ["netns", "del", name]);
  return undefined;
}

/** Whether libpcap is there. */
export function hasLibpcap(): boolean {
  if (ADDON === undefined) return false;
  try {
    return createRequire(import.meta.url)(ADDON).pcapVersion() !== undefined;
  } catch {
    return false;
  }
}

/** One side: a namespace of its own, with an interface to the other. */
export class Side {
  private readonly children: ChildProcess[] = [];

  constructor(
    readonly namespace: string,
    readonly device: string,
    readonly address: string,
  ) {}

  /** The words that run a program here. */
  words(...command: string[]): string[] {
    return ["ip", "netns", "exec", this.namespace, ...command];
  }

  /** Runs a program here to its end, and gives what it says. */
  run(...command: string[]): string {
    const [program, ...words] = this.words(...command);
    return execFileSync(program!, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Starts a program here. */
  start(...command: string[]): ChildProcess {
    return this.launch(command, "ignore");
  }

  /** The same, of one that is written to. */
  converse(...command: string[]): ChildProcess {
    return this.launch(command, "pipe");
  }

  private launch(command: readonly string[], input: "ignore" | "pipe"): ChildProcess {
    const [program, ...words] = this.words(...command);
    const child = spawn(program!, words, { stdio: [input, "pipe", "pipe"] });
    this.children.push(child);
    return child;
  }

  /** Ends what still runs here, and the namespace. */
  remove(): void {
    for (const child of this.children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    spawnSync("ip", ["netns", "del", this.namespace]);
  }

  /** Runs ECMAScript here to its end, asynchronously. */
  async script(text: string): Promise<string> {
    const child = this.start(process.execPath, "--input-type=module", "-e", text);
    let said = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (part: string) => (said += part));
    const code = await new Promise((done) => child.once("close", done));
    if (code !== 0) throw new Error(said);
    return said;
  }
}

/** Both sides: `near` is where it is captured. */
export class Network {
  readonly near: Side;
  readonly far: Side;

  constructor() {
    const suffix = randomBytes(3).toString("hex");
    this.near = new Side(`tw-near-${suffix}`, "tw0", "10.77.0.1");
    this.far = new Side(`tw-far-${suffix}`, "tw1", "10.77.0.2");
    for (const { namespace } of [this.near, this.far]) {
      execFileSync("ip", ["netns", "add", namespace]);
      execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
    }
    this.connect();
  }

  /** Makes the pair of interfaces, for the first time or again. */
  connect(): void {
    const { near, far } = this;
    const pair = ["link", "add", near.device, "type", "veth", "peer", "name", far.device, "netns", far.namespace];
    execFileSync("ip", ["-n", near.namespace, ...pair]);
    for (const { namespace, device, address } of [near, far]) {
      // Without IPv6 nothing is sent that the test did not.
      spawnSync("ip", ["netns", "exec", namespace, "sysctl", "-qw", `net.ipv6.conf.${device}.disable_ipv6=1`]);
      execFileSync("ip", ["-n", namespace, "address", "add", `${address}/24`, "dev", device]);
      execFileSync("ip", ["-n", namespace, "link", "set", device, "up"]);
    }
  }

  /** Waits until packets go both ways: carriers and addresses take their time. */
  async ready(): Promise<void> {
    await this.far.script(`
      import { connect } from "node:net";
      for (let isReady = false; !isReady; )
        await new Promise((done) => {
          const socket = connect(1, "${this.near.address}");
          const timer = setTimeout(() => socket.destroy(), 500);
          socket.on("error", ({ code }) => (isReady = code === "ECONNREFUSED"));
          socket.on("close", () => done(clearTimeout(timer)));
        });`);
  }

  remove(): void {
    for (const side of [this.near, this.far]) side.remove();
  }
}

/** A program that says on standard error when it is ready, and is stopped by a signal. */
export class Listener {
  said = "";
  private readonly ended: Promise<unknown>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (part: string) => (this.said += part));
    this.ended = new Promise((done) => child.once("close", done));
  }

  /** Waits until it has said this. */
  async says(words: RegExp): Promise<this> {
    while (!words.test(this.said)) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.said}`);
      await sleep(20);
    }
    return this;
  }

  /** Stops it, and gives all that it said. */
  async stop(): Promise<string> {
    this.child.kill("SIGTERM");
    await this.ended;
    return this.said;
  }
}
