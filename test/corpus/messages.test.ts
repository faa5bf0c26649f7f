/**
 * Messages of every capture, as tshark counts them: queries, responses, codes and names, methods and statuses.
 *
 * What is compared is a pair of a capture and a figure, where a figure is one of DNS' two counts, or one response code, query
 * name, method or status. A pair that differs from messages.ndjson is decided by the client's own record, where it is the
 * project's capture; by what tshark shows when it puts segments together in another way (tshark-readings.ts); or it is an exception,
 * which says both counts and the packets that make the difference.
 */
import { basename } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { clientCodes, clientMethods, fixtureTruth } from "../support/fixtures";
import {
  type Difference,
  differences,
  expectedFigures,
  type Figure,
  figuresOf,
  messagesRows,
  namedFigures,
  noFigures,
} from "../support/messages";
import { readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK } from "../support/tshark";
import { mostShown, shownIn } from "../support/tshark-readings";

interface Exception extends Omit<Difference, "protocol"> {
  file: string;
  /** The packets in which one of the two sees a message and the other does not: as many as the counts differ by. */
  packets: number[];
  reason: string;
}

const EXCEPTIONS: Record<"dns" | "http", Exception[]> = {
  dns: [
    ...["responses", "rcode 0"].map((figure) => ({
      file: "upstream/OISF/suricata-verify/tests/app-layer-protocol-exact/input.pcap",
      figure,
      ours: 0,
      theirs: 4,
      packets: [9, 11, 17, 22],
      reason: "DNS over HTTPS: bodies of HTTP/2, whose bytes are counted and not read",
    })),
    {
      file: "upstream/OISF/suricata-verify/tests/dns-udp-junkrequest-first/input.pcap",
      figure: "queries",
      ours: 1,
      theirs: 2,
      packets: [1],
      reason: "SNMP on port 53: as a DNS header it would have 816 questions and 41,930 records in 66 bytes",
    },
    {
      file: "upstream/arkime/arkime/tests/pcap/arkime_synthetic.pcap",
      figure: "queries",
      ours: 25,
      theirs: 27,
      packets: [618, 619],
      reason: "twelve bytes of zeros on port 53: a header without a question, which asks nothing",
    },
    ...["responses", "rcode 0"].map((figure) => ({
      file: "upstream/seladb/PcapPlusPlus/Tests/Packet++Test/PacketExamples/SomeIpSd.pcapng",
      figure,
      ours: 0,
      theirs: 2,
      packets: [1, 3],
      reason: "service discovery of SOME/IP (message id ffff 8100), which tshark takes for DNS and then finds malformed",
    })),
    ...["responses", "rcode 15"].map((figure) => ({
      file: "upstream/the-tcpdump-group/tcpdump/tests/dns-badlabel.pcap",
      figure,
      ours: 0,
      theirs: 1,
      packets: [1],
      reason: "four bytes over and over on port 53: operation 15, which there is not, and 64,259 questions in 63,165 bytes",
    })),
    {
      file: "upstream/the-tcpdump-group/tcpdump/tests/rtp-seg-fault-1.pcapng",
      figure: "queries",
      ours: 0,
      theirs: 1,
      packets: [1],
      reason: "nine bytes on port 53, less than a DNS header takes, in a datagram whose header claims 57,343",
    },
  ],
  http: [
    {
      file: "upstream/OISF/suricata-verify/tests/http-connect/http-connect-fragmented/input.pcap",
      figure: "status 200",
      ours: 2,
      theirs: 1,
      packets: [13],
      reason: "the response inside a tunnel, of which tshark shows the request alone",
    },
    {
      file: "upstream/OISF/suricata-verify/tests/transform-base64-7296/input.pcap",
      figure: "status 0",
      ours: 0,
      theirs: 1,
      packets: [31],
      reason: 'the status line "HTTP/1.1101 Switching Protocols" has no code, which tshark shows as 0',
    },
    {
      file: "upstream/gopacket/gopacket/layers/testdata/cip.pcap",
      figure: "method POST",
      ours: 9,
      theirs: 0,
      packets: [567, 4155, 6891, 10215, 12958, 16595, 19313, 22382, 25172],
      reason: "a request whose headers never end, in a connection that is replayed every 20 seconds: tshark shows none of it",
    },
    {
      file: "upstream/zeek/zeek/doc/traces/quickstart.pcap",
      figure: "method WEIRD",
      ours: 1,
      theirs: 0,
      packets: [14],
      reason: "a method that tshark does not know; the server answers it",
    },
    {
      file: "upstream/zeek/zeek/testing/btest/Traces/mixed-vlan-mpls.pcap",
      figure: "method GET",
      ours: 1,
      theirs: 2,
      packets: [37],
      reason: "a request of HTTP/0.9, without a version, headers, or a response's status line",
    },
  ],
};

const EXCEPTIONS_MAX = 10;

/** What a client says of the project's capture; its HTTP alone is recorded message by message. */
function clientFigures(file: string): Figure {
  const truth = fixtureTruth(basename(file));
  const figures = { ...noFigures(), http: { methods: clientMethods(truth), codes: clientCodes(truth) } };
  return namedFigures(figures).http;
}

describe.runIf(HAS_CORPUS)("messages equal tshark's", () => {
  const found: ({ file: string } & Difference)[] = [];

  beforeAll(() => {
    for (const { file, ...row } of messagesRows()) {
      const ours = namedFigures(figuresOf(readRoundTrips(corpusBytes(file), { keepDuplicates: true })));
      const theirs = namedFigures(expectedFigures({ file, ...row }));
      found.push(...differences(theirs, ours).map((difference) => ({ file, ...difference })));
    }
  }, 300_000);

  describe.each(["dns", "http"] as const)("%s", (protocol) => {
    const exceptions = EXCEPTIONS[protocol];
    const exceptionOf = ({ file, figure }: { file: string; figure: string }) =>
      exceptions.find((one) => one.file === file && one.figure === figure);

    test("there are few exceptions", () => expect(exceptions.length).toBeLessThanOrEqual(EXCEPTIONS_MAX));

    test.each(exceptions)(
      "as the exception says: $figure of $file",
      ({ file, figure, ours, theirs, packets }) => {
        const differing = found.find((one) => one.protocol === protocol && one.file === file && one.figure === figure);
        expect(differing).toEqual({ file, protocol, figure, ours, theirs });
        expect(packets.length).toBe(Math.abs(ours - theirs));
        if (HAS_TSHARK) expect(shownIn(corpusBytes(file), protocol, figure, packets)).toBe(Math.max(theirs - ours, 0));
      },
      60_000,
    );

    test.runIf(HAS_TSHARK)(
      "all else, as tshark shows it in one way or another, or as the client says",
      { timeout: 300_000 },
      () => {
        const others = found.filter((one) => one.protocol === protocol && !exceptionOf(one));
        const files = [...new Set(others.map(({ file }) => file))];
        const decided = new Map(
          files.map((file) => [
            file,
            file.startsWith("generated/") ? clientFigures(file) : mostShown(corpusBytes(file), protocol),
          ]),
        );
        const decidedOf = ({ file, figure }: Difference & { file: string }) => decided.get(file)![figure] ?? 0;
        expect(others.filter((one) => decidedOf(one) !== one.ours)).toEqual([]);
      },
    );
  });
});
