/** Drives `packets.entry.ts`: feeds captures in chunks, reads counters by name and each packet's fields. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { instantiate } from "./compile.ts";
import { hostOf } from "./host.ts";

interface Exports {
  memory: WebAssembly.Memory;
  start?(): void;
  create(checksumBytesMax: number, stopAlways: number): number;
  inputBytes(): number;
  poison(value: number): void;
  open(kind: number): number;
  feed(handle: number, start: number, length: number): number;
  end(handle: number): void;
  stopped(): number;
  digest(): bigint;
  deliveredTcp(): number;
  deliveredUdp(): number;
  deliveredOther(): number;
  deliveredUntimed(): number;
  tallyStart(): number;
  tallyLength(): number;
  malformedNames(): number;
  undecodedNames(): number;
  field(index: number): bigint;
}

const COUNT_NAMES = [
  "packets",
  "wireBytes",
  "capturedBytes",
  "truncated",
  "ipv4",
  "ipv6",
  "tcp",
  "udp",
  "icmp",
  "icmpv6",
  "sctp",
  "otherTransport",
  "otherNetwork",
  "tunnels",
  "fragments",
  "joined",
  "fragmentDuplicates",
  "checksums",
  "checksumsOffloaded",
  "blocksSkipped",
  "sections",
  "dropped",
  "lostMinutes",
  "sampledOut",
  "sampledOutBytes",
] as const;

/** What the core counted of an input; only what is not zero in `malformed` and `undecoded`. */
export interface Counted {
  count: Record<(typeof COUNT_NAMES)[number], number>;
  malformed: Record<string, number>;
  undecoded: Record<string, number>;
  tcp: number;
  udp: number;
  other: number;
  /** Packets of them that have no time. */
  untimed: number;
  digest: bigint;
  /** Bytes that the last feed left. */
  left: number;
}

/** A packet as it was delivered. */
export interface Packet {
  kind: "tcp" | "udp" | "other";
  number: number;
  /** Absent where the record has none. */
  timeNs?: bigint;
  wireBytes: number;
  capturedBytes: number;
  linkType: number;
  interfaceId: number;
  direction: number;
  depth: number;
  vlan: number;
  ipVersion: number;
  source: string;
  destination: string;
  protocol: number;
  ipId: number;
  hopLimit: number;
  fragment: number;
  checksumBad: boolean;
  transportLength: number;
  payloadLength: number;
  payload: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  tcp: { sequence: number; acknowledgment: number; flags: number; window: number };
}

/** How an input is fed. */
export interface Feeding {
  /** Bytes of the next chunk, at least 1; what was left of the last one comes on top. */
  chunk?: () => number;
  kind?: "file" | "live";
  checksumBytesMax?: number;
  /** Fills what lies behind the input, and all free memory, with this byte. */
  poison?: number;
}

/** Bytes behind each chunk that are filled: more than any read could stray by within a header. */
const POISON_BYTES = 4096;

const FILE = 0;
const LIVE = 1;

/** An instance of the packet path, its asserts on. */
export class PacketPath {
  private readonly core: Exports;

  constructor(path = fileURLToPath(new URL("../../build/test/packets.wasm", import.meta.url))) {
    this.core = instantiate<Exports>(new WebAssembly.Module(readFileSync(path)), {}, { host: hostOf() });
    this.core.start?.();
  }

  /** Feeds the whole of `bytes` and gives the counters. */
  run(bytes: Uint8Array, feeding: Feeding = {}): Counted {
    let left = 0;
    for (const step of this.steps(bytes, feeding, false)) left = step;
    return this.counted(left);
  }

  /** Feeds the whole of `bytes` and gives each packet. */
  packets(bytes: Uint8Array, feeding: Feeding = {}): Packet[] {
    const found: Packet[] = [];
    for (const _ of this.steps(bytes, feeding, true)) if (this.core.stopped() !== 0) found.push(this.packet());
    return found;
  }

  /** Opens one input a file and feeds them in turn, `chunk` bytes each; gives the counters of all, and the handles. */
  alternate(files: Uint8Array[], chunk: number): { counted: Counted; handles: number[] } {
    const core = this.core;
    const input = core.create(0xffffffff, 0);
    const memory = new Uint8Array(core.memory.buffer, input, core.inputBytes());
    const handles = files.map(() => core.open(FILE));
    const done = files.map(() => 0);
    const reach = files.map(() => 0);
    while (files.some((bytes, index) => reach[index]! < bytes.length)) {
      for (const [index, bytes] of files.entries()) {
        reach[index] = Math.min(bytes.length, reach[index]! + chunk);
        const part = bytes.subarray(done[index]!, reach[index]!);
        memory.set(part);
        done[index]! += core.feed(handles[index]!, input, part.length);
      }
    }
    for (const handle of handles) core.end(handle);
    return { counted: this.counted(0), handles };
  }

  private *steps(bytes: Uint8Array, feeding: Feeding, stopAlways: boolean): Generator<number> {
    const core = this.core;
    if (feeding.poison !== undefined) core.poison(feeding.poison);
    const input = core.create(feeding.checksumBytesMax ?? 0xffffffff, stopAlways ? 1 : 0);
    const memory = new Uint8Array(core.memory.buffer, input, core.inputBytes());
    if (feeding.poison !== undefined) memory.fill(feeding.poison);
    const handle = core.open(feeding.kind === "live" ? LIVE : FILE);
    if (handle < 0) throw new Error("no input could be opened");
    let at = 0;
    let held = 0;
    do {
      const room = memory.length - held;
      const length = Math.min(bytes.length - at, room, feeding.chunk?.() ?? room);
      memory.set(bytes.subarray(at, at + length), held);
      if (feeding.poison !== undefined) memory.fill(feeding.poison, held + length, held + length + POISON_BYTES);
      at += length;
      held += length;
      let done = 0;
      do {
        const consumed = core.feed(handle, input + done, held - done);
        if (consumed > held - done) throw new Error("more was consumed than there was");
        done += consumed;
        yield held - done;
      } while (core.stopped() !== 0);
      if (done === 0 && length === 0 && at < bytes.length) throw new Error("nothing is consumed of a full buffer");
      memory.copyWithin(0, done, held);
      held -= done;
    } while (at < bytes.length);
    core.end(handle);
    yield held;
  }

  private counted(left: number): Counted {
    const core = this.core;
    const table = new BigUint64Array(core.memory.buffer, core.tallyStart(), core.tallyLength());
    const malformed = this.names(core.malformedNames());
    const undecoded = this.names(core.undecodedNames());
    const value = (index: number) => Number(table[index]);
    const some = (names: string[], first: number) =>
      Object.fromEntries(names.map((name, index) => [name, value(first + index)]).filter(([, n]) => n !== 0));
    if (COUNT_NAMES.length + malformed.length + undecoded.length !== table.length) throw new Error("names and counters differ");
    return {
      count: Object.fromEntries(COUNT_NAMES.map((name, index) => [name, value(index)])) as Counted["count"],
      malformed: some(malformed, COUNT_NAMES.length),
      undecoded: some(undecoded, COUNT_NAMES.length + malformed.length),
      tcp: core.deliveredTcp(),
      udp: core.deliveredUdp(),
      other: core.deliveredOther(),
      untimed: core.deliveredUntimed(),
      digest: core.digest(),
      left,
    };
  }

  private names(start: number): string[] {
    const bytes = new DataView(this.core.memory.buffer).getUint32(start - 4, true);
    return new TextDecoder("utf-16le").decode(new Uint8Array(this.core.memory.buffer, start, bytes)).split(",");
  }

  private packet(): Packet {
    const core = this.core;
    const n = (index: number) => Number(core.field(index));
    const memory = core.memory.buffer;
    const address = (start: number) => Buffer.from(memory.slice(start, start + 16)).toString("hex");
    const kinds = ["none", "tcp", "udp", "other"] as const;
    return {
      kind: kinds[n(27)] as Packet["kind"],
      number: n(0),
      ...(n(28) === 1 ? { timeNs: core.field(1) } : {}),
      wireBytes: n(2),
      capturedBytes: n(3),
      linkType: n(4),
      interfaceId: n(5),
      direction: n(6),
      depth: n(7),
      vlan: n(8),
      ipVersion: n(9),
      source: address(n(10)),
      destination: address(n(11)),
      protocol: n(12),
      ipId: n(13),
      hopLimit: n(14),
      fragment: n(15),
      checksumBad: n(16) !== 0,
      transportLength: n(17),
      payloadLength: n(19),
      payload: new Uint8Array(memory.slice(n(18), n(18) + n(20))),
      sourcePort: n(21),
      destinationPort: n(22),
      tcp: { sequence: n(23), acknowledgment: n(24), flags: n(25), window: n(26) },
    };
  }
}
