/** AMQP under faults: messages got from queues, some of them empty. */
import { get, getEmpty, getOk, HEADER } from "../amqp";
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
