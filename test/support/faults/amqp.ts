/** AMQP under faults: messages got from queues, some of them empty; publishes that the broker confirms. */
import { ack, get, getEmpty, getOk, HEADER, nack, publish, select, selectOk, together } from "../amqp";
import type { FaultyProtocol } from "./talk";

export const AMQP: FaultyProtocol = {
  name: "amqp",
  port: 5672,
  greeting: [{ from: "client", bytes: HEADER }],
  exchange(connection, exchange) {
    const queue = `q${connection}.${exchange}`;
    const isEmpty = exchange % 4 === 3;
    return {
      id: queue,
      outcome: isEmpty ? "get-empty" : "get-ok",
      request: get(1, queue),
      response: isEmpty ? getEmpty(1) : getOk(1, exchange + 1, exchange % 3 === 0 ? 5000 : 100),
    };
  },
  idOf: ({ request }) => (request?.method === "get" ? (request.queue as string | undefined) : undefined),
  outcomeOf: ({ response }) => String(response?.method),
};

/** Publishes that the broker confirms: alone, three with one ack, or not taken. */
const TAGS_BEFORE = [0, 1, 4];
const TAGS_PER_ROUND = 5;

export const AMQP_CONFIRMS: FaultyProtocol = {
  name: "amqp",
  port: 5672,
  greeting: [
    { from: "client", bytes: together(HEADER, select(1)) },
    { from: "server", bytes: selectOk(1) },
  ],
  exchange(connection, exchange) {
    const kind = exchange % TAGS_BEFORE.length;
    const tag = Math.floor(exchange / TAGS_BEFORE.length) * TAGS_PER_ROUND + TAGS_BEFORE[kind]! + 1;
    const id = `key.${connection}.${exchange}`;
    const bytes = exchange % 2 === 0 ? 3000 : 100;
    const one = publish(1, "x", id, bytes);
    return {
      id,
      outcome: kind === 2 ? "nack" : "ack",
      request: kind === 1 ? together(one, publish(1, "x", "second"), publish(1, "x", "third", 2000)) : one,
      response: kind === 0 ? ack(1, tag) : kind === 1 ? ack(1, tag + 2, 1) : nack(1, tag),
    };
  },
  idOf: ({ request }) => {
    const key = request?.routingKey;
    return typeof key === "string" && key.startsWith("key.") ? key : undefined;
  },
  outcomeOf: ({ response }) => String(response?.method),
};
