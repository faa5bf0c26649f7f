/** Clocks that differ by less are as good as the network shows. */
export const CLOCK_OFFSET_MAX_MS = 2000;

/** Clocks that part by more than this while they run were set, or the host slept. */
const STEP_MS = 1_000;

/**
 * How far this host's clock is ahead of the hub's, by the hub's answers.
 *
 * The time in an answer was taken between sending the request and having the answer, so each answer gives certain bounds, however
 * long the hub took; those of several are cut with each other. Where they have nothing in common a clock was set, and the newest counts. What
 * this host's own clock did since then is seen by one that nobody sets.
 */
export class HubClock {
  private leastMs = Number.NEGATIVE_INFINITY;
  private mostMs = Number.POSITIVE_INFINITY;
  private startMs = 0;
  private isOff = false;

  /** Both clocks of this host, ms; `steadyNow` only ever goes on. */
  constructor(
    private readonly now: () => number = Date.now,
    private readonly steadyNow: () => number = () => performance.now(),
  ) {}

  /** Takes note of an answer: when its request was sent, when it was there, and the hub's time in it. */
  note(sentMs: number, receivedMs: number, hubMs: number): void {
    this.forgetIfSet();
    const [least, most] = [sentMs - hubMs, receivedMs - hubMs];
    const isOther = least > this.mostMs || most < this.leastMs;
    this.leastMs = isOther ? least : Math.max(least, this.leastMs);
    this.mostMs = isOther ? most : Math.min(most, this.mostMs);
    this.startMs = this.now() - this.steadyNow();
  }

  /** How far this host's clock is ahead of the hub's at the least, ms, negative where it is behind; 0 where they may agree or nothing is known. */
  get offsetMs(): number {
    this.forgetIfSet();
    return this.leastMs > 0 ? this.leastMs : Math.min(this.mostMs, 0);
  }

  /** What is to be said where the clocks are found to differ since this was last asked, or agree again. Nothing of what was read is shifted by it. */
  takeTurn(): string | undefined {
    const { offsetMs } = this;
    const isOff = Math.abs(offsetMs) >= CLOCK_OFFSET_MAX_MS;
    if (isOff === this.isOff) return undefined;
    this.isOff = isOff;
    const seconds = Math.round(Math.abs(offsetMs) / 1000);
    const which = `this host's clock is ${seconds} s ${offsetMs > 0 ? "ahead of" : "behind"} the hub's`;
    const effect = "minutes are named by this host's and posted by the hub's, so set it";
    return isOff ? `${which}; ${effect}` : "this host's clock agrees with the hub's again";
  }

  private forgetIfSet(): void {
    if (Math.abs(this.now() - this.steadyNow() - this.startMs) <= STEP_MS) return;
    this.leastMs = Number.NEGATIVE_INFINITY;
    this.mostMs = Number.POSITIVE_INFINITY;
  }
}
