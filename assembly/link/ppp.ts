/**
 * PPP, bare or in HDLC-like framing, and PPPoE.
 *
 * ```
 * PPP:   [ FF 03 ] | protocol u16, or u8 when compressed (odd) | ...
 * PPPoE: | version 4 bits, type 4 bits | code u8 | session u16 | length u16 | PPP ...
 * ```
 * Source: RFC 1661, RFC 1662, RFC 2516.
 */
import { u8At, u16be } from "../bytes/reader";
import { Malformed, Undecoded } from "../capture/tally";
import { ipv4 } from "../net/ipv4";
import { ipv6 } from "../net/ipv6";
import { linkMalformed, linkShort, undecoded } from "./fault";
import { mpls } from "./mpls";

const HDLC_ADDRESS_CONTROL: u32 = 0xff03;
const HDLC_BYTES: u32 = 2;
const PROTOCOL_IPV4: u32 = 0x0021;
const PROTOCOL_IPV6: u32 = 0x0057;
const PROTOCOL_MPLS: u32 = 0x0281;
/** Protocols from here on set up the link. */
const PROTOCOL_CONTROL_MIN: u32 = 0x8000;

const VERSION_TYPE: usize = 0;
const CODE: usize = 1;
const LENGTH: usize = 4;
const PPPOE_BYTES: u32 = 6;
const VERSION_TYPE_1: u32 = 0x11;
const CODE_SESSION: u32 = 0;

/** Reads a PPP frame, its address and control bytes there or not. */
export function ppp(p: usize, end: usize, missing: u32): bool {
  if (p + 2 > end) return linkShort(missing);
  if (u16be(p) == HDLC_ADDRESS_CONTROL) {
    p += HDLC_BYTES;
    if (p + 2 > end) return linkShort(missing);
  }
  let protocol = u8At(p);
  if ((protocol & 1) != 0) {
    p += 1;
  } else {
    protocol = u16be(p);
    p += 2;
  }
  if (protocol == PROTOCOL_IPV4) return ipv4(p, end, missing);
  if (protocol == PROTOCOL_IPV6) return ipv6(p, end, missing);
  if (protocol == PROTOCOL_MPLS) return mpls(p, end, missing);
  return undecoded(protocol >= PROTOCOL_CONTROL_MIN ? Undecoded.PPP_CONTROL : Undecoded.PPP_PROTOCOL);
}

/** Reads a PPPoE session packet. */
export function pppoe(p: usize, end: usize, missing: u32): bool {
  if (p + PPPOE_BYTES > end) return linkShort(missing);
  if (u8At(p + VERSION_TYPE) != VERSION_TYPE_1) {
    return linkMalformed(Malformed.PPPOE_HEADER);
  }
  if (u8At(p + CODE) != CODE_SESSION) return undecoded(Undecoded.PPPOE_DISCOVERY);
  const length = u16be(p + LENGTH);
  p += PPPOE_BYTES;
  const captured = <u32>(end - p);
  if (length <= captured) {
    end = p + length;
    missing = 0;
  } else if (length - captured <= missing) missing = length - captured;
  return ppp(p, end, missing);
}
