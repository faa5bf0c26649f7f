/** redis-server and ioredis: every command that the client wrote, in its order, and what the server said to it. */
import { once } from "node:events";
import { type Command, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { isHere } from "../support/servers/programs";
import { REDIS_PROGRAMS, startRedis } from "../support/servers/redis";
import { count, Stage } from "../support/servers/stage";

const HAS_REDIS = isHere("redis", REDIS_PROGRAMS);
const PIPELINED = 1000;
const NEWS = 25;
const BIG_BYTES = 3_000_000;

/** A command as the client knows it. */
interface Sent {
  name: string;
  argumentCount: number;
  status: string;
}

/** A client that keeps a record of what it writes and how each command ends. */
class Recorder {
  readonly redis: Redis;
  readonly sent: Sent[] = [];
  port = 0;
  private readonly seen = new Set<Command>();

  constructor(serverPort: number, protocol: 2 | 3) {
    this.redis = new Redis({ port: serverPort, host: "127.0.0.1", protocol, lazyConnect: true });
    const { sendCommand } = this.redis;
    this.redis.sendCommand = (command, stream) => {
      if (!this.seen.has(command)) this.add(command);
      return sendCommand.call(this.redis, command, stream);
    };
  }

  private add(command: Command): void {
    this.seen.add(command);
    const entry: Sent = { name: command.name.toUpperCase(), argumentCount: command.args.length, status: "" };
    this.sent.push(entry);
    command.promise.then(
      (value) => (entry.status = Array.isArray(value) && value.some((item) => item instanceof Error) ? "error" : "ok"),
      () => (entry.status = "error"),
    );
  }

  async connect(): Promise<this> {
    await this.redis.connect();
    this.port = (this.redis as unknown as { stream: { localPort: number } }).stream.localPort;
    return this;
  }
}

/** Commands of every kind, one connection; what it asks is known to fail is left to fail. */
async function work({ redis }: Recorder): Promise<void> {
  await redis.set("text", "a\r\nb");
  await redis.set("big", Buffer.alloc(BIG_BYTES, "x"));
  expect((await redis.getBuffer("big"))?.length).toBe(BIG_BYTES);
  expect(await redis.get("nothing")).toBeNull();
  await redis.hset("hash", "one", 1, "two", 2);
  await redis.hgetall("hash");
  await redis.sadd("set", "a", "b", "c");
  await redis.smembers("set");
  await redis.zadd("scores", 1.5, "a");
  await redis.zscore("scores", "a");
  await redis.lpush("text", "x").catch(() => undefined);
  await redis.call("NO.SUCH", "a").catch(() => undefined);
  await redis.incr("text").catch(() => undefined);
  await redis.eval("return redis.error_reply('MINE told so')", 0).catch(() => undefined);
  const pipeline = redis.pipeline();
  for (let index = 0; index < PIPELINED; index++) pipeline.set(`key:${index}`, "v".repeat(index)).get(`key:${index}`);
  await pipeline.exec();
  await redis.multi().incr("counter").lpush("text", "x").get("counter").exec();
  await redis.multi({ pipeline: false });
  await redis.incr("counter");
  await redis.discard();
  await redis.blpop("empty", 0.2);
}

describe.runIf(HAS_REDIS).each([2, 3] as const)("redis and ioredis, RESP%i", (protocol) => {
  const stage = HAS_REDIS ? new Stage("ioredis") : undefined;
  let clients: Recorder[] = [];
  let heard = 0;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startRedis(stage!);
    await stage!.record(port);
    clients = await Promise.all(Array.from({ length: 3 }, () => new Recorder(port, protocol).connect()));
    const [worker, listener, waiter] = clients as [Recorder, Recorder, Recorder];
    await work(worker);
    listener.redis.on("message", () => {
      heard += 1;
    });
    await listener.redis.subscribe("news", "weather");
    const popped = waiter.redis.blpop("later", 5);
    for (let index = 0; index < NEWS; index++) await worker.redis.publish("news", `number ${index}`);
    await worker.redis.rpush("later", "now");
    expect(await popped).toEqual(["later", "now"]);
    await listener.redis.unsubscribe("news", "weather");
    for (const { redis } of clients) {
      const ended = once(redis, "end");
      await redis.quit();
      await ended;
    }
    trips = await stage!.trips("redis");
  }, 30_000);

  afterAll(async () => stage?.end());

  test("each connection's commands in their order, with their outcome", () => {
    for (const { port, sent } of clients) {
      const told = trips
        .filter(({ client }) => client.port === port)
        .map(({ request, status }) => ({
          // A command with a second word is known by both.
          name: String(request?.command).split(" ")[0],
          argumentCount: request?.argumentCount,
          status,
        }));
      expect(told).toEqual(sent);
    }
    expect(trips).toHaveLength(clients.reduce((total, { sent }) => total + sent.length, 0));
    expect(trips.length).toBeGreaterThan(2 * PIPELINED);
  });

  test("what was said", () => {
    const of = (name: string) => {
      const { request, response } = trips.find((trip) => trip.request?.command === name)!;
      return { ...request, ...response };
    };
    const isNew = protocol === 3;
    expect(of("HGETALL")).toMatchObject({ key: "hash", type: isNew ? "map" : "array", elements: isNew ? 2 : 4 });
    expect(of("SMEMBERS")).toMatchObject({ type: isNew ? "set" : "array", elements: 3 });
    expect(of("ZSCORE").type).toBe(isNew ? "double" : "bulk string");
    expect(of("LPUSH").errorCode).toBe("WRONGTYPE");
    expect(of("EVAL").errorCode).toBe("MINE");
    expect(of("EXEC")).toMatchObject({ elements: 3, errorCode: "WRONGTYPE" });
    expect(of("BLPOP")).toMatchObject({ key: "empty", isNull: true });
    expect(of("SUBSCRIBE")).toMatchObject({ type: isNew ? "push" : "array", elements: 3 });
    expect(count(trips, ({ response }) => response?.isNull === true)).toBe(2);
  });

  test("bytes of values, published messages that are no replies", () => {
    const big = trips.filter(({ request }) => request?.key === "big");
    // All that the command says, its name too.
    expect(big.map(({ request, response }) => [request?.command, request?.bodyBytes, response?.bodyBytes])).toEqual([
      ["SET", "SETbig".length + BIG_BYTES, 0],
      ["GET", "GETbig".length, BIG_BYTES],
    ]);
    const values = trips.filter(({ request }) => request?.command === "GET" && String(request.key).startsWith("key:"));
    const bytes = values.reduce((total, { response }) => total + Number(response?.bodyBytes), 0);
    expect(bytes).toBe((PIPELINED * (PIPELINED - 1)) / 2);
    const published = trips.filter(({ request }) => request?.command === "PUBLISH");
    expect([published.length, heard]).toEqual([NEWS, NEWS]);
  });
});
