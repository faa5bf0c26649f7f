/** Messages of every capture, as tshark counts them: queries, responses, codes and names, methods and statuses. */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { differences, expectedFigures, type Figure, type Figures, figuresOf, messagesRows, noFigures } from "../support/messages";
import { readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Record<"dns" | "http", { file: string; packet: number; reason: string }[]> = {
  dns: [
    {
      file: "upstream/DNS-OARC/dnscap/src/test/dnso1tcp-bighole.pcap",
      packet: 22,
      reason: "tshark waits for the segments before packet 19, which were never captured, and shows nothing that follows",
    },
    {
      file: "upstream/DNS-OARC/dnscap/src/test/dnso1tcp-midmiss.pcap",
      packet: 17,
      reason: "tshark waits for the segment before packet 14, which was never captured, and shows nothing that follows",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/dns-tcp-ts-gap/input.pcap",
      packet: 10,
      reason: "a whole query behind a segment that was never captured, for which tshark waits",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/app-layer-protocol-exact/input.pcap",
      packet: 9,
      reason: "DNS over HTTPS: the responses are bodies of HTTP/2, which are counted and not read",
    },
    {
      file: "upstream/arkime/arkime/tests/pcap/arkime_synthetic.pcap",
      packet: 618,
      reason: "a VXLAN-GPE header without its P flag, and in it a DNS header of zeros, which asks nothing",
    },
    {
      file: "upstream/seladb/PcapPlusPlus/Tests/Packet++Test/PacketExamples/SomeIpSd.pcapng",
      packet: 1,
      reason: "SOME/IP on port 30490, which tshark takes for DNS and then finds malformed",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/dns-udp-junkrequest-first/input.pcap",
      packet: 1,
      reason: "SNMP on port 53, which tshark takes for DNS: 20994 records in 66 bytes",
    },
    {
      file: "upstream/the-tcpdump-group/tcpdump/tests/dns-badlabel.pcap",
      packet: 1,
      reason: "a pattern of four bytes over and over on port 53: an operation that there is not, and more questions than bytes",
    },
    {
      file: "upstream/the-tcpdump-group/tcpdump/tests/rtp-seg-fault-1.pcapng",
      packet: 1,
      reason: "the UDP header says 5 bytes, less than itself takes: malformed, not a query",
    },
  ],
  http: [
    {
      file: "upstream/OISF/suricata-verify/tests/http-connect/http-connect-fragmented/input.pcap",
      packet: 13,
      reason: "inside a tunnel, where tshark finds the request but not its response",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/http-protocol-nodup/input.pcap",
      packet: 9,
      reason: "a pipeline of 40: the clean segments of packets 9 to 18 hold responses that tshark does not take apart",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/transform-base64-7296/input.pcap",
      packet: 31,
      reason: "a status line whose code has no digit, which tshark shows as 0",
    },
    {
      file: "upstream/andrewf/pcap2har/tests/pcapr.net.pcap",
      packet: 118,
      reason: "a response whose later segments came late, of which tshark shows nothing",
    },
    {
      file: "upstream/andrewf/pcap2har/tests/sajal.pcap",
      packet: 822,
      reason: "a whole response in one segment that tshark joins to the next",
    },
    {
      file: "upstream/gopacket/gopacket/layers/testdata/cip.pcap",
      packet: 568,
      reason: "a request whose headers never end, played again after each reset: tshark shows none of them",
    },
    {
      file: "upstream/zeek/zeek/doc/traces/quickstart.pcap",
      packet: 14,
      reason: "the method WEIRD, which tshark does not know",
    },
    {
      file: "upstream/zeek/zeek/testing/btest/Traces/mixed-vlan-mpls.pcap",
      packet: 37,
      reason: "a request of HTTP/0.9, without a version",
    },
  ],
};

const EXCEPTIONS_MAX = 10;

/**
 * Captures of which messages.ndjson has less than was captured: tshark had been asked to join segments, waits for one that was never
 * captured (or for the end of headers that have none), and shows nothing behind it. They are compared with what it shows when it
 * joins nothing, to the unit.
 */
const UNJOINED = [
  "upstream/OISF/suricata-verify/tests/http-evader/http-evader-416/input.pcap",
  "upstream/OISF/suricata-verify/tests/http-evader/http-evader-425/input.pcap",
  "upstream/OISF/suricata-verify/tests/http-pipeline-files-with-gap/input.pcap",
  "upstream/seladb/PcapPlusPlus/Tests/ExamplesTest/pcap_examples/tcp-reassembly.pcap",
  "upstream/seladb/PcapPlusPlus/Tests/Pcap++Test/PcapExamples/4KHttpRequests.pcap",
  "upstream/seladb/PcapPlusPlus/Tests/Pcap++Test/PcapExamples/650HttpResponses.pcap",
  "upstream/seladb/PcapPlusPlus/Tests/Pcap++Test/PcapExamples/one_tcp_stream_max_seq.pcap",
  "upstream/zeek/zeek/testing/btest/Traces/erspan.pcap",
  "upstream/zeek/zeek/testing/btest/Traces/http/1000-requests-one-dropped-response.pcap.gz",
  "upstream/zeek/zeek/testing/btest/Traces/spicy/gap-recovery.pcap",
];

const JOIN_NOTHING = [
  "tcp.desegment_tcp_streams",
  "tcp.reassemble_out_of_order",
  "http.desegment_headers",
  "http.desegment_body",
].flatMap((name) => ["-o", `${name}:FALSE`]);

/** Captures whose client's record is the truth: test/protocols/http-fixtures.test.ts holds them against it. */
const isOurs = (file: string) => file.startsWith("generated/http1_");

/** HTTP's figures as tshark shows them when it joins nothing. */
function unjoinedFigures(file: Uint8Array): Figures["http"] {
  const figures = noFigures().http;
  const count = (figure: Figure, cell: string) => {
    for (const value of cell.split(",").filter((one) => one !== "")) figure[value] = (figure[value] ?? 0) + 1;
  };
  for (const [methods = "", codes = ""] of tsharkFields(file, ["http.request.method", "http.response.code"], JOIN_NOTHING)) {
    count(figures.methods, methods);
    count(figures.codes, codes);
  }
  return figures;
}

describe.runIf(HAS_CORPUS)("messages equal tshark's", () => {
  const found = { dns: new Map<string, string[]>(), http: new Map<string, string[]>() };

  test("every capture reads through", { timeout: 300_000 }, () => {
    for (const row of messagesRows()) {
      const trips = readRoundTrips(corpusBytes(row.file), { keepDuplicates: true });
      for (const { protocol, figure, text } of differences(expectedFigures(row), figuresOf(trips))) {
        if (protocol === "http" && (isOurs(row.file) || UNJOINED.includes(row.file))) continue;
        found[protocol].set(row.file, [...(found[protocol].get(row.file) ?? []), `${figure}: ${text}`]);
      }
    }
  });

  test.each(["dns", "http"] as const)("%s, but for those exceptions", (protocol) => {
    const excepted = EXCEPTIONS[protocol].map(({ file }) => file);
    expect(excepted.length).toBeLessThanOrEqual(EXCEPTIONS_MAX);
    expect([...found[protocol]].filter(([file]) => !excepted.includes(file))).toEqual([]);
    expect(excepted.filter((file) => !found[protocol].has(file))).toEqual([]);
  });

  test.runIf(HAS_TSHARK).each(UNJOINED)("http without joining segments: %s", (file) => {
    const { http } = figuresOf(readRoundTrips(corpusBytes(file), { keepDuplicates: true }));
    expect(http).toEqual(unjoinedFigures(corpusBytes(file)));
  });
});
