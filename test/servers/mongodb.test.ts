/** The driver of MongoDB and a server of our own, as there is none to install: every command as the driver's events tell of it. */
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { startMongodb } from "../support/servers/mongodb";
import { isHere } from "../support/servers/programs";
import { count, Stage } from "../support/servers/stage";

const MAY_CAPTURE = isHere("mongodb", []);
const WORDS = 500;
const BATCH = 80;
const ALONE = 5;

/** A command as the driver's events tell of it. */
interface Sent {
  command: string;
  database: string;
  requestId: number;
  status: string;
  code?: number | undefined;
}

/** What a reply holds of what is counted. */
interface Reply {
  cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] };
  writeErrors?: { code: number }[];
}

/** What the driver says of its own work. */
class Record {
  readonly sent: Sent[] = [];
  documents = 0;

  constructor(client: MongoClient) {
    client.on("commandStarted", ({ commandName: command, databaseName: database, requestId }) => {
      this.sent.push({ command, database, requestId, status: "" });
    });
    client.on("commandSucceeded", ({ requestId, reply }) => {
      const { cursor, writeErrors } = (reply ?? {}) as Reply;
      this.documents += (cursor?.firstBatch ?? cursor?.nextBatch ?? []).length;
      this.end(requestId, writeErrors ? "error" : "ok", writeErrors?.[0]?.code);
    });
    client.on("commandFailed", ({ requestId, failure }) =>
      this.end(requestId, "error", (failure as Error & { code: number }).code),
    );
  }

  private end(requestId: number, status: string, code?: number): void {
    Object.assign(this.sent.find((one) => one.requestId === requestId)!, { status, code });
  }
}

async function work(client: MongoClient): Promise<void> {
  const database = client.db("lab");
  const words = database.collection<{ _id: number; text: string }>("words");
  await words.insertMany(Array.from({ length: WORDS }, (_, i) => ({ _id: i, text: "t".repeat(i) })));
  await expect(words.insertOne({ _id: 3, text: "again" })).rejects.toThrow("duplicate");
  for (let i = 0; i < ALONE; i++) await words.insertOne({ _id: WORDS + i, text: "" }, { writeConcern: { w: 0 } });
  expect(await words.find({}, { batchSize: BATCH }).toArray()).toHaveLength(WORDS + ALONE);
  await Promise.all(Array.from({ length: 30 }, () => words.aggregate([{ $count: "n" }]).toArray()));
  await database.command({ ping: 1 });
  await expect(database.command({ nonsense: 1 })).rejects.toThrow("no such command");
}

describe.runIf(MAY_CAPTURE)("mongodb's driver and a server of our own", () => {
  const stage = MAY_CAPTURE ? new Stage("mongodb") : undefined;
  let record: Record;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startMongodb(stage!);
    await stage!.record(port);
    const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true&maxPoolSize=4`, { monitorCommands: true });
    record = new Record(client);
    await client.connect();
    await work(client);
    await client.close();
    trips = await stage!.trips("mongodb");
  }, 30_000);

  afterAll(async () => stage?.end());

  const isGreeting = ({ request }: RoundTrip) => request?.command === "ismaster" || request?.command === "hello";
  const commands = () => trips.filter((trip) => !isGreeting(trip));

  test("every command with its id and its outcome", () => {
    const told = commands().map(({ request, response, status }) => {
      return `#${request?.requestId} ${request?.command} ${request?.database} ${status} ${response?.code}`;
    });
    const known = record.sent.map(({ requestId, command, database, status, code }) => {
      return `#${requestId} ${command} ${database} ${status} ${code}`;
    });
    expect(told.sort()).toEqual(known.sort());
    expect(known.length).toBeGreaterThan(40);
    const failed = commands().filter(({ status }) => status === "error");
    expect(failed.map(({ request, response }) => [request?.command, response?.code])).toEqual([
      ["insert", 11000],
      ["nonsense", 59],
    ]);
  });

  test("documents there and back, inserts that want no answer", () => {
    const sum = (side: "request" | "response") =>
      commands().reduce((total, trip) => total + Number(trip[side]?.documents ?? 0), 0);
    expect(sum("request")).toBe(WORDS + 1 + ALONE);
    expect(sum("response")).toBe(record.documents);
    expect(count(trips, ({ request, response }) => request?.command === "getMore" && response?.documents === BATCH)).toBe(5);
    expect(count(trips, ({ response }) => response === undefined)).toBe(ALONE);
  });

  test("greetings: one a connection, in the form before OP_MSG", () => {
    const greetings = trips.filter(isGreeting);
    expect(new Set(greetings.map(({ request, status }) => `${request?.opCode} ${status}`))).toEqual(new Set(["OP_QUERY ok"]));
    expect(greetings).toHaveLength(new Set(trips.map(({ client }) => client.port)).size);
  });
});
