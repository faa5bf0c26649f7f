/** RabbitMQ and amqplib under faults: publishes with and without confirms, messages got, queues that are empty. */
import { type Channel, type ConfirmChannel, connect } from "amqplib";
import { RABBITMQ_PROGRAMS, startRabbitmq } from "../../servers/rabbitmq";
import { AMQP } from "../amqp";
import type { RealServer } from "../recorded";
import { many } from "./many";

/** Exchanges of one queue. */
const PER_QUEUE = 5;
const NAMED = ["publish", "declare", "get", "purge", "bind", "delete"];

async function useQueue(channel: Channel, sure: ConfirmChannel, queue: string, index: number, outcomes: Map<string, string>) {
  await channel.assertQueue(queue, { durable: false });
  outcomes.set(`declare ${queue}`, "declare-ok");
  const body = Buffer.alloc(index % 3 === 0 ? 5000 : 300, "b");
  if (index % 2 === 0) {
    await new Promise((resolve) => sure.publish("", queue, body, {}, resolve));
    outcomes.set(`publish ${queue}`, "ack");
  } else {
    channel.publish("", queue, body);
    outcomes.set(`publish ${queue}`, "ok");
  }
  if (index % 3 === 2) await channel.purgeQueue(queue);
  else await channel.bindQueue(queue, "amq.direct", queue);
  outcomes.set(index % 3 === 2 ? `purge ${queue}` : `bind ${queue}`, index % 3 === 2 ? "purge-ok" : "bind-ok");
  const message = await channel.get(queue, { noAck: true });
  outcomes.set(`get ${queue}`, message ? "get-ok" : "get-empty");
  await channel.deleteQueue(queue);
  outcomes.set(`delete ${queue}`, "delete-ok");
}

export const REAL_AMQP: RealServer = {
  ...AMQP,
  ends: "rabbitmq-server and amqplib",
  programs: RABBITMQ_PROGRAMS,
  start: startRabbitmq,
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const client = await connect(`amqp://127.0.0.1:${port}`);
      const [channel, sure] = [await client.createChannel(), await client.createConfirmChannel()];
      for (let index = 0; index < exchanges / PER_QUEUE; index++) {
        await useQueue(channel, sure, `q${connection}.${index}`, index, outcomes);
      }
      await client.close();
    }),
  idOf: ({ request }) => {
    const name = request?.queue ?? request?.routingKey;
    return name !== undefined && NAMED.includes(String(request?.method)) ? `${request?.method} ${name}` : undefined;
  },
  outcomeOf: ({ status, response }) => String(response?.method ?? status),
};
