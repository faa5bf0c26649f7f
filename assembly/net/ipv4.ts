/**
 * IPv4.
 *
 * ```
 * | version 4, header length 4 | service u8 | total length u16 |
 * | identification u16 | flags 3, fragment offset 13 |
 * | time to live u8 | protocol u8 | header checksum u16 |
 * | source 4 | destination 4 | options ...
 * ```
 * Source: RFC 791. After the length checks at the top no read here can fail.
 */
import { u8At, u16be } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Count, Malformed, Tally, Undecoded } from "../capture/tally";
import { withoutTransport } from "../transport/other";
import { transport } from "../transport/transport";
import { fold, sumBytes } from "./checksum";
import { fragment, Joined, Taken } from "./fragment";

const VERSION_IHL: usize = 0;
const TOTAL_LENGTH: usize = 2;
const IDENTIFICATION: usize = 4;
const FLAGS_OFFSET: usize = 6;
const TIME_TO_LIVE: usize = 8;
const PROTOCOL: usize = 9;
const HEADER_CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
const HEADER_BYTES: u32 = 20;
const MORE_FRAGMENTS: u32 = 0x2000;
const OFFSET_MASK: u32 = 0x1fff;

/** Reads an IPv4 packet. */
export function ipv4(p: usize, end: usize, missing: u32): bool {
  const captured = <u32>(end - p);
  if (captured < HEADER_BYTES) return ipShort(missing);
  const first = u8At(p + VERSION_IHL);
  const headerBytes = (first & 15) << 2;
  if (first >> 4 != 4 || headerBytes < HEADER_BYTES) return ipv4Malformed(first);
  let total = u16be(p + TOTAL_LENGTH);
  if (total < headerBytes) {
    if (total != 0) return ipMalformed(Malformed.IPV4_TOTAL_LENGTH);
    // Segments that the network card was to cut up are captured with a length of 0.
    total = captured + missing;
  }
  if (captured < headerBytes) return ipShort(missing);
  if (total <= captured) {
    end = p + total;
    missing = 0;
  } else {
    if (total - captured > missing) Tally.malformed(Malformed.IPV4_TOTAL_LENGTH);
    missing = total - captured;
  }
  if (u16be(p + HEADER_CHECKSUM) != 0) verifyHeader(p, headerBytes);
  Tally.add(Count.IPV4, 1);
  Packet.ipVersion = 4;
  Packet.networkStart = p;
  const protocol = u8At(p + PROTOCOL);
  Packet.protocol = protocol;
  Packet.ipId = u16be(p + IDENTIFICATION);
  Packet.hopLimit = u8At(p + TIME_TO_LIVE);
  storeAddress(Packet.source, p + SOURCE);
  storeAddress(Packet.destination, p + DESTINATION);
  const flags = u16be(p + FLAGS_OFFSET) & (MORE_FRAGMENTS | OFFSET_MASK);
  if (flags != 0) return fragmented(flags, protocol, p + headerBytes, end, missing);
  return transport(protocol, p + headerBytes, end, missing);
}

/** Takes a fragment, and reads on where its datagram is whole or the fragment is all there will be. */
function fragmented(flags: u32, protocol: u32, p: usize, end: usize, missing: u32): bool {
  const offset = (flags & OFFSET_MASK) << 3;
  const taken = fragment(offset, (flags & MORE_FRAGMENTS) != 0, (protocol << 8) | 4, protocol, p, end, missing);
  if (taken == Taken.JOINED) return transport(protocol, Joined.start, Joined.start + Joined.length, 0);
  if (taken == Taken.FIRST) return transport(protocol, p, end, missing);
  return withoutTransport(p, end, missing);
}

/** Stores the four bytes at `from` as `::ffff:a.b.c.d`. */
function storeAddress(to: usize, from: usize): void {
  store<u64>(to, 0);
  store<u64>(to, ((<u64>load<u32>(from)) << 32) | 0xffff0000, 8);
}

/** Verifies the header checksum; 0 was left to the network card and is not asked about. */
function verifyHeader(p: usize, headerBytes: u32): void {
  const a = load<u64>(p);
  const b = load<u64>(p, 8);
  let sum = (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) + <u64>load<u32>(p, 16);
  if (headerBytes > HEADER_BYTES) sum += sumBytes(p + HEADER_BYTES, headerBytes - HEADER_BYTES);
  if (fold(sum) == 0xffff) return;
  Tally.malformed(Malformed.IPV4_CHECKSUM);
  Packet.checksumBad = true;
}

/** Counts what is wrong with the first byte of a header. */
function ipv4Malformed(first: u32): bool {
  return ipMalformed(first >> 4 != 4 ? Malformed.IP_VERSION : Malformed.IPV4_HEADER_LENGTH);
}

/** Counts an IP header that breaks its format. */
export function ipMalformed(reason: u32): bool {
  Tally.malformed(reason);
  return false;
}

/** Counts an IP header that does not fit: cut by the capture, or too short on the wire. */
export function ipShort(missing: u32): bool {
  if (missing != 0) Tally.undecoded(Undecoded.IP_CUT);
  else Tally.malformed(Malformed.IP_SHORT);
  return false;
}
