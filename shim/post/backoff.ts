const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** Waits that double from failure to failure, each shortened by chance so that many edges do not come back at once. */
export class Backoff {
  private failures = 0;

  /** The next wait, ms. */
  next(): number {
    const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    return whole * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.failures = 0;
  }
}
