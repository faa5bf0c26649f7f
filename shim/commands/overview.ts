import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { LiveTable, type ShowOptions } from "../output/live-table";
import { linesAround, overviewText } from "../output/overview-table";
import { jsonLine } from "../output/printable";
import { type StatSort, sortRows } from "../output/stat-table";
import { Overview, type OverviewAnswer } from "../overview/overview";
import { Look, type LookOptions } from "./look";

export interface OverviewOptions extends LookOptions, ShowOptions {
  sort: StatSort;
  /** Whether addresses stay where there are names. */
  numbers?: boolean;
}

/** `tallywire overview`: what this host depends on, and who depends on it. Gives the exit code. */
export async function overview(protocols: readonly string[], options: OverviewOptions): Promise<number> {
  const look = await Look.open(protocols, options, { budgetBytes: CAPTURE_BUDGET_BYTES, allEvents: true, stages: false });
  const seen = new Overview(look.core);
  look.drainTo((view) => seen.take(view));
  const show = new LiveTable({ ...options, isLive: look.isLive });
  const text = (answer: OverviewAnswer) => textOf(answer, options, show);
  // By a clock that nobody sets.
  const startMs = performance.now();
  const answer = () => seen.answer(look.isLive ? (performance.now() - startMs) / 1000 : undefined);
  await look.run(async () => {
    seen.turn();
    await show.turn(() => text(answer()));
    return !show.isClosed;
  });
  const last = answer();
  await show.last(text(last));
  look.sayEnd({ roundTrips: last.requests }, show.isClosed);
  return look.session.failed ? 1 : 0;
}

function textOf(answer: OverviewAnswer, options: OverviewOptions, show: LiveTable): string {
  const { sort, numbers = false, rows, output } = options;
  if (output !== "json")
    return overviewText(answer, { sort, numbers, rows: show.rowsShown(linesAround(answer)), columns: show.columns });
  const sorted = (part: OverviewAnswer["others"]) => sortRows(part, sort).slice(0, rows);
  const { dependsOn, dependedOnBy, others } = answer;
  const parts = { dependsOn: sorted(dependsOn), dependedOnBy: sorted(dependedOnBy), others: sorted(others) };
  return jsonLine({ ...answer, ...parts });
}
