import { type EndWords, endWords } from "../../engine/capture-end";
import type { Core, CoreInput, InputEnding } from "../../engine/core";
import { type CaptureSink, readCapture, type StreamEnd } from "./file";
import type { FileFilter } from "./filter/file-filter";

/** First bytes of pcap (either endian; micro- and nanosecond, Kuznetzov's) and pcapng. */
const MAGICS = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a]);
const MAGIC_BYTES = 4;

/** Feeds a capture file to a core as long as `goesOn`; the filter is the one that the core asks, if any. Throws Failure. */
export async function feedCapture(
  core: Core,
  path: string,
  goesOn: () => Promise<boolean>,
  filter?: FileFilter,
): Promise<EndWords> {
  const sink = new InputSink(core, goesOn);
  let end: StreamEnd;
  try {
    end = await readCapture(path, sink);
  } catch (error) {
    sink.end();
    throw error;
  }
  const name = path === "-" ? "standard input" : path;
  const words = wordsOf(name, sink, end);
  const unfiltered = core.unfilteredLinkType;
  if (filter === undefined || unfiltered === undefined) return words;
  return { failure: words.failure ?? filter.failureOf(name, unfiltered) };
}

function wordsOf(name: string, sink: InputSink, end: StreamEnd): EndWords {
  const ending = sink.end();
  if (!sink.isCapture && end.gzipFault === undefined)
    return { failure: `${name} is no capture; tallywire reads pcap and pcapng, plain or gzipped` };
  return endWords(name, { ...end, ending });
}

/** An input of the core that notes how the file begins. */
class InputSink implements CaptureSink {
  private readonly head = new Uint8Array(MAGIC_BYTES);
  private bytes = 0;
  /** Whether no more was wanted before its end. */
  stopped = false;
  private opened: CoreInput | undefined;

  constructor(
    private readonly core: Core,
    private readonly goesOn: () => Promise<boolean>,
  ) {}

  get isCapture(): boolean {
    return this.bytes >= MAGIC_BYTES && MAGICS.has(new DataView(this.head.buffer).getUint32(0));
  }

  /** Opened when the file could be: a file that is not there is no input. */
  private get input(): CoreInput {
    this.opened ??= this.core.open("file");
    return this.opened;
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
    this.stopped = (this.bytes >= MAGIC_BYTES && !this.isCapture) || !(await this.goesOn());
    return !this.stopped;
  }

  end(): InputEnding {
    // What nobody wanted any more was not cut: the core is not to count it so, and reads nothing after this.
    if (this.stopped && this.isCapture) return "whole";
    return this.opened?.end() ?? "whole";
  }

  private note(chunk: Uint8Array): void {
    if (this.bytes < MAGIC_BYTES) this.head.set(chunk.subarray(0, MAGIC_BYTES - this.bytes), this.bytes);
    this.bytes += chunk.length;
  }
}
