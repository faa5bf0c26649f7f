/** Packets and wire bytes of every capture, as tshark counts them. */
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type CorpusFile, corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { PacketPath } from "../support/packets";

interface Truth {
  file: string;
  tshark_rc: number;
  packets: number;
  wire_bytes: number;
  frames_by_protocol: Record<string, number>;
  by: Record<string, Record<string, number>>;
}

/** Where tshark counts otherwise, why, and at which packet. */
const EXCEPTIONS: { file: string; packet: number; reason: string }[] = [
  {
    file: "upstream/seladb/PcapPlusPlus/Tests/Fuzzers/RegressionTests/clusterfuzz-testcase-minimized-FuzzTarget-4683685084594176",
    packet: 1,
    reason: "the record says 4294967072 bytes on the wire; tshark shows 2^31 - 1 for anything above",
  },
  {
    file: "upstream/seladb/PcapPlusPlus/Tests/Fuzzers/RegressionTests/regression_samples/clusterfuzz-testcase-minimized-FuzzTarget-5196221831708672",
    packet: 1,
    reason: "the record says 4279566462 bytes on the wire; tshark shows 2^31 - 1 for anything above",
  },
  {
    file: "upstream/seladb/PcapPlusPlus/Tests/Fuzzers/RegressionTests/regression_samples/clusterfuzz-testcase-minimized-FuzzTarget-5700358767902720",
    packet: 1,
    reason: "the record says 4280295456 bytes on the wire; tshark shows 2^31 - 1 for anything above",
  },
  {
    file: "upstream/the-tcpdump-group/tcpdump/tests/atm-heapoverflow.pcap",
    packet: 1,
    reason: "tshark takes the 4 bytes of the pseudo header of SunATM off the length",
  },
  {
    file: "upstream/the-tcpdump-group/tcpdump/tests/atm-oam-heapoverflow.pcap",
    packet: 1,
    reason: "tshark takes the 4 bytes of the pseudo header of SunATM off the length",
  },
  {
    file: "upstream/the-tcpdump-group/tcpdump/tests/atm-oam-loopback-print-overrun.pcap",
    packet: 1,
    reason: "tshark takes the 4 bytes of the pseudo header of SunATM off the length",
  },
];

/** What in tshark's stacks holds packets in a way that this comparison cannot follow: other tunnels, samples, quoted packets. */
const NESTING = new RegExp(
  `^(${[
    "ah|ap1394|arcnet|atm|ayiya|capwap.*|erspan|fddi|fr|geneve|gprs.*|gre|gtp|ieee8021ah|ipcomp|l2tp|lisp.*|macsec|netlink.*",
    "nflog|nsh|openflow.*|openvpn|pflog|pim|pktap|ppi|radiotap|sflow|slip|socks|teredo|usb.*|vntag|vxlan|wlan.*|_ws.malformed",
  ].join("|")})$`,
);
/** Types of ICMP and ICMPv6 messages that quote a packet. */
const QUOTING = { "icmp.type": ["3", "4", "5", "11", "12"], "icmpv6.type": ["1", "2", "3", "4", "137"] };

/** Captures whose frames by protocol differ, by reason. */
const DIFFERING: Record<string, string[]> = {
  "tshark names a protocol once a frame, the core counts each header of IP in IP": [
    "OISF/suricata-verify/tests/bug-4571-01/ipv4_over_ipv4.pcap",
    "OISF/suricata-verify/tests/bug-4571-03/ipv6_over_ipv6.pcap",
    "deepflowio/deepflow/agent/resources/test/common/ipip.pcap",
    "the-tcpdump-group/tcpdump/tests/ipv6-srh-ext-header.pcap",
    "zeek/zeek/testing/btest/Traces/tunnels/4in4.pcap",
    "zeek/zeek/testing/btest/Traces/tunnels/6in6.pcap",
    "zeek/zeek/testing/btest/Traces/tunnels/6in6in6.pcap",
  ],
  "a TCP header that says it is shorter than 20 bytes, or longer than its segment, is malformed here": [
    "OISF/suricata-verify/tests/bug-76/input.pcap",
    "OISF/suricata-verify/tests/drop-protocol-change/input.pcap",
    "OISF/suricata-verify/tests/mac-eve-packet/test.pcap",
    "OISF/suricata-verify/tests/transform-base64-7296/input.pcap",
    "gopacket/gopacket/layers/testdata/linux_sll_oversized_addr.pcapng",
  ],
  "tshark gives up at IP or destination options that it cannot read, here they are stepped over": [
    "OISF/suricata-verify/tests/bug-7414-decoder-event-01/ip_secopt.pcap",
    "zeek/zeek/testing/btest/Traces/ipv6-mobility-dst-opts.pcap",
  ],
  "tshark does not open a tunnel in a datagram of length 0, nor VXLAN on port 8472": [
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv4-geneve-ipv4.pcap",
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv4-geneve-ipv6.pcap",
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv4-vxlan-ipv4.pcap",
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv4-vxlan-ipv6.pcap",
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv6-vxlan-ipv4.pcap",
    "the-tcpdump-group/tcpdump/tests/bigtcp-ipv6-vxlan-ipv6.pcap",
    "the-tcpdump-group/tcpdump/tests/vxlan_port_8472.pcap",
  ],
  "layers that are not decoded: FabricPath, pseudo wires in MPLS, link types 178, 226 and 242, Ethernet in IPv6, ESP in UDP": [
    "OISF/suricata-verify/tests/decode-dce/input.pcap",
    "arkime/arkime/tests/pcap/ike-cert_synthetic.pcap",
    "seladb/PcapPlusPlus/Tests/Packet++Test/PacketExamples/MplsPackets.pcap",
    "the-tcpdump-group/tcpdump/tests/bgp-aigp.pcap",
    "the-tcpdump-group/tcpdump/tests/e1000g.pcap",
    "the-tcpdump-group/tcpdump/tests/ipoib.pcap",
    "the-tcpdump-group/tcpdump/tests/ipv6-srh-ipproto-ether.pcap",
    "the-tcpdump-group/tcpdump/tests/isakmp4500.pcap",
  ],
  "tshark shows ICMP inside ICMPv6's extended echo": ["the-tcpdump-group/tcpdump/tests/icmp6-rfc8335.pcap"],
  "a packet of another IP version than its EtherType says": ["the-tcpdump-group/tcpdump/tests/kday3.pcap"],
  "tshark joins fragments that overlap in part, here they are dropped": ["zeek/zeek/testing/btest/Traces/ipv4/fragmented-4.pcap"],
};

/** Content of a capture, inflated. */
function inflated(file: CorpusFile): Uint8Array {
  const bytes = corpusBytes(file.file);
  return file.format.startsWith("gz:") ? gunzipSync(bytes) : bytes;
}

/** Custom blocks of a pcapng file, which tshark counts as packets of the length of their data. */
function customBlocks(bytes: Uint8Array): { count: number; bytes: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = { count: 0, bytes: 0 };
  let little = true;
  for (let at = 0; at + 12 <= bytes.length; ) {
    if (view.getUint32(at, true) === 0x0a0d0d0a) little = view.getUint32(at + 8, true) === 0x1a2b3c4d;
    const length = view.getUint32(at + 4, little);
    if ([0x0bad, 0x40000bad].includes(view.getUint32(at, little))) {
      found.count += 1;
      found.bytes += length - 16;
    }
    at += length;
  }
  return found;
}

describe.runIf(HAS_CORPUS)("the collection", () => {
  const path = new PacketPath();
  const files = HAS_CORPUS ? corpusIndex() : [];
  const truths = new Map(HAS_CORPUS ? corpusRows<Truth>("truth.ndjson").map((row) => [row.file, row]) : []);

  test("packets and wire bytes equal tshark's", () => {
    const differing: string[] = [];
    let compared = 0;
    for (const file of files) {
      const truth = truths.get(file.file)!;
      if (truth.tshark_rc !== 0 || !/^(gz:)?pcap/.test(file.format)) continue;
      const bytes = inflated(file);
      const { count } = path.run(bytes);
      const custom = file.format.includes("pcapng") ? customBlocks(bytes) : { count: 0, bytes: 0 };
      compared += 1;
      if (count.packets === truth.packets - custom.count && count.wireBytes === truth.wire_bytes - custom.bytes) continue;
      differing.push(file.file);
    }
    expect(compared).toBeGreaterThan(2700);
    expect(differing.sort()).toEqual(EXCEPTIONS.map(({ file }) => file).sort());
    expect(EXCEPTIONS).toHaveLength(6);
  });

  test("frames by protocol equal tshark's where they can be compared", () => {
    const differing: string[] = [];
    let compared = 0;
    for (const file of files) {
      const { tshark_rc, frames_by_protocol: frames, by } = truths.get(file.file)!;
      if (tshark_rc !== 0 || !/^(gz:)?pcap/.test(file.format) || file.tags.some((tag) => tag.startsWith("bad:"))) continue;
      if (Object.keys(frames).some((name) => NESTING.test(name))) continue;
      if (Object.entries(QUOTING).some(([field, types]) => types.some((type) => by[field]?.[type]))) continue;
      const { tcp, udp, count, undecoded } = path.run(inflated(file));
      const ours = { tcp, udp, icmp: count.icmp, icmpv6: count.icmpv6, sctp: count.sctp, ip: count.ipv4, ipv6: count.ipv6 };
      const links = { arp: undecoded.arp, igmp: undecoded.igmp, esp: undecoded.esp, ospf: undecoded.ospf, lldp: undecoded.lldp };
      const theirs: Record<string, number> = {
        ...frames,
        arp: ["arp", "rarp", "slarp"].reduce((n, name) => n + (frames[name] ?? 0), 0),
      };
      compared += 1;
      const same = Object.entries({ ...ours, ...links }).every(([name, n]) => (n ?? 0) === (theirs[name] ?? 0));
      if (!same) differing.push(file.file.replace("upstream/", ""));
    }
    expect(compared).toBeGreaterThan(2100);
    expect(differing.sort()).toEqual(Object.values(DIFFERING).flat().sort());
  });

  test("whatever is broken or foreign runs through, and each packet is delivered once", () => {
    for (const file of files) {
      const counted = path.run(inflated(file));
      expect(counted.tcp + counted.udp + counted.other, file.file).toBe(counted.count.packets);
      const { tcp, udp, icmp, icmpv6, sctp, otherTransport, otherNetwork } = counted.count;
      expect(counted.tcp, file.file).toBeLessThanOrEqual(tcp);
      expect(counted.udp, file.file).toBeLessThanOrEqual(udp);
      expect(counted.other, file.file).toBeLessThanOrEqual(icmp + icmpv6 + sctp + otherTransport + otherNetwork);
    }
  });
});
