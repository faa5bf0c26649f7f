import { Core } from "../../engine/core";
import { captureByRings, captureLive, type LiveCapture, type LiveOptions } from "../capture/live";
import type { RunOptions } from "../capture/thread-orders";
import { CaptureThreads } from "../capture/threads";
import { coreModule } from "../core";
import { Failure } from "../failure";
import { SEAL_MS } from "./posting-time";
import { ThreadMinutes } from "./thread-minutes";

/** Reads interfaces into minutes, by one thread or by several. */
export interface InterfaceReader {
  /** What captures, and what is lost by it. */
  readonly words: string;
  /** Whether it counts what the kernel drops. */
  readonly knowsDrops: boolean;
  /** Whether it opens an interface anew that went and came back, which takes the right to capture. */
  readonly reopens: boolean;
  /** Counts minutes that an earlier run had open when it was killed. */
  lostMinutes(minutes: number): void;
  /** Looks at a share of conversations from now on, from 0 to 1, each whole. */
  sample(share: number): void;
  /** Lets in what another filter takes from now on. Throws Failure, and nothing has changed. */
  refilter(filter: string | undefined): void;
  /** Hands over what was captured so far, and tells the time; about once a second. */
  turn(nowMs: number): void;
  /** The time, `nowMs` or earlier, at which all that was due to seal is sealed and handed over. */
  settledMs(nowMs: number): number;
  /** Hands over all that was captured until now, and seals all minutes. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
const seconds = (ms: number) => Math.floor(ms / 1000);
const nanoseconds = (ms: number) => (ms % 1000) * 1_000_000;

/** Reads into a core that this thread has. Throws Failure. */
export async function readAlone(core: Core, live: LiveOptions, say: (line: string) => void): Promise<InterfaceReader> {
  const capture = await captureLive(core, live, say);
  return {
    words: capture.words,
    knowsDrops: capture.knowsDrops,
    reopens: capture.reopens,
    lostMinutes: (minutes) => core.lostMinutes(minutes),
    sample: (share) => core.sample(share),
    refilter: (filter) => refilter(capture, filter),
    turn(nowMs) {
      capture.refresh();
      core.tick(seconds(nowMs), nanoseconds(nowMs));
    },
    settledMs: (nowMs) => nowMs,
    async close() {
      await capture.close();
      core.flush();
    },
  };
}

function refilter(capture: LiveCapture, filter: string | undefined): void {
  if (capture.refilter === undefined) throw new Failure(`${capture.words} keeps its filter until the agent is started anew`);
  capture.refilter(filter);
}

/** A core that merges what threads have sealed. With as much memory as they have together, of which it touches what a minute fills. */
export function mergingCore(budgetBytes: number): Core {
  return new Core(coreModule(), { role: "hub", budgetBytes });
}

/** Who is told what comes of several threads. */
export interface ThreadedListener {
  /** A minute is sealed. */
  bundle(bytes: Uint8Array): void;
  /** One thread has failed; what the others have can still be had by `close`. */
  failed(reason: string): void;
}

/** Reads by several threads, whose minutes `merging` adds up. Throws Failure. */
export function readByThreads(
  threads: number,
  merging: Core,
  options: RunOptions,
  live: LiveOptions,
  listener: ThreadedListener,
  say: (line: string) => void,
  tellsOwners: boolean,
): InterfaceReader {
  const minutes = new ThreadMinutes(merging, threads, (bundle) => listener.bundle(bundle));
  const ofThreads = {
    bundle: (thread: number, bytes: Uint8Array) => minutes.add(thread, bytes, Date.now()),
    failed: (reason: string) => listener.failed(reason),
  };
  const { capture, feed } = captureByRings(
    threads,
    (native) => new CaptureThreads(native, options, ofThreads, tellsOwners),
    live,
    say,
  );
  return {
    words: capture.words,
    knowsDrops: capture.knowsDrops,
    reopens: capture.reopens,
    lostMinutes: (lost) => feed.lostMinutes(lost),
    sample: (share) => feed.sample(share),
    refilter: (filter) => refilter(capture, filter),
    turn(nowMs) {
      capture.refresh();
      feed.tick(seconds(nowMs), nanoseconds(nowMs));
      minutes.pass(nowMs);
    },
    settledMs: (nowMs) => Math.min(nowMs, (minutes.settled + 1) * MINUTE_MS + SEAL_MS),
    async close() {
      await capture.close();
      minutes.end();
    },
  };
}
