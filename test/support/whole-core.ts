/** The whole core with its asserts on, its memory filled with a byte of choice, and all that comes out of it, judged and digested. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readBundleHeader } from "../../engine/bundle";
import { answerOwner, type OwnerOf } from "../../engine/owner";
import { encodeSettings } from "../../engine/settings";
import { hostOf } from "./host";
import { instantiate } from "./instantiate";
import { ROOT } from "./repository";

interface Exports {
  memory: WebAssembly.Memory;
  staging(): number;
  configure(role: number, budget: number, settingsLength: number): number;
  inputStart(): number;
  inputBytes(): number;
  openInput(kind: number, linkType: number): number;
  feed(handle: number, start: number, length: number): number;
  endInput(handle: number): void;
  flush(): void;
  eventsStart(): number;
  eventsLength(): number;
  eventsDone(): void;
  bundleStart(): number;
  bundleLength(): number;
  bundleDone(): void;
  outputStart(): number;
  validate(start: number, length: number): number;
}

const BUDGET_BYTES = 8 << 20;
const HOST = 1;
/** Bytes behind each chunk that are filled: more than any read could stray by within a header. */
const POISON_BYTES = 512;

/** How a capture is taken in. */
export interface Way {
  /** What lies in free memory and behind each chunk. */
  poison?: number;
  /** Bytes of the next chunk. */
  chunk?: () => number;
  /** Keys the tables. */
  secret?: bigint;
  /** Live records of this link type come in, in place of a file. */
  liveLinkType?: number;
  /** Says whose connections are. */
  ownerOf?: OwnerOf;
  /** Keeps headers and bodies. */
  contents?: boolean;
}

/** What came out of a capture. */
export interface Outcome {
  /** Digests of all events and of all bundles. */
  digest: string;
  /** Packets with a time that the bundles say they are of. */
  packets: number;
  /** The fault of the first bundle that a hub would refuse; 0 where it takes them all. */
  fault: number;
}

export class WholeCore {
  private readonly core: Exports;

  constructor(path = join(ROOT, "build/core.checked.wasm")) {
    if (!existsSync(path)) throw new Error("build/core.checked.wasm is missing; run: npm run build");
    const module = new WebAssembly.Module(readFileSync(path));
    const host = { ...hostOf(() => this.take()), askOwner: (question: number) => this.answer(question) };
    this.core = instantiate<Exports>(module, {}, { host });
    this.configure();
  }

  private events = createHash("sha256");
  private bundles: Uint8Array[] = [];

  private ownerOf: OwnerOf | undefined;

  private answer(question: number): void {
    const { buffer } = this.core.memory;
    if (this.ownerOf) answerOwner(new Uint8Array(buffer), new DataView(buffer), question, this.ownerOf);
  }

  private configure(secret = 1n, contents = false): void {
    const asksOwners = this.ownerOf !== undefined;
    const kept = contents ? { headers: true, bodyBytes: 2048, raw: true } : {};
    const settings = encodeSettings({ events: true, bootId: 7n, secret, stages: true, asksOwners, ...kept });
    new Uint8Array(this.core.memory.buffer).set(settings, this.core.staging());
    const code = this.core.configure(HOST, BUDGET_BYTES, settings.length);
    if (code !== 0) throw new Error(`configure answers ${code}`);
  }

  /** Takes a capture in. Throws where an assert fails or the core traps. */
  run(bytes: Uint8Array, { poison = 0, chunk = () => 1 << 18, secret, liveLinkType, ownerOf, contents }: Way = {}): Outcome {
    const { core } = this;
    this.ownerOf = ownerOf;
    new Uint8Array(core.memory.buffer, core.staging()).fill(poison);
    this.configure(secret, contents);
    this.events = createHash("sha256");
    this.bundles = [];
    const buffer = new Uint8Array(core.memory.buffer, core.inputStart(), core.inputBytes());
    const handle = liveLinkType === undefined ? core.openInput(0, 0) : core.openInput(1, liveLinkType);
    let kept = 0;
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(Math.max(1, chunk()), buffer.length - kept, bytes.length - at);
      if (take === 0) throw new Error("nothing is consumed of a full buffer");
      buffer.set(bytes.subarray(at, at + take), kept);
      buffer.fill(poison, kept + take, Math.min(buffer.length, kept + take + POISON_BYTES));
      at += take;
      kept = this.feed(handle, buffer, kept + take);
    }
    core.endInput(handle);
    core.flush();
    this.take();
    return this.outcome();
  }

  private outcome(): Outcome {
    const digest = createHash("sha256");
    let packets = 0;
    let fault = 0;
    for (const bundle of this.bundles) {
      digest.update(bundle);
      packets += readBundleHeader(bundle).seen;
      new Uint8Array(this.core.memory.buffer).set(bundle, this.core.outputStart());
      fault ||= this.core.validate(this.core.outputStart(), bundle.length);
    }
    return { digest: `${this.events.digest("hex")} ${digest.digest("hex")}`, packets, fault };
  }

  private feed(handle: number, buffer: Uint8Array, filled: number): number {
    let consumed = 0;
    while (true) {
      const step = this.core.feed(handle, this.core.inputStart() + consumed, filled - consumed);
      if (step > filled - consumed) throw new Error("more was consumed than there was");
      consumed += step;
      if (!this.take() || consumed === filled) break;
    }
    buffer.copyWithin(0, consumed, filled);
    return filled - consumed;
  }

  /** Takes events and bundles out; whether there were any. */
  private take(): boolean {
    const { core } = this;
    const length = core.eventsLength();
    this.events.update(new Uint8Array(core.memory.buffer, core.eventsStart(), length));
    core.eventsDone();
    let found = length > 0;
    for (let start = core.bundleStart(); start !== 0; start = core.bundleStart()) {
      this.bundles.push(new Uint8Array(core.memory.buffer).slice(start, start + core.bundleLength()));
      core.bundleDone();
      found = true;
    }
    return found;
  }
}
