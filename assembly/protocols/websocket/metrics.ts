/** The metrics of module `websocket`: frames as they pass, connections when they have ended, by path template as HTTP has them. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
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
  REQUEST_METRICS_BYTES,
  RequestMetrics,
  RequestNames,
} from "../../roundtrip/request-metrics";
import { pathTemplate, Template } from "../shared/template";
import * as F from "./fields";
import { OPCODE_NAMES, OPCODES } from "./frame";
import { clientOf } from "./state";

const FIRST: u32 = 580;
const SENDERS: u32 = 2;

const METRICS: RequestMetrics = changetype<RequestMetrics>(memory.data(64, 4));

/** Values of the label `close`: the codes from 1000 on, those of libraries and applications, and what has no other. */
const CLOSES: string =
  "normal,going_away,protocol_error,unsupported_data,reserved,no_code,abnormal,invalid_payload,policy_violation,too_big,mandatory_extension,internal_error,service_restart,try_again_later,bad_gateway,registered,private,other";
const CLOSES_COUNT: u32 = 18;
const CLOSE_REGISTERED: u32 = 15;
const CLOSE_PRIVATE: u32 = 16;
const CLOSE_OTHER: u32 = 17;

/** First series of the protocol's own metrics. */
class Series {
  static frames: u32 = 0;
  static bytes: u32 = 0;
  static closes: u32 = 0;
}

export class WebSocketMetrics {
  static declare(): void {
    assert(REQUEST_METRICS_BYTES == 64);
    declareLabel(Labels.SENDER, "sender", "client,server");
    declareLabel(Labels.OPCODE, "opcode", OPCODE_NAMES);
    declareLabel(Labels.CLOSE, "close", CLOSES);
    RequestNames.requests = "websocket_requests_total";
    RequestNames.orphans = "";
    RequestNames.malformed = "websocket_malformed_total";
    RequestNames.refused = "websocket_refused_total";
    RequestNames.duration = "websocket_duration_seconds";
    RequestNames.serverTime = "";
    RequestNames.requestBytes = "websocket_request_bytes";
    RequestNames.responseBytes = "websocket_response_bytes";
    RequestNames.open = "websocket_open_requests";
    RequestNames.clients = "websocket_clients";
    RequestNames.servers = "websocket_servers";
    RequestNames.clientSet = "websocket_clients_theta";
    declareRequestMetrics(METRICS, F.WEBSOCKET, FIRST);
    declareNameTops(
      METRICS,
      FIRST,
      "path",
      "websocket_top_paths",
      "Path templates by connections.",
      "websocket_top_slow",
      "Path templates of connections that lasted longer than nine tenths of those of the minute before.",
      "websocket_top_failing",
      "Path templates of connections that failed.",
    );
    const help = "Connections by server, path template and outcome.";
    declareRequestBreakdown(METRICS, FIRST, "websocket_connections", help, "server,path,status", 1);
    Series.frames = counter(FIRST + 16, "websocket_frames_total", "Frames as they pass, by opcode and sender.");
    Series.bytes = counter(FIRST + 17, "websocket_payload_bytes_total", "Bytes of frames' payload, by opcode and sender.");
    Series.closes = declareMetric(
      FIRST + 18,
      Kind.COUNTER,
      "",
      "websocket_closes_total",
      "Close frames, by their code and sender.",
      0,
      Labels.DIRECTION,
      Labels.SENDER,
      Labels.CLOSE,
    );
    Template.open();
  }

  /** Counts frames that break their form. */
  static malformed(): void {
    countMalformed(METRICS);
  }

  /** Counts a connection that found no room. */
  static refused(): void {
    countRefused(METRICS);
  }

  /** Counts a frame. */
  static frame(conversation: Conversation, isFromClient: bool, opcode: u32): void {
    countAdd(Series.frames + place(conversation, isFromClient, OPCODES, opcode), 1);
  }

  /** Counts `bytes` of a frame's payload. */
  static payload(conversation: Conversation, isFromClient: bool, opcode: u32, bytes: u64): void {
    countAdd(Series.bytes + place(conversation, isFromClient, OPCODES, opcode), bytes);
  }

  /** Counts a close frame. */
  static close(conversation: Conversation, isFromClient: bool, code: u32): void {
    countAdd(Series.closes + place(conversation, isFromClient, CLOSES_COUNT, closeOf(code)), 1);
  }
}

function counter(id: u32, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, Labels.DIRECTION, Labels.SENDER, Labels.OPCODE);
}

/** Place of a series of labels direction, sender and `value`, of which there are `count`; the direction is the client's. */
function place(conversation: Conversation, isFromClient: bool, count: u32, value: u32): u32 {
  const direction = conversation.directionOf(clientOf(conversation));
  return (direction * SENDERS + (isFromClient ? 0 : 1)) * count + value;
}

/** A close code as the label `close` numbers it. */
function closeOf(code: u32): u32 {
  if (code - 1000 < CLOSE_REGISTERED) return code - 1000;
  if (code - 3000 < 1000) return CLOSE_REGISTERED;
  return code - 4000 < 1000 ? CLOSE_PRIVATE : CLOSE_OTHER;
}

/** The contract's observe. */
export function observeWebSocket(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  if (!observeRequest(METRICS, conversation, client, request, response, status)) return;
  const direction = conversation.directionOf(client);
  const asked = changetype<Message>(request);
  Template.length = 0;
  if (asked.knows(F.WebSocketField.PATH)) {
    pathTemplate(asked.textStart(F.PATH), asked.textLength(F.PATH));
    observeName(METRICS, direction, Template.start, Template.length, status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  BreakdownKey.column(Template.start, Template.length, 6);
  putStatus(status);
  observeBreakdown(METRICS, direction, request, response, status);
}
