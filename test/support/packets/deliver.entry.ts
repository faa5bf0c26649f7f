/** Stands in for `transport/deliver.ts` in the tests of the packet path: a digest of all that is delivered, and a stop after each packet. */
import { u8At } from "../../../assembly/bytes/reader";
import { Packet } from "../../../assembly/capture/packet";

const MIX: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;

export class Delivered {
  static tcp: u32 = 0;
  static udp: u32 = 0;
  static other: u32 = 0;
  /** Packets without a time. */
  static untimed: u32 = 0;
  static digest: u64 = 0;
  /** Stops the walk after each packet, so that the host can look at it. */
  static stopAlways: bool = false;
  /** What the last one was delivered as: 1 TCP, 2 UDP, 3 other. */
  static kind: u32 = 0;
}

export function onTcp(): void {
  Delivered.tcp += 1;
  mix(<u64>Packet.tcpSequence | ((<u64>Packet.tcpAcknowledgment) << 32));
  mix(<u64>Packet.tcpFlags | ((<u64>Packet.tcpWindow) << 32));
  deliver(1);
}

export function onUdp(): void {
  Delivered.udp += 1;
  deliver(2);
}

export function onOther(): void {
  Delivered.other += 1;
  deliver(3);
}

function mix(value: u64): void {
  Delivered.digest = rotl<u64>((Delivered.digest ^ value) * MIX, 29) + value;
}

function deliver(kind: u32): void {
  Delivered.kind = kind;
  mix(kind);
  mix(Packet.number);
  mix(Packet.stampNs);
  mix(<u64>Packet.wireBytes | ((<u64>Packet.capturedBytes) << 32));
  mix(<u64>Packet.linkType | ((<u64>Packet.interfaceId) << 32));
  mix(<u64>Packet.direction | ((<u64>Packet.depth) << 8) | ((<u64>Packet.vlan) << 16) | ((<u64>Packet.fragment) << 32));
  mix(<u64>Packet.ipVersion | ((<u64>Packet.protocol) << 8) | ((<u64>Packet.checksumBad) << 16) | ((<u64>Packet.ipId) << 32));
  if (Packet.ipVersion != 0) {
    mix(load<u64>(Packet.source));
    mix(load<u64>(Packet.source, 8));
    mix(load<u64>(Packet.destination));
    mix(load<u64>(Packet.destination, 8));
    mix(Packet.hopLimit);
  }
  mix(<u64>Packet.sourcePort | ((<u64>Packet.destinationPort) << 16) | ((<u64>Packet.transportLength) << 32));
  mix(<u64>Packet.payloadLength | ((<u64>Packet.payloadCaptured) << 32));
  mix(<u64>(Packet.transportEnd - Packet.transportStart));
  for (let i: u32 = 0; i < Packet.payloadCaptured; i++) mix(u8At(Packet.payloadStart + i));
  if (Delivered.stopAlways) Packet.stop = true;
}

/** A record begins: nothing hangs on its time here. */
export function onRecord(): void {
  if (!Packet.isTimed) Delivered.untimed += 1;
}
