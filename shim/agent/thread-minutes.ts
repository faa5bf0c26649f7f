import { readBundleHeader } from "../../engine/bundle";
import type { Core } from "../../engine/core";

/** How long a minute waits for a thread that does not seal its own: it may be stuck, and comes later as a supplement. */
const PATIENCE_MS = 30_000;

/** What threads have sealed of a minute that waits for the others. */
interface Waiting {
  sinceMs: number;
  /** By thread, in the order in which they came. */
  bundles: Map<number, Uint8Array[]>;
}

/**
 * Makes one bundle of what several threads have of a minute, by the core's own merge. A minute waits until all threads have sealed it or a
 * later one; what comes behind is a supplement of its own, as it is where one thread sees late packets.
 */
export class ThreadMinutes {
  private readonly waiting = new Map<number, Waiting>();
  /** The minute that each running thread sealed last. */
  private readonly sealed: Map<number, number>;

  /** `core` merges, and does nothing else of its own; threads are numbered from 0 on. */
  constructor(
    private readonly core: Core,
    threads: number,
    private readonly take: (bundle: Uint8Array) => void,
  ) {
    this.sealed = new Map(Array.from({ length: threads }, (_, thread) => [thread, -1]));
  }

  /** Takes what a thread has sealed. */
  add(thread: number, bundle: Uint8Array, nowMs: number): void {
    const { minute, sequence } = readBundleHeader(bundle);
    const waiting = this.waiting.get(minute) ?? { sinceMs: nowMs, bundles: new Map() };
    this.waiting.set(minute, waiting);
    const bundles = waiting.bundles.get(thread) ?? [];
    waiting.bundles.set(thread, [...bundles, bundle]);
    if (sequence === 0) this.sealed.set(thread, minute);
    this.giveReady(nowMs);
  }

  /** Gives out what has waited long enough. */
  pass(nowMs: number): void {
    this.giveReady(nowMs);
  }

  /** Up to which minute all threads have sealed, and all was given out; -1 before the first. */
  get settled(): number {
    return Math.min(...this.sealed.values());
  }

  /** Nothing more comes of any thread. */
  end(): void {
    this.sealed.clear();
    this.giveReady(0);
  }

  private giveReady(nowMs: number): void {
    for (const [minute, waiting] of [...this.waiting].sort(([a], [b]) => a - b)) {
      const isOver = nowMs - waiting.sinceMs >= PATIENCE_MS;
      if (isOver || [...this.sealed.values()].every((last) => last >= minute)) this.give(minute, [...waiting.bundles.values()]);
    }
  }

  /** Merges what each thread sealed first, then what each sealed second, and so on. */
  private give(minute: number, byThread: readonly Uint8Array[][]): void {
    this.waiting.delete(minute);
    const rounds = Math.max(...byThread.map((bundles) => bundles.length));
    for (let round = 0; round < rounds; round++)
      this.take(
        this.core.merge(
          byThread.flatMap((bundles) => bundles.slice(round, round + 1)),
          { ofThreads: true },
        ),
      );
  }
}
