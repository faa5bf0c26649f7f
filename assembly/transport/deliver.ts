/** Takes each packet once it is decoded, what it is standing in `Packet`: into its flow, and on to what it carries. */
import { Minute } from "../aggregate/minute";
import { Packet } from "../capture/packet";
import { captureTurn } from "../modules/capture";
import { NetMetrics } from "../modules/net";
import { Events } from "../roundtrip/events";
import { Pending, pendingSince } from "../roundtrip/pending";
import { reportExpired } from "../roundtrip/report";
import { Held } from "../roundtrip/stages";
import { onSegment } from "../stream/connection";
import { onDatagram } from "../stream/datagram";
import { flowOfPacket, giveUpOverdueHoles } from "../stream/flows";
import { Holes } from "../stream/holes";
import { Lookup } from "../stream/table";
import { bundlesHaveRoom } from "../wire/queue";

/** A record begins: its minute comes into use, and what its time makes due is done. Without a time it moves no clock. */
export function onRecord(): void {
  if (Packet.isTimed) {
    if (Minute.isUndated) startWaits(Packet.timeNs);
    Minute.packet(Packet.timeNs);
  } else {
    Minute.withoutTime();
    Packet.timeNs = Minute.clockNs;
  }
  captureTurn();
  passTime();
}

/** Does what is due at the latest packet time. */
export function passTime(): void {
  const nowNs = Minute.clockNs;
  // Holes first: a request whose response lay in one has not timed out.
  giveUpOverdueHoles(nowNs);
  if (nowNs >= Pending.nextDeadlineNs) reportExpired(nowNs);
  if (nowNs >= Held.dueNs) Held.release(nowNs);
}

/** The first time of the input: what was read before it waits from now on. */
function startWaits(nowNs: u64): void {
  pendingSince(nowNs);
  Holes.since(nowNs);
}

/** A TCP segment whose header could be read. */
export function onTcp(): void {
  const flow = flowOfPacket();
  if (changetype<usize>(flow) != 0) onSegment(flow, Lookup.side);
  endPacket();
}

/** A UDP datagram whose header could be read. */
export function onUdp(): void {
  const flow = flowOfPacket();
  if (changetype<usize>(flow) != 0) onDatagram(flow, Lookup.side);
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
