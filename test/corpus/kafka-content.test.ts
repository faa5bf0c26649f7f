/** Records that are kept of Kafka in the project's capture and in those of others: what tshark takes out of them. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, corpusIndex, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectEqualBut, expectFew } from "../support/exceptions";
import { fixtureBytes } from "../support/fixtures";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/kafka/00-produce-v2.pcap",
    packet: 1,
    reason: "tshark 4.0 takes the lengths of a message of magic 1 for two bytes and so finds no value",
  },
];
const WORDS = ["-Y", "kafka.message_value"];
const FIELDS = ["tcp.srcport", "tcp.dstport", "kafka.correlation_id", "kafka.message_key", "kafka.message_value"];

interface Told {
  key: string | null;
  value: string | null;
}

/** Records by the ports that a message went between and its number; those of several messages in a packet are left out. */
function tsharkRecords(bytes: Uint8Array, ports: readonly number[]): Map<string, string[][]> {
  const known = new Map<string, string[][]>();
  const words = ports.flatMap((port) => ["-d", `tcp.port==${port},kafka`]);
  for (const [from, to, id, ...lists] of tsharkFields(bytes, FIELDS, [...words, ...WORDS])) {
    if (!id!.includes(","))
      known.set(
        `${from} ${to} ${id}`,
        lists.map((list) => list.split(",")),
      );
  }
  return known;
}

/** A text as tshark has it. */
const hex = (text: string | null) => (text ? Buffer.from(text).toString("hex") : "<MISSING>");

/** Keys and values of a capture as we tell them, and of as many records as tshark does. */
function comparisonOf(bytes: Uint8Array) {
  const core = new Core(module, { events: true, bodyBytes: 2048, raw: true });
  const trips = tripsThrough(core, bytes, new RoundTripReader(core.schema, () => undefined, bodyReader(true)));
  const ours = trips.filter(({ protocol }) => protocol === "kafka");
  const known = tsharkRecords(bytes, [...new Set(ours.map(({ server }) => server.port))]);
  const found = { got: [] as string[][], wanted: [] as string[][], records: 0 };
  for (const { client, server, request, response } of ours) {
    for (const [from, to, message] of [
      [client, server, request],
      [server, client, response],
    ] as const) {
      const theirs = known.get(`${from.port} ${to.port} ${message?.correlationId}`);
      if (message?.body === undefined || !theirs) continue;
      const whole = String(message.body)
        .split("\n")
        .filter((one) => one.endsWith("}") && !one.includes("…"));
      const told = whole.map((one) => JSON.parse(one) as Told);
      found.records += told.length;
      found.got.push(
        told.map(({ key }) => hex(key)),
        told.map(({ value }) => hex(value)),
      );
      found.wanted.push(...theirs.map((list) => list.slice(0, told.length)));
    }
  }
  return found;
}

describe.runIf(HAS_TSHARK)("records are tshark's", () => {
  test("of the project's capture", () => {
    const { got, wanted, records } = comparisonOf(fixtureBytes("kafka_kafkajs.pcap"));
    expect(got).toEqual(wanted);
    expect(records).toBeGreaterThan(50);
  });

  const files = HAS_CORPUS
    ? corpusIndex().filter(({ tags, file }) => tags.includes("kafka") && file.startsWith("upstream/"))
    : [];

  test.runIf(HAS_CORPUS)("of others' captures", () => {
    expectFew(EXCEPTIONS);
    let sum = 0;
    for (const { file } of files) {
      const { got, wanted, records } = comparisonOf(corpusBytes(file));
      expectEqualBut(EXCEPTIONS, file, got, wanted);
      sum += records;
    }
    expect(sum).toBeGreaterThanOrEqual(2);
  });
});
