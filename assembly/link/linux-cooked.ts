/**
 * Linux cooked captures, versions 1 and 2.
 *
 * ```
 * v1: | packet type u16 | ARPHRD u16 | address length u16 | address 8 | protocol u16 |                          16 bytes
 * v2: | protocol u16 | reserved u16 | interface u32 | ARPHRD u16 | packet type u8 | address length u8 | address 8 |  20 bytes
 * ```
 * Source: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 at tcpdump.org/linktypes.
 */
import { u8At, u16be, u32be } from "../bytes/reader";
import { Direction, Packet } from "../capture/packet";
import { Undecoded } from "../capture/tally";
import { Settings } from "../settings";
import { ETHERTYPE_MIN, etherType, llcFrame } from "./ethertype";
import { linkShort, undecoded } from "./fault";

const V1_PACKET_TYPE: usize = 0;
const V1_ARPHRD: usize = 2;
const V1_PROTOCOL: usize = 14;
const V1_BYTES: u32 = 16;
const V2_PROTOCOL: usize = 0;
const V2_INTERFACE: usize = 4;
const V2_ARPHRD: usize = 8;
const V2_PACKET_TYPE: usize = 10;
const V2_BYTES: u32 = 20;

const PACKET_TYPE_OTHERHOST: u32 = 3;
const PACKET_TYPE_OUTGOING: u32 = 4;
const ARPHRD_NETLINK: u32 = 824;
/** ETH_P_802_2: LLC follows. */
const PROTOCOL_LLC: u32 = 0x0004;

/** Reads a packet with a version 1 header. */
export function linuxCooked(p: usize, end: usize, missing: u32): bool {
  if (p + V1_BYTES > end) return linkShort(missing);
  return cooked(u16be(p + V1_PACKET_TYPE), u16be(p + V1_ARPHRD), u16be(p + V1_PROTOCOL), p + V1_BYTES, end, missing);
}

/** Reads a packet with a version 2 header. */
export function linuxCooked2(p: usize, end: usize, missing: u32): bool {
  if (p + V2_BYTES > end) return linkShort(missing);
  Packet.interfaceId = u32be(p + V2_INTERFACE);
  Packet.interfaceName = 0;
  Packet.isSeveral = Settings.stages;
  return cooked(u8At(p + V2_PACKET_TYPE), u16be(p + V2_ARPHRD), u16be(p + V2_PROTOCOL), p + V2_BYTES, end, missing);
}

function cooked(packetType: u32, hardware: u32, protocol: u32, p: usize, end: usize, missing: u32): bool {
  if (packetType == PACKET_TYPE_OUTGOING) Packet.direction = Direction.OUT;
  else Packet.direction = packetType < PACKET_TYPE_OTHERHOST ? Direction.IN : Direction.UNKNOWN;
  if (hardware == ARPHRD_NETLINK) return undecoded(Undecoded.LINUX_COOKED);
  if (protocol >= ETHERTYPE_MIN) return etherType(protocol, p, end, missing);
  return protocol == PROTOCOL_LLC ? llcFrame(p, end, missing) : undecoded(Undecoded.LINUX_COOKED);
}
