import { limitWords } from "../../engine/capture-end";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { fileFilter } from "../capture/filter/file-filter";
import { ownNetworks } from "../capture/live";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { setFilter } from "../filter";
import { exitSummary } from "../output/exit-summary";
import { LiveTable, type ShowOptions } from "../output/live-table";
import { MinuteCounts } from "../output/minute-counts";
import { linesAround, overviewText } from "../output/overview-table";
import { type StatSort, sortRows } from "../output/stat-table";
import { Overview, type OverviewAnswer } from "../overview/overview";
import { openerOf } from "../tls/key-file";

export interface OverviewOptions extends SessionSource, ShowOptions {
  sort: StatSort;
  /** Whether addresses stay where there are names. */
  numbers?: boolean;
  /** How long to look, ms. */
  time?: number;
  filter?: string;
  /** A key log, with which TLS is opened; it may grow. */
  tlsKeys?: string;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

/** `tallywire overview`: what this host depends on, and who depends on it. Gives the exit code. */
export async function overview(protocols: readonly string[], options: OverviewOptions): Promise<number> {
  const { keepDuplicates, filter, interface: name } = options;
  const isLive = name !== undefined;
  const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
  const packets = isLive ? undefined : fileFilter(options.captureFilter);
  const packetFilter = packets?.programOf;
  const budgetBytes = CAPTURE_BUDGET_BYTES;
  const core = loadCore({
    events: true,
    allEvents: true,
    keepDuplicates,
    hostNetworks,
    live: isLive,
    budgetBytes,
    packetFilter,
    tlsOpener: await openerOf(options.tlsKeys, isLive),
  });
  const session = new CaptureSession(core, options, packets);
  setFilter(core, filter, protocols);
  const seen = new Overview(core);
  const counts = new MinuteCounts(core);
  core.drainTo({ events: (view) => seen.take(view), bundle: (bundle) => counts.add(bundle) });
  const show = new LiveTable({ ...options, isLive });
  const text = (answer: OverviewAnswer) => textOf(answer, options, show);
  const startMs = Date.now();
  const answer = () => seen.answer(isLive ? (Date.now() - startMs) / 1000 : undefined);
  await session.run(async () => {
    seen.turn();
    await show.turn(() => text(answer()));
    if (options.time !== undefined && isLive && Date.now() - startMs >= options.time) session.end();
    return !show.isClosed;
  });
  const last = answer();
  await show.last(text(last));
  const words = limitWords(counts.total);
  if (words) say(words);
  const filtered = filter !== undefined || protocols.length > 0 ? core.eventsFiltered : undefined;
  const shown = { roundTrips: last.requests, filtered, knowsDrops: session.knowsDrops };
  if (!show.isClosed) process.stderr.write(`${exitSummary(counts.total, shown)}\n`);
  return session.failed ? 1 : 0;
}

function textOf(answer: OverviewAnswer, options: OverviewOptions, show: LiveTable): string {
  const { sort, numbers = false, rows, output } = options;
  if (output !== "json") return overviewText(answer, { sort, numbers, rows: show.rowsShown(linesAround(answer)) });
  const sorted = (part: OverviewAnswer["others"]) => sortRows(part, sort).slice(0, rows);
  const { dependsOn, dependedOnBy, others } = answer;
  const parts = { dependsOn: sorted(dependsOn), dependedOnBy: sorted(dependedOnBy), others: sorted(others) };
  return `${JSON.stringify({ ...answer, ...parts })}\n`;
}
