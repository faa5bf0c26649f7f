/** The metrics of module `http2`: round trips when their outcome is decided, by path template as HTTP has them. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
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
  REQUEST_METRICS_BYTES,
  RequestMetrics,
  RequestNames,
} from "../../roundtrip/request-metrics";
import { pathTemplate, Template } from "../shared/template";
import * as F from "./fields";

const FIRST: u32 = 520;
const CLASSES: u32 = 6;
const CLASS_OTHER: u32 = 5;

const METRICS: RequestMetrics = changetype<RequestMetrics>(memory.data(64, 4));

/** First series of the protocol's own metrics. */
class Series {
  static responses: u32 = 0;
}

export class Http2Metrics {
  static declare(): void {
    assert(REQUEST_METRICS_BYTES == 64);
    RequestNames.requests = "http2_requests_total";
    RequestNames.orphans = "http2_orphan_responses_total";
    RequestNames.malformed = "http2_malformed_total";
    RequestNames.refused = "http2_refused_total";
    RequestNames.duration = "http2_duration_seconds";
    RequestNames.serverTime = "http2_server_seconds";
    RequestNames.requestBytes = "http2_request_bytes";
    RequestNames.responseBytes = "http2_response_bytes";
    RequestNames.open = "http2_open_requests";
    RequestNames.clients = "http2_clients";
    RequestNames.servers = "http2_servers";
    RequestNames.clientSet = "http2_clients_theta";
    declareRequestMetrics(METRICS, F.HTTP2, FIRST);
    const slow = "Path templates that took longer than nine tenths of the minute before.";
    declareNameTops(
      METRICS,
      FIRST,
      "path",
      "http2_top_paths",
      "Path templates by requests.",
      "http2_top_slow",
      slow,
      "http2_top_failing",
      "Path templates whose requests failed.",
    );
    const routes = "Round trips by server, method, path template and class of status code.";
    declareRequestBreakdown(METRICS, FIRST, "http2_routes", routes, "server,method,path,status_class", 1);
    const help = "Final responses, by class of their status code.";
    Series.responses = declareMetric(
      FIRST + 16,
      Kind.COUNTER,
      "",
      "http2_responses_total",
      help,
      0,
      Labels.DIRECTION,
      Labels.STATUS_CLASS,
      0,
    );
    Template.open();
  }

  /** Counts frames and header blocks that break their form. */
  static malformed(): void {
    countMalformed(METRICS);
  }

  /** Counts a message that found no room. */
  static refused(): void {
    countRefused(METRICS);
  }
}

/** The class of a response's status code, as the label `status_class` numbers it. */
function classOf(response: usize): u32 {
  if (!changetype<Message>(response).knows(F.Http2Field.STATUS_CODE)) return CLASS_OTHER;
  const hundreds = load<u32>(response, F.STATUS_CODE) / 100;
  return hundreds - 1 < CLASS_OTHER ? hundreds - 1 : CLASS_OTHER;
}

/** The contract's observe. */
export function observeHttp2(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  if (response != 0) countAdd(Series.responses + direction * CLASSES + classOf(response), 1);
  if (!observeRequest(METRICS, conversation, client, request, response, status)) return;
  const asked = changetype<Message>(request);
  Template.length = 0;
  if (asked.knows(F.Http2Field.PATH)) {
    pathTemplate(asked.textStart(F.PATH), asked.textLength(F.PATH));
    observeName(METRICS, direction, Template.start, Template.length, status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  BreakdownKey.column(asked.textStart(F.METHOD), asked.textLength(F.METHOD));
  BreakdownKey.column(Template.start, Template.length, 6);
  putClass(response);
  observeBreakdown(METRICS, direction, request, response, status);
}

/** "2xx" and the like; what is no class of RFC 9110 is "other", no response "none". */
function putClass(response: usize): void {
  if (response == 0) {
    BreakdownKey.letters(0x656e6f6e, 4);
    return;
  }
  const index = classOf(response);
  if (index < CLASS_OTHER) BreakdownKey.letters(0x787831 + index, 3);
  else BreakdownKey.letters(0x726568746f, 5);
}
