/** The metrics of module `mysql`: round trips when their outcome is decided. */
import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import { countMalformed, countRefused, RequestNames } from "../../roundtrip/request-metrics";
import { countSwitched, declareSqlMetrics, observeSql, SQL_METRICS_BYTES, SqlMetrics, SqlNames, SqlTrip } from "../sql/metrics";
import { COMMAND_NAMES } from "./commands";
import * as F from "./fields";

/** What a connection goes on in, in the order of its label. */
export class Switch {
  static readonly TLS: u32 = 0;
  static readonly ZLIB: u32 = 1;
  static readonly ZSTD: u32 = 2;
}

const FIRST_ID: u32 = 420;
const LABEL_SWITCH: u32 = 45;
const METRICS: usize = memory.data(SQL_METRICS_BYTES, 8);

class Series {
  static affected: u32 = 0;
}

function metrics(): SqlMetrics {
  return changetype<SqlMetrics>(METRICS);
}

export class MysqlMetrics {
  static declare(protocol: u32): void {
    declareLabel(LABEL_SWITCH, "to", "tls,zlib,zstd");
    RequestNames.requests = "mysql_requests_total";
    RequestNames.orphans = "mysql_orphan_responses_total";
    RequestNames.malformed = "mysql_malformed_total";
    RequestNames.refused = "mysql_refused_total";
    RequestNames.duration = "mysql_duration_seconds";
    RequestNames.serverTime = "mysql_server_seconds";
    RequestNames.requestBytes = "mysql_request_bytes";
    RequestNames.responseBytes = "mysql_response_bytes";
    RequestNames.open = "mysql_open_requests";
    RequestNames.clients = "mysql_clients";
    RequestNames.servers = "mysql_servers";
    RequestNames.clientSet = "mysql_clients_theta";
    SqlNames.topStatements = "mysql_top_statements";
    SqlNames.topSlow = "mysql_top_slow";
    SqlNames.topFailing = "mysql_top_failing";
    SqlNames.breakdown = "mysql_commands";
    SqlNames.breakdownHelp = "Round trips by server, database, command and outcome.";
    SqlNames.breakdownColumns = "server,database,command,outcome";
    SqlNames.switched = "mysql_switched_total";
    SqlNames.switchedHelp = "Connections that go on encrypted or compressed; those with zlib are read.";
    SqlNames.rows = "mysql_rows_total";
    SqlNames.rowsHelp = "Rows that servers sent.";
    declareSqlMetrics(metrics(), protocol, FIRST_ID, LABEL_SWITCH);
    const affected = "Rows that statements changed.";
    Series.affected = declareMetric(
      FIRST_ID + 18,
      Kind.COUNTER,
      "",
      "mysql_affected_rows_total",
      affected,
      0,
      Labels.DIRECTION,
      0,
      0,
    );
  }

  /** Counts a message that breaks its form. */
  static malformed(): void {
    countMalformed(metrics().requests);
  }

  /** Counts a message that found no room. */
  static refused(): void {
    countRefused(metrics().requests);
  }

  /** Counts a connection that goes on otherwise. */
  static switched(to: u32): void {
    countSwitched(metrics(), to);
  }
}

/** The contract's observe. */
export function observeMysql(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const answer = changetype<Message>(response);
  SqlTrip.rows = response != 0 && answer.knows(F.MysqlField.ROWS) ? load<u64>(response, F.ROWS) : 0;
  if (request != 0) {
    SqlTrip.hasFingerprint = changetype<Message>(request).knows(F.MysqlField.FINGERPRINT);
    SqlTrip.fingerprint = F.FINGERPRINT;
    SqlTrip.database = F.DATABASE;
    SqlTrip.kind = load<u16>(request, F.COMMAND);
    SqlTrip.kindNames = COMMAND_NAMES;
  }
  if (!observeSql(metrics(), conversation, client, request, response, status) || response == 0) return;
  if (!answer.knows(F.MysqlField.AFFECTED_ROWS)) return;
  countAdd(Series.affected + conversation.directionOf(client), load<u64>(response, F.AFFECTED_ROWS));
}
