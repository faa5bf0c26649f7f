/**
 * Turns the project's captures, all taken on one machine, into what several sites with many clients would have seen just now.
 *
 * Every conversation gets a client of its site and another one each minute; neighbouring sites share half of their clients.
 * Times move, addresses and checksums change, nothing else.
 */
import { type PacketRecord, packetRecords } from "../../test/support/oracle/capture-file";
import { address, join } from "../../test/support/pcap-builder/bytes";
import { Pcapng, type PcapngOption } from "../../test/support/pcap-builder/file";

/** One site and the clients that are seen there. */
export interface Site {
  name: string;
  /** Number of its first client. */
  firstClient: number;
  clients: number;
}

/** Three sites on three continents; each shares half of its clients with the next. */
export const SITES: readonly Site[] = [
  { name: "fra", firstClient: 0, clients: 600 },
  { name: "sin", firstClient: 300, clients: 600 },
  { name: "gru", firstClient: 600, clients: 600 },
];

/** What of a minute the first packets of its captures are spread over: none is longer than what is left. */
const SPREAD_NS = 50_000_000_000n;
/** Few connections stand beside many queries: their clients are spread so that neighbouring sites share them too. */
const CONNECTION_STEP = 25;
const MINUTE_NS = 60_000_000_000n;
const ETHERNET = 1;
const TCP = 6;
const IP_OFFSET: Record<number, number> = { 1: 14, 276: 20 };
const NANOSECONDS: PcapngOption[] = [[9, [9]]];

/** The client with this number, as the bytes of an IPv4 or IPv6 address. */
function clientAddress(number: number, bytes: number): Uint8Array {
  const [high, low] = [number >> 8, number & 255];
  return bytes === 4 ? Uint8Array.of(10, 0, high, low) : join(address("2001:db8::"), []).fill(high, 14, 15).fill(low, 15, 16);
}

function serverAddress(bytes: number): Uint8Array {
  return address(bytes === 4 ? "192.0.2.53" : "2001:db8:53::53");
}

/** Adds the change of `before` into `after` to the checksum at `at` (RFC 1624). */
function patchChecksum(packet: DataView, at: number, before: Uint8Array, after: Uint8Array): void {
  if (at + 2 > packet.byteLength) return;
  let sum = ~packet.getUint16(at) & 0xffff;
  for (let index = 0; index < before.length; index += 2) {
    sum += ~((before[index]! << 8) | before[index + 1]!) & 0xffff;
    sum += (after[index]! << 8) | after[index + 1]!;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.setUint16(at, ~sum & 0xffff);
}

/** Where the parts of a frame lie that are looked at. */
interface Places {
  isIpv6: boolean;
  source: number;
  addressBytes: number;
  transport: number;
  protocol: number;
}

function placesOf(packet: DataView, linkType: number): Places {
  const ip = IP_OFFSET[linkType]!;
  const isIpv6 = packet.getUint8(ip) >> 4 === 6;
  if (isIpv6) return { isIpv6, source: ip + 8, addressBytes: 16, transport: ip + 40, protocol: packet.getUint8(ip + 6) };
  const transport = ip + (packet.getUint8(ip) & 15) * 4;
  return { isIpv6, source: ip + 12, addressBytes: 4, transport, protocol: packet.getUint8(ip + 9) };
}

/** Who began each conversation of a capture: its first sender. One resolver's socket stands for many clients, told apart by the DNS id. */
class Conversations {
  private readonly clients = new Map<string, { port: number; number: number }>();

  /** Number of the packet's conversation, and whether its client sent it. */
  find(packet: DataView, { transport, protocol }: Places): { number: number; fromClient: boolean } {
    const [source, destination] = [packet.getUint16(transport), packet.getUint16(transport + 2)];
    const id = protocol === TCP ? 0 : packet.getUint16(transport + 8);
    const key = [Math.min(source, destination), Math.max(source, destination), id].join(" ");
    const known = this.clients.get(key) ?? { port: source, number: this.clients.size };
    this.clients.set(key, known);
    return { number: known.number, fromClient: known.port === source };
  }
}

function replace(packet: DataView, places: Places, at: number, after: Uint8Array): void {
  const field = new Uint8Array(packet.buffer, packet.byteOffset + at, after.length);
  const before = field.slice();
  field.set(after);
  const checksum = places.transport + (places.protocol === TCP ? 16 : 6);
  const isLeftOut = places.protocol !== TCP && checksum + 2 <= packet.byteLength && packet.getUint16(checksum) === 0;
  if (!isLeftOut) patchChecksum(packet, checksum, before, after);
  if (!places.isIpv6) patchChecksum(packet, places.source - 2, before, after);
}

/** The packets of one capture as `site` sees them in its minute number `minute`, the first at `startNs`. */
export function relocate(capture: Uint8Array, site: Site, minute: number, startNs: bigint): PacketRecord[] {
  const records = [...packetRecords(capture)];
  const shiftNs = startNs - (records[0]?.timeNs ?? 0n);
  const conversations = new Conversations();
  return records.map((record) => {
    const copy = new Uint8Array(record.bytes.buffer, record.bytes.byteOffset, record.bytes.byteLength).slice();
    const packet = new DataView(copy.buffer);
    const places = placesOf(packet, record.linkType);
    const { number, fromClient } = conversations.find(packet, places);
    const step = places.protocol === TCP ? CONNECTION_STEP : 1;
    const client = clientAddress(site.firstClient + ((number * step + minute) % site.clients), places.addressBytes);
    const server = serverAddress(places.addressBytes);
    replace(packet, places, places.source, fromClient ? client : server);
    replace(packet, places, places.source + places.addressBytes, fromClient ? server : client);
    return { ...record, timeNs: record.timeNs + shiftNs, bytes: packet };
  });
}

/** What a site saw in `minutes` minutes from `startNs` on, as a pcapng file with an interface a link type. */
export function siteCapture(captures: readonly Uint8Array[], site: Site, startNs: bigint, minutes: number): Uint8Array {
  const records: PacketRecord[] = [];
  const spacingNs = SPREAD_NS / BigInt(captures.length + 1);
  for (let minute = 0; minute < minutes; minute++) {
    const minuteNs = startNs + BigInt(minute) * MINUTE_NS;
    captures.forEach((capture, index) => {
      for (const record of relocate(capture, site, minute, minuteNs + BigInt(index + 1) * spacingNs)) records.push(record);
    });
  }
  records.sort((a, b) => Number(a.timeNs - b.timeNs));
  const linkTypes = [...new Set([ETHERNET, ...records.map((record) => record.linkType)])];
  const file = new Pcapng();
  const interfaces = linkTypes.map((linkType) => file.interface({ linkType, options: NANOSECONDS }));
  const packets = records.map(({ timeNs, linkType, bytes, wireBytes }) => {
    const content = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return file.packet({ timeNs, bytes: content, wireBytes }, { id: linkTypes.indexOf(linkType), unitNs: 1n });
  });
  return Buffer.concat([file.section(), ...interfaces, ...packets]);
}
