/**
 * The header of a bundle.
 *
 * ```
 * | "TWB1" | checksum u32 | format u8 | abi varint | schema id u32 | minute varint | length, s, varint | sequence varint |
 * | boot id u64 | edge clock, ns, varint | first packet, ns from the start, varint | last packet less first, ns, varint |
 * | seen varint | dropped varint | malformed varint | bundles varint | lost sections varint |
 * | policy number varint | name length u8 | name | sampling varint |
 * ```
 * The checksum covers all bytes after itself. Seen are packets that have a time; a bundle without any has 0 for both packet
 * times. Numbers that are sums saturate, so that a merge is the same in any order.
 */
import { POLICY_NAME_BYTES_MAX } from "../aggregate/policy";
import { Cursor } from "../bytes/cursor";
import { hash128 } from "../bytes/hash";
import { Writer } from "../bytes/writer";
import { Fault } from "./fault";

/** "TWB1", read little-endian. */
export const MAGIC: u32 = 0x31425754;
/** The format that this build writes and reads. */
export const FORMAT: u32 = 1;
/** Where the checksum stands, and where what it covers begins. */
export const CHECKSUM_AT: u32 = 4;
export const CHECKED_FROM: u32 = 8;
/** Bytes of an encoded header at the most. */
export const HEADER_BYTES_MAX: u32 = 256;
const SECOND_NS: u64 = 1_000_000_000;

@unmanaged
export class Header {
  abi: u32;
  schema: u32;
  /** Start of the window, minutes since the epoch. */
  minute: u32;
  sequence: u32;
  policy: u32;
  /** One packet of this many was looked at. */
  sampling: u32;
  /** Bundles of edges that are merged in this one. */
  bundles: u32;
  /** Length of the window. */
  lengthSeconds: u64;
  bootId: u64;
  edgeClockNs: u64;
  /** Times of the first and the last packet; 0 and 0 where nothing was seen. */
  firstNs: u64;
  lastNs: u64;
  seen: u64;
  dropped: u64;
  malformed: u64;
  /** Sections of unknown kinds that found no room on the way. */
  lost: u64;
  nameStart: u32;
  nameLength: u32;

  /** Start of the window, ns since the epoch. */
  get startNs(): u64 {
    return <u64>this.minute * 60 * SECOND_NS;
  }
}

/** Writes `header` with an open checksum. */
export function headerWrite(header: Header): void {
  const packets = header.seen != 0;
  Writer.u32(MAGIC);
  Writer.u32(0);
  Writer.u8(FORMAT);
  Writer.varint(header.abi);
  Writer.u32(header.schema);
  Writer.varint(header.minute);
  Writer.varint(header.lengthSeconds);
  Writer.varint(header.sequence);
  Writer.u64(header.bootId);
  Writer.varint(header.edgeClockNs);
  Writer.varint(packets ? header.firstNs - header.startNs : 0);
  Writer.varint(packets ? header.lastNs - header.firstNs : 0);
  Writer.varint(header.seen);
  Writer.varint(header.dropped);
  Writer.varint(header.malformed);
  Writer.varint(header.bundles);
  Writer.varint(header.lost);
  Writer.varint(header.policy);
  Writer.u8(header.nameLength);
  Writer.bytes(header.nameStart, header.nameLength);
  Writer.varint(header.sampling);
}

/** Reads a header from the Cursor, which stands at the start of a bundle; its name stays where it lies. */
export function headerRead(header: Header): u32 {
  if (Cursor.u32() != MAGIC) return Fault.MAGIC;
  const checksum = Cursor.u32();
  if (Cursor.fault) return Fault.HEADER;
  if (checksum != checksumOf(Cursor.at, Cursor.left)) return Fault.CHECKSUM;
  if (Cursor.u8() != FORMAT) return Fault.FORMAT;
  header.abi = Cursor.count(u32.MAX_VALUE);
  header.schema = Cursor.u32();
  header.minute = Cursor.count(<u32>(u64.MAX_VALUE / (60 * SECOND_NS)) - 1);
  header.lengthSeconds = Cursor.varint();
  header.sequence = Cursor.count(u32.MAX_VALUE);
  header.bootId = Cursor.u64();
  header.edgeClockNs = Cursor.varint();
  const first = Cursor.varint();
  const span = Cursor.varint();
  header.seen = Cursor.varint();
  header.dropped = Cursor.varint();
  header.malformed = Cursor.varint();
  header.bundles = Cursor.count(u32.MAX_VALUE);
  header.lost = Cursor.varint();
  header.policy = Cursor.count(u32.MAX_VALUE);
  header.nameLength = Cursor.u8();
  header.nameStart = <u32>Cursor.take(header.nameLength);
  header.sampling = Cursor.count(u32.MAX_VALUE);
  if (Cursor.fault) return Fault.HEADER;
  if (header.lengthSeconds == 0 || header.lengthSeconds > (u64.MAX_VALUE - header.startNs) / SECOND_NS) return Fault.HEADER;
  const lengthNs = header.lengthSeconds * SECOND_NS;
  if (header.sampling == 0 || header.bundles == 0) return Fault.HEADER;
  if (header.nameLength == 0 || header.nameLength > POLICY_NAME_BYTES_MAX) return Fault.HEADER;
  if (header.seen == 0 ? (first | span) != 0 : first >= lengthNs || span >= lengthNs - first) return Fault.HEADER;
  header.firstNs = header.seen == 0 ? 0 : header.startNs + first;
  header.lastNs = header.firstNs + span;
  return Fault.NONE;
}

/** Checksum over `length` bytes at `start`: the low half of their hash. */
export function checksumOf(start: usize, length: u32): u32 {
  return <u32>hash128(start, length);
}

/** Puts the checksum into the finished bundle of `length` bytes at `start`. */
export function checksumWrite(start: usize, length: u32): void {
  store<u32>(start, checksumOf(start + CHECKED_FROM, length - CHECKED_FROM), CHECKSUM_AT);
}
