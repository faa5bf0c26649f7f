/**
 * Field lists of Kafka's messages: the names, types and versions of the public message schemas.
 *
 * Types: int8 to int64, bool, uuid, string, bytes, records; `[]` behind a type for an array of values; a list for an array of
 * structures. The parser under test shares none of this.
 */
export type Type = "int8" | "int16" | "int32" | "int64" | "uint16" | "bool" | "uuid" | "string" | "bytes" | "records";

export interface Field {
  name: string;
  type: Type | `${Type}[]` | Field[];
  from: number;
  to: number;
}

export interface Schema {
  key: number;
  name: string;
  versions: [number, number];
  flexible: number;
  request: Field[];
  response: Field[];
}

/** A field in the versions "3+", "0-12" or, without, in all. */
function f(name: string, type: Field["type"], versions = "0+"): Field {
  const [, from = "0", to = ""] = /^(\d+)(\+|-\d+)?$/.exec(versions) ?? [];
  return { name, type, from: Number(from), to: to === "+" ? 999 : to === "" ? Number(from) : Number(to.slice(1)) };
}

const member = [f("memberId", "string"), f("groupInstanceId", "string", "5+"), f("metadata", "bytes")];
const offsetPartition = [
  f("partitionIndex", "int32"),
  f("committedOffset", "int64"),
  f("committedLeaderEpoch", "int32", "5+"),
  f("metadata", "string"),
  f("errorCode", "int16"),
];

/** The requests whose bodies tests go through, from their first to their newest version. */
export const SCHEMAS: Schema[] = [
  {
    key: 0,
    name: "Produce",
    versions: [0, 13],
    flexible: 9,
    request: [
      f("transactionalId", "string", "3+"),
      f("acks", "int16"),
      f("timeoutMs", "int32"),
      f("topics", [
        f("name", "string", "0-12"),
        f("topicId", "uuid", "13+"),
        f("partitions", [f("index", "int32"), f("records", "records")]),
      ]),
    ],
    response: [
      f("topics", [
        f("name", "string", "0-12"),
        f("topicId", "uuid", "13+"),
        f("partitions", [
          f("index", "int32"),
          f("errorCode", "int16"),
          f("baseOffset", "int64"),
          f("logAppendTimeMs", "int64", "2+"),
          f("logStartOffset", "int64", "5+"),
          f("recordErrors", [f("batchIndex", "int32"), f("batchIndexErrorMessage", "string")], "8+"),
          f("errorMessage", "string", "8+"),
        ]),
      ]),
      f("throttleTimeMs", "int32", "1+"),
    ],
  },
  {
    key: 1,
    name: "Fetch",
    versions: [0, 18],
    flexible: 12,
    request: [
      f("replicaId", "int32", "0-14"),
      f("maxWaitMs", "int32"),
      f("minBytes", "int32"),
      f("maxBytes", "int32", "3+"),
      f("isolationLevel", "int8", "4+"),
      f("sessionId", "int32", "7+"),
      f("sessionEpoch", "int32", "7+"),
      f("topics", [
        f("name", "string", "0-12"),
        f("topicId", "uuid", "13+"),
        f("partitions", [
          f("index", "int32"),
          f("currentLeaderEpoch", "int32", "9+"),
          f("fetchOffset", "int64"),
          f("lastFetchedEpoch", "int32", "12+"),
          f("logStartOffset", "int64", "5+"),
          f("partitionMaxBytes", "int32"),
        ]),
      ]),
      f("forgottenTopicsData", [f("name", "string", "7-12"), f("topicId", "uuid", "13+"), f("partitions", "int32[]")], "7+"),
      f("rackId", "string", "11+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "1+"),
      f("errorCode", "int16", "7+"),
      f("sessionId", "int32", "7+"),
      f("topics", [
        f("name", "string", "0-12"),
        f("topicId", "uuid", "13+"),
        f("partitions", [
          f("index", "int32"),
          f("errorCode", "int16"),
          f("highWatermark", "int64"),
          f("lastStableOffset", "int64", "4+"),
          f("logStartOffset", "int64", "5+"),
          f("abortedTransactions", [f("producerId", "int64"), f("firstOffset", "int64")], "4+"),
          f("preferredReadReplica", "int32", "11+"),
          f("records", "records"),
        ]),
      ]),
    ],
  },
  {
    key: 2,
    name: "ListOffsets",
    versions: [0, 11],
    flexible: 6,
    request: [
      f("replicaId", "int32"),
      f("isolationLevel", "int8", "2+"),
      f("topics", [
        f("name", "string"),
        f("partitions", [
          f("index", "int32"),
          f("currentLeaderEpoch", "int32", "4+"),
          f("timestamp", "int64"),
          f("maxNumOffsets", "int32", "0"),
        ]),
      ]),
      f("timeoutMs", "int32", "10+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "2+"),
      f("topics", [
        f("name", "string"),
        f("partitions", [
          f("index", "int32"),
          f("errorCode", "int16"),
          f("oldStyleOffsets", "int64[]", "0"),
          f("timestamp", "int64", "1+"),
          f("offset", "int64", "1+"),
          f("leaderEpoch", "int32", "4+"),
        ]),
      ]),
    ],
  },
  {
    key: 3,
    name: "Metadata",
    versions: [0, 13],
    flexible: 9,
    request: [
      f("topics", [f("noTopicId", "uuid", "10+"), f("name", "string")]),
      f("allowAutoTopicCreation", "bool", "4+"),
      f("includeClusterAuthorizedOperations", "bool", "8-10"),
      f("includeTopicAuthorizedOperations", "bool", "8+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "3+"),
      f("brokers", [f("nodeId", "int32"), f("host", "string"), f("port", "int32"), f("rack", "string", "1+")]),
      f("clusterId", "string", "2+"),
      f("controllerId", "int32", "1+"),
      f("topics", [
        f("topicError", "int16"),
        f("name", "string"),
        f("topicId", "uuid", "10+"),
        f("isInternal", "bool", "1+"),
        f("partitions", [
          f("errorCode", "int16"),
          f("index", "int32"),
          f("leaderId", "int32"),
          f("leaderEpoch", "int32", "7+"),
          f("replicaNodes", "int32[]"),
          f("isrNodes", "int32[]"),
          f("offlineReplicas", "int32[]", "5+"),
        ]),
        f("topicAuthorizedOperations", "int32", "8+"),
      ]),
      f("clusterAuthorizedOperations", "int32", "8-10"),
      f("errorCode", "int16", "13+"),
    ],
  },
  {
    key: 8,
    name: "OffsetCommit",
    versions: [0, 10],
    flexible: 8,
    request: [
      f("groupId", "string"),
      f("generationIdOrMemberEpoch", "int32", "1+"),
      f("memberId", "string", "1+"),
      f("groupInstanceId", "string", "7+"),
      f("retentionTimeMs", "int64", "2-4"),
      f("topics", [
        f("name", "string", "0-9"),
        f("topicId", "uuid", "10+"),
        f("partitions", [
          f("index", "int32"),
          f("committedOffset", "int64"),
          f("committedLeaderEpoch", "int32", "6+"),
          f("commitTimestamp", "int64", "1"),
          f("committedMetadata", "string"),
        ]),
      ]),
    ],
    response: [
      f("throttleTimeMs", "int32", "3+"),
      f("topics", [
        f("name", "string", "0-9"),
        f("topicId", "uuid", "10+"),
        f("partitions", [f("index", "int32"), f("errorCode", "int16")]),
      ]),
    ],
  },
  {
    key: 9,
    name: "OffsetFetch",
    versions: [0, 10],
    flexible: 6,
    request: [
      f("groupId", "string", "0-7"),
      f("topics", [f("name", "string"), f("partitionIndexes", "int32[]")], "0-7"),
      f(
        "groups",
        [
          f("groupId", "string"),
          f("memberId", "string", "9+"),
          f("memberEpoch", "int32", "9+"),
          f("topics", [f("name", "string", "8-9"), f("topicId", "uuid", "10+"), f("partitionIndexes", "int32[]")]),
        ],
        "8+",
      ),
      f("requireStable", "bool", "7+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "3+"),
      f("topics", [f("name", "string"), f("partitions", [f("index", "int32"), ...offsetPartition.slice(1)])], "0-7"),
      f("errorCode", "int16", "2-7"),
      f(
        "groups",
        [
          f("groupId", "string"),
          f("topics", [
            f("name", "string", "8-9"),
            f("topicId", "uuid", "10+"),
            f("partitions", [f("index", "int32"), ...offsetPartition.slice(1)]),
          ]),
          f("groupError", "int16"),
        ],
        "8+",
      ),
    ],
  },
  {
    key: 10,
    name: "FindCoordinator",
    versions: [0, 6],
    flexible: 3,
    request: [f("groupId", "string", "0-3"), f("keyType", "int8", "1+"), f("coordinatorKeys", "string[]", "4+")],
    response: [
      f("throttleTimeMs", "int32", "1+"),
      f("errorCode", "int16", "0-3"),
      f("errorMessage", "string", "1-3"),
      f("nodeId", "int32", "0-3"),
      f("host", "string", "0-3"),
      f("port", "int32", "0-3"),
      f(
        "coordinators",
        [
          f("key", "string"),
          f("nodeId", "int32"),
          f("host", "string"),
          f("port", "int32"),
          f("errorCode", "int16"),
          f("errorMessage", "string"),
        ],
        "4+",
      ),
    ],
  },
  {
    key: 11,
    name: "JoinGroup",
    versions: [0, 9],
    flexible: 6,
    request: [
      f("groupId", "string"),
      f("sessionTimeoutMs", "int32"),
      f("rebalanceTimeoutMs", "int32", "1+"),
      f("memberId", "string"),
      f("groupInstanceId", "string", "5+"),
      f("protocolType", "string"),
      f("protocols", [f("name", "string"), f("metadata", "bytes")]),
      f("reason", "string", "8+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "2+"),
      f("errorCode", "int16"),
      f("generationId", "int32"),
      f("protocolType", "string", "7+"),
      f("protocolName", "string"),
      f("leader", "string"),
      f("skipAssignment", "bool", "9+"),
      f("memberId", "string"),
      f("members", member),
    ],
  },
  {
    key: 12,
    name: "Heartbeat",
    versions: [0, 4],
    flexible: 4,
    request: [f("groupId", "string"), f("generationId", "int32"), f("memberId", "string"), f("groupInstanceId", "string", "3+")],
    response: [f("throttleTimeMs", "int32", "1+"), f("errorCode", "int16")],
  },
  {
    key: 13,
    name: "LeaveGroup",
    versions: [0, 5],
    flexible: 4,
    request: [
      f("groupId", "string"),
      f("memberId", "string", "0-2"),
      f("members", [f("memberId", "string"), f("groupInstanceId", "string"), f("reason", "string", "5+")], "3+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "1+"),
      f("errorCode", "int16"),
      f("members", [f("memberId", "string"), f("groupInstanceId", "string"), f("memberError", "int16")], "3+"),
    ],
  },
  {
    key: 14,
    name: "SyncGroup",
    versions: [0, 5],
    flexible: 4,
    request: [
      f("groupId", "string"),
      f("generationId", "int32"),
      f("memberId", "string"),
      f("groupInstanceId", "string", "3+"),
      f("protocolType", "string", "5+"),
      f("protocolName", "string", "5+"),
      f("assignments", [f("memberId", "string"), f("assignment", "bytes")]),
    ],
    response: [
      f("throttleTimeMs", "int32", "1+"),
      f("errorCode", "int16"),
      f("protocolType", "string", "5+"),
      f("protocolName", "string", "5+"),
      f("assignment", "bytes"),
    ],
  },
  {
    key: 18,
    name: "ApiVersions",
    versions: [0, 4],
    flexible: 3,
    request: [f("clientSoftwareName", "string", "3+"), f("clientSoftwareVersion", "string", "3+")],
    response: [
      f("errorCode", "int16"),
      f("apiKeys", [f("apiKey", "int16"), f("minVersion", "int16"), f("maxVersion", "int16")]),
      f("throttleTimeMs", "int32", "1+"),
    ],
  },
  {
    key: 19,
    name: "CreateTopics",
    versions: [0, 7],
    flexible: 5,
    request: [
      f("topics", [
        f("name", "string"),
        f("numPartitions", "int32"),
        f("replicationFactor", "int16"),
        f("assignments", [f("partitionIndex", "int32"), f("brokerIds", "int32[]")]),
        f("configs", [f("name", "string"), f("value", "string")]),
      ]),
      f("timeoutMs", "int32"),
      f("validateOnly", "bool", "1+"),
    ],
    response: [
      f("throttleTimeMs", "int32", "2+"),
      f("topics", [
        f("name", "string"),
        f("topicId", "uuid", "7+"),
        f("errorCode", "int16"),
        f("errorMessage", "string", "1+"),
        f("numPartitions", "int32", "5+"),
        f("replicationFactor", "int16", "5+"),
        f(
          "configs",
          [f("name", "string"), f("value", "string"), f("readOnly", "bool"), f("configSource", "int8"), f("isSensitive", "bool")],
          "5+",
        ),
      ]),
    ],
  },
  {
    key: 22,
    name: "InitProducerId",
    versions: [0, 6],
    flexible: 2,
    request: [
      f("transactionalId", "string"),
      f("transactionTimeoutMs", "int32"),
      f("producerId", "int64", "3+"),
      f("producerEpoch", "int16", "3+"),
      f("enable2Pc", "bool", "6+"),
      f("keepPreparedTxn", "bool", "6+"),
    ],
    response: [
      f("throttleTimeMs", "int32"),
      f("errorCode", "int16"),
      f("producerId", "int64"),
      f("producerEpoch", "int16"),
      f("ongoingTxnProducerId", "int64", "6+"),
      f("ongoingTxnProducerEpoch", "int16", "6+"),
    ],
  },
];
