/** MongoDB in every capture of the collection that has it, as tshark counts it: messages by opcode. */
import { describe, expect, test } from "vitest";
import { corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectFew } from "../support/exceptions";
import { readRoundTrips } from "../support/round-trips";

interface TruthRow {
  file: string;
  tshark_rc: number;
  by: Record<string, Record<string, number>>;
}

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/urso/packetbeat/packetbeat/tests/system/pcaps/mongodb_invalid_opcode_2269.pcap",
    packet: 4,
    reason: "opcode 2269, which there is not: tshark shows it because of the port",
  },
  {
    file: "upstream/arkime/arkime/tests/pcap/mongo.pcap",
    packet: 27,
    reason: "on port 30000, of which tshark was not told",
  },
  {
    file: "upstream/urso/packetbeat/packetbeat/tests/system/pcaps/mongodb_insert_duplicate_key.pcap",
    packet: 2,
    reason: "a whole query in one segment, and its reply, which tshark takes for parts of something longer",
  },
];

const NUMBERS: Record<string, string> = { OP_REPLY: "1", OP_QUERY: "2004", OP_MSG: "2013" };

describe.runIf(HAS_CORPUS)("messages by opcode", () => {
  const truths = HAS_CORPUS ? corpusRows<TruthRow>("truth.ndjson") : [];
  const files = HAS_CORPUS ? corpusIndex().filter(({ tags }) => tags.includes("mongodb")) : [];
  const rows = truths.filter(({ file, tshark_rc }) => tshark_rc === 0 && files.some((one) => one.file === file));

  test("there are some", () => expect(rows.length).toBeGreaterThanOrEqual(10));

  test("equal tshark's, but for the exceptions", () => {
    const differing: string[] = [];
    for (const { file, by } of rows) {
      const found: Record<string, number> = {};
      for (const trip of readRoundTrips(corpusBytes(file), { keepDuplicates: true })) {
        if (trip.protocol !== "mongodb") continue;
        for (const side of [trip.request, trip.response]) {
          const number = side && NUMBERS[String(side.opCode)];
          if (number) found[number] = (found[number] ?? 0) + 1;
        }
      }
      const sorted = (one: Record<string, number>) => JSON.stringify(Object.entries(one).sort());
      if (sorted(found) !== sorted(by["mongo.opcode"] ?? {})) differing.push(file);
    }
    expectFew(EXCEPTIONS);
    expect(differing.sort()).toEqual(EXCEPTIONS.map(({ file }) => file).sort());
  });

  test("are found nowhere else", { timeout: 300_000 }, () => {
    const others = corpusIndex().filter(({ core, tags }) => core && !tags.includes("mongodb"));
    const taken = others.filter(({ file }) => readRoundTrips(corpusBytes(file)).some(({ protocol }) => protocol === "mongodb"));
    expect(taken.map(({ file }) => file)).toEqual([]);
  });
});
