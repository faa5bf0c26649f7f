/** The metrics of module `kafka`: round trips when their outcome is decided, each under every topic that its request names. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareMetric, Kind } from "../../aggregate/metric";
import { declareNumberTop, numberTopObserve } from "../../aggregate/number-tops";
import { countAdd } from "../../aggregate/observe";
import { putName } from "../../bytes/names";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import {
  countMalformed,
  countRefused,
  declareNameTops,
  declareRequestBreakdown,
  declareRequestMetrics,
  observeBreakdown,
  observeName,
  observeRequest,
  putStatus,
  RequestMetrics,
  RequestNames,
} from "../../roundtrip/request-metrics";
import * as F from "./fields";
import { API_NAMES, ERROR_NAMES } from "./numbers";

const FIRST: u32 = 460;
const METRICS: usize = memory.data(64, 8);
const API_TEXT: usize = memory.data(64);

/** First series of the metrics that only Kafka has. */
class Series {
  static errors: u32 = 0;
  static records: u32 = 0;
  static recordBytes: u32 = 0;
}

function metrics(): RequestMetrics {
  return changetype<RequestMetrics>(METRICS);
}

/** Declares them for protocol `number`. */
export function declareKafkaMetrics(number: u32): void {
  RequestNames.requests = "kafka_requests_total";
  RequestNames.orphans = "kafka_orphan_responses_total";
  RequestNames.malformed = "kafka_malformed_total";
  RequestNames.refused = "kafka_refused_total";
  RequestNames.duration = "kafka_duration_seconds";
  RequestNames.serverTime = "kafka_server_seconds";
  RequestNames.requestBytes = "kafka_request_bytes";
  RequestNames.responseBytes = "kafka_response_bytes";
  RequestNames.open = "kafka_open_requests";
  RequestNames.clients = "kafka_clients";
  RequestNames.servers = "kafka_servers";
  RequestNames.clientSet = "kafka_clients_theta";
  declareRequestMetrics(metrics(), number, FIRST);
  declareNameTops(
    metrics(),
    FIRST,
    "topic",
    "kafka_top_topics",
    "Topics by requests that name them.",
    "kafka_top_slow",
    "Topics of requests that took longer than nine tenths of the minute before.",
    "kafka_top_failing",
    "Topics of requests that failed.",
  );
  const help = "Round trips by server, request, first topic and outcome.";
  declareRequestBreakdown(metrics(), FIRST, "kafka_calls", help, "server,api,topic,status", 1);
  const errors = "Error codes by responses whose worst one they are.";
  Series.errors = declareNumberTop(FIRST + 16, "kafka_top_errors", errors, "error", errorKey.index, Labels.DIRECTION, 8);
  const records = "Records in requests to produce and responses to fetch, where they can be counted.";
  Series.records = counter(FIRST + 17, "", "kafka_records_total", records);
  Series.recordBytes = counter(FIRST + 18, "bytes", "kafka_record_bytes_total", "Bytes of records, as they are compressed.");
}

function counter(id: u32, unit: string, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, unit, name, help, 0, Labels.DIRECTION, Labels.MESSAGE, 0);
}

function errorKey(code: u32, to: usize): u32 {
  return <u32>(putName(to, ERROR_NAMES, code, "") - to);
}

/** Counts a message that breaks its form. */
export function malformed(): void {
  countMalformed(metrics());
}

/** Counts a message that found no room. */
export function refused(): void {
  countRefused(metrics());
}

/** The contract's observe. */
export function observeKafka(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  const isPair = observeRequest(metrics(), conversation, client, request, response, status);
  if (response != 0) observeResponse(direction, changetype<Message>(response));
  if (!isPair) return;
  const asked = changetype<Message>(request);
  observeRecords(direction, 0, asked);
  let topic: usize = 0;
  if (asked.knows(F.KafkaField.ROWS)) {
    topic = asked.textStart(F.ROWS);
    observeTopics(direction, topic, asked.textLength(F.ROWS), status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength, 3);
  const key = <u32>load<u16>(request, F.API_KEY);
  BreakdownKey.column(API_TEXT, <u32>(putName(API_TEXT, API_NAMES, key, "") - API_TEXT), 2);
  BreakdownKey.column(topic + 2, topic == 0 ? 0 : <u32>load<u16>(topic), STATUS_BYTES_MAX + 1);
  putStatus(status);
  observeBreakdown(metrics(), direction, request, response, status);
}

/** "unobserved". */
const STATUS_BYTES_MAX: u32 = 10;

function observeTopics(direction: u32, rows: usize, bytes: u32, status: u32): void {
  let at = rows;
  while (at < rows + bytes) {
    const length = <u32>load<u16>(at);
    observeName(metrics(), direction, at + 2, length, status);
    at += length + 6;
  }
}

function observeResponse(direction: u32, response: Message): void {
  const code = load<i32>(changetype<usize>(response), F.ERROR_CODE);
  if (response.knows(F.KafkaField.ERROR_CODE) && code != 0) numberTopObserve(Series.errors + direction, <u32>code & 0xffff);
  observeRecords(direction, 1, response);
}

function observeRecords(direction: u32, side: u32, message: Message): void {
  const at = changetype<usize>(message);
  const series = direction * 2 + side;
  if (message.knows(F.KafkaField.RECORDS)) countAdd(Series.records + series, load<u32>(at, F.RECORDS));
  if (message.knows(F.KafkaField.RECORD_BYTES)) countAdd(Series.recordBytes + series, load<u32>(at, F.RECORD_BYTES));
}
