/** Reads one capture away from the page: feeds the core, keeps round trips, answers what the table asks. */
import { Core } from "../../engine/core";
import { CAPTURE_BUDGET_BYTES, MinuteSum } from "../../engine/summary";
import { FilterError } from "./filter";
import type { FromWorker, ToWorker, View } from "./messages";
import { readBlob } from "./read-blob";
import { TripStore } from "./trip-store";
import { TripView } from "./trip-view";

/** How often the page hears of progress, ms. */
const PROGRESS_MS = 80;
/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a];
const MAGIC_BYTES = 4;

let store: TripStore | undefined;
let view: TripView | undefined;
let shown = -1;

function tell(message: FromWorker): void {
  postMessage(message);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "open")
    void open(data.file, data.name, data.core).catch((error) => tell({ type: "failed", reason: reasonOf(error) }));
  else if (data.type === "show") void show(data.view);
  else answerRows(data.view, data.first, data.count);
});

/** A file that is not what it has to be; the message says what would. */
class FileError extends Error {
  override name = "FileError";
}

async function open(file: Blob, name: string, module: WebAssembly.Module): Promise<void> {
  const core = new Core(module, { events: true, budgetBytes: CAPTURE_BUDGET_BYTES });
  const { schema } = core;
  const sum = new MinuteSum(core);
  const trips = new TripStore(schema);
  core.drainTo({ events: (events) => trips.add(events), bundle: (bundle) => sum.add(bundle) });
  const input = core.open("file");
  const head = new Uint8Array(MAGIC_BYTES);
  let content = 0;
  let toldAt = 0;
  const { fault } = await readBlob(file, (chunk, bytesRead) => {
    if (content < MAGIC_BYTES) head.set(chunk.subarray(0, MAGIC_BYTES - content), content);
    content += chunk.length;
    if (content >= MAGIC_BYTES) checkHead(head, name);
    input.write(chunk);
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    tell({ type: "progress", bytesRead, roundTrips: trips.total });
  });
  if (content < MAGIC_BYTES) throw new FileError(fault === undefined ? emptyReason(content, name) : gzipReason(name, fault));
  input.end();
  core.flush();
  store = trips;
  view = new TripView(trips, schema);
  const summary = sum.summary();
  const notes = fault === undefined ? [] : [`The gzip stream is broken (${fault}); these are the figures of what came before.`];
  if (summary.malformed.file_broken) notes.push("The file is broken in the middle; these are the figures of what came before.");
  if (summary.malformed.record_cut) notes.push("The last record is cut off; everything before it is counted.");
  tell({ type: "done", schema, summary, roundTrips: trips.total, kept: trips.kept, notes });
}

function checkHead(head: Uint8Array, name: string): void {
  if (MAGICS.includes(new DataView(head.buffer).getUint32(0))) return;
  const bytes = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new FileError(`${name} is no capture: it begins with ${bytes}. tallywire reads pcap and pcapng, plain or gzipped.`);
}

function emptyReason(bytes: number, name: string): string {
  return `${name} is no capture: it has ${bytes === 0 ? "no bytes" : `only ${bytes} bytes`}. tallywire reads pcap and pcapng, plain or gzipped.`;
}

function gzipReason(name: string, fault: string): string {
  return `${name} cannot be inflated: its gzip stream is broken (${fault}). Check the file, for instance with gzip -t.`;
}

function reasonOf(error: unknown): string {
  if (error instanceof FileError) return error.message;
  if (error instanceof DOMException) return `The file can no longer be read (${error.message}) Choose it again.`;
  return `Reading failed: ${error instanceof Error ? error.message : String(error)}.`;
}

async function show(wanted: View): Promise<void> {
  if (view === undefined) return;
  try {
    if (!(await view.show(wanted))) return;
    shown = wanted.number;
    tell({ type: "shown", view: wanted.number, matches: view.rows.length });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    tell({ type: "shown", view: wanted.number, matches: 0, fault: error.message });
  }
}

function answerRows(number: number, first: number, count: number): void {
  if (store === undefined || view === undefined || number !== shown) return;
  const trips = store;
  const rows = [...view.rows.subarray(first, first + count)].map((index) => trips.get(index));
  tell({ type: "rows", view: number, first, rows });
}
