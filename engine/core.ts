/**
 * core.wasm through one typed interface, the same in Node, workerd and the browser.
 *
 * An instance that trapped must not be used again: `Core` then throws on every call.
 */
import { instantiateSync } from "@assemblyscript/loader";
import type { Exports } from "./core-exports.ts";
import { answerOwner, type OwnerOf } from "./owner.ts";
import type { Schema } from "./schema.ts";
import { encodeNetworks, encodeSettings, type Setting } from "./settings.ts";
import { TLS_QUESTION_BYTES, type TlsOpener, type TlsSender } from "./tls/opener.ts";

/** The ABI that this engine speaks. */
export const ABI_VERSION = 4;

/** The core could not be set up, does not speak our ABI, or has failed. */
export class CoreError extends Error {
  override name = "CoreError";

  constructor(message: string, options?: ErrorOptions & { fault?: number }) {
    super(message, options);
    this.fault = options?.fault;
  }

  /** Number of the fault (docs/wire.md), where the core gave one. */
  readonly fault: number | undefined;
}

export type CoreRole = "host" | "hub";

/**
 * Which packets of files are taken: the program, in classic BPF (instructions of 8 bytes, least significant byte first), for packets of
 * this LINKTYPE_ number; undefined where there can be none, so that such packets are left out.
 */
export type PacketFilter = (linkType: number) => Uint8Array | undefined;

export interface CoreOptions extends Omit<Setting, "choosesPackets" | "tlsKeys" | "asksOwners"> {
  role?: CoreRole;
  /** Says whose connections are; nobody is asked unless given. */
  ownerOf?: OwnerOf | undefined;
  /** All packets of files are taken unless given. */
  packetFilter?: PacketFilter;
  /** What is under TLS stays closed unless given. */
  tlsOpener?: TlsOpener;
  /** Bytes of memory for all that the core keeps; 24 MiB unless said. */
  budgetBytes?: number;
}

/** Who takes what the core gives out. Views hold only until the call returns. */
export interface CoreSink {
  /** Events, each beginning with its length (u32); engine/round-trip.ts reads them. */
  events?(view: DataView): void;
  /** One sealed bundle. */
  bundle?(bytes: Uint8Array): void;
}

export interface MergeOptions {
  /** Adds up this metric alone. */
  metric?: number;
  /** The bundles were validated before, so that only checksums and directories are checked again. */
  known?: boolean;
  /** Tops come with all keys that a bundle may have, not only with those that an edge sends. */
  allKeys?: boolean;
  /** They are one minute's of the threads of one edge, and their sum is what one thread would have sealed. */
  ofThreads?: boolean;
}

/** Why a filter (docs/filters.md), or a question for statistics, is refused. */
export interface FilterFault {
  /** The character at which it is wrong, from 1; one behind the last where something is missing. */
  column: number;
  message: string;
}

/** What an input brings: a capture file (pcap or pcapng), or live records (assembly/capture/live.ts). */
export type InputKind = "file" | "live";

/** How an input ended: at the end of a record, inside one, or where no record is, so that the rest was not read. */
export type InputEnding = "whole" | "cut" | "given up";

/** In the order of InputEnding of assembly/capture/input.ts. */
const ENDINGS: readonly InputEnding[] = ["whole", "cut", "given up"];
const ROLES: Record<CoreRole, number> = { host: 1, hub: 2 };
const DEFAULT_BUDGET_BYTES = 24 << 20;
const REFUSALS = [
  "",
  "the core knows no such role",
  "the memory budget must be between 8 MiB and 1 GiB",
  "the core does not know a setting",
  "there is not enough memory for the budget",
];

/** What a module exports, if it is a core of our ABI. Nothing but its version is asked before that is known. */
function instantiate(module: WebAssembly.Module, host: WebAssembly.ModuleImports): Exports {
  let exports: Exports;
  try {
    exports = instantiateSync<Exports>(module, { host }).exports;
  } catch (cause) {
    if (cause instanceof RangeError) throw new CoreError("there is no memory for another core", { cause });
    throw new CoreError(`the core asks for what this program, of ABI ${ABI_VERSION}, does not give; build both together`, {
      cause,
    });
  }
  if (typeof exports.abiVersion !== "function") throw new CoreError("this WebAssembly module is no core of tallywire");
  const abi = exports.abiVersion() >>> 0;
  if (abi !== ABI_VERSION) throw new CoreError(`the core speaks ABI ${abi}, this program ${ABI_VERSION}; build both together`);
  return exports;
}

/** One running core. */
export class Core {
  private exports: Exports;
  private sink: CoreSink = {};
  private view: DataView;
  private bytes: Uint8Array;
  private failed: unknown;
  private known: Schema | undefined;
  private readonly packetFilter: PacketFilter | undefined;
  private readonly tlsOpener: TlsOpener | undefined;
  private readonly ownerOf: OwnerOf | undefined;

  constructor(module: WebAssembly.Module, options: CoreOptions = {}) {
    const { tlsOpener } = options;
    this.tlsOpener = tlsOpener;
    this.ownerOf = options.ownerOf;
    this.exports = instantiate(module, {
      eventsFull: () => this.drainEvents(),
      askOwner: (question: number) => this.ownerOf && answerOwner(this.bytes, this.view, question, this.ownerOf),
      ...this.tlsImports(),
    });
    this.bytes = new Uint8Array(this.exports.memory.buffer);
    this.view = new DataView(this.exports.memory.buffer);
    this.packetFilter = options.packetFilter;
    const settings = encodeSettings({
      ...options,
      choosesPackets: options.packetFilter !== undefined,
      tlsKeys: tlsOpener && { given: tlsOpener.hasOthers, ofFiles: tlsOpener.take !== undefined },
      asksOwners: options.ownerOf !== undefined,
    });
    this.bytes.set(settings, this.exports.staging());
    const code = this.exports.configure(
      ROLES[options.role ?? "host"],
      options.budgetBytes ?? DEFAULT_BUDGET_BYTES,
      settings.length,
    );
    if (code !== 0) throw new CoreError(REFUSALS[code] ?? `the core refused its settings with code ${code}`);
    this.bytes = new Uint8Array(this.exports.memory.buffer);
    this.view = new DataView(this.exports.memory.buffer);
  }

  /** Bytes of the core's memory. */
  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /** Takes what comes out from now on. */
  drainTo(sink: CoreSink): void {
    this.sink = sink;
  }

  /** Opens an input; throws where too many are open. */
  open(kind: InputKind): CoreInput {
    const handle = this.call(() => this.exports.openInput(kind === "file" ? 0 : 1));
    if (handle < 0) throw new CoreError("too many inputs are open");
    return new CoreInput(this, handle);
  }

  /** Link type of the first packet of the file that was opened last that was left out for want of a program of the packet filter. */
  get unfilteredLinkType(): number | undefined {
    const linkType = this.call(() => this.exports.unfilteredLinkType());
    return linkType < 0 ? undefined : linkType;
  }

  /** The name with this number, which a file gave one of its interfaces; undefined where there is none. */
  interfaceName(number: number): string | undefined {
    const length = this.call(() => this.exports.interfaceNameLength(number));
    if (length === 0) return undefined;
    const start = this.call(() => this.exports.interfaceNameStart(number));
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  /** Counts packets that the capture dropped before they came here. */
  dropped(packets: number): void {
    this.call(() => this.exports.dropped(packets));
  }

  /** Counts minutes that an earlier run had open when it was killed. */
  lostMinutes(minutes: number): void {
    this.call(() => this.exports.lostMinutes(minutes));
  }

  /** From now on looks at this share of conversations, each whole; what is left out is counted. A smaller share is a part of a larger. */
  sample(share: number): void {
    this.call(() => this.exports.sample(Math.max(0, Math.ceil(Math.min(1, share) * 2 ** 32) - 1)));
  }

  /** Gives round trips out as events from now on, or does not; bundles are the same. */
  tellEvents(isWanted: boolean): void {
    this.call(() => this.exports.tellEvents(isWanted ? 1 : 0));
  }

  /** From now on these are the host's networks, as CIDR; what has begun keeps its direction. Throws SettingError. */
  setHostNetworks(networks: readonly string[]): void {
    this.ask(encodeNetworks(networks), (length) => this.exports.setHostNetworks(length));
  }

  /** Tells packet time on an idle host. */
  tick(seconds: number, nanoseconds: number): void {
    this.call(() => this.exports.tick(seconds, nanoseconds));
    this.drain();
  }

  /** The same of a time in ms since the epoch. */
  tickAt(ms: number): void {
    this.tick(Math.floor(ms / 1000), (ms % 1000) * 1_000_000);
  }

  /** Lets go of what it was given to ask: nothing more is fed. */
  close(): void {
    this.tlsOpener?.end?.();
  }

  /** Ends the capture: all flows end, all minutes seal. */
  flush(): void {
    this.drain();
    this.call(() => this.exports.flush());
    this.drain();
  }

  /** Gives out only the events that a filter (docs/filters.md) wants, and all where it is empty; with a fault all come. */
  setFilter(text: string): FilterFault | undefined {
    return this.compile(text, (length) => this.exports.setFilter(length));
  }

  /**
   * Adds events up from now on, instead of giving them out, as a question (assembly/stat/question.ts) wants it; engine/stat.ts reads
   * what they come to. Keeps `samples` of each row, ten at the most.
   */
  openStat(question: string, samples: number): FilterFault | undefined {
    return this.compile(question, (length) => this.exports.openStat(length, samples));
  }

  /** What was added up, as an encoded question about a breakdown wants it; a view that holds until the next call. */
  statRows(query: Uint8Array): Uint8Array {
    this.ask(query, (length) => this.exports.statRows(length));
    const start = this.exports.outputStart();
    return this.bytes.subarray(start, start + this.exports.statLength());
  }

  /** The events that are kept of row `index` of the last answer; a view that holds until the next call. */
  statSamples(index: number): DataView {
    this.call(() => this.exports.statSamples(index));
    return new DataView(this.view.buffer, this.exports.outputStart(), this.exports.statLength());
  }

  /** Events that the filter has kept back. */
  get eventsFiltered(): number {
    return this.call(() => this.exports.eventsFiltered());
  }

  /** Whether the filter wants an event that came out of a core earlier. */
  wants(event: DataView): boolean {
    const start = this.place(new Uint8Array(event.buffer, event.byteOffset, event.byteLength));
    const answer = this.call(() => this.exports.filterAccepts(start, event.byteLength));
    if (answer > 1) throw new CoreError("what the filter was asked about is no event");
    return answer === 1;
  }

  /** What this build of the core knows. */
  get schema(): Schema {
    if (this.known === undefined) {
      const length = this.call(() => this.exports.schema());
      this.known = JSON.parse(this.text(this.exports.outputStart(), length)) as Schema;
    }
    return this.known;
  }

  /** Checks a bundle: 0, or the number of its fault. */
  validate(bundle: Uint8Array): number {
    const start = this.place(bundle);
    return this.call(() => this.exports.validate(start, bundle.length));
  }

  /** Sections of the bundle that was validated last whose metric or kind this build does not know: a later one wrote them. */
  get unknownSections(): number {
    return this.exports.unknownSections();
  }

  /** Merges bundles into one; throws where one is faulty or the sum does not fit. */
  merge(bundles: Iterable<Uint8Array>, options?: MergeOptions): Uint8Array {
    this.accumulate(bundles, options);
    const length = this.call(() => this.exports.mergeEncode());
    if (length === 0) throw new CoreError("the merged bundle does not fit the output");
    return this.bytes.slice(this.exports.outputStart(), this.exports.outputStart() + length);
  }

  /** Fills the accumulator with the sum of bundles. */
  accumulate(
    bundles: Iterable<Uint8Array>,
    { metric = 0, known = false, allKeys = false, ofThreads = false }: MergeOptions = {},
  ): void {
    this.call(() => this.exports.mergeReset(metric, (known ? 1 : 0) | (allKeys ? 2 : 0) | (ofThreads ? 4 : 0)));
    for (const bundle of bundles) this.add(bundle);
  }

  /** Adds one more bundle to the accumulator, which is empty at first; throws where it is faulty or the sum finds no room. */
  add(bundle: Uint8Array): void {
    const start = bundle.buffer === this.bytes.buffer ? bundle.byteOffset : this.place(bundle);
    const fault = this.call(() => this.exports.mergeAdd(start, bundle.length));
    if (fault !== 0) throw new CoreError(`a bundle is faulty: ${fault}`, { fault });
  }

  /** Rows that answer an encoded question about the accumulator; a view that holds until the next call. */
  rows(query: Uint8Array): Uint8Array {
    this.ask(query, (length) => this.exports.rows(length));
    const start = this.exports.outputStart();
    return this.bytes.subarray(start, start + this.exports.rowsLength());
  }

  /** Puts a chunk into the input buffer and feeds it; answers how many bytes are done with. */
  feed(handle: number, bytes: Uint8Array): number {
    const start = this.exports.inputStart();
    this.bytes.set(bytes, start);
    return this.feedPlaced(handle, 0, bytes.length);
  }

  /** Feeds bytes that lie in `inputBuffer` already, at `offset`; answers how many are done with. */
  feedPlaced(handle: number, offset: number, length: number): number {
    const start = this.exports.inputStart() + offset;
    let consumed = 0;
    while (true) {
      const step = this.call(() => this.exports.feed(handle, start + consumed, length - consumed));
      const waiting = this.drain();
      const stopped = this.putWanted();
      consumed += step;
      if (consumed === length || !(waiting || stopped)) return consumed;
    }
  }

  /** The input buffer itself, for callers that read into it. */
  get inputBuffer(): Uint8Array {
    const start = this.exports.inputStart();
    return this.bytes.subarray(start, start + this.exports.inputBytes());
  }

  /** Closes an input. */
  end(handle: number): InputEnding {
    return ENDINGS[this.call(() => this.exports.endInput(handle))] ?? "whole";
  }

  /** Hands an encoded question in, which the core answers. */
  private ask(query: Uint8Array, run: (length: number) => number): void {
    if (query.length > this.exports.stagingBytes()) throw new CoreError("the question is too long");
    this.bytes.set(query, this.exports.staging());
    const fault = this.call(() => run(query.length));
    if (fault !== 0) throw new CoreError(`the core cannot answer: fault ${fault}`, { fault });
  }

  /** Hands a text in that the core compiles; what is wrong with it, if anything. */
  private compile(text: string, run: (length: number) => number): FilterFault | undefined {
    const bytes = new TextEncoder().encode(text).subarray(0, this.exports.stagingBytes());
    this.bytes.set(bytes, this.exports.staging());
    const place = this.call(() => run(bytes.length));
    if (place === 0) return undefined;
    const start = this.exports.filterFaultStart();
    const column = new TextDecoder().decode(bytes.subarray(0, place - 1)).length + 1;
    return { column, message: this.text(start, this.exports.filterFaultLength()) };
  }

  private place(bytes: Uint8Array): number {
    if (bytes.length > this.exports.inputBytes()) throw new CoreError(`${bytes.length} bytes are more than the input holds`);
    const start = this.exports.inputStart();
    this.bytes.set(bytes, start);
    return start;
  }

  private text(start: number, length: number): string {
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  /** Runs one call into the core; a trap ends the instance. */
  private call<T>(run: () => T): T {
    if (this.failed !== undefined) throw new CoreError("the core has failed before", { cause: this.failed });
    try {
      return run();
    } catch (error) {
      this.failed = error;
      throw new CoreError("the core has failed: this is a bug, please report it with its input", { cause: error });
    }
  }

  /** Puts in the program that the core waits for; whether it waited for one. */
  private putWanted(): boolean {
    if (this.packetFilter === undefined) return false;
    const linkType = this.exports.wantedLinkType();
    if (linkType < 0) return false;
    const program = this.packetFilter(linkType) ?? new Uint8Array(0);
    if (program.length > this.exports.stagingBytes()) throw new CoreError("a program of the packet filter is too long");
    this.bytes.set(program, this.exports.staging());
    const refusal = this.call(() => this.exports.putProgram(linkType, program.length));
    if (refusal !== 0) throw new CoreError(refusal === 1 ? "the packet filter is no program" : "the packet filter is too long");
    return true;
  }

  /** Hands out what waits; whether there was anything. */
  private drain(): boolean {
    const events = this.drainEvents();
    let bundles = false;
    for (let start = this.exports.bundleStart(); start !== 0; start = this.exports.bundleStart()) {
      bundles = true;
      this.sink.bundle?.(this.bytes.subarray(start, start + this.exports.bundleLength()));
      this.exports.bundleDone();
    }
    return events || bundles;
  }

  /** What the core asks of whoever opens TLS (assembly/host.ts). */
  private tlsImports(): WebAssembly.ModuleImports {
    return {
      keysOpen: (at: number) => this.tlsOpener?.open(new DataView(this.bytes.buffer, at, TLS_QUESTION_BYTES)) ?? 0,
      keysRecord: (keys: number, sender: number, sequence: number, start: number, length: number, to: number, ahead: number) => {
        const record = this.bytes.subarray(start, start + length);
        const target = this.bytes.subarray(to, to + length);
        return this.tlsOpener?.record(keys, sender as TlsSender, sequence >>> 0, record, target, ahead) ?? -1;
      },
      keysNext: (keys: number, sender: number) => this.tlsOpener?.next(keys, sender as TlsSender),
      keysClose: (keys: number) => this.tlsOpener?.close(keys),
      secretsTake: (start: number, length: number, part: number) =>
        this.tlsOpener?.take?.(this.bytes.subarray(start, start + length), (part & 1) !== 0, (part & 2) !== 0),
    };
  }

  private drainEvents(): boolean {
    const length = this.exports.eventsLength();
    if (length === 0) return false;
    const start = this.exports.eventsStart();
    this.sink.events?.(new DataView(this.view.buffer, start, length));
    this.exports.eventsDone();
    return true;
  }
}

/** One input of a core, fed in any chunks. */
export class CoreInput {
  private kept = 0;

  constructor(
    private readonly core: Core,
    private readonly handle: number,
  ) {}

  /** Takes the next bytes of the input, however they are cut. */
  write(chunk: Uint8Array): void {
    const buffer = this.core.inputBuffer;
    let at = 0;
    while (at < chunk.length) {
      const take = Math.min(buffer.length - this.kept, chunk.length - at);
      buffer.set(chunk.subarray(at, at + take), this.kept);
      at += take;
      this.advance(buffer, this.kept + take);
    }
  }

  /** The free part of the input buffer, to be read into and then given to `written`. */
  get free(): Uint8Array {
    return this.core.inputBuffer.subarray(this.kept);
  }

  /** Takes `length` bytes that were read into `free`. */
  written(length: number): void {
    this.advance(this.core.inputBuffer, this.kept + length);
  }

  /** Ends the input. */
  end(): InputEnding {
    return this.core.end(this.handle);
  }

  private advance(buffer: Uint8Array, filled: number): void {
    const consumed = this.core.feedPlaced(this.handle, 0, filled);
    buffer.copyWithin(0, consumed, filled);
    this.kept = filled - consumed;
    if (this.kept === buffer.length) throw new CoreError("a record is larger than the input buffer");
  }
}
