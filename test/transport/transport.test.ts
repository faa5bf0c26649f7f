/** Transport headers: TCP, UDP, SCTP, ICMP. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  type Bytes,
  ethernet,
  hex,
  icmp,
  ipv4,
  ipv6,
  type Layer,
  pcap,
  raw,
  sctp,
  spaced,
  tcp,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();
const packetOf = (layer: Layer, snaplen?: number) => path.packets(pcap(spaced([ethernet(layer)]), { snaplen }))[0]!;
const countedOf = (layer: Layer, snaplen?: number) => path.run(pcap(spaced([ethernet(layer)]), { snaplen }));
const bytes = (text: string) => new TextEncoder().encode(text);
const segment = (content: Bytes) => raw(content, { protocol: 6 });
const datagram = (content: Bytes) => raw(content, { protocol: 17 });

describe("TCP", () => {
  test("fields", () => {
    const layer = tcp("GET /", {
      sourcePort: 40_001,
      destinationPort: 8080,
      sequence: 0xfffffff0,
      acknowledgment: 0x80000001,
      flags: "P.UE",
      window: 0xabcd,
      options: hex("0101080a 00000001 00000002"),
    });
    const packet = packetOf(ipv4(layer));
    expect(packet).toMatchObject({ kind: "tcp", sourcePort: 40_001, destinationPort: 8080, protocol: 6, transportLength: 37 });
    expect(packet).toMatchObject({ payload: bytes("GET /"), payloadLength: 5, checksumBad: false });
    expect(packet.tcp).toEqual({ sequence: 0xfffffff0, acknowledgment: 0x80000001, flags: 0x78, window: 0xabcd });
    expect(packetOf(ipv6(layer)).tcp).toEqual(packet.tcp);
  });

  test.each([
    ["S", 2],
    ["S.", 18],
    ["F.", 17],
    ["R", 4],
  ])("flags %s", (flags, value) => {
    expect(packetOf(ipv4(tcp("", { flags })))).toMatchObject({ payloadLength: 0, tcp: { flags: value } });
  });

  test("a header that the capture cut", () => {
    expect(countedOf(ipv4(tcp("x")), 53)).toMatchObject({ other: 1, undecoded: { transport_cut: 1 }, malformed: {} });
    const layer = ipv4(tcp("hello", { options: new Uint8Array(8).fill(1) }));
    expect(packetOf(layer, 58)).toMatchObject({ kind: "tcp", payloadLength: 5, payload: new Uint8Array(0), transportLength: 33 });
    expect(packetOf(layer, 64)).toMatchObject({ kind: "tcp", payloadLength: 5, payload: bytes("he") });
  });

  test("a header that does not fit", () => {
    expect(countedOf(ipv4(segment(new Uint8Array(19))))).toMatchObject({ other: 1, malformed: { transport_short: 1 } });
    const short = new Uint8Array(20);
    for (const offset of [0, 4, 6, 15]) {
      short[12] = offset << 4;
      expect(countedOf(ipv4(segment(short)))).toMatchObject({ other: 1, malformed: { tcp_data_offset: 1 } });
    }
    expect(packetOf(ipv4(segment(short)))).toMatchObject({ kind: "other", protocol: 6, sourcePort: 0, ipVersion: 4 });
  });
});

describe("UDP", () => {
  test("fields", () => {
    const packet = packetOf(ipv6(udp("hello", { sourcePort: 1, destinationPort: 65_535 })));
    expect(packet).toMatchObject({ kind: "udp", sourcePort: 1, destinationPort: 65_535, protocol: 17, transportLength: 13 });
    expect(packet).toMatchObject({ payload: bytes("hello"), payloadLength: 5 });
    expect(packetOf(ipv4(udp("")))).toMatchObject({ kind: "udp", payloadLength: 0 });
  });

  test("its own length may be less than IP's", () => {
    const packet = packetOf(ipv4(datagram([...udp("hello", { checksum: 0 }).encode({} as never), 1, 2, 3])));
    expect(packet).toMatchObject({ kind: "udp", payload: bytes("hello"), payloadLength: 5, transportLength: 13 });
  });

  test("a length of 0 takes all that IP has", () => {
    expect(packetOf(ipv4(udp("hello", { length: 0 })))).toMatchObject({ kind: "udp", payloadLength: 5 });
  });

  test("a length beyond IP's is counted and believed: the bytes are missing", () => {
    const layer = ipv4(udp("hello", { length: 100 }));
    expect(countedOf(layer)).toMatchObject({ udp: 1, malformed: { udp_length: 1 }, count: { checksums: 0 } });
    expect(packetOf(layer)).toMatchObject({ payloadLength: 92, payload: bytes("hello") });
  });

  test("a length below the header's", () => {
    for (const length of [1, 7]) {
      expect(countedOf(ipv4(udp("hello", { length })))).toMatchObject({ other: 1, malformed: { udp_length: 1 } });
    }
  });

  test("a header that the capture cut, or that does not fit", () => {
    expect(countedOf(ipv4(udp("x")), 41)).toMatchObject({ other: 1, undecoded: { transport_cut: 1 }, malformed: {} });
    expect(countedOf(ipv4(datagram(new Uint8Array(7))))).toMatchObject({ other: 1, malformed: { transport_short: 1 } });
    expect(packetOf(ipv4(udp("hello")), 42)).toMatchObject({ kind: "udp", payloadLength: 5, payload: new Uint8Array(0) });
  });
});

describe("what is only counted", () => {
  test("SCTP", () => {
    expect(countedOf(ipv4(sctp(new Uint8Array(16)))).count).toMatchObject({ sctp: 1, otherTransport: 0 });
    expect(packetOf(ipv6(sctp([])))).toMatchObject({ kind: "other", protocol: 132, sourcePort: 0 });
    expect(countedOf(ipv4(raw(new Uint8Array(11), { protocol: 132 }))).malformed).toEqual({ transport_short: 1 });
  });

  test("ICMP and ICMPv6, whatever they quote", () => {
    const quoted = ipv4(udp("x")).encode({ source: new Uint8Array(4), destination: new Uint8Array(4) });
    const counted = countedOf(ipv4(icmp(3, 3, quoted)));
    expect(counted).toMatchObject({ other: 1, udp: 0, malformed: {}, undecoded: {}, count: { icmp: 1, ipv4: 1 } });
    expect(countedOf(ipv6(icmp(1, 4, "quoted", 6))).count).toMatchObject({ icmpv6: 1, ipv6: 1 });
    expect(countedOf(ipv4(raw([8, 0, 0], { protocol: 1 }))).malformed).toEqual({ transport_short: 1 });
    expect(countedOf(ipv6(raw([8, 0, 0], { protocol: 58 }))).malformed).toEqual({ transport_short: 1 });
  });
});
