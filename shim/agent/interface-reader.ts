import { Core } from "../../engine/core";
import {
  captureByRings,
  captureLive,
  type LiveCapture,
  type LiveChoice,
  type LiveOptions,
  type TimeWindow,
} from "../capture/live";
import type { OwnNetworks } from "../capture/own-networks";
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
  /** Gives round trips out from now on, or does not. */
  tellEvents(isWanted: boolean): void;
  /**
   * Lets in what another filter takes, of these interfaces, from now on; false where these take another reader. Throws Failure; either way
   * nothing has changed.
   */
  choose(choice: LiveChoice): boolean;
  /** Looks at packets of this time alone from now on; absent where that cannot be. Throws Failure where it waited and cannot begin. */
  keep?(window: TimeWindow): void;
  /** Hands over what was captured so far, and tells the time; about once a second. */
  turn(nowMs: number): void;
  /** The time, `nowMs` or earlier, at which all that was due to seal is sealed and handed over. */
  settledMs(nowMs: number): number;
  /** Hands over all that was captured until now, and seals all minutes. */
  close(): Promise<void>;
}

/** A reader that can be told which networks are the host's. */
export interface ToldReader extends InterfaceReader {
  /** Takes these for the host's from now on; what has begun keeps its direction. */
  setHostNetworks(networks: readonly string[]): void;
}

/** The same reader, after whose end something more is to be closed. */
export function closing<Reader extends InterfaceReader>(reader: Reader, close: () => void): Reader {
  return {
    ...reader,
    async close() {
      await reader.close();
      close();
    },
  };
}

/** The same reader, which hears of this host's addresses as they change. */
export function following(networks: OwnNetworks, reader: ToldReader): InterfaceReader {
  return {
    ...reader,
    turn(nowMs) {
      if (networks.changes()) reader.setHostNetworks(networks.current);
      reader.turn(nowMs);
    },
  };
}

const MINUTE_MS = 60_000;

/** Reads into a core that this thread has. Throws Failure. */
export async function readAlone(core: Core, live: LiveOptions, say: (line: string) => void): Promise<ToldReader> {
  const capture = await captureLive(core, live, say);
  return {
    words: capture.words,
    knowsDrops: capture.knowsDrops,
    reopens: capture.reopens,
    lostMinutes: (minutes) => core.lostMinutes(minutes),
    sample: (share) => core.sample(share),
    tellEvents: (isWanted) => core.tellEvents(isWanted),
    setHostNetworks: (networks) => core.setHostNetworks(networks),
    choose: (choice) => choose(capture, live, choice),
    keep: capture.keep && ((window) => capture.keep?.(window)),
    turn(nowMs) {
      capture.refresh();
      core.tickAt(nowMs);
    },
    settledMs: (nowMs) => nowMs,
    async close() {
      await capture.close();
      // Without a packet, what it counted would be of no minute.
      core.tickAt(Date.now());
      core.flush();
      core.close();
    },
  };
}

function choose(capture: LiveCapture, { interface: own }: LiveOptions, choice: LiveChoice): boolean {
  if (capture.choose !== undefined) return capture.choose(choice);
  if (choice.interface !== own) return false;
  throw new Failure(`${capture.words} keeps its filter until the agent is started anew`);
}

/** A core that merges what threads have sealed. With as much memory as they have together, of which it touches what a minute fills. */
export function mergingCore(budgetBytes: number): Core {
  return new Core(coreModule(), { role: "hub", budgetBytes });
}

/** Who is told what comes of several threads. */
export interface ThreadedListener {
  /** A minute is sealed. */
  bundle(bytes: Uint8Array): void;
  /** Round trips of a thread, as events that were drained, behind so many that it had to drop. */
  events(bytes: Uint8Array, lost: number): void;
  /** One thread has failed; what the others have can still be had by `close`. */
  failed(reason: string): void;
}

/** Reads by several threads, whose minutes `merging` adds up; resolves when all of them read. Throws Failure. */
export async function readByThreads(
  threads: number,
  merging: Core,
  options: RunOptions,
  live: LiveOptions,
  listener: ThreadedListener,
  say: (line: string) => void,
  tellsOwners: boolean,
): Promise<ToldReader> {
  const minutes = new ThreadMinutes(merging, threads, (bundle) => listener.bundle(bundle));
  const ofThreads = {
    bundle: (thread: number, bytes: Uint8Array) => minutes.add(thread, bytes, Date.now()),
    events: (bytes: Uint8Array, lost: number) => listener.events(bytes, lost),
    failed: (reason: string) => listener.failed(reason),
  };
  const { capture, feed } = captureByRings(
    threads,
    (native) => new CaptureThreads(native, options, ofThreads, tellsOwners),
    live,
    say,
  );
  try {
    await feed.reading();
  } catch (error) {
    await capture.close();
    throw error;
  }
  return {
    words: capture.words,
    knowsDrops: capture.knowsDrops,
    reopens: capture.reopens,
    lostMinutes: (lost) => feed.lostMinutes(lost),
    sample: (share) => feed.sample(share),
    tellEvents: (isWanted) => feed.tellEvents(isWanted),
    setHostNetworks: (networks) => feed.setHostNetworks(networks),
    choose: (choice) => choose(capture, live, choice),
    keep: (window) => capture.keep?.(window),
    turn(nowMs) {
      capture.refresh();
      feed.tick(nowMs);
      minutes.pass(nowMs);
    },
    settledMs: (nowMs) => Math.min(nowMs, (minutes.settled + 1) * MINUTE_MS + SEAL_MS),
    async close() {
      await capture.close();
      minutes.end();
    },
  };
}
