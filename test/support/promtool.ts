/** A hub with minutes whose counts are known, and Debian's promtool and prometheus to ask it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { ROOT } from "./repository";
import { type Exchange, sealMinuteBy } from "./seal-minute";
import { programPath } from "./servers/programs";

const run = promisify(execFile);

/** The tenant of the stage. */
export const TENANT = "prometheus";

/** Seconds into a minute at which the one before is due. */
const DUE_SECOND = 55;

/** Times about which the tests ask lie in one month: counters begin anew with each. */
const SPAN_SECONDS = 3600;

/** The end of the last minute that was due when this was loaded; where a month has just begun, the end of the one before. */
export const END = endOf(Math.floor((Date.now() / 1000 - DUE_SECOND) / 60) * 60);

function endOf(due: number): number {
  const date = new Date(due * 1000);
  const month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
  return due - month < SPAN_SECONDS ? month - 60 : due;
}

/** What one edge saw in one minute. */
export interface Minute {
  site: string;
  /** Start, seconds since the epoch. */
  start: number;
  exchanges: Exchange[];
}

/** Starts a hub and posts minutes to it, each edge under its site's name. */
export async function startHubWith(folder: string, minutes: readonly Minute[], module: WebAssembly.Module): Promise<LocalHub> {
  const hub = await startLocalHub({ dataFolder: join(folder, "hub"), workerFolder: join(ROOT, "build/hub") });
  for (const { site, start, exchanges } of minutes) {
    const body = sealMinuteBy(module, { minute: start, boot: 1n, exchanges });
    const authorization = `Bearer ${await hub.key({ kind: "write", tenant: TENANT, edge: `edge-${site}` })}`;
    const headers = { authorization, "tallywire-tags": `site=${site}` };
    const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body, headers });
    if (!response.ok) throw new Error(await response.text());
  }
  return hub;
}

/** Whether a program is installed; says what is left out where it is not. */
export function hasProgram(name: string): boolean {
  if (programPath(name) !== undefined) return true;
  console.warn(`${name} is left out: it is not installed (Debian: prometheus)`);
  return false;
}

/** promtool, with a key: as the password in the address, which is sent as basic auth. */
export class Promtool {
  private readonly server: string;

  constructor(address: string, key: string) {
    this.server = address.replace("://", `://reader:${key}@`);
  }

  /** Runs `promtool query`; throws what it says where it fails. */
  async query(kind: string, words: readonly string[]): Promise<string> {
    const { stdout } = await run(programPath("promtool")!, ["query", kind, ...words]);
    return stdout;
  }

  /** An instant query: series as promtool writes them, with their values. */
  async instant(expression: string, time: number): Promise<Map<string, number>> {
    const text = await this.query("instant", ["--time", String(time), this.server, expression]);
    return new Map(
      text
        .trim()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [, labels = "", value = ""] = /^(.*?)(?: =>|:) (\S+)(?: @\[\d.*\])?$/.exec(line) ?? [];
          return [labels, Number(value.replace("Inf", "Infinity"))];
        }),
    );
  }

  async range(expression: string, start: number, end: number, step: string): Promise<string> {
    return this.query("range", ["--start", String(start), "--end", String(end), "--step", step, this.server, expression]);
  }

  async series(...matchers: string[]): Promise<string[]> {
    const words = [...matchers.map((matcher) => `--match=${matcher}`), "--start", String(END - 3600), "--end", String(END)];
    return (await this.query("series", [...words, this.server])).trim().split("\n");
  }

  async labels(name: string): Promise<string[]> {
    return (await this.query("labels", [this.server, name])).trim().split("\n");
  }
}
