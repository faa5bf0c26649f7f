/** What is counted of both databases: what all protocols of requests count, with the statement's fingerprint as the name of work. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
import { putName } from "../../bytes/names";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import {
  declareNameTops,
  declareRequestBreakdown,
  declareRequestMetrics,
  observeBreakdown,
  observeName,
  observeRequest,
  putStatus,
  REQUEST_METRICS_BYTES,
  RequestMetrics,
} from "../../roundtrip/request-metrics";

/** Places of the metrics beyond those that all protocols have. */
const SWITCHED: u32 = 16;
const ROWS: u32 = 17;

const NAME: usize = memory.data(64);

/** The names of a database's own metrics, filled in before they are declared; `RequestNames` holds the others. */
export class SqlNames {
  static topStatements: string = "";
  static topSlow: string = "";
  static topFailing: string = "";
  static breakdown: string = "";
  static breakdownHelp: string = "";
  static breakdownColumns: string = "";
  static switched: string = "";
  static switchedHelp: string = "";
  static rows: string = "";
  static rowsHelp: string = "";
}

/** First series of each metric of one database; SQL_METRICS_BYTES of static memory, of which the first are a RequestMetrics. */
@unmanaged
export class SqlMetrics {
  request0: u64;
  request1: u64;
  request2: u64;
  request3: u64;
  request4: u64;
  request5: u64;
  request6: u64;
  request7: u64;
  switched: u32;
  rows: u32;

  @inline get requests(): RequestMetrics {
    return changetype<RequestMetrics>(changetype<usize>(this));
  }
}

/** Bytes of a SqlMetrics. */
export const SQL_METRICS_BYTES: i32 = 72;

/** Declares the metrics that `RequestNames` and `SqlNames` name; connections are switched to what the label `switches` lists. */
export function declareSqlMetrics(metrics: SqlMetrics, protocol: u32, firstId: u32, switches: u32): void {
  assert(REQUEST_METRICS_BYTES == 64 && <i32>offsetof<SqlMetrics>() <= SQL_METRICS_BYTES);
  declareRequestMetrics(metrics.requests, protocol, firstId);
  declareNameTops(
    metrics.requests,
    firstId,
    "statement",
    SqlNames.topStatements,
    "Fingerprints of statements by requests.",
    SqlNames.topSlow,
    "Fingerprints that took longer than nine tenths of the minute before.",
    SqlNames.topFailing,
    "Fingerprints of statements that failed.",
  );
  declareRequestBreakdown(metrics.requests, firstId, SqlNames.breakdown, SqlNames.breakdownHelp, SqlNames.breakdownColumns, 1);
  const switched = declareMetric(
    firstId + SWITCHED,
    Kind.COUNTER,
    "",
    SqlNames.switched,
    SqlNames.switchedHelp,
    0,
    switches,
    0,
    0,
  );
  metrics.switched = switched;
  metrics.rows = declareMetric(firstId + ROWS, Kind.COUNTER, "", SqlNames.rows, SqlNames.rowsHelp, 0, Labels.DIRECTION, 0, 0);
}

/** Counts a connection that goes on otherwise. */
export function countSwitched(metrics: SqlMetrics, to: u32): void {
  countAdd(metrics.switched + to, 1);
}

/** The round trip at hand: where its request keeps its fingerprint, its database, and the number of its kind. */
export class SqlTrip {
  static hasFingerprint: bool = false;
  static fingerprint: u32 = 0;
  static database: u32 = 0;
  static kind: u32 = 0;
  static kindNames: string = "";
  /** Rows that its response tells of, 0 where it tells of none. */
  static rows: u64 = 0;
}

/** Counts the round trip that `SqlTrip` tells of; false where it is a response alone. */
export function observeSql(
  metrics: SqlMetrics,
  conversation: Conversation,
  client: u32,
  request: usize,
  response: usize,
  status: u32,
): bool {
  const requests = metrics.requests;
  if (!observeRequest(requests, conversation, client, request, response, status)) return false;
  const direction = conversation.directionOf(client);
  if (SqlTrip.rows != 0) countAdd(metrics.rows + direction, SqlTrip.rows);
  const asked = changetype<Message>(request);
  if (SqlTrip.hasFingerprint) {
    observeName(requests, direction, asked.textStart(SqlTrip.fingerprint), asked.textLength(SqlTrip.fingerprint), status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength, 3);
  BreakdownKey.column(asked.textStart(SqlTrip.database), asked.textLength(SqlTrip.database), 2);
  const kind = putName(NAME, SqlTrip.kindNames, SqlTrip.kind, "");
  BreakdownKey.column(NAME, <u32>(kind - NAME), 1);
  putStatus(status);
  observeBreakdown(requests, direction, request, response, status);
  return true;
}
