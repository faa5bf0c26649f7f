/** The wire entry as a typed object, and bundles in and out of it. */
import module from "../../build/test/wire.wasm";
import { instantiate } from "./compile.js";

export interface WireExports {
  memory: WebAssembly.Memory;
  start(): void;
  open(bootId: number, later: boolean, tops: number): number;
  setFolded(n: number): void;
  staging(): number;
  series(id: number): number;
  packet(seconds: number, nanoseconds: number): void;
  packetRaw(high: number, low: number): void;
  tick(seconds: number, nanoseconds: number): void;
  use(seconds: number, nanoseconds: number): void;
  flush(): void;
  minute(): number;
  second(): number;
  lose(dropped: number, malformed: number): void;
  refused(): number;
  count(index: number, n: number): void;
  gauge(index: number, value: number): void;
  rate(index: number, n: number): void;
  histogram(index: number, value: number, n: number): void;
  distinct(index: number, length: number): void;
  top(index: number, length: number, weight: number): void;
  breakdown(index: number, length: number, requests: number, errors: number, bytes: number, durationNs: number): void;
  bundleStart(): number;
  bundleLength(): number;
  bundleDone(): void;
  hasRoom(): number;
  lost(): number;
  poolBytes(): number;
  fillPool(): void;
  sign(start: number, length: number): void;
  validateBundle(start: number, length: number): number;
  unknownSections(): number;
  mergeReset(): void;
  mergeAdd(start: number, length: number): number;
  mergeEncode(start: number, capacity: number): number;
  rows(length: number, capacity: number): number;
  schema(start: number, capacity: number): number;
}

/** Bytes at `staging`. */
const STAGING_BYTES = 8 << 20;

/** An instance of the entry, opened. */
export class Wire {
  readonly core: WireExports;

  constructor({ bootId = 77, later = false, tops = 0 } = {}) {
    this.core = instantiate<WireExports>(module);
    this.core.start();
    if (!this.core.open(bootId, later, tops)) throw new Error("the entry does not open");
  }

  /** Takes a packet at `seconds` since the epoch, a fraction to the nanosecond. */
  packet(seconds: number, nanoseconds = 0): void {
    this.core.packet(seconds, nanoseconds);
  }

  /** Writes text to the staging area and gives its length in bytes. */
  stage(text: string | Uint8Array): number {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    new Uint8Array(this.core.memory.buffer).set(bytes, this.core.staging());
    return bytes.length;
  }

  /** Takes all sealed bundles out of the queue. */
  take(): Uint8Array[] {
    const bundles: Uint8Array[] = [];
    for (let start = this.core.bundleStart(); start !== 0; start = this.core.bundleStart()) {
      bundles.push(new Uint8Array(this.core.memory.buffer).slice(start, start + this.core.bundleLength()));
      this.core.bundleDone();
    }
    return bundles;
  }

  /** Gives the fault of a bundle. */
  validate(bundle: Uint8Array): number {
    return this.core.validateBundle(this.core.staging(), this.stage(bundle));
  }

  /** Gives the bundle with its checksum made right. */
  signed(bundle: Uint8Array): Uint8Array {
    const length = this.stage(bundle);
    if (length >= 8) this.core.sign(this.core.staging(), length);
    return this.bytes(this.core.staging(), length);
  }

  /** Adds a bundle to the accumulator and gives the fault. */
  add(bundle: Uint8Array): number {
    return this.core.mergeAdd(this.core.staging(), this.stage(bundle));
  }

  /** Encodes the accumulator. */
  encode(): Uint8Array {
    return this.bytes(this.core.staging(), this.core.mergeEncode(this.core.staging(), STAGING_BYTES));
  }

  /** The sum of bundles; throws at a fault. */
  merge(bundles: Uint8Array[]): Uint8Array {
    this.core.mergeReset();
    for (const bundle of bundles) {
      const fault = this.add(bundle);
      if (fault !== 0) throw new Error(`bundle refused: ${fault}`);
    }
    return this.encode();
  }

  /** Answers a question from the accumulator; gives the bytes, or the fault as a negative number. */
  ask(query: Uint8Array, capacity = 1 << 20): Uint8Array | number {
    const length = this.core.rows(this.stage(query), capacity);
    return length < 0 ? length : this.bytes(this.core.staging() + query.length, length);
  }

  /** The schema's text. */
  schema(): string {
    const length = this.core.schema(this.core.staging(), STAGING_BYTES);
    return new TextDecoder().decode(this.bytes(this.core.staging(), length));
  }

  private bytes(start: number, length: number): Uint8Array {
    return new Uint8Array(this.core.memory.buffer).slice(start, start + length);
  }
}
