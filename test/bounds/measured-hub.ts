/** A hub whose memory can be looked into: bare workerd with V8's inspector, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { WebSocket } from "undici";
import { deriveKey, importMaster, type KeyHolder } from "../../engine/keys";
import { MASTER_KEY_VARIABLE, workerdConfig } from "../../shim/hub/workerd-config";

const MASTER = "a master key that is for tests of memory only";
const CONTROL_DESCRIPTOR = 3;
/** Collections of garbage until what is left is taken for what is held: the first frees what the next one then can. */
const COLLECTIONS = 2;

/** What an isolate holds, bytes: objects of JavaScript, and the buffers that they own, the core's memory among them. */
export interface Held {
  heap: number;
  buffers: number;
}

interface HeapUsage {
  usedSize: number;
  backingStorageSize: number;
}

/** A running hub and its inspector. */
export class MeasuredHub {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private calls = 0;

  private constructor(
    readonly origin: string,
    readonly logPath: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly inspector: WebSocket,
  ) {
    inspector.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data));
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
    const paths = { configFolder: folder, workerFolder, objectsFolder, assetsFolder: null };
    const configPath = join(folder, "hub.capnp");
    writeFileSync(configPath, workerdConfig(paths, "127.0.0.1:0", Object.keys(variables)));
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
    const hub = new MeasuredHub(`http://127.0.0.1:${ports.http}`, logPath, folder, child, inspector);
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

  private call(method: string): Promise<unknown> {
    this.calls += 1;
    const id = this.calls;
    return new Promise((settle) => {
      this.waiting.set(id, settle);
      this.inspector.send(JSON.stringify({ id, method }));
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
