/**
 * Clients of gRPC, AMQP, MongoDB and Kafka under TLS, which ends before servers that know none: what is told of the inside is what is told of the same
 * bytes behind it, and as much as each client asked.
 */
import { writeFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { readRoundTrips } from "../support/round-trips";
import { startKafkaBroker } from "../support/servers/kafka-broker";
import { startMongodb } from "../support/servers/mongodb";
import { isHere } from "../support/servers/programs";
import { RABBITMQ_PROGRAMS, startRabbitmq } from "../support/servers/rabbitmq";
import { Stage } from "../support/servers/stage";
import { makeIdentity, runScript, startFront } from "../support/servers/under-tls";

const TIMES = 40;

const GRPC = `
import * as grpc from "@grpc/grpc-js";
const [, port, times] = process.argv;
const form = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
const client = new grpc.Client("127.0.0.1:" + port, grpc.credentials.createSsl(null, null, null, form));
const same = (bytes) => bytes;
const call = (text) => new Promise((resolve) => {
  let bytes = 0;
  const asked = client.makeUnaryRequest("/lab.v1.Shop/One", same, same, Buffer.from(text), (_, answer) => (bytes = answer?.length ?? 0));
  asked.on("status", ({ code }) => setImmediate(() => resolve(console.log("One " + text.length + " " + code + " " + bytes))));
});
for (let i = 0; i < times; i++) await call(String(i * 1000));
await Promise.all(Array.from({ length: Number(times) }, (_, i) => call(i % 4 ? String(i) : "!" + (1 + (i % 16)))));
client.close();
`;

const AMQP = `
import { connect } from "amqplib";
const [, port, times] = process.argv;
const connection = await connect("amqps://127.0.0.1:" + port, { rejectUnauthorized: false });
const channel = await connection.createConfirmChannel();
await channel.assertQueue("orders", { durable: false });
for (let i = 0; i < times; i++) {
  channel.sendToQueue("orders", Buffer.alloc(i * 1000, "b"));
  console.log("basic.publish " + i * 1000);
}
await channel.waitForConfirms();
for (let i = 0; i < times; i++) {
  await channel.get("orders", { noAck: true });
  console.log("basic.get -");
}
await channel.close();
await connection.close();
`;

const MONGODB = `
import { MongoClient } from "mongodb";
const [, port, times] = process.argv;
const form = { monitorCommands: true, tls: true, tlsAllowInvalidCertificates: true, tlsAllowInvalidHostnames: true };
const client = new MongoClient("mongodb://127.0.0.1:" + port + "/?directConnection=true&maxPoolSize=2", form);
client.on("commandStarted", ({ commandName, requestId }) => console.log("#" + requestId + " " + commandName));
await client.connect();
const words = client.db("lab").collection("words");
await words.insertMany(Array.from({ length: 200 }, (_, i) => ({ _id: i, text: "t".repeat(i) })));
await words.find({}, { batchSize: 50 }).toArray();
await Promise.all(Array.from({ length: Number(times) }, () => words.aggregate([{ $count: "n" }]).toArray()));
await client.close();
`;

const KAFKA = `
import kafkajs from "kafkajs";
const [, port, times] = process.argv;
const form = { clientId: "lab", brokers: ["127.0.0.1:" + port], ssl: { rejectUnauthorized: false }, logLevel: 0 };
const kafka = new kafkajs.Kafka(form);
const told = (client) => {
  client.on(client.events.REQUEST, ({ payload: { clientId, apiKey, apiVersion, correlationId, size } }) =>
    console.log([clientId, apiKey, apiVersion, "#" + correlationId, size].join(" ")));
  return client;
};
const admin = told(kafka.admin());
await admin.connect();
await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
await admin.disconnect();
const producer = told(kafka.producer({ idempotent: true, maxInFlightRequests: 1 }));
await producer.connect();
for (let i = 0; i < times; i++) await producer.send({ topic: "orders", messages: [{ value: "v".repeat(i * 1000) }] });
await producer.disconnect();
const consumer = told(kafka.consumer({ groupId: "lab", maxWaitTimeInMs: 100 }));
await consumer.connect();
await consumer.subscribe({ topic: "orders", fromBeginning: true });
let left = Number(times);
await new Promise((resolve) => void consumer.run({ eachMessage: async () => void (--left || resolve()) }));
await consumer.disconnect();
`;

/** Starts a server of grpc-js: a request says how many bytes it wants, `!` and a code an error. */
function startGrpc(stage: Stage): Promise<number> {
  const same = (bytes: Buffer) => bytes;
  const form = { path: "/lab.v1.Shop/One", requestStream: false, responseStream: false };
  const both = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  const server = new grpc.Server();
  server.addService({ One: { ...form, ...both } } as grpc.ServiceDefinition, {
    One(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      const text = call.request.toString();
      if (text.startsWith("!")) done({ code: Number(text.slice(1)), details: "refused" });
      else done(null, Buffer.alloc(Number(text), "r"));
    },
  });
  stage.endWith(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", insecure, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

interface Form {
  protocol: string;
  programs: string[];
  script: string;
  alpn: string[];
  /** Starts the server; `front` is where its clients come in, known once there is one. */
  start(stage: Stage, front: { port: number }): Promise<number>;
  /** A line as the script prints it, where the round trip is one of those that it counts. */
  line(trip: RoundTrip): string | undefined;
}

const FORMS: Form[] = [
  {
    protocol: "grpc",
    programs: [],
    script: GRPC,
    alpn: ["h2"],
    start: startGrpc,
    line: ({ request, response }) =>
      `${request?.method} ${request?.messageBytes} ${response?.grpcStatus} ${response?.messageBytes ?? 0}`,
  },
  {
    protocol: "amqp",
    programs: RABBITMQ_PROGRAMS,
    script: AMQP,
    alpn: [],
    start: startRabbitmq,
    line({ request }) {
      if (request?.class !== "basic") return undefined;
      if (request.method === "publish") return `basic.publish ${request.bodyBytes}`;
      return request.method === "get" ? "basic.get -" : undefined;
    },
  },
  {
    protocol: "mongodb",
    programs: [],
    script: MONGODB,
    alpn: [],
    start: startMongodb,
    line: ({ request }) => `#${request?.requestId} ${request?.command}`,
  },
  {
    protocol: "kafka",
    programs: [],
    script: KAFKA,
    alpn: [],
    start: startKafkaBroker,
    line: ({ request, response }) =>
      `${request?.clientId} ${request?.apiKey} ${request?.apiVersion} #${request?.correlationId} ${(response?.bytes ?? 4) - 4}`,
  },
];

const byText = (one: string, other: string) => (one < other ? -1 : 1);

for (const { protocol, programs, script, alpn, start, line } of FORMS) {
  const mayRun = isHere(`${protocol} under TLS`, [...programs, "openssl"]);
  describe.runIf(mayRun)(`${protocol} under TLS`, () => {
    const stage = mayRun ? new Stage("tls-fronts") : undefined;
    let said: string[] = [];
    let trips: RoundTrip[] = [];

    beforeAll(async () => {
      const keys = stage!.path("keys.log");
      writeFileSync(keys, "");
      const front = { port: 0 };
      const port = await start(stage!, front);
      front.port = await startFront(stage!, makeIdentity(stage!), port, keys, ...alpn);
      await stage!.record(front.port, port);
      said = await runScript(script, [front.port, TIMES], `${keys}.client`);
      trips = readRoundTrips(await stage!.recorded(), { raw: true, tlsOpener: keyLogOpener(keys) });
      trips = trips.filter((trip) => trip.protocol === protocol && ["ok", "error"].includes(trip.status));
    }, 120_000);

    afterAll(async () => stage?.end());

    const isInside = ({ marks }: RoundTrip) => marks.includes("tls");

    test("what is inside is what is behind it", () => {
      const shown = ({ status, request, response }: RoundTrip) => JSON.stringify({ status, request, response });
      const inside = trips.filter(isInside).map(shown);
      expect(inside.length).toBeGreaterThan(TIMES);
      expect(inside.sort(byText)).toEqual(
        trips
          .filter((trip) => !isInside(trip))
          .map(shown)
          .sort(byText),
      );
    });

    test("each request is one of its client's", () => {
      const lines = trips.filter(isInside).flatMap((trip) => line(trip) ?? []);
      const known = new Set(said);
      expect(lines.filter((text) => known.has(text)).sort(byText)).toEqual([...said].sort(byText));
    });
  });
}
