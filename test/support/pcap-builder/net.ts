/** Network layers and tunnels. */
import { address, type Bytes, checksum, join, number, toBytes, u16, u32 } from "./bytes";
import { type Layer, NO_ADDRESSES } from "./layer";

interface Ipv4Fields {
  source?: string;
  destination?: string;
  id?: number;
  ttl?: number;
  /** Protocol field; by default what the layer above says. */
  protocol?: number;
  moreFragments?: boolean;
  dontFragment?: boolean;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  /** A multiple of 4 bytes. */
  options?: Bytes;
  /** Header checksum, total length where they are to be wrong. */
  checksum?: number;
  totalLength?: number;
}

/** IPv4 (RFC 791) with its header checksum. */
export function ipv4(above: Layer, fields: Ipv4Fields = {}): Layer {
  const { id = 0, ttl = 64, protocol = above.protocol ?? 0, moreFragments, dontFragment, fragmentOffset = 0 } = fields;
  const source = address(fields.source ?? "192.0.2.1");
  const destination = address(fields.destination ?? "192.0.2.2");
  const encode = () => {
    const payload = above.encode({ source, destination });
    const options = toBytes(fields.options ?? []);
    const headerBytes = 20 + options.length;
    const flags = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0) | (fragmentOffset >> 3);
    const start = join(
      [0x40 | (headerBytes >> 2), 0],
      u16(fields.totalLength ?? headerBytes + payload.length),
      u16(id),
      u16(flags),
    );
    const head = join(start, [ttl, protocol]);
    const tail = join(source, destination, options);
    return join(head, u16(fields.checksum ?? checksum(head, tail)), tail, payload);
  };
  return { etherType: 0x0800, protocol: 4, encode };
}

interface Ipv6Fields {
  source?: string;
  destination?: string;
  hopLimit?: number;
  flowLabel?: number;
  nextHeader?: number;
  payloadLength?: number;
}

/** IPv6 (RFC 8200). */
export function ipv6(above: Layer, fields: Ipv6Fields = {}): Layer {
  const { hopLimit = 64, flowLabel = 0, nextHeader = above.protocol ?? 59 } = fields;
  const source = address(fields.source ?? "2001:db8::1");
  const destination = address(fields.destination ?? "2001:db8::2");
  const encode = () => {
    const payload = above.encode({ source, destination });
    const length = u16(fields.payloadLength ?? payload.length);
    return join(u32(0x60000000 | flowLabel), length, [nextHeader, hopLimit], source, destination, payload);
  };
  return { etherType: 0x86dd, protocol: 41, encode };
}

/** An IPv6 extension header of `bytes` (6 or 8n + 6) content: hop-by-hop 0, routing 43, destination 60. */
export function ipv6Extension(above: Layer, kind: 0 | 43 | 60, content: Bytes = [1, 4, 0, 0, 0, 0]): Layer {
  const bytes = toBytes(content);
  return {
    protocol: kind,
    encode: (under) => join([above.protocol ?? 59, (bytes.length + 2) / 8 - 1], bytes, above.encode(under)),
  };
}

/** An IPv6 fragment header; `offset` in bytes, a multiple of 8. */
export function ipv6Fragment(above: Layer, { offset = 0, more = false, id = 1, nextHeader = above.protocol ?? 59 } = {}): Layer {
  return { protocol: 44, encode: (under) => join([nextHeader, 0], u16(offset | (more ? 1 : 0)), u32(id), above.encode(under)) };
}

/** GRE (RFC 2784, 2890), with key or sequence number where given. */
export function gre(above: Layer, { key, sequence }: { key?: number; sequence?: number } = {}): Layer {
  const flags = (key === undefined ? 0 : 0x2000) | (sequence === undefined ? 0 : 0x1000);
  const optional = [key, sequence].filter((value) => value !== undefined).map(u32);
  return { protocol: 47, encode: () => join(u16(flags), u16(above.etherType ?? 0), ...optional, above.encode(NO_ADDRESSES)) };
}

/** VXLAN (RFC 7348) around an Ethernet frame; goes into UDP port 4789. */
export function vxlan(frame: Bytes, network = 1): Uint8Array {
  return join([8, 0, 0, 0], number(network, 3), [0], frame);
}

/** Geneve (RFC 8926) around an Ethernet frame; goes into UDP port 6081. */
export function geneve(frame: Bytes, { network = 1, options = [] as Bytes, protocol = 0x6558 } = {}): Uint8Array {
  const extra = toBytes(options);
  return join([extra.length / 4, 0], u16(protocol), number(network, 3), [0], extra, frame);
}
