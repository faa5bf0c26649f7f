/** A hub whose memory can be looked into: bare workerd with V8's inspector, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "undici";
import { deriveKey, importMaster, type KeyHolder } from "../../engine/keys";
import { MASTER_KEY_VARIABLE, workerdConfig } from "../../shim/hub/workerd-config";

const MASTER = "a master key that is for tests of memory only";
const CONTROL_DESCRIPTOR = 3;
/** Collections of garbage until what is left is taken for what is held: the first frees what the next one then can. */
const COLLECTIONS = 2;
/** How often something is looked at that seems to be held, and how long is waited between two looks. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 20;

/** What an isolate holds, bytes: objects of JavaScript, and the buffers that they own, the core's memory among them. */
export interface Held {
  heap: number;
  buffers: number;
}

/** Places at which a request is stopped to see what is held: a text of the built Worker's code, and every how many times. */
export interface Stop {
  text: string;
  every: number;
}

interface HeapUsage {
  usedSize: number;
  backingStorageSize: number;
}

/** A running hub and its inspector. */
export class MeasuredHub {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private calls = 0;
  private script = "";
  private onPaused: ((frame: string) => Promise<void>) | null = null;

  private constructor(
    readonly origin: string,
    readonly logPath: string,
    private readonly folder: string,
    private readonly code: string,
    private readonly child: ChildProcess,
    private readonly inspector: WebSocket,
  ) {
    inspector.addEventListener("message", ({ data }) => {
      const { id, result, method, params } = JSON.parse(String(data));
      if (method === "Debugger.scriptParsed" && String(params.url).endsWith("index.js")) this.script = params.scriptId;
      if (method === "Debugger.paused") void this.onPaused?.(params.callFrames[0].callFrameId);
      this.waiting.get(id)?.(result);
      this.waiting.delete(id);
    });
  }

  /** Starts a hub of the built Worker. */
  static async start(variables: Record<string, string>): Promise<MeasuredHub> {
    const folder = mkdtempSync(join(tmpdir(), "tallywire-bounds-"));
    const objectsFolder = join(folder, "objects");
    mkdirSync(objectsFolder);
    const workerFolder = new URL("../../build/hub", import.meta.url).pathname;
    const code = readFileSync(join(workerFolder, "index.js"), "utf8");
    const paths = { configFolder: folder, workerFolder, objectsFolder, assetsFolder: null };
    const configPath = join(folder, "hub.capnp");
    const config = workerdConfig(paths, "127.0.0.1:0", Object.keys(variables));
    writeFileSync(configPath, config.replace("Workerd.Config = (", 'Workerd.Config = (\n  v8Flags = ["--expose-gc"],'));
    const logPath = join(folder, "hub.log");
    const log = openSync(logPath, "w");
    const words = ["serve", configPath, `--control-fd=${CONTROL_DESCRIPTOR}`, "--inspector-addr=127.0.0.1:0"];
    const workerd: string = createRequire(import.meta.url)("workerd").default;
    const env = { ...variables, [MASTER_KEY_VARIABLE]: MASTER };
    const child = spawn(workerd, words, { stdio: ["ignore", log, log, "pipe"], env });
    closeSync(log);
    const ports = await portsOf(child, logPath);
    const listed = (await (await fetch(`http://127.0.0.1:${ports.inspector}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const inspector = new WebSocket(listed[0]!.webSocketDebuggerUrl);
    await new Promise((settle) => inspector.addEventListener("open", settle, { once: true }));
    const hub = new MeasuredHub(`http://127.0.0.1:${ports.http}`, logPath, folder, code, child, inspector);
    await hub.call("HeapProfiler.enable");
    return hub;
  }

  /** The authorization header of a key's holder. */
  async bearer(holder: KeyHolder): Promise<string> {
    return `Bearer ${await deriveKey(await importMaster(MASTER), holder)}`;
  }

  /** What is held once all garbage is gone. `ask` asks the object that is meant for something small: left alone for 10 s it would be put out. */
  async held(ask: () => Promise<unknown>): Promise<Held> {
    for (let turn = 0; turn < COLLECTIONS; turn += 1) {
      let isDone = false;
      const collected = this.call("HeapProfiler.collectGarbage").then(() => {
        isDone = true;
      });
      // workerd runs what V8 puts off only when there is something to do.
      while (!isDone) await ask();
      await collected;
    }
    const { usedSize, backingStorageSize } = (await this.call("Runtime.getHeapUsage")) as HeapUsage;
    return { heap: usedSize, buffers: backingStorageSize };
  }

  /**
   * The most that was held at any of some places while `work` ran, bytes, once the garbage of that moment is gone; and how often it came by one.
   * What the core's caller holds for a moment shows nowhere else.
   */
  async most(stops: readonly Stop[], work: () => Promise<unknown>): Promise<{ bytes: number; times: number }> {
    const most = { bytes: 0, times: 0 };
    this.onPaused = async (callFrameId) => {
      let least = Number.POSITIVE_INFINITY;
      // What is more than ever is looked at again: V8 gives buffers back beside the program, some time after a collection.
      for (let look = 0; look < LOOKS && least > most.bytes; look += 1) {
        if (look > 0) await sleep(LOOK_AGAIN_MS);
        least = Math.min(least, await this.heldAt(callFrameId));
      }
      most.bytes = Math.max(most.bytes, least);
      most.times += 1;
      await this.call("Debugger.resume");
    };
    await this.call("Debugger.enable");
    const lines = this.code.split("\n");
    for (const [index, { text, every }] of stops.entries()) {
      const found = lines.flatMap((line, lineNumber) => (line.includes(text) ? [lineNumber] : []));
      if (found.length !== 1) throw new Error(`${text} is ${found.length} times in the Worker`);
      const condition = `(globalThis.stop${index} = (globalThis.stop${index} ?? 0) + 1) % ${every} === 0`;
      await this.call("Debugger.setBreakpoint", { location: { scriptId: this.script, lineNumber: found[0] }, condition });
    }
    await work();
    await this.call("Debugger.disable");
    this.onPaused = null;
    return most;
  }

  /** What is held where the Worker stands still, bytes. */
  private async heldAt(callFrameId: string): Promise<number> {
    for (let turn = 0; turn < COLLECTIONS; turn += 1) {
      await this.call("Debugger.evaluateOnCallFrame", { callFrameId, expression: "gc()" });
    }
    const { usedSize, backingStorageSize } = (await this.call("Runtime.getHeapUsage")) as HeapUsage;
    return usedSize + backingStorageSize;
  }

  /** The most that was resident since the last time that this was asked, bytes; Linux only. */
  peakResident(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    writeFileSync(`/proc/${this.child.pid}/clear_refs`, "5");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  /** Ends it and removes what it kept. */
  async stop(): Promise<void> {
    this.inspector.close();
    const ended = new Promise((settle) => this.child.once("exit", settle));
    this.child.kill("SIGKILL");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private call(method: string, params: object = {}): Promise<unknown> {
    this.calls += 1;
    const id = this.calls;
    return new Promise((settle) => {
      this.waiting.set(id, settle);
      this.inspector.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** The ports, once workerd says that it listens. */
async function portsOf(child: ChildProcess, logPath: string): Promise<{ http: number; inspector: number }> {
  const ports = { http: 0, inspector: 0 };
  for await (const line of createInterface({ input: child.stdio[CONTROL_DESCRIPTOR] as Readable })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") ports.http = port;
    if (event === "listen-inspector") ports.inspector = port;
    if (ports.http !== 0 && ports.inspector !== 0) return ports;
  }
  throw new Error(`workerd did not start: ${readFileSync(logPath, "utf8")}`);
}
