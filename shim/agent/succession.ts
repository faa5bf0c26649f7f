import { setTimeout as sleep } from "node:timers/promises";
import type { LiveChoice } from "../capture/live";
import type { InterfaceReader } from "./interface-reader";
import { SEAL_MS } from "./posting-time";

/** The next reader is told of a time that lies so far ahead that none of its packets has been read by then. */
const AHEAD_MS = 100;
/** Packets come to who captures so long after they had their time, at the latest: they may wait for a processor. */
const DELAY_MAX_MS = 100;

/**
 * The reader of an agent, and for a moment the one before it. A packet has one time for all that capture it, so a time divides them: what came
 * before it is the one's, the rest the other's, and no packet is lost or counted twice, whatever interfaces, threads and cores they have.
 */
export class Succession implements InterfaceReader {
  private before: { reader: InterfaceReader; lastMs: number } | undefined;
  private sinceMs = 0;
  private ending: Promise<void> = Promise.resolve();

  constructor(private current: InterfaceReader) {}

  get words(): string {
    return this.current.words;
  }

  get knowsDrops(): boolean {
    return this.current.knowsDrops;
  }

  get reopens(): boolean {
    return this.current.reopens;
  }

  /** Whether another reader can take over. */
  get mayEnd(): boolean {
    return this.current.keep !== undefined;
  }

  /**
   * Has another reader, which waits, take over; gives the time of its first packets at once, ms since the epoch. Throws Failure where that one
   * cannot begin: it is closed then, and nothing has changed.
   */
  async begin(next: InterfaceReader): Promise<number> {
    const { current } = this;
    if (current.keep === undefined || next.keep === undefined) throw new Error("these readers cannot follow each other");
    try {
      // Only now it lets packets in by its own filter, which the kernel may refuse.
      next.keep({ fromMs: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY });
    } catch (error) {
      await next.close();
      throw error;
    }
    const atMs = Date.now() + AHEAD_MS;
    current.keep({ fromMs: 0, untilMs: atMs });
    next.keep({ fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
    this.before = { reader: current, lastMs: atMs };
    this.current = next;
    this.sinceMs = atMs;
    this.ending = this.endBefore(current, next, atMs);
    return atMs;
  }

  /** Resolves when the one before has ended, and handed over all that it had. */
  settled(): Promise<void> {
    return this.ending;
  }

  lostMinutes(minutes: number): void {
    this.current.lostMinutes(minutes);
  }

  sample(share: number): void {
    this.current.sample(share);
  }

  tellEvents(isWanted: boolean): void {
    this.before?.reader.tellEvents(isWanted);
    this.current.tellEvents(isWanted);
  }

  choose(choice: LiveChoice): boolean {
    return this.current.choose(choice);
  }

  turn(nowMs: number): void {
    // The one before seals what it has at its end, which is not far.
    this.current.turn(nowMs);
  }

  settledMs(nowMs: number): number {
    // A reader has nothing of before its beginning.
    const ownMs = Math.min(nowMs, Math.max(this.current.settledMs(nowMs), this.sinceMs + SEAL_MS));
    return this.before === undefined ? ownMs : Math.min(ownMs, this.before.reader.settledMs(this.before.lastMs));
  }

  async close(): Promise<void> {
    await this.ending;
    await this.current.close();
  }

  private async endBefore(before: InterfaceReader, next: InterfaceReader, atMs: number): Promise<void> {
    await sleep(Math.max(0, atMs + DELAY_MAX_MS - Date.now()));
    await before.close();
    this.before = undefined;
    // A clock that is set back from here on leaves nothing out.
    next.keep?.({ fromMs: 0, untilMs: Number.POSITIVE_INFINITY });
  }
}
