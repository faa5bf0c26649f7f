import { promisify } from "node:util";
import { deflate, type ZlibOptions } from "node:zlib";
import { readBundleHeader } from "../../engine/bundle";
import { Failure } from "../failure";
import { bundleFileName, type Spool } from "../spool/spool";

const deflated = promisify<Uint8Array, ZlibOptions, Buffer>(deflate);
/** How bundles are deflated: in short blocks, which suit their columns (docs/wire.md) and take half the memory. */
export const BUNDLE_DEFLATE: ZlibOptions = { memLevel: 7 };

export interface KeeperOptions {
  /** A bundle is on disk. */
  onKept(): void;
  /**
   * A bundle could not be written and is lost. Input that goes on for ever goes on; where this throws, nothing further is written.
   */
  onLost(failure: Failure): void;
}

/** Takes sealed minutes from the core, and puts one after the other into the spool. */
export class MinuteKeeper {
  kept = 0;
  lost = 0;
  private readonly sealed: Uint8Array[] = [];
  private saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly spool: Spool,
    private readonly options: KeeperOptions,
  ) {}

  /** Takes a copy of a sealed minute. */
  take(bundle: Uint8Array): void {
    this.sealed.push(bundle.slice());
  }

  /** Resolves when all that was taken is on disk. */
  save(): Promise<void> {
    if (this.sealed.length > 0) this.saving = this.saving.then(() => this.saveAll());
    return this.saving;
  }

  private async saveAll(): Promise<void> {
    for (let bundle = this.sealed.shift(); bundle !== undefined; bundle = this.sealed.shift()) {
      const header = readBundleHeader(bundle);
      // What has no time belongs to no minute, and goes no further than the exit summary.
      if (header.minute === 0) continue;
      try {
        await this.spool.put(bundleFileName(header), await deflated(bundle, BUNDLE_DEFLATE));
        this.kept += 1;
        this.options.onKept();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.lost += 1;
        this.options.onLost(error);
      }
    }
  }
}
