/** kafkajs under TLS, its secrets logged, and a broker of our own behind: records as they were sent and as they were got, inside of TLS and without. */
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { keyLogOpener } from "../../shim/tls/opener";
import { tripsThrough } from "../support/core-trips";
import { coreModule } from "../support/round-trips";
import { startKafkaBroker } from "../support/servers/kafka-broker";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";
import { makeIdentity, startFront } from "../support/servers/under-tls";

const MAY_RUN = isHere("kafkajs", ["openssl"]);
const TOPIC = "lab.orders";
const SENDS = 12;

interface Told {
  topic: string;
  partition: number;
  offset?: number;
  key: string | null;
  value: unknown;
  headers?: Record<string, string>;
}

/** What is sent in one go, and as what it is to be shown. */
const sentIn = (send: number) =>
  Array.from({ length: (send % 3) + 1 }, (_, index) => ({
    partition: send % 2,
    key: index % 2 ? null : `key ${send}`,
    value: index === 1 ? JSON.stringify({ send, tags: ["a", index] }) : `value ${"v".repeat(send * 20)}`,
    ...(index === 2 ? {} : { headers: { trace: `t-${send}-${index}` } }),
  }));

const told = (send: number): Told[] =>
  sentIn(send).map(({ value, ...rest }) => ({ topic: TOPIC, ...rest, value: value.startsWith("{") ? JSON.parse(value) : value }));

/** Sends all, and gets it back; what the consumer says that it got. */
async function exchange(port: number): Promise<Told[]> {
  const ssl = { rejectUnauthorized: false };
  const kafka = new Kafka({ clientId: "lab", brokers: [`127.0.0.1:${port}`], ssl, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  for (let send = 0; send < SENDS; send++) {
    const compression = send % 4 < 2 ? CompressionTypes.None : CompressionTypes.GZIP;
    await producer.send({ topic: TOPIC, compression, messages: sentIn(send) });
  }
  await producer.disconnect();
  const got: Told[] = [];
  const consumer = kafka.consumer({ groupId: "lab", maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const count = Array.from({ length: SENDS }, (_, send) => sentIn(send).length).reduce((sum, one) => sum + one);
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ partition, message: { offset, key, value, headers } }) => {
        const text = String(value);
        const named = Object.entries(headers ?? {}).map(([name, one]) => [name, String(one)]);
        got.push({
          topic: TOPIC,
          partition,
          offset: Number(offset),
          key: key && String(key),
          value: text.startsWith("{") ? JSON.parse(text) : text,
          ...(named.length ? { headers: Object.fromEntries(named) } : {}),
        });
        if (got.length === count) resolve();
      },
    });
  });
  await consumer.disconnect();
  return got;
}

test.runIf(MAY_RUN)("what the client sent and got is what is shown", { timeout: 30_000 }, async () => {
  const stage = new Stage("kafka-content");
  try {
    const keys = stage.path("keys.log");
    const door = { port: 0 };
    const inner = await startKafkaBroker(stage, door);
    door.port = await startFront(stage, makeIdentity(stage), inner, keys);
    await stage.record(inner, door.port);
    const got = await exchange(door.port);
    const file = await stage.recorded();
    const tlsOpener = keyLogOpener(keys);
    const core = new Core(coreModule(), { events: true, bodyBytes: 2048, raw: true, tlsOpener });
    const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(true));
    const trips = tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "kafka");
    for (const port of [inner, door.port]) {
      const here = trips.filter(({ server }) => server.port === port);
      const linesOf = (body: unknown): string[] => (body === undefined ? [] : String(body).split("\n"));
      const sent = here.flatMap(({ request }) => linesOf(request?.body)).map((one) => JSON.parse(one));
      expect(sent).toEqual(Array.from({ length: SENDS }, (_, send) => told(send)).flat());
      const fetched = here.flatMap(({ response }) => linesOf(response?.body));
      const whole = fetched.filter((one) => !one.includes("…"));
      const byPlace = (one: Told) => `${one.partition} ${one.offset}`;
      const known = new Map(got.map((one) => [byPlace(one), one]));
      expect(whole.length).toBeGreaterThan(5);
      for (const one of whole) {
        const record = JSON.parse(one) as Told;
        expect(record).toEqual(known.get(byPlace(record)));
      }
      const keeping = here
        .filter(({ request, response }) => request?.body ?? response?.body)
        .map(({ request }) => request?.apiName);
      expect([...new Set(keeping)].sort()).toEqual(["Fetch", "Produce"]);
    }
  } finally {
    await stage.end();
  }
});
