import { TextOutput } from "./text-output";

/** How a table is shown. */
export interface ShowOptions {
  /** Rows that are shown; as many as the terminal has room for, or 20, and all in JSON. */
  rows?: number;
  /** How often, ms. */
  every?: number;
  output?: "json";
}

const ROWS_SHOWN = 20;
const TERMINAL_EVERY_MS = 1000;
/** Moves to the upper left corner of a terminal, and clears what is below. */
const HOME_AND_CLEAR = "\u001b[H\u001b[J";
const CLEAR_ALL = "\u001b[2J";
/** Cuts lines at the right edge, or goes on below: a table that is longer than the screen would scroll away each time. */
const CUT_LINES = "\u001b[?7l";
const WRAP_LINES = "\u001b[?7h";

/** Shows a text that changes: again and again on a terminal that looks on, else when it is done or a span is over. */
export class LiveTable {
  private readonly output = new TextOutput(process.stdout);
  private readonly everyMs: number | undefined;
  private readonly isScreen: boolean;
  /** By a clock that nobody sets. */
  private nextMs: number;
  private shown = 0;

  constructor(private readonly options: ShowOptions & { isLive: boolean }) {
    this.isScreen = process.stdout.isTTY === true && options.isLive && options.output === undefined;
    this.everyMs = options.every ?? (this.isScreen ? TERMINAL_EVERY_MS : undefined);
    this.nextMs = performance.now() + (this.everyMs ?? 0);
  }

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.output.closed;
  }

  /** Shows what there is, where it is time. */
  async turn(text: () => string): Promise<void> {
    const nowMs = performance.now();
    if (this.everyMs !== undefined && nowMs >= this.nextMs) {
      // What a host has slept through is not made up for.
      this.nextMs = Math.max(this.nextMs + this.everyMs, nowMs);
      this.show(this.isScreen ? `${CUT_LINES}${text()}${WRAP_LINES}` : text());
    }
    this.output.push();
    await this.output.ready();
  }

  /** Shows what it came to, and what is below it. */
  async last(text: string, below = ""): Promise<void> {
    this.show(text);
    this.output.write(below);
    await this.output.end();
  }

  /** Rows that are shown, on a terminal beside `others` lines. */
  rowsShown(others: number): number {
    return this.options.rows ?? (this.isScreen ? Math.max(1, process.stdout.rows - others) : ROWS_SHOWN);
  }

  /** Columns that a table may take: those of a terminal, and any number of a file or pipe. */
  get columns(): number {
    return process.stdout.isTTY ? process.stdout.columns || Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  private show(text: string): void {
    const isFirst = this.shown++ === 0;
    if (this.isScreen) this.output.write(`${isFirst ? CLEAR_ALL : ""}${HOME_AND_CLEAR}`);
    else if (!isFirst && this.options.output === undefined) this.output.write("\n");
    this.output.write(text);
  }
}
