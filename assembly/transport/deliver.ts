/** Takes each packet once it is decoded, what it is standing in `Packet`: into its flow, and on to what it carries. */
import { Minute } from "../aggregate/minute";
import { Packet } from "../capture/packet";
import { captureTurn } from "../modules/capture";
import { NetMetrics } from "../modules/net";
import { Pending } from "../roundtrip/pending";
import { Events, reportExpired } from "../roundtrip/report";
import { onSegment } from "../stream/connection";
import { onDatagram } from "../stream/datagram";
import { flowOfPacket, giveUpOverdueHoles } from "../stream/flows";
import { Lookup } from "../stream/table";
import { bundlesHaveRoom } from "../wire/queue";

/** A record begins: its minute comes into use, and what its time makes due is done. */
export function onRecord(): void {
  Minute.packet(Packet.timeNs);
  captureTurn();
  passTime();
}

/** Does what is due at the latest packet time. */
export function passTime(): void {
  const nowNs = Minute.clockNs;
  // Holes first: a request whose response lay in one has not timed out.
  giveUpOverdueHoles(nowNs);
  if (nowNs >= Pending.nextDeadlineNs) reportExpired(nowNs);
}

/** A TCP segment whose header could be read. */
export function onTcp(): void {
  const flow = flowOfPacket();
  onSegment(flow, Lookup.side);
  endPacket();
}

/** A UDP datagram whose header could be read. */
export function onUdp(): void {
  const flow = flowOfPacket();
  onDatagram(flow, Lookup.side);
  endPacket();
}

/** Every other packet: `Packet.ipVersion` is 0 where there was no IP header. */
export function onOther(): void {
  if (Packet.ipVersion != 0) flowOfPacket();
  else NetMetrics.withoutFlow(Packet.direction == 0 ? 2 : Packet.direction - 1, Packet.wireBytes);
  endPacket();
}

/** Stops the walk where the next packet might find no room for its events or bundles. */
function endPacket(): void {
  if (Events.halfFull || !bundlesHaveRoom()) Packet.stop = true;
}
