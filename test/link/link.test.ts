/** Link layers, each around the same datagram. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  type Bytes,
  ethernet,
  gre,
  hex,
  ipv4,
  ipv6,
  join,
  LINK,
  linuxCooked,
  linuxCooked2,
  llcSnap,
  loopback,
  pcap,
  ppp,
  raw,
  rawIp,
  spaced,
  TPID,
  tcp,
  u16,
  udp,
  vlan,
} from "../support/pcap-builder";

const path = new PacketPath();
const four = ipv4(udp("hello", { sourcePort: 5000, destinationPort: 6000 }), { source: "10.1.2.3", destination: "10.4.5.6" });
const six = ipv6(udp("hello", { sourcePort: 5000, destinationPort: 6000 }), { source: "fe80::1", destination: "fe80::2" });
const one = (frame: Bytes, linkType = LINK.ethernet) => pcap(spaced([join(frame)]), { linkType });
const packetOf = (frame: Bytes, linkType?: number) => path.packets(one(frame, linkType))[0]!;
const countedOf = (frame: Bytes, linkType?: number) => path.run(one(frame, linkType));

/** Asserts that the datagram was found. */
function finds(frame: Bytes, linkType: number, version: 4 | 6) {
  const packet = packetOf(frame, linkType);
  expect(packet).toMatchObject({ kind: "udp", ipVersion: version, sourcePort: 5000, destinationPort: 6000, payloadLength: 5 });
  expect(Buffer.from(packet.payload).toString()).toBe("hello");
  expect(packet.source).toBe(version === 4 ? "00000000000000000000ffff0a010203" : "fe800000000000000000000000000001");
  expect(packet.destination).toBe(version === 4 ? "00000000000000000000ffff0a040506" : "fe800000000000000000000000000002");
  const counted = countedOf(frame, linkType);
  expect(counted.malformed).toEqual({});
  expect(counted.undecoded).toEqual({});
}

const PPP_HDLC = 50;
const C_HDLC = 104;
const pppOf = (protocol: Bytes, above = four) => join(protocol, rawIp(above));
const pppoe = (content: Bytes, { code = 0, version = 0x11, length = join(content).length } = {}) =>
  raw(join([version, code], u16(1), u16(length), content), { etherType: 0x8864 });
const tagged = (type: number, tag: string) => raw(join(hex(tag), u16(0x0800), rawIp(four)), { etherType: type });
const mpls = (...labels: string[]) => raw(join(...labels.map(hex), rawIp(four)), { etherType: 0x8847 });

test.each<[string, Bytes, number, 4 | 6]>([
  ["Ethernet", ethernet(four), LINK.ethernet, 4],
  ["Ethernet, IPv6", ethernet(six), LINK.ethernet, 6],
  ["Ethernet with padding", ethernet(four, { trailer: new Uint8Array(13) }), LINK.ethernet, 4],
  ["VLAN", ethernet(vlan(four)), LINK.ethernet, 4],
  ["QinQ", ethernet(vlan(vlan(six), { tpid: TPID.service })), LINK.ethernet, 6],
  ["QinQ of old", ethernet(vlan(vlan(vlan(four)), { tpid: TPID.old })), LINK.ethernet, 4],
  ["LLC and SNAP", llcSnap(four), LINK.ethernet, 4],
  ["LLC with IP's own SAP", ethernet(raw(join(hex("060603"), rawIp(four))), { type: 3 + 33 }), LINK.ethernet, 4],
  ["LLC in a VLAN", ethernet(vlan(raw(join(hex("aaaa030000000800"), rawIp(four))), { type: 8 + 33 })), LINK.ethernet, 4],
  ["Cisco metadata", ethernet(tagged(0x8909, "010100010002")), LINK.ethernet, 4],
  ["VN tag", ethernet(tagged(0x8926, "00010002")), LINK.ethernet, 4],
  ["E tag", ethernet(tagged(0x893f, "000100020003")), LINK.ethernet, 4],
  ["MPLS", ethernet(mpls("00010140")), LINK.ethernet, 4],
  ["MPLS, three labels", ethernet(mpls("00010040", "00020040", "00030140")), LINK.ethernet, 4],
  ["PPPoE", ethernet(pppoe(pppOf(hex("0021")))), LINK.ethernet, 4],
  ["Linux cooked", linuxCooked(four), LINK.linuxCooked, 4],
  ["Linux cooked, VLAN", linuxCooked(vlan(six)), LINK.linuxCooked, 6],
  ["Linux cooked, LLC", linuxCooked(raw(join(hex("aaaa030000000800"), rawIp(four))), { protocol: 4 }), LINK.linuxCooked, 4],
  ["Linux cooked 2", linuxCooked2(six), LINK.linuxCooked2, 6],
  ["NULL, least significant byte first", loopback(four), LINK.null, 4],
  ["NULL, most significant byte first", loopback(four, { little: false }), LINK.null, 4],
  ["LOOP", loopback(six, { family: 24, little: false }), LINK.loop, 6],
  ...[10, 23, 24, 28, 30].map((family): [string, Bytes, number, 6] => [
    `NULL, ${family}`,
    loopback(six, { family }),
    LINK.null,
    6,
  ]),
  ["NULL with an EtherType", loopback(four, { family: 0x0800, little: false }), LINK.null, 4],
  ["NULL of BSD/OS", join(hex("0f000800"), rawIp(four)), LINK.null, 4],
  ...[LINK.raw, 12, 14, LINK.ipv4].map((type): [string, Bytes, number, 4] => [`raw IP, ${type}`, rawIp(four), type, 4]),
  ...[LINK.raw, 12, 14, LINK.ipv6].map((type): [string, Bytes, number, 6] => [`raw IP, ${type}`, rawIp(six), type, 6]),
  ["PPP", ppp(four), LINK.ppp, 4],
  ["PPP without address and control", pppOf(hex("0057"), six), LINK.ppp, 6],
  ["PPP with a short protocol", pppOf(hex("21")), LINK.ppp, 4],
  ["PPP in HDLC-like framing", ppp(six), PPP_HDLC, 6],
  ["PPP, MPLS", join(hex("ff030281"), hex("00010140"), rawIp(four)), LINK.ppp, 4],
  ["PPPoE without Ethernet", join(hex("11000001"), u16(35), pppOf(hex("0021"))), 51, 4],
  ["PPP with direction", join([1], ppp(four)), 204, 4],
  ["Cisco HDLC", join(hex("0f000800"), rawIp(four)), C_HDLC, 4],
])("%s", (_, frame, linkType, version) => finds(frame, linkType, version));

describe("what else a link header tells", () => {
  test("the outermost VLAN", () => {
    expect(packetOf(ethernet(vlan(vlan(four, { id: 7 }), { id: 0x6123 }))).vlan).toBe(0x124);
    expect(packetOf(ethernet(four)).vlan).toBe(0);
  });

  test("direction and interface of cooked packets", () => {
    const directions = [0, 1, 2, 3, 4].map(
      (packetType) => packetOf(linuxCooked(four, { packetType }), LINK.linuxCooked).direction,
    );
    expect(directions).toEqual([1, 1, 1, 0, 2]);
    const packet = packetOf(linuxCooked2(four, { packetType: 4, interfaceIndex: 9 }), LINK.linuxCooked2);
    expect(packet).toMatchObject({ direction: 2, interfaceId: 9 });
  });

  test("padding does not count to the payload", () => {
    const packet = packetOf(ethernet(ipv4(tcp("")), { trailer: new Uint8Array(6) }));
    expect(packet).toMatchObject({ kind: "tcp", payloadLength: 0, wireBytes: 60, capturedBytes: 60, transportLength: 20 });
  });
});

describe("what is not decoded is counted by layer", () => {
  const type = (etherType: number) => ethernet(raw(new Uint8Array(40), { etherType }));
  test.each<[string, Bytes, number]>([
    ["arp", type(0x0806), LINK.ethernet],
    ["arp", type(0x8035), LINK.ethernet],
    ["lldp", type(0x88cc), LINK.ethernet],
    ["eapol", type(0x888e), LINK.ethernet],
    ["pppoe_discovery", type(0x8863), LINK.ethernet],
    ["pppoe_discovery", ethernet(pppoe(new Uint8Array(8), { code: 9 })), LINK.ethernet],
    ["ethertype", type(0x9999), LINK.ethernet],
    ["llc", ethernet(raw(hex("424203000000")), { type: 6 }), LINK.ethernet],
    ["llc", ethernet(raw(hex("ffff0022")), { type: 4 }), LINK.ethernet],
    ["snap", ethernet(raw(hex("aaaa0300000c2000")), { type: 8 }), LINK.ethernet],
    ["linux_cooked", linuxCooked(four, { protocol: 1 }), LINK.linuxCooked],
    ["loopback_family", loopback(four, { family: 7 }), LINK.null],
    ["ppp_control", join(hex("ff03c021"), new Uint8Array(8)), LINK.ppp],
    ["ppp_protocol", join(hex("ff030023"), new Uint8Array(8)), LINK.ppp],
    ["mpls", ethernet(raw(hex("00010140 00000000"), { etherType: 0x8847 })), LINK.ethernet],
    ["layers", ethernet(Array.from({ length: 40 }).reduce<typeof four>((above) => vlan(above), four)), LINK.ethernet],
    ["layers", ethernet(raw(new Uint8Array(200), { etherType: 0x8847 })), LINK.ethernet],
    ["link_type", four.encode({ source: new Uint8Array(4), destination: new Uint8Array(4) }), 147],
  ])("%s (%#)", (layer, frame, linkType) => {
    const counted = countedOf(frame, linkType);
    expect(counted.undecoded).toEqual({ [layer]: 1 });
    expect(counted.malformed).toEqual({});
    expect(counted).toMatchObject({ other: 1, count: { otherNetwork: 1 } });
    expect(packetOf(frame, linkType)).toMatchObject({ ipVersion: 0, sourcePort: 0, destinationPort: 0, payloadLength: 0 });
  });

  test("netlink, and GRE devices, of cooked captures", () => {
    const cooked = linuxCooked(four);
    cooked.set(u16(824), 2);
    expect(countedOf(cooked, LINK.linuxCooked).undecoded).toEqual({ linux_cooked: 1 });
    cooked.set(u16(778), 2);
    finds(cooked, LINK.linuxCooked, 4);
  });
});

describe("headers that do not fit", () => {
  const cases: [string, Bytes, number, number][] = [
    ["Ethernet", ethernet(four), LINK.ethernet, 13],
    ["VLAN", ethernet(vlan(four)), LINK.ethernet, 17],
    ["LLC", llcSnap(four), LINK.ethernet, 16],
    ["SNAP", llcSnap(four), LINK.ethernet, 21],
    ["MPLS", ethernet(mpls("00010140")), LINK.ethernet, 17],
    ["below MPLS", ethernet(mpls("00010140")), LINK.ethernet, 18],
    ["PPPoE", ethernet(pppoe(pppOf(hex("0021")))), LINK.ethernet, 19],
    ["PPP", ppp(four), LINK.ppp, 3],
    ["Linux cooked", linuxCooked(four), LINK.linuxCooked, 15],
    ["Linux cooked 2", linuxCooked2(four), LINK.linuxCooked2, 19],
    ["NULL", loopback(four), LINK.null, 3],
    ["raw", rawIp(four), LINK.raw, 0],
    ["Cisco HDLC", join(hex("0f000800"), rawIp(four)), C_HDLC, 3],
  ];
  test.each(cases)("%s", (_, frame, linkType, bytes) => {
    const whole = join(frame);
    const short = path.run(pcap(spaced([whole.subarray(0, bytes)]), { linkType }));
    if (linkType !== LINK.ethernet || bytes < 18 || bytes > 21) expect(short.malformed).toMatchObject({ link_short: 1 });
    const cut = path.run(pcap(spaced([whole]), { linkType, snaplen: bytes }));
    expect(cut.malformed).toEqual({});
    expect(cut.undecoded).toEqual({ link_cut: 1 });
  });

  test("an LLC length beyond the frame is counted and not believed", () => {
    const frame = ethernet(raw(join(hex("aaaa030000000800"), rawIp(four))), { type: 500 });
    const counted = countedOf(frame);
    expect(counted.malformed).toEqual({ llc_length: 1 });
    expect(counted.count.udp).toBe(1);
  });

  test("PPPoE of another version", () => {
    expect(countedOf(ethernet(pppoe(pppOf(hex("0021")), { version: 0x21 }))).malformed).toEqual({ pppoe_header: 1 });
  });

  test("PPPoE says where its packet ends", () => {
    const inner = pppOf(hex("0021"), ipv4(udp("hello"), { totalLength: 0 }));
    expect(packetOf(ethernet(pppoe(inner), { trailer: new Uint8Array(9) }))).toMatchObject({ kind: "udp", transportLength: 13 });
  });
});

test("a GRE keep-alive is no LLC frame", () => {
  const counted = countedOf(ethernet(ipv4(gre(raw([])))));
  expect(counted).toMatchObject({ other: 1, undecoded: { gre_protocol: 1 }, malformed: {} });
});
