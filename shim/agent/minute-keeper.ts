import { promisify } from "node:util";
import { deflate, type ZlibOptions } from "node:zlib";
import { readBundleHeader } from "../../engine/bundle";
import { Failure } from "../failure";
import { bundleFileName, minuteMsOf, type Spool } from "../spool/spool";

const deflated = promisify<Uint8Array, ZlibOptions, Buffer>(deflate);
/** How bundles are deflated: in short blocks, which suit their columns (docs/wire.md) and take half the memory. */
export const BUNDLE_DEFLATE: ZlibOptions = { memLevel: 7 };

export interface KeeperOptions {
  /** Bytes of bundles that may wait in memory while they cannot be written, the oldest making room; with 0 none waits. */
  heldBytesMax: number;
  /** A bundle is on disk. */
  onKept(): void;
  /** From now on bundles cannot be written, and wait. */
  onHeld?(failure: Failure): void;
  /** All that waited is on disk. */
  onWritten?(): void;
  /** A bundle is lost. Input that goes on for ever goes on; where this throws, nothing further is written. */
  onLost(failure: Failure): void;
}

/** Takes sealed minutes from the core, and puts one after the other into the spool. */
export class MinuteKeeper {
  kept = 0;
  lost = 0;
  private readonly sealed: Uint8Array[] = [];
  /** What is to be written next, oldest first. */
  private readonly waiting: { name: string; bytes: Uint8Array }[] = [];
  private isHeld = false;
  private saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly spool: Pick<Spool, "put" | "folder">,
    private readonly options: KeeperOptions,
  ) {}

  /** Bundles that wait in memory, as they could not be written. */
  get held(): number {
    return this.isHeld ? this.waiting.length : 0;
  }

  /** When the oldest minute that waits began, ms since the epoch; undefined where none does. */
  get heldSinceMs(): number | undefined {
    const times = this.waiting.map(({ name }) => minuteMsOf(name));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Takes a copy of a sealed minute. */
  take(bundle: Uint8Array): void {
    this.sealed.push(bundle.slice());
  }

  /** Resolves when all that was taken is on disk, or waits for room. */
  save(): Promise<void> {
    if (this.sealed.length + this.waiting.length > 0) this.saving = this.saving.then(() => this.saveAll());
    return this.saving;
  }

  /** The same for the last time: what cannot be written now is lost. */
  async end(): Promise<void> {
    await this.save();
    const failure = new Failure(`the spool ${this.spool.folder} had no room to the end`);
    while (this.waiting.length > 0) this.lose(failure);
  }

  private async saveAll(): Promise<void> {
    for (let bundle = this.sealed.shift(); bundle !== undefined; bundle = this.sealed.shift()) {
      const header = readBundleHeader(bundle);
      // What has no time belongs to no minute, and goes no further than the exit summary.
      if (header.minute === 0) continue;
      this.waiting.push({ name: bundleFileName(header), bytes: await deflated(bundle, BUNDLE_DEFLATE) });
      await this.writeWaiting();
    }
    await this.writeWaiting();
  }

  private async writeWaiting(): Promise<void> {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      try {
        await this.spool.put(next.name, next.bytes);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.hold(error);
        return;
      }
      this.waiting.shift();
      this.kept += 1;
      this.options.onKept();
    }
    if (this.isHeld) this.options.onWritten?.();
    this.isHeld = false;
  }

  private hold(failure: Failure): void {
    const { heldBytesMax, onHeld } = this.options;
    const size = () => this.waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
    while (size() > heldBytesMax) this.lose(failure);
    if (this.isHeld || this.waiting.length === 0) return;
    this.isHeld = true;
    onHeld?.(failure);
  }

  private lose(failure: Failure): void {
    this.waiting.shift();
    this.lost += 1;
    this.options.onLost(failure);
  }
}
