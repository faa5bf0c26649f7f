/** RabbitMQ and amqplib: what the client counted is what a capture of it holds. */
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { isHere } from "../support/servers/programs";
import { RABBITMQ_PROGRAMS, startRabbitmq } from "../support/servers/rabbitmq";
import { count, Stage } from "../support/servers/stage";

const HAS_RABBITMQ = isHere("rabbitmq", RABBITMQ_PROGRAMS);
const PUBLISHES = 100;
const CONFIRMED = 60;
/** Most are small; the last takes several frames of the size that both sides agreed on. */
const SIZES = [0, 10, 1000, 20_000, 300_000];
const sizeOf = (index: number) => SIZES[index % SIZES.length]!;

/** What the client knows of its own talk. */
class Record {
  delivered = 0;
  deliveredBytes = 0;
  confirmed = 0;
  returned = 0;
  acknowledgements = 0;
  readonly closes: string[] = [];
}

/** Publishes to `key`, one body after another of every size. */
function publish(channel: { publish: ConfirmChannel["publish"] }, key: string, times: number, each?: () => void): void {
  for (let index = 0; index < times; index++) {
    channel.publish("lab.direct", key, Buffer.alloc(sizeOf(index), "b"), { contentType: "text/plain" }, each);
  }
}

async function consume(connection: ChannelModel, queue: string, wanted: number, noAck: boolean, record: Record): Promise<void> {
  const channel = await connection.createChannel();
  if (!noAck) await channel.prefetch(20);
  await new Promise<void>((resolve) => {
    let seen = 0;
    const take = (message: ConsumeMessage | null) => {
      record.delivered += 1;
      record.deliveredBytes += message!.content.length;
      seen += 1;
      if (!noAck && seen % 10 === 0) {
        channel.ack(message!, true);
        record.acknowledgements += 1;
      }
      if (seen === wanted) resolve();
    };
    void channel.consume(queue, take, { noAck, consumerTag: `tag.${queue}` });
  });
  await channel.cancel(`tag.${queue}`);
  await channel.close();
}

/** Does what the broker refuses by closing the channel. */
async function refused(connection: ChannelModel, record: Record, provoke: (channel: ConfirmChannel) => Promise<unknown>) {
  const channel = await connection.createConfirmChannel();
  channel.on("error", ({ code }: { code: number }) => record.closes.push(`channel ${code}`));
  const closed = new Promise((resolve) => channel.on("close", resolve));
  await provoke(channel).catch(() => undefined);
  await closed;
}

async function talk(port: number): Promise<Record> {
  const record = new Record();
  const connection = await connect(`amqp://127.0.0.1:${port}`);
  const channel = await connection.createChannel();
  await channel.assertExchange("lab.direct", "direct", { durable: false });
  for (const queue of ["plain", "sure"]) {
    await channel.assertQueue(queue, { durable: false });
    await channel.bindQueue(queue, "lab.direct", queue);
  }
  publish(channel, "plain", PUBLISHES);
  const sure = await connection.createConfirmChannel();
  sure.on("return", () => {
    record.returned += 1;
  });
  publish(sure, "sure", CONFIRMED, () => {
    record.confirmed += 1;
  });
  await sure.waitForConfirms();
  sure.publish("", "nowhere", Buffer.from("lost"), { mandatory: true }, () => {
    record.confirmed += 1;
  });
  await sure.waitForConfirms();
  await consume(connection, "plain", PUBLISHES, true, record);
  await consume(connection, "sure", CONFIRMED, false, record);

  channel.sendToQueue("plain", Buffer.from("one"));
  channel.sendToQueue("plain", Buffer.from("two"));
  const one = await channel.get("plain");
  if (one) channel.reject(one, false);
  const two = await channel.get("plain", { noAck: true });
  const none = await channel.get("plain");
  expect([Boolean(one), Boolean(two), none]).toEqual([true, true, false]);
  await channel.purgeQueue("sure");
  await channel.deleteQueue("sure");
  await refused(connection, record, (other) => other.checkQueue("no such queue"));
  await refused(connection, record, (other) => other.assertQueue("plain", { durable: true }));
  await refused(connection, record, async (other) => other.publish("no such exchange", "k", Buffer.from("x")));
  await channel.close();
  await connection.close();
  await connect(`amqp://127.0.0.1:${port}/no-such-host`).catch(() => record.closes.push("no host"));
  await connect(`amqp://nobody:wrong@127.0.0.1:${port}`).catch(() => record.closes.push("no user"));
  return record;
}

describe.runIf(HAS_RABBITMQ)("rabbitmq and amqplib", () => {
  const stage = HAS_RABBITMQ ? new Stage("amqp") : undefined;
  let record = new Record();
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startRabbitmq(stage!);
    await stage!.record(port);
    record = await talk(port);
    trips = await stage!.trips("amqp");
  }, 120_000);

  afterAll(async () => stage?.end());

  /** Round trips of a request, "basic.get" and so on. */
  const of = (call: string) => trips.filter(({ request }) => `${request?.class}.${request?.method}` === call);
  /** What those of a call came to, sorted. */
  const outcomes = (call: string) => {
    const told = of(call).map(({ response, status }) => `${response?.method ?? "-"} ${response?.replyCode ?? status}`);
    return told.sort();
  };
  const bytesOf = (some: RoundTrip[]) => some.reduce((total, { request }) => total + Number(request?.bodyBytes), 0);
  const sizes = (times: number) => Array.from({ length: times }, (_, index) => sizeOf(index)).reduce((a, b) => a + b, 0);

  test("publishes: those that are confirmed with their confirms, the others alone", () => {
    const publishes = of("basic.publish");
    const to = (key: string) => publishes.filter(({ request }) => request?.routingKey === key);
    expect(to("plain").map(({ status, response }) => [status, response])).toEqual(
      new Array(PUBLISHES + 2).fill(["ok", undefined]),
    );
    expect(record.confirmed).toBe(CONFIRMED + 1);
    expect(count(publishes, ({ response, status }) => response?.method === "ack" && status === "ok")).toBe(record.confirmed);
    expect(to("sure").map(({ request }) => request?.deliveryTag)).toEqual(Array.from({ length: CONFIRMED }, (_, i) => i + 1));
    expect(bytesOf(to("plain"))).toBe(sizes(PUBLISHES) + "onetwo".length);
    expect(bytesOf(to("sure"))).toBe(sizes(CONFIRMED));
    expect(to("k").map(({ status, response }) => [status, response?.method, response?.replyCode])).toEqual([
      ["error", "close", 404],
    ]);
    expect(publishes).toHaveLength(PUBLISHES + 2 + CONFIRMED + 2);
    expect(of("basic.return").map(({ request, status }) => [request?.replyCode, status])).toEqual([[312, "error"]]);
    expect(record.returned).toBe(1);
  });

  test("deliveries: what needs no acknowledgement, and ten acknowledged at once", () => {
    const deliveries = of("basic.deliver");
    expect([deliveries.length, bytesOf(deliveries)]).toEqual([record.delivered, record.deliveredBytes]);
    const from = (tag: string) => deliveries.filter(({ request }) => request?.consumerTag === tag);
    expect(from("tag.plain").map(({ response, status }) => [response, status])).toEqual(
      new Array(PUBLISHES).fill([undefined, "ok"]),
    );
    const acknowledged = from("tag.sure").map(
      ({ response }) => `${response?.method} ${response?.deliveryTag} ${response?.multiple}`,
    );
    const tags = Array.from({ length: CONFIRMED }, (_, index) => `ack ${Math.ceil((index + 1) / 10) * 10} true`);
    expect(acknowledged).toEqual(tags);
    expect(new Set(acknowledged).size).toBe(record.acknowledgements);
  });

  test("every other request with its answer", () => {
    expect(of("basic.get").map(({ response }) => response?.method)).toEqual(["get-ok", "get-ok", "get-empty"]);
    expect(outcomes("queue.declare")).toEqual(["close 404", "close 406", "declare-ok ok", "declare-ok ok"]);
    expect(outcomes("channel.open")).toEqual(new Array(7).fill("open-ok ok"));
    expect(outcomes("confirm.select")).toEqual(new Array(4).fill("select-ok ok"));
    expect(outcomes("basic.consume")).toEqual(["consume-ok ok", "consume-ok ok"]);
    expect(outcomes("basic.cancel")).toEqual(["cancel-ok ok", "cancel-ok ok"]);
    for (const call of ["exchange.declare", "basic.qos", "queue.purge", "queue.delete"]) expect(outcomes(call)).toHaveLength(1);
    expect(outcomes("queue.bind")).toEqual(["bind-ok ok", "bind-ok ok"]);
  });

  test("channels and connections end as the client saw it", () => {
    expect(record.closes).toEqual(["channel 404", "channel 406", "channel 404", "no host", "no user"]);
    const closes = of("channel.close").filter(({ request }) => request?.sender === "server");
    expect(closes.map(({ request }) => `channel ${request?.replyCode}`)).toEqual(record.closes.slice(0, 3));
    expect(outcomes("connection.open")).toEqual(["close 530", "open-ok ok"]);
    const ends = of("connection.close").map(({ request }) => `${request?.sender} ${request?.replyCode}`);
    expect(ends).toEqual(["client 200", "server 530", "server 403"]);
    expect(count(trips, ({ request }) => request === undefined)).toBe(0);
  });
});
