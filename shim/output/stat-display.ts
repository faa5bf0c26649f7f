import type { StatAnswer } from "../../engine/stat";
import { lineFormatter } from "./line";
import { printable } from "./printable";
import { type StatSort, sortRows, statTable } from "./stat-table";
import { TextOutput } from "./text-output";

/** What is asked for, with everything that was left open chosen. */
export interface StatWanted {
  value: string;
  by: string[];
  sort: StatSort;
  /** Round trips of each row. */
  samples: number;
}

/** How it is shown. */
export interface ShowOptions {
  /** Rows that are shown; as many as the terminal has room for, or 20, and all in JSON. */
  rows?: number;
  /** How often, ms. */
  every?: number;
  output?: "json";
}

const ROWS_SHOWN = 20;
/** Lines of a terminal that the table leaves free. */
const LINES_AROUND = 4;
const TERMINAL_EVERY_MS = 1000;
/** Moves to the upper left corner of a terminal, and clears what is below. */
const HOME_AND_CLEAR = "\u001b[H\u001b[J";
const CLEAR_ALL = "\u001b[2J";

/** Shows statistics: again and again on a terminal that looks on, else when they are done or a span is over. */
export class StatDisplay {
  private readonly output = new TextOutput(process.stdout);
  private readonly everyMs: number | undefined;
  private readonly isScreen: boolean;
  private nextMs: number;
  private shown = 0;

  constructor(
    private readonly wanted: StatWanted,
    private readonly options: ShowOptions & { isLive: boolean },
  ) {
    this.isScreen = process.stdout.isTTY === true && options.isLive && options.output === undefined;
    this.everyMs = options.every ?? (this.isScreen ? TERMINAL_EVERY_MS : undefined);
    this.nextMs = Date.now() + (this.everyMs ?? 0);
  }

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.output.closed;
  }

  /** Shows what there is, where it is time. */
  async turn(answer: () => StatAnswer): Promise<void> {
    if (this.everyMs !== undefined && this.options.isLive && Date.now() >= this.nextMs) {
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
