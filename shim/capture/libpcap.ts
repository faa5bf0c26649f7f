import type { Core } from "../../engine/core";
import { Failure, reasonOf } from "../failure";
import { SNAP_BYTES } from "./filter/compile";
import type { LiveCapture, LiveOptions } from "./live";
import type { Native, NativeSource } from "./native";
import { NativeFeed } from "./native-feed";

const TIMEOUT_MS = 10;

/** Captures through libpcap, in batches. */
export class PcapCapture implements LiveCapture {
  readonly words: string;
  readonly knowsDrops = true;
  readonly reopens = false;
  private readonly feed: NativeFeed;
  private isGone = false;

  constructor(
    native: Native,
    core: Core,
    private readonly options: LiveOptions,
    private readonly say: (line: string) => void,
  ) {
    this.words = native.pcapVersion()!;
    const { interface: device, ringBytes, promiscuous, filter, snapBytes = SNAP_BYTES } = options;
    let source: NativeSource;
    try {
      source = native.openPcap(device, snapBytes, ringBytes, TIMEOUT_MS, promiscuous ? 1 : 0, filter);
    } catch (cause) {
      throw new Failure(`cannot capture on ${device}: ${reasonOf(cause)}`, 1, { cause });
    }
    this.feed = new NativeFeed(native, core);
    this.feed.open([source]);
  }

  refresh(): void {
    this.feed.push();
    if (this.isGone || this.feed.takeFault() === 0) return;
    this.isGone = true;
    this.say(`interface ${this.options.interface} is gone or down, and libpcap does not come back to it; start again`);
  }

  async close(): Promise<void> {
    await this.feed.end();
  }
}
