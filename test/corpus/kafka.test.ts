/** Kafka in every capture of the collection that has it, as tshark counts it: requests and responses by API key. */
import { describe, expect, test } from "vitest";
import { corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectFew } from "../support/exceptions";
import { readRoundTrips } from "../support/round-trips";

interface TruthRow {
  file: string;
  tshark_rc: number;
  by: Record<string, Record<string, number>>;
}

const FOLDER = "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/kafka";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [
  { file: `${FOLDER}/00-produce-v9.pcap`, packet: 2, reason: "a flexible response, which tshark does not take to its request" },
  {
    file: `${FOLDER}/01-fetch-v12-perf.pcap`,
    packet: 2,
    reason: "a flexible response, which tshark does not take to its request",
  },
  {
    file: `${FOLDER}/01-fetch-v12-unknown.pcap`,
    packet: 2,
    reason: "a flexible response, which tshark does not take to its request",
  },
  {
    file: `${FOLDER}/11-join-group-v7.pcap`,
    packet: 1,
    reason: "tshark takes the client's side for the server's and reads the response as Produce",
  },
  {
    file: `${FOLDER}/mixed-with-unsupported.pcap`,
    packet: 9,
    reason: "the response to Fetch 13, a version that tshark does not know",
  },
];

function count(keys: (number | undefined)[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const key of keys) if (key !== undefined) sum[key] = (sum[key] ?? 0) + 1;
  return sum;
}

describe.runIf(HAS_CORPUS)("requests and responses by API key", () => {
  const truths = HAS_CORPUS ? corpusRows<TruthRow>("truth.ndjson") : [];
  const files = HAS_CORPUS ? corpusIndex().filter(({ tags }) => tags.includes("kafka")) : [];
  const rows = truths.filter(({ file, tshark_rc }) => tshark_rc === 0 && files.some((one) => one.file === file));

  test("there are some", () => expect(rows.length).toBeGreaterThanOrEqual(10));

  test("equal tshark's, but for the exceptions", () => {
    const differing: string[] = [];
    for (const { file, by } of rows) {
      const trips = readRoundTrips(corpusBytes(file), { keepDuplicates: true }).filter(({ protocol }) => protocol === "kafka");
      const asked = count(trips.map(({ request }) => request?.apiKey as number | undefined));
      const answered = count(
        trips.map(({ request, response }) => (response ? (request?.apiKey as number | undefined) : undefined)),
      );
      const wanted = [by["kafka.api_key"] ?? {}, by["kafka.response.api_key"] ?? {}];
      if (JSON.stringify([asked, answered]) !== JSON.stringify(wanted)) differing.push(file);
    }
    expectFew(EXCEPTIONS);
    expect(differing.sort()).toEqual(EXCEPTIONS.map(({ file }) => file).sort());
  });

  test("are found nowhere else", { timeout: 300_000 }, () => {
    const others = corpusIndex().filter(({ core, tags }) => core && !tags.includes("kafka"));
    const taken = others.filter(({ file }) => readRoundTrips(corpusBytes(file)).some(({ protocol }) => protocol === "kafka"));
    expect(taken.map(({ file }) => file)).toEqual([]);
  });
});
