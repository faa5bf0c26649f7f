/**
 * The packets of a capture file of loopback, cut as a network card would cut them.
 *
 * Loopback carries up to 64 KiB a packet, so that a response is one segment. Here each packet becomes as many as Ethernet would
 * have carried, with the sequence numbers, lengths and checksums of each.
 */
import type { Captured } from "../pcap-builder";

/** Payload of a segment. */
const SEGMENT_BYTES = 1400;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const NANOSECONDS = 0xa1b23c4d;
const ETHERNET_BYTES = 14;
const FIN_AND_PSH = 0x09;

/** Where a packet's parts lie. */
interface Place {
  tcp: number;
  payload: number;
  end: number;
}

/** The packets of a file that tcpdump wrote with nanoseconds, in the byte order of this machine. */
export function packetsOf(file: Uint8Array): Captured[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== NANOSECONDS) throw new Error("not a capture with nanoseconds");
  const packets: Captured[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length; ) {
    const timeNs = BigInt(view.getUint32(at, true)) * 1_000_000_000n + BigInt(view.getUint32(at + 4, true));
    const start = at + RECORD_HEADER_BYTES;
    at = start + view.getUint32(at + 8, true);
    packets.push({ timeNs, bytes: file.subarray(start, at) });
  }
  return packets;
}

function placeOf(bytes: Uint8Array): Place {
  const view = viewOf(bytes);
  const tcp = ETHERNET_BYTES + (bytes[ETHERNET_BYTES]! & 15) * 4;
  return { tcp, payload: tcp + (bytes[tcp + 12]! >> 4) * 4, end: ETHERNET_BYTES + view.getUint16(ETHERNET_BYTES + 2) };
}

/** The ports of a TCP packet over IPv4. */
export function portsOf({ bytes }: Captured): { source: number; destination: number } {
  const { tcp } = placeOf(bytes);
  return { source: viewOf(bytes).getUint16(tcp), destination: viewOf(bytes).getUint16(tcp + 2) };
}

/** Whether a TCP packet over IPv4 carries bytes. */
export function hasPayload({ bytes }: Captured): boolean {
  const { payload, end } = placeOf(bytes);
  return end > payload;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The Internet checksum over these bytes and what was added before. */
function checksum(bytes: Uint8Array, before = 0): number {
  let sum = before;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** One segment: the headers of a packet before `length` bytes of its payload from `from` on. */
function segment(bytes: Uint8Array, { tcp, payload, end }: Place, from: number, length: number): Uint8Array {
  const made = new Uint8Array(payload + length);
  made.set(bytes.subarray(0, payload));
  made.set(bytes.subarray(payload + from, payload + from + length), payload);
  const view = viewOf(made);
  view.setUint16(ETHERNET_BYTES + 2, made.length - ETHERNET_BYTES);
  view.setUint32(tcp + 4, view.getUint32(tcp + 4) + from);
  if (payload + from + length < end) made[tcp + 13]! &= ~FIN_AND_PSH;
  view.setUint16(ETHERNET_BYTES + 10, 0);
  view.setUint16(ETHERNET_BYTES + 10, checksum(made.subarray(ETHERNET_BYTES, tcp)));
  const addresses = made.subarray(ETHERNET_BYTES + 12, ETHERNET_BYTES + 20);
  view.setUint16(tcp + 16, 0);
  const pseudo = (~checksum(addresses) & 0xffff) + 6 + made.length - tcp;
  view.setUint16(tcp + 16, checksum(made.subarray(tcp), pseudo));
  return made;
}

/** Each packet as the segments that it would be; those of one packet are a nanosecond apart. */
export function cut(packets: readonly Captured[]): Captured[] {
  return packets.flatMap(({ timeNs, bytes }) => {
    const place = placeOf(bytes);
    const payloadBytes = place.end - place.payload;
    const parts = Math.max(1, Math.ceil(payloadBytes / SEGMENT_BYTES));
    return Array.from({ length: parts }, (_, index) => {
      const from = index * SEGMENT_BYTES;
      const length = Math.min(SEGMENT_BYTES, payloadBytes - from);
      return { timeNs: timeNs + BigInt(index), bytes: segment(bytes, place, from, length) };
    });
  });
}
