/** Who still has it: one entry of a list, by the values of a tag over time. */
import { type Asker, rowsOf } from "./asker";
import type { AnswerMeta, AnswerRow, HubMetric, Tags } from "./client";
import { LINE_TOKENS, Lines, numberOf, type Series } from "./series";
import { titleOf } from "./tops";

/** One value of the tag. */
interface EntryShare {
  name: string;
  value: number;
  lower: number;
  upper: number;
  before?: number;
}

export interface EntryFigures {
  metric: HubMetric;
  title: string;
  entry: string;
  by: string;
  all: EntryShare;
  /** Weight of the whole list. */
  total: number;
  shares: EntryShare[];
  series: Series;
  meta: AnswerMeta;
}

/** Lines of the chart at the most. */
const LINES_MAX = LINE_TOKENS.length;

/** Asks about an entry; undefined where the hub has no such list. Throws HubError. */
export async function askEntry(
  asker: Asker,
  { metric: name, entry, by: wanted }: { metric: string; entry: string; by: string },
  tags: Tags,
): Promise<EntryFigures | undefined> {
  const metric = asker.of("top").find((metric) => metric.name === name);
  if (metric === undefined) return undefined;
  const by = tags[wanted] ? wanted : (Object.keys(tags)[0] ?? "");
  const ask = async (isOverTime: boolean, isByTag: boolean) => {
    const rows = await asker.ask([name], {
      op: "top",
      key: entry,
      isOverTime,
      ...(isByTag && by !== "" && { by: [`tag:${by}`] }),
    });
    return { rows: rowsOf(rows, name), meta: rows.meta };
  };
  const [whole, parts, lines] = await Promise.all([ask(false, false), ask(false, true), ask(true, true)]);
  const shares = parts.rows.map((row) => shareOf(row, String(row[by] ?? "")));
  const seen = shares.filter(({ upper, before = 0 }) => upper > 0 || before > 0).sort((a, b) => b.value - a.value);
  return {
    metric,
    title: titleOf(metric),
    entry,
    by,
    all: shareOf(whole.rows[0] ?? {}, "all"),
    total: numberOf(whole.rows[0], "total"),
    shares: seen,
    series: seriesOf(
      lines.rows,
      lines.meta,
      by,
      seen.slice(0, LINES_MAX).map(({ name }) => name),
    ),
    meta: whole.meta,
  };
}

function shareOf(row: AnswerRow, name: string): EntryShare {
  const [value, lower, upper] = [numberOf(row), numberOf(row, "lower"), numberOf(row, "upper")];
  return { name, value, lower, upper, ...(typeof row.before === "number" && { before: row.before }) };
}

function seriesOf(rows: readonly AnswerRow[], meta: AnswerMeta, by: string, names: readonly string[]): Series {
  const lines = new Lines(meta);
  for (const name of names) lines.line(name === "" ? "without" : name);
  for (const row of rows) {
    const name = String(row[by] ?? "");
    if (names.includes(name)) lines.add(lines.line(name === "" ? "without" : name), row, numberOf(row) / meta.step);
  }
  return lines.series();
}
