import { loadNative, type Native } from "../capture/native";
import { reasonOf } from "../failure";

/** Of the time after which a service that says nothing is ended, so much passes between two words. */
const FEED_SHARE = 0.25;
const MICROSECONDS = 1000;

/** What a service manager sets in the environment of a service that it starts. */
export interface ServiceEnvironment {
  NOTIFY_SOCKET?: string;
  WATCHDOG_USEC?: string;
  WATCHDOG_PID?: string;
}

/**
 * Tells the service manager that started this program how it is (sd_notify(3)); does nothing where none did, or it did not ask.
 *
 * Only whoever does the work calls `alive`: a watchdog that is fed by a timer of its own would see nothing.
 */
export class ServiceManager {
  private readonly address: string | undefined;
  /** How often the watchdog hears from it; undefined where there is none. */
  private readonly feedMs: number | undefined;
  private fedMs = Number.NEGATIVE_INFINITY;
  /** The status that was told last. */
  private status = "";
  /** Words that are to be told: until the socket takes them. */
  private readonly pending = new Set<string>();
  private hasFailed = false;

  /** `turnMs` is how often `alive` is called. */
  constructor(
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid }: ServiceEnvironment,
    private readonly say: (line: string) => void,
    turnMs: number,
    private readonly native: () => Pick<Native, "notify"> | undefined = loadNative,
  ) {
    this.address = address === "" ? undefined : address;
    const watchdogMs = Number(microseconds) / MICROSECONDS;
    const isWatched = this.address !== undefined && watchdogMs > 0 && (pid === undefined || Number(pid) === process.pid);
    if (!isWatched) return;
    this.feedMs = watchdogMs * FEED_SHARE;
    if (watchdogMs < 3 * turnMs)
      say(`a turn takes ${turnMs} ms, too long for a watchdog of ${watchdogMs}; set WatchdogSec=10 or more`);
  }

  /** It does from now on what it was started for. */
  ready(status: string): void {
    this.pending.add("READY=1");
    this.alive(status);
  }

  /** A turn was done, with all that belongs to it. */
  alive(status: string): void {
    const nowMs = performance.now();
    if (this.feedMs !== undefined && nowMs - this.fedMs >= this.feedMs) {
      this.pending.add("WATCHDOG=1");
      this.fedMs = nowMs;
    }
    this.note(status);
  }

  /** It was told to end, and does what is left to do. */
  stopping(status: string): void {
    this.pending.add("STOPPING=1");
    this.note(status);
  }

  private note(status: string): void {
    if (this.address === undefined) return;
    const words = [...this.pending, ...(status === this.status ? [] : [`STATUS=${status}`])];
    if (words.length === 0) return;
    try {
      const native = this.native();
      if (native === undefined) throw new Error("that takes the addon; use Type=exec and no WatchdogSec= without it");
      native.notify(this.address, words.join("\n"));
      this.pending.clear();
      this.status = status;
    } catch (error) {
      if (!this.hasFailed) this.say(`the service manager was not told ${words[0]}: ${reasonOf(error)}`);
      this.hasFailed = true;
    }
  }
}
