/**
 * What follows a link header, by EtherType or LLC, with VLAN and other tags in any number on the way.
 *
 * ```
 * VLAN: | priority 3, drop 1, identifier 12 | EtherType u16 | ...
 * LLC:  | DSAP u8 | SSAP u8 | control u8 or u16 | ...         SNAP: AA AA 03 | organisation 3 | EtherType u16 | ...
 * ```
 * Source: IEEE 802.1Q, IEEE 802.2, RFC 1042.
 */
import { u8At, u16be, u24be } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Malformed, Tally, Undecoded } from "../capture/tally";
import { ipv4 } from "../net/ipv4";
import { ipv6 } from "../net/ipv6";
import { linkShort, undecoded } from "./fault";
import { mpls } from "./mpls";
import { pppoe } from "./ppp";

export const ETHERTYPE_IPV4: u32 = 0x0800;
export const ETHERTYPE_IPV6: u32 = 0x86dd;
const ETHERTYPE_ARP: u32 = 0x0806;
const ETHERTYPE_RARP: u32 = 0x8035;
const ETHERTYPE_VLAN: u32 = 0x8100;
const ETHERTYPE_QINQ: u32 = 0x88a8;
const ETHERTYPE_QINQ_OLD: u32 = 0x9100;
const ETHERTYPE_QINQ_OLDER: u32 = 0x9200;
const ETHERTYPE_MPLS: u32 = 0x8847;
const ETHERTYPE_MPLS_UPSTREAM: u32 = 0x8848;
const ETHERTYPE_PPPOE_DISCOVERY: u32 = 0x8863;
const ETHERTYPE_PPPOE: u32 = 0x8864;
/** Cisco's metadata: the security group of the sender. */
const ETHERTYPE_METADATA: u32 = 0x8909;
const ETHERTYPE_VN_TAG: u32 = 0x8926;
/** IEEE 802.1BR. */
const ETHERTYPE_E_TAG: u32 = 0x893f;
const ETHERTYPE_EAPOL: u32 = 0x888e;
const ETHERTYPE_LLDP: u32 = 0x88cc;

/** Below this the field is an IEEE 802.3 length. */
export const ETHERTYPE_MIN: u32 = 0x0600;

/** Most headers below IP that are gone through in one packet: what nests deeper is a loop in a crafted packet. */
export const LAYERS_MAX: u32 = 32;

const VLAN_IDENTIFIER_MASK: u32 = 0x0fff;
const ETHERTYPE_BYTES: u32 = 2;
/** Bytes of tags before the EtherType of what follows. */
const VLAN_BYTES: u32 = 2;
const VN_TAG_BYTES: u32 = 4;
const METADATA_BYTES: u32 = 6;
const E_TAG_BYTES: u32 = 6;

const DSAP: usize = 0;
const CONTROL: usize = 2;
const LLC_BYTES: u32 = 3;
const ORGANISATION: usize = 3;
const PROTOCOL: usize = 6;
const SNAP_BYTES: u32 = 8;

const SAP_SNAP: u32 = 0xaa;
const SAP_IP: u32 = 0x06;
const CONTROL_UI: u32 = 0x03;
/** IPX without LLC: its checksum field, always all ones, stands where the SAPs would. */
const NOVELL_RAW: u32 = 0xffff;
const ORGANISATION_ETHERNET: u32 = 0x000000;
/** Bridge tunnels of IEEE 802.1H put an EtherType there as well. */
const ORGANISATION_BRIDGE_TUNNEL: u32 = 0x0000f8;

/**
 * Reads on at `p` what `type` says is there; `missing` bytes of the wire follow `end` uncaptured.
 *
 * As all decoders of link and net it answers whether an IP packet was found and handed on; where not, it has counted why.
 */
export function etherType(type: u32, p: usize, end: usize, missing: u32): bool {
  if (type == ETHERTYPE_IPV4) return ipv4(p, end, missing);
  if (type == ETHERTYPE_IPV6) return ipv6(p, end, missing);
  Packet.layers += 1;
  if (Packet.layers > LAYERS_MAX) return undecoded(Undecoded.LAYERS);
  switch (type) {
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_QINQ_OLD:
    case ETHERTYPE_QINQ_OLDER:
      return vlan(p, end, missing);
    case ETHERTYPE_VN_TAG:
      return tag(VN_TAG_BYTES, p, end, missing);
    case ETHERTYPE_METADATA:
      return tag(METADATA_BYTES, p, end, missing);
    case ETHERTYPE_E_TAG:
      return tag(E_TAG_BYTES, p, end, missing);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
      return mpls(p, end, missing);
    case ETHERTYPE_PPPOE:
      return pppoe(p, end, missing);
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
      return undecoded(Undecoded.ARP);
    case ETHERTYPE_LLDP:
      return undecoded(Undecoded.LLDP);
    case ETHERTYPE_EAPOL:
      return undecoded(Undecoded.EAPOL);
    case ETHERTYPE_PPPOE_DISCOVERY:
      return undecoded(Undecoded.PPPOE_DISCOVERY);
    default:
      return type < ETHERTYPE_MIN ? llc(type, p, end, missing) : undecoded(Undecoded.ETHERTYPE);
  }
}

/** A VLAN tag. */
function vlan(p: usize, end: usize, missing: u32): bool {
  if (p + VLAN_BYTES > end) return linkShort(missing);
  if (Packet.vlan == 0) Packet.vlan = (u16be(p) & VLAN_IDENTIFIER_MASK) + 1;
  return tag(VLAN_BYTES, p, end, missing);
}

/** A tag of `bytes` and the EtherType behind it. */
function tag(bytes: u32, p: usize, end: usize, missing: u32): bool {
  if (p + bytes + ETHERTYPE_BYTES > end) return linkShort(missing);
  return etherType(u16be(p + bytes), p + bytes + ETHERTYPE_BYTES, end, missing);
}

/** Reads an LLC frame of `length` bytes by its IEEE 802.3 header; what follows is padding. */
export function llc(length: u32, p: usize, end: usize, missing: u32): bool {
  const captured = <u32>(end - p);
  if (length <= captured) {
    end = p + length;
    missing = 0;
  } else {
    if (length - captured > missing) Tally.malformed(Malformed.LLC_LENGTH);
    else missing = length - captured;
  }
  return llcFrame(p, end, missing);
}

/** Reads an LLC frame that ends with the packet. */
export function llcFrame(p: usize, end: usize, missing: u32): bool {
  if (p + LLC_BYTES > end) return linkShort(missing);
  const saps = u16be(p + DSAP);
  const control = u8At(p + CONTROL);
  if (saps == NOVELL_RAW || control != CONTROL_UI) return undecoded(Undecoded.LLC);
  if (saps == ((SAP_IP << 8) | SAP_IP)) return ipv4(p + LLC_BYTES, end, missing);
  if (saps != ((SAP_SNAP << 8) | SAP_SNAP)) return undecoded(Undecoded.LLC);
  if (p + SNAP_BYTES > end) return linkShort(missing);
  const organisation = u24be(p + ORGANISATION);
  if (organisation != ORGANISATION_ETHERNET && organisation != ORGANISATION_BRIDGE_TUNNEL) return undecoded(Undecoded.SNAP);
  return etherType(u16be(p + PROTOCOL), p + SNAP_BYTES, end, missing);
}
