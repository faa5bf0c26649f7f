/** The metrics of module `grpc`: calls when their outcome is decided, by service and method. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
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
  RequestMetrics,
  RequestNames,
} from "../../roundtrip/request-metrics";
import * as H from "../http2/fields";
import * as F from "./fields";

const FIRST: u32 = 540;
const STATUSES: u32 = 18;
const STATUS_OTHER: u32 = 17;

const METRICS: RequestMetrics = changetype<RequestMetrics>(memory.data(64, 4));
/** The name of a status. */
const STATUS_TEXT: usize = memory.data(64);

/** First series of the protocol's own metrics. */
class Series {
  static statuses: u32 = 0;
  static messages: u32 = 0;
}

/** Declares them. */
export function declareGrpcMetrics(): void {
  declareLabel(
    Labels.GRPC_STATUS,
    "grpc_status",
    "ok,cancelled,unknown,invalid_argument,deadline_exceeded,not_found,already_exists,permission_denied,resource_exhausted,failed_precondition,aborted,out_of_range,unimplemented,internal,unavailable,data_loss,unauthenticated,other",
  );
  RequestNames.requests = "grpc_requests_total";
  RequestNames.orphans = "grpc_orphan_responses_total";
  RequestNames.malformed = "grpc_malformed_total";
  RequestNames.refused = "grpc_refused_total";
  RequestNames.duration = "grpc_duration_seconds";
  RequestNames.serverTime = "grpc_server_seconds";
  RequestNames.requestBytes = "grpc_request_bytes";
  RequestNames.responseBytes = "grpc_response_bytes";
  RequestNames.open = "grpc_open_requests";
  RequestNames.clients = "grpc_clients";
  RequestNames.servers = "grpc_servers";
  RequestNames.clientSet = "grpc_clients_theta";
  declareRequestMetrics(METRICS, F.GRPC, FIRST);
  declareNameTops(
    METRICS,
    FIRST,
    "method",
    "grpc_top_methods",
    "Services and methods by calls.",
    "grpc_top_slow",
    "Services and methods of calls that took longer than nine tenths of the minute before.",
    "grpc_top_failing",
    "Services and methods of calls that failed.",
  );
  declareRequestBreakdown(METRICS, FIRST, "grpc_calls", "Calls by server, method and status.", "server,method,grpc_status", 1);
  const statuses = "Responses whose status is known, by status.";
  Series.statuses = declareMetric(
    FIRST + 16,
    Kind.COUNTER,
    "",
    "grpc_responses_total",
    statuses,
    0,
    Labels.DIRECTION,
    Labels.GRPC_STATUS,
    0,
  );
  const messages = "Messages in requests and responses of calls.";
  Series.messages = declareMetric(
    FIRST + 17,
    Kind.COUNTER,
    "",
    "grpc_messages_total",
    messages,
    0,
    Labels.DIRECTION,
    Labels.MESSAGE,
    0,
  );
}

export class GrpcMetrics {
  /** Counts a body whose messages break their form. */
  static malformed(): void {
    countMalformed(METRICS);
  }
}

/** The guest's refused: counts a response that found no room. */
export function refuseCall(): void {
  countRefused(METRICS);
}

/** The contract's observe. */
export function observeGrpc(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  const code = codeOf(response);
  if (code != u32.MAX_VALUE) countAdd(Series.statuses + direction * STATUSES + (code < STATUS_OTHER ? code : STATUS_OTHER), 1);
  if (response != 0) countAdd(Series.messages + direction * 2 + 1, load<u32>(response, F.MESSAGES));
  if (!observeRequest(METRICS, conversation, client, request, response, status)) return;
  countAdd(Series.messages + direction * 2, load<u32>(request, F.MESSAGES));
  const asked = changetype<Message>(request);
  const isNamed = asked.knows(F.GrpcField.SERVICE);
  const start = asked.textStart(F.SERVICE);
  const length: u32 = isNamed ? asked.textLength(F.SERVICE) + 1 + asked.textLength(F.METHOD) : 0;
  if (isNamed) observeName(METRICS, direction, start, length, status);
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  BreakdownKey.column(start, length, 24);
  const end = code == u32.MAX_VALUE ? STATUS_TEXT : putName(STATUS_TEXT, F.STATUS_NAMES, code, "");
  BreakdownKey.column(STATUS_TEXT, <u32>(end - STATUS_TEXT));
  observeBreakdown(METRICS, direction, request, response, status);
}

/** The status of a response, all ones where it is not known. */
function codeOf(response: usize): u32 {
  if (response == 0 || !changetype<Message>(response).knows(F.GrpcField.STATUS)) return u32.MAX_VALUE;
  return load<u32>(response, H.GUEST_STATUS);
}
