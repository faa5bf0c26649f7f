/** The metrics of module `mysql`: round trips when their outcome is decided. Work is named by the statement's fingerprint. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
import { putName } from "../../bytes/names";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { STATUS_NAMES } from "../../roundtrip/marks";
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
const METRICS: usize = memory.data(REQUEST_METRICS_BYTES, 8);
const NAME: usize = memory.data(64);

class Series {
  static switched: u32 = 0;
  static rows: u32 = 0;
  static affected: u32 = 0;
}

function metrics(): RequestMetrics {
  return changetype<RequestMetrics>(METRICS);
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
    declareRequestMetrics(metrics(), protocol, FIRST_ID);
    declareNameTops(
      metrics(),
      FIRST_ID,
      "statement",
      "mysql_top_statements",
      "Fingerprints of statements by requests.",
      "mysql_top_slow",
      "Fingerprints that took longer than nine tenths of the minute before.",
      "mysql_top_failing",
      "Fingerprints of statements that failed.",
    );
    const help = "Round trips by server, database, command and outcome.";
    declareRequestBreakdown(metrics(), FIRST_ID, "mysql_commands", help, "server,database,command,outcome", 1);
    const switched = "Connections that go on encrypted or compressed; those with zlib are read.";
    Series.switched = declareMetric(FIRST_ID + 16, Kind.COUNTER, "", "mysql_switched_total", switched, 0, LABEL_SWITCH, 0, 0);
    Series.rows = counter(FIRST_ID + 17, "mysql_rows_total", "Rows that servers sent.");
    Series.affected = counter(FIRST_ID + 18, "mysql_affected_rows_total", "Rows that statements changed.");
  }

  /** Counts a message that breaks its form. */
  static malformed(): void {
    countMalformed(metrics());
  }

  /** Counts a message that found no room. */
  static refused(): void {
    countRefused(metrics());
  }

  /** Counts a connection that goes on otherwise. */
  static switched(to: u32): void {
    countAdd(Series.switched + to, 1);
  }
}

function counter(id: u32, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, Labels.DIRECTION, 0, 0);
}

/** The contract's observe. */
export function observeMysql(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  if (!observeRequest(metrics(), conversation, client, request, response, status)) return;
  const direction = conversation.directionOf(client);
  if (response != 0) {
    const answer = changetype<Message>(response);
    if (answer.knows(F.MysqlField.ROWS)) countAdd(Series.rows + direction, load<u64>(response, F.ROWS));
    if (answer.knows(F.MysqlField.AFFECTED_ROWS)) countAdd(Series.affected + direction, load<u64>(response, F.AFFECTED_ROWS));
  }
  const asked = changetype<Message>(request);
  if (asked.knows(F.MysqlField.FINGERPRINT)) {
    observeName(metrics(), direction, asked.textStart(F.FINGERPRINT), asked.textLength(F.FINGERPRINT), status);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength, 3);
  BreakdownKey.column(asked.textStart(F.DATABASE), asked.textLength(F.DATABASE), 2);
  const command = putName(NAME, COMMAND_NAMES, load<u16>(request, F.COMMAND), "");
  BreakdownKey.column(NAME, <u32>(command - NAME), 1);
  const outcome = putStatus(status);
  BreakdownKey.column(NAME, <u32>(outcome - NAME));
  observeBreakdown(metrics(), direction, request, response, status);
}

/** Writes the name of an outcome to NAME; answers one past its last byte. */
function putStatus(status: u32): usize {
  const names = changetype<usize>(STATUS_NAMES);
  let at: u32 = 0;
  for (let commas: u32 = 0; commas < status; at++) {
    if (load<u16>(names + (at << 1)) == 44) commas += 1;
  }
  let out = NAME;
  for (; at < <u32>STATUS_NAMES.length && load<u16>(names + (at << 1)) != 44; at++)
    store<u8>(out++, load<u16>(names + (at << 1)));
  return out;
}
