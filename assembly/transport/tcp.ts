/**
 * TCP's header.
 *
 * ```
 * | source u16 | destination u16 | sequence u32 | acknowledgment u32 |
 * | data offset 4, reserved 4 | flags u8 | window u16 | checksum u16 | urgent u16 | options ...
 * ```
 * Source: RFC 9293. A segment with a wrong checksum is counted, marked and read all the same: where captures have them, rewritten
 * addresses and offloading are the cause far more often than damage is.
 */
import { u8At, u16be, u16le, u32be } from "../bytes/reader";
import { Fragment, Packet } from "../capture/packet";
import { Count, Malformed, Tally } from "../capture/tally";
import { Checksums, Verdict, verifyTransport } from "../net/checksum";
import { onTcp } from "./deliver";
import { malformedTransport, transportShort } from "./other";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const SEQUENCE: usize = 4;
const ACKNOWLEDGMENT: usize = 8;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
const CHECKSUM: usize = 16;
const HEADER_BYTES: u32 = 20;
const PROTOCOL_TCP: u32 = 6;

/** Reads a TCP segment. */
export function tcp(p: usize, end: usize, missing: u32): bool {
  const captured = <u32>(end - p);
  if (captured < HEADER_BYTES) return transportShort(p, end, missing);
  const headerBytes = (u8At(p + DATA_OFFSET) >> 4) << 2;
  const length = captured + missing;
  if (headerBytes < HEADER_BYTES || headerBytes > length) return malformedTransport(Malformed.TCP_DATA_OFFSET, p, end, missing);
  Tally.add(Count.TCP, 1);
  if (missing == 0 && length <= Checksums.bytesMax && Packet.fragment != Fragment.FIRST) verify(p, length);
  Packet.sourcePort = u16be(p + SOURCE_PORT);
  Packet.destinationPort = u16be(p + DESTINATION_PORT);
  Packet.tcpSequence = u32be(p + SEQUENCE);
  Packet.tcpAcknowledgment = u32be(p + ACKNOWLEDGMENT);
  Packet.tcpFlags = u8At(p + FLAGS);
  Packet.tcpWindow = u16be(p + WINDOW);
  // Options may be cut off; the payload is then empty and starts where the capture ends.
  const shown = headerBytes < captured ? headerBytes : captured;
  Packet.payloadStart = p + shown;
  Packet.payloadCaptured = captured - shown;
  Packet.payloadLength = length - headerBytes;
  onTcp();
  return true;
}

function verify(p: usize, length: u32): void {
  const field = u16le(p + CHECKSUM);
  if (field == 0) {
    Tally.add(Count.CHECKSUMS_OFFLOADED, 1);
    return;
  }
  const verdict = verifyTransport(p, length, PROTOCOL_TCP, field);
  if (verdict == Verdict.RIGHT) return;
  if (verdict == Verdict.OFFLOADED) {
    Tally.add(Count.CHECKSUMS_OFFLOADED, 1);
    return;
  }
  Tally.malformed(Malformed.TCP_CHECKSUM);
  Packet.checksumBad = true;
}
