/** Every version of the requests whose bodies are read, with and without tagged fields. */
import { describe, expect, test } from "vitest";
import { kafka, tripsOf } from "../support/kafka";
import { SCHEMAS } from "../support/kafka-fields";
import { bareRequest, batch, kafkaRequest, kafkaResponse, schemaOf, sized, type Values } from "../support/kafka-schema";

const TOPIC = "orders.v1-x_y";
const ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

const asked: Record<string, Values> = {
  Produce: {
    transactionalId: null,
    acks: -1,
    topics: [
      {
        name: TOPIC,
        topicId: ID,
        partitions: [
          { index: 4, records: batch(3) },
          { index: 5, records: batch(7, 5000) },
        ],
      },
    ],
  },
  Fetch: {
    topics: [{ name: TOPIC, topicId: ID, partitions: [{ index: 4 }, { index: 5 }] }],
    forgottenTopicsData: [{ name: "forgotten", topicId: ID, partitions: [1, 2] }],
  },
  ListOffsets: { topics: [{ name: TOPIC, partitions: [{ index: 4 }, { index: 5 }] }] },
  Metadata: { topics: [{ name: TOPIC }, { name: "second" }] },
  OffsetCommit: {
    groupId: "billing.eu",
    groupInstanceId: null,
    topics: [{ name: TOPIC, topicId: ID, partitions: [{ index: 4, committedMetadata: null }, { index: 5 }] }],
  },
  OffsetFetch: {
    groupId: "billing.eu",
    topics: [{ name: TOPIC, partitionIndexes: [4, 5] }],
    groups: [{ groupId: "billing.eu", memberId: null, topics: [{ name: TOPIC, topicId: ID, partitionIndexes: [4, 5] }] }],
  },
  FindCoordinator: { groupId: "billing.eu", coordinatorKeys: ["billing.eu", "other"] },
  JoinGroup: { groupId: "billing.eu", groupInstanceId: null, protocols: [{ name: "range", metadata: batch(1) }] },
  Heartbeat: { groupId: "billing.eu", groupInstanceId: null },
  LeaveGroup: { groupId: "billing.eu", members: [{ memberId: "m", groupInstanceId: null, reason: null }] },
  SyncGroup: {
    groupId: "billing.eu",
    groupInstanceId: null,
    protocolType: null,
    assignments: [{ memberId: "m", assignment: batch(1) }],
  },
  ApiVersions: { clientSoftwareName: "lab-client", clientSoftwareVersion: "1.0" },
  CreateTopics: {
    topics: [{ name: TOPIC, assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }], configs: [{ name: "a", value: null }] }],
  },
  InitProducerId: { transactionalId: "tx.1" },
};

const partitions = [{ index: 4 }, { index: 5, errorCode: 6, errorMessage: null, records: batch(9, 9000) }];
const answered: Record<string, Values> = {
  Produce: { topics: [{ name: TOPIC, topicId: ID, partitions }] },
  Fetch: {
    topics: [
      {
        name: TOPIC,
        topicId: ID,
        partitions: [
          { index: 4, records: batch(2), abortedTransactions: [{}] },
          { ...partitions[1], abortedTransactions: null },
        ],
      },
    ],
  },
  ListOffsets: { topics: [{ name: TOPIC, partitions: [{ index: 4, oldStyleOffsets: [1n, 2n] }, partitions[1]] }] },
  Metadata: {
    brokers: [{ nodeId: 1, host: "kafka-1.test", port: 9092, rack: null }],
    clusterId: "abc",
    topics: [
      {
        name: TOPIC,
        topicId: ID,
        partitions: [{ index: 4, replicaNodes: [1, 2, 3], isrNodes: [1], offlineReplicas: [3] }, partitions[1]],
      },
    ],
  },
  OffsetCommit: { topics: [{ name: TOPIC, topicId: ID, partitions }] },
  OffsetFetch: {
    topics: [{ name: TOPIC, partitions }],
    groups: [{ groupId: "billing.eu", topics: [{ name: TOPIC, topicId: ID, partitions }] }],
  },
  FindCoordinator: {
    errorCode: 6,
    errorMessage: null,
    host: "kafka-1.test",
    coordinators: [
      { key: "billing.eu", host: "kafka-1.test" },
      { key: "other", errorCode: 6, errorMessage: null },
    ],
  },
  JoinGroup: { errorCode: 6, protocolType: null, members: [{ memberId: "m", groupInstanceId: null, metadata: batch(1) }] },
  Heartbeat: { errorCode: 6 },
  LeaveGroup: { errorCode: 6, members: [{ memberId: "m", groupInstanceId: null }] },
  SyncGroup: { errorCode: 6, assignment: batch(1) },
  ApiVersions: {
    errorCode: 6,
    apiKeys: [
      { apiKey: 18, maxVersion: 4 },
      { apiKey: 0, maxVersion: 9 },
    ],
  },
  CreateTopics: {
    topics: [{ name: TOPIC, topicId: ID, errorCode: 6, errorMessage: null, configs: [{ name: "a", value: null }] }],
  },
  InitProducerId: { errorCode: 6 },
};

/** First version of a name that says its topics by id. */
const byId: Record<string, number> = { Produce: 13, Fetch: 13, OffsetCommit: 10, OffsetFetch: 10 };
const groups = ["OffsetCommit", "OffsetFetch", "FindCoordinator", "JoinGroup", "Heartbeat", "LeaveGroup", "SyncGroup"];
const withPartitions = ["Produce", "Fetch", "ListOffsets", "OffsetCommit", "OffsetFetch"];
const throttledFrom: Record<string, number> = {
  ...{ Produce: 1, Fetch: 1, ListOffsets: 2, Metadata: 3, OffsetCommit: 3, OffsetFetch: 3, FindCoordinator: 1, JoinGroup: 2 },
  ...{ Heartbeat: 1, LeaveGroup: 1, SyncGroup: 1, ApiVersions: 1, CreateTopics: 2, InitProducerId: 0 },
};

function requestOf(name: string, version: number): Record<string, unknown> {
  const topic = version >= (byId[name] ?? 99) ? ID : TOPIC;
  return {
    apiName: name,
    apiVersion: version,
    correlationId: 77,
    clientId: "lab",
    ...(groups.includes(name) ? { groupId: "billing.eu" } : {}),
    ...(withPartitions.includes(name) ? { topics: [{ topic, partitions: 2 }], partitions: 2 } : {}),
    ...(name === "Metadata"
      ? {
          topics: [
            { topic: TOPIC, partitions: 0 },
            { topic: "second", partitions: 0 },
          ],
        }
      : {}),
    ...(name === "CreateTopics" ? { topics: [{ topic: TOPIC, partitions: 0 }] } : {}),
    ...(name === "Produce" ? { acks: -1, records: 10, recordBytes: 61 + 20 + 61 + 5000 } : {}),
    ...(name === "InitProducerId" ? { transactionalId: "tx.1" } : {}),
  };
}

function responseOf(name: string, version: number): Record<string, unknown> {
  const topic = version >= (byId[name] ?? 99) ? ID : TOPIC;
  const bad = { topic, partition: 5, errorCode: 6, errorName: "NOT_LEADER_OR_FOLLOWER" };
  const good = { topic, partition: 4, errorCode: 0, errorName: "NONE" };
  const rows = withPartitions.includes(name)
    ? { partitions: [good, bad] }
    : name === "Metadata"
      ? { partitions: [bad] }
      : name === "CreateTopics"
        ? { partitions: [{ ...bad, partition: -1 }] }
        : {};
  return {
    correlationId: 77,
    errorCode: 6,
    errorName: "NOT_LEADER_OR_FOLLOWER",
    errors: 1,
    ...(version >= (throttledFrom[name] ?? 99) ? { throttleMs: 350 } : {}),
    ...rows,
    ...(name === "Fetch" ? { records: 11, recordBytes: 61 + 20 + 61 + 9000 } : {}),
  };
}

/** Bytes before the bodies: size, key, version, id and the client's name, or size and id, and tagged fields of 154 bytes. */
function headBytes(name: string, version: number, tags: number): { asked: number; answered: number } {
  const tagged = version >= schemaOf(name).flexible ? 1 + tags * 154 : 0;
  return { asked: 4 + 2 + 2 + 4 + 2 + "lab".length + tagged, answered: 4 + 4 + (name === "ApiVersions" ? 0 : tagged) };
}

describe("every version is read whole", () => {
  const versions = SCHEMAS.flatMap(({ name, versions: [first, last] }) =>
    Array.from({ length: last - first + 1 }, (_, index) => [name, first + index] as [string, number]),
  );
  test.each(versions)("%s %i", (name, version) => {
    for (const tags of [0, 2]) {
      for (const segmentBytes of [1460, 7]) {
        const form = { correlationId: 77, tags };
        const request = kafkaRequest(name, version, asked[name], form);
        const response = kafkaResponse(name, version, { throttleTimeMs: 350, ...answered[name] }, form);
        const packets = kafka().send("client", request, segmentBytes).send("server", response, segmentBytes).close().packets;
        const trips = tripsOf(packets);
        expect(trips.map(({ status, marks }) => [status, marks])).toEqual([["error", []]]);
        const { asked: head, answered: answerHead } = headBytes(name, version, tags);
        expect(trips[0]!.request).toMatchObject({
          ...requestOf(name, version),
          bytes: request.length,
          bodyBytes: request.length - head,
        });
        expect(trips[0]!.response).toMatchObject({
          ...responseOf(name, version),
          bytes: response.length,
          bodyBytes: response.length - answerHead,
        });
      }
    }
  });
});

describe("the header of every key", () => {
  test.each(Array.from({ length: 93 }, (_, key) => key))("key %i", (key) => {
    const flexibleFrom: Record<number, number> = { 17: 255, 47: 255 };
    const version = key > 3 && key < 45 && key !== 17 ? 1 : 0;
    const flexible = key >= 45 && key !== 47 ? true : version >= (flexibleFrom[key] ?? 2);
    const isNewer = key === 48 || key === 49 || key === 53 || key === 54;
    const one = kafka({ serverPort: 9092 });
    one.send("client", kafkaRequest("ApiVersions", 0, {}, { correlationId: 1 }));
    one.send("server", kafkaResponse("ApiVersions", 0, {}, { correlationId: 1 }));
    one.send("client", bareRequest(key, version, flexible && !isNewer, 2, [1, 2, 3]));
    one.send("server", sized([0, 0, 0, 2, 0])).close();
    const [, trip] = tripsOf(one.packets);
    expect(trip!.request).toMatchObject({ apiKey: key, apiVersion: version, correlationId: 2, clientId: "lab" });
    expect(String(trip!.request!.apiName)).toMatch(/^[A-Z]\w+$/);
    expect(trip!.response).toMatchObject({ correlationId: 2 });
  });
});
