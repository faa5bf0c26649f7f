/** What is missing takes nothing of its neighbours along: bytes behind it are no message that they are not, and no message gets bytes of another. */
import { describe, expect, test } from "vitest";
import {
  amqp,
  line as amqpLine,
  tripsOf as amqpTripsOf,
  content,
  frame,
  method,
  publish,
  short,
  u8,
  u16,
  u32,
} from "../support/amqp";
import { kafka, lines, together } from "../support/kafka";
import { batch, kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { bson, mongo, lines as mongoLines, msg } from "../support/mongo";
import { Conversation } from "../support/pcap-builder";

describe("Kafka: bytes of records behind missing ones", () => {
  const topics = [{ name: "t1", partitions: [{ index: 0, records: batch(3) }] }];
  const fetch = (id: number) => kafkaRequest("Fetch", 11, { topics }, { correlationId: id });
  const fetched = (id: number) => kafkaResponse("Fetch", 11, { topics }, { correlationId: id });
  const heartbeat = (id: number) => kafkaRequest("Heartbeat", 4, { groupId: "g" }, { correlationId: id });
  const beaten = (id: number) => kafkaResponse("Heartbeat", 4, {}, { correlationId: id });
  /** A part of a long response, of which the first segment is missing, and whole ones behind. */
  const behind = (part: number[]) =>
    lines(
      kafka()
        .send("client", together(fetch(5), heartbeat(6), heartbeat(7)))
        .lose("server", fetched(5))
        .send("server", Uint8Array.from(part))
        .send("server", beaten(6))
        .send("server", beaten(7))
        .close().packets,
    );
  const AS_THEY_ARE = ["Fetch 11 #5 - unobserved", "Heartbeat 4 #6 NONE ok", "Heartbeat 4 #7 NONE ok"];
  const filler = Array.from({ length: 60 }, (_, index) => 100 + index);

  test("are no response, though a request waits for their id: the throttle time would be of days", () => {
    expect(behind([...u32(104451), ...u32(6), 0, ...filler]).sort()).toEqual(AS_THEY_ARE);
  });

  test("nor with an error code that no broker has", () => {
    expect(behind([...u32(104451), ...u32(6), 0, ...u32(0), ...u16(630), ...filler]).sort()).toEqual(AS_THEY_ARE);
  });

  test("nor one whose form goes wrong in the next segment", () => {
    const part = [...u32(104451), ...u32(5), ...u32(0), ...u16(0), ...u32(0), ...u32(1), ...u16(2), 116, 49];
    const packets = kafka()
      .send("client", together(fetch(5), heartbeat(6)))
      .lose("server", fetched(5))
      .send("server", Uint8Array.from(part))
      .send("server", Uint8Array.from([255, 255, 255, ...filler, ...filler, ...filler]))
      .send("server", beaten(6))
      .close().packets;
    expect(lines(packets).sort()).toEqual(["Fetch 11 #5 - unobserved", "Heartbeat 4 #6 NONE ok"]);
  });

  test("nor one that nobody asked for", () => {
    expect(behind([...u32(12), ...u32(1131), ...u32(0), ...u32(0), 0, 1, 84]).sort()).toEqual(AS_THEY_ARE);
  });

  test("and a response that comes in small segments is found at the first of them", () => {
    const one = kafka().lose("client", fetch(1)).send("server", new Uint8Array(8));
    one.send("client", fetch(2)).send("server", fetched(2), 60).close();
    expect(lines(one.packets)).toEqual(["Fetch 11 #2 NONE ok"]);
  });

  test("a response joined in the middle is no request of a version to come", () => {
    const produced = (id: number) =>
      kafkaResponse("Produce", 7, { topics: [{ name: "t1", partitions: [{ index: 0 }] }] }, { correlationId: id });
    const produce = kafkaRequest("Produce", 7, { transactionalId: null, acks: -1, topics }, { correlationId: 15 });
    const one = new Conversation({ serverPort: 19092 }).send("server", produced(14)).send("client", produce);
    expect(lines(one.send("server", produced(15)).close().packets)).toEqual(["Produce 7 #15 NONE ok"]);
  });
});

describe("AMQP: a publish of which bytes are missing", () => {
  const publishMethod = (key: string) => method(1, 60, 40, u16(0), short("x"), short(key), u8(0));
  const body = (bytes: number) => frame(3, 1, Array(bytes).fill(120));
  const first = (parts: Uint8Array[], lost: Uint8Array[], rest: Uint8Array[]) => {
    const one = amqp()
      .send("client", publish(1, "x", "before"))
      .send("client", together(...parts));
    one.lose("client", together(...lost)).send("client", together(...rest, publish(1, "x", "behind")));
    const trips = amqpTripsOf(one.close().packets);
    expect(trips.map(amqpLine)).toEqual([
      "1 publish x before -> - ok",
      "1 publish x a -> - ok gap",
      "1 publish x behind -> - ok",
    ]);
    return trips[1]!.request!;
  };

  test("does not get the header and the body of the next", () => {
    const request = first([publishMethod("a")], [content(1, 100), publishMethod("b")], [content(1, 101)]);
    expect(request.bytes).toBe(publishMethod("a").length);
    expect(request).not.toHaveProperty("bodyBytes");
  });

  test("nor the rest of a longer body", () => {
    const begun = together(publishMethod("a"), content(1, 4196).subarray(0, -body(100).length));
    const request = first([begun], [body(100), publishMethod("b"), content(1, 5000).subarray(0, -body(904).length)], [body(904)]);
    expect(request).toMatchObject({ bytes: begun.length, bodyBytes: 4196 });
  });

  test("but all of its own where it cannot have ended in them", () => {
    const whole = publish(1, "x", "a", 3 * 4096);
    const begun = whole.subarray(0, -2 * body(4096).length);
    const request = first([begun], [body(4096)], [body(4096)]);
    expect(request).toMatchObject({ bytes: whole.length - body(4096).length, bodyBytes: 3 * 4096 });
  });
});

describe("MongoDB: a request whose end was not captured", () => {
  test("has ended there: what comes next answers it", () => {
    const documents = [{ text: "a".repeat(200) }, { text: "b".repeat(200) }];
    const insert = msg(7, { insert: "users", $db: "lab" }, { sequences: { documents } });
    // Of the last document no more is there than half of its length.
    const lost = bson(documents[1]!).length - 2;
    const answer = msg(1007, { n: 2, ok: 1 }, { responseTo: 7 });
    const packets = mongo().send("client", insert).send("server", answer).close().packets;
    const cut = packets.map((packet) =>
      packet.bytes.length > insert.length
        ? { ...packet, bytes: packet.bytes.subarray(0, packet.bytes.length - lost), wireBytes: packet.bytes.length }
        : packet,
    );
    expect(mongoLines(cut)).toEqual(["insert lab.users #7 ok gap"]);
  });
});
