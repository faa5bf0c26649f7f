/**
 * The metrics of module `http`: round trips when their outcome is decided.
 *
 * The direction of a round trip is that of its request. Paths count as templates, hosts in lower case. Responses of 500 and
 * above and those from 400 to 499 stand in tops of their own: a server that fails and a client that asks for what is not
 * there are different news.
 */

import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareLabel } from "../../aggregate/label";
import { declareKeys, declareMetric, Kind } from "../../aggregate/metric";
import { Minute } from "../../aggregate/minute";
import { countAdd, distinctObserve, histogramObserve, rateObserve } from "../../aggregate/observe";
import { slowAboveNs, watchSlow } from "../../aggregate/previous";
import { declareTop, TopGroup, Tops } from "../../aggregate/tops";
import { lowerText } from "../../bytes/ascii";
import { Labels } from "../../modules/labels";
import { declareClientSet, observeClientSet } from "../../roundtrip/client-set";
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { declareOpenRequests, noteRequest } from "../../roundtrip/open-requests";
import { Timing } from "../../roundtrip/report";
import { isFailure } from "../../roundtrip/request-metrics";
import { pathTemplate, Template } from "../shared/template";
import * as F from "./fields";
import { METHOD_NAMES, Method } from "./method";

const STATUSES: u32 = 6;
const CLASSES: u32 = 6;
const CLASS_OTHER: u32 = 5;
const UNTIMED: u64 = u64.MAX_VALUE;

/** Reasons of `http_malformed_total`, in the order of its label. */
export class HttpFault {
  static readonly START_LINE: u32 = 0;
  static readonly HEADER: u32 = 1;
  static readonly CONTENT_LENGTH: u32 = 2;
  static readonly CHUNK: u32 = 3;
}

/** A host in lower case. */
const HOST_TEXT: usize = memory.data(256);

/** First series of each metric. */
class Series {
  static requests: u32 = 0;
  static responses: u32 = 0;
  static orphans: u32 = 0;
  static interim: u32 = 0;
  static malformed: u32 = 0;
  static refused: u32 = 0;
  static rate: u32 = 0;
  static duration: u32 = 0;
  /** Place of the durations' thresholds among those that are watched. */
  static slow: u32 = 0;
  static serverTime: u32 = 0;
  static requestBytes: u32 = 0;
  static responseBytes: u32 = 0;
  static clients: u32 = 0;
  static clientSet: u32 = 0;
  static servers: u32 = 0;
  static hosts: u32 = 0;
  static templates: u32 = 0;
  static routes: u32 = 0;
}

/** Tops, by what their keys are. */
class Tables {
  static paths: TopGroup = changetype<TopGroup>(0);
  static hosts: TopGroup = changetype<TopGroup>(0);
  static clients: TopGroup = changetype<TopGroup>(0);
  static userAgents: TopGroup = changetype<TopGroup>(0);
}

/** Columns of the paths' group, in the order of their declaration. */
class PathColumn {
  static readonly ALL: u32 = 0;
  static readonly SLOW: u32 = 1;
  static readonly SERVER_ERRORS: u32 = 2;
  static readonly CLIENT_ERRORS: u32 = 3;
}

function counter(id: u32, name: string, help: string, label: u32): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, Labels.DIRECTION, label, 0);
}

function histogram(id: u32, unit: string, name: string, help: string, scale: u32): u32 {
  return declareMetric(id, Kind.HISTOGRAM, unit, name, help, scale, Labels.DIRECTION, 0, 0);
}

function distinct(id: u32, name: string, help: string, precision: u32): u32 {
  return declareMetric(id, Kind.DISTINCT, "", name, help, precision, Labels.DIRECTION, 0, 0);
}

function top(group: TopGroup, id: u32, name: string, help: string, key: string, bits: u32): void {
  declareTop(group, id, "", name, help, key, key == "client", Labels.DIRECTION, 0, bits);
}

export class HttpMetrics {
  static declare(): void {
    declareLabel(Labels.HTTP_METHOD, "method", METHOD_NAMES);
    declareLabel(Labels.STATUS_CLASS, "status_class", "1xx,2xx,3xx,4xx,5xx,other");
    declareLabel(Labels.HTTP_MALFORMED, "reason", "start_line,header,content_length,chunk");
    declareCounters();
    declareDistributions();
    declareTops();
    Template.open();
  }

  /** Counts a message that breaks its form. */
  static malformed(fault: u32): void {
    countAdd(Series.malformed + fault, 1);
  }

  /** Counts a message for which the stream pool had no room. */
  static refused(): void {
    countAdd(Series.refused, 1);
  }

  /** Counts an interim response. */
  static interim(direction: u32): void {
    countAdd(Series.interim + direction, 1);
  }
}

function declareCounters(): void {
  Series.requests = declareMetric(
    300,
    Kind.COUNTER,
    "",
    "http_requests_total",
    "Requests whose outcome is decided, by method and outcome.",
    0,
    Labels.DIRECTION,
    Labels.HTTP_METHOD,
    Labels.STATUS,
  );
  Series.responses = counter(301, "http_responses_total", "Final responses, by class of their status code.", Labels.STATUS_CLASS);
  Series.orphans = counter(302, "http_orphan_responses_total", "Responses without a request.", 0);
  Series.interim = counter(303, "http_interim_responses_total", "Responses before the final one.", 0);
  Series.malformed = declareMetric(
    304,
    Kind.COUNTER,
    "",
    "http_malformed_total",
    "Parts of HTTP messages that break their form.",
    0,
    Labels.HTTP_MALFORMED,
    0,
    0,
  );
  Series.refused = declareMetric(
    305,
    Kind.COUNTER,
    "",
    "http_refused_total",
    "Messages that found no room to be read.",
    0,
    0,
    0,
    0,
  );
}

function declareDistributions(): void {
  declareOpenRequests(F.HTTP, 331, "http_open_requests");
  Series.rate = declareMetric(
    306,
    Kind.RATE,
    "",
    "http_requests_per_second",
    "Decided requests in each second.",
    0,
    Labels.DIRECTION,
    0,
    0,
  );
  Series.duration = histogram(
    307,
    "seconds",
    "http_duration_seconds",
    "Time from a request's first byte to its response's last.",
    1,
  );
  Series.slow = watchSlow(Series.duration, 3);
  Series.serverTime = histogram(
    308,
    "seconds",
    "http_server_seconds",
    "Wait for a response, without the way where that is known.",
    1,
  );
  Series.requestBytes = histogram(309, "bytes", "http_request_bytes", "Size of requests.", 0);
  Series.responseBytes = histogram(310, "bytes", "http_response_bytes", "Size of final responses.", 0);
  Series.clients = distinct(311, "http_clients", "Distinct clients.", 14);
  Series.clientSet = declareClientSet(315, "http_clients_theta");
  Series.servers = distinct(312, "http_servers", "Distinct servers.", 12);
  Series.hosts = distinct(313, "http_hosts", "Distinct hosts asked for.", 12);
  Series.templates = distinct(314, "http_path_templates", "Distinct path templates.", 12);
}

function declareTops(): void {
  Tables.paths = Tops.group(11);
  Tables.hosts = Tops.group(11);
  Tables.clients = Tops.group(11);
  Tables.userAgents = Tops.group(10);
  top(Tables.paths, 320, "http_top_paths", "Path templates by requests.", "path", 11);
  top(Tables.hosts, 321, "http_top_hosts", "Hosts by requests.", "host", 11);
  top(Tables.clients, 322, "http_top_clients", "Clients by requests.", "client", 11);
  top(Tables.userAgents, 323, "http_top_user_agents", "User agents by requests.", "user_agent", 10);
  const slow = "Path templates that took longer than nine tenths of the minute before.";
  top(Tables.paths, 324, "http_top_slow", slow, "path", 10);
  top(Tables.paths, 325, "http_top_server_errors", "Path templates answered 500 or above.", "path", 10);
  top(Tables.paths, 326, "http_top_client_errors", "Path templates answered 400 to 499.", "path", 10);
  Series.routes = declareMetric(
    330,
    Kind.BREAKDOWN,
    "",
    "http_routes",
    "Round trips by server, method, path template and class of status code.",
    8,
    Labels.DIRECTION,
    0,
    0,
  );
  declareKeys(330, "server,method,path,status_class", 1);
}

/** The contract's observe. */
export function observeHttp(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  noteRequest(F.HTTP);
  if (response != 0) {
    countAdd(Series.responses + direction * CLASSES + classOf(response), 1);
    histogramObserve(Series.responseBytes + direction, changetype<Message>(response).wireBytes, 1);
  }
  if (request == 0) {
    countAdd(Series.orphans + direction, 1);
    return;
  }
  const asked = changetype<Message>(request);
  const method = <u32>load<u8>(request, F.METHOD_NUMBER);
  countAdd(Series.requests + (direction * Method.COUNT + method) * STATUSES + status, 1);
  rateObserve(Series.rate + direction, 1);
  histogramObserve(Series.requestBytes + direction, asked.wireBytes, 1);
  if (Timing.durationNs != UNTIMED) histogramObserve(Series.duration + direction, Timing.durationNs, 1);
  if (Timing.serverNs != UNTIMED) histogramObserve(Series.serverTime + direction, Timing.serverNs, 1);
  observeEndpoints(conversation, client, direction);
  observeTexts(direction, asked);
  observePath(direction, asked, response, status);
  observeRoute(conversation, client, direction, asked, response, status);
}

/** The class of a response's status code, as the label `status_class` numbers it. */
function classOf(response: usize): u32 {
  const hundreds = load<u32>(response, F.STATUS_CODE) / 100;
  return hundreds - 1 < CLASS_OTHER ? hundreds - 1 : CLASS_OTHER;
}

/** Adds a text to the first column of a group, and leaves it in hand; gives its hash. */
function observeTop(group: TopGroup, direction: u32, start: usize, length: u32): u64 {
  const hash = Tops.text(group, direction, start, length);
  Tops.add(0, 1);
  return hash;
}

function observeEndpoints(conversation: Conversation, client: u32, direction: u32): void {
  const hash = conversation.element(client);
  Tops.key(Tables.clients, direction, hash, conversation.addressStart(client), conversation.addressLength);
  Tops.add(0, 1);
  if (!conversation.isNewTo(Minute.number, F.HTTP, client)) return;
  distinctObserve(Series.clients + direction, hash);
  distinctObserve(Series.servers + direction, conversation.element(client ^ 1));
  observeClientSet(Series.clientSet + direction, conversation, client);
}

function observeTexts(direction: u32, request: Message): void {
  if (request.knows(F.HttpField.HOST)) {
    const length = request.textLength(F.HOST);
    const start = request.textStart(F.HOST);
    lowerText(HOST_TEXT, start, length);
    distinctObserve(Series.hosts + direction, observeTop(Tables.hosts, direction, HOST_TEXT, length));
  }
  if (request.knows(F.HttpField.USER_AGENT)) {
    const start = request.textStart(F.USER_AGENT);
    const length = request.textLength(F.USER_AGENT);
    observeTop(Tables.userAgents, direction, start, length);
  }
}

function observePath(direction: u32, request: Message, response: usize, status: u32): void {
  Template.length = 0;
  if (!request.knows(F.HttpField.PATH)) return;
  pathTemplate(request.textStart(F.PATH), request.textLength(F.PATH));
  const hash = observeTop(Tables.paths, direction, Template.start, Template.length);
  distinctObserve(Series.templates + direction, hash);
  if (status > Status.ERROR || response == 0) return;
  if (Timing.durationNs != UNTIMED && Timing.durationNs > slowAboveNs(Series.slow + direction)) Tops.add(PathColumn.SLOW, 1);
  const code = load<u32>(response, F.STATUS_CODE);
  if (code >= 500) Tops.add(PathColumn.SERVER_ERRORS, 1);
  else if (code >= 400) Tops.add(PathColumn.CLIENT_ERRORS, 1);
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

function observeRoute(
  conversation: Conversation,
  client: u32,
  direction: u32,
  request: Message,
  response: usize,
  status: u32,
): void {
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  BreakdownKey.column(request.textStart(F.METHOD), request.textLength(F.METHOD));
  BreakdownKey.column(Template.start, Template.length, 6);
  putClass(response);
  const bytes = request.wireBytes + (response != 0 ? changetype<Message>(response).wireBytes : 0);
  BreakdownKey.observe(Series.routes + direction, isFailure(status), bytes, Timing.durationNs);
}
