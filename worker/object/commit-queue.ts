import {
  BATCH_BUNDLES_MAX,
  BATCH_BYTES_MAX,
  COMMIT_QUIET_MS,
  COMMIT_WAIT_MAX_MS,
  COMMIT_WAIT_PER_EDGE_MS,
  QUEUE_BYTES_MAX,
} from "../limits";
import type { Refused } from "../refusal";
import { type Arrival, type Entry, sizeOf } from "./batches";

interface Waiting {
  arrivals: readonly Arrival[];
  settle: (refused: Refused | null) => void;
  settled: Promise<Refused | null>;
}

/**
 * Bundles that wait for company, to be written as one row.
 *
 * Invariant: what waits fits one row, and QUEUE_BYTES_MAX of memory unless it came at once; a timer is set as long as something waits.
 */
export class CommitQueue {
  private readonly waiting = new Map<string, Waiting>();
  private bytes = 0;
  /** What waits takes so much memory. */
  private size = 0;
  private bundles = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private commitByMs = 0;
  private lastArrivalMs = 0;
  /** When each edge last posted, as far as it was within the last second or so. */
  private readonly recent = new Map<number, number>();

  /** `write` writes one row and tells why it could not; it must not throw. */
  constructor(private readonly write: (arrivals: readonly Arrival[]) => Refused | null) {}

  /** Lines up what `edge` sent at once, under a name of its own; settles when the row with all of it is written, or could not be. */
  add(name: string, edge: number, arrivals: readonly Arrival[], nowMs: number): Promise<Refused | null> {
    const bytes = arrivals.reduce((sum, { body }) => sum + body.byteLength, 0);
    const size = arrivals.reduce((sum, { entry }) => sum + sizeOf(entry), 0);
    const isFull = this.bytes + bytes > BATCH_BYTES_MAX || this.bundles + arrivals.length > BATCH_BUNDLES_MAX;
    if (isFull || this.size + size > QUEUE_BYTES_MAX) this.flush();
    const { promise, resolve } = Promise.withResolvers<Refused | null>();
    this.waiting.set(name, { arrivals, settle: resolve, settled: promise });
    this.bytes += bytes;
    this.size += size;
    this.bundles += arrivals.length;
    this.recent.set(edge, nowMs);
    this.lastArrivalMs = nowMs;
    if (this.timer === null) {
      this.commitByMs = nowMs + this.waitMs(nowMs);
      this.wake(nowMs);
    }
    return promise;
  }

  /** What becomes of the bundle that waits under a name; undefined where none does. */
  settled(name: string): Promise<Refused | null> | undefined {
    return this.waiting.get(name)?.settled;
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  /** The entries that wait. */
  *entries(): Generator<Entry> {
    for (const { arrivals } of this.waiting.values()) for (const { entry } of arrivals) yield entry;
  }

  /** Writes what waits, now. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.waiting.size === 0) return;
    const batch = [...this.waiting.values()];
    this.waiting.clear();
    this.bytes = 0;
    this.size = 0;
    this.bundles = 0;
    const refused = this.write(batch.flatMap(({ arrivals }) => arrivals));
    for (const { settle } of batch) settle(refused);
  }

  /** How long to wait for company at most: longer, the more edges posted within the last second. */
  private waitMs(nowMs: number): number {
    for (const [edge, timeMs] of this.recent) if (timeMs < nowMs - 1000) this.recent.delete(edge);
    return Math.min(COMMIT_WAIT_MAX_MS, this.recent.size * COMMIT_WAIT_PER_EDGE_MS);
  }

  /** Writes when the time is up or nobody came for a while, and else waits on. */
  private wake(nowMs: number): void {
    const dueMs = Math.min(this.commitByMs, this.lastArrivalMs + COMMIT_QUIET_MS);
    if (dueMs <= nowMs) this.flush();
    else this.timer = setTimeout(() => this.wake(Date.now()), dueMs - nowMs);
  }
}
