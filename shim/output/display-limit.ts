/** Lets so many lines through a second, by whole seconds of the clock, and tells when some were left out. */
export class DisplayLimit {
  private second = -1;
  private shown = 0;
  private leftOut = 0;

  constructor(
    private readonly linesPerSecond: number,
    private readonly onLeftOut: (lines: number) => void,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Whether one more line may be shown now. */
  isDue(): boolean {
    this.turn();
    if (this.shown < this.linesPerSecond) {
      this.shown += 1;
      return true;
    }
    this.leftOut += 1;
    return false;
  }

  /** Tells of what was left out in a second that is over; called from time to time, as nothing more may come. */
  turn(): void {
    const second = Math.floor(this.nowMs() / 1000);
    if (second === this.second) return;
    this.second = second;
    this.shown = 0;
    this.tell();
  }

  /** Tells of what was left out and was not told yet. */
  tell(): void {
    if (this.leftOut > 0) this.onLeftOut(this.leftOut);
    this.leftOut = 0;
  }
}
