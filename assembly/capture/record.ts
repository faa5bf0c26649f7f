/** One packet record: fills the capture part of `Packet` and sends it through the layers. */
import { Window } from "../bytes/window";
import { ethernet } from "../link/ethernet";
import { link } from "../link/link";
import { onOther, onRecord } from "../transport/deliver";
import { Packet } from "./packet";
import { PacketFilter } from "./packet-filter";
import { Count, Tally } from "./tally";

const LINKTYPE_ETHERNET: u32 = 1;

/**
 * Takes a record of `captured` bytes at `start`, `wire` bytes long on the wire, its time in `Packet.timeNs`.
 *
 * `captured` may exceed `wire` in a capture that lies: then all that is there is read. What a filter does not take is as if it had not
 * been captured.
 */
export function record(start: usize, captured: u32, wire: u32, linkType: u32): void {
  if (PacketFilter.isOn && !PacketFilter.takes(start, captured, wire, linkType)) return;
  onRecord();
  const end = start + captured;
  const missing = wire > captured ? wire - captured : 0;
  Packet.number += 1;
  Packet.start = start;
  Packet.end = end;
  Packet.wireBytes = wire;
  Packet.linkType = linkType;
  Packet.depth = 0;
  Packet.layers = 0;
  Packet.vlan = 0;
  Packet.ipVersion = 0;
  Packet.fragment = 0;
  Packet.checksumBad = false;
  Tally.add(Count.PACKETS, 1);
  Tally.add(Count.WIRE_BYTES, wire);
  Tally.add(Count.CAPTURED_BYTES, captured);
  if (missing != 0) Tally.add(Count.TRUNCATED, 1);
  Window.open(start, captured);
  const found = linkType == LINKTYPE_ETHERNET ? ethernet(start, end, missing) : link(linkType, start, end, missing);
  if (!found) withoutNetwork();
}

/** Hands on a packet in which no IP header could be read. */
function withoutNetwork(): void {
  Packet.ipVersion = 0;
  Packet.protocol = 0;
  Packet.ipId = 0;
  Packet.sourcePort = 0;
  Packet.destinationPort = 0;
  Packet.transportLength = 0;
  Packet.payloadLength = 0;
  Packet.payloadCaptured = 0;
  Packet.networkStart = Packet.start;
  Packet.transportStart = Packet.end;
  Packet.transportEnd = Packet.end;
  Packet.payloadStart = Packet.end;
  Tally.add(Count.OTHER_NETWORK, 1);
  onOther();
}
