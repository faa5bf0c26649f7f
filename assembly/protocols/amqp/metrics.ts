/** The metrics of AMQP. Messages are named by exchange and routing key when published, by queue when consumed. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd, histogramObserve } from "../../aggregate/observe";
import { putName } from "../../bytes/names";
import { copyBytes } from "../../bytes/run";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import { Timing } from "../../roundtrip/report";
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
import { CALL_NAMES, Call } from "./methods";

const FIRST: u32 = 500;
const METRICS: usize = memory.data(64, 8);
const CALL_TEXT: usize = memory.data(64);
const NAME: usize = memory.data(528);
const UNTIMED: u64 = u64.MAX_VALUE;
/** "unobserved". */
const STATUS_BYTES_MAX: u32 = 10;

/** First series of the metrics that only AMQP has. */
class Series {
  static answerTime: u32 = 0;
  static messages: u32 = 0;
  static messageBytes: u32 = 0;
}

/** What names the round trip. */
class Name {
  static start: usize = 0;
  static length: u32 = 0;
}

function metrics(): RequestMetrics {
  return changetype<RequestMetrics>(METRICS);
}

/** Declares them for protocol `number`. */
export function declareAmqpMetrics(number: u32): void {
  RequestNames.requests = "amqp_requests_total";
  RequestNames.orphans = "amqp_orphan_responses_total";
  RequestNames.malformed = "amqp_malformed_total";
  RequestNames.refused = "amqp_refused_total";
  RequestNames.duration = "amqp_duration_seconds";
  RequestNames.serverTime = "amqp_server_seconds";
  RequestNames.requestBytes = "amqp_request_bytes";
  RequestNames.responseBytes = "amqp_response_bytes";
  RequestNames.open = "amqp_open_requests";
  RequestNames.clients = "amqp_clients";
  RequestNames.servers = "amqp_servers";
  RequestNames.clientSet = "amqp_clients_theta";
  declareRequestMetrics(metrics(), number, FIRST);
  declareNameTops(
    metrics(),
    FIRST,
    "destination",
    "amqp_top_destinations",
    "Exchanges with routing keys by publishes, and queues by deliveries and other requests that name them.",
    "amqp_top_slow",
    "Destinations of requests that took longer than nine tenths of the minute before.",
    "amqp_top_failing",
    "Destinations of requests that failed.",
  );
  const help = "Round trips by server, method, exchange or queue and outcome.";
  declareRequestBreakdown(metrics(), FIRST, "amqp_calls", help, "server,call,destination,status", 1);
  const wait = "Time that clients took to ack deliveries and to answer the server.";
  Series.answerTime = declareMetric(
    FIRST + 16,
    Kind.HISTOGRAM,
    "seconds",
    "amqp_client_seconds",
    wait,
    1,
    Labels.DIRECTION,
    0,
    0,
  );
  const messages = "Messages published (request) and delivered, got or returned (response).";
  Series.messages = counter(FIRST + 17, "", "amqp_messages_total", messages);
  Series.messageBytes = counter(FIRST + 18, "bytes", "amqp_message_bytes_total", "Bytes of their bodies.");
}

function counter(id: u32, unit: string, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, unit, name, help, 0, Labels.DIRECTION, Labels.MESSAGE, 0);
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
export function observeAmqp(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  if (response != 0) observeMessage(direction, response);
  if (request != 0) observeMessage(direction, request);
  const durationNs = Timing.durationNs;
  const serverNs = Timing.serverNs;
  const isServers = request != 0 && load<u16>(request, F.SENDER) != 0;
  if (isServers) {
    // How long clients take says nothing of the server.
    if (durationNs != UNTIMED) histogramObserve(Series.answerTime + direction, durationNs, 1);
    Timing.durationNs = UNTIMED;
    Timing.serverNs = UNTIMED;
  }
  if (observeRequest(metrics(), conversation, client, request, response, status)) {
    nameOf(changetype<Message>(request));
    if (Name.length != 0) observeName(metrics(), direction, Name.start, Name.length, status);
    BreakdownKey.open();
    BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength, 3);
    const call = <u32>load<u16>(request, F.METHOD);
    BreakdownKey.column(CALL_TEXT, <u32>(putName(CALL_TEXT, CALL_NAMES, call, "") - CALL_TEXT), 2);
    placeOf(changetype<Message>(request));
    BreakdownKey.column(Name.start, Name.length, STATUS_BYTES_MAX + 1);
    putStatus(status);
    observeBreakdown(metrics(), direction, request, response, status);
  }
  Timing.durationNs = durationNs;
  Timing.serverNs = serverNs;
}

/** Counts a message with its body. */
function observeMessage(direction: u32, message: usize): void {
  if (!changetype<Message>(message).knows(F.AmqpField.BODY_BYTES)) return;
  const isPublish = <u32>load<u16>(message, F.METHOD) == Call.PUBLISH;
  const series = direction * 2 + (isPublish ? 0 : 1);
  countAdd(Series.messages + series, 1);
  countAdd(Series.messageBytes + series, load<u64>(message, F.BODY_BYTES));
}

/** The queue of a request, or else its exchange. */
function placeOf(request: Message): void {
  const offset = request.knows(F.AmqpField.QUEUE) ? F.QUEUE : F.EXCHANGE;
  Name.start = request.textStart(offset);
  Name.length = request.textLength(offset);
}

/** The queue of a request, or else its exchange and routing key with a slash between them. */
function nameOf(request: Message): void {
  placeOf(request);
  if (request.knows(F.AmqpField.QUEUE) || !request.knows(F.AmqpField.EXCHANGE)) return;
  const length = Name.length;
  copyBytes(NAME, Name.start, length);
  Name.start = NAME;
  if (!request.knows(F.AmqpField.ROUTING_KEY)) return;
  store<u8>(NAME + length, 47);
  const key = request.textLength(F.ROUTING_KEY);
  copyBytes(NAME + length + 1, request.textStart(F.ROUTING_KEY), key);
  Name.length = length + 1 + key;
}
