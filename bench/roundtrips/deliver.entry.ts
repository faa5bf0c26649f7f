/** Stands in for `transport/deliver.ts`: takes what was decoded, so that none of it is decoded in vain, and does nothing with it. */
import { Packet } from "../../assembly/capture/packet";

export class Delivered {
  static packets: u32 = 0;
  static sum: u64 = 0;
}

/** A record begins. */
export function onRecord(): void {
  Delivered.sum += Packet.timeNs;
}

/** A TCP segment. */
export function onTcp(): void {
  Delivered.sum += <u64>Packet.tcpSequence + Packet.tcpAcknowledgment + Packet.tcpFlags + Packet.tcpWindow;
  take();
}

/** A UDP datagram. */
export function onUdp(): void {
  take();
}

/** Every other packet. */
export function onOther(): void {
  take();
}

function take(): void {
  Delivered.packets += 1;
  const ends = i64x2.add(v128.load(Packet.source), v128.load(Packet.destination));
  Delivered.sum += i64x2.extract_lane(ends, 0) + i64x2.extract_lane(ends, 1);
  Delivered.sum += <u64>Packet.sourcePort + Packet.destinationPort + Packet.protocol + Packet.ipId + Packet.fragment;
  Delivered.sum += <u64>Packet.payloadStart + Packet.payloadLength + Packet.payloadCaptured + Packet.wireBytes;
}
