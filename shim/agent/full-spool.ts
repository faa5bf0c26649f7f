const REPEAT_MS = 3_600_000;

/** Says that a full spool drops minutes: when that begins, and once an hour as long as it goes on. */
export class FullSpool {
  private told = 0;
  private toldMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly say: (line: string) => void) {}

  /** `dropped` is how many it has dropped so far. */
  note(dropped: number, nowMs: number): void {
    if (dropped === this.told || nowMs - this.toldMs < REPEAT_MS) return;
    this.told = dropped;
    this.toldMs = nowMs;
    this.say(
      `the spool is full, and its oldest minutes make room: ${dropped} lost so far; mend the way to the hub, or give --spool-size`,
    );
  }
}
