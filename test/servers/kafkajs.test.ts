/** kafkajs and a broker of our own, as there is no Kafka to install: every request as the client's own events tell of it. */
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { startKafkaBroker } from "../support/servers/kafka-broker";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const MAY_CAPTURE = isHere("kafkajs", []);
const TOPIC = "lab.orders";
const GROUP = "lab.group";
const SENDS = 20;
const RECORDS = (SENDS * (SENDS + 1)) / 2;

/** What a client says of a request once it is answered; `size` is the response's, behind its length. */
interface RequestEvent {
  clientId: string;
  correlationId: number;
  size: number;
  apiKey: number;
  apiVersion: number;
}

/** What the clients say of their own work. */
class Record {
  readonly requests: RequestEvent[] = [];
  /** Whether each wish for a topic made one. */
  readonly created: boolean[] = [];
  consumed = 0;
  consumedBytes = 0;

  readonly keep = ({ payload }: { payload: RequestEvent }) => void this.requests.push(payload);
}

const messagesOf = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `key ${i}`, value: "v".repeat(i * 100) }));

async function administrate(kafka: Kafka, record: Record): Promise<void> {
  const admin = kafka.admin();
  admin.on(admin.events.REQUEST, record.keep);
  await admin.connect();
  for (let i = 0; i < 2; i++) record.created.push(await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 3 }] }));
  await admin.fetchTopicOffsets(TOPIC);
  await admin.disconnect();
}

async function produce(kafka: Kafka, record: Record): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  producer.on(producer.events.REQUEST, record.keep);
  await producer.connect();
  for (let i = 1; i <= SENDS; i++) await producer.send({ topic: TOPIC, messages: messagesOf(i) });
  await producer.disconnect();
  const hasty = kafka.producer();
  hasty.on(hasty.events.REQUEST, record.keep);
  await hasty.connect();
  // Nothing is answered to these.
  for (let i = 0; i < 3; i++) await hasty.send({ topic: TOPIC, acks: 0, messages: [{ partition: i, value: "hasty" }] });
  await hasty.disconnect();
}

async function consume(kafka: Kafka, record: Record): Promise<void> {
  const consumer = kafka.consumer({ groupId: GROUP, heartbeatInterval: 100, maxWaitTimeInMs: 100 });
  consumer.on(consumer.events.REQUEST, record.keep);
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await new Promise<void>((resolve) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      record.consumed += 1;
      record.consumedBytes += message.value?.length ?? 0;
      if (record.consumed === RECORDS + 3) setTimeout(resolve, 500);
    };
    void consumer.run({ eachMessage });
  });
  await consumer.disconnect();
}

describe.runIf(MAY_CAPTURE)("kafkajs and a broker of our own", () => {
  const stage = MAY_CAPTURE ? new Stage("kafka") : undefined;
  const record = new Record();
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startKafkaBroker(stage!);
    await stage!.record(port);
    const kafka = new Kafka({ clientId: "lab", brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING });
    await administrate(kafka, record);
    await produce(kafka, record);
    await consume(kafka, record);
    trips = await stage!.trips("kafka");
  }, 30_000);

  afterAll(async () => stage?.end());

  const of = (name: string) => trips.filter(({ request }) => request?.apiName === name);
  const sum = (some: RoundTrip[], read: (trip: RoundTrip) => unknown) =>
    some.reduce((total, trip) => total + Number(read(trip) ?? 0), 0);

  test("every request of every client, with its version, its id and the size of its response", () => {
    const told = trips.map(({ request, response }) => {
      return `${request?.clientId} ${request?.apiKey} ${request?.apiVersion} #${request?.correlationId} ${response ? response.bytes - 4 : 0}`;
    });
    const known = record.requests.map(({ clientId, apiKey, apiVersion, correlationId, size }) => {
      return `${clientId} ${apiKey} ${apiVersion} #${correlationId} ${size}`;
    });
    expect(told.sort()).toEqual(known.sort());
    expect([...new Set(trips.map(({ request }) => request?.apiName))].sort()).toEqual([
      "ApiVersions",
      "CreateTopics",
      "Fetch",
      "FindCoordinator",
      "Heartbeat",
      "InitProducerId",
      "JoinGroup",
      "LeaveGroup",
      "ListOffsets",
      "Metadata",
      "OffsetCommit",
      "OffsetFetch",
      "Produce",
      "SyncGroup",
    ]);
  });

  test("records that were produced and consumed", () => {
    const isSure = ({ request }: RoundTrip) => request?.acks !== 0;
    expect(sum(of("Produce").filter(isSure), ({ request }) => request?.records)).toBe(RECORDS);
    const hasty = of("Produce").filter((trip) => !isSure(trip));
    expect(hasty.map(({ request, response, status }) => [request?.records, response, status])).toEqual(
      new Array(3).fill([1, undefined, "ok"]),
    );
    expect(sum(of("Fetch"), ({ response }) => response?.records)).toBe(record.consumed);
    expect(record.consumed).toBe(RECORDS + 3);
    const bytes = Array.from({ length: SENDS }, (_, i) => messagesOf(i + 1))
      .flat()
      .reduce((total, { value }) => total + value.length, 0);
    expect(record.consumedBytes).toBe(bytes + 3 * "hasty".length);
  });

  test("what was refused", () => {
    const refused = trips
      .filter(({ status }) => status !== "ok")
      .map(({ request, response, status }) => `${request?.apiName} ${response?.errorName} ${status}`);
    expect(refused).toEqual(["CreateTopics TOPIC_ALREADY_EXISTS error", "JoinGroup MEMBER_ID_REQUIRED error"]);
    expect(record.created).toEqual([true, false]);
    expect(new Set(of("JoinGroup").map(({ request }) => request?.groupId))).toEqual(new Set([GROUP]));
  });
});
