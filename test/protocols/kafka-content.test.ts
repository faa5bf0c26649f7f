/** Records of Kafka that are kept where they are asked for: what was sent, in any form, compression and pieces, and nothing of other requests. */
import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { type MessageFields, type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsWithContents } from "../support/contents";
import { tripsThrough } from "../support/core-trips";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { kafka, line, together } from "../support/kafka";
import { type Coding, messages, recordBatch, type SentRecord } from "../support/kafka-records";
import { kafkaRequest, kafkaResponse, sized, type Values } from "../support/kafka-schema";
import { type Captured, join, pcap, u16, u32 } from "../support/pcap-builder";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const TOPIC = "orders.v1";
const ID = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";
const CODINGS: Coding[] = ["none", "gzip", "snappy", "xerial", "lz4"];
const SENT: SentRecord[] = Array.from({ length: 9 }, (_, index) => ({
  key: index % 4 === 3 ? null : `user:${index}`,
  value: index % 5 === 4 ? null : `a value of some length ${"and more ".repeat(index)}`,
  headers:
    index % 2
      ? [
          ["trace", `t-${index}`],
          ["empty", null],
        ]
      : [],
}));
const HAS_ZSTD = "zstdDecompressSync" in zlib;

/** Round trips as they are printed. */
function shown(packets: Captured[] | Uint8Array, { raw = true, bodyBytes = 2048 } = {}): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, bodyBytes, raw });
  const file = packets instanceof Uint8Array ? packets : pcap(packets);
  return tripsThrough(core, file, new RoundTripReader(core.schema, () => undefined, bodyReader(raw)));
}

const linesOf = (message: MessageFields | undefined) => String(message?.body ?? "").split("\n");
const recordsOf = (message: MessageFields | undefined) => linesOf(message).map((one) => JSON.parse(one));

/** What a record is to be shown as. */
function told({ key, value, headers = [] }: SentRecord, partition: number, offset?: number) {
  const named = headers.length ? { headers: Object.fromEntries(headers) } : {};
  return { topic: TOPIC, partition, ...(offset === undefined ? {} : { offset }), key, value, ...named };
}

const produce = (version: number, partitions: Values[], form = {}) =>
  kafkaRequest("Produce", version, { transactionalId: null, acks: -1, topics: [{ name: TOPIC, topicId: ID, partitions }] }, form);
const produced = (version: number) =>
  kafkaResponse("Produce", version, { topics: [{ name: TOPIC, topicId: ID, partitions: [{}] }] });
const fetch = (version: number, topic: Values = {}) =>
  kafkaRequest("Fetch", version, { topics: [{ name: TOPIC, topicId: ID, partitions: [{}], ...topic }] });
const fetched = (version: number, partitions: Values[], topic: Values = {}) =>
  kafkaResponse("Fetch", version, { topics: [{ name: TOPIC, topicId: ID, partitions, ...topic }] });

/** What one request and its response are, in pieces. */
function talk(request: Uint8Array, response: Uint8Array, segment?: number): Captured[] {
  return kafka().send("client", request, segment).send("server", response, segment).close().packets;
}

describe.each([1, 2, 3, 7, 64, 1400])("in pieces of %i bytes", (segment) => {
  const two = (at: Coding) => [
    { index: 3, records: recordBatch(SENT.slice(0, 4), { coding: at, base: 40n }) },
    {
      index: 5,
      records: join(recordBatch(SENT.slice(4, 6), { coding: at }), recordBatch(SENT.slice(6), { coding: at, base: 2n })),
    },
  ];

  test.each(CODINGS)("records of batches, %s: what was sent, and at which offsets they are", (coding) => {
    const [trip] = shown(talk(produce(9, two(coding)), fetched(12, []), segment));
    const sent = SENT.map((one, index) => told(one, index < 4 ? 3 : 5));
    expect(recordsOf(trip?.request)).toEqual(sent);
    const [got] = shown(talk(fetch(12), fetched(12, two(coding)), segment));
    expect(got?.request).not.toHaveProperty("body");
    expect(recordsOf(got?.response)).toEqual(
      SENT.map((one, index) => told(one, index < 4 ? 3 : 5, index < 4 ? 40 + index : index - 4)),
    );
  });

  test.each([0, 1] as const)("messages of magic %i", (magic) => {
    const plain = SENT.map(({ key, value }) => ({ key, value }));
    for (const coding of CODINGS) {
      const records = messages(plain, magic, { coding, base: 70n });
      const [trip] = shown(talk(fetch(2), fetched(2, [{ index: 1, records }]), segment));
      expect(recordsOf(trip?.response), coding).toEqual(plain.map((one, index) => told(one, 1, 70 + index)));
      const [sent] = shown(talk(produce(2, [{ index: 1, records }]), produced(2), segment));
      expect(recordsOf(sent?.request), coding).toEqual(plain.map((one) => told(one, 1)));
    }
  });

  test("the first N bytes, wherever they end: a beginning of what was sent", () => {
    const records = recordBatch(SENT, { base: 7n });
    const packets = talk(fetch(11), fetched(11, [{ records }, { index: 1, records }]), segment);
    for (const bodyBytes of [1, 6, 7, 67, 90, 300]) {
      const [kept] = tripsWithContents(module, pcap(packets), { bodyBytes });
      const body = Buffer.from(String(kept?.response?.body ?? ""), "latin1").subarray(6);
      expect(body.equals(records.subarray(0, body.length))).toBe(true);
      expect(body.length).toBe(bodyBytes <= 6 ? 0 : bodyBytes - 6);
      const all = SENT.map((one, index) => JSON.stringify(told(one, 0, 7 + index)));
      const lines = linesOf(shown(packets, { bodyBytes })[0]?.response).filter((one) => one !== "");
      const whole = lines.slice(0, -1);
      expect(whole).toEqual(all.slice(0, whole.length));
      expect(lines.every((one, index) => one === "…" || all[index]!.startsWith(one.slice(0, one.indexOf("…"))))).toBe(true);
    }
  });
});

test("every version of Produce and Fetch", () => {
  const partitions = [{ index: 2, records: recordBatch(SENT, { base: 9n }) }];
  for (let version = 0; version <= 13; version++) {
    const [trip] = shown(talk(produce(version, partitions), produced(version)));
    const topic = version === 13 ? ID : TOPIC;
    expect(recordsOf(trip?.request), `Produce ${version}`).toEqual(SENT.map((one) => ({ ...told(one, 2), topic })));
  }
  for (let version = 0; version <= 18; version++) {
    const [trip] = shown(talk(fetch(version), fetched(version, partitions)));
    const topic = version >= 13 ? ID : TOPIC;
    expect(recordsOf(trip?.response), `Fetch ${version}`).toEqual(
      SENT.map((one, index) => ({ ...told(one, 2, 9 + index), topic })),
    );
  }
});

test("several topics: each record has its own", () => {
  const topics = ["a", "b", "c"].map((name, at) => ({
    name,
    partitions: [{ index: at }, { index: 9, records: recordBatch([SENT[at]!]) }],
  }));
  const [trip] = shown(talk(kafkaRequest("Produce", 7, { acks: 1, topics }), produced(7)));
  expect(recordsOf(trip?.request).map(({ topic, partition }) => [topic, partition])).toEqual([
    ["a", 9],
    ["b", 9],
    ["c", 9],
  ]);
  const [got] = shown(talk(fetch(7), kafkaResponse("Fetch", 7, { topics })));
  expect(recordsOf(got?.response).map(({ topic, partition }) => [topic, partition])).toEqual([
    ["a", 9],
    ["b", 9],
    ["c", 9],
  ]);
});

test("control records, and compression that is not known", () => {
  const control = recordBatch([{ key: "\0\0\0\x01", value: "\0\0\0\0\0\0" }], { attributes: 32, base: 5n });
  const unknown = recordBatch(SENT, { attributes: 7, base: 6n });
  const [trip] = shown(talk(fetch(11), fetched(11, [{ records: join(control, unknown) }])));
  expect(recordsOf(trip?.response)).toEqual([
    { topic: TOPIC, partition: 0, offset: 5, control: "COMMIT" },
    { topic: TOPIC, partition: 0, offset: 6, records: `(${unknown.length - 61} bytes, compressed)` },
  ]);
});

describe("what others compressed", () => {
  // Eight records, by lz4 1.9.4 (-9 --content-size, then -BD -BX) and by zstd 1.5.4.
  const PACKED: [Coding, string][] = [
    [
      "lz4",
      "BCJNGGxAIAEAAAAAAADQfgAAAP8cRgAAAARrMDZ7ImFydGljbGUiOiJ0ZWEiLCJjb3VudCI6MH0ARgAAAgRrMSQABxExJABPBARrMiQABxEyJABPBgRrMyQABxEzJABP" +
        "CARrNCQABxE0JABPCgRrNSQABxE1JABPDARrNiQABxE2JABPDgRrNyQABVAiOjd9AAAAAABXw0LF",
    ],
    [
      "lz4",
      "BCJNGHRAvX4AAAD/HEYAAAAEazA2eyJhcnRpY2xlIjoidGVhIiwiY291bnQiOjB9AEYAAAIEazEkAAcRMSQATwQEazIkAAcRMiQATwYEazMkAAcRMyQATwgEazQkAAcR" +
        "NCQATwoEazUkAAcRNSQATwwEazYkAAcRNiQATw4EazckAAVQIjo3fQDlYOVMAAAAAFfDQsU=",
    ],
    [
      "zstd",
      "KLUv/WQgADUDAMLEERlwtzrB9Rah5CLi//RWkySJ3Pc/ESNGGRUZOhm7k7VuRKn7SOk2ELqLc24bcxOqTmdpKwcGAlzAvii3bRTAgCy8Paxyq6oLDQDAEhAusASECywB" +
        "4QJLQLjAEhAusASEu2OrMj/hG2g=",
    ],
  ];

  test.each(PACKED)("%s", (coding, text) => {
    const packed = new Uint8Array(Buffer.from(text, "base64"));
    const sent: SentRecord[] = Array.from({ length: 8 }, (_, index) => ({ key: `k${index}`, value: null }));
    const records = recordBatch(sent, { coding, packed });
    const packets = talk(fetch(11), fetched(11, [{ records }]));
    const [trip] = shown(packets);
    if (coding === "zstd" && !HAS_ZSTD) {
      // Node has it from 22.15 on.
      expect(recordsOf(trip?.response)[0]).toMatchObject({ records: `(${packed.length} bytes, zstd)` });
      return;
    }
    const values = sent.map(({ key }, count) => ({ ...told({ key, value: null }, 0, count), value: { article: "tea", count } }));
    expect(recordsOf(trip?.response)).toEqual(values);
    // Cut: what there is of it.
    const lines = linesOf(shown(packets, { bodyBytes: 6 + 61 + (coding === "zstd" ? 115 : 100) })[0]?.response);
    if (coding === "lz4") expect(lines.length).toBeGreaterThan(2);
    if (lines.length > 1) expect(JSON.parse(lines[0]!)).toEqual(values[0]);
  });
});

describe("hidden", () => {
  const values = ['{"article":"s3cr3t","count":4711,"new":true}', "s3cr3t", '[1,"s3cr3t"]', "4711", '{"s3cr3t', null];
  const records = recordBatch(values.map((value) => ({ key: "s3cr3t", value, headers: [["trace", "s3cr3t"]] })));
  const packets = talk(produce(9, [{ records }]), produced(9));

  test("keys, values and headers' values are, the structure of JSON is not", () => {
    const line = (value: string) => `{"topic":"${TOPIC}","partition":0,"key":"?","value":${value},"headers":{"trace":"?"}}`;
    const shapes = ['{"article":"?","count":?,"new":true}', '"?"', '[?,"?"]', '"?"', '"?"', "null"];
    expect(linesOf(shown(packets, { raw: false })[0]?.request)).toEqual(shapes.map(line));
  });

  test("wherever what is kept ends, in any compression", () => {
    for (const coding of CODINGS) {
      const packed = recordBatch(
        values.map((value) => ({ key: "s3cr3t", value, headers: [["trace", "s3cr3t"]] })),
        { coding },
      );
      const sent = talk(produce(9, [{ records: packed }]), produced(9));
      for (let bodyBytes = 1; bodyBytes < 260; bodyBytes += 13) {
        expect(String(shown(sent, { raw: false, bodyBytes })[0]?.request?.body)).not.toMatch(/s3|cr3|3t|471|711/);
      }
    }
  });
});

describe("what proves who somebody is stays out, with --raw too", () => {
  const secret = "s3cr3t-s3cr3t";
  const bytes = [...new TextEncoder().encode(secret)];
  const id = (correlationId: number) => ({ correlationId });
  /** A request by its header, and an answer, whose bodies hold a secret wherever their form has it. */
  const bare = (key: number, version: number, correlationId: number): [Uint8Array, Uint8Array] => [
    sized(join(u16(key), u16(version), u32(correlationId), u16(3), "lab", u32(bytes.length), bytes)),
    sized(join(u32(correlationId), u16(0), u16(0xffff), u32(bytes.length), bytes)),
  ];

  test.each([17, 36, 32, 33, 44, 38, 39, 40, 41, 50, 51])("in requests of API key %i and their answers", (key) => {
    const [request, response] = bare(key, 0, 7);
    const before = kafka()
      .send("client", produce(7, [{ records: recordBatch(SENT) }]))
      .send("server", produced(7));
    const trips = shown(before.send("client", request).send("server", response).close().packets);
    expect(trips.map(({ request: asked }) => asked?.apiKey)).toEqual([0, key]);
    expect(trips[0]?.request).toHaveProperty("body");
    expect(JSON.stringify(trips[1])).not.toContain("s3cr3t");
    expect(trips[1]?.request).not.toHaveProperty("body");
    expect(trips[1]?.response).not.toHaveProperty("body");
  });

  test("in frames of SASL without headers, behind which records are kept", () => {
    const shake = kafkaRequestOf(17, 0, 1, join(u16(5), "PLAIN"));
    const one = kafka()
      .send("client", shake)
      .send("server", sized(join(u32(1), u16(0), u32(1), u16(5), "PLAIN")));
    one.send("client", sized(join([0], "user", [0], secret))).send("server", sized([]));
    one.send("client", produce(7, [{ records: recordBatch(SENT) }], id(2)));
    one.send("server", kafkaResponse("Produce", 7, { topics: [{ name: TOPIC, partitions: [{}] }] }, id(2)));
    const trips = shown(one.close().packets);
    expect(trips.map(line)).toEqual(["SaslHandshake 0 #1 NONE ok", "Produce 7 #2 NONE ok"]);
    expect(JSON.stringify(trips)).not.toContain("s3cr3t");
    expect(recordsOf(trips[1]?.request)).toEqual(SENT.map((sent) => told(sent, 0)));
  });

  test.each([
    [{ name: "__cluster_metadata" }, 12],
    [{ topicId: "00000000-0000-0000-0000-000000000001" }, 17],
  ])("in what controllers agree on (%o)", (topic, version) => {
    const records = recordBatch([{ key: secret, value: secret }]);
    const [trip] = shown(talk(fetch(version, topic), fetched(version, [{ records }], topic)));
    expect(trip?.response).toMatchObject({ records: 1 });
    expect(JSON.stringify(trip)).not.toContain("s3cr3t");
  });

  test("in a response whose request was not seen", () => {
    const orphan = kafkaResponse(
      "Fetch",
      11,
      { topics: [{ name: TOPIC, partitions: [{ records: recordBatch([{ key: secret, value: secret }]) }] }] },
      id(9),
    );
    const one = kafka()
      .send("client", fetch(11))
      .send("server", together(fetched(11, []), orphan));
    const trips = shown(one.close().packets);
    expect(trips.map(line)).toEqual(["Fetch 11 #1 NONE ok", "- ? unobserved"]);
    expect(JSON.stringify(trips)).not.toContain("s3cr3t");
  });
});

function kafkaRequestOf(key: number, version: number, correlationId: number, body: Uint8Array): Uint8Array {
  return sized(join(u16(key), u16(version), u32(correlationId), u16(3), "lab", body));
}

describe("all else is what it is without", () => {
  const strip = ({ request, response, marks, ...rest }: RoundTrip) => {
    const plain = (message: MessageFields | undefined) => {
      const { body, ...others } = message ?? { bytes: -1 };
      return others;
    };
    return { ...rest, marks: marks.filter((mark) => mark !== "truncated"), request: plain(request), response: plain(response) };
  };
  const same = (file: Uint8Array) => {
    const [without, kept] = [0, 2048].map((bodyBytes) => tripsWithContents(module, file, { bodyBytes }));
    expect(kept!.map(strip)).toEqual(without!.map(strip));
    return kept!;
  };
  const records = recordBatch(SENT, { base: 3n });
  const many = [
    { index: 0, records },
    { index: 1, records: join(records, records) },
    { index: 2, errorCode: 6, records },
  ];

  test.each(FIXTURES.filter((name) => name.startsWith("kafka_")))("%s", (name) => {
    expect(same(fixtureBytes(name)).some(({ request }) => request?.body !== undefined)).toBe(true);
  });

  test.each([150, 1400])("with any packet missing, of %i bytes; what is kept is a beginning", (segment) => {
    const one = kafka();
    for (let i = 1; i <= 3; i++) {
      one.send("client", produce(7, many, { correlationId: i }), segment);
      one.send(
        "server",
        kafkaResponse("Produce", 7, { topics: [{ name: TOPIC, partitions: [{}] }] }, { correlationId: i }),
        segment,
      );
    }
    one.send("client", fetch(11)).send("server", fetched(11, many), segment).close();
    const whole = tripsWithContents(module, pcap(one.packets), { bodyBytes: 2048 });
    const beginnings = [whole[0]?.request?.body, whole[3]?.response?.body].map(String);
    for (let lost = 3; lost < one.packets.length; lost++) {
      const trips = same(pcap(one.packets.filter((_, index) => index !== lost)));
      const kept = trips.flatMap(({ request, response }) => [request?.body, response?.body]).filter((body) => body !== undefined);
      for (const body of kept)
        expect(
          beginnings.some((all) => all.startsWith(String(body))),
          `${lost}`,
        ).toBe(true);
    }
  });

  test("with packets cut short", () => {
    const { packets } = kafka().send("client", produce(7, many), 300).send("server", produced(7)).close();
    for (const most of [60, 100, 200, 300]) {
      same(
        pcap(
          packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, most), originalLength: packet.bytes.length })),
        ),
      );
    }
  });

  test("where rows take all the room", () => {
    const topics = Array.from({ length: 90 }, (_, at) => ({
      name: `topic-${at}-${"x".repeat(60)}`,
      partitions: [{ index: at, records }],
    }));
    const trips = same(
      pcap(talk(kafkaRequest("Produce", 7, { acks: 1, topics }), kafkaResponse("Produce", 7, { topics }), 1400)),
    );
    expect(trips[0]?.marks).toContain("truncated");
    same(pcap(talk(fetch(7), kafkaResponse("Fetch", 7, { topics }), 1400)));
  });
});

describe.runIf(HAS_TSHARK)("what tshark says", () => {
  const FIELDS = ["kafka.message_key", "kafka.message_value", "kafka.header_key", "kafka.header_value"];
  const WORDS = ["-d", "tcp.port==19092,kafka", "-Y", "kafka.message_value"];

  test.each(CODINGS)("of batches, %s", (coding) => {
    const records = recordBatch(
      SENT.map(({ value, ...one }) => ({ ...one, key: one.key ?? "-", value: value ?? "-" })),
      { coding },
    );
    const packets = talk(produce(7, [{ records }]), produced(7));
    const [row] = tsharkFields(pcap(packets), FIELDS, WORDS);
    const text = (list: string | undefined) => list!.split(",").map((one) => Buffer.from(one, "hex").toString());
    const ours = recordsOf(shown(packets)[0]?.request);
    expect(ours.map(({ key }) => key)).toEqual(text(row![0]));
    expect(ours.map(({ value }) => value)).toEqual(text(row![1]));
    const headers = ours.flatMap(({ headers: one }) => Object.entries(one ?? {}));
    expect(headers.map(([name]) => name).join(",")).toBe(row![2]);
    expect(headers.map(([, value]) => value ?? "")).toEqual(text(row![3]!.replaceAll("<MISSING>", "")));
  });
});
