/**
 * Which columns of its breakdowns a host keeps. One that it does not keep stays in the key as an empty value, so that label sets
 * that differ by it alone become one, and bundles of hosts that chose differently merge as any others: totals stay exact.
 *
 * ```
 * choice: { metric u16, kept u8 } ...      bit i of `kept` is column i
 * ```
 */
import { Settings } from "../settings";
import { Kind, METRIC_IDS, Metric, Registry } from "./metric";
import { Minute } from "./minute";
import { Series } from "./series";

/** Bytes of one choice in `Settings.labels`. */
const CHOICE_BYTES: u32 = 3;
const COLUMNS_MAX: u32 = 8;
const COMMA: i32 = 0x2c;

/** For each metric number the columns that are not kept, a bit each. */
const DROPPED: usize = memory.data(1024);

export class BreakdownLabels {
  /** Whether any column of any breakdown is not kept. */
  static isChosen: bool = false;

  /** Takes the choices of `Settings` over, after all metrics were declared; false where one is of no breakdown or of no column of it. */
  static open(): bool {
    assert(METRIC_IDS == 1024);
    memory.fill(DROPPED, 0, METRIC_IDS);
    BreakdownLabels.isChosen = false;
    const end = Settings.labels + Settings.labelsBytes;
    for (let at = Settings.labels; at < end; at += CHOICE_BYTES) {
      const id = <u32>load<u16>(at);
      const index = Registry.find(id);
      if (index == 0) return false;
      const all = allColumns(Registry.at(index - 1));
      const kept = <u32>load<u8>(at, 2);
      if (all == 0 || (kept & ~all) != 0) return false;
      store<u8>(DROPPED + id, all ^ kept);
      if (kept != all) BreakdownLabels.isChosen = true;
    }
    return true;
  }

  /** Empties what is not kept of the key of `length` bytes at `start`, for the breakdown `series`; gives the length that is left. */
  static cut(series: u32, start: usize, length: u32): u32 {
    const metric = changetype<Series>(Minute.entries + ((<usize>series) << 4)).metric;
    let dropped = <u32>load<u8>(DROPPED + <usize>metric);
    if (dropped == 0) return length;
    const end = start + length;
    let to = start;
    for (let from = start; from < end; dropped >>= 1) {
      const bytes = 1 + <u32>load<u8>(from);
      if (dropped & 1) {
        store<u8>(to, 0);
        to += 1;
      } else {
        if (to != from) memory.copy(to, from, bytes);
        to += bytes;
      }
      from += bytes;
    }
    return <u32>(to - start);
  }
}

/** A bit for each column of a breakdown; 0 for every other metric. */
function allColumns(metric: Metric): u32 {
  if (metric.kind != Kind.BREAKDOWN || metric.columns == 0) return 0;
  const csv = changetype<string>(<usize>metric.columns);
  let columns: u32 = 1;
  for (let i = 0; i < csv.length; i++) if (csv.charCodeAt(i) == COMMA) columns += 1;
  return columns <= COLUMNS_MAX ? (1 << columns) - 1 : 0;
}
