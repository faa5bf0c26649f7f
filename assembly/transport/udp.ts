/**
 * UDP's header, and the tunnels known by their port.
 *
 * ```
 * | source u16 | destination u16 | length u16, header included | checksum u16 |
 * ```
 * Source: RFC 768. A datagram with a wrong checksum is counted, marked and read all the same, as in TCP.
 */
import { u16be, u16le } from "../bytes/reader";
import { Fragment, Packet } from "../capture/packet";
import { Count, Malformed, Tally } from "../capture/tally";
import { Checksums, Verdict, verifyTransport } from "../net/checksum";
import { onUdp } from "./deliver";
import { throughTunnel, tunnelOfPort } from "./encapsulation";
import { malformedTransport, transportShort } from "./other";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const LENGTH: usize = 4;
const CHECKSUM: usize = 6;
const HEADER_BYTES: u32 = 8;
const PROTOCOL_UDP: u32 = 17;

/** First and last of the ports that tunnels use; all are looked at more closely. */
const TUNNEL_PORT_FIRST: u32 = 4754;
const TUNNEL_PORT_LAST: u32 = 8472;

/** Reads a UDP datagram. */
export function udp(p: usize, end: usize, missing: u32): bool {
  const captured = <u32>(end - p);
  if (captured < HEADER_BYTES) return transportShort(p, end, missing);
  const available = captured + missing;
  let length = u16be(p + LENGTH);
  if (length != available) {
    // 0 stands for a jumbogram, or for a datagram that the network card was to cut up.
    if (length == 0) length = available;
    else if (length < HEADER_BYTES) return malformedTransport(Malformed.UDP_LENGTH, p, end, missing);
    if (length > available) {
      if (Packet.fragment != Fragment.FIRST) Tally.malformed(Malformed.UDP_LENGTH);
      missing += length - available;
    } else if (length <= captured) {
      end = p + length;
      missing = 0;
    } else missing = length - captured;
    Packet.transportEnd = end;
    Packet.transportLength = length;
  }
  Tally.add(Count.UDP, 1);
  if (missing == 0 && length <= Checksums.bytesMax) verify(p, length);
  const sourcePort = u16be(p + SOURCE_PORT);
  const destinationPort = u16be(p + DESTINATION_PORT);
  Packet.sourcePort = sourcePort;
  Packet.destinationPort = destinationPort;
  Packet.payloadStart = p + HEADER_BYTES;
  Packet.payloadCaptured = <u32>(end - p) - HEADER_BYTES;
  Packet.payloadLength = length - HEADER_BYTES;
  if (mayTunnel(sourcePort) || mayTunnel(destinationPort)) {
    if (tunnelled(sourcePort, destinationPort, p + HEADER_BYTES, end, missing)) return true;
  }
  onUdp();
  return true;
}

function mayTunnel(port: u32): bool {
  return port - TUNNEL_PORT_FIRST <= TUNNEL_PORT_LAST - TUNNEL_PORT_FIRST;
}

/** Tries the payload as that of a tunnel, by the destination's port and then by the source's. */
function tunnelled(sourcePort: u32, destinationPort: u32, p: usize, end: usize, missing: u32): bool {
  const byDestination = tunnelOfPort(destinationPort);
  if (byDestination != 0) return throughTunnel(byDestination, p, end, missing);
  const bySource = tunnelOfPort(sourcePort);
  return bySource != 0 && throughTunnel(bySource, p, end, missing);
}

function verify(p: usize, length: u32): void {
  const field = u16le(p + CHECKSUM);
  if (field == 0) {
    Tally.add(Count.CHECKSUMS_OFFLOADED, 1);
    return;
  }
  const verdict = verifyTransport(p, length, PROTOCOL_UDP, field);
  if (verdict == Verdict.RIGHT) return;
  if (verdict == Verdict.OFFLOADED) {
    Tally.add(Count.CHECKSUMS_OFFLOADED, 1);
    return;
  }
  Tally.malformed(Malformed.UDP_CHECKSUM);
  Packet.checksumBad = true;
}
