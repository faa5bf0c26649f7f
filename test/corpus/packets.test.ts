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
