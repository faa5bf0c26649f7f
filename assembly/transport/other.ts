/** Packets with an IP header whose transport has no ports, or cannot be read. */
import { Packet } from "../capture/packet";
import { Count, Malformed, Tally, Undecoded } from "../capture/tally";
import { onOther } from "./deliver";

/** Hands on a packet whose transport is not read, by layer. */
export function otherTransport(layer: u32, p: usize, end: usize, missing: u32): bool {
  Tally.undecoded(layer);
  return withoutTransport(p, end, missing);
}

/** Hands on a packet whose transport breaks its format. */
export function malformedTransport(reason: u32, p: usize, end: usize, missing: u32): bool {
  Tally.malformed(reason);
  return withoutTransport(p, end, missing);
}

/** Hands on a packet whose transport header does not fit: cut by the capture, or too short on the wire. */
export function transportShort(p: usize, end: usize, missing: u32): bool {
  if (missing != 0) return otherTransport(Undecoded.TRANSPORT_CUT, p, end, missing);
  return malformedTransport(Malformed.TRANSPORT_SHORT, p, end, missing);
}

/** Hands on a packet that has addresses and nothing behind them that can be read. */
export function withoutTransport(p: usize, end: usize, missing: u32): bool {
  Tally.add(Count.OTHER_TRANSPORT, 1);
  return deliverOther(p, end, missing);
}

/** Hands on a packet without ports; its payload is all that follows IP. */
export function deliverOther(p: usize, end: usize, missing: u32): bool {
  Packet.transportStart = p;
  Packet.transportEnd = end;
  Packet.transportLength = <u32>(end - p) + missing;
  Packet.payloadStart = p;
  Packet.payloadCaptured = <u32>(end - p);
  Packet.payloadLength = Packet.transportLength;
  Packet.sourcePort = 0;
  Packet.destinationPort = 0;
  onOther();
  return true;
}
