/** The capture that is open: one at a time, each read by a Web Worker of its own, which ends with it. */
import coreUrl from "../../build/core.wasm?url";
import type { RoundTrip } from "../../engine/round-trip";
import { Store } from "../parts/store";
import type { Chosen } from "./file-forms";
import type { CaptureResult, Fault, FromWorker, Matches, Order, ToWorker } from "./messages";

/** What there is to see of the file. */
export interface CaptureState {
  phase: "empty" | "reading" | "failed" | "done";
  name: string;
  size: number;
  bytesRead: number;
  roundTrips: number;
  seconds: number;
  /** Why it failed, or what became of the file before. */
  reason: string;
  result?: CaptureResult;
}

/** What there is to see of the table. */
export interface TableState {
  filter: string;
  order?: Order;
  /** Number of the view whose rows are here; -1 before the first. */
  view: number;
  /** Whether a newer view is on its way. */
  isBusy: boolean;
  /** How much of the file a search has read, 0 to 1; undefined where none runs. */
  searching?: number;
  matches: Matches;
  fault?: Fault;
  /** Goes up with every batch of rows that came. */
  batch: number;
}

const EMPTY: CaptureState = { phase: "empty", name: "", size: 0, bytesRead: 0, roundTrips: 0, seconds: 0, reason: "" };
const EMPTY_TABLE: TableState = {
  filter: "",
  view: -1,
  isBusy: false,
  matches: { rows: 0, found: 0, of: 0 },
  batch: 0,
};
/** Rows that are asked for at a time, and held at most. */
const BATCH_ROWS = 100;
const HELD_BATCHES_MAX = 20;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The core, fetched and compiled once. */
function compileCore(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compileStreaming(fetch(coreUrl));
  compiled.catch(() => {
    compiled = undefined;
  });
  return compiled;
}

function waitingWords(keyLogs: File[]): string {
  const names = keyLogs.map(({ name }) => name).join(", ");
  return `${names} waits for the capture that belongs to it: choose that one too.`;
}

/** Opens captures and holds what is seen of them. */
export class CaptureSession {
  readonly capture = new Store<CaptureState>(EMPTY);
  readonly table = new Store<TableState>(EMPTY_TABLE);
  private worker: Worker | undefined;
  private file: File | undefined;
  private keyLogs: File[] = [];
  private startedMs = 0;
  private wanted = 0;
  /** Batches of the view that is shown, the one used last at the end; null while it is on its way. */
  private batches = new Map<number, RoundTrip[] | null>();

  /** Takes what was chosen: a capture in place of the one before, or key logs for the one that is here or comes next. */
  take(chosen: Chosen<File>): void {
    const { capture = this.file, keyLogs } = chosen;
    // Those of a capture go with it; those that came before any wait for the first. One that has grown is chosen again.
    const isMore = capture === this.file || this.file === undefined;
    const stay = isMore ? this.keyLogs.filter(({ name }) => keyLogs.every((log) => log.name !== name)) : [];
    this.keyLogs = [...stay, ...keyLogs];
    if (capture !== undefined) void this.open(capture);
    else this.capture.set({ ...EMPTY, reason: waitingWords(this.keyLogs) });
  }

  /** Reads a file, with its key logs, in place of the one before. */
  private async open(file: File): Promise<void> {
    this.end();
    this.file = file;
    const { keyLogs } = this;
    const worker = new Worker(new URL("./capture.worker.ts", import.meta.url), { type: "module" });
    this.worker = worker;
    this.startedMs = performance.now();
    this.capture.set({ ...EMPTY, phase: "reading", name: file.name, size: file.size, result: undefined });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.hear(data);
    worker.onerror = (event) =>
      this.fail(`Reading failed: ${event.message || "the reader could not be loaded"}. Reload the page.`);
    try {
      const core = await compileCore();
      if (this.worker === worker) this.send({ type: "open", file, name: file.name, keyLogs, core });
    } catch {
      if (this.worker === worker) this.fail("The page could not load its core. Reload the page.");
    }
  }

  /** Gives up reading. */
  cancel(): void {
    const { name } = this.capture.state;
    this.forget();
    this.capture.set({ ...EMPTY, reason: `Reading ${name} was cancelled.` });
  }

  /** Closes the file. */
  close(): void {
    this.forget();
    this.capture.set({ ...EMPTY, result: undefined });
  }

  /** Shows what matches, in this order. */
  show(filter: string, order: Order | undefined): void {
    this.wanted += 1;
    this.table.set({ filter, order, isBusy: true, searching: undefined });
    this.send({ type: "show", view: { number: this.wanted, filter, order } });
  }

  /** Looks for what matches the filter in the whole file, where not all of its round trips are kept. */
  search(): void {
    const { filter, order } = this.table.state;
    this.wanted += 1;
    this.table.set({ isBusy: true, searching: 0 });
    this.send({ type: "search", view: { number: this.wanted, filter, order } });
  }

  /** A row of the view that is shown; undefined where it is not here yet, then it is asked for. */
  row(index: number): RoundTrip | undefined {
    const number = Math.floor(index / BATCH_ROWS);
    const batch = this.batches.get(number);
    if (batch === undefined) {
      this.batches.set(number, null);
      this.send({ type: "rows", view: this.table.state.view, first: number * BATCH_ROWS, count: BATCH_ROWS });
    }
    return batch?.[index % BATCH_ROWS];
  }

  private send(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private forget(): void {
    this.end();
    this.file = undefined;
    this.keyLogs = [];
  }

  private end(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.batches = new Map();
    this.table.set({ ...EMPTY_TABLE, order: undefined, searching: undefined, fault: undefined });
  }

  private fail(reason: string): void {
    this.forget();
    this.capture.set({ phase: "failed", reason });
  }

  private hear(message: FromWorker): void {
    switch (message.type) {
      case "progress":
        this.capture.set({ bytesRead: message.bytesRead, roundTrips: message.roundTrips, seconds: this.elapsed() });
        break;
      case "done": {
        const { type: _, ...result } = message;
        const { size } = this.capture.state;
        this.capture.set({ phase: "done", result, bytesRead: size, roundTrips: result.roundTrips, seconds: this.elapsed() });
        this.show("", undefined);
        break;
      }
      case "failed":
        this.fail(message.reason);
        break;
      case "shown":
        this.takeView(message);
        break;
      case "searching":
        if (message.view === this.wanted) this.table.set({ searching: message.share });
        break;
      case "rows":
        this.takeRows(message);
        break;
    }
  }

  private takeView({ view, matches, fault }: FromWorker & { type: "shown" }): void {
    if (view !== this.wanted) return;
    if (fault !== undefined) {
      this.table.set({ fault, isBusy: false, searching: undefined });
      return;
    }
    this.batches = new Map();
    this.table.set({ view, matches, fault, isBusy: false, searching: undefined });
  }

  private takeRows({ view, first, rows }: FromWorker & { type: "rows" }): void {
    if (view !== this.table.state.view) return;
    this.batches.delete(first / BATCH_ROWS);
    this.batches.set(first / BATCH_ROWS, rows);
    for (const number of this.batches.keys()) {
      if (this.batches.size <= HELD_BATCHES_MAX) break;
      this.batches.delete(number);
    }
    this.table.set({ batch: this.table.state.batch + 1 });
  }

  private elapsed(): number {
    return (performance.now() - this.startedMs) / 1000;
  }
}
