import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, existsSync, fchmodSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { deriveKey, importMaster, type KeyHolder } from "../../engine/keys";
import { writeWhole } from "../write-whole";
import { openMasterKey, previousMasterKey } from "./master-key";
import { claimFolder, configPathOf, pidPathOf, removePidFile, writePidFile } from "./pid-file";
import { MASTER_KEY_VARIABLE, PREVIOUS_MASTER_KEY_VARIABLE, workerdConfig } from "./workerd-config";

/** How long a hub may take to listen; it takes 60 ms. */
const START_TIMEOUT_MS = 20_000;
/** How long a hub may take to stop before it is killed, which loses nothing. */
const STOP_TIMEOUT_MS = 3_000;
/** What is kept is what edges saw: no other user of this machine is to read it. */
const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY = 0o600;
/** Descriptor on which workerd says which port it listens on. */
const CONTROL_DESCRIPTOR = 3;

/** Where what listens on all addresses is reached. */
const REACHED_AT: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "[::]": "[::1]" };

export interface LocalHubOptions {
  /** Where everything is kept: objects, the master key, the log. Made where it is missing. */
  dataFolder: string;
  /** The built Worker: index.js and core.wasm. */
  workerFolder: string;
  /** The built page; left out where there is none. */
  assetsFolder?: string;
  /** 0 takes any free port. */
  port?: number;
  /** Variables of the Worker, as worker/environment.ts names them. */
  variables?: Record<string, string>;
  /** A name or an address, of IPv6 in brackets or not; other than loopback it makes the hub reachable from other hosts, without TLS. */
  host?: string;
}

/** A hub that runs in a process of its own. */
export interface LocalHub {
  /** `http://ADDRESS:PORT`, as this host reaches it. */
  origin: string;
  port: number;
  /** workerd's process. */
  pid: number;
  /** Its log, for when something went wrong. */
  logPath: string;
  key(holder: KeyHolder): Promise<string>;
  /** Ends workerd and waits until it has ended. */
  stop(): Promise<void>;
  /** Kills workerd at once, as a crash would. */
  kill(): Promise<void>;
  /** Settles when workerd has ended, for whatever reason. */
  ended: Promise<void>;
}

/** Starts a hub on a local folder under bare workerd. Throws with the reason and the end of its log where it does not start. */
export async function startLocalHub(options: LocalHubOptions): Promise<LocalHub> {
  const dataFolder = resolve(options.dataFolder);
  const configPath = configPathOf(dataFolder);
  const pidPath = pidPathOf(dataFolder);
  const logPath = join(dataFolder, "hub.log");
  const objectsFolder = join(dataFolder, "objects");
  mkdirSync(objectsFolder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  // One of an earlier version let others in. Its folder may be somebody's that holds other things too.
  chmodSync(objectsFolder, OWNER_ONLY_FOLDER);
  await claimFolder(dataFolder);

  const { variables = {} } = options;
  const host = bracketed(options.host ?? "127.0.0.1");
  const assets = options.assetsFolder === undefined ? null : resolve(options.assetsFolder);
  const assetsFolder = assets !== null && existsSync(assets) ? assets : null;
  const paths = { configFolder: dataFolder, workerFolder: resolve(options.workerFolder), objectsFolder, assetsFolder };
  const webhook = variables.WEBHOOK_URL === undefined ? null : new URL(variables.WEBHOOK_URL);
  writeWhole(configPath, workerdConfig(paths, `${host}:${options.port ?? 0}`, Object.keys(variables), webhook));
  const master = openMasterKey(dataFolder);

  const masters = { [MASTER_KEY_VARIABLE]: master, [PREVIOUS_MASTER_KEY_VARIABLE]: previousMasterKey(dataFolder) };
  const child = spawnWorkerd(configPath, logPath, { ...variables, ...masters });
  const ended = new Promise<void>((settle) => child.once("exit", () => settle()).once("error", () => settle()));
  const killOnExit = () => child.kill("SIGKILL");
  process.once("exit", killOnExit);
  void ended.then(() => process.off("exit", killOnExit));
  const port = await listeningPort(child, ended, logPath);
  const pid = child.pid ?? 0;
  try {
    writePidFile(pidPath, pid);
  } catch (error) {
    killOnExit();
    await ended;
    throw error;
  }

  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    removePidFile(pidPath);
  };
  const imported = importMaster(master);
  return {
    origin: `http://${REACHED_AT[host] ?? host}:${port}`,
    port,
    pid,
    logPath,
    key: async (holder) => deriveKey(await imported, holder),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    ended,
  };
}

/** As URLs and workerd write it. */
function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function spawnWorkerd(configPath: string, logPath: string, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(logPath, "w", OWNER_ONLY);
  try {
    fchmodSync(log, OWNER_ONLY);
    return spawn(workerdPath(), ["serve", configPath, `--control-fd=${CONTROL_DESCRIPTOR}`], {
      stdio: ["ignore", log, log, "pipe"],
      env,
    });
  } finally {
    closeSync(log);
  }
}

/** Where npm put workerd. */
function workerdPath(): string {
  const require = createRequire(import.meta.url);
  try {
    return require("workerd").default;
  } catch (cause) {
    throw new Error("workerd is not installed for this platform; run npm install, or use a hub elsewhere", { cause });
  }
}

/** The port, once workerd says that it listens. */
async function listeningPort(child: ChildProcess, ended: Promise<void>, logPath: string): Promise<number> {
  const control = child.stdio[CONTROL_DESCRIPTOR] as Readable;
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  try {
    const lines = createInterface({ input: control });
    const port = new Promise<number>((settle) => {
      lines.on("line", (line) => {
        const message = JSON.parse(line);
        if (message.event === "listen") settle(message.port);
      });
    });
    const first = await Promise.race([port, ended]);
    if (typeof first === "number") return first;
    throw new Error(`the hub did not start: ${reasonIn(readFileSync(logPath, "utf8"), logPath)}`);
  } finally {
    clearTimeout(timer);
    control.destroy();
  }
}

/** What is usually wrong, by what workerd's log says, and what mends it. */
const REASONS: readonly (readonly [said: RegExp, reason: string])[] = [
  [/address already in use/i, "its port is in use; stop what listens there, or take another with --port"],
  [/bind.*permission denied/i, "this user may not listen there; take a port above 1023 with --port"],
  [
    /cannot assign requested address|DNS lookup failed/i,
    "this machine does not have that address; name one of its own with --host",
  ],
];

function reasonIn(log: string, logPath: string): string {
  const known = REASONS.find(([said]) => said.test(log));
  const last = log.split("\n").find((line) => line !== "") ?? "it said nothing";
  return known?.[1] ?? `${last.slice(0, 300)} (more in ${logPath})`;
}
