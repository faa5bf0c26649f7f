/**
 * The metrics of module `dns`: messages as they pass, transactions when their outcome is decided.
 *
 * The direction of a transaction is that of its query. Names count in lower case. Tops count completed transactions.
 */

import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
import { Minute } from "../../aggregate/minute";
import { declareNumberTop, numberTopObserve } from "../../aggregate/number-tops";
import { countAdd, distinctObserve, histogramObserve, rateObserve } from "../../aggregate/observe";
import { slowAboveNs, watchSlow } from "../../aggregate/previous";
import { declareTop, TopGroup, Tops } from "../../aggregate/tops";
import { elementHash } from "../../bytes/hash";
import { Labels, TransportLabel } from "../../modules/labels";
import { declareClientSet, observeClientSet } from "../../roundtrip/client-set";
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { declareOpenRequests, noteRequest } from "../../roundtrip/open-requests";
import { Timing } from "../../roundtrip/report";
import * as F from "./fields";
import { portKey, rcodeKey, typeKey } from "./keys";
import { RCODE_LABELS } from "./numbers";

const RCODE_OTHER: u32 = 24;
const RCODES: u32 = 25;
const FLAGS: u32 = 8;
const STATUSES: u32 = 6;
const UNTIMED: u64 = u64.MAX_VALUE;

/** First series of each metric. */
class Series {
  static messages: u32 = 0;
  static messageBytes: u32 = 0;
  static malformed: u32 = 0;
  static refused: u32 = 0;
  static requests: u32 = 0;
  static transactions: u32 = 0;
  static responses: u32 = 0;
  static nodata: u32 = 0;
  static flags: u32 = 0;
  static orphans: u32 = 0;
  static rate: u32 = 0;
  static duration: u32 = 0;
  /** Place of its thresholds among those that are watched. */
  static slow: u32 = 0;
  static serverTime: u32 = 0;
  static ratio: u32 = 0;
  static requestBytes: u32 = 0;
  static responseBytes: u32 = 0;
  static names: u32 = 0;
  static clients: u32 = 0;
  static clientSet: u32 = 0;
  static servers: u32 = 0;
  static topPorts: u32 = 0;
  static topTypes: u32 = 0;
  static topRcodes: u32 = 0;
}

/** Tops, by what their keys are, and the column of each in its group. */
class Tables {
  static names: TopGroup = changetype<TopGroup>(0);
  static subnets: TopGroup = changetype<TopGroup>(0);
}

class NameColumn {
  static all: u32 = 0;
  static two: u32 = 0;
  static three: u32 = 0;
  /** Of NOERROR; NXDOMAIN, REFUSED and SERVFAIL follow. */
  static rcode: u32 = 0;
  static nodata: u32 = 0;
  static bytes: u32 = 0;
  static slow: u32 = 0;
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

function top(group: TopGroup, id: u32, name: string, help: string, key: string, bits: u32, unit: string = ""): u32 {
  return declareTop(group, id, unit, name, help, key, false, Labels.DIRECTION, 0, bits);
}

export class DnsMetrics {
  static declare(): void {
    declareLabel(Labels.DNS_RCODE, "rcode", RCODE_LABELS);
    declareLabel(Labels.DNS_FLAG, "flag", "aa,tc,rd,ra,ad,cd,do,ecs");
    declareLabel(Labels.DNS_MALFORMED, "reason", "header,question,record");
    declareCounters();
    declareDistributions();
    declareTops();
  }

  /** Counts one message as it passes. */
  static message(conversation: Conversation, side: u32, response: bool, bytes: u32): void {
    const direction = conversation.directionOf(side);
    const transport = conversation.transport == 6 ? TransportLabel.TCP : TransportLabel.UDP;
    const series = direction * 2 + (response ? 1 : 0);
    countAdd(Series.messages + series * TransportLabel.COUNT + transport, 1);
    countAdd(Series.messageBytes + series, bytes);
  }

  /** Counts a message that breaks its form; `fault` from 1. */
  static malformed(fault: u32): void {
    countAdd(Series.malformed + fault - 1, 1);
  }

  /** Counts a query for which the stream pool had no room. */
  static refused(): void {
    countAdd(Series.refused, 1);
  }
}

function declareCounters(): void {
  const direction = Labels.DIRECTION;
  Series.messages = declareMetric(
    200,
    Kind.COUNTER,
    "",
    "dns_messages_total",
    "DNS messages.",
    0,
    direction,
    Labels.MESSAGE,
    Labels.TRANSPORT,
  );
  Series.messageBytes = declareMetric(
    201,
    Kind.COUNTER,
    "bytes",
    "dns_message_bytes_total",
    "Bytes of DNS messages.",
    0,
    direction,
    Labels.MESSAGE,
    0,
  );
  Series.malformed = declareMetric(
    202,
    Kind.COUNTER,
    "",
    "dns_malformed_total",
    "DNS messages that break their form, by part.",
    0,
    Labels.DNS_MALFORMED,
    0,
    0,
  );
  Series.refused = declareMetric(
    203,
    Kind.COUNTER,
    "",
    "dns_refused_total",
    "Queries that found no room to wait for a response.",
    0,
    0,
    0,
    0,
  );
  Series.requests = counter(204, "dns_requests_total", "Queries whose outcome is decided, by outcome.", Labels.STATUS);
  Series.transactions = declareMetric(
    205,
    Kind.COUNTER,
    "",
    "dns_transactions_total",
    "Queries with their response.",
    0,
    direction,
    Labels.FAMILY,
    Labels.TRANSPORT,
  );
  Series.responses = counter(206, "dns_responses_total", "Responses of transactions, by response code.", Labels.DNS_RCODE);
  Series.nodata = counter(207, "dns_nodata_total", "Transactions answered NOERROR without an answer record.", 0);
  Series.flags = counter(
    208,
    "dns_flags_total",
    "Transactions with a flag set; do and ecs as the query has them.",
    Labels.DNS_FLAG,
  );
  Series.orphans = counter(209, "dns_orphan_responses_total", "Responses without a query.", 0);
}

function declareDistributions(): void {
  declareOpenRequests(F.DNS, 240, "dns_open_requests");
  Series.rate = declareMetric(
    210,
    Kind.RATE,
    "",
    "dns_transactions_per_second",
    "Transactions in each second.",
    0,
    Labels.DIRECTION,
    0,
    0,
  );
  Series.duration = histogram(211, "seconds", "dns_duration_seconds", "Time from query to response.", 1);
  Series.slow = watchSlow(Series.duration, 3);
  Series.serverTime = histogram(212, "seconds", "dns_server_seconds", "The same without the way, over TCP with a handshake.", 1);
  Series.ratio = histogram(213, "ratio", "dns_response_query_size_ratio", "Bytes of a response for each byte of its query.", 2);
  Series.requestBytes = histogram(214, "bytes", "dns_request_bytes", "Size of queries of transactions.", 0);
  Series.responseBytes = histogram(215, "bytes", "dns_response_bytes", "Size of responses of transactions.", 0);
  Series.names = distinct(216, "dns_names", "Distinct names asked for.", 14);
  Series.clients = distinct(217, "dns_clients", "Distinct clients.", 14);
  Series.clientSet = declareClientSet(219, "dns_clients_theta");
  Series.servers = distinct(218, "dns_servers", "Distinct servers.", 12);
}

function declareTops(): void {
  declareNameTops();
  Tables.subnets = Tops.group(11);
  const direction = Labels.DIRECTION;
  Series.topPorts = declareNumberTop(229, "dns_top_ports", "Client ports by transactions.", "port", portKey.index, direction, 10);
  Series.topTypes = declareNumberTop(230, "dns_top_types", "Types asked for.", "type", typeKey.index, direction, 7);
  Series.topRcodes = declareNumberTop(231, "dns_top_rcodes", "Response codes.", "rcode", rcodeKey.index, direction, 6);
  top(Tables.subnets, 233, "dns_top_client_subnets", "Client subnets of queries.", "subnet", 11);
}

function declareNameTops(): void {
  const names = Tops.group(11);
  Tables.names = names;
  NameColumn.all = topOfNames(220, "dns_top_names", "Names by transactions.");
  NameColumn.two = topOfNames(221, "dns_top_names2", "Last two labels of names by transactions.");
  NameColumn.three = topOfNames(222, "dns_top_names3", "Last three labels of names by transactions.");
  NameColumn.rcode = topOfNames(223, "dns_top_noerror", "Names answered NOERROR.");
  topOfNames(224, "dns_top_nxdomain", "Names answered NXDOMAIN.");
  topOfNames(225, "dns_top_refused", "Names answered REFUSED.");
  topOfNames(226, "dns_top_servfail", "Names answered SERVFAIL.");
  NameColumn.nodata = topOfNames(227, "dns_top_nodata", "Names answered NOERROR without an answer record.");
  NameColumn.bytes = top(names, 228, "dns_top_response_bytes", "Names by bytes of their responses.", "name", 11, "bytes");
  NameColumn.slow = topOfNames(232, "dns_top_slow", "Names that took longer than nine tenths of the minute before.");
}

function topOfNames(id: u32, name: string, help: string): u32 {
  return top(Tables.names, id, name, help, "name", 11);
}

/** The contract's observe. */
export function observeDns(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  noteRequest(F.DNS);
  if (request == 0) {
    countAdd(Series.orphans + direction, 1);
    return;
  }
  countAdd(Series.requests + direction * STATUSES + status, 1);
  const query = changetype<Message>(request);
  observeEndpoints(conversation, client, direction, query.protocol);
  const named = query.knows(F.DnsField.NAME);
  let hash: u64 = 0;
  if (named) {
    hash = elementHash(query.textStart(F.LOWER_NAME), query.textLength(F.LOWER_NAME));
    distinctObserve(Series.names + direction, hash);
  }
  if (response == 0) return;
  const answer = changetype<Message>(response);
  countTransaction(conversation, direction, query, answer);
  measure(direction, query, answer);
  observeTops(conversation, client, direction, query, answer);
  if (named) observeNames(direction, query, hash, answer, status);
}

/** Endpoints are the same for all round trips of a conversation: once a minute is enough. */
function observeEndpoints(conversation: Conversation, client: u32, direction: u32, protocol: u32): void {
  if (!conversation.isNewTo(Minute.number, protocol, client)) return;
  distinctObserve(Series.clients + direction, conversation.element(client));
  distinctObserve(Series.servers + direction, conversation.element(client ^ 1));
  observeClientSet(Series.clientSet + direction, conversation, client);
}

function rcodeOf(answer: Message): u32 {
  const rcode = <u32>load<u16>(changetype<usize>(answer) + F.RCODE);
  return rcode < RCODE_OTHER ? rcode : RCODE_OTHER;
}

function isNodata(answer: Message): bool {
  return rcodeOf(answer) == 0 && load<u16>(changetype<usize>(answer) + F.ANSWERS) == 0;
}

function countTransaction(conversation: Conversation, direction: u32, query: Message, answer: Message): void {
  const family: u32 = conversation.family == 6 ? 1 : 0;
  const transport = conversation.transport == 6 ? TransportLabel.TCP : TransportLabel.UDP;
  countAdd(Series.transactions + (direction * 3 + family) * TransportLabel.COUNT + transport, 1);
  countAdd(Series.responses + direction * RCODES + rcodeOf(answer), 1);
  if (isNodata(answer)) countAdd(Series.nodata + direction, 1);
  let flags = <u32>load<u16>(changetype<usize>(answer) + F.FLAGS) & ~F.DnsFlag.DO;
  flags |= <u32>load<u16>(changetype<usize>(query) + F.FLAGS) & F.DnsFlag.DO;
  if (query.knows(F.DnsField.ECS)) flags |= 128;
  const series = Series.flags + direction * FLAGS;
  while (flags != 0) {
    countAdd(series + ctz(flags), 1);
    flags &= flags - 1;
  }
}

function measure(direction: u32, query: Message, answer: Message): void {
  rateObserve(Series.rate + direction, 1);
  if (Timing.durationNs != UNTIMED) histogramObserve(Series.duration + direction, Timing.durationNs, 1);
  if (Timing.handshakeRttNs != UNTIMED && Timing.serverNs != UNTIMED)
    histogramObserve(Series.serverTime + direction, Timing.serverNs, 1);
  histogramObserve(Series.requestBytes + direction, query.wireBytes, 1);
  histogramObserve(Series.responseBytes + direction, answer.wireBytes, 1);
  if (query.wireBytes != 0) histogramObserve(Series.ratio + direction, (answer.wireBytes * 1_000_000) / query.wireBytes, 1);
}

function observeTops(conversation: Conversation, client: u32, direction: u32, query: Message, answer: Message): void {
  numberTopObserve(Series.topPorts + direction, conversation.port(client));
  const type = load<u16>(changetype<usize>(query) + F.TYPE);
  if (query.knows(F.DnsField.TYPE)) numberTopObserve(Series.topTypes + direction, type);
  numberTopObserve(Series.topRcodes + direction, load<u16>(changetype<usize>(answer) + F.RCODE));
  if (query.knows(F.DnsField.ECS)) {
    const start = query.textStart(F.ECS);
    const length = query.textLength(F.ECS);
    Tops.key(Tables.subnets, direction, elementHash(start, length), start, length);
    Tops.add(0, 1);
  }
}

/** Where the last `labels` labels of a name start. An escaped dot is three digits, so a dot separates. */
function lastLabels(start: usize, end: usize, labels: u32): usize {
  let left = labels;
  let at = end;
  while (at > start) {
    // Before a name lies the fixed part of its message, so sixteen bytes can be read that end with it.
    at -= 16;
    let dots = <u32>i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(46)));
    if (at <= start) {
      const before = <u32>(start - at) + 1;
      dots &= u32.MAX_VALUE << before;
    }
    for (; dots != 0; left--) {
      const last = 31 - clz<u32>(dots);
      if (left == 1) return at + last + 1;
      dots ^= 1 << last;
    }
  }
  return start;
}

function observeNames(direction: u32, query: Message, hash: u64, answer: Message, status: u32): void {
  const start = query.textStart(F.LOWER_NAME);
  const length = query.textLength(F.LOWER_NAME);
  const end = start + length;
  const three = lastLabels(start, end, 3);
  const two = lastLabels(three, end, 2);
  Tops.key(Tables.names, direction, hash, start, length);
  Tops.add(NameColumn.all, 1);
  Tops.add(NameColumn.bytes, answer.wireBytes);
  const list = rcodeTop(rcodeOf(answer));
  if (list != NONE) Tops.add(NameColumn.rcode + list, 1);
  if (isNodata(answer)) Tops.add(NameColumn.nodata, 1);
  const isTimed = status <= Status.ERROR && Timing.durationNs != UNTIMED;
  if (isTimed && Timing.durationNs > slowAboveNs(Series.slow + direction)) Tops.add(NameColumn.slow, 1);
  // A name of as many labels is its own last ones: the key in hand stays.
  if (three != start) takeSuffix(direction, three, end);
  Tops.add(NameColumn.three, 1);
  if (two != three) takeSuffix(direction, two, end);
  Tops.add(NameColumn.two, 1);
}

function takeSuffix(direction: u32, start: usize, end: usize): void {
  const length = <u32>(end - start);
  Tops.text(Tables.names, direction, start, length);
}

const NONE: u32 = 255;

/** Which of the tops by response code: noerror, nxdomain, refused, servfail; NONE for any other. */
function rcodeTop(rcode: u32): u32 {
  if (rcode == 0) return 0;
  if (rcode == 3) return 1;
  if (rcode == 5) return 2;
  return rcode == 2 ? 3 : NONE;
}
