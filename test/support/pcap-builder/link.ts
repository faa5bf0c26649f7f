/** Link layers: each gives the bytes of a whole frame, or a layer that lies inside one. */
import { type Bytes, hex, join, number, toBytes, u16, u32 } from "./bytes";
import { type Layer, NO_ADDRESSES } from "./layer";

/** Numbers of link types in capture files. */
export const LINK = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
  linuxCooked2: 276,
};

/** EtherType of a VLAN tag, a service tag, and the older double tag. */
export const TPID = { vlan: 0x8100, service: 0x88a8, old: 0x9100 };

const mac = (text: string) => hex(text.replaceAll(":", ""));

interface EthernetFields {
  source?: string;
  destination?: string;
  /** Type field; by default what the layer above says. */
  type?: number;
  /** Bytes after the payload. */
  trailer?: Bytes;
}

/** An Ethernet frame. */
export function ethernet(above: Layer, fields: EthernetFields = {}): Uint8Array {
  const { source = "02:00:00:00:00:01", destination = "02:00:00:00:00:02", type = above.etherType ?? 0, trailer = [] } = fields;
  return join(mac(destination), mac(source), u16(type), above.encode(NO_ADDRESSES), trailer);
}

/** A VLAN tag inside an Ethernet frame. */
export function vlan(above: Layer, { id = 1, tpid = TPID.vlan, type = above.etherType ?? 0 } = {}): Layer {
  return { etherType: tpid, encode: (under) => join(u16(id), u16(type), above.encode(under)) };
}

/** An 802.3 frame with LLC and SNAP. */
export function llcSnap(above: Layer): Uint8Array {
  const inner = join(hex("aa aa 03 00 00 00"), u16(above.etherType ?? 0), above.encode(NO_ADDRESSES));
  return ethernet({ encode: () => inner }, { type: inner.length });
}

/** Linux cooked capture, version 1. */
export function linuxCooked(above: Layer, { packetType = 0, protocol = above.etherType ?? 0 } = {}): Uint8Array {
  return join(u16(packetType), u16(1), u16(6), hex("020000000001 0000"), u16(protocol), above.encode(NO_ADDRESSES));
}

/** Linux cooked capture, version 2. */
export function linuxCooked2(
  above: Layer,
  { packetType = 0, interfaceIndex = 2, protocol = above.etherType ?? 0 } = {},
): Uint8Array {
  const head = join(u16(protocol), u16(0), u32(interfaceIndex), u16(1), [packetType, 6], hex("020000000001 0000"));
  return join(head, above.encode(NO_ADDRESSES));
}

/** BSD loopback: the family in the byte order of the machine that captured. */
export function loopback(above: Layer, { family = 2, little = true } = {}): Uint8Array {
  return join(number(family, 4, little), above.encode(NO_ADDRESSES));
}

/** PPP in HDLC-like framing. */
export function ppp(above: Layer, protocol = above.etherType === 0x86dd ? 0x0057 : 0x0021): Uint8Array {
  return join([0xff, 0x03], u16(protocol), above.encode(NO_ADDRESSES));
}

/** A packet without a link layer. */
export function rawIp(above: Layer): Uint8Array {
  return toBytes(above.encode(NO_ADDRESSES));
}
