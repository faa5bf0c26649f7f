import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../failure";
import { minuteMsOf, type Spool } from "../spool/spool";
import { Backoff } from "./backoff";
import type { Poster } from "./poster";
import type { Verdict } from "./verdict";

const PARALLEL = 4;
/** How long to wait where only a person can mend it. */
const HELD_MS = 30_000;
/** How long to wait for a minute that the hub's clock has not reached, where the hub does not say. */
const EARLY_MS = 15_000;
/** A minute that is further ahead of this host's clock was never its present: it is not waited for. */
const AHEAD_MS_MAX = 5 * 60_000;

/** Codes of errors that the system gives. */
const SYSTEM_ERROR = /^E[A-Z]/;

/** Those that one file has, whatever else is tried; others may be of the moment, as where there is no free descriptor. */
const OF_THE_FILE = new Set(["EACCES", "EPERM", "EISDIR", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EIO"]);

/** How long to wait after a bundle, ms. */
type Pause = number | "backoff";

/** What became of bundles. */
export interface DeliveryCounts {
  stored: number;
  /** The hub had them already. */
  duplicates: number;
  refused: number;
}

export interface DeliveryOptions {
  /** When a bundle may be posted first, ms since the epoch. */
  dueMs?(name: string): number;
  /** The header `tallywire-tags` that a bundle is posted with. */
  tagsOf(name: string): string;
  /** Says one line to the operator. */
  say(line: string): void;
  /** What came of bundles that were posted before, which goes on. */
  counts?: DeliveryCounts;
  /** Whether to give up where only a person can mend it. */
  stopWhenHeld?: boolean;
}

/** Takes bundles from the spool to the hub, until it has them all or refuses them for good. */
export class Delivery {
  readonly counts: DeliveryCounts;
  private readonly backoff = new Backoff();
  private readonly ending = new AbortController();
  /** Bundles that wait for the hub's clock, and until when, ms since the epoch. */
  private readonly early = new Map<string, number>();
  private trouble = "";
  private pausing: { end: AbortController; untilNew: boolean } | undefined;
  private hurried = false;
  /** Whether the last answers were those of a hub that takes bundles; one at a time finds out. */
  private isUp = true;
  /** Whether the hub takes what waits no faster than it says: one at a time, until nothing is due. */
  private isPaced = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly poster: Pick<Poster, "post">,
    private readonly options: DeliveryOptions,
  ) {
    this.counts = options.counts ?? { stored: 0, duplicates: 0, refused: 0 };
  }

  /** Begins; goes on until `finish` or `stop`. */
  start(): void {
    this.running ??= this.run();
  }

  /** Says that the spool has something new. */
  wake(): void {
    if (this.pausing?.untilNew) this.pausing.end.abort();
  }

  /** Posts all that waits, due or not; resolves when nothing waits, or after `withinMs`. */
  async finish(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.hurried = true;
    this.pausing?.end.abort();
    const timer = Number.isFinite(withinMs) ? setTimeout(() => this.stop(), withinMs) : undefined;
    await this.running;
    clearTimeout(timer);
  }

  /** Stops at once; what was on its way stays in the spool. */
  stop(): void {
    this.ending.abort();
    this.pausing?.end.abort();
  }

  /** The same, and resolves when nothing is under way any more. */
  async leave(): Promise<void> {
    this.stop();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const { names, waitMs } = this.next();
      if (names.length === 0) this.isPaced = false;
      if (names.length === 0 && this.hurried && this.spool.waitingCount === 0) return;
      const pauseMs = names.length === 0 ? waitMs : await this.deliver(names);
      if (pauseMs > 0) await this.pause(pauseMs, names.length === 0);
    }
  }

  /** What may be posted now, or how long until something may. */
  private next(): { names: string[]; waitMs: number } {
    const nowMs = Date.now();
    const names: string[] = [];
    const waiting = this.spool.names;
    // Some may have made room for others.
    for (const name of this.early.keys()) if (!waiting.includes(name)) this.early.delete(name);
    let nextMs = nowMs + 60_000;
    for (const name of waiting) {
      const dueMs = this.hurried ? 0 : (this.options.dueMs?.(name) ?? 0);
      const fromMs = Math.max(dueMs, this.early.get(name) ?? 0);
      if (fromMs <= nowMs) names.push(name);
      else nextMs = Math.min(nextMs, fromMs);
      if (names.length === (this.isUp && !this.isPaced ? PARALLEL : 1)) break;
    }
    return { names, waitMs: nextMs - nowMs };
  }

  /** Posts some bundles side by side; gives the ms to wait before the next ones. */
  private async deliver(names: readonly string[]): Promise<number> {
    const { stored, refused } = this.counts;
    const pauses = await Promise.all(names.map((name) => this.deliverOne(name)));
    if (this.counts.stored > stored) this.backoff.reset();
    const isTaken = this.counts.stored > stored || this.counts.refused > refused;
    this.isUp = !pauses.includes("backoff");
    const waitMs = Math.max(...pauses.map((pause) => (pause === "backoff" ? 0 : pause)));
    if (this.isUp && waitMs === 0 && isTaken) this.recovered();
    return this.isUp ? waitMs : Math.max(waitMs, this.backoff.next());
  }

  /** One file that cannot be read, moved or deleted is named and left, and the rest goes on. */
  private async deliverOne(name: string): Promise<Pause> {
    try {
      return await this.postOne(name);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!SYSTEM_ERROR.test(code)) throw error;
      if (!OF_THE_FILE.has(code)) {
        this.troubled(`cannot deliver what waits in ${this.spool.folder}: ${reasonOf(error)}; it is tried again`);
        return "backoff";
      }
      this.spool.skip(name);
      this.options.say(`cannot deliver ${name}, which is left in ${this.spool.folder}: ${reasonOf(error)}`);
      return 0;
    }
  }

  private async postOne(name: string): Promise<Pause> {
    // Whatever becomes of it: it is early only if the hub says so again.
    this.early.delete(name);
    const bytes = await this.spool.read(name);
    if (bytes === undefined) return 0;
    const verdict = await this.poster.post(bytes, this.options.tagsOf(name), this.ending.signal);
    if (this.ending.signal.aborted && verdict.kind !== "stored") return 0;
    return this.obey(name, verdict);
  }

  private async obey(name: string, verdict: Verdict): Promise<Pause> {
    switch (verdict.kind) {
      case "stored":
        this.counts.stored += 1;
        if (verdict.duplicate) this.counts.duplicates += 1;
        await this.spool.remove(name);
        return 0;
      case "refused":
        return this.setAside(name, verdict.reason);
      case "early":
        if (minuteMsOf(name) > Date.now() + AHEAD_MS_MAX) {
          return this.setAside(name, `${verdict.reason}; this host's clock is not there either`);
        }
        this.early.set(name, Date.now() + (verdict.afterMs ?? EARLY_MS));
        this.troubled(`the hub's clock is behind this host's: ${verdict.reason}`, verdict.kind);
        return 0;
      case "held":
        this.troubled(`the hub takes nothing from this edge: ${verdict.reason}; bundles wait in ${this.spool.folder}`);
        if (this.options.stopWhenHeld) this.ending.abort();
        return HELD_MS * (0.75 + Math.random() / 2);
      case "paced":
        this.isPaced = true;
        this.troubled(`the hub takes no more for now: ${verdict.reason}; bundles wait in ${this.spool.folder}`, verdict.kind);
        return pauseOf(verdict.afterMs);
      case "later":
        this.troubled(`the hub cannot be reached: ${verdict.reason}; bundles wait in ${this.spool.folder}`);
        return pauseOf(verdict.afterMs);
    }
  }

  private async setAside(name: string, reason: string): Promise<Pause> {
    await this.spool.setAside(name, reason);
    this.counts.refused += 1;
    this.options.say(`the hub refused ${name}, which is set aside in ${this.spool.folder}/refused: ${reason}`);
    return 0;
  }

  /** Says what is wrong, once until it changes; `kind` stands for a line that has times in it. */
  private troubled(line: string, kind = line): void {
    if (kind !== this.trouble) this.options.say(line);
    this.trouble = kind;
  }

  private recovered(): void {
    if (this.trouble !== "" && this.early.size === 0 && !this.isPaced) {
      this.options.say("the hub takes bundles again");
      this.trouble = "";
    }
  }

  /** Waits; something new in the spool ends it where nothing was due. */
  private async pause(ms: number, untilNew: boolean): Promise<void> {
    if (this.ending.signal.aborted) return;
    this.pausing = { end: new AbortController(), untilNew };
    await sleep(ms, undefined, { signal: this.pausing.end.signal }).catch(() => {});
    this.pausing = undefined;
  }
}

/** As long as the hub said, and up to a quarter longer, so that edges do not come back at once. */
function pauseOf(afterMs: number | undefined): Pause {
  return afterMs === undefined ? "backoff" : afterMs * (1 + Math.random() / 4);
}
