/**
 * What every protocol of requests counts, each under names of its own: declared by `declareRequestMetrics` and its companions,
 * observed once a round trip.
 *
 * A metric whose name is empty means nothing to the protocol, and is not declared. Metric numbers are the protocol's first one and
 *
 * ```
 *  0 requests  1 orphan responses  2 malformed  3 refused  4 duration  5 server time  6 request bytes  7 response bytes
 *  8 open requests  9 clients  10 servers  11 set of clients  12 top names  13 top slow  14 top failing  15 breakdown  16-19 the protocol's own
 * ```
 * The direction is that of the request.
 */
import { BreakdownKey } from "../aggregate/breakdown-key";
import { declareKeys, declareMetric, Kind } from "../aggregate/metric";
import { Minute } from "../aggregate/minute";
import { countAdd, distinctObserve, histogramObserve } from "../aggregate/observe";
import { slowAboveNs, watchSlow } from "../aggregate/previous";
import { declareTop, TopGroup, Tops } from "../aggregate/tops";
import { putWord } from "../bytes/names";
import { Labels } from "../modules/labels";
import { declareClientSet, observeClientSet } from "./client-set";
import { Conversation } from "./conversation";
import { STATUS_NAMES, Status } from "./marks";
import { Message } from "./message";
import { declareOpenRequests, noteRequest } from "./open-requests";
import { Timing } from "./report";

const STATUSES: u32 = 6;
const DIRECTIONS: u32 = 3;
const UNTIMED: u64 = u64.MAX_VALUE;
const SECONDS: u32 = 1;
const BYTES: u32 = 0;

/** Columns of the tops of names. */
const ALL: u32 = 0;
const SLOW: u32 = 1;
const FAILING: u32 = 2;

/** First series of each metric of one protocol; `REQUEST_METRICS_BYTES` of static memory. */
@unmanaged
export class RequestMetrics {
  protocol: u32;
  requests: u32;
  orphans: u32;
  malformed: u32;
  refused: u32;
  duration: u32;
  /** Place of the durations' thresholds among those that are watched. */
  slow: u32;
  serverTime: u32;
  requestBytes: u32;
  responseBytes: u32;
  clients: u32;
  servers: u32;
  clientSet: u32;
  names: TopGroup;
  breakdown: u32;
}

/** Bytes of a RequestMetrics. */
export const REQUEST_METRICS_BYTES: i32 = 64;

/** The names of a protocol's metrics, filled in before they are declared. */
export class RequestNames {
  static requests: string = "";
  static orphans: string = "";
  static malformed: string = "";
  static refused: string = "";
  static duration: string = "";
  static serverTime: string = "";
  static requestBytes: string = "";
  static responseBytes: string = "";
  static open: string = "";
  static clients: string = "";
  static servers: string = "";
  static clientSet: string = "";
}

/** Declares the metrics that `RequestNames` names for `protocol`, whose numbers begin at `firstId`. */
export function declareRequestMetrics(metrics: RequestMetrics, protocol: u32, firstId: u32): void {
  assert(<i32>offsetof<RequestMetrics>() <= REQUEST_METRICS_BYTES);
  metrics.protocol = protocol;
  metrics.requests = counter(firstId, RequestNames.requests, "Requests whose outcome is decided, by outcome.", Labels.STATUS);
  const orphans = "Responses without a request.";
  if (RequestNames.orphans.length != 0) metrics.orphans = counter(firstId + 1, RequestNames.orphans, orphans, 0);
  metrics.malformed = single(firstId + 2, RequestNames.malformed, "Messages that break their form.");
  metrics.refused = single(firstId + 3, RequestNames.refused, "Messages that found no room to be read or to wait.");
  const duration = "Time from a request's first byte to its response's last.";
  const server = "Wait for a response, without the way where that is known.";
  metrics.duration = histogram(firstId + 4, "seconds", RequestNames.duration, duration, SECONDS);
  metrics.slow = watchSlow(metrics.duration, DIRECTIONS);
  if (RequestNames.serverTime.length != 0)
    metrics.serverTime = histogram(firstId + 5, "seconds", RequestNames.serverTime, server, SECONDS);
  metrics.requestBytes = histogram(
    firstId + 6,
    "bytes",
    RequestNames.requestBytes,
    "Size of requests, without headers of IP and TCP.",
    BYTES,
  );
  metrics.responseBytes = histogram(
    firstId + 7,
    "bytes",
    RequestNames.responseBytes,
    "Size of responses, without headers of IP and TCP.",
    BYTES,
  );
  declareOpenRequests(protocol, firstId + 8, RequestNames.open);
  metrics.clients = distinct(firstId + 9, RequestNames.clients, "Distinct clients.", 14);
  metrics.servers = distinct(firstId + 10, RequestNames.servers, "Distinct servers.", 12);
  metrics.clientSet = declareClientSet(firstId + 11, RequestNames.clientSet);
}

function counter(id: u32, name: string, help: string, label: u32): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, Labels.DIRECTION, label, 0);
}

function single(id: u32, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, 0, 0, 0);
}

function histogram(id: u32, unit: string, name: string, help: string, unitScale: u32): u32 {
  return declareMetric(id, Kind.HISTOGRAM, unit, name, help, unitScale, Labels.DIRECTION, 0, 0);
}

function distinct(id: u32, name: string, help: string, precision: u32): u32 {
  return declareMetric(id, Kind.DISTINCT, "", name, help, precision, Labels.DIRECTION, 0, 0);
}

/** Declares the tops of what names the work, `key`: all, slow and failing ones, each with its name and help. */
export function declareNameTops(
  metrics: RequestMetrics,
  firstId: u32,
  key: string,
  all: string,
  allHelp: string,
  slow: string,
  slowHelp: string,
  failing: string,
  failingHelp: string,
): void {
  const group = Tops.group(11);
  metrics.names = group;
  declareTop(group, firstId + 12, "", all, allHelp, key, false, Labels.DIRECTION, 0, 11);
  declareTop(group, firstId + 13, "", slow, slowHelp, key, false, Labels.DIRECTION, 0, 10);
  declareTop(group, firstId + 14, "", failing, failingHelp, key, false, Labels.DIRECTION, 0, 10);
}

/** Declares the breakdown by `columns`, of which bit i of `addressColumns` says that column i is an address in raw bytes. */
export function declareRequestBreakdown(
  metrics: RequestMetrics,
  firstId: u32,
  name: string,
  help: string,
  columns: string,
  addressColumns: u32,
): void {
  metrics.breakdown = declareMetric(firstId + 15, Kind.BREAKDOWN, "", name, help, 8, Labels.DIRECTION, 0, 0);
  declareKeys(firstId + 15, columns, addressColumns);
}

/** Counts a message that breaks its form. */
export function countMalformed(metrics: RequestMetrics): void {
  countAdd(metrics.malformed, 1);
}

/** Counts a message that found no room. */
export function countRefused(metrics: RequestMetrics): void {
  countAdd(metrics.refused, 1);
}

/** Counts a round trip, but for what names it; false where it is a response alone, of which nothing more is to be said. */
export function observeRequest(
  metrics: RequestMetrics,
  conversation: Conversation,
  client: u32,
  request: usize,
  response: usize,
  status: u32,
): bool {
  const direction = conversation.directionOf(client);
  noteRequest(metrics.protocol);
  if (request == 0) {
    countAdd(metrics.orphans + direction, 1);
    return false;
  }
  countAdd(metrics.requests + direction * STATUSES + status, 1);
  histogramObserve(metrics.requestBytes + direction, changetype<Message>(request).wireBytes, 1);
  if (response != 0) histogramObserve(metrics.responseBytes + direction, changetype<Message>(response).wireBytes, 1);
  if (Timing.durationNs != UNTIMED) histogramObserve(metrics.duration + direction, Timing.durationNs, 1);
  if (Timing.serverNs != UNTIMED) histogramObserve(metrics.serverTime + direction, Timing.serverNs, 1);
  if (conversation.isNewTo(Minute.number, metrics.protocol, client)) {
    distinctObserve(metrics.clients + direction, conversation.element(client));
    distinctObserve(metrics.servers + direction, conversation.element(client ^ 1));
    observeClientSet(metrics.clientSet + direction, conversation, client);
  }
  return true;
}

/** Whether an outcome is a failure: what was not observed is none. */
export function isFailure(status: u32): bool {
  return status != Status.OK && status != Status.UNOBSERVED;
}

/** Counts the round trip under its name of `length` bytes at `start`. */
export function observeName(metrics: RequestMetrics, direction: u32, start: usize, length: u32, status: u32): void {
  Tops.text(metrics.names, direction, start, length);
  Tops.add(ALL, 1);
  const timed = Timing.durationNs != UNTIMED;
  if (timed && Timing.durationNs > slowAboveNs(metrics.slow + direction)) Tops.add(SLOW, 1);
  if (isFailure(status)) Tops.add(FAILING, 1);
}

/** Adds the round trip to the label set that `BreakdownKey` holds. */
export function observeBreakdown(metrics: RequestMetrics, direction: u32, request: usize, response: usize, status: u32): void {
  const bytes = changetype<Message>(request).wireBytes + (response != 0 ? changetype<Message>(response).wireBytes : 0);
  BreakdownKey.observe(metrics.breakdown + direction, isFailure(status), bytes, Timing.durationNs);
}

const STATUS_TEXT: usize = memory.data(16);

/** Adds an outcome, by its name, as a column of the `BreakdownKey`. */
export function putStatus(status: u32): void {
  BreakdownKey.column(STATUS_TEXT, <u32>(putWord(STATUS_TEXT, STATUS_NAMES, status) - STATUS_TEXT));
}
