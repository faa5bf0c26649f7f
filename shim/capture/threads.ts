import { Worker } from "node:worker_threads";
import { coreModule } from "../core";
import { Failure, reasonOf } from "../failure";
import type { Native, NativeSource } from "./native";
import type { RingFeed } from "./ring";
import type { RunOptions, ThreadOrder, ThreadReport, ThreadStart } from "./thread-orders";

/** Who is told what threads do; they are numbered from 0 on. */
export interface ThreadListener {
  /** One has sealed a minute, of which others have their parts. */
  bundle(thread: number, bytes: Uint8Array): void;
  /** One has round trips, as events that were drained, behind so many that it had to drop. */
  events(bytes: Uint8Array, lost: number): void;
  /** One has failed, and its packets are lost from here on. */
  failed(reason: string): void;
}

/** Threads that each read a ring of their own into a core of their own. */
export class CaptureThreads implements RingFeed {
  private workers: Worker[] = [];
  private running: Promise<void>[] = [];
  private sources: readonly NativeSource[] = [];
  /** The numbers for which they are lent. */
  private lent: readonly number[] = [];
  private faultSeen = 0;
  private isEnding = false;
  /** Who waits for all to read, until they do. */
  private starting: { unread: Set<number>; done(): void; failed(cause: Failure): void } | undefined;

  constructor(
    private readonly native: Native,
    private readonly options: RunOptions,
    private readonly listener: ThreadListener,
    private readonly tellsOwners: boolean,
  ) {}

  /** Resolves when all threads read for the first time; rejects with Failure where one fails before. Asked for once, after `open`. */
  reading(): Promise<void> {
    return new Promise((done, failed) => {
      this.starting = { unread: new Set(this.workers.keys()), done, failed };
    });
  }

  /** Starts a thread for each the first time. */
  open(sources: readonly NativeSource[]): void {
    if (this.workers.length === 0) this.start(sources.length);
    this.sources = sources;
    this.faultSeen = 0;
    this.lent = sources.map((source) => this.native.lend(source));
    for (const [index, lent] of this.lent.entries()) this.tell(index, { kind: "open", lent });
  }

  takeFault(): number {
    for (const source of this.sources) this.noteFault(this.native.fault(source));
    const fault = this.faultSeen;
    this.faultSeen = 0;
    return fault;
  }

  /** Does nothing: threads do it with each tick. */
  push(): void {}

  drop(): void {
    this.tellAll({ kind: "drop" });
    for (const source of this.sources) this.native.close(source);
    this.sources = [];
  }

  /** Tells packet time, and hands over what was captured so far. */
  tick(ms: number): void {
    this.tellAll({ kind: "tick", ms });
  }

  /** Counts minutes that an earlier run had open when it was killed; the first thread does. */
  lostMinutes(minutes: number): void {
    this.tell(0, { kind: "lost", minutes });
  }

  /** Has each look at a share of its conversations, from 0 to 1: together it is that share of all. */
  sample(share: number): void {
    this.tellAll({ kind: "sample", share });
  }

  /** Has each give round trips out from now on, or not. */
  tellEvents(isWanted: boolean): void {
    this.tellAll({ kind: "tellEvents", isWanted });
  }

  /** Tells each the host's networks. */
  setHostNetworks(networks: readonly string[]): void {
    this.tellAll({ kind: "hostNetworks", networks });
  }

  async end(): Promise<void> {
    this.isEnding = true;
    // All at once, so that they end with the same packets.
    for (const source of this.sources) this.native.stop(source);
    this.tellAll({ kind: "end" });
    await Promise.all(this.running);
    // A thread that failed at once has not borrowed its own.
    for (const [index, source] of this.sources.entries()) this.native.takeBack(source, this.lent[index]!);
    for (const source of this.sources) this.native.close(source);
    this.sources = [];
  }

  private start(count: number): void {
    const core = coreModule();
    this.workers = Array.from({ length: count }, (_, index) => {
      const options = { ...this.options, thread: index + 1 };
      const workerData: ThreadStart = { core, options, tellsOwners: this.tellsOwners };
      return new Worker(new URL("./capture-thread.mjs", import.meta.url), { workerData });
    });
    this.running = this.workers.map((worker, index) => this.follow(worker, index));
  }

  private tellAll(order: ThreadOrder): void {
    for (const index of this.workers.keys()) this.tell(index, order);
  }

  private tell(thread: number, order: ThreadOrder): void {
    this.workers[thread]!.postMessage(order);
  }

  private noteFault(fault: number): void {
    if (fault !== 0) this.faultSeen = fault;
  }

  private noteReading(thread: number): void {
    this.starting?.unread.delete(thread);
    if (this.starting?.unread.size !== 0) return;
    this.starting.done();
    this.starting = undefined;
  }

  private fail(reason: string): void {
    if (this.starting === undefined) this.listener.failed(reason);
    else this.starting.failed(new Failure(reason));
  }

  private takeEvents(thread: number, bytes: Uint8Array, lost: number): void {
    this.listener.events(bytes, lost);
    this.tell(thread, { kind: "taken", bytes: bytes.length });
  }

  /** Takes what a thread says; resolves when it has ended, in whatever way. */
  private follow(worker: Worker, index: number): Promise<void> {
    let failure: string | undefined;
    worker.on("message", (report: ThreadReport) => {
      if (report.kind === "bundle") this.listener.bundle(index, report.bytes);
      else if (report.kind === "events") this.takeEvents(index, report.bytes, report.lost);
      else if (report.kind === "opened") this.noteReading(index);
      else this.noteFault(report.fault);
    });
    worker.on("error", (error) => {
      failure = reasonOf(error);
    });
    return new Promise((done) => {
      worker.once("exit", (code) => {
        if (failure === undefined && !(this.isEnding && code === 0)) failure = `it ended with code ${code}`;
        if (failure !== undefined) this.fail(`thread ${index + 1} of the capture failed: ${failure}`);
        done();
      });
    });
  }
}
