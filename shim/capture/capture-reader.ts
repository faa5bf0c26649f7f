import type { Core, CoreInput } from "../../engine/core";
import type { TextOutput } from "../output/text-output";
import { type CaptureSink, readCapture } from "./file";

/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a]);
const MAGIC_BYTES = 4;

/** What became of a capture file. */
export interface CaptureResult {
  bytes: number;
  /** Whether it began as captures do. */
  isCapture: boolean;
  /** What was wrong with its compression. */
  fault?: string;
}

/** Feeds a capture file to a core, and waits for whoever reads the output. */
export async function feedCapture(core: Core, path: string, output: TextOutput): Promise<CaptureResult> {
  const sink = new InputSink(core.open("file"), output);
  try {
    const { fault } = await readCapture(path, sink);
    return { bytes: sink.bytes, isCapture: sink.isCapture, fault };
  } finally {
    sink.input.end();
  }
}

class InputSink implements CaptureSink {
  bytes = 0;
  private readonly head = new Uint8Array(MAGIC_BYTES);

  constructor(
    readonly input: CoreInput,
    private readonly output: TextOutput,
  ) {}

  get isCapture(): boolean {
    return this.bytes >= MAGIC_BYTES && MAGICS.has(new DataView(this.head.buffer).getUint32(0));
  }

  get free(): Uint8Array {
    return this.input.free;
  }

  written(length: number): void {
    this.note(this.input.free.subarray(0, length));
    this.input.written(length);
  }

  write(chunk: Uint8Array): void {
    this.note(chunk);
    this.input.write(chunk);
  }

  async ready(): Promise<boolean> {
    await this.output.ready();
    return !this.output.closed;
  }

  private note(chunk: Uint8Array): void {
    if (this.bytes < MAGIC_BYTES) this.head.set(chunk.subarray(0, MAGIC_BYTES - this.bytes), this.bytes);
    this.bytes += chunk.length;
  }
}
