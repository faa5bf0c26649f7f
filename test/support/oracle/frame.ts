/** Finds the transport segment in a frame: Ethernet, VLAN, Linux cooked, loopback, raw; IPv4, IPv6. */
import { type PacketRecord, part } from "./capture-file";

/** A UDP datagram or a TCP segment with what lies below it. */
export interface Segment {
  timeNs: bigint;
  protocol: "tcp" | "udp";
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  /** TCP only. */
  sequence: number;
  flags: number;
  /** What was captured of the payload. */
  payload: Uint8Array;
  /** How long the payload was on the wire. */
  payloadBytes: number;
}

/** The addresses and the packet of the transport layer, before it is looked into. */
export interface NetPacket {
  version: 4 | 6;
  source: string;
  destination: string;
  protocol: number;
  transport: DataView;
  /** How long the transport part was on the wire. */
  transportBytes: number;
  fragment: boolean;
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/** Type and place of what an Ethernet or cooked header carries. */
function linkPayload({ linkType, bytes }: PacketRecord): { type: number; at: number } {
  if (linkType === 1) {
    let at = 12;
    while ([0x8100, 0x88a8, 0x9100].includes(bytes.getUint16(at))) at += 4;
    return { type: bytes.getUint16(at), at: at + 2 };
  }
  if (linkType === 113) return { type: bytes.getUint16(14), at: 16 };
  if (linkType === 276) return { type: bytes.getUint16(0), at: 20 };
  const at = linkType === 0 || linkType === 108 ? 4 : 0;
  return { type: bytes.getUint8(at) >> 4 === 6 ? IPV6 : IPV4, at };
}

function ipv4Text(view: DataView, at: number): string {
  return [0, 1, 2, 3].map((index) => view.getUint8(at + index)).join(".");
}

/** An IPv6 address in the form of RFC 5952. */
function ipv6Text(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + 2 * index).toString(16)).join(":");
  const zeros = [...groups.matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0];
  if (!zeros) return groups;
  const head = groups.slice(0, zeros.index).replace(/:$/, "");
  return `${head}::${groups.slice(zeros.index + zeros[0].length).replace(/^:/, "")}`;
}

function ipv4Packet(view: DataView): NetPacket {
  const headBytes = (view.getUint8(0) & 15) * 4;
  const totalBytes = view.getUint16(2);
  const fragment = (view.getUint16(6) & 0x3fff) !== 0;
  return {
    version: 4,
    source: ipv4Text(view, 12),
    destination: ipv4Text(view, 16),
    protocol: view.getUint8(9),
    transport: part(view, headBytes, totalBytes),
    transportBytes: totalBytes - headBytes,
    fragment,
  };
}

function ipv6Packet(view: DataView): NetPacket {
  let protocol = view.getUint8(6);
  let at = 40;
  let fragment = false;
  const end = 40 + view.getUint16(4);
  while ([0, 43, 44, 60].includes(protocol)) {
    const isFragment = protocol === 44;
    if (isFragment) fragment = (view.getUint16(at + 2) & 0xfff9) !== 0;
    protocol = view.getUint8(at);
    at += isFragment ? 8 : (view.getUint8(at + 1) + 1) * 8;
  }
  const [source, destination] = [ipv6Text(view, 8), ipv6Text(view, 24)];
  return { version: 6, source, destination, protocol, transport: part(view, at, end), transportBytes: end - at, fragment };
}

/** The network packet of a record; undefined where there is none that this count knows. */
export function netPacket(record: PacketRecord): NetPacket | undefined {
  try {
    const { type, at } = linkPayload(record);
    const view = part(record.bytes, at);
    if (type === IPV4 && view.getUint8(0) >> 4 === 4) return ipv4Packet(view);
    if (type === IPV6 && view.getUint8(0) >> 4 === 6) return ipv6Packet(view);
  } catch (error) {
    // A header that the capture cut off.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/** The UDP datagram or TCP segment in a network packet; undefined for anything else. */
export function segmentOf(
  timeNs: bigint,
  { source, destination, protocol, transport, transportBytes, fragment }: NetPacket,
): Segment | undefined {
  const isTcp = protocol === 6;
  if ((!isTcp && protocol !== 17) || fragment || transport.byteLength < (isTcp ? 20 : 8)) return undefined;
  const headBytes = isTcp ? (transport.getUint8(12) >> 4) * 4 : 8;
  const payload = part(transport, headBytes);
  return {
    timeNs,
    protocol: isTcp ? "tcp" : "udp",
    source,
    destination,
    sourcePort: transport.getUint16(0),
    destinationPort: transport.getUint16(2),
    sequence: isTcp ? transport.getUint32(4) : 0,
    flags: isTcp ? transport.getUint8(13) : 0,
    payload: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength),
    payloadBytes: transportBytes - headBytes,
  };
}
