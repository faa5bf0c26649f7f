/** Captures of several interfaces, made of the packets of one conversation, each of which passes them in turn. */
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Pcapng, type PcapngOption } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** A packet as one interface shows it. */
export interface Shown extends Captured {
  id: number;
}

const NANOSECONDS: PcapngOption = [9, [9]];

/** A pcapng file of `interfaces` interfaces, its packets in the order of their times. */
export function severalInterfaces(shown: readonly Shown[], interfaces: number, names: readonly string[] = []): Uint8Array {
  const writer = new Pcapng();
  const described = Array.from({ length: interfaces }, (_, id) =>
    writer.interface({ options: names[id] === undefined ? [NANOSECONDS] : [[2, names[id]!], NANOSECONDS] }),
  );
  const ordered = [...shown].sort((a, b) => Number(a.timeNs - b.timeNs));
  return Buffer.concat([
    writer.section(),
    ...described,
    ...ordered.map((packet) => writer.packet(packet, { id: packet.id, unitNs: 1n })),
  ]);
}

/** A packet on interfaces, first at its own time, then each `stepNs` later. */
export function passing(packet: Captured, interfaces: readonly number[], stepNs: bigint): Shown[] {
  return interfaces.map((id, index) => ({ ...packet, id, timeNs: packet.timeNs + BigInt(index) * stepNs }));
}

/** Round trips with their stages. */
export function stagedTrips(file: Uint8Array): RoundTrip[] {
  return readRoundTrips(file, { stages: true });
}
