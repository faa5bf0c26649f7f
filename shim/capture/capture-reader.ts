import type { Core, CoreInput } from "../../engine/core";
import { type CaptureSink, readCapture } from "./file";

/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a]);
const MAGIC_BYTES = 4;
/** Read at first, before the core is asked for room. */
const FIRST_BYTES = 1 << 12;

/** What became of a capture file, in words; nothing where all is well. */
export interface CaptureResult {
  /** Whether it begins as captures do; otherwise nothing of it was read. */
  isCapture: boolean;
  /** Why it could not be read to its end. */
  failure?: string;
  /** What its reader should know. */
  warning?: string;
}

/** Feeds a capture file to a core as long as `goesOn`. Throws Failure. */
export async function feedCapture(core: Core, path: string, goesOn: () => Promise<boolean>): Promise<CaptureResult> {
  const sink = new InputSink(core, goesOn);
  try {
    const { fault } = await readCapture(path, sink);
    return resultOf(path, sink, fault);
  } finally {
    sink.end();
  }
}

function resultOf(path: string, { isCapture, isCut }: InputSink, fault: string | undefined): CaptureResult {
  if (fault) return { isCapture, failure: `${path}: its gzip stream is broken (${fault}); what came before was read` };
  if (!isCapture) return { isCapture, failure: `${path} is no capture; tallywire reads pcap and pcapng, plain or gzipped` };
  return isCut ? { isCapture, warning: `${path} ends inside a record; what came before was read` } : { isCapture };
}

/** Opens an input of the core once the first bytes show that they begin a capture. */
class InputSink implements CaptureSink {
  private input: CoreInput | undefined;
  private stopped = false;
  private readonly head: number[] = [];
  private readonly first = new Uint8Array(FIRST_BYTES);

  constructor(
    private readonly core: Core,
    private readonly goesOn: () => Promise<boolean>,
  ) {}

  get isCapture(): boolean {
    return this.input !== undefined;
  }

  get isCut(): boolean {
    return !this.stopped && this.input !== undefined && this.input.pendingBytes > 0;
  }

  get free(): Uint8Array {
    return this.input?.free ?? this.first;
  }

  written(length: number): void {
    if (this.input) this.input.written(length);
    else this.write(this.first.subarray(0, length));
  }

  write(chunk: Uint8Array): void {
    if (this.input) {
      this.input.write(chunk);
      return;
    }
    const missing = MAGIC_BYTES - this.head.length;
    this.head.push(...chunk.subarray(0, missing));
    if (this.head.length < MAGIC_BYTES) return;
    const head = Uint8Array.from(this.head);
    if (!MAGICS.has(new DataView(head.buffer).getUint32(0))) return;
    this.input = this.core.open("file");
    this.input.write(head);
    this.input.write(chunk.subarray(missing));
  }

  async ready(): Promise<boolean> {
    if (this.head.length === MAGIC_BYTES && !this.input) return false;
    this.stopped = !(await this.goesOn());
    return !this.stopped;
  }

  end(): void {
    this.input?.end();
  }
}
