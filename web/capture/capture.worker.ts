/** Reads one capture away from the page: feeds the core, keeps round trips, answers what the table asks. */
import { limitWords } from "../../engine/capture-end";
import { MinuteSum } from "../../engine/summary";
import { readKeyLogs } from "./key-logs";
import type { FromWorker, ToWorker, View } from "./messages";
import { FileError, readCapture, type Source } from "./read-capture";
import { TripStore } from "./trip-store";
import { FilterError, TripView } from "./trip-view";

/** How often the page hears of progress, ms. */
const PROGRESS_MS = 80;

/** Round trips that a table shows: those kept of the whole file, or those found by a search through it. */
interface Table {
  store: TripStore;
  view: TripView;
  /** What was searched for; every other filter looks among the kept ones. */
  searched?: string;
}

/** Somebody wants something else by now. */
class Superseded extends Error {
  override name = "Superseded";
}

let source: Source | undefined;
let kept: Table | undefined;
let found: Table | undefined;
let shown: { number: number; table: Table } | undefined;
/** Number of the newest view that was asked for. */
let newest = -1;

function tell(message: FromWorker): void {
  postMessage(message);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "open":
      void open(data).catch((error) => tell({ type: "failed", reason: reasonOf(error) }));
      break;
    case "show":
      void attempt(data.view, show);
      break;
    case "search":
      void attempt(data.view, search);
      break;
    case "rows":
      answerRows(data.view, data.first, data.count);
      break;
  }
});

/** Calls `tellSoon` at most every PROGRESS_MS. */
function seldom(tellSoon: (bytesRead: number) => void): (bytesRead: number) => void {
  let toldAt = 0;
  return (bytesRead) => {
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    tellSoon(bytesRead);
  };
}

async function open({ file, name, keyLogs, core }: ToWorker & { type: "open" }): Promise<void> {
  source = { file, name, keyLogs: await readKeyLogs(keyLogs), core };
  let store: TripStore | undefined;
  let sum: MinuteSum | undefined;
  const progress = seldom((bytesRead) => tell({ type: "progress", bytesRead, roundTrips: store?.total ?? 0 }));
  const { schema, words, secrets } = await readCapture(
    source,
    (running) => {
      const trips = new TripStore(running.schema);
      const minutes = new MinuteSum(running);
      store = trips;
      sum = minutes;
      return { events: (events) => trips.add(events), bundle: (bundle) => minutes.add(bundle) };
    },
    progress,
  );
  kept = { store: store!, view: new TripView(store!, core) };
  const summary = sum!.summary();
  const notes = [words.failure, words.warning, limitWords(summary)]
    .filter((words) => words !== undefined)
    .map((words) => `${words}.`);
  tell({ type: "done", schema, summary, roundTrips: store!.total, kept: store!.kept, notes: [...notes, ...secrets] });
}

function reasonOf(error: unknown): string {
  if (error instanceof FileError) return error.message;
  if (error instanceof DOMException) return `The file can no longer be read (${error.message}) Choose it again.`;
  return `Reading failed: ${error instanceof Error ? error.message : String(error)}.`;
}

/** Runs what makes a view; what is wrong with it goes to the page, what is late goes nowhere. */
async function attempt(wanted: View, make: (wanted: View) => Promise<void>): Promise<void> {
  newest = wanted.number;
  try {
    await make(wanted);
  } catch (error) {
    if (error instanceof Superseded) return;
    const { filter, number } = wanted;
    const fault = error instanceof FilterError ? { ...error.fault, filter } : { message: reasonOf(error), filter };
    tell({ type: "shown", view: number, matches: { rows: 0, found: 0, of: 0 }, fault });
  }
}

async function show(wanted: View): Promise<void> {
  if (kept === undefined) return;
  const isFound = found !== undefined && found.searched === wanted.filter.trim();
  const table = isFound ? found! : kept;
  if (!(await table.view.show(isFound ? { ...wanted, filter: "" } : wanted))) return;
  if (newest !== wanted.number) return;
  shown = { number: wanted.number, table };
  const rows = table.view.rows.length;
  const matches = isFound ? { rows, found: table.store.total, of: kept.store.total } : { rows, found: rows, of: kept.store.kept };
  tell({ type: "shown", view: wanted.number, matches });
}

/** Reads the file once more and keeps what matches. */
async function search(wanted: View): Promise<void> {
  if (source === undefined || kept === undefined) return;
  const { size } = source.file;
  let store: TripStore | undefined;
  const progress = seldom((bytesRead) => tell({ type: "searching", view: wanted.number, share: bytesRead / size }));
  await readCapture(
    source,
    (running) => {
      const fault = running.setFilter(wanted.filter);
      if (fault !== undefined) throw new FilterError(fault);
      const trips = new TripStore(running.schema);
      store = trips;
      return { events: (events) => trips.add(events) };
    },
    (bytesRead) => {
      if (newest !== wanted.number) throw new Superseded();
      progress(bytesRead);
    },
  );
  found = { store: store!, view: new TripView(store!, source.core), searched: wanted.filter.trim() };
  await show(wanted);
}

function answerRows(number: number, first: number, count: number): void {
  if (shown?.number !== number) return;
  const { store, view } = shown.table;
  const rows = [...view.rows.subarray(first, first + count)].map((index) => store.get(index));
  tell({ type: "rows", view: number, first, rows });
}
