/** Kafka whose figures were worked out by hand. */
import { batch, kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { Conversation, pcap, START_NS } from "../support/pcap-builder";
import { CLIENT, SERVER } from "./scenarios";

const MS = 1_000_000n;
const form = (correlationId: number) => ({ correlationId });
const topics = (name: string) => [{ name, partitions: [{ index: 0, records: batch(4, 39) }] }];

const produce = (id: number, name: string) => kafkaRequest("Produce", 2, { acks: 1, topics: topics(name) }, form(id));
const produced = (id: number, name: string, errorCode = 0) =>
  kafkaResponse("Produce", 2, { topics: [{ name, partitions: [{ errorCode }] }] }, form(id));

/**
 * Two exchanges of 10 ms, the second of which fails, an orphan, garbage, a request that stays without response, and a slow exchange a
 * minute later.
 */
export function kafkaCapture(): Uint8Array {
  const ends = { client: CLIENT, server: SERVER, serverPort: 9092 };
  const one = new Conversation({ ...ends, stepNs: 5n * MS }).open();
  one
    .send("client", produce(1, "orders"))
    .wait(5n * MS)
    .send("server", produced(1, "orders"));
  one
    .send("client", produce(2, "billing"))
    .wait(5n * MS)
    .send("server", produced(2, "billing", 7));
  one.send("server", produced(3, "lost")).send("client", "garbage of twenty bytes");
  one.send("client", kafkaRequest("Heartbeat", 0, { groupId: "g" }, form(4)));
  const slow = new Conversation({ ...ends, clientPort: 40001, startNs: START_NS + 60_000n * MS }).open();
  slow
    .send("client", produce(9, "orders"))
    .wait(900n * MS)
    .send("server", produced(9, "orders"))
    .close();
  return pcap([...one.packets, ...slow.packets]);
}

/** Requests that wait, more than a small budget holds. */
export function waitingKafkaCapture(count: number): Uint8Array {
  const packets = [];
  for (let i = 0; i < count; i += 500) {
    const one = new Conversation({
      client: CLIENT,
      server: SERVER,
      serverPort: 9092,
      clientPort: 20000 + i / 500,
      stepNs: 1000n,
    }).open();
    for (let id = 0; id < 500; id++) one.send("client", produce(id, "orders"));
    packets.push(...one.packets);
  }
  return pcap(packets);
}
