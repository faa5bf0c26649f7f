/** IPv4 and IPv6 headers: lengths, options, extension headers, checksums. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  type Bytes,
  ethernet,
  hex,
  icmp,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  join,
  type Layer,
  LINK,
  pcap,
  raw,
  rawIp,
  spaced,
  tcp,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();
const hello = udp("hello", { sourcePort: 5000, destinationPort: 6000 });
const one = (frame: Bytes, snaplen?: number) => pcap(spaced([join(frame)]), { snaplen, linkType: LINK.raw });
const packetOf = (layer: Layer, trailer: Bytes = [], snaplen?: number) =>
  path.packets(one(join(rawIp(layer), trailer), snaplen))[0]!;
const countedOf = (layer: Layer, trailer: Bytes = [], snaplen?: number) => path.run(one(join(rawIp(layer), trailer), snaplen));

describe("IPv4", () => {
  test("options are stepped over", () => {
    expect(packetOf(ipv4(hello, { options: hex("94040000 01010101") }))).toMatchObject({ kind: "udp", payloadLength: 5 });
    expect(packetOf(ipv4(hello, { options: new Uint8Array(40).fill(1) }))).toMatchObject({ kind: "udp", payloadLength: 5 });
  });

  test("identification, time to live, protocol", () => {
    expect(packetOf(ipv4(hello, { id: 0xabcd, ttl: 9 }))).toMatchObject({
      ipId: 0xabcd,
      hopLimit: 9,
      protocol: 17,
      ipVersion: 4,
    });
  });

  test("a length of 0 takes the rest of the frame, as of segments that the card was to cut up", () => {
    const counted = countedOf(ipv4(tcp("x".repeat(3000)), { totalLength: 0 }));
    expect(counted).toMatchObject({ tcp: 1, malformed: {} });
    expect(packetOf(ipv4(tcp("x".repeat(3000)), { totalLength: 0 })).payloadLength).toBe(3000);
    expect(packetOf(ipv4(tcp("x".repeat(3000)), { totalLength: 0 }), [], 100)).toMatchObject({
      payloadLength: 3000,
      capturedBytes: 100,
    });
  });

  test("a length beyond the frame is counted and believed: the bytes are missing", () => {
    const layer = ipv4(udp("hello", { length: 513 }), { totalLength: 533 });
    expect(countedOf(layer)).toMatchObject({ udp: 1, malformed: { ipv4_total_length: 1 } });
    expect(packetOf(layer)).toMatchObject({
      transportLength: 513,
      payloadLength: 505,
      payload: new TextEncoder().encode("hello"),
    });
  });

  test.each<[string, Layer]>([
    ["ip_version", ipv4(raw("x"))],
    ["ipv4_header_length", ipv4(hello)],
    ["ipv4_total_length", ipv4(hello, { totalLength: 19 })],
    ["ip_short", raw(rawIp(ipv4(hello)).subarray(0, 19))],
    ["ip_short", raw(rawIp(ipv4(hello, { options: new Uint8Array(12), totalLength: 32 })).subarray(0, 25))],
  ])("%s (%#)", (reason, layer) => {
    const bytes = rawIp(layer);
    if (reason === "ip_version") bytes[0] = 0x55;
    if (reason === "ipv4_header_length") bytes[0] = 0x44;
    const counted = path.run(one(bytes));
    expect(counted).toMatchObject({ other: 1, undecoded: {}, count: { otherNetwork: 1 } });
    expect(counted.malformed).toEqual({ [reason]: 1 });
  });

  test("a header that the capture cut", () => {
    expect(countedOf(ipv4(hello), [], 19)).toMatchObject({ other: 1, undecoded: { ip_cut: 1 }, malformed: {} });
    expect(countedOf(ipv4(hello, { options: new Uint8Array(12) }), [], 25)).toMatchObject({
      undecoded: { ip_cut: 1 },
      malformed: {},
    });
  });

  test("a wrong header checksum is counted and marked, one left to the card is not", () => {
    const wrong = ipv4(hello, { checksum: 0x1234 });
    expect(countedOf(wrong)).toMatchObject({ udp: 1, malformed: { ipv4_checksum: 1 } });
    expect(packetOf(wrong).checksumBad).toBe(true);
    expect(countedOf(ipv4(hello, { checksum: 0 })).malformed).toEqual({});
    expect(countedOf(ipv4(hello, { options: hex("01020304 05060708") })).malformed).toEqual({});
    expect(countedOf(ipv4(hello, { options: hex("01020304 05060708"), checksum: 1 })).malformed).toEqual({ ipv4_checksum: 1 });
  });
});

describe("IPv6", () => {
  test("fields", () => {
    const packet = packetOf(ipv6(hello, { source: "2001:db8:1::5", destination: "ff02::fb", hopLimit: 255 }));
    expect(packet).toMatchObject({ ipVersion: 6, protocol: 17, hopLimit: 255, ipId: 0, payloadLength: 5 });
    expect(packet.source).toBe("20010db8000100000000000000000005");
    expect(packet.destination).toBe("ff0200000000000000000000000000fb");
  });

  test("extension headers are stepped over", () => {
    const chain = ipv6Extension(ipv6Extension(ipv6Extension(hello, 60, new Uint8Array(14)), 43), 0);
    expect(packetOf(ipv6(chain))).toMatchObject({ kind: "udp", protocol: 17, payloadLength: 5 });
    const mobility = raw(
      join([17, 0], new Uint8Array(6), hello.encode({ source: new Uint8Array(16), destination: new Uint8Array(16) })),
    );
    for (const nextHeader of [135, 139, 140]) expect(packetOf(ipv6(mobility, { nextHeader })).kind).toBe("udp");
  });

  test("an authentication header counts its length in words", () => {
    const inside = (version: 4 | 6) => {
      const address = new Uint8Array(version === 4 ? 4 : 16);
      return raw(join([17, 4, 0, 0], new Uint8Array(20), hello.encode({ source: address, destination: address })), {
        protocol: 51,
      });
    };
    expect(packetOf(ipv6(inside(6)))).toMatchObject({ kind: "udp", protocol: 17, payloadLength: 5 });
    expect(packetOf(ipv4(inside(4)))).toMatchObject({ kind: "udp", protocol: 17, payloadLength: 5 });
    const twice = raw(join([51, 1, 0, 0], new Uint8Array(8), [17, 1, 0, 0], new Uint8Array(8)), { protocol: 51 });
    expect(countedOf(ipv4(twice)).undecoded).toEqual({ ah: 1 });
  });

  test("a fragment that is all of its datagram", () => {
    const packet = packetOf(ipv6(ipv6Fragment(hello, { id: 0xdeadbeef })));
    expect(packet).toMatchObject({ kind: "udp", ipId: 0xdeadbeef, fragment: 0, payloadLength: 5 });
  });

  test("no next header, and headers without end", () => {
    expect(countedOf(ipv6(raw("x"), { nextHeader: 59 }))).toMatchObject({ other: 1, undecoded: { ipv6_no_next: 1 } });
    const endless = Array.from({ length: 40 }).reduce<Layer>((above) => ipv6Extension(above, 60), hello);
    expect(countedOf(ipv6(endless))).toMatchObject({ other: 1, undecoded: { ipv6_extensions: 1 }, malformed: {} });
  });

  test("a length of 0 takes the rest of the frame", () => {
    expect(packetOf(ipv6(tcp("x".repeat(70_000)), { payloadLength: 0 }))).toMatchObject({ kind: "tcp", payloadLength: 70_000 });
  });

  test("a length beyond the frame, and one below", () => {
    const beyond = ipv6(udp("hello", { length: 513 }), { payloadLength: 513 });
    expect(countedOf(beyond)).toMatchObject({ udp: 1, malformed: { ipv6_payload_length: 1 } });
    expect(packetOf(ipv6(hello), "trailing bytes")).toMatchObject({ kind: "udp", transportLength: 13, payloadLength: 5 });
  });

  test("headers that do not fit", () => {
    expect(countedOf(raw(rawIp(ipv6(hello)).subarray(0, 39))).malformed).toEqual({ ip_short: 1 });
    expect(countedOf(ipv6(hello), [], 39).undecoded).toEqual({ ip_cut: 1 });
    const extension = ipv6(ipv6Extension(hello, 60));
    expect(countedOf(extension, [], 44)).toMatchObject({ other: 1, undecoded: { ip_cut: 1 }, malformed: {} });
    expect(countedOf(ipv6(raw([17, 9, 1, 4, 0, 0, 0, 0], { protocol: 60 })))).toMatchObject({
      other: 1,
      malformed: { ipv6_extension: 1 },
    });
    expect(countedOf(ipv6(raw([17, 0, 0], { protocol: 44 })))).toMatchObject({ other: 1, malformed: { ipv6_extension: 1 } });
  });
});

describe("what else IP carries", () => {
  const over = (protocol: number) => ipv4(raw(new Uint8Array(20), { protocol }));
  test.each([
    ["igmp", 2],
    ["esp", 50],
    ["ospf", 89],
    ["ip_protocol", 103],
    ["ip_protocol", 255],
  ])("%s", (layer, protocol) => {
    const counted = countedOf(over(protocol));
    expect(counted).toMatchObject({ other: 1, malformed: {}, count: { otherTransport: 1, ipv4: 1 } });
    expect(counted.undecoded).toEqual({ [layer]: 1 });
    expect(packetOf(over(protocol))).toMatchObject({ protocol, ipVersion: 4, sourcePort: 0, payloadLength: 20 });
  });

  test("in Ethernet as anywhere", () => {
    const counted = path.run(pcap(spaced([ethernet(ipv4(icmp(8, 0, "ping"))), ethernet(ipv6(icmp(128, 0, "ping", 6)))])));
    expect(counted.count).toMatchObject({ icmp: 1, icmpv6: 1, ipv4: 1, ipv6: 1 });
  });
});
