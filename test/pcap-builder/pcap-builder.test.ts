/** What the builder makes is what tshark reads, checksums included. */
import { describe, expect, test } from "vitest";
import * as make from "../support/pcap-builder";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const query = make.udp(make.dnsQuery("example.com"), { destinationPort: 53 });
const over4 = make.ipv4(query);
const over6 = make.ipv6(query);
const CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
const FIELDS = ["frame.protocols", "dns.qry.name", "_ws.expert.message"];

const FRAMES: [name: string, linkType: number, frame: Uint8Array, stack: string][] = [
  ["Ethernet, IPv4", make.LINK.ethernet, make.ethernet(over4), "eth:ethertype:ip:udp:dns"],
  ["Ethernet, IPv6", make.LINK.ethernet, make.ethernet(over6), "eth:ethertype:ipv6:udp:dns"],
  ["VLAN", make.LINK.ethernet, make.ethernet(make.vlan(over4, { id: 7 })), "eth:ethertype:vlan:ethertype:ip:udp:dns"],
  [
    "QinQ",
    make.LINK.ethernet,
    make.ethernet(make.vlan(make.vlan(over6), { tpid: make.TPID.service })),
    "eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ipv6:udp:dns",
  ],
  ["LLC and SNAP", make.LINK.ethernet, make.llcSnap(over4), "eth:llc:ip:udp:dns"],
  ["Linux cooked", make.LINK.linuxCooked, make.linuxCooked(over4), "sll:ethertype:ip:udp:dns"],
  ["Linux cooked 2", make.LINK.linuxCooked2, make.linuxCooked2(over6), "sll:ethertype:ipv6:udp:dns"],
  ["loopback", make.LINK.null, make.loopback(over4), "null:ip:udp:dns"],
  ["PPP", make.LINK.ppp, make.ppp(over6), "ppp:ipv6:udp:dns"],
  ["raw IP", make.LINK.raw, make.rawIp(over4), "raw:ip:udp:dns"],
  ["IPv4 options", make.LINK.raw, make.rawIp(make.ipv4(query, { options: [148, 4, 0, 0] })), "raw:ip:udp:dns"],
  ["IPv6 hop-by-hop", make.LINK.raw, make.rawIp(make.ipv6(make.ipv6Extension(query, 0))), "raw:ipv6:ipv6.hopopts:udp:dns"],
  ["IPv6 fragment", make.LINK.raw, make.rawIp(make.ipv6(make.ipv6Fragment(query))), "raw:ipv6:ipv6.fraghdr:udp:dns"],
  ["GRE", make.LINK.raw, make.rawIp(make.ipv4(make.gre(over6, { key: 5, sequence: 1 }))), "raw:ip:gre:ipv6:udp:dns"],
  ["IP in IP", make.LINK.raw, make.rawIp(make.ipv4(over6)), "raw:ip:ipv6:udp:dns"],
  [
    "VXLAN",
    make.LINK.raw,
    make.rawIp(make.ipv4(make.udp(make.vxlan(make.ethernet(over4)), { destinationPort: 4789 }))),
    "raw:ip:udp:vxlan:eth:ethertype:ip:udp:dns",
  ],
  [
    "Geneve",
    make.LINK.raw,
    make.rawIp(make.ipv6(make.udp(make.geneve(make.ethernet(over6)), { destinationPort: 6081 }))),
    "raw:ipv6:udp:geneve:eth:ethertype:ipv6:udp:dns",
  ],
];

describe.runIf(HAS_TSHARK)("tshark reads", () => {
  test.each(FRAMES)("%s", (_, linkType, frame, stack) => {
    const [row] = tsharkFields(make.pcap(make.spaced([frame]), { linkType }), FIELDS, CHECKS);
    expect(row).toEqual([stack, "example.com", ""]);
  });

  test.each([{ nanoseconds: true }, { bigEndian: true }, { kuznetzov: true }, { bigEndian: true, nanoseconds: true }])(
    "pcap %o",
    (form) => {
      const [first, second] = tsharkFields(make.pcap(make.spaced([make.ethernet(over4), make.ethernet(over6)]), form), [
        "frame.time_epoch",
        "dns.qry.name",
      ]);
      expect(first).toEqual(["1704067200.000000000", "example.com"]);
      expect(second).toEqual(["1704067200.001000000", "example.com"]);
    },
  );

  test.each([false, true])("pcapng, big endian %s", (bigEndian) => {
    const writer = new make.Pcapng(bigEndian);
    const frame = make.ethernet(over4);
    const packet = { timeNs: make.START_NS + 5n, bytes: frame, wireBytes: 999 };
    const nanoseconds: make.PcapngOption[] = [[9, [9]]];
    const interfaces = [writer.interface({ options: nanoseconds }), writer.interface()];
    const packets = [writer.packet(packet, { unitNs: 1n }), writer.oldPacket(packet, { id: 1 }), writer.simplePacket(frame)];
    const rows = tsharkFields(make.join(writer.section(), ...interfaces, ...packets), [
      "frame.time_epoch",
      "frame.len",
      "dns.qry.name",
    ]);
    expect(rows.map((row) => row[0]).slice(0, 2)).toEqual(["1704067200.000000005", "1704067200.000000000"]);
    expect(rows.map((row) => row.slice(1))).toEqual([
      ["999", "example.com"],
      ["999", "example.com"],
      [`${frame.length}`, "example.com"],
    ]);
  });

  test("a conversation without a complaint", () => {
    const conversation = new make.Conversation({ clientSequence: 0xfffffff0 });
    conversation.open().send("client", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 10).acknowledge("server");
    conversation.send("server", "HTTP/1.1 204 No Content\r\n\r\n").close();
    const rows = tsharkFields(
      make.pcap(conversation.packets),
      ["http.request.method", "http.response.code", "tcp.analysis.flags"],
      CHECKS,
    );
    expect(rows.map((row) => row[0]).join("")).toBe("GET");
    expect(rows.map((row) => row[1]).join("")).toBe("204");
    expect(rows.map((row) => row[2]).join("")).toBe("");
  });

  test("DNS with records and EDNS", () => {
    const message = make.dnsMessage({
      id: 77,
      flags: make.FLAG.response | make.FLAG.ad,
      questions: [{ name: "a.example" }],
      answers: [{ name: "a.example", data: make.address("192.0.2.7") }],
      additionals: [make.edns([], { dnssecOk: true })],
    });
    const segment = make.udp(message, { sourcePort: 53, destinationPort: 9999 });
    const rows = tsharkFields(make.pcap(make.spaced([make.ethernet(make.ipv4(segment))])), [
      "dns.id",
      "dns.a",
      "dns.resp.edns0_version",
    ]);
    expect(rows).toEqual([["0x004d", "192.0.2.7", "0"]]);
  });
});
