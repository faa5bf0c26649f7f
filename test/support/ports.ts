/** Captures with a server on another port. Checksums stay as they are: packets with wrong ones are read all the same. */
import { packetRecords } from "./oracle/capture-file";
import { netPacket } from "./oracle/frame";

const TCP = 6;
const UDP = 17;

/** A copy of a capture in which every port of `from`, of TCP and UDP, is `to`. */
export function withPort(capture: Uint8Array, from: ReadonlySet<number>, to: number): Uint8Array {
  const copy = Uint8Array.from(capture);
  for (const { transport, protocol, fragment } of segmentsOf(copy)) {
    if (fragment || (protocol !== TCP && protocol !== UDP) || transport.byteLength < 4) continue;
    for (const at of [0, 2]) if (from.has(transport.getUint16(at))) transport.setUint16(at, to);
  }
  return copy;
}

/** The port of each pair that is used most often: that of the server, whatever the protocol. */
export function serverPorts(capture: Uint8Array): Set<number> {
  const uses = new Map<number, number>();
  const pairs: [number, number][] = [];
  for (const { transport, protocol } of segmentsOf(capture)) {
    if ((protocol !== TCP && protocol !== UDP) || transport.byteLength < 4) continue;
    const pair: [number, number] = [transport.getUint16(0), transport.getUint16(2)];
    pairs.push(pair);
    for (const port of pair) uses.set(port, (uses.get(port) ?? 0) + 1);
  }
  return new Set(pairs.map(([a, b]) => (uses.get(a)! > uses.get(b)! || (uses.get(a)! === uses.get(b)! && a < b) ? a : b)));
}

function* segmentsOf(capture: Uint8Array) {
  for (const record of packetRecords(capture)) {
    const net = netPacket(record);
    if (net) yield net;
  }
}
