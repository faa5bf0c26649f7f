/**
 * pcap files: micro- and nanosecond, both byte orders, and Kuznetzov's with 8 more bytes a record.
 *
 * ```
 * file:    | magic | major u16 | minor u16 | zone | accuracy | snap length | link type |      24 bytes
 * record:  | seconds | micro- or nanoseconds | captured | wire | bytes ...                    16 bytes and those captured
 * Kuznetzov's record has after `wire`: | interface u32 | protocol u16 | packet type u8 | pad |
 * ```
 * Source: pcap-savefile(5); draft-ietf-opsawg-pcap.
 */
import { byteOf, halfOf, wordOf } from "./chunk";
import { Input, InputForm, inputBreak, oversize, RECORD_BYTES_MAX } from "./input-state";
import { Direction, Packet } from "./packet";
import { PacketFilter } from "./packet-filter";
import { record } from "./record";
import { Count, Malformed, Tally } from "./tally";
import { fromSeconds } from "./time";

const MAGIC_MICROSECONDS: u32 = 0xa1b2c3d4;
const MAGIC_NANOSECONDS: u32 = 0xa1b23c4d;
const MAGIC_KUZNETZOV: u32 = 0xa1b2cd34;
const HEADER_BYTES: u32 = 24;
const MINOR_VERSION: usize = 6;
const LINK_TYPE: usize = 20;
/** The upper bits tell of a frame check sequence. */
const LINK_TYPE_MASK: u32 = 0x03ffffff;

const SECONDS: usize = 0;
const FRACTION: usize = 4;
const CAPTURED: usize = 8;
const WIRE: usize = 12;
const INTERFACE: usize = 16;
const PACKET_TYPE: usize = 22;
const RECORD_BYTES: u32 = 16;
const RECORD_BYTES_KUZNETZOV: u32 = 24;
/** A record that claims more is taken for a broken file: libpcap's limit for any link type, 128 MiB. */
const CAPTURED_BYTES_MAX: u32 = 0x8000000;

const PACKET_TYPE_OTHERHOST: u32 = 3;
const PACKET_TYPE_OUTGOING: u32 = 4;

/** Reads the file header, or gives the file up; answers where the first record starts, or `start` when more is needed. */
export function pcapOpen(input: Input, start: usize, end: usize): usize {
  let magic = wordOf(start, false);
  const bigEndian = magic == bswap(MAGIC_MICROSECONDS) || magic == bswap(MAGIC_NANOSECONDS) || magic == bswap(MAGIC_KUZNETZOV);
  if (bigEndian) magic = bswap(magic);
  if (magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS && magic != MAGIC_KUZNETZOV) {
    inputBreak(input, Malformed.FILE_FORMAT);
    return start;
  }
  if (start + HEADER_BYTES > end) return start;
  input.form = InputForm.PCAP;
  input.bigEndian = bigEndian;
  input.nanoseconds = magic == MAGIC_NANOSECONDS;
  input.headerBytes = magic == MAGIC_KUZNETZOV ? RECORD_BYTES_KUZNETZOV : RECORD_BYTES;
  input.minorVersion = halfOf(start + MINOR_VERSION, bigEndian);
  input.linkType = wordOf(start + LINK_TYPE, bigEndian) & LINK_TYPE_MASK;
  Tally.add(Count.SECTIONS, 1);
  PacketFilter.meet(input.linkType, bigEndian);
  return start + HEADER_BYTES;
}

/** Takes the whole records from `at` on; answers where the first one starts that is not whole. */
export function pcapFeed(input: Input, at: usize, end: usize): usize {
  const bigEndian = input.bigEndian;
  const headerBytes = input.headerBytes;
  const unit: u32 = input.nanoseconds ? 1 : 1000;
  const linkType = input.linkType;
  const oldOrder = input.minorVersion < 4;
  Packet.interfaceId = 0;
  Packet.interfaceName = 0;
  Packet.direction = Direction.UNKNOWN;
  Packet.isTimed = true;
  while (at + headerBytes <= end) {
    let captured = wordOf(at + CAPTURED, bigEndian);
    let wire = wordOf(at + WIRE, bigEndian);
    if (oldOrder && (input.minorVersion < 3 || captured > wire)) {
      const swap = captured;
      captured = wire;
      wire = swap;
    }
    const start = at + headerBytes;
    if (captured > CAPTURED_BYTES_MAX) {
      inputBreak(input, Malformed.FILE_BROKEN);
      return at;
    }
    const whole = captured <= RECORD_BYTES_MAX;
    if (start + (whole ? captured : RECORD_BYTES_MAX) > end) return at;
    Packet.timeNs = fromSeconds(wordOf(at + SECONDS, bigEndian), 0) + <u64>wordOf(at + FRACTION, bigEndian) * <u64>unit;
    if (headerBytes == RECORD_BYTES_KUZNETZOV) readKuznetzov(at, bigEndian);
    if (!whole) {
      oversize(input, captured);
      record(start, RECORD_BYTES_MAX, wire, linkType);
      return start + RECORD_BYTES_MAX;
    }
    record(start, captured, wire, linkType);
    at = start + captured;
    if (Packet.stop) return at;
  }
  return at;
}

/** Reads what Kuznetzov's record has more: the interface, and whether the packet was received or sent. */
function readKuznetzov(at: usize, bigEndian: bool): void {
  Packet.interfaceId = wordOf(at + INTERFACE, bigEndian);
  const packetType = byteOf(at + PACKET_TYPE);
  Packet.direction =
    packetType == PACKET_TYPE_OUTGOING ? Direction.OUT : packetType < PACKET_TYPE_OTHERHOST ? Direction.IN : Direction.UNKNOWN;
}
