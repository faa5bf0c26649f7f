/** Names of Kafka's numbers (kafka.apache.org/protocol: API keys, error codes). */

/** Requests by API key. */
export const API_NAMES: string =
  "0=Produce,1=Fetch,2=ListOffsets,3=Metadata,4=LeaderAndIsr,5=StopReplica,6=UpdateMetadata,7=ControlledShutdown," +
  "8=OffsetCommit,9=OffsetFetch,10=FindCoordinator,11=JoinGroup,12=Heartbeat,13=LeaveGroup,14=SyncGroup," +
  "15=DescribeGroups,16=ListGroups,17=SaslHandshake,18=ApiVersions,19=CreateTopics,20=DeleteTopics,21=DeleteRecords," +
  "22=InitProducerId,23=OffsetForLeaderEpoch,24=AddPartitionsToTxn,25=AddOffsetsToTxn,26=EndTxn,27=WriteTxnMarkers," +
  "28=TxnOffsetCommit,29=DescribeAcls,30=CreateAcls,31=DeleteAcls,32=DescribeConfigs,33=AlterConfigs," +
  "34=AlterReplicaLogDirs,35=DescribeLogDirs,36=SaslAuthenticate,37=CreatePartitions,38=CreateDelegationToken," +
  "39=RenewDelegationToken,40=ExpireDelegationToken,41=DescribeDelegationToken,42=DeleteGroups,43=ElectLeaders," +
  "44=IncrementalAlterConfigs,45=AlterPartitionReassignments,46=ListPartitionReassignments,47=OffsetDelete," +
  "48=DescribeClientQuotas,49=AlterClientQuotas,50=DescribeUserScramCredentials,51=AlterUserScramCredentials,52=Vote," +
  "53=BeginQuorumEpoch,54=EndQuorumEpoch,55=DescribeQuorum,56=AlterPartition,57=UpdateFeatures,58=Envelope," +
  "59=FetchSnapshot,60=DescribeCluster,61=DescribeProducers,62=BrokerRegistration,63=BrokerHeartbeat," +
  "64=UnregisterBroker,65=DescribeTransactions,66=ListTransactions,67=AllocateProducerIds,68=ConsumerGroupHeartbeat," +
  "69=ConsumerGroupDescribe,70=ControllerRegistration,71=GetTelemetrySubscriptions,72=PushTelemetry," +
  "73=AssignReplicasToDirs,74=ListConfigResources,75=DescribeTopicPartitions,76=ShareGroupHeartbeat," +
  "77=ShareGroupDescribe,78=ShareFetch,79=ShareAcknowledge,80=AddRaftVoter,81=RemoveRaftVoter,82=UpdateRaftVoter," +
  "83=InitializeShareGroupState,84=ReadShareGroupState,85=WriteShareGroupState,86=DeleteShareGroupState," +
  "87=ReadShareGroupStateSummary,88=StreamsGroupHeartbeat,89=StreamsGroupDescribe,90=DescribeShareGroupOffsets," +
  "91=AlterShareGroupOffsets,92=DeleteShareGroupOffsets";

/** API keys that have a name. */
export const API_KEYS: u32 = 93;

/** Newest version of each API key, and the first whose header and body are flexible (255: none), KIP-482. */
const VERSIONS: usize = memory.data<u8>([
  13, 9, 18, 12, 11, 6, 13, 9, 7, 4, 4, 2, 8, 6, 3, 3, 10, 8, 10, 6, 6, 3, 9, 6, 4, 4, 5, 4, 5, 4, 6, 5, 5, 3, 1, 255, 4, 3, 7, 5,
  6, 4, 2, 2, 6, 2, 4, 4, 5, 3, 4, 3, 5, 3, 2, 1, 5, 3, 3, 2, 3, 2, 3, 2, 4, 4, 2, 2, 2, 2, 5, 2, 2, 2, 3, 2, 3, 2, 2, 2, 2, 2, 3,
  2, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 255, 1, 1, 1, 1, 0, 0, 0, 0, 2, 0, 1, 1, 1, 1, 2, 0, 3, 0, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 4,
  0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** Newest version of API `key` that is known. */
export function newestVersion(key: u32): u32 {
  return load<u8>(VERSIONS + (key << 1));
}

/** Whether `version` of API `key` is flexible. */
export function isFlexible(key: u32, version: u32): bool {
  return key < API_KEYS && version >= <u32>load<u8>(VERSIONS + (key << 1), 1);
}

/** Error codes as u16: -1 is 65535. */
export const ERROR_NAMES: string =
  "0=NONE,1=OFFSET_OUT_OF_RANGE,2=CORRUPT_MESSAGE,3=UNKNOWN_TOPIC_OR_PARTITION,4=INVALID_FETCH_SIZE," +
  "5=LEADER_NOT_AVAILABLE,6=NOT_LEADER_OR_FOLLOWER,7=REQUEST_TIMED_OUT,8=BROKER_NOT_AVAILABLE,9=REPLICA_NOT_AVAILABLE," +
  "10=MESSAGE_TOO_LARGE,11=STALE_CONTROLLER_EPOCH,12=OFFSET_METADATA_TOO_LARGE,13=NETWORK_EXCEPTION," +
  "14=COORDINATOR_LOAD_IN_PROGRESS,15=COORDINATOR_NOT_AVAILABLE,16=NOT_COORDINATOR,17=INVALID_TOPIC_EXCEPTION," +
  "18=RECORD_LIST_TOO_LARGE,19=NOT_ENOUGH_REPLICAS,20=NOT_ENOUGH_REPLICAS_AFTER_APPEND,21=INVALID_REQUIRED_ACKS," +
  "22=ILLEGAL_GENERATION,23=INCONSISTENT_GROUP_PROTOCOL,24=INVALID_GROUP_ID,25=UNKNOWN_MEMBER_ID," +
  "26=INVALID_SESSION_TIMEOUT,27=REBALANCE_IN_PROGRESS,28=INVALID_COMMIT_OFFSET_SIZE,29=TOPIC_AUTHORIZATION_FAILED," +
  "30=GROUP_AUTHORIZATION_FAILED,31=CLUSTER_AUTHORIZATION_FAILED,32=INVALID_TIMESTAMP,33=UNSUPPORTED_SASL_MECHANISM," +
  "34=ILLEGAL_SASL_STATE,35=UNSUPPORTED_VERSION,36=TOPIC_ALREADY_EXISTS,37=INVALID_PARTITIONS," +
  "38=INVALID_REPLICATION_FACTOR,39=INVALID_REPLICA_ASSIGNMENT,40=INVALID_CONFIG,41=NOT_CONTROLLER,42=INVALID_REQUEST," +
  "43=UNSUPPORTED_FOR_MESSAGE_FORMAT,44=POLICY_VIOLATION,45=OUT_OF_ORDER_SEQUENCE_NUMBER,46=DUPLICATE_SEQUENCE_NUMBER," +
  "47=INVALID_PRODUCER_EPOCH,48=INVALID_TXN_STATE,49=INVALID_PRODUCER_ID_MAPPING,50=INVALID_TRANSACTION_TIMEOUT," +
  "51=CONCURRENT_TRANSACTIONS,52=TRANSACTION_COORDINATOR_FENCED,53=TRANSACTIONAL_ID_AUTHORIZATION_FAILED," +
  "54=SECURITY_DISABLED,55=OPERATION_NOT_ATTEMPTED,56=KAFKA_STORAGE_ERROR,57=LOG_DIR_NOT_FOUND," +
  "58=SASL_AUTHENTICATION_FAILED,59=UNKNOWN_PRODUCER_ID,60=REASSIGNMENT_IN_PROGRESS,61=DELEGATION_TOKEN_AUTH_DISABLED," +
  "62=DELEGATION_TOKEN_NOT_FOUND,63=DELEGATION_TOKEN_OWNER_MISMATCH,64=DELEGATION_TOKEN_REQUEST_NOT_ALLOWED," +
  "65=DELEGATION_TOKEN_AUTHORIZATION_FAILED,66=DELEGATION_TOKEN_EXPIRED,67=INVALID_PRINCIPAL_TYPE,68=NON_EMPTY_GROUP," +
  "69=GROUP_ID_NOT_FOUND,70=FETCH_SESSION_ID_NOT_FOUND,71=INVALID_FETCH_SESSION_EPOCH,72=LISTENER_NOT_FOUND," +
  "73=TOPIC_DELETION_DISABLED,74=FENCED_LEADER_EPOCH,75=UNKNOWN_LEADER_EPOCH,76=UNSUPPORTED_COMPRESSION_TYPE," +
  "77=STALE_BROKER_EPOCH,78=OFFSET_NOT_AVAILABLE,79=MEMBER_ID_REQUIRED,80=PREFERRED_LEADER_NOT_AVAILABLE," +
  "81=GROUP_MAX_SIZE_REACHED,82=FENCED_INSTANCE_ID,83=ELIGIBLE_LEADERS_NOT_AVAILABLE,84=ELECTION_NOT_NEEDED," +
  "85=NO_REASSIGNMENT_IN_PROGRESS,86=GROUP_SUBSCRIBED_TO_TOPIC,87=INVALID_RECORD,88=UNSTABLE_OFFSET_COMMIT," +
  "89=THROTTLING_QUOTA_EXCEEDED,90=PRODUCER_FENCED,91=RESOURCE_NOT_FOUND,92=DUPLICATE_RESOURCE," +
  "93=UNACCEPTABLE_CREDENTIAL,94=INCONSISTENT_VOTER_SET,95=INVALID_UPDATE_VERSION,96=FEATURE_UPDATE_FAILED," +
  "97=PRINCIPAL_DESERIALIZATION_FAILURE,98=SNAPSHOT_NOT_FOUND,99=POSITION_OUT_OF_RANGE,100=UNKNOWN_TOPIC_ID," +
  "101=DUPLICATE_BROKER_REGISTRATION,102=BROKER_ID_NOT_REGISTERED,103=INCONSISTENT_TOPIC_ID,104=INCONSISTENT_CLUSTER_ID," +
  "105=TRANSACTIONAL_ID_NOT_FOUND,106=FETCH_SESSION_TOPIC_ID_ERROR,107=INELIGIBLE_REPLICA,108=NEW_LEADER_ELECTED," +
  "109=OFFSET_MOVED_TO_TIERED_STORAGE,110=FENCED_MEMBER_EPOCH,111=UNRELEASED_INSTANCE_ID,112=UNSUPPORTED_ASSIGNOR," +
  "113=STALE_MEMBER_EPOCH,114=MISMATCHED_ENDPOINT_TYPE,115=UNSUPPORTED_ENDPOINT_TYPE,116=UNKNOWN_CONTROLLER_ID," +
  "117=UNKNOWN_SUBSCRIPTION_ID,118=TELEMETRY_TOO_LARGE,119=INVALID_REGISTRATION,120=TRANSACTION_ABORTABLE," +
  "121=INVALID_RECORD_STATE,122=SHARE_SESSION_NOT_FOUND,123=INVALID_SHARE_SESSION_EPOCH,124=FENCED_STATE_EPOCH," +
  "125=INVALID_VOTER_KEY,126=DUPLICATE_VOTER,127=VOTER_NOT_FOUND,128=INVALID_REGULAR_EXPRESSION,129=REBOOTSTRAP_REQUIRED," +
  "130=STREAMS_INVALID_TOPOLOGY,131=STREAMS_INVALID_TOPOLOGY_EPOCH,132=STREAMS_TOPOLOGY_FENCED," +
  "133=SHARE_SESSION_LIMIT_REACHED,65535=UNKNOWN_SERVER_ERROR";

/** The highest error code that may be there: some more than have a name. */
export const ERROR_CODE_MAX: i32 = 160;

/** Codes that a client may just try again, a bit each, up to 127. */
const RETRIABLE_LOW: u64 = 0x10002000019e3ec;
const RETRIABLE_HIGH: u64 = 0x4d043094dc0;

/** How bad an error code is: 0 none, 1 what may go well when tried again, 2 what will not, 3 what has no name. */
export function severity(code: i32): u32 {
  if (code == 0) return 0;
  if (code < 0) return 3;
  const bits = code < 64 ? RETRIABLE_LOW : code < 128 ? RETRIABLE_HIGH : 0;
  return (bits >> (<u64>code & 63)) & 1 ? 1 : 2;
}
