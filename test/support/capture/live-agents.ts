/** Agents on a test's network, and what their minutes add up to. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect } from "vitest";
import { readBundleHeader } from "../../../engine/bundle";
import { Core } from "../../../engine/core";
import { MinuteSum, type Summary } from "../../../engine/summary";
import { COMMAND } from "../command";
import { coreModule } from "../round-trips";
import { Listener, type Network, type Side } from "./network";

/** Sends `count` datagrams to each of these addresses and ports, one after the other. */
const SENDER = `
  import { createSocket } from "node:dgram";
  const [count, ...targets] = process.argv.slice(1);
  const socket = createSocket("udp4");
  for (let i = 0; i < Number(count); i++)
    for (const [address, port] of targets.map((target) => target.split(":")))
      await new Promise((done) => socket.send("datagram " + i, Number(port), address, done));
  socket.close();`;

/** What an agent said, and what it has put into its spool. */
export interface Ended {
  said: string;
  code: number | null;
  summary: Summary;
  /** Bundles by minute and sequence. */
  names: string[];
  /** A metric's rows with these labels, added up. */
  sum(metric: string, labels?: Record<string, string>): number;
}

/** Agents, of the near side unless another is named. */
export class LiveAgents {
  private readonly folder = mkdtempSync(join(tmpdir(), "tallywire-agent-"));
  private readonly spools = new Map<Listener, string>();

  constructor(
    private readonly network: Network,
    /** What they call the host's own; they find out where there is none. */
    private readonly hostNetworks: readonly string[] = ["10.77.0.1/32"],
  ) {
    // Others than root are to reach what is in there.
    chmodSync(this.folder, 0o755);
  }

  /** A folder for a spool. */
  spool(): string {
    return mkdtempSync(join(this.folder, "spool-"));
  }

  /** Starts an agent with these words, and waits until it captures. */
  start(...words: string[]): Promise<Listener> {
    return this.startOn(this.network.near, ...words);
  }

  /** The same on one side. */
  startOn(side: Side, ...words: string[]): Promise<Listener> {
    return this.launch(side, [process.execPath, COMMAND], this.spool(), words);
  }

  /** The same by other programs' words, `env` and the like, and with a given spool. */
  startBy(by: readonly string[], spool: string, ...words: string[]): Promise<Listener> {
    return this.launch(this.network.near, [...by, process.execPath, COMMAND], spool, words);
  }

  /** The same of another build. */
  startFrom(command: string, ...words: string[]): Promise<Listener> {
    return this.launch(this.network.near, [process.execPath, command], this.spool(), words);
  }

  private launch(side: Side, program: readonly string[], spool: string, words: readonly string[]): Promise<Listener> {
    const own = ["--edge", "e", "--spool", spool, ...this.hostNetworks.flatMap((one) => ["--host-network", one])];
    const listener = new Listener(side.start(...program, "agent", ...own, ...words));
    this.spools.set(listener, join(spool, "e"));
    return listener.says(/reading interface/);
  }

  /** Ends an agent, and gives what it said and what its minutes add up to. */
  async end(listener: Listener): Promise<Ended> {
    const said = await listener.stop();
    const spool = this.spools.get(listener)!;
    const sum = new MinuteSum(new Core(coreModule(), { role: "hub", budgetBytes: 32 << 20 }));
    const names: string[] = [];
    for (const name of readdirSync(spool)) {
      if (!/^\d/.test(name)) continue;
      const bundle = inflateSync(readFileSync(join(spool, name)));
      const { minute, sequence } = readBundleHeader(bundle);
      names.push(`${minute} ${sequence}`);
      sum.add(bundle);
    }
    const summary = sum.summary();
    const value = (metric: string, labels: Record<string, string> = {}) =>
      summary.metrics
        .filter((row) => row.metric === metric && Object.entries(labels).every(([name, text]) => row.labels[name] === text))
        .reduce((all, row) => all + (row.value ?? 0), 0);
    return { said, code: listener.child.exitCode, summary, names, sum: value };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Sends datagrams from one side, and waits until they are sent. */
export async function send(side: Side, count: number, ...targets: string[]): Promise<void> {
  const sender = new Listener(side.start(process.execPath, "--input-type=module", "-e", SENDER, String(count), ...targets));
  await new Promise((done) => sender.child.once("close", done));
  expect(sender.said).toBe("");
}
