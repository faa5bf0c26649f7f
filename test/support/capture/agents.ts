/** Agents on real interfaces, and what their minutes add up to. */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { readBundleHeader } from "../../../engine/bundle";
import { Core } from "../../../engine/core";
import { MinuteSum, type Summary } from "../../../engine/summary";
import { COMMAND } from "../command";
import { coreModule } from "../round-trips";
import { Listener, type Side } from "./network";

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

/** Starts agents that spool below a folder. */
export class Agents {
  private readonly spools = new Map<Listener, string>();

  constructor(private readonly folder: string) {}

  /** Starts one, and waits until it captures. */
  async start(side: Side, ...words: string[]): Promise<Listener> {
    return this.startFrom(COMMAND, side, ...words);
  }

  /** Starts one of another build. */
  async startFrom(command: string, side: Side, ...words: string[]): Promise<Listener> {
    const spool = mkdtempSync(join(this.folder, "spool-"));
    const all = [command, "agent", "--edge", "e", "--spool", spool, "--host-network", "10.77.0.1/32", ...words];
    const listener = new Listener(side.start(process.execPath, ...all));
    this.spools.set(listener, join(spool, "e"));
    return listener.says(/reading interface/);
  }

  /** Ends one. */
  async ended(listener: Listener): Promise<Ended> {
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
}
