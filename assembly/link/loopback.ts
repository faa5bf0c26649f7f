/**
 * BSD loopback: a 4-byte address family, in the byte order of the host that captured (NULL) or the network's (LOOP).
 *
 * Which host it was is not recorded; families are small numbers, so the order is the one in which it is small.
 */
import { u16be, u32le } from "../bytes/reader";
import { Undecoded } from "../capture/tally";
import { ipv4 } from "../net/ipv4";
import { ipv6 } from "../net/ipv6";
import { ETHERTYPE_MIN, etherType } from "./ethertype";
import { linkShort, undecoded } from "./fault";

const HEADER_BYTES: u32 = 4;
const LOWER_HALF: usize = 2;
const FAMILY_IPV4: u32 = 2;
const FAMILY_IPV6_LINUX: u32 = 10;
const FAMILY_IPV6_WINDOWS: u32 = 23;
const FAMILY_IPV6_OPENBSD: u32 = 24;
const FAMILY_IPV6_FREEBSD: u32 = 28;
const FAMILY_IPV6_DARWIN: u32 = 30;

/** Reads a loopback packet. */
export function loopback(p: usize, end: usize, missing: u32): bool {
  if (p + HEADER_BYTES > end) return linkShort(missing);
  let family = u32le(p);
  if (family > 0xffff) family = bswap<u32>(family);
  // BSD/OS has more in the upper half.
  if (family > 0xffff) family = u16be(p + LOWER_HALF);
  p += HEADER_BYTES;
  switch (family) {
    case FAMILY_IPV4:
      return ipv4(p, end, missing);
    case FAMILY_IPV6_LINUX:
    case FAMILY_IPV6_WINDOWS:
    case FAMILY_IPV6_OPENBSD:
    case FAMILY_IPV6_FREEBSD:
    case FAMILY_IPV6_DARWIN:
      return ipv6(p, end, missing);
    default:
      // Some writers put an EtherType there.
      if (family >= ETHERTYPE_MIN) return etherType(family, p, end, missing);
      return undecoded(Undecoded.LOOPBACK_FAMILY);
  }
}
