/**
 * pcapng files: sections of either byte order, each with its interfaces.
 *
 * ```
 * block:   | type u32 | length u32 | body ..., padded to 4 bytes | length u32 |
 * section: | 0x0A0D0D0A | length | 0x1A2B3C4D in the section's byte order | ...
 * ```
 * Read: section header, interface description, enhanced, simple and obsolete packets, interface statistics (drops), secrets of TLS
 * where they are wanted. Skipped and counted: name resolution, other secrets, custom and unknown blocks. Source: draft-ietf-opsawg-pcapng.
 */

import { Settings } from "../settings";
import { byteOf, doubleOf, halfOf, wordOf } from "./chunk";
import {
  INTERFACES_MAX,
  Input,
  Interface,
  inputBreak,
  interfaceAt,
  LINK_TYPE_NOT_KEPT,
  noteOversize,
  RECORD_BYTES_MAX,
} from "./input-state";
import { InterfaceNames } from "./interface-names";
import { Direction, Packet, TIME_NS_MAX } from "./packet";
import { PacketFilter } from "./packet-filter";
import { record } from "./record";
import { moreSecrets, takeSecrets } from "./secrets";
import { Count, Malformed, Tally } from "./tally";
import { fromTicks, moveSeconds } from "./time";

const SECTION_HEADER: u32 = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

const LENGTH: usize = 4;
const BODY: usize = 8;
const BLOCK_BYTES_MIN: u32 = 12;
/** Of a longer block only this much is read: the longest record that is decoded, and its header. */
const BLOCK_READ_MAX: u32 = RECORD_BYTES_MAX + 64;
/** A block that claims more is taken for a broken file. */
const BLOCK_BYTES_MAX: u32 = 0x10000000;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b3c4d;
const SECTION_BYTES_MIN: u32 = 28;

/** Enhanced packet, and the obsolete one but for its 16-bit interface and drop count. */
const PACKET_INTERFACE: usize = 8;
const PACKET_DROPS: usize = 10;
const PACKET_TIME_HIGH: usize = 12;
const PACKET_TIME_LOW: usize = 16;
const PACKET_CAPTURED: usize = 20;
const PACKET_WIRE: usize = 24;
const PACKET_DATA: usize = 28;
const PACKET_BYTES_MIN: u32 = 32;
const SIMPLE_WIRE: usize = 8;
const SIMPLE_DATA: usize = 12;
const SIMPLE_BYTES_MIN: u32 = 16;
const INTERFACE_LINK_TYPE: usize = 8;
const INTERFACE_SNAP_LENGTH: usize = 12;
const INTERFACE_OPTIONS: usize = 16;
const INTERFACE_BYTES_MIN: u32 = 20;
const STATISTICS_OPTIONS: usize = 20;
const STATISTICS_BYTES_MIN: u32 = 24;

const OPTION_END: u32 = 0;
const OPTION_EPB_FLAGS: u32 = 2;
const OPTION_IF_NAME: u32 = 2;
const OPTION_IF_TSRESOL: u32 = 9;
const OPTION_IF_TSOFFSET: u32 = 14;
const OPTION_ISB_IFDROP: u32 = 5;
const OPTION_ISB_OSDROP: u32 = 7;
const RESOLUTION_MICROSECONDS: u32 = 6;
const NO_LINK_TYPE: u32 = 0xffffffff;

/** The option in hand, and where the next one starts. */
class Option {
  static code: u32 = 0;
  static length: u32 = 0;
  static value: usize = 0;
  static at: usize = 0;
  static end: usize = 0;
  static bigEndian: bool = false;

  /** Opens the list of options between `start` and `end`. */
  static open(start: usize, end: usize, bigEndian: bool): void {
    Option.at = start;
    Option.end = end;
    Option.bigEndian = bigEndian;
  }

  /** Steps to the next option; false at the end of the list or where one does not fit. */
  static next(): bool {
    if (Option.at + 4 > Option.end) return false;
    Option.code = halfOf(Option.at, Option.bigEndian);
    Option.length = halfOf(Option.at + 2, Option.bigEndian);
    Option.value = Option.at + 4;
    Option.at = Option.value + ((Option.length + 3) & ~3);
    return Option.code != OPTION_END && Option.value + Option.length <= Option.end;
  }
}

/** Takes the whole blocks from `at` on; answers where the first one starts that is not whole. */
export function pcapngFeed(input: Input, at: usize, end: usize): usize {
  if (input.secrets != 0) return moreSecrets(input, at, end);
  while (at + BLOCK_BYTES_MIN <= end) {
    const type = wordOf(at, input.bigEndian);
    if (type == SECTION_HEADER && !openSection(input, at)) return at;
    const bigEndian = input.bigEndian;
    const length = wordOf(at + LENGTH, bigEndian);
    if (length < BLOCK_BYTES_MIN || length > BLOCK_BYTES_MAX) {
      inputBreak(input, Malformed.FILE_BROKEN);
      return at;
    }
    const readable = length < BLOCK_READ_MAX ? length : BLOCK_READ_MAX;
    if (at + readable > end) return at;
    if (readable == length && wordOf(at + length - 4, bigEndian) != length) Tally.malformed(Malformed.BLOCK_LENGTH);
    if (type == ENHANCED_PACKET) takePacket(input, at, length, wordOf(at + PACKET_INTERFACE, bigEndian));
    else block(input, type, at, length);
    if (readable < length) {
      input.skip = input.secrets != 0 ? readable : length;
      return at;
    }
    at += length;
    if (Packet.stop) return at;
  }
  return at;
}

/** Any block but the enhanced packet. */
function block(input: Input, type: u32, at: usize, length: u32): void {
  if (type == SIMPLE_PACKET) takeSimplePacket(input, at, length);
  else if (type == PACKET) takeOldPacket(input, at, length);
  else if (type == INTERFACE_DESCRIPTION) describeInterface(input, at, length);
  else if (type == INTERFACE_STATISTICS) takeStatistics(input, at, length);
  else if (type == SECTION_HEADER) startSection(input, length);
  else if (type == DECRYPTION_SECRETS) takeSecrets(input, at, length, readableBytes(length));
  else Tally.add(Count.BLOCKS_SKIPPED, 1);
}

/** Learns a section's byte order; gives the file up where there is none. */
function openSection(input: Input, at: usize): bool {
  const magic = wordOf(at + BODY, false);
  if (magic != BYTE_ORDER_MAGIC && magic != bswap(BYTE_ORDER_MAGIC)) {
    inputBreak(input, Malformed.FILE_BROKEN);
    return false;
  }
  input.bigEndian = magic != BYTE_ORDER_MAGIC;
  return true;
}

/** Starts a section, which has no interfaces yet. */
function startSection(input: Input, length: u32): void {
  if (length < SECTION_BYTES_MIN) Tally.malformed(Malformed.BLOCK_LENGTH);
  input.interfaces = 0;
  Tally.add(Count.SECTIONS, 1);
}

function describeInterface(input: Input, at: usize, length: u32): void {
  const index = input.interfaces++;
  if (index != 0) Packet.isSeveral = Settings.stages;
  if (index >= INTERFACES_MAX) return;
  const described = interfaceAt(input, index);
  memory.fill(changetype<usize>(described), 0, offsetof<Interface>());
  described.linkType = NO_LINK_TYPE;
  described.resolution = <u16>RESOLUTION_MICROSECONDS;
  if (length < INTERFACE_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    return;
  }
  const bigEndian = input.bigEndian;
  described.linkType = halfOf(at + INTERFACE_LINK_TYPE, bigEndian);
  PacketFilter.meet(described.linkType, bigEndian);
  described.snapLength = wordOf(at + INTERFACE_SNAP_LENGTH, bigEndian);
  Option.open(at + INTERFACE_OPTIONS, at + readableBytes(length) - 4, bigEndian);
  while (Option.next()) {
    if (Option.code == OPTION_IF_TSRESOL && Option.length >= 1) described.resolution = <u16>byteOf(Option.value);
    else if (Option.code == OPTION_IF_TSOFFSET && Option.length >= 8) described.offset = doubleOf(Option.value, bigEndian);
    else if (Option.code == OPTION_IF_NAME) described.name = <u16>InterfaceNames.numberOf(Option.value, Option.length);
  }
  described.factor = described.offset != 0 || described.resolution > 9 ? 0 : <u32>fromTicks(1, described.resolution);
}

/** An enhanced or obsolete packet block of interface `id`. */
function takePacket(input: Input, at: usize, length: u32, id: u32): void {
  if (length < PACKET_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    return;
  }
  const bigEndian = input.bigEndian;
  let captured = wordOf(at + PACKET_CAPTURED, bigEndian);
  const wire = wordOf(at + PACKET_WIRE, bigEndian);
  if (captured > length - PACKET_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    captured = length - PACKET_BYTES_MIN;
  }
  const after = (captured + 3) & ~3;
  Packet.direction = Direction.UNKNOWN;
  if (length - PACKET_BYTES_MIN >= after + 8 && length <= BLOCK_READ_MAX) {
    readDirection(at + PACKET_DATA + after, at + length - 4, bigEndian);
  }
  const ticks = ((<u64>wordOf(at + PACKET_TIME_HIGH, bigEndian)) << 32) | wordOf(at + PACKET_TIME_LOW, bigEndian);
  takeFrom(input, id, at + PACKET_DATA, captured, wire, ticks, true);
}

/** The obsolete packet block: a 16-bit interface, and the packets dropped before it. */
function takeOldPacket(input: Input, at: usize, length: u32): void {
  const drops = length < PACKET_BYTES_MIN ? 0 : halfOf(at + PACKET_DROPS, input.bigEndian);
  if (drops != 0xffff) Tally.add(Count.DROPPED, drops);
  takePacket(input, at, length, halfOf(at + PACKET_INTERFACE, input.bigEndian));
}

/** A simple packet block: of the first interface, cut at its snap length, without a time. */
function takeSimplePacket(input: Input, at: usize, length: u32): void {
  if (length < SIMPLE_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    return;
  }
  const wire = wordOf(at + SIMPLE_WIRE, input.bigEndian);
  let captured = wire;
  const snapLength: u32 = input.interfaces == 0 ? 0 : interfaceAt(input, 0).snapLength;
  if (snapLength != 0 && captured > snapLength) captured = snapLength;
  if (captured > length - SIMPLE_BYTES_MIN) {
    if (snapLength == 0) Tally.malformed(Malformed.BLOCK_LENGTH);
    captured = length - SIMPLE_BYTES_MIN;
  }
  Packet.direction = Direction.UNKNOWN;
  takeFrom(input, 0, at + SIMPLE_DATA, captured, wire, 0, false);
}

/** Sends on a packet of interface `id`; `ticks` mean nothing where it is not `timed` or its interface is not known. */
function takeFrom(input: Input, id: u32, data: usize, captured: u32, wire: u32, ticks: u64, timed: bool): void {
  let linkType = NO_LINK_TYPE;
  Packet.interfaceName = 0;
  if (id < input.interfaces && id < INTERFACES_MAX) {
    const from = interfaceAt(input, id);
    linkType = from.linkType;
    Packet.interfaceName = from.name;
    Packet.timeNs = timed ? timeOf(from, ticks) : 0;
    Packet.isTimed = timed;
  } else {
    if (id < input.interfaces) linkType = LINK_TYPE_NOT_KEPT;
    else Tally.malformed(Malformed.INTERFACE_UNKNOWN);
    Packet.timeNs = 0;
    Packet.isTimed = false;
  }
  Packet.interfaceId = id;
  if (captured > RECORD_BYTES_MAX) {
    noteOversize(captured);
    captured = RECORD_BYTES_MAX;
  }
  record(data, captured, wire, linkType);
}

function timeOf(from: Interface, ticks: u64): u64 {
  if (from.factor == 1) return ticks < TIME_NS_MAX ? ticks : TIME_NS_MAX;
  if (from.factor == 1000 && ticks < TIME_NS_MAX / 1000) return ticks * 1000;
  return moveSeconds(fromTicks(ticks, from.resolution), from.offset);
}

/** Reads the direction from a packet's flags: the lowest two bits, 1 inbound, 2 outbound. */
function readDirection(start: usize, end: usize, bigEndian: bool): void {
  Option.open(start, end, bigEndian);
  while (Option.next()) {
    if (Option.code != OPTION_EPB_FLAGS || Option.length != 4) continue;
    const flags = wordOf(Option.value, bigEndian) & 3;
    Packet.direction = flags == 1 ? Direction.IN : flags == 2 ? Direction.OUT : Direction.UNKNOWN;
    return;
  }
}

/** Counts the packets that an interface's statistics say were dropped since its last ones. */
function takeStatistics(input: Input, at: usize, length: u32): void {
  if (length < STATISTICS_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    return;
  }
  const bigEndian = input.bigEndian;
  const id = wordOf(at + PACKET_INTERFACE, bigEndian);
  if (id >= input.interfaces || id >= INTERFACES_MAX) return;
  let dropped: u64 = 0;
  Option.open(at + STATISTICS_OPTIONS, at + readableBytes(length) - 4, bigEndian);
  while (Option.next()) {
    if ((Option.code == OPTION_ISB_IFDROP || Option.code == OPTION_ISB_OSDROP) && Option.length == 8) {
      dropped += doubleOf(Option.value, bigEndian);
    }
  }
  const from = interfaceAt(input, id);
  if (dropped <= from.dropped) return;
  Tally.add(Count.DROPPED, dropped - from.dropped);
  from.dropped = dropped;
}

/** Bytes of a block of `length` that are in the input. */
function readableBytes(length: u32): u32 {
  return length < BLOCK_READ_MAX ? length : BLOCK_READ_MAX;
}
