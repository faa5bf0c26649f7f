/** The link types that are read, by their LINKTYPE_ number (tcpdump.org/linktypes). */
import { u8At, u16be } from "../bytes/reader";
import { LINK_TYPE_NOT_KEPT } from "../capture/input-state";
import { Undecoded } from "../capture/tally";
import { ipv4 } from "../net/ipv4";
import { ipv6 } from "../net/ipv6";
import { ethernet } from "./ethernet";
import { etherType } from "./ethertype";
import { linkShort, undecoded } from "./fault";
import { linuxCooked, linuxCooked2 } from "./linux-cooked";
import { loopback } from "./loopback";
import { mpls } from "./mpls";
import { ppp, pppoe } from "./ppp";

export enum LinkType {
  NULL = 0,
  ETHERNET = 1,
  PPP = 9,
  /** DLT_RAW of most systems, found in files that were written with it. */
  RAW_12 = 12,
  /** DLT_RAW of OpenBSD. */
  RAW_14 = 14,
  PPP_HDLC = 50,
  PPP_ETHER = 51,
  RAW = 101,
  C_HDLC = 104,
  LOOP = 108,
  LINUX_SLL = 113,
  PPP_PPPD = 166,
  PPP_WITH_DIRECTION = 204,
  C_HDLC_WITH_DIRECTION = 205,
  MPLS = 219,
  IPV4 = 228,
  IPV6 = 229,
  LINUX_SLL2 = 276,
}

const C_HDLC_PROTOCOL: usize = 2;
const C_HDLC_BYTES: u32 = 4;

/** Reads a packet of any link type. */
export function link(type: u32, p: usize, end: usize, missing: u32): bool {
  switch (type) {
    case LinkType.ETHERNET:
      return ethernet(p, end, missing);
    case LinkType.NULL:
    case LinkType.LOOP:
      return loopback(p, end, missing);
    case LinkType.RAW:
    case LinkType.RAW_12:
    case LinkType.RAW_14:
      return raw(p, end, missing);
    case LinkType.IPV4:
      return ipv4(p, end, missing);
    case LinkType.IPV6:
      return ipv6(p, end, missing);
    case LinkType.LINUX_SLL:
      return linuxCooked(p, end, missing);
    case LinkType.LINUX_SLL2:
      return linuxCooked2(p, end, missing);
    case LinkType.PPP:
    case LinkType.PPP_HDLC:
      return ppp(p, end, missing);
    case LinkType.PPP_ETHER:
      return pppoe(p, end, missing);
    case LinkType.PPP_PPPD:
    case LinkType.PPP_WITH_DIRECTION:
      return p < end ? ppp(p + 1, end, missing) : linkShort(missing);
    case LinkType.C_HDLC:
      return ciscoHdlc(p, end, missing);
    case LinkType.C_HDLC_WITH_DIRECTION:
      return p < end ? ciscoHdlc(p + 1, end, missing) : linkShort(missing);
    case LinkType.MPLS:
      return mpls(p, end, missing);
    default:
      return undecoded(type == LINK_TYPE_NOT_KEPT ? Undecoded.INTERFACE_LIMIT : Undecoded.LINK_TYPE);
  }
}

/** Raw IP: the version says which. */
export function raw(p: usize, end: usize, missing: u32): bool {
  if (p >= end) return linkShort(missing);
  return u8At(p) >> 4 == 6 ? ipv6(p, end, missing) : ipv4(p, end, missing);
}

/** Cisco's HDLC: address, control, EtherType. */
function ciscoHdlc(p: usize, end: usize, missing: u32): bool {
  if (p + C_HDLC_BYTES > end) return linkShort(missing);
  return etherType(u16be(p + C_HDLC_PROTOCOL), p + C_HDLC_BYTES, end, missing);
}
