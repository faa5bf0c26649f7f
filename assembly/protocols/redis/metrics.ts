/** The metrics of module `redis`: round trips when their outcome is decided. */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareTop, TopGroup, Tops } from "../../aggregate/tops";
import { Labels } from "../../modules/labels";
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
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
import * as F from "./fields";

const FIRST_ID: u32 = 400;
const COLON: u32 = 58;
const STAR: u32 = 42;

const METRICS: usize = memory.data(REQUEST_METRICS_BYTES, 8);
/** "unobserved", longer than letters that are packed. */
const UNOBSERVED: usize = memory.data<u8>([117, 110, 111, 98, 115, 101, 114, 118, 101, 100, 0, 0, 0, 0, 0, 0], 16);
/** A key's prefix. */
const PREFIX: usize = memory.data(272);

/** Tops of their own. */
class Tables {
  static prefixes: TopGroup = changetype<TopGroup>(0);
  static errors: TopGroup = changetype<TopGroup>(0);
}

export class RedisMetrics {
  static declare(): void {
    RequestNames.requests = "redis_requests_total";
    RequestNames.orphans = "redis_orphan_responses_total";
    RequestNames.malformed = "redis_malformed_total";
    RequestNames.refused = "redis_refused_total";
    RequestNames.duration = "redis_duration_seconds";
    RequestNames.serverTime = "redis_server_seconds";
    RequestNames.requestBytes = "redis_request_bytes";
    RequestNames.responseBytes = "redis_response_bytes";
    RequestNames.open = "redis_open_requests";
    RequestNames.clients = "redis_clients";
    RequestNames.servers = "redis_servers";
    RequestNames.clientSet = "redis_clients_theta";
    const metrics = changetype<RequestMetrics>(METRICS);
    declareRequestMetrics(metrics, F.REDIS, FIRST_ID);
    declareNameTops(
      metrics,
      FIRST_ID,
      "command",
      "redis_top_commands",
      "Commands by requests.",
      "redis_top_slow",
      "Commands that took longer than nine tenths of the minute before.",
      "redis_top_failing",
      "Commands that were not answered, or with an error.",
    );
    const calls = "Round trips by server, command and outcome, an error by its code.";
    declareRequestBreakdown(metrics, FIRST_ID, "redis_calls", calls, "server,command,outcome", 1);
    Tables.prefixes = Tops.group(11);
    const prefixes = "Keys up to their first colon, by requests.";
    declareTop(Tables.prefixes, FIRST_ID + 16, "", "redis_top_key_prefixes", prefixes, "prefix", false, Labels.DIRECTION, 0, 11);
    Tables.errors = Tops.group(8);
    const errors = "Codes of errors by responses.";
    declareTop(Tables.errors, FIRST_ID + 17, "", "redis_top_error_codes", errors, "code", false, Labels.DIRECTION, 0, 8);
  }

  /** Counts bytes that break the form. */
  static malformed(): void {
    countMalformed(changetype<RequestMetrics>(METRICS));
  }

  /** Counts a message that found no room. */
  static refused(): void {
    countRefused(changetype<RequestMetrics>(METRICS));
  }
}

/** The contract's observe. */
export function observeRedis(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const metrics = changetype<RequestMetrics>(METRICS);
  const direction = conversation.directionOf(client);
  if (!observeRequest(metrics, conversation, client, request, response, status)) return;
  const asked = changetype<Message>(request);
  if (asked.knows(F.RedisField.KEY)) observePrefix(direction, asked);
  if (response != 0) observeError(direction, changetype<Message>(response));
  if (!asked.knows(F.RedisField.COMMAND)) return;
  const start = asked.textStart(F.COMMAND);
  const length = asked.textLength(F.COMMAND);
  observeName(metrics, direction, start, length, status);
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  BreakdownKey.column(start, length, 34);
  putOutcome(response, status);
  observeBreakdown(metrics, direction, request, response, status);
}

/** "user:17" counts as "user:*". */
function observePrefix(direction: u32, request: Message): void {
  const start = request.textStart(F.KEY);
  const length = request.textLength(F.KEY);
  let prefix: u32 = 0;
  while (prefix < length) {
    const byte = <u32>load<u8>(start + prefix);
    store<u8>(PREFIX + prefix, byte);
    prefix += 1;
    if (byte != COLON) continue;
    store<u8>(PREFIX + prefix, STAR);
    prefix += 1;
    break;
  }
  Tops.text(Tables.prefixes, direction, PREFIX, prefix);
  Tops.add(0, 1);
}

function observeError(direction: u32, response: Message): void {
  if (!response.knows(F.RedisField.ERROR_CODE)) return;
  const start = response.textStart(F.ERROR_CODE);
  const length = response.textLength(F.ERROR_CODE);
  Tops.text(Tables.errors, direction, start, length);
  Tops.add(0, 1);
}

/** The column of the outcome: an error's code, or the outcome's name. */
function putOutcome(response: usize, status: u32): void {
  if (status == Status.ERROR && response != 0 && changetype<Message>(response).knows(F.RedisField.ERROR_CODE)) {
    const failed = changetype<Message>(response);
    BreakdownKey.column(failed.textStart(F.ERROR_CODE), failed.textLength(F.ERROR_CODE));
    return;
  }
  if (status == Status.OK) BreakdownKey.letters(0x6b6f, 2);
  else if (status == Status.ERROR) BreakdownKey.letters(0x726f727265, 5);
  else if (status == Status.TIMEOUT) BreakdownKey.letters(0x74756f656d6974, 7);
  else if (status == Status.RESET) BreakdownKey.letters(0x7465736572, 5);
  else if (status == Status.CLOSED) BreakdownKey.letters(0x6465736f6c63, 6);
  else BreakdownKey.column(UNOBSERVED, 10);
}
