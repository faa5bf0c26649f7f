/**
 * MPLS label stacks with IP below.
 *
 * ```
 * | label 20 bits | class 3 | bottom of stack 1 | time to live 8 |     one or more
 * ```
 * What lies below is not said: IP is known by its version, anything else (pseudo wires) is not decoded. Source: RFC 3032.
 */
import { u8At } from "../bytes/reader";
import { Undecoded } from "../capture/tally";
import { ipv4 } from "../net/ipv4";
import { ipv6 } from "../net/ipv6";
import { linkShort, undecoded } from "./fault";

/** Most labels of a stack: more than any network pushes. */
const LABELS_MAX: u32 = 32;
const BOTTOM: usize = 2;
const LABEL_BYTES: u32 = 4;

/** Reads a label stack. */
export function mpls(p: usize, end: usize, missing: u32): bool {
  for (let labels: u32 = 0; labels < LABELS_MAX; labels++) {
    if (p + LABEL_BYTES > end) return linkShort(missing);
    const bottom = (u8At(p + BOTTOM) & 1) != 0;
    p += LABEL_BYTES;
    if (!bottom) continue;
    if (p >= end) return linkShort(missing);
    const version = u8At(p) >> 4;
    if (version == 4) return ipv4(p, end, missing);
    return version == 6 ? ipv6(p, end, missing) : undecoded(Undecoded.MPLS);
  }
  return undecoded(Undecoded.LAYERS);
}
