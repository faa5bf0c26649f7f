import { readBundleHeader } from "../../engine/bundle";
import { type Core, CoreError } from "../../engine/core";
import { MinuteSum, type Summary } from "../../engine/summary";
import type { Family } from "./families";
import { KEYS_SHOWN, minuteFamilies } from "./last-minute";

/** Minutes that can be asked for at the most, and bytes of their bundles that are kept. */
export const WINDOW_MINUTES_MAX = 60;
const BYTES_MAX = 8 << 20;
const MINUTE_MS = 60_000;

/** What some minutes add up to. */
export interface WindowAnswer extends Summary {
  /** Start of the first minute, and end of the last; absent where none was sealed yet. */
  from?: string;
  until?: string;
  /** Minutes that were asked for, and those of which something is here. */
  asked: number;
  minutes: number;
}

/** The last sealed minutes: what an answer about them is merged of. */
export class RecentMinutes {
  private readonly kept: { minute: number; bytes: Uint8Array }[] = [];
  private bytes = 0;
  private latest = 0;

  /** `core` merges, and keeps nothing between two calls. */
  constructor(
    private readonly core: Core,
    private readonly bytesMax = BYTES_MAX,
  ) {}

  /** Whether there is a metric of this name. */
  knows(name: string): boolean {
    return this.core.schema.metrics.some((metric) => metric.name === name);
  }

  /** Takes a copy of a sealed minute, or of what came late for one; the oldest make room. */
  add(bundle: Uint8Array): void {
    const { minute } = readBundleHeader(bundle);
    this.latest = latestOf(this.latest, minute);
    this.kept.push({ minute, bytes: bundle.slice() });
    this.bytes += bundle.length;
    this.keepWhere((one) => one.minute > this.latest - WINDOW_MINUTES_MAX && one.minute <= this.latest);
    while (this.bytes > this.bytesMax && this.kept.length > 1) {
      const oldest = Math.min(...this.kept.map((one) => one.minute));
      this.keepWhere((one) => one.minute > oldest);
    }
  }

  /** The sum of the last `asked` minutes, tops and breakdowns with `items` items. */
  sum(asked: number, items?: number): WindowAnswer {
    const first = this.latest - asked + 1;
    const wanted = this.kept.filter(({ minute }) => minute >= first);
    this.core.accumulate([]);
    const sum = new MinuteSum(this.core);
    for (const { bytes } of wanted) sum.add(bytes);
    const minutes = new Set(wanted.map(({ minute }) => minute)).size;
    const span = minutes === 0 ? {} : { from: timeOf(first), until: timeOf(this.latest + 1) };
    return { ...span, asked, minutes, ...sum.summary(items) };
  }

  /** The last sealed minute as gauges; none where so much came late for it that the sum finds no room. */
  lastMinute(): Family[] {
    try {
      return minuteFamilies(this.core.schema.metrics, this.sum(1, KEYS_SHOWN).metrics);
    } catch (error) {
      if (!(error instanceof CoreError) || error.fault === undefined) throw error;
      return [];
    }
  }

  private keepWhere(stays: (one: { minute: number }) => boolean): void {
    const gone = this.kept.filter((one) => !stays(one));
    if (gone.length === 0) return;
    for (const { bytes } of gone) this.bytes -= bytes.length;
    this.kept.splice(0, this.kept.length, ...this.kept.filter(stays));
  }
}

/**
 * The latest minute, once another was sealed. One that lies further back than a window reaches is no late one: the clock was ahead, so that
 * what was sealed then has a time that is yet to come.
 */
export function latestOf(before: number, sealed: number): number {
  return sealed <= before - WINDOW_MINUTES_MAX ? sealed : Math.max(before, sealed);
}

const timeOf = (minute: number) => new Date(minute * MINUTE_MS).toISOString().replace(".000Z", "Z");
