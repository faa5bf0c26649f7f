import type { StatAnswer } from "../../engine/stat";
import { lineFormatter } from "./line";
import { LiveTable, type ShowOptions } from "./live-table";
import { jsonLine, printable } from "./printable";
import { type StatSort, sortRows, statTable } from "./stat-table";

/** What is asked for, with everything that was left open chosen. */
export interface StatWanted {
  value: string;
  by: string[];
  sort: StatSort;
  /** Round trips of each row. */
  samples: number;
}

/** Lines of a terminal that the table leaves free. */
const LINES_AROUND = 4;

/** Shows statistics as they grow, and the round trips behind them at the end. */
export class StatDisplay {
  private readonly table: LiveTable;

  constructor(
    private readonly wanted: StatWanted,
    private readonly options: ShowOptions & { isLive: boolean },
  ) {
    this.table = new LiveTable(options);
  }

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.table.isClosed;
  }

  /** Shows what there is, where it is time. */
  async turn(answer: () => StatAnswer): Promise<void> {
    await this.table.turn(() => this.text(answer()));
  }

  /** Shows what it came to. */
  async last(answer: StatAnswer): Promise<void> {
    await this.table.last(this.text(answer), this.options.output === undefined ? this.samplesText(answer) : "");
  }

  private text(answer: StatAnswer): string {
    const { sort } = this.wanted;
    if (this.options.output !== "json") return statTable(answer, sort, this.table.rowsShown(LINES_AROUND), this.table.columns);
    const rows = sortRows(answer.rows, sort).slice(0, this.options.rows);
    return jsonLine({ ...answer, rows });
  }

  /** The round trips behind the rows, a block a row. */
  private samplesText(answer: StatAnswer): string {
    if (this.wanted.samples === 0) return "";
    const line = lineFormatter(false, process.stdout);
    const shown = sortRows(answer.rows, this.wanted.sort).slice(0, this.table.rowsShown(LINES_AROUND));
    const blocks = shown.map((row) => {
      const title = this.wanted.by.map((name) => `${name} ${row.by[name] ?? "-"}`).join(", ");
      return `\n${printable(title)}\n${(row.samples ?? []).map((trip) => `  ${line(trip)}`).join("")}`;
    });
    return blocks.join("");
  }
}
