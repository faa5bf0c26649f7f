/** How long use is measured before something follows from it, ms: a pause of the collector is no load. */
const WINDOW_MS = 2000;
/** Windows below a part of the ceiling, one behind the other, after which more is looked at again. */
const CALM_WINDOWS = 3;
const CALM_PART = 0.7;
/** What is aimed at, as a part of the ceiling, and the least and most that a step cuts. */
const AIM_PART = 0.9;
const STEP_LEAST = 0.25;
const STEP_MOST = 0.9;
const STEP_UP = 1.25;
/** Below it nearly nothing is looked at, and what is left is the price of taking packets. */
const SHARE_MIN = 1 / 1024;

/** Keeps a process at a ceiling of CPU, by the share of conversations that it looks at. */
export class CpuCeiling {
  /** From 1, all of them, to SHARE_MIN. */
  share = 1;
  private usedMs = 0;
  private elapsedMs = 0;
  private calm = 0;

  /** `percentMax` is of one processor. */
  constructor(private readonly percentMax: number) {}

  /** Takes what was used in a time, and gives the share from now on. */
  note(usedMs: number, elapsedMs: number): number {
    this.usedMs += usedMs;
    this.elapsedMs += elapsedMs;
    if (this.elapsedMs < WINDOW_MS) return this.share;
    this.decide((100 * this.usedMs) / this.elapsedMs);
    this.usedMs = 0;
    this.elapsedMs = 0;
    return this.share;
  }

  private decide(percent: number): void {
    this.calm = percent < CALM_PART * this.percentMax ? this.calm + 1 : 0;
    if (percent > this.percentMax) {
      const step = Math.min(STEP_MOST, Math.max(STEP_LEAST, (AIM_PART * this.percentMax) / percent));
      this.share = Math.max(SHARE_MIN, this.share * step);
    } else if (this.calm === CALM_WINDOWS) {
      this.calm = 0;
      this.share = Math.min(1, this.share * STEP_UP);
    }
  }
}
