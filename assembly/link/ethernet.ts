/**
 * Ethernet II and IEEE 802.3.
 *
 * ```
 * | destination 6 | source 6 | EtherType, or length, u16 | ...
 * ```
 */
import { u16be } from "../bytes/reader";
import { ipv4 } from "../net/ipv4";
import { ETHERTYPE_IPV4, etherType } from "./ethertype";
import { linkShort } from "./fault";

const TYPE: usize = 12;
const HEADER_BYTES: u32 = 14;

/** Reads an Ethernet frame. */
export function ethernet(p: usize, end: usize, missing: u32): bool {
  if (p + HEADER_BYTES > end) return linkShort(missing);
  const type = u16be(p + TYPE);
  if (type == ETHERTYPE_IPV4) return ipv4(p + HEADER_BYTES, end, missing);
  return etherType(type, p + HEADER_BYTES, end, missing);
}
