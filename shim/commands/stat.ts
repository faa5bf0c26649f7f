import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import { Stat, type StatAnswer } from "../../engine/stat";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { ownNetworks } from "../capture/live";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { setFilter } from "../filter";
import { exitSummary } from "../output/exit-summary";
import { lineFormatter } from "../output/line";
import { MinuteCounts } from "../output/minute-counts";
import { printable } from "../output/printable";
import { type StatSort, sortRows, statTable } from "../output/stat-table";
import { TextOutput } from "../output/text-output";

export interface StatOptions extends SessionSource {
  by?: readonly string[];
  metric?: string;
  slow?: boolean;
  big?: boolean;
  sort?: StatSort;
  /** Rows that are shown; as many as the terminal has room for, or 20. */
  rows?: number;
  samples?: number;
  /** How long to look, and how often to tell, ms. */
  time?: number;
  every?: number;
  filter?: string;
  output?: "json";
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

const ROWS_SHOWN = 20;
/** Lines of a terminal that the table leaves free. */
const LINES_AROUND = 4;
const TERMINAL_EVERY_MS = 1000;
const SAMPLES_OF_EXTREMES = 3;
const DURATION = "durationNs";
/** Moves to the upper left corner of a terminal, and clears what is below. */
const HOME_AND_CLEAR = "\u001b[H\u001b[J";
const CLEAR_ALL = "\u001b[2J";

/** What is asked for, with everything that was left open chosen. */
interface Wanted {
  value: string;
  by: string[];
  sort: StatSort;
  samples: number;
}

/** `tallywire stat`: what round trips add up to, by the fields that are named. Gives the exit code. */
export async function stat(protocols: readonly string[], options: StatOptions): Promise<number> {
  const { raw, keepDuplicates, filter, interface: name } = options;
  const isLive = name !== undefined;
  const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
  const budgetBytes = CAPTURE_BUDGET_BYTES;
  const core = loadCore({ events: true, raw, keepDuplicates, hostNetworks, live: isLive, budgetBytes });
  const session = new CaptureSession(core, options);
  setFilter(core, filter, protocols);
  const wanted = wantedOf(protocols, options);
  const stat = openStat(core, wanted, protocols);
  const counts = new MinuteCounts(core);
  core.drainTo({ bundle: (bundle) => counts.add(bundle) });
  const show = new StatDisplay(wanted, options);
  const startMs = Date.now();
  await session.run(async () => {
    await show.turn(() => stat.answer());
    if (options.time !== undefined && isLive && Date.now() - startMs >= options.time) session.end();
    return !show.isClosed;
  });
  const answer = stat.answer();
  await show.last(answer);
  const words = limitWords(counts.total);
  if (words) say(words);
  const filtered = filter !== undefined || protocols.length > 0 ? core.eventsFiltered : undefined;
  const shown = { roundTrips: answer.requests, filtered, knowsDrops: session.knowsDrops };
  if (!show.isClosed) process.stderr.write(`${exitSummary(counts.total, shown)}\n`);
  return session.failed ? 1 : 0;
}

function wantedOf(protocols: readonly string[], { by, metric, slow, big, sort, samples }: StatOptions): Wanted {
  if (slow && big) throw new Failure("--slow and --big are two questions: leave one of them out", 2);
  if ((slow || big) && metric !== undefined) throw new Failure("--slow and --big choose the metric: leave --metric out", 2);
  const chosen = big ? "size" : (metric ?? "duration");
  const value = chosen === "duration" ? DURATION : chosen;
  const natural: StatSort = slow
    ? "p99"
    : chosen === "errors"
      ? "errors"
      : chosen === "size"
        ? big
          ? "max"
          : "sum"
        : "requests";
  return {
    value,
    by: (by ?? [protocols.length === 1 ? "server.address" : "protocol,server.address"])
      .flatMap((list) => list.split(/[\s,]+/))
      .filter(Boolean),
    sort: sort ?? natural,
    samples: samples ?? (slow || big ? SAMPLES_OF_EXTREMES : 0),
  };
}

/** Begins the statistics; a field may go without its protocol where there is just one. Throws Failure. */
function openStat(core: Core, wanted: Wanted, protocols: readonly string[]): Stat {
  const [protocol] = protocols.length === 1 ? protocols : [];
  const named = (field: string) =>
    protocol !== undefined && isField(core, `${protocol}.${field}`) && !isField(core, field) ? `${protocol}.${field}` : field;
  wanted.by = wanted.by.map(named);
  if (!["count", "errors", "size"].includes(wanted.value)) wanted.value = named(wanted.value);
  const stat = Stat.open(core, wanted);
  if (stat instanceof Stat) return stat;
  const option = stat.column <= wanted.value.length ? "--metric" : "--by";
  throw new Failure(`${option}: ${stat.message}`, 2);
}

function isField(core: Core, name: string): boolean {
  return core.openStat(`count by ${name}`, 0) === undefined;
}

/** Shows statistics: again and again on a terminal that looks on, else when they are done or a span is over. */
class StatDisplay {
  private readonly output = new TextOutput(process.stdout);
  private readonly everyMs: number | undefined;
  private readonly isScreen: boolean;
  private nextMs: number;
  private shown = 0;

  constructor(
    private readonly wanted: Wanted,
    private readonly options: StatOptions,
  ) {
    this.isScreen = process.stdout.isTTY === true && options.interface !== undefined && options.output === undefined;
    this.everyMs = options.every ?? (this.isScreen ? TERMINAL_EVERY_MS : undefined);
    this.nextMs = Date.now() + (this.everyMs ?? 0);
  }

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.output.closed;
  }

  /** Shows what there is, where it is time. */
  async turn(answer: () => StatAnswer): Promise<void> {
    if (this.everyMs !== undefined && this.options.interface !== undefined && Date.now() >= this.nextMs) {
      this.nextMs += this.everyMs;
      this.write(answer());
    }
    this.output.push();
    await this.output.ready();
  }

  /** Shows what it came to. */
  async last(answer: StatAnswer): Promise<void> {
    this.write(answer);
    if (this.options.output === undefined) this.writeSamples(answer);
    await this.output.end();
  }

  private write(answer: StatAnswer): void {
    const { sort } = this.wanted;
    if (this.options.output === "json") {
      const rows = sortRows(answer.rows, sort).slice(0, this.options.rows);
      this.output.write(`${JSON.stringify({ ...answer, rows })}\n`);
      return;
    }
    const before = this.isScreen ? (this.shown++ === 0 ? CLEAR_ALL : "") + HOME_AND_CLEAR : this.shown++ === 0 ? "" : "\n";
    this.output.write(`${before}${statTable(answer, sort, this.rowsShown)}`);
  }

  private get rowsShown(): number {
    const { rows } = this.options;
    return rows ?? (this.isScreen ? Math.max(1, process.stdout.rows - LINES_AROUND) : ROWS_SHOWN);
  }

  /** The round trips behind the rows, a block a row. */
  private writeSamples(answer: StatAnswer): void {
    if (this.wanted.samples === 0) return;
    const line = lineFormatter(false, process.stdout);
    for (const row of sortRows(answer.rows, this.wanted.sort).slice(0, this.rowsShown)) {
      const title = this.wanted.by.map((name) => `${name} ${row.by[name] ?? "-"}`).join(", ");
      this.output.write(`\n${printable(title)}\n${(row.samples ?? []).map((trip) => `  ${line(trip)}`).join("")}`);
    }
  }
}
