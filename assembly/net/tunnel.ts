/**
 * Tunnels, to a bounded depth: IP in IP, 6in4, GRE (NVGRE, PPTP, ERSPAN, GRE in UDP), EtherIP, MPLS in IP, VXLAN, VXLAN-GPE, Geneve.
 *
 * A tunnel counts where its header and an IP packet inside can be read; else the packet that carries it is handed on as it is.
 * The ports of UDP tunnels are also ports like any other: what stands in the header is checked strictly, and what does not
 * look like the tunnel is a datagram and no fault.
 */
import { u8At, u16be, u24be } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Count, Malformed, Tally, Undecoded } from "../capture/tally";
import { ethernet } from "../link/ethernet";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MIN, etherType } from "../link/ethertype";
import { mpls } from "../link/mpls";
import { ppp } from "../link/ppp";
import { Tunnel } from "../transport/encapsulation";
import { ipv4 } from "./ipv4";
import { ipv6 } from "./ipv6";

/** Most tunnels within each other: two overlays and an IP tunnel are seen in data centres. */
export const TUNNEL_DEPTH_MAX: u32 = 6;

/**
 * Opens a tunnel at `p`. Where no IP packet is found in it, `Packet` is as before and the answer is false: nothing was handed
 * on, and why has been counted.
 */
export function openTunnel(tunnel: u32, p: usize, end: usize, missing: u32): bool {
  if (Packet.depth >= TUNNEL_DEPTH_MAX) {
    Tally.undecoded(Undecoded.TUNNEL_DEPTH);
    return false;
  }
  const networkStart = Packet.networkStart;
  const ipVersion = Packet.ipVersion;
  const source = v128.load(Packet.source);
  const destination = v128.load(Packet.destination);
  const protocol = Packet.protocol;
  const ipId = Packet.ipId;
  const hopLimit = Packet.hopLimit;
  const transportStart = Packet.transportStart;
  const transportEnd = Packet.transportEnd;
  const transportLength = Packet.transportLength;
  const vlan = Packet.vlan;
  const checksumBad = Packet.checksumBad;
  Packet.depth += 1;
  if (inside(tunnel, p, end, missing)) {
    Tally.add(Count.TUNNELS, 1);
    return true;
  }
  Packet.depth -= 1;
  Packet.networkStart = networkStart;
  Packet.ipVersion = ipVersion;
  v128.store(Packet.source, source);
  v128.store(Packet.destination, destination);
  Packet.protocol = protocol;
  Packet.ipId = ipId;
  Packet.hopLimit = hopLimit;
  Packet.transportStart = transportStart;
  Packet.transportEnd = transportEnd;
  Packet.transportLength = transportLength;
  Packet.vlan = vlan;
  Packet.checksumBad = checksumBad;
  return false;
}

function inside(tunnel: u32, p: usize, end: usize, missing: u32): bool {
  switch (tunnel) {
    case Tunnel.IPV4:
      return ipv4(p, end, missing);
    case Tunnel.IPV6:
      return ipv6(p, end, missing);
    case Tunnel.GRE:
      return gre(p, end, missing);
    case Tunnel.ETHERIP:
      return etherIp(p, end, missing);
    case Tunnel.MPLS:
      return mpls(p, end, missing);
    case Tunnel.VXLAN:
      return vxlan(p, end, missing);
    case Tunnel.VXLAN_GPE:
      return vxlanGpe(p, end, missing);
    default:
      return geneve(p, end, missing);
  }
}

// GRE: | C R K S s, recursion 3, A, flags 4, version 3 | protocol u16 | [checksum, offset] [key] [sequence] [acknowledgment] |
// Source: RFC 2784, RFC 2890; version 1 (PPTP): RFC 2637; NVGRE: RFC 7637.
const GRE_PROTOCOL: usize = 2;
const GRE_BYTES: u32 = 4;
const GRE_CHECKSUM: u32 = 0x8000;
const GRE_ROUTING: u32 = 0x4000;
const GRE_KEY: u32 = 0x2000;
const GRE_SEQUENCE: u32 = 0x1000;
const GRE_ACKNOWLEDGMENT: u32 = 0x0080;
const GRE_VERSION: u32 = 0x0007;
const GRE_PROTOCOL_ETHERNET: u32 = 0x6558;
const GRE_PROTOCOL_PPP: u32 = 0x880b;
const GRE_PROTOCOL_ERSPAN: u32 = 0x88be;
const GRE_PROTOCOL_ERSPAN_3: u32 = 0x22eb;
/** Cisco's metadata, here with the EtherType before its 6 bytes. */
const GRE_PROTOCOL_METADATA: u32 = 0x8909;
const METADATA_BYTES: u32 = 8;

/** Reads a GRE header and what it carries. */
export function gre(p: usize, end: usize, missing: u32): bool {
  if (p + GRE_BYTES > end) return tunnelShort(missing, Malformed.GRE_HEADER);
  const flags = u16be(p);
  const protocol = u16be(p + GRE_PROTOCOL);
  const version = flags & GRE_VERSION;
  if (version > 1 || (flags & GRE_ROUTING) != 0) return undecodedTunnel(Undecoded.GRE_VERSION);
  p += GRE_BYTES;
  if ((flags & GRE_CHECKSUM) != 0) p += 4;
  if ((flags & GRE_KEY) != 0) p += 4;
  if ((flags & GRE_SEQUENCE) != 0) p += 4;
  if (version == 1 && (flags & GRE_ACKNOWLEDGMENT) != 0) p += 4;
  if (p > end) return tunnelShort(missing, Malformed.GRE_HEADER);
  switch (protocol) {
    case GRE_PROTOCOL_ETHERNET:
      return ethernet(p, end, missing);
    case GRE_PROTOCOL_PPP:
      // A version 1 header may only acknowledge and carry nothing.
      return p == end && missing == 0 ? undecodedTunnel(Undecoded.GRE_PROTOCOL) : ppp(p, end, missing);
    case GRE_PROTOCOL_ERSPAN:
      return erspan((flags & GRE_SEQUENCE) != 0 ? 8 : 0, p, end, missing);
    case GRE_PROTOCOL_ERSPAN_3:
      return erspan(ERSPAN_3_BYTES, p, end, missing);
    case GRE_PROTOCOL_METADATA:
      if (p + METADATA_BYTES > end) return tunnelShort(missing, Malformed.GRE_HEADER);
      return etherType(u16be(p), p + METADATA_BYTES, end, missing);
    default:
      // Keep-alives have no protocol.
      if (protocol < ETHERTYPE_MIN) return undecodedTunnel(Undecoded.GRE_PROTOCOL);
      return etherType(protocol, p, end, missing);
  }
}

const ERSPAN_3_BYTES: u32 = 12;
const ERSPAN_3_FLAGS: usize = 11;
const ERSPAN_3_SUBHEADER_BYTES: u32 = 8;

/** Steps over the header of a mirrored frame: none in type I, 8 bytes in type II, 12 or 20 in type III. */
function erspan(headerBytes: u32, p: usize, end: usize, missing: u32): bool {
  if (p + headerBytes > end) return tunnelShort(missing, Malformed.GRE_HEADER);
  if (headerBytes == ERSPAN_3_BYTES && (u8At(p + ERSPAN_3_FLAGS) & 1) != 0) headerBytes += ERSPAN_3_SUBHEADER_BYTES;
  p += headerBytes;
  return p > end ? tunnelShort(missing, Malformed.GRE_HEADER) : ethernet(p, end, missing);
}

// EtherIP: | version 4 bits, 3 | reserved 12 bits | (RFC 3378)
const ETHERIP_HEADER: u32 = 0x3000;
const ETHERIP_BYTES: u32 = 2;

function etherIp(p: usize, end: usize, missing: u32): bool {
  if (p + ETHERIP_BYTES > end) return tunnelShort(missing, Malformed.ETHERIP_HEADER);
  if (u16be(p) != ETHERIP_HEADER) return malformedTunnel(Malformed.ETHERIP_HEADER);
  return ethernet(p + ETHERIP_BYTES, end, missing);
}

// VXLAN:     | flags u8, 8 | reserved 3, or with flag 80 a group policy | network 3 | reserved u8 |           (RFC 7348)
// VXLAN-GPE: | flags u8    | reserved u16 | next protocol u8            | network 3 | reserved u8 |
const VXLAN_GROUP: usize = 1;
const VXLAN_NEXT_PROTOCOL: usize = 3;
const VXLAN_RESERVED: usize = 7;
const VXLAN_BYTES: u32 = 8;
const VXLAN_FLAG_NETWORK: u32 = 0x08;
const VXLAN_FLAG_POLICY: u32 = 0x80;
const VXLAN_FLAG_NEXT_PROTOCOL: u32 = 0x04;
const FRAME_TYPE: usize = 12;
const FRAME_NETWORK: usize = 14;
const FRAME_SHOWN_BYTES: u32 = 15;
const NEXT_PROTOCOL_IPV4: u32 = 1;
const NEXT_PROTOCOL_IPV6: u32 = 2;
const NEXT_PROTOCOL_ETHERNET: u32 = 3;

/** What is reserved is to be ignored (RFC 7348), but where it is not zero the frame must show that it is one. */
function vxlan(p: usize, end: usize, missing: u32): bool {
  if (p + VXLAN_BYTES > end) return false;
  const flags = u8At(p);
  if ((flags & VXLAN_FLAG_NETWORK) == 0) return false;
  const plain = (flags & ~VXLAN_FLAG_POLICY) == VXLAN_FLAG_NETWORK && u8At(p + VXLAN_RESERVED) == 0;
  const grouped = (flags & VXLAN_FLAG_POLICY) != 0 || u24be(p + VXLAN_GROUP) == 0;
  p += VXLAN_BYTES;
  return ((plain && grouped) || showsIp(p, end)) && ethernet(p, end, missing);
}

/** Whether a frame carries IP beyond doubt: its EtherType and the first byte behind it agree. */
function showsIp(p: usize, end: usize): bool {
  if (p + FRAME_SHOWN_BYTES > end) return false;
  const type = u16be(p + FRAME_TYPE);
  const first = u8At(p + FRAME_NETWORK);
  return type == ETHERTYPE_IPV4 ? first >> 4 == 4 && (first & 15) >= 5 : type == ETHERTYPE_IPV6 && first >> 4 == 6;
}

function vxlanGpe(p: usize, end: usize, missing: u32): bool {
  if (p + VXLAN_BYTES > end) return false;
  if ((u8At(p) & ~VXLAN_FLAG_NETWORK) != VXLAN_FLAG_NEXT_PROTOCOL || u16be(p + 1) != 0) return false;
  switch (u8At(p + VXLAN_NEXT_PROTOCOL)) {
    case NEXT_PROTOCOL_IPV4:
      return ipv4(p + VXLAN_BYTES, end, missing);
    case NEXT_PROTOCOL_IPV6:
      return ipv6(p + VXLAN_BYTES, end, missing);
    case NEXT_PROTOCOL_ETHERNET:
      return ethernet(p + VXLAN_BYTES, end, missing);
    default:
      return false;
  }
}

// Geneve: | version 2 bits, options length 6, in 4 bytes | O C, reserved 6 | protocol u16 | network 3 | reserved u8 | options |
// Source: RFC 8926.
const GENEVE_FLAGS: usize = 1;
const GENEVE_PROTOCOL: usize = 2;
const GENEVE_RESERVED: usize = 7;
const GENEVE_BYTES: u32 = 8;
const GENEVE_FLAGS_MASK: u32 = 0xc0;

function geneve(p: usize, end: usize, missing: u32): bool {
  if (p + GENEVE_BYTES > end) return false;
  const first = u8At(p);
  if (first >> 6 != 0 || (u8At(p + GENEVE_FLAGS) & ~GENEVE_FLAGS_MASK) != 0 || u8At(p + GENEVE_RESERVED) != 0) return false;
  const protocol = u16be(p + GENEVE_PROTOCOL);
  p += GENEVE_BYTES + ((first & 0x3f) << 2);
  if (p > end) return false;
  switch (protocol) {
    case GRE_PROTOCOL_ETHERNET:
      return ethernet(p, end, missing);
    case ETHERTYPE_IPV4:
      return ipv4(p, end, missing);
    case ETHERTYPE_IPV6:
      return ipv6(p, end, missing);
    default:
      return false;
  }
}

function undecodedTunnel(layer: u32): bool {
  Tally.undecoded(layer);
  return false;
}

function malformedTunnel(reason: u32): bool {
  Tally.malformed(reason);
  return false;
}

function tunnelShort(missing: u32, reason: u32): bool {
  return missing != 0 ? undecodedTunnel(Undecoded.IP_CUT) : malformedTunnel(reason);
}
