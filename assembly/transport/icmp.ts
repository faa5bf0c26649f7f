/**
 * ICMP and ICMPv6: counted, their checksum verified, not read further.
 *
 * ```
 * | type u8 | code u8 | checksum u16 | ...
 * ```
 * The packets they quote are not taken for packets of their own. Source: RFC 792, RFC 4443.
 */
import { u16le } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Count, Malformed, Tally } from "../capture/tally";
import { Checksums, fold, sumBytes, Verdict, verifyTransport } from "../net/checksum";
import { deliverOther, transportShort } from "./other";

const CHECKSUM: usize = 2;
const HEADER_BYTES: u32 = 4;
const PROTOCOL_ICMPV6: u32 = 58;

/** Reads an ICMP message. */
export function icmp(p: usize, end: usize, missing: u32): bool {
  const length = <u32>(end - p);
  if (length < HEADER_BYTES) return transportShort(p, end, missing);
  Tally.add(Count.ICMP, 1);
  if (missing == 0 && length <= Checksums.bytesMax && u16le(p + CHECKSUM) != 0) {
    Tally.add(Count.CHECKSUMS, 1);
    if (fold(sumBytes(p, length)) != 0xffff) wrong();
  }
  return deliverOther(p, end, missing);
}

/** Reads an ICMPv6 message, whose checksum covers a pseudo header. */
export function icmpv6(p: usize, end: usize, missing: u32): bool {
  const length = <u32>(end - p);
  if (length < HEADER_BYTES) return transportShort(p, end, missing);
  Tally.add(Count.ICMPV6, 1);
  const field = u16le(p + CHECKSUM);
  if (missing == 0 && length <= Checksums.bytesMax && field != 0) {
    if (verifyTransport(p, length, PROTOCOL_ICMPV6, field) == Verdict.WRONG) wrong();
  }
  return deliverOther(p, end, missing);
}

function wrong(): void {
  Tally.malformed(Malformed.ICMP_CHECKSUM);
  Packet.checksumBad = true;
}
