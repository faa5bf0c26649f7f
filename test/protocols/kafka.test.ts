/** Kafka: named cases, with bytes by hand where their form is the point. */
import { describe, expect, test } from "vitest";
import { kafka, line, lines, together, tripsOf } from "../support/kafka";
import { bareRequest, batch, kafkaRequest, kafkaResponse, messageSet, sized } from "../support/kafka-schema";
import { hex } from "../support/pcap-builder";

const TOPIC = "orders.v1";
const produce = (id: number, acks = -1, records = batch(1)) =>
  kafkaRequest(
    "Produce",
    7,
    { transactionalId: null, acks, topics: [{ name: TOPIC, partitions: [{ records }] }] },
    { correlationId: id },
  );
const produced = (id: number, errorCode = 0) =>
  kafkaResponse("Produce", 7, { topics: [{ name: TOPIC, partitions: [{ errorCode }] }] }, { correlationId: id });
const heartbeat = (id: number) => kafkaRequest("Heartbeat", 4, { groupId: "g" }, { correlationId: id });
const beaten = (id: number, errorCode = 0) => kafkaResponse("Heartbeat", 4, { errorCode }, { correlationId: id });

describe("bytes by hand", () => {
  test("Produce 7, null transactional id, acks 1: librdkafka's form", () => {
    const request = hex(
      "00000075 0000 0007 00000003 0007 72646b61666b61 ffff 0001 00001388 00000001 0009 6f72646572732e7631 00000001" +
        "00000000 00000045 0000000000000000 00000039 00000000 02 9d6b6e2c 0000 00000000 0000018c2f8b1b00 0000018c2f8b1b00" +
        "ffffffffffffffff ffff ffffffff 00000001 0e 00 00 00 01 02 6100".replaceAll(" ", ""),
    );
    new DataView(request.buffer).setUint32(0, request.length - 4);
    const trips = tripsOf(kafka().send("client", request).send("server", produced(3)).close().packets);
    expect(trips.map(line)).toEqual(["Produce 7 #3 NONE ok"]);
    expect(trips[0]!.request).toMatchObject({
      clientId: "rdkafka",
      acks: 1,
      topics: [{ topic: "orders.v1", partitions: 1 }],
      records: 1,
      recordBytes: 69,
    });
    expect(trips[0]!.request).not.toHaveProperty("transactionalId");
  });

  test("ApiVersions 3: a flexible request, and a response whose header has no tags", () => {
    const one = kafka();
    one.send("client", hex("00000017 0012 0003 00000001 0003 6c6162 00 04 6c6962 04 312e30 00".replaceAll(" ", "")));
    const request = hex("0000 0015 0012 0003 0000 0001 0003 6c6162 00 04 6c6962 04 312e30 00".replaceAll(" ", ""));
    const response = hex("0000 0013 0000 0001 0000 02 0000 0000 0009 00 0000 0000 00".replaceAll(" ", ""));
    new DataView(request.buffer).setUint32(0, request.length - 4);
    new DataView(response.buffer).setUint32(0, response.length - 4);
    const trips = tripsOf(kafka().send("client", request).send("server", response).close().packets);
    expect(trips.map(line)).toEqual(["ApiVersions 3 #1 NONE ok"]);
    expect(trips[0]!.response).toMatchObject({ throttleMs: 0, errors: 0 });
  });
});

describe("pairs", () => {
  test("several requests and several responses in a segment", () => {
    const ids = [1, 2, 3, 4, 5, 6, 7];
    const one = kafka().send("client", together(...ids.map((id) => produce(id))));
    one.send("server", together(...ids.map((id) => produced(id, id === 4 ? 3 : 0)))).close();
    expect(lines(one.packets)).toEqual(
      ids.map((id) => (id === 4 ? "Produce 7 #4 UNKNOWN_TOPIC_OR_PARTITION error" : `Produce 7 #${id} NONE ok`)),
    );
  });

  test("responses out of order", () => {
    const one = kafka().send("client", together(produce(1), heartbeat(2), produce(3)));
    one.send("server", together(produced(3), beaten(2, 27), produced(1))).close();
    expect(lines(one.packets)).toEqual([
      "Produce 7 #3 NONE ok",
      "Heartbeat 4 #2 REBALANCE_IN_PROGRESS error",
      "Produce 7 #1 NONE ok",
    ]);
  });

  test("one id for all: the oldest is answered first", () => {
    const one = kafka().send("client", together(produce(0), heartbeat(0), heartbeat(0)));
    one.send("server", together(produced(0, 7), beaten(0, 27), beaten(0))).close();
    expect(lines(one.packets)).toEqual([
      "Produce 7 #0 REQUEST_TIMED_OUT error",
      "Heartbeat 4 #0 REBALANCE_IN_PROGRESS error",
      "Heartbeat 4 #0 NONE ok",
    ]);
  });

  test("two thousand requests in flight", () => {
    const ids = Array.from({ length: 1000 }, (_, index) => index);
    const one = kafka().send("client", together(...ids.map(heartbeat)), 1400);
    one.send("server", together(...ids.map((id) => beaten(id))), 1400).close();
    expect(lines(one.packets)).toEqual(ids.map((id) => `Heartbeat 4 #${id} NONE ok`));
  });

  test("acks 0: ok at once, and no timeout for what never comes", () => {
    const one = kafka()
      .send("client", produce(1, 0))
      .send("client", produce(2))
      .send("server", produced(2))
      .wait(400_000_000_000n);
    one.send("client", heartbeat(3)).close();
    expect(lines(one.packets)).toEqual(["Produce 7 #1 - ok", "Produce 7 #2 NONE ok", "Heartbeat 4 #3 - closed"]);
  });

  test("a request without a response is closed, reset or timed out", () => {
    expect(lines(kafka().send("client", produce(1)).close().packets)).toEqual(["Produce 7 #1 - closed"]);
    expect(lines(kafka().send("client", produce(1)).reset("server").packets)).toEqual(["Produce 7 #1 - reset"]);
    const late = kafka().send("client", produce(1)).wait(301_000_000_000n);
    for (let i = 0; i < 20; i++) late.acknowledge("server");
    expect(lines(late.packets)).toEqual(["Produce 7 #1 - timeout"]);
    expect(lines(kafka().send("client", produce(1)).packets)).toEqual(["Produce 7 #1 - unobserved"]);
  });

  test("a response without its request is an orphan whose body stays unread", () => {
    const one = kafka()
      .send("client", produce(1))
      .send("server", together(produced(1), produced(9, 3)));
    one.send("client", produce(10)).send("server", produced(10)).close();
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual(["Produce 7 #1 NONE ok", "- ? unobserved", "Produce 7 #10 NONE ok"]);
    expect(trips[1]!.response).toEqual({ bytes: produced(9).length, correlationId: 9 });
  });
});

describe("what is read", () => {
  test("a null client id is absent", () => {
    const one = kafka().send("client", kafkaRequest("Metadata", 1, { topics: null }, { clientId: null }));
    const [trip] = tripsOf(one.send("server", kafkaResponse("Metadata", 1)).close().packets);
    expect(trip!.request).not.toHaveProperty("clientId");
    expect(trip!.request).not.toHaveProperty("topics");
  });

  test("an empty client id on Kafka's own port", () => {
    const request = kafkaRequest("Metadata", 1, { topics: null }, { clientId: "" });
    expect(lines(kafka({ serverPort: 9092 }).send("client", request).close().packets)).toEqual(["Metadata 1 #1 - closed"]);
  });

  test("the worst of several errors, each partition's own", () => {
    const codes = [0, 6, 17, 29, 0];
    const partitions = codes.map((errorCode, index) => ({ index, errorCode }));
    const request = kafkaRequest("Produce", 9, {
      acks: 1,
      topics: [{ name: TOPIC, partitions: partitions.map(({ index }) => ({ index })) }],
    });
    const response = kafkaResponse("Produce", 9, { topics: [{ name: TOPIC, partitions }] });
    const [trip] = tripsOf(kafka().send("client", request).send("server", response).close().packets);
    expect(trip!.response).toMatchObject({ errorCode: 17, errorName: "INVALID_TOPIC_EXCEPTION", errors: 3 });
    expect((trip!.response!.partitions as { errorCode: number }[]).map(({ errorCode }) => errorCode)).toEqual(codes);
  });

  test("a throttle time below 0 is none", () => {
    const one = kafka().send("client", heartbeat(1));
    one.send("server", kafkaResponse("Heartbeat", 4, { throttleTimeMs: -1 })).close();
    expect(tripsOf(one.packets)[0]!.response).toMatchObject({ throttleMs: 0, errorCode: 0 });
  });

  test("error -1 has a sign and a name", () => {
    const one = kafka().send("client", heartbeat(1)).send("server", beaten(1, -1)).close();
    expect(tripsOf(one.packets)[0]!.response).toMatchObject({ errorCode: -1, errorName: "UNKNOWN_SERVER_ERROR" });
  });

  test("FindCoordinator of a transaction", () => {
    for (const version of [1, 3, 4, 6]) {
      const request = kafkaRequest("FindCoordinator", version, {
        groupId: "tx.1",
        keyType: 1,
        coordinatorKeys: ["tx.1", "tx.2"],
      });
      const [trip] = tripsOf(kafka().send("client", request).close().packets);
      expect(trip!.request).toMatchObject({ transactionalId: "tx.1" });
      expect(trip!.request).not.toHaveProperty("groupId");
    }
  });

  test("ApiVersions answered in the first form, since the version is not supported", () => {
    const one = kafka().send("client", kafkaRequest("ApiVersions", 4, {}, { tags: 1 }));
    one.send("server", kafkaResponse("ApiVersions", 0, { errorCode: 35, apiKeys: [{ apiKey: 18, maxVersion: 3 }] }));
    one.send("client", kafkaRequest("ApiVersions", 3, {}, { correlationId: 2 }));
    one.send("server", kafkaResponse("ApiVersions", 3, {}, { correlationId: 2 })).close();
    expect(lines(one.packets)).toEqual(["ApiVersions 4 #1 UNSUPPORTED_VERSION error", "ApiVersions 3 #2 NONE ok"]);
  });

  test("a version nobody knows: the header is read, the outcome not invented", () => {
    const one = kafka().send("client", heartbeat(1)).send("server", beaten(1));
    one
      .send("client", bareRequest(0, 15, true, 2, [9, 9, 9]))
      .send("server", sized([0, 0, 0, 2, 0, 7, 7]))
      .close();
    expect(lines(one.packets)).toEqual(["Heartbeat 4 #1 NONE ok", "Produce 15 #2 ? unobserved"]);
  });

  test("older message sets, a set compressed as a whole, and a batch that the fetch cut off", () => {
    const fetch = kafkaRequest("Fetch", 4, { topics: [{ name: TOPIC, partitions: [{ index: 0 }] }] });
    const counted = (records: Uint8Array) => {
      const response = kafkaResponse("Fetch", 4, { topics: [{ name: TOPIC, partitions: [{ records }] }] });
      return tripsOf(kafka().send("client", fetch).send("server", response, 100).close().packets)[0]!.response;
    };
    expect(counted(messageSet(0, [10, 200]))).toMatchObject({ records: 2 });
    expect(counted(messageSet(1, [10, 200, 3]))).toMatchObject({ records: 3 });
    expect(counted(messageSet(1, [300], 2))).not.toHaveProperty("records");
    const cut = together(batch(5), batch(6, 400).subarray(0, 200));
    expect(counted(cut)).toMatchObject({ records: 5, recordBytes: cut.length });
    expect(counted(new Uint8Array())).not.toHaveProperty("records");
  });

  test("a metadata response of hundreds of kilobytes is walked, and says where it was clipped", () => {
    const partitions = (bad: number) => Array.from({ length: 30 }, (_, index) => ({ index, errorCode: index === bad ? 5 : 0 }));
    const topics = Array.from({ length: 300 }, (_, index) => ({ name: `topic.${index}`, partitions: partitions(index % 60) }));
    const one = kafka().send("client", kafkaRequest("Metadata", 12, { topics: null }));
    const [trip] = tripsOf(one.send("server", kafkaResponse("Metadata", 12, { topics }), 1460).close().packets);
    expect(line(trip!)).toBe("Metadata 12 #1 LEADER_NOT_AVAILABLE error truncated");
    expect(trip!.response).toMatchObject({ errors: 150 });
  });

  test("a client id is clipped at 255 bytes, a topic's name is not read on a wrong length", () => {
    const request = kafkaRequest("Heartbeat", 0, { groupId: "g".repeat(1000) });
    const [trip] = tripsOf(kafka().send("client", request).close().packets);
    expect(trip!.request!.groupId).toBe("g".repeat(255));
    expect(trip!.marks).toContain("truncated");
  });

  test("SaslHandshake 0 with frames that have no header", () => {
    const one = kafka().send("client", bareRequest(17, 0, false, 1, [0, 5, 80, 76, 65, 73, 78]));
    one.send("server", sized([0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 5, 80, 76, 65, 73, 78]));
    one.send("client", sized([0, 117, 115, 101, 114, 0, 112, 97, 115, 115])).send("server", sized([]));
    one.send("client", heartbeat(2)).send("server", beaten(2)).close();
    expect(lines(one.packets)).toEqual(["SaslHandshake 0 #1 NONE ok", "Heartbeat 4 #2 NONE ok"]);
  });

  test("ControlledShutdown 0 has no client id", () => {
    const one = kafka().send("client", heartbeat(1)).send("server", beaten(1));
    one.send("client", hex("0000000c000700000000000200000005")).send("server", hex("0000000a00000002000000000000")).close();
    expect(lines(one.packets)).toEqual(["Heartbeat 4 #1 NONE ok", "ControlledShutdown 0 #2 NONE ok"]);
    expect(tripsOf(one.packets)[1]!.request).not.toHaveProperty("clientId");
  });
});
