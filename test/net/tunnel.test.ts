/** Tunnels: what they carry is found, and where not, the packet around it counts as it is. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  type Bytes,
  ethernet,
  geneve,
  gre,
  hex,
  icmp,
  ipv4,
  ipv6,
  join,
  type Layer,
  number,
  pcap,
  raw,
  rawIp,
  spaced,
  u16,
  udp,
  vlan,
  vxlan,
} from "../support/pcap-builder";

const path = new PacketPath();
const INNER = { source: "10.9.8.7", destination: "10.9.8.6" };
const inner = ipv4(udp("hello", { sourcePort: 5000, destinationPort: 6000 }), INNER);
const inner6 = ipv6(udp("hello", { sourcePort: 5000, destinationPort: 6000 }), { source: "fd00::7", destination: "fd00::6" });
const frame = ethernet(inner);
const packetOf = (layer: Layer, snaplen?: number) => path.packets(pcap(spaced([ethernet(layer)]), { snaplen }))[0]!;
const countedOf = (layer: Layer, snaplen?: number) => path.run(pcap(spaced([ethernet(layer)]), { snaplen }));

/** A GRE packet by its flags, optional fields and protocol. */
const greOf = (flags: number, protocol: number, optional: Bytes, content: Bytes): Layer =>
  raw(join(u16(flags), u16(protocol), optional, content), { protocol: 47 });
const inUdp = (payload: Bytes, port: number) => ipv4(udp(payload, { sourcePort: 50_000, destinationPort: port }));
const vxlanOf = (flags: number, group: string, content: Bytes, reserved = 0) =>
  join([flags], hex(group), number(5, 3), [reserved], content);
const pppPacket = join([0xff, 0x03, 0, 0x21], rawIp(inner));
const key = hex("00000007");

test.each<[string, Layer, 4 | 6]>([
  ["IP in IP", ipv4(inner), 4],
  ["6in4", ipv4(inner6), 6],
  ["IPv4 in IPv6", ipv6(inner), 4],
  ["IPv6 in IPv6", ipv6(inner6), 6],
  ["GRE", ipv4(gre(inner)), 4],
  ["GRE with a key and a sequence number", ipv6(gre(inner6, { key: 1, sequence: 2 })), 6],
  ["GRE with a checksum", ipv4(greOf(0x8000, 0x0800, hex("12340000"), rawIp(inner))), 4],
  ["GRE with everything", ipv4(greOf(0xb000, 0x86dd, join(hex("12340000"), key, key), rawIp(inner6))), 6],
  ["GRE, Ethernet", ipv4(greOf(0, 0x6558, [], frame)), 4],
  ["NVGRE", ipv4(greOf(0x2000, 0x6558, key, ethernet(vlan(inner6)))), 6],
  ["PPTP", ipv4(greOf(0x3081, 0x880b, join(key, key, key), pppPacket)), 4],
  ["GRE, MPLS", ipv4(greOf(0, 0x8847, hex("00010140"), rawIp(inner))), 4],
  ["ERSPAN I", ipv4(greOf(0, 0x88be, [], frame)), 4],
  ["ERSPAN II", ipv4(greOf(0x1000, 0x88be, key, join(new Uint8Array(8), frame))), 4],
  ["ERSPAN III", ipv4(greOf(0x1000, 0x22eb, key, join(new Uint8Array(12), frame))), 4],
  ["ERSPAN III, longer", ipv4(greOf(0x1000, 0x22eb, key, join(new Uint8Array(11), [1], new Uint8Array(8), frame))), 4],
  ["GRE, Cisco metadata", ipv4(greOf(0, 0x8909, [], join(hex("0800010100010000"), rawIp(inner)))), 4],
  ["GRE in UDP", inUdp(join(u16(0), u16(0x0800), rawIp(inner)), 4754), 4],
  ["EtherIP", ipv4(raw(join(hex("3000"), frame), { protocol: 97 })), 4],
  ["MPLS in IP", ipv4(raw(join(hex("00010140"), rawIp(inner)), { protocol: 137 })), 4],
  ["VXLAN", inUdp(vxlan(frame), 4789), 4],
  ["VXLAN over IPv6", ipv6(udp(vxlan(ethernet(inner6)), { destinationPort: 4789 })), 6],
  ["VXLAN on Linux' old port", inUdp(vxlan(frame), 8472), 4],
  ["VXLAN with a group policy", inUdp(vxlanOf(0x88, "000009", frame), 4789), 4],
  ["VXLAN with reserved bits set", inUdp(vxlanOf(0xff, "7f7f01", frame, 3), 4789), 4],
  ["VXLAN-GPE, IPv4", inUdp(vxlanOf(0x0c, "000001", rawIp(inner)), 4790), 4],
  ["VXLAN-GPE, IPv6", inUdp(vxlanOf(0x0c, "000002", rawIp(inner6)), 4790), 6],
  ["VXLAN-GPE, Ethernet", inUdp(vxlanOf(0x0c, "000003", frame), 4790), 4],
  ["Geneve", inUdp(geneve(frame), 6081), 4],
  ["Geneve with options", inUdp(geneve(frame, { options: new Uint8Array(12) }), 6081), 4],
  ["Geneve, IPv4", inUdp(geneve(rawIp(inner), { protocol: 0x0800 }), 6081), 4],
  ["Geneve, IPv6", inUdp(geneve(rawIp(inner6), { protocol: 0x86dd }), 6081), 6],
])("%s", (_, layer, version) => {
  const packet = packetOf(layer);
  expect(packet).toMatchObject({ kind: "udp", ipVersion: version, depth: 1, sourcePort: 5000, destinationPort: 6000 });
  expect(Buffer.from(packet.payload).toString()).toBe("hello");
  expect(packet.source).toBe(version === 4 ? "00000000000000000000ffff0a090807" : "fd000000000000000000000000000007");
  expect(countedOf(layer)).toMatchObject({ malformed: {}, undecoded: {}, count: { tunnels: 1, packets: 1 } });
});

describe("depth", () => {
  const nest = (times: number) => Array.from({ length: times }).reduce<Layer>((above) => ipv4(above), inner);

  test("up to six tunnels are opened", () => {
    for (const times of [1, 2, 6]) expect(packetOf(nest(times))).toMatchObject({ kind: "udp", depth: times });
    const counted = countedOf(nest(7));
    expect(counted).toMatchObject({ other: 1, undecoded: { tunnel_depth: 1 }, malformed: {} });
    expect(packetOf(nest(7))).toMatchObject({ kind: "other", depth: 6, protocol: 4 });
  });

  test("kinds may be mixed", () => {
    const layer = inUdp(vxlan(ethernet(inUdp(geneve(ethernet(ipv4(gre(inner)))), 6081))), 4789);
    expect(packetOf(layer)).toMatchObject({ kind: "udp", depth: 3, sourcePort: 5000 });
  });
});

describe("where no IP packet is found the packet around it is handed on", () => {
  const outer = { source: "00000000000000000000ffffc0000201", destination: "00000000000000000000ffffc0000202", depth: 0 };

  test.each<[string, Bytes, number]>([
    ["a port by chance", "just some text", 4789],
    ["nothing", "", 4789],
    ["a DNS message", hex("08000100000100000000000003777777"), 4789],
    ["VXLAN with ARP", vxlan(ethernet(raw(new Uint8Array(28), { etherType: 0x0806 }))), 4789],
    ["VXLAN with a frame that is too short", vxlan(new Uint8Array(5)), 4789],
    ["VXLAN with reserved bits and no IP", vxlanOf(0xff, "7f7f01", new Uint8Array(60)), 4789],
    ["VXLAN-GPE with another protocol", vxlanOf(0x0c, "000004", frame), 4790],
    ["Geneve of another version", join([0x40], geneve(frame).subarray(1)), 6081],
    ["Geneve, a protocol that is not known", geneve(frame, { protocol: 0x1234 }), 6081],
    ["Geneve, options beyond the end", join([0x3f], geneve(frame).subarray(1, 20)), 6081],
    ["GRE in UDP, cut short", hex("0000"), 4754],
  ])("%s", (_, payload, port) => {
    const packet = packetOf(inUdp(payload, port));
    const bytes = join(payload);
    expect(packet).toMatchObject({ ...outer, kind: "udp", ipVersion: 4, sourcePort: 50_000, destinationPort: port });
    expect(packet).toMatchObject({
      payloadLength: bytes.length,
      payload: bytes,
      protocol: 17,
      transportLength: bytes.length + 8,
    });
    expect(countedOf(inUdp(payload, port)).count.tunnels).toBe(0);
  });

  test("a broken packet inside is counted", () => {
    const bad = rawIp(ipv4(udp("x"), INNER));
    bad[0] = 0x43;
    const counted = countedOf(inUdp(geneve(bad, { protocol: 0x0800 }), 6081));
    expect(counted).toMatchObject({ udp: 1, malformed: { ipv4_header_length: 1 } });
  });

  test.each<[string, Layer, object]>([
    ["GRE of another version", greOf(2, 0x0800, [], rawIp(inner)), { undecoded: { gre_version: 1 } }],
    ["GRE with routing", greOf(0x4000, 0x0800, key, rawIp(inner)), { undecoded: { gre_version: 1 } }],
    ["GRE keep-alive", greOf(0, 0, [], []), { undecoded: { gre_protocol: 1 } }],
    ["PPTP acknowledgment", greOf(0x2081, 0x880b, join(key, key), []), { undecoded: { gre_protocol: 1 } }],
    ["GRE, a protocol that is not known", greOf(0, 0x9999, [], "x"), { undecoded: { ethertype: 1 } }],
    ["GRE too short", greOf(0x2000, 0x0800, [0], []), { malformed: { gre_header: 1 } }],
    ["EtherIP of another version", raw(join(hex("4000"), frame), { protocol: 97 }), { malformed: { etherip_header: 1 } }],
    ["IP in IP, empty", raw([], { protocol: 4 }), { malformed: { ip_short: 1 } }],
    ["6in4, not IPv6", raw(new Uint8Array(40), { protocol: 41 }), { malformed: { ip_version: 1 } }],
  ])("%s", (_, layer, counts) => {
    const counted = countedOf(ipv4(layer));
    expect(counted).toMatchObject({
      other: 1,
      malformed: {},
      undecoded: {},
      ...counts,
      count: { tunnels: 0, otherTransport: 1 },
    });
    expect(packetOf(ipv4(layer))).toMatchObject({
      ...outer,
      kind: "other",
      ipVersion: 4,
      protocol: layer.protocol,
      sourcePort: 0,
    });
  });

  test("a tunnel that the capture cut", () => {
    expect(packetOf(inUdp(vxlan(frame), 4789), 60)).toMatchObject({ ...outer, kind: "udp", destinationPort: 4789 });
    expect(countedOf(inUdp(vxlan(frame), 4789), 60)).toMatchObject({ udp: 1, malformed: {}, undecoded: { link_cut: 1 } });
    expect(countedOf(ipv4(gre(inner)), 40)).toMatchObject({ other: 1, malformed: {}, undecoded: { ip_cut: 1 } });
  });
});

test("what a tunnel carries need not have ports", () => {
  const packet = packetOf(ipv4(gre(ipv4(icmp(8, 0, "ping"), INNER))));
  expect(packet).toMatchObject({ kind: "other", depth: 1, protocol: 1, source: "00000000000000000000ffff0a090807" });
});

test("a datagram may be joined inside a tunnel, and open one itself", () => {
  const whole = udp(vxlan(frame), { sourcePort: 9, destinationPort: 4789 });
  const bytes = whole.encode({ source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(192, 0, 2, 2) });
  const part = (from: number, to: number, more: boolean) =>
    ethernet(ipv4(gre(ipv4(raw(bytes.subarray(from, to), { protocol: 17 }), { fragmentOffset: from, moreFragments: more }))));
  const packets = path.packets(pcap(spaced([part(0, 40, true), part(40, bytes.length, false)])));
  expect(packets[0]).toMatchObject({ kind: "other", fragment: 1, depth: 1 });
  expect(packets[1]).toMatchObject({ kind: "udp", fragment: 3, depth: 2, sourcePort: 5000, payloadLength: 5 });
});
