/** The whole core with its asserts on, its memory filled with a byte of choice, and a digest of all that comes out. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSettings } from "../../engine/settings";
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
}

const BUDGET_BYTES = 8 << 20;
const HOST = 1;

interface Way {
  /** What lies in free memory and behind each chunk. */
  poison?: number;
  /** Bytes of the next chunk. */
  chunk?: () => number;
}

export class WholeCore {
  private readonly core: Exports;

  constructor() {
    const path = join(ROOT, "build/core.checked.wasm");
    if (!existsSync(path)) throw new Error("build/core.checked.wasm is missing; run: npm run build");
    const module = new WebAssembly.Module(readFileSync(path));
    this.core = instantiate<Exports>(module, {}, { host: { eventsFull: () => this.take() } });
    this.configure();
  }

  private events = createHash("sha256");
  private bundles = createHash("sha256");

  private configure(): void {
    const settings = encodeSettings({ events: true, bootId: 7n });
    new Uint8Array(this.core.memory.buffer).set(settings, this.core.staging());
    const code = this.core.configure(HOST, BUDGET_BYTES, settings.length);
    if (code !== 0) throw new Error(`configure answers ${code}`);
  }

  /** Digests of all events and of all bundles of a capture. Throws where an assert fails or the core traps. */
  run(bytes: Uint8Array, { poison = 0, chunk = () => 1 << 18 }: Way = {}): string {
    const { core } = this;
    new Uint8Array(core.memory.buffer, core.staging()).fill(poison);
    this.configure();
    this.events = createHash("sha256");
    this.bundles = createHash("sha256");
    const buffer = new Uint8Array(core.memory.buffer, core.inputStart(), core.inputBytes());
    const handle = core.openInput(0, 0);
    let kept = 0;
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(Math.max(1, chunk()), buffer.length - kept, bytes.length - at);
      buffer.set(bytes.subarray(at, at + take), kept);
      buffer.fill(poison, kept + take, Math.min(buffer.length, kept + take + 512));
      at += take;
      kept = this.feed(handle, buffer, kept + take);
    }
    core.endInput(handle);
    core.flush();
    this.take();
    return `${this.events.digest("hex")} ${this.bundles.digest("hex")}`;
  }

  private feed(handle: number, buffer: Uint8Array, filled: number): number {
    let consumed = 0;
    while (true) {
      const step = this.core.feed(handle, this.core.inputStart() + consumed, filled - consumed);
      consumed += step;
      if (!this.take() || consumed === filled) break;
    }
    buffer.copyWithin(0, consumed, filled);
    return filled - consumed;
  }

  /** Takes events and bundles out into the digest; whether there were any. */
  private take(): boolean {
    const { core } = this;
    const length = core.eventsLength();
    this.events.update(new Uint8Array(core.memory.buffer, core.eventsStart(), length));
    core.eventsDone();
    let found = length > 0;
    for (let start = core.bundleStart(); start !== 0; start = core.bundleStart()) {
      this.bundles.update(new Uint8Array(core.memory.buffer, start, core.bundleLength()));
      core.bundleDone();
      found = true;
    }
    return found;
  }
}
