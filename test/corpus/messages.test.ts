/** Messages of every capture, as tshark counts them: queries, responses, codes and names, methods and statuses. */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { differences, expectedFigures, figuresOf, messagesRows } from "../support/messages";
import { readRoundTrips } from "../support/round-trips";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Record<"dns", { file: string; packet: number; reason: string }[]> = {
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
      reason: "DNS over HTTPS: the responses are bodies of HTTP/2, which is not read yet",
    },
    {
      file: "upstream/arkime/arkime/tests/pcap/arkime_synthetic.pcap",
      packet: 618,
      reason: "inside VXLAN-GPE, which is not read; tshark's list of protocols does not name that layer",
    },
    {
      file: "upstream/seladb/PcapPlusPlus/Tests/Packet++Test/PacketExamples/SomeIpSd.pcapng",
      packet: 1,
      reason: "SOME/IP on port 30490, which tshark takes for DNS and then finds malformed",
    },
    {
      file: "upstream/the-tcpdump-group/tcpdump/tests/rtp-seg-fault-1.pcapng",
      packet: 1,
      reason: "the UDP header says 5 bytes, less than itself takes: malformed, not a query",
    },
  ],
};

const EXCEPTIONS_MAX = 10;

describe.runIf(HAS_CORPUS)("messages equal tshark's", () => {
  const found = { dns: new Map<string, string[]>(), http: new Map<string, string[]>() };

  test("every capture reads through", { timeout: 300_000 }, () => {
    for (const row of messagesRows()) {
      const trips = readRoundTrips(corpusBytes(row.file), { keepDuplicates: true });
      for (const { protocol, figure, text } of differences(expectedFigures(row), figuresOf(trips))) {
        found[protocol].set(row.file, [...(found[protocol].get(row.file) ?? []), `${figure}: ${text}`]);
      }
    }
  });

  test.each(["dns"] as const)("%s, but for those exceptions", (protocol) => {
    const excepted = EXCEPTIONS[protocol].map(({ file }) => file);
    expect(excepted.length).toBeLessThanOrEqual(EXCEPTIONS_MAX);
    expect([...found[protocol]].filter(([file]) => !excepted.includes(file))).toEqual([]);
    expect(excepted.filter((file) => !found[protocol].has(file))).toEqual([]);
  });
});
