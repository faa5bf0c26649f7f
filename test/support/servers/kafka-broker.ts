/**
 * A broker of ours, for there is no Kafka to install: as much of one as a client needs to produce, fetch and be of a group.
 *
 * It reads and writes by the field lists of the public schemas and shares nothing with the parser under test. It offers every
 * request in the versions before the flexible ones, keeps its records in memory and knows groups of one member.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SCHEMAS } from "../kafka-fields";
import { kafkaResponse, type Values } from "../kafka-schema";
import { listenForFrames } from "./frames";
import { type Request, readRequest } from "./kafka-reader";
import type { Stage } from "./stage";

const NODE = 1;
const UNKNOWN_TOPIC = 3;
const TOPIC_EXISTS = 36;
const MEMBER_ID_REQUIRED = 79;
const FETCH_WAIT_MS = 50;
/** Where a record batch says its offset and how many records it holds. */
const BATCH_COUNT_OFFSET = 57;

interface Batch {
  offset: number;
  count: number;
  bytes: Buffer;
}

type Partition = Batch[];

/** What is in a topic's partition after its last batch. */
const endOf = (partition: Partition) => partition.reduce((end, { offset, count }) => Math.max(end, offset + count), 0);

/** A broker with its topics and its groups. */
class Broker {
  private readonly topics = new Map<string, Partition[]>();
  private readonly offsets = new Map<string, bigint>();
  private members = 0;

  /** `door` is what it says that clients reach it at. */
  constructor(private readonly door: { port: number }) {}

  /** The response's values; undefined where none is sent. */
  async answer(request: Request): Promise<Values | undefined> {
    const { values } = request;
    switch (request.name) {
      case "ApiVersions":
        return {
          apiKeys: SCHEMAS.map(({ key, versions, flexible }) => ({
            apiKey: key,
            minVersion: versions[0],
            maxVersion: flexible - 1,
          })),
        };
      case "Metadata":
        return this.metadata(values.topics);
      case "CreateTopics":
        return { topics: values.topics.map(this.create) };
      case "FindCoordinator":
        return { nodeId: NODE, host: "127.0.0.1", port: this.door.port };
      case "InitProducerId":
        return { producerId: 7, producerEpoch: 0 };
      case "Produce": {
        const topics = this.eachPartition(values.topics, this.append);
        return values.acks === 0 ? undefined : { topics };
      }
      case "Fetch":
        return this.fetch(values.topics);
      case "ListOffsets":
        return { topics: this.eachPartition(values.topics, this.edge) };
      default:
        return this.answerMember(request);
    }
  }

  /** What members of groups ask. */
  private answerMember({ name, values }: Request): Values {
    switch (name) {
      case "JoinGroup": {
        if (values.memberId === "") return { errorCode: MEMBER_ID_REQUIRED, memberId: `member-${++this.members}` };
        const { memberId } = values;
        const [protocol] = values.protocols;
        const members = [{ memberId, groupInstanceId: null, metadata: protocol.metadata }];
        return { generationId: 1, protocolName: protocol.name, leader: memberId, memberId, members };
      }
      case "SyncGroup":
        return { assignment: values.assignments[0]?.assignment ?? Buffer.alloc(0) };
      case "OffsetCommit":
        return {
          topics: this.eachPartition(values.topics, (topic, { index, committedOffset }) => {
            this.offsets.set(`${values.groupId} ${topic} ${index}`, committedOffset);
            return { index };
          }),
        };
      case "OffsetFetch":
        return {
          topics: (values.topics ?? []).map(({ name: topic, partitionIndexes }: Values) => ({
            name: topic,
            partitions: (partitionIndexes as number[]).map((index) => ({
              index,
              committedOffset: this.offsets.get(`${values.groupId} ${topic} ${index}`) ?? -1,
            })),
          })),
        };
      case "LeaveGroup":
        return { members: (values.members ?? []).map(({ memberId }: Values) => ({ memberId, groupInstanceId: null })) };
      default:
        return {};
    }
  }

  private metadata(asked: Values[] | null): Values {
    const names = asked === null ? [...this.topics.keys()] : asked.map(({ name }) => String(name));
    const partitionOf = (_: unknown, index: number) => ({ index, leaderId: NODE, replicaNodes: [NODE], isrNodes: [NODE] });
    return {
      brokers: [{ nodeId: NODE, host: "127.0.0.1", port: this.door.port, rack: null }],
      clusterId: "lab",
      controllerId: NODE,
      topics: names.map((name) => {
        const partitions = this.topics.get(name);
        return { name, topicError: partitions ? 0 : UNKNOWN_TOPIC, partitions: (partitions ?? []).map(partitionOf) };
      }),
    };
  }

  private readonly create = ({ name, numPartitions }: Values): Values => {
    const exists = this.topics.has(String(name));
    if (!exists)
      this.topics.set(
        String(name),
        Array.from({ length: Math.max(1, Number(numPartitions)) }, () => []),
      );
    return { name, errorCode: exists ? TOPIC_EXISTS : 0, errorMessage: exists ? "it is there" : null };
  };

  /** Asks `each` for every partition of a request. */
  // biome-ignore lint/suspicious/noExplicitAny: what a partition holds depends on the request.
  private eachPartition(topics: Values[], each: (topic: string, asked: any) => Values): Values[] {
    return topics.map(({ name, partitions }) => ({
      name,
      partitions: (partitions as Values[]).map((asked) => each(String(name), asked)),
    }));
  }

  private readonly append = (topic: string, { index, records }: { index: number; records: Buffer }): Values => {
    const partition = this.topics.get(topic)?.[index];
    if (!partition) return { index, errorCode: UNKNOWN_TOPIC, baseOffset: -1 };
    const offset = endOf(partition);
    const bytes = Buffer.from(records);
    bytes.writeBigInt64BE(BigInt(offset), 0);
    partition.push({ offset, count: bytes.readInt32BE(BATCH_COUNT_OFFSET), bytes });
    return { index, baseOffset: offset, logAppendTimeMs: -1 };
  };

  private readonly edge = (topic: string, { index, timestamp }: { index: number; timestamp: bigint }): Values => {
    const offset = timestamp === -2n ? 0 : endOf(this.topics.get(topic)?.[index] ?? []);
    return { index, timestamp: -1, offset };
  };

  private async fetch(asked: Values[]): Promise<Values> {
    let isEmpty = true;
    const topics = this.eachPartition(asked, (topic, { index, fetchOffset }) => {
      const partition = this.topics.get(topic)?.[index] ?? [];
      const batches = partition.filter(({ offset, count }) => BigInt(offset + count) > fetchOffset);
      if (batches.length > 0) isEmpty = false;
      const records = Buffer.concat(batches.map(({ bytes }) => bytes));
      return { index, highWatermark: endOf(partition), lastStableOffset: endOf(partition), abortedTransactions: null, records };
    });
    if (isEmpty) await sleep(FETCH_WAIT_MS);
    return { topics };
  }
}

/** Starts the broker; gives its port, which it sends its clients to, or the one of the `door` before it. */
export async function startKafkaBroker(stage: Stage, door?: { port: number }): Promise<number> {
  const own = { port: 0 };
  const broker = new Broker(door ?? own);
  own.port = await listenForFrames(stage, { littleEndian: false, countsItself: false }, async (message) => {
    const request = readRequest(message);
    const values = await broker.answer(request);
    return values && kafkaResponse(request.name, request.version, values, { correlationId: request.correlationId });
  });
  return own.port;
}
