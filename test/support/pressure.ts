/** A core whose stream pool is used up while some of the packets come, as by other connections. */
import pressured from "../../build/test/pressure.wasm";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import type { Schema } from "../../engine/schema";
import { encodeSettings, type Setting } from "../../engine/settings";
import { hostOf } from "./host";
import { instantiate } from "./instantiate";
import { type Captured, pcap } from "./pcap-builder";

/** What test/support/pressure.entry.ts exports. */
interface Exports {
  memory: WebAssembly.Memory;
  start?(): void;
  staging(): number;
  configure(role: number, budget: number, settingsLength: number): number;
  openInput(kind: number, linkType: number): number;
  endInput(handle: number): void;
  inputStart(): number;
  feed(handle: number, start: number, length: number): number;
  flush(): void;
  eventsStart(): number;
  eventsLength(): number;
  eventsDone(): void;
  bundleStart(): number;
  bundleDone(): void;
  outputStart(): number;
  schema(): number;
  squeeze(pages: number): void;
  relax(): void;
}

const HOST = 1;
/** The least that a core takes: fewer pages to take. */
const BUDGET_BYTES = 8 << 20;
const PCAP_HEADER_BYTES = 24;

/** When memory is short: from which packet on and until which, and whole pages that are left. */
export interface Squeeze {
  from: number;
  to: number;
  pages: number;
}

/** Takes captures in, one after the other. */
export class PressedCore {
  private readonly core: Exports;
  private readonly schema: Schema;

  /** `kept` says what is kept of contents. */
  constructor(private readonly kept: Pick<Setting, "headers" | "bodyBytes"> = {}) {
    this.core = instantiate<Exports>(pressured, {}, { host: hostOf(() => this.take()) });
    this.core.start?.();
    this.configure();
    const length = this.core.schema();
    const text = new Uint8Array(this.core.memory.buffer, this.core.outputStart(), length);
    this.schema = JSON.parse(new TextDecoder().decode(text)) as Schema;
  }

  private reader: RoundTripReader | undefined;
  private trips: RoundTrip[] = [];

  private configure(): void {
    const settings = encodeSettings({ events: true, raw: true, ...this.kept });
    new Uint8Array(this.core.memory.buffer).set(settings, this.core.staging());
    const code = this.core.configure(HOST, BUDGET_BYTES, settings.length);
    if (code !== 0) throw new Error(`configure answers ${code}`);
  }

  /** The round trips of some packets, with memory short while some of them come. */
  read(packets: readonly Captured[], squeezes: readonly Squeeze[]): RoundTrip[] {
    const { core } = this;
    this.configure();
    this.reader = new RoundTripReader(this.schema);
    this.trips = [];
    const handle = core.openInput(0, 0);
    this.feed(handle, pcap([]));
    let now: Squeeze | undefined;
    for (const [index, packet] of packets.entries()) {
      const next = squeezes.find(({ from, to }) => from <= index && index < to);
      if (next !== now && next === undefined) core.relax();
      if (next !== now && next !== undefined) core.squeeze(next.pages);
      now = next;
      this.feed(handle, pcap([packet], { nanoseconds: false }).subarray(PCAP_HEADER_BYTES));
    }
    if (now !== undefined) core.relax();
    core.endInput(handle);
    core.flush();
    this.take();
    return this.trips;
  }

  private feed(handle: number, bytes: Uint8Array): void {
    const start = this.core.inputStart();
    new Uint8Array(this.core.memory.buffer).set(bytes, start);
    for (let at = 0; at < bytes.length; ) {
      at += this.core.feed(handle, start + at, bytes.length - at);
      this.take();
    }
  }

  /** Takes events out, and lets bundles go. */
  private take(): void {
    const { core } = this;
    const view = new DataView(core.memory.buffer, core.eventsStart(), core.eventsLength());
    this.trips.push(...(this.reader?.read(view) ?? []));
    core.eventsDone();
    while (core.bundleStart() !== 0) core.bundleDone();
  }
}
