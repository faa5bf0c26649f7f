import { CpuCeiling } from "./cpu-ceiling";

const US_A_MS = 1000;

/** What looks at a share of conversations, each whole, from 0 to 1; it counts the packets of the others. */
export interface Sampler {
  sample(share: number): void;
}

/** Measures what this process uses of CPU, and has as many conversations looked at as the ceiling lets it. */
export class CpuKeeper {
  private readonly ceiling: CpuCeiling;
  private used = process.cpuUsage();
  private atMs = performance.now();

  constructor(
    private readonly percentMax: number,
    private readonly sampler: Sampler,
    private readonly say: (line: string) => void,
  ) {
    this.ceiling = new CpuCeiling(percentMax);
  }

  /** Takes what was used since the last turn. */
  turn(): void {
    const { user, system } = process.cpuUsage(this.used);
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.atMs;
    this.used = process.cpuUsage();
    this.atMs = nowMs;
    const before = this.ceiling.share;
    const share = this.ceiling.note((user + system) / US_A_MS, elapsedMs);
    if (share === before) return;
    this.sampler.sample(share);
    if (before === 1)
      this.say(
        `at the ceiling of ${this.percentMax} % of a processor: only a sample of conversations is looked at, the rest is counted`,
      );
    if (share === 1) this.say("below the ceiling of CPU again: all conversations are looked at");
  }
}
