/** Transport layers, with the checksums that the addresses below give. */
import { type Bytes, checksum, join, toBytes, u16, u32 } from "./bytes";
import type { Addresses, Layer } from "./layer";

function pseudoHeader(under: Addresses, protocol: number, length: number): Uint8Array {
  return join(under.source, under.destination, u32(length), u32(protocol));
}

/** UDP (RFC 768); `checksum` 0 leaves it out. */
export function udp(
  payload: Bytes,
  fields: { sourcePort?: number; destinationPort?: number; checksum?: number; length?: number } = {},
): Layer {
  const body = toBytes(payload);
  const encode = (under: Addresses) => {
    const head = join(u16(fields.sourcePort ?? 40000), u16(fields.destinationPort ?? 53), u16(fields.length ?? body.length + 8));
    const sum = fields.checksum ?? (checksum(pseudoHeader(under, 17, body.length + 8), head, body) || 0xffff);
    return join(head, u16(sum), body);
  };
  return { protocol: 17, encode };
}

/** TCP's flags by their letters in tcpdump, `.` being ACK. */
const FLAG: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, ".": 16, U: 32, E: 64, W: 128 };

interface TcpFields {
  sourcePort?: number;
  destinationPort?: number;
  sequence?: number;
  acknowledgment?: number;
  /** Letters as tcpdump shows them: S, F, R, P, U, `.` for ACK. */
  flags?: string;
  window?: number;
  /** A multiple of 4 bytes. */
  options?: Bytes;
  urgent?: number;
  checksum?: number;
}

/** TCP (RFC 9293). */
export function tcp(payload: Bytes, fields: TcpFields = {}): Layer {
  const {
    sourcePort = 40000,
    destinationPort = 80,
    sequence = 1,
    acknowledgment = 0,
    flags = ".",
    window = 65535,
    urgent = 0,
  } = fields;
  const body = toBytes(payload);
  const options = toBytes(fields.options ?? []);
  const bits = [...flags].reduce((all, letter) => all | (FLAG[letter] ?? 0), 0);
  const encode = (under: Addresses) => {
    const ports = join(u16(sourcePort), u16(destinationPort), u32(sequence >>> 0), u32(acknowledgment >>> 0));
    const head = join(ports, [((20 + options.length) / 4) << 4, bits], u16(window));
    const tail = join(u16(urgent), options);
    const length = head.length + 2 + tail.length + body.length;
    const sum = fields.checksum ?? checksum(pseudoHeader(under, 6, length), head, tail, body);
    return join(head, u16(sum), tail, body);
  };
  return { protocol: 6, encode };
}

/** ICMP for IPv4, or with `version` 6 for IPv6. */
export function icmp(type: number, code: number, content: Bytes, version: 4 | 6 = 4): Layer {
  const body = toBytes(content);
  const protocol = version === 6 ? 58 : 1;
  const encode = (under: Addresses) => {
    const pseudo = version === 6 ? [pseudoHeader(under, 58, body.length + 4)] : [];
    return join([type, code], u16(checksum(...pseudo, Uint8Array.of(type, code), body)), body);
  };
  return { protocol, encode };
}

/** An SCTP common header before chunks, its CRC left zero. */
export function sctp(chunks: Bytes, { sourcePort = 40000, destinationPort = 3868 } = {}): Layer {
  return { protocol: 132, encode: () => join(u16(sourcePort), u16(destinationPort), u32(1), u32(0), chunks) };
}
