/**
 * SCTP: counted, with its ports; chunks are not read.
 *
 * ```
 * | source u16 | destination u16 | verification tag u32 | checksum u32, CRC-32C | chunks ...
 * ```
 * The checksum is not verified: nothing is made of the bytes. Source: RFC 9260.
 */
import { Count, Tally } from "../capture/tally";
import { deliverOther, transportShort } from "./other";

const HEADER_BYTES: u32 = 12;

/** Reads an SCTP packet. */
export function sctp(p: usize, end: usize, missing: u32): bool {
  if (p + HEADER_BYTES > end) return transportShort(p, end, missing);
  Tally.add(Count.SCTP, 1);
  return deliverOther(p, end, missing);
}
