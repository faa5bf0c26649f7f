/** Laws that Kafka keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keepsByteLaws } from "../support/byte-laws";
import { kafka, line, lines, together, tripsOf } from "../support/kafka";
import { batch, kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import type { Captured } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { keepsSegments } from "../support/stream-laws";

const partition = (index: number, bytes = 40) => ({ index, records: batch(3, bytes) });
const produce = (id: number, acks = 1) =>
  kafkaRequest("Produce", 9, { acks, topics: [{ name: `t.${id}`, partitions: [partition(0)] }] }, { correlationId: id });
const produced = (id: number, errorCode = 0) =>
  kafkaResponse("Produce", 9, { topics: [{ name: `t.${id}`, partitions: [{ errorCode }] }] }, { correlationId: id });
const fetch = (id: number) =>
  kafkaRequest("Fetch", 11, { topics: [{ name: `t.${id}`, partitions: [{ index: id }] }] }, { correlationId: id });
const fetched = (id: number, bytes = 300) =>
  kafkaResponse("Fetch", 11, { topics: [{ name: `t.${id}`, partitions: [partition(id, bytes)] }] }, { correlationId: id });

const TALK: ["client" | "server", Uint8Array][] = [
  ["client", kafkaRequest("ApiVersions", 3, { clientSoftwareName: "lab" }, { correlationId: 0, tags: 1 })],
  ["server", kafkaResponse("ApiVersions", 3, { apiKeys: [{ apiKey: 1, maxVersion: 2 }] }, { correlationId: 0, tags: 1 })],
  ["client", together(produce(1), produce(2, 0), fetch(3))],
  ["server", together(produced(1, 6), fetched(3))],
  ["client", kafkaRequest("JoinGroup", 5, { groupId: "g.1", groupInstanceId: null }, { correlationId: 4 })],
  ["server", kafkaResponse("JoinGroup", 5, { errorCode: 79 }, { correlationId: 4 })],
];
const LINES = [
  "ApiVersions 3 #0 NONE ok",
  "Produce 9 #2 - ok",
  "Produce 9 #1 NOT_LEADER_OR_FOLLOWER error",
  "Fetch 11 #3 NONE ok",
  "JoinGroup 5 #4 MEMBER_ID_REQUIRED error",
];

function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = kafka();
  for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

describe("segments", () => {
  keepsSegments({ talk: TALK, trips: tripsOf, line, whole: LINES, placed: 4 });
});

describe("losses", () => {
  const COUNT = 60;
  const packets = (segmentBytes: number) => {
    const one = kafka({ stepNs: 100_000n });
    for (let i = 1; i <= COUNT; i++) {
      one.send("client", fetch(i)).send("server", fetched(i, 1100), segmentBytes).acknowledge("client").wait(20_000_000n);
    }
    return one.close().packets;
  };

  const isWrong = ({ request, response }: RoundTrip) =>
    request !== undefined && response !== undefined && request.correlationId !== response.correlationId;

  test("of any one segment: no pair is wrong, nothing is invented, one exchange at the most is not whole", () => {
    const all = packets(400);
    for (let lost = 3; lost < all.length - 3; lost++) {
      const trips = tripsOf(all.filter((_, index) => index !== lost));
      expect(trips.filter(isWrong), `without packet ${lost}`).toEqual([]);
      const asked = trips.filter(({ request }) => request).map(({ request }) => request!.correlationId);
      expect(new Set(asked).size, `without packet ${lost}`).toBe(asked.length);
      expect(trips.filter(({ status }) => status === "ok").length, `without packet ${lost}`).toBeGreaterThanOrEqual(COUNT - 1);
      expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status))).toEqual([]);
    }
  });

  test.each([0.01, 0.05, 0.2])("of a share of %d of all segments: what is decidable is decided", (share) => {
    let decidable = 0;
    let right = 0;
    for (let seed = 0; seed < 20; seed++) {
      const random = randomFrom(seed);
      const all = packets(400);
      const isKept = all.map((_, index) => index < 3 || random() >= share);
      const trips = tripsOf(all.filter((_, index) => isKept[index]));
      for (let i = 1; i <= COUNT; i++) {
        // Each exchange is a request, four segments of the response, and an acknowledgement.
        const first = 3 + (i - 1) * 6;
        if (!isKept[first] || !isKept[first + 1]) continue;
        decidable += 1;
        const found = trips.filter(({ request }) => request?.correlationId === i);
        if (found.length === 1 && found[0]!.status === "ok" && found[0]!.response?.errorCode === 0) right += 1;
      }
      expect(trips.filter(isWrong)).toEqual([]);
      expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status))).toEqual([]);
    }
    expect(right / decidable).toBeGreaterThanOrEqual(share === 0.01 ? 0.995 : share === 0.05 ? 0.985 : 0.94);
  });

  test("pipelined, with many responses a segment: no pair is wrong", () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = randomFrom(seed);
      const one = kafka({ stepNs: 100_000n });
      for (let i = 0; i < 200; i += 10) {
        const ids = Array.from({ length: 10 }, (_, index) => i + index);
        one.send("client", together(...ids.map(fetch)), 300).send("server", together(...ids.map((id) => fetched(id))), 700);
        one.acknowledge("client").wait(20_000_000n);
      }
      const all = one.close().packets;
      const trips = tripsOf(all.filter((_, index) => index < 4 || random() >= 0.05));
      expect(trips.filter(isWrong)).toEqual([]);
      for (const { request, response, marks } of trips) {
        if (request?.topics && !marks.includes("gap"))
          expect(request.topics).toEqual([{ topic: `t.${request.correlationId}`, partitions: 1 }]);
        for (const row of (response?.partitions ?? []) as { topic: string; partition: number }[]) {
          expect(row).toMatchObject({ topic: `t.${response!.correlationId}`, partition: response!.correlationId });
        }
      }
    }
  });

  test("mid-stream: joined at every packet, no pair is wrong and the rest is found", () => {
    const all = packets(400);
    for (let from = 1; from < 40; from++) {
      const trips = tripsOf(all.slice(from));
      expect(trips.filter(isWrong)).toEqual([]);
      const whole = trips.filter(({ status }) => status === "ok").length;
      expect(whole, `from ${from}`).toBeGreaterThanOrEqual(COUNT - 1 - Math.ceil(from / 6));
    }
  });

  test("a capture cut after any packet invents nothing", () => {
    const all = talk(60);
    for (let count = 0; count < all.length; count++) {
      for (const { status } of tripsOf(all.slice(0, count))) expect(["ok", "error", "unobserved"]).toContain(status);
    }
  });

  test("bytes of records that are missing cost only a mark", () => {
    const big = fetched(1, 6000);
    const one = kafka().send("client", fetch(1)).send("server", big.subarray(0, 2000)).lose("server", big.subarray(2000, 4000));
    one.send("server", big.subarray(4000)).acknowledge("client").send("client", fetch(2)).send("server", fetched(2)).close();
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual(["Fetch 11 #1 NONE ok gap", "Fetch 11 #2 NONE ok"]);
    expect(trips[0]!.response).toMatchObject({ records: 3, recordBytes: 6061 });
  });
});

keepsByteLaws({
  name: "Kafka",
  port: 9092,
  open: kafka,
  talk: TALK,
  trips: tripsOf,
  lines,
  clean: (number) => ({ asked: fetch(number), answered: fetched(number), line: `Fetch 11 #${number} NONE ok` }),
});
