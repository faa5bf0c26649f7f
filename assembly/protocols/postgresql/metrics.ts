/** The metrics of module `postgresql`: round trips when their outcome is decided. */
import { declareLabel } from "../../aggregate/label";
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import { countMalformed, countRefused, RequestNames } from "../../roundtrip/request-metrics";
import { countSwitched, declareSqlMetrics, observeSql, SQL_METRICS_BYTES, SqlMetrics, SqlNames, SqlTrip } from "../sql/metrics";
import * as F from "./fields";

/** What a connection goes on in, in the order of its label. */
export class Switch {
  static readonly TLS: u32 = 0;
  static readonly GSS: u32 = 1;
}

const FIRST_ID: u32 = 440;
const LABEL_SWITCH: u32 = 50;
const METRICS: usize = memory.data(SQL_METRICS_BYTES, 8);

function metrics(): SqlMetrics {
  return changetype<SqlMetrics>(METRICS);
}

export class PgMetrics {
  static declare(protocol: u32): void {
    declareLabel(LABEL_SWITCH, "to", "tls,gss");
    RequestNames.requests = "postgresql_requests_total";
    RequestNames.orphans = "postgresql_orphan_responses_total";
    RequestNames.malformed = "postgresql_malformed_total";
    RequestNames.refused = "postgresql_refused_total";
    RequestNames.duration = "postgresql_duration_seconds";
    RequestNames.serverTime = "postgresql_server_seconds";
    RequestNames.requestBytes = "postgresql_request_bytes";
    RequestNames.responseBytes = "postgresql_response_bytes";
    RequestNames.open = "postgresql_open_requests";
    RequestNames.clients = "postgresql_clients";
    RequestNames.servers = "postgresql_servers";
    RequestNames.clientSet = "postgresql_clients_theta";
    SqlNames.topStatements = "postgresql_top_statements";
    SqlNames.topSlow = "postgresql_top_slow";
    SqlNames.topFailing = "postgresql_top_failing";
    SqlNames.breakdown = "postgresql_requests";
    SqlNames.breakdownHelp = "Round trips by server, database, kind and outcome.";
    SqlNames.breakdownColumns = "server,database,kind,outcome";
    SqlNames.switched = "postgresql_switched_total";
    SqlNames.switchedHelp = "Connections that go on encrypted, and are not read.";
    SqlNames.rows = "postgresql_rows_total";
    SqlNames.rowsHelp = "Rows that statements returned, changed or copied.";
    declareSqlMetrics(metrics(), protocol, FIRST_ID, LABEL_SWITCH);
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
export function observePg(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const hasRows = response != 0 && changetype<Message>(response).knows(F.PgField.ROWS);
  SqlTrip.rows = hasRows ? load<u64>(response, F.ROWS) : 0;
  if (request != 0) {
    SqlTrip.hasFingerprint = changetype<Message>(request).knows(F.PgField.FINGERPRINT);
    SqlTrip.fingerprint = F.FINGERPRINT;
    SqlTrip.database = F.DATABASE;
    SqlTrip.kind = load<u16>(request, F.KIND);
    SqlTrip.kindNames = F.KIND_NAMES;
  }
  observeSql(metrics(), conversation, client, request, response, status);
}
