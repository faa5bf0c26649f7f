/** Capture files: pcap of all kinds, and pcapng block by block. */
import { type Bytes, join, number, toBytes } from "./bytes";
import { LINK } from "./link";

/** One captured packet. */
export interface Captured {
  /** Nanoseconds since the epoch. */
  timeNs: bigint;
  bytes: Uint8Array;
  /** Length on the wire, where it is more than was captured. */
  wireBytes?: number;
}

/** 2024-01-01T00:00:00Z, a time for tests to start at. */
export const START_NS = 1704067200n * 1_000_000_000n;

/** Packets a millisecond apart from START_NS on. */
export function spaced(frames: Uint8Array[], stepNs = 1_000_000n, startNs = START_NS): Captured[] {
  return frames.map((bytes, index) => ({ timeNs: startNs + BigInt(index) * stepNs, bytes }));
}

interface PcapForm {
  linkType?: number;
  nanoseconds?: boolean;
  bigEndian?: boolean;
  snaplen?: number;
  /** Alexey Kuznetzov's variant, with interface, protocol and direction in each record. */
  kuznetzov?: boolean;
}

function pcapMagic({ nanoseconds, kuznetzov }: PcapForm): number {
  if (kuznetzov) return 0xa1b2cd34;
  return nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
}

/** A pcap file. */
export function pcap(packets: Captured[], form: PcapForm = {}): Uint8Array {
  const { linkType = LINK.ethernet, nanoseconds = false, bigEndian = false, snaplen = 262144, kuznetzov = false } = form;
  const u16 = (value: number) => number(value, 2, !bigEndian);
  const u32 = (value: number) => number(value, 4, !bigEndian);
  const unitNs = nanoseconds ? 1n : 1000n;
  const records = packets.map(({ timeNs, bytes, wireBytes }) => {
    const kept = bytes.subarray(0, snaplen);
    const fraction = Number((timeNs % 1_000_000_000n) / unitNs);
    const head = join(u32(Number(timeNs / 1_000_000_000n)), u32(fraction), u32(kept.length), u32(wireBytes ?? bytes.length));
    return join(head, kuznetzov ? join(u32(1), u16(0x0800), [0, 0]) : [], kept);
  });
  return join(u32(pcapMagic(form)), u16(2), u16(4), u32(0), u32(0), u32(snaplen), u32(linkType), ...records);
}

/** An option of a pcapng block: its code and its content. */
export type PcapngOption = [code: number, content: Bytes];

/** Writes the blocks of one pcapng section in one byte order. */
export class Pcapng {
  constructor(private readonly bigEndian = false) {}

  private u16 = (value: number) => number(value, 2, !this.bigEndian);
  private u32 = (value: number) => number(value, 4, !this.bigEndian);

  private padded(content: Bytes): Uint8Array {
    const bytes = toBytes(content);
    return join(bytes, new Uint8Array(-bytes.length & 3));
  }

  private options(options: PcapngOption[]): Uint8Array {
    if (options.length === 0) return new Uint8Array(0);
    const written = options.map(([code, content]) =>
      join(this.u16(code), this.u16(toBytes(content).length), this.padded(content)),
    );
    return join(...written, this.u32(0));
  }

  /** Any block by its type. */
  block(type: number, ...content: Bytes[]): Uint8Array {
    const body = this.padded(join(...content));
    const length = this.u32(body.length + 12);
    return join(this.u32(type), length, body, length);
  }

  section(options: PcapngOption[] = []): Uint8Array {
    const unknownLength = new Uint8Array(8).fill(0xff);
    return this.block(0x0a0d0d0a, this.u32(0x1a2b3c4d), this.u16(1), this.u16(0), unknownLength, this.options(options));
  }

  /** An interface; option 9 is if_tsresol, 14 if_tsoffset. */
  interface({ linkType = LINK.ethernet, snaplen = 0, options = [] as PcapngOption[] } = {}): Uint8Array {
    return this.block(1, this.u16(linkType), this.u16(0), this.u32(snaplen), this.options(options));
  }

  private time(units: bigint): Uint8Array {
    return join(this.u32(Number(units >> 32n)), this.u32(Number(units & 0xffffffffn)));
  }

  /** An enhanced packet; `unitNs` is the interface's resolution. */
  packet({ timeNs, bytes, wireBytes }: Captured, { id = 0, unitNs = 1000n, options = [] as PcapngOption[] } = {}): Uint8Array {
    const lengths = join(this.u32(bytes.length), this.u32(wireBytes ?? bytes.length));
    return this.block(6, this.u32(id), this.time(timeNs / unitNs), lengths, this.padded(bytes), this.options(options));
  }

  /** A simple packet, which carries neither time nor interface. */
  simplePacket(bytes: Uint8Array, wireBytes = bytes.length): Uint8Array {
    return this.block(3, this.u32(wireBytes), bytes);
  }

  /** The packet block of older writers. */
  oldPacket({ timeNs, bytes, wireBytes }: Captured, { id = 0, unitNs = 1000n } = {}): Uint8Array {
    const lengths = join(this.u32(bytes.length), this.u32(wireBytes ?? bytes.length));
    return this.block(2, this.u16(id), this.u16(0xffff), this.time(timeNs / unitNs), lengths, bytes);
  }
}
