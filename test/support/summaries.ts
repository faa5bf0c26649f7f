/** What captures add up to, looked up by metric and labels. */
import { Core, type CoreOptions } from "../../engine/core";
import type { Row, TopItem } from "../../engine/rows";
import { CAPTURE_BUDGET_BYTES, MinuteSum, type Summary } from "../../engine/summary";
import { coreModule } from "./round-trips";

const ITEMS = 1024;

export class Totals {
  constructor(readonly summary: Summary) {}

  /** Rows of a metric whose labels are at least these. */
  rows(metric: string, labels: Record<string, string> = {}): Row[] {
    return this.summary.metrics.filter(
      (row) => row.metric === metric && Object.entries(labels).every(([name, value]) => row.labels[name] === value),
    );
  }

  /** Sum of a counter's or rate's rows. */
  count(metric: string, labels: Record<string, string> = {}): number {
    return this.rows(metric, labels).reduce((sum, { value = 0 }) => sum + value, 0);
  }

  /** The one row of a metric with these labels. Throws where there is none or several. */
  one(metric: string, labels: Record<string, string> = {}): Row {
    const rows = this.rows(metric, labels);
    if (rows.length !== 1) throw new Error(`${metric} ${JSON.stringify(labels)} has ${rows.length} rows`);
    return rows[0]!;
  }

  /** Items of the one row of a top, by key. */
  top(metric: string, labels: Record<string, string> = {}): Map<string, TopItem> {
    const items = (this.one(metric, labels).items ?? []) as TopItem[];
    return new Map(items.map((item) => [item.key, item]));
  }
}

/** Adds a capture file up; `before` it is read the core may be told more. */
export function totalsOf(file: Uint8Array, options: CoreOptions = {}, before?: (core: Core) => void): Totals {
  const core = new Core(coreModule(), { budgetBytes: CAPTURE_BUDGET_BYTES, ...options });
  before?.(core);
  const sum = new MinuteSum(core);
  const minutes: Uint8Array[] = [];
  core.drainTo({ bundle: (bytes) => minutes.push(bytes.slice()) });
  const input = core.open("file");
  input.write(file);
  input.end();
  core.flush();
  for (const minute of minutes) sum.add(minute);
  return new Totals(sum.summary(ITEMS));
}
