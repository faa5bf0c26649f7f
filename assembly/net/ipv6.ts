/**
 * IPv6 and its extension headers.
 *
 * ```
 * | version 4, class 8, flow label 20 | payload length u16 | next header u8 | hop limit u8 | source 16 | destination 16 |
 * extension: | next header u8 | length u8, in 8 bytes, without the first 8 | ...
 * ```
 * Source: RFC 8200; AH: RFC 4302, whose length counts 4 bytes, without the first 8.
 */
import { u8At, u16be, u32be } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Count, Malformed, Tally, Undecoded } from "../capture/tally";
import { malformedTransport, otherTransport, withoutTransport } from "../transport/other";
import { transport } from "../transport/transport";
import { fragment, Joined, Taken } from "./fragment";
import { ipMalformed, ipShort } from "./ipv4";

const PAYLOAD_LENGTH: usize = 4;
const NEXT_HEADER: usize = 6;
const HOP_LIMIT: usize = 7;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;
const HEADER_BYTES: u32 = 40;
const EXTENSION_LENGTH: usize = 1;
const EXTENSION_BYTES_MIN: u32 = 8;

/** Fragment header: | next u8 | reserved u8 | offset 13, reserved 2, more 1 | identification u32 | */
const FRAGMENT_OFFSET: usize = 2;
const FRAGMENT_IDENTIFICATION: usize = 4;
const OFFSET_MASK: u32 = 0xfff8;
const MORE_FRAGMENTS: u32 = 1;

/** Most extension headers of a packet that are gone through: RFC 8200 has none twice but one, fuzzers have hundreds. */
const EXTENSIONS_MAX: u32 = 32;

enum Header {
  HOP_BY_HOP = 0,
  ROUTING = 43,
  FRAGMENT = 44,
  AUTHENTICATION = 51,
  NO_NEXT = 59,
  DESTINATION = 60,
  MOBILITY = 135,
  HOST_IDENTITY = 139,
  SHIM6 = 140,
}

/** Reads an IPv6 packet. */
export function ipv6(p: usize, end: usize, missing: u32): bool {
  const captured = <u32>(end - p);
  if (captured < HEADER_BYTES) return ipShort(missing);
  if (u8At(p) >> 4 != 6) return ipMalformed(Malformed.IP_VERSION);
  // A length of 0 is a jumbogram, or a segment that the network card was to cut up: it takes the rest of the frame.
  const payload = u16be(p + PAYLOAD_LENGTH);
  const total = payload == 0 ? captured + missing : payload + HEADER_BYTES;
  if (total <= captured) {
    end = p + total;
    missing = 0;
  } else {
    if (total - captured > missing) Tally.malformed(Malformed.IPV6_PAYLOAD_LENGTH);
    missing = total - captured;
  }
  Tally.add(Count.IPV6, 1);
  Packet.ipVersion = 6;
  Packet.networkStart = p;
  Packet.ipId = 0;
  Packet.hopLimit = u8At(p + HOP_LIMIT);
  v128.store(Packet.source, v128.load(p, SOURCE));
  v128.store(Packet.destination, v128.load(p, DESTINATION));
  return ipv6Next(u8At(p + NEXT_HEADER), p + HEADER_BYTES, end, missing);
}

/** Goes through the extension headers at `p`, of which `next` is the first, to the transport. */
export function ipv6Next(next: u32, p: usize, end: usize, missing: u32): bool {
  for (let count: u32 = 0; count < EXTENSIONS_MAX; count++) {
    Packet.protocol = next;
    switch (next) {
      case Header.HOP_BY_HOP:
      case Header.ROUTING:
      case Header.DESTINATION:
      case Header.MOBILITY:
      case Header.HOST_IDENTITY:
      case Header.SHIM6:
      case Header.AUTHENTICATION:
        break;
      case Header.FRAGMENT:
        if (p + EXTENSION_BYTES_MIN > end) return extensionShort(p, end, missing);
        return fragmented(p, end, missing);
      case Header.NO_NEXT:
        return otherTransport(Undecoded.IPV6_NO_NEXT, p, end, missing);
      default:
        return transport(next, p, end, missing);
    }
    if (p + EXTENSION_BYTES_MIN > end) return extensionShort(p, end, missing);
    const length = u8At(p + EXTENSION_LENGTH);
    const bytes = next == Header.AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
    next = u8At(p);
    if (p + bytes > end) return extensionShort(p, end, missing);
    p += bytes;
  }
  return otherTransport(Undecoded.IPV6_EXTENSIONS, p, end, missing);
}

/** Takes a fragment by its header at `p`, and reads on where its datagram is whole or the fragment is all there will be. */
function fragmented(p: usize, end: usize, missing: u32): bool {
  const next = u8At(p);
  const field = u16be(p + FRAGMENT_OFFSET);
  const offset = field & OFFSET_MASK;
  const more = (field & MORE_FRAGMENTS) != 0;
  Packet.ipId = u32be(p + FRAGMENT_IDENTIFICATION);
  Packet.protocol = next;
  p += EXTENSION_BYTES_MIN;
  // A fragment that is all of its datagram (RFC 6946).
  if (offset == 0 && !more) return ipv6Next(next, p, end, missing);
  const taken = fragment(offset, more, 6, next, p, end, missing);
  if (taken == Taken.JOINED) return ipv6Next(Joined.protocol, Joined.start, Joined.start + Joined.length, 0);
  if (taken == Taken.FIRST) return ipv6Next(next, p, end, missing);
  return withoutTransport(p, end, missing);
}

/** Counts an extension header that does not fit, and hands the packet on without a transport. */
function extensionShort(p: usize, end: usize, missing: u32): bool {
  if (missing != 0) return otherTransport(Undecoded.IP_CUT, p, end, missing);
  return malformedTransport(Malformed.IPV6_EXTENSION, p, end, missing);
}
