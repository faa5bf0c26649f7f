/** AMQP whose figures were worked out by hand. */
import {
  ack,
  amqp,
  consume,
  consumeOk,
  declare,
  declareOk,
  deliver,
  nack,
  publish,
  select,
  selectOk,
  together,
} from "../support/amqp";
import { pcap, START_NS } from "../support/pcap-builder";
import { CLIENT, SERVER } from "./scenarios";

const MS = 1_000_000n;
const ENDS = { client: CLIENT, server: SERVER, serverPort: 5672 };

/**
 * A channel with confirms and a consumer, of 10 ms an answer: a publish that is acked, one that is refused, a delivery, an
 * orphan, garbage, a request that stays without response, and a slow one a minute later.
 */
export function amqpCapture(): Uint8Array {
  const one = amqp({ ...ENDS, stepNs: 5n * MS });
  const ask = (asked: Uint8Array, answered: Uint8Array) =>
    one
      .send("client", asked)
      .wait(5n * MS)
      .send("server", answered);
  ask(select(1), selectOk(1));
  ask(consume(1, "jobs"), consumeOk(1));
  ask(publish(1, "x", "a", 100), ack(1, 1));
  ask(publish(1, "x", "b", 50), nack(1, 2));
  one
    .send("server", deliver(1, 1, "c", 30))
    .wait(5n * MS)
    .send("client", ack(1, 1));
  one.send("server", declareOk(1, "lost")).send("client", declare(1, "jobs")).send("client", "garbage of twenty bytes");
  const slow = amqp({ ...ENDS, clientPort: 40001, startNs: START_NS + 60_000n * MS });
  slow
    .send("client", declare(1, "jobs"))
    .wait(900n * MS)
    .send("server", declareOk(1, "jobs"))
    .close();
  return pcap([...one.packets, ...slow.packets]);
}

/** Requests that wait, more than a small budget holds. */
export function waitingAmqpCapture(count: number): Uint8Array {
  const packets = [];
  for (let i = 0; i < count; i += 500) {
    const one = amqp({ ...ENDS, clientPort: 20000 + i / 500, stepNs: 1000n });
    for (let n = 0; n < 500; n += 20) one.send("client", together(...Array.from({ length: 20 }, () => declare(1, "jobs"))));
    packets.push(...one.packets);
  }
  return pcap(packets);
}
