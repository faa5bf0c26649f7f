/**
 * Stamps: when a packet came, and whether the capture says so.
 *
 * A simple packet of pcapng has no time. Its stamp is the clock at which it was read, which timeouts go by, with NO_TIME on
 * top: what is told of a message leaves such a time out. Packet times end below that bit.
 */

/** Set in the stamp of a packet that has no time of its own. */
export const NO_TIME: u64 = (<u64>1) << 63;
/** A time, or a span of time, that is not known. */
export const UNTIMED: u64 = u64.MAX_VALUE;

/** The clock at which a packet with this stamp was read, ns; 0 where none ran yet. */
export function clockOf(stampNs: u64): u64 {
  return stampNs & ~NO_TIME;
}

/** The time that a stamp says, UNTIMED where it says none. */
export function timeOf(stampNs: u64): u64 {
  return stampNs < NO_TIME ? stampNs : UNTIMED;
}

/** Nanoseconds from one stamp to another, never below zero; UNTIMED where either has no time. */
export function spanOf(laterNs: u64, earlierNs: u64): u64 {
  if ((laterNs | earlierNs) >= NO_TIME) return UNTIMED;
  return laterNs > earlierNs ? laterNs - earlierNs : 0;
}
