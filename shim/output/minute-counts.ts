import { readBundleHeader } from "../../engine/bundle";
import type { Core } from "../../engine/core";
import { encodeRowQuery, RowDecoder } from "../../engine/rows";
import { type CaptureCounts, captureCounts } from "../../engine/summary";

const QUERY = { items: 0 };

/** Adds up what the capture came to, minute by minute, for as long as a host runs. */
export class MinuteCounts {
  readonly total: CaptureCounts = { packets: 0, bytes: 0, dropped: 0, malformed: {}, undecoded: {} };
  /** Packets that have no time, and so no minute. */
  undated = 0;
  private readonly decoder: RowDecoder;

  /** `core` reads the minutes. */
  constructor(private core: Core) {
    this.decoder = new RowDecoder(core.schema);
  }

  /** Has another core read them from now on. */
  readBy(core: Core): void {
    this.core = core;
  }

  /** Takes a sealed minute. */
  add(bundle: Uint8Array): void {
    this.core.accumulate([bundle]);
    const counts = captureCounts(this.decoder.decode(this.core.rows(encodeRowQuery(QUERY)), QUERY));
    this.total.packets += counts.packets;
    if (readBundleHeader(bundle).minute === 0) this.undated += counts.packets;
    this.total.bytes += counts.bytes;
    this.total.dropped += counts.dropped;
    if (counts.sampledOut) this.total.sampledOut = (this.total.sampledOut ?? 0) + counts.sampledOut;
    if (counts.cut) this.total.cut = (this.total.cut ?? 0) + counts.cut;
    addTo(this.total.malformed, counts.malformed);
    addTo(this.total.undecoded, counts.undecoded);
  }
}

function addTo(into: Record<string, number>, from: Record<string, number>): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + count;
}
