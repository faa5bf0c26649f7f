import { setTimeout as sleep } from "node:timers/promises";
import type { Core, CoreInput } from "../../engine/core";
import type { Native, NativeSource } from "./native";

/** Reads after which other work gets its turn; each fills the core's input. */
const READS_MAX = 16;
/** Reads at the end, more than what waits in the kernel can take: it must come to an end where packets come faster than they are read. */
const LAST_READS_MAX = 4096;

/** Brings what a native source has into a core, as it comes. */
export class NativeFeed {
  private readonly input: CoreInput;
  private source: NativeSource | undefined;
  /** Packets dropped that the core knows of. */
  private dropped = 0;
  private faultSeen = 0;
  /** What was thrown where nobody hears of it. */
  private thrown: { error: unknown } | undefined;

  constructor(
    private readonly native: Native,
    private readonly core: Core,
  ) {
    this.input = core.open("live");
  }

  /** Reads from this source from now on. Throws where it cannot be watched. */
  open([source]: readonly NativeSource[]): void {
    if (source === undefined) throw new Error("there is no source to read from");
    this.native.watch(source, () => this.takeNoting(source));
    this.source = source;
    this.dropped = 0;
    this.faultSeen = 0;
  }

  /** What went wrong with the source since this was last asked, as an errno; 0 where all is well. */
  takeFault(): number {
    if (this.source !== undefined) this.noteFault(this.source);
    const fault = this.faultSeen;
    this.faultSeen = 0;
    return fault;
  }

  /** Hands over what was captured and dropped so far. */
  push(readsMax = READS_MAX): void {
    if (this.thrown !== undefined) throw this.thrown.error;
    if (this.source === undefined) return;
    for (let reads = 0; reads < readsMax && this.read(this.source); reads++) {}
    this.countDrops(this.source);
  }

  /** Hands over what is there and lets the source go. */
  drop(): void {
    const { source } = this;
    if (source === undefined) return;
    this.push(LAST_READS_MAX);
    this.source = undefined;
    this.native.close(source);
  }

  /** Lets nothing more in, waits for what the kernel still holds, and ends the input. */
  async end(): Promise<void> {
    const { source } = this;
    if (source !== undefined) await sleep(this.native.stop(source));
    this.drop();
    this.input.end();
  }

  /** Node only warns of what a callback of the addon throws: the next push throws it. */
  private takeNoting(source: NativeSource): void {
    try {
      this.take(source);
    } catch (error) {
      this.thrown = { error };
    }
  }

  private take(source: NativeSource): void {
    if (source !== this.source) return;
    for (let reads = 0; reads < READS_MAX; reads++) {
      if (this.read(source)) continue;
      // A fault that nobody takes would wake the watcher again and again.
      if (reads === 0) this.noteFault(source);
      this.native.arm(source);
      return;
    }
    setImmediate(() => this.takeNoting(source));
  }

  private noteFault(source: NativeSource): void {
    const fault = this.native.fault(source);
    if (fault !== 0) this.faultSeen = fault;
  }

  /** Whether there was anything. */
  private read(source: NativeSource): boolean {
    const bytes = this.native.read(source, this.input.free);
    if (bytes > 0) this.input.written(bytes);
    return bytes > 0;
  }

  private countDrops(source: NativeSource): void {
    const [, dropped] = this.native.counts(source);
    if (dropped > this.dropped) this.core.dropped(dropped - this.dropped);
    this.dropped = dropped;
  }
}
