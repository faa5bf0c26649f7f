import { setTimeout as sleep } from "node:timers/promises";
import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import { feedCapture } from "../capture/capture-reader";
import { captureLive, ownNetworks, RING_BYTES } from "../capture/live";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { setFilter } from "../filter";
import { DisplayLimit } from "../output/display-limit";
import { exitSummary } from "../output/exit-summary";
import { MinuteCounts } from "../output/minute-counts";
import { printable } from "../output/printable";
import { formatterOf, type OutputForm, RoundTripPrinter } from "../output/round-trip-printer";
import { TextOutput } from "../output/text-output";
import { formatNumberOf } from "../output/units";

export interface WatchOptions {
  interface?: string;
  read?: string;
  /** Packets that are captured at all, as tcpdump's filters say it. */
  captureFilter?: string;
  filter?: string;
  count?: number;
  output?: OutputForm;
  /** Lines a second; 0 for all. */
  rate?: number;
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

/** How often what was captured is shown, ms, and how often an idle host's clock is told. */
const TURN_MS = 100;
const TICK_MS = 1000;
/** Lines a second that a terminal shows of an interface, unless told otherwise: as many as anybody can follow. */
const TERMINAL_RATE = 50;

/** `tallywire watch`: a line a round trip, as they are decided. Gives the exit code. */
export async function watch(protocols: readonly string[], options: WatchOptions): Promise<number> {
  const { interface: name, read: file } = options;
  if ((name === undefined) === (file === undefined))
    throw new Failure("name an interface with -i or a capture with -r; tallywire interfaces lists what there is", 2);
  const run = new Watch(protocols, options, await formatterOf(options.output ?? "line"));
  const onSignal = () => {
    // Who cannot wait for the end says so twice.
    if (run.ending.signal.aborted) process.exit(1);
    run.ending.abort();
    if (file === "-") process.stdin.destroy();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await run.run(name === undefined ? () => run.readFile(file!) : () => run.readInterface(name));
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

function say(line: string): void {
  process.stderr.write(`tallywire: ${printable(line)}\n`);
}

/** One run of the command. */
class Watch {
  readonly ending = new AbortController();
  private readonly core: Core;
  private readonly output = new TextOutput(process.stdout);
  private readonly limit: DisplayLimit | undefined;
  private readonly printer: RoundTripPrinter;
  private readonly counts: MinuteCounts;
  private readonly isFiltered: boolean;
  private failed = false;
  /** Whether the kernel says what it dropped; undefined of a file, which may say so itself. */
  private knowsDrops: boolean | undefined;

  constructor(
    protocols: readonly string[],
    private readonly options: WatchOptions,
    format: ConstructorParameters<typeof RoundTripPrinter>[1],
  ) {
    const { raw, keepDuplicates, count, filter, interface: name } = options;
    const isLive = name !== undefined;
    const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
    this.core = loadCore({ events: true, raw, keepDuplicates, hostNetworks, live: isLive });
    setFilter(this.core, filter, protocols);
    this.isFiltered = filter !== undefined || protocols.length > 0;
    const rate = options.rate ?? (isLive && process.stdout.isTTY ? TERMINAL_RATE : 0);
    if (rate > 0) {
      const narrow = `more than ${formatNumberOf(rate, "line")} a second; -Y narrows it, --rate 0 shows all`;
      this.limit = new DisplayLimit(rate, (lines) => say(`${formatNumberOf(lines, "round trip")} not shown: ${narrow}`));
    }
    const { limit } = this;
    this.printer = new RoundTripPrinter(this.core, format, this.output, { count, isDue: limit && (() => limit.isDue()) });
    this.counts = new MinuteCounts(this.core);
    this.core.drainTo({ events: (view) => this.printer.print(view), bundle: (bundle) => this.counts.add(bundle) });
  }

  /** Shows what `source` brings, and then what it came to. */
  async run(source: () => Promise<void>): Promise<number> {
    await source();
    this.core.flush();
    this.limit?.tell();
    await this.output.end();
    const limit = limitWords(this.counts.total);
    if (limit) say(limit);
    if (!this.output.closed) process.stderr.write(`${this.summary()}\n`);
    return this.failed ? 1 : 0;
  }

  /** Reads one capture file. */
  async readFile(path: string): Promise<void> {
    const goesOn = async () => {
      this.output.push();
      await this.output.ready();
      return !this.isOver;
    };
    const { failure, warning } = await feedCapture(this.core, path, goesOn, this.options.captureFilter);
    this.failed = failure !== undefined;
    const words = failure ?? warning;
    if (words) say(words);
  }

  /** Reads an interface until somebody wants to end it. */
  async readInterface(name: string): Promise<void> {
    const live = { interface: name, filter: this.options.captureFilter, ringBytes: RING_BYTES };
    const capture = await captureLive(this.core, live, say);
    this.knowsDrops = capture.knowsDrops;
    say(`watching ${name}; captured through ${capture.words}`);
    let tickedMs = 0;
    while (!this.isOver) {
      await sleep(TURN_MS, undefined, { signal: this.ending.signal }).catch(() => {});
      capture.refresh();
      const nowMs = Date.now();
      if (nowMs - tickedMs >= TICK_MS) {
        this.core.tick(Math.floor(nowMs / 1000), (nowMs % 1000) * 1_000_000);
        tickedMs = nowMs;
      }
      this.limit?.turn();
      this.output.push();
      await this.output.ready();
    }
    await capture.close();
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted || this.output.closed || this.printer.isDone;
  }

  private summary(): string {
    const { printed: roundTrips, leftOut } = this.printer;
    const filtered = this.isFiltered ? this.core.eventsFiltered : undefined;
    return exitSummary(this.counts.total, { roundTrips, filtered, leftOut, knowsDrops: this.knowsDrops });
  }
}
