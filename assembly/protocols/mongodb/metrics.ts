/** The metrics of module `mongodb`: round trips when their outcome is decided, by "database.collection". */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
import { declareTop, TopGroup, Tops } from "../../aggregate/tops";
import { elementHash } from "../../bytes/hash";
import { copyBytes } from "../../bytes/run";
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

const FIRST: u32 = 480;
const METRICS: usize = memory.data(64, 8);
const NAME: usize = memory.data(2 * 255 + 1 + 16);
/** "unobserved". */
const STATUS_BYTES_MAX: u32 = 10;

/** First series of the metrics that only MongoDB has. */
class Series {
  static documents: u32 = 0;
}

class Tables {
  static codes: TopGroup = changetype<TopGroup>(0);
}

function metrics(): RequestMetrics {
  return changetype<RequestMetrics>(METRICS);
}

/** Declares them for protocol `number`. */
export function declareMongoMetrics(number: u32): void {
  RequestNames.requests = "mongodb_requests_total";
  RequestNames.orphans = "mongodb_orphan_responses_total";
  RequestNames.malformed = "mongodb_malformed_total";
  RequestNames.refused = "mongodb_refused_total";
  RequestNames.duration = "mongodb_duration_seconds";
  RequestNames.serverTime = "mongodb_server_seconds";
  RequestNames.requestBytes = "mongodb_request_bytes";
  RequestNames.responseBytes = "mongodb_response_bytes";
  RequestNames.open = "mongodb_open_requests";
  RequestNames.clients = "mongodb_clients";
  RequestNames.servers = "mongodb_servers";
  RequestNames.clientSet = "mongodb_clients_theta";
  declareRequestMetrics(metrics(), number, FIRST);
  declareNameTops(
    metrics(),
    FIRST,
    "collection",
    "mongodb_top_collections",
    "Collections, with their databases, by requests.",
    "mongodb_top_slow",
    "Collections of requests that took longer than nine tenths of the minute before.",
    "mongodb_top_failing",
    "Collections of requests that failed.",
  );
  const help = "Round trips by server, database, command and outcome.";
  declareRequestBreakdown(metrics(), FIRST, "mongodb_calls", help, "server,database,command,status", 1);
  Tables.codes = Tops.group(9);
  const codes = "Names of error codes by responses that say them.";
  declareTop(Tables.codes, FIRST + 16, "", "mongodb_top_errors", codes, "error", false, Labels.DIRECTION, 0, 9);
  const documents = "Documents in requests and in responses, where they can be counted.";
  Series.documents = declareMetric(
    FIRST + 17,
    Kind.COUNTER,
    "",
    "mongodb_documents_total",
    documents,
    0,
    Labels.DIRECTION,
    Labels.MESSAGE,
    0,
  );
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
export function observeMongo(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  const isPair = observeRequest(metrics(), conversation, client, request, response, status);
  if (response != 0) observeResponse(direction, changetype<Message>(response));
  if (!isPair) return;
  const asked = changetype<Message>(request);
  observeDocuments(direction, 0, asked);
  if (asked.knows(F.MongoField.COLLECTION)) {
    let at = append(NAME, asked, F.DATABASE);
    if (at != NAME) store<u8>(at++, 46);
    observeName(metrics(), direction, NAME, <u32>(append(at, asked, F.COLLECTION) - NAME), status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength, 3);
  const database = min<u32>(asked.textLength(F.DATABASE), DATABASE_BYTES_MAX);
  BreakdownKey.column(asked.textStart(F.DATABASE), database, 2);
  BreakdownKey.column(asked.textStart(F.COMMAND), asked.textLength(F.COMMAND), STATUS_BYTES_MAX + 1);
  putStatus(status);
  observeBreakdown(metrics(), direction, request, response, status);
}

/** Names of databases have 63 bytes at the most. */
const DATABASE_BYTES_MAX: u32 = 64;

function append(to: usize, message: Message, offset: u32): usize {
  const length = message.textLength(offset);
  if (length != 0) copyBytes(to, message.textStart(offset), length);
  return to + length;
}

function observeResponse(direction: u32, response: Message): void {
  observeDocuments(direction, 1, response);
  if (!response.knows(F.MongoField.CODE_NAME)) return;
  const start = response.textStart(F.CODE_NAME);
  const length = response.textLength(F.CODE_NAME);
  Tops.key(Tables.codes, direction, elementHash(start, length), start, length);
  Tops.add(0, 1);
}

function observeDocuments(direction: u32, side: u32, message: Message): void {
  if (!message.knows(F.MongoField.DOCUMENTS)) return;
  countAdd(Series.documents + direction * 2 + side, load<u32>(changetype<usize>(message), F.DOCUMENTS));
}
