/**
 * The metrics of module `tls`: handshakes when their outcome is decided.
 *
 * The direction of a handshake is that of its ClientHello. Server names count in lower case.
 */
import { BreakdownKey } from "../../aggregate/breakdown-key";
import { declareLabel } from "../../aggregate/label";
import { declareMetric, Kind } from "../../aggregate/metric";
import { countAdd } from "../../aggregate/observe";
import { declareTop, TopGroup, Tops } from "../../aggregate/tops";
import { lower } from "../../bytes/ascii";
import { elementHash } from "../../bytes/hash";
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
import * as F from "./fields";
import { CIPHER_NAMES, nameOf, VERSION_NAMES } from "./numbers";

const FIRST_ID: u32 = 560;
const VERSIONS: u32 = 7;
const VERSION_OTHER: u32 = 6;
const UNOPENED_REASONS: u32 = 6;
const COLUMN_BYTES_MAX: u32 = 64;

const METRICS: usize = memory.data(REQUEST_METRICS_BYTES, 4);
const NAME_TEXT: usize = memory.data(256);

/** Why a record stayed closed, as the label `unopened` numbers it. */
export class Unopened {
  /** No secrets came in time. */
  static readonly KEYS: u32 = 0;
  /** Its cipher is none that is opened. */
  static readonly CIPHER: u32 = 1;
  /** The secrets do not open it. */
  static readonly FAILED: u32 = 2;
  /** Bytes of it are missing. */
  static readonly GAP: u32 = 3;
  /** It found no room. */
  static readonly MEMORY: u32 = 4;
  /** The client sent it before the server answered, and the server is not known to have taken it. */
  static readonly EARLY: u32 = 5;
}

class Series {
  static versions: u32 = 0;
  static opened: u32 = 0;
  static unopened: u32 = 0;
  static ja4: TopGroup = changetype<TopGroup>(0);
}

function metrics(): RequestMetrics {
  return changetype<RequestMetrics>(METRICS);
}

export class TlsMetrics {
  static declare(): void {
    declareLabel(Labels.TLS_VERSION, "tls_version", "ssl2,ssl3,tls1.0,tls1.1,tls1.2,tls1.3,other");
    RequestNames.requests = "tls_requests_total";
    RequestNames.orphans = "tls_orphan_responses_total";
    RequestNames.malformed = "tls_malformed_total";
    RequestNames.refused = "tls_refused_total";
    RequestNames.duration = "tls_duration_seconds";
    RequestNames.serverTime = "tls_server_seconds";
    RequestNames.requestBytes = "tls_request_bytes";
    RequestNames.responseBytes = "tls_response_bytes";
    RequestNames.open = "tls_open_requests";
    RequestNames.clients = "tls_clients";
    RequestNames.servers = "tls_servers";
    RequestNames.clientSet = "tls_clients_theta";
    declareRequestMetrics(metrics(), F.TLS, FIRST_ID);
    declareNameTops(
      metrics(),
      FIRST_ID,
      "server_name",
      "tls_top_server_names",
      "Server names by handshakes.",
      "tls_top_slow",
      "Server names whose handshakes took longer than nine tenths of the minute before.",
      "tls_top_failing",
      "Server names whose handshakes failed.",
    );
    const help = "Handshakes by server, version, cipher and outcome.";
    declareRequestBreakdown(metrics(), FIRST_ID, "tls_handshakes", help, "server,version,cipher,status", 1);
    Series.ja4 = Tops.group(11);
    declareTop(Series.ja4, FIRST_ID + 16, "", "tls_top_ja4", "JA4 by handshakes.", "ja4", false, Labels.DIRECTION, 0, 10);
    Series.versions = declareMetric(
      FIRST_ID + 17,
      Kind.COUNTER,
      "",
      "tls_versions_total",
      "Handshakes by the version that the server chose.",
      0,
      Labels.DIRECTION,
      Labels.TLS_VERSION,
      0,
    );
    declareLabel(Labels.UNOPENED, "unopened", "keys,cipher,failed,gap,memory,early");
    const opened = "Records of TLS that were opened with secrets, those of handshakes left out.";
    Series.opened = declareMetric(FIRST_ID + 18, Kind.COUNTER, "", "tls_opened_records_total", opened, 0, Labels.DIRECTION, 0, 0);
    const unopened = "Records of TLS that secrets were wanted for and that stayed closed.";
    const name = "tls_unopened_records_total";
    Series.unopened = declareMetric(FIRST_ID + 19, Kind.COUNTER, "", name, unopened, 0, Labels.DIRECTION, Labels.UNOPENED, 0);
  }

  /** Counts a message that breaks its form. */
  static malformed(): void {
    countMalformed(metrics());
  }

  /** Counts a record that was opened. */
  static opened(direction: u32): void {
    countAdd(Series.opened + direction, 1);
  }

  /** Counts one that was not, for a reason of `Unopened`. */
  static unopened(direction: u32, reason: u32): void {
    countAdd(Series.unopened + direction * UNOPENED_REASONS + reason, 1);
  }

  /** Counts a message that found no room. */
  static refused(): void {
    countRefused(metrics());
  }
}

/** The place of a version in the label `tls_version`. */
function versionLabel(version: u32): u32 {
  if (version == 2) return 0;
  return version - 0x0300 <= 4 ? version - 0x0300 + 1 : VERSION_OTHER;
}

/** The contract's observe. */
export function observeTls(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  const direction = conversation.directionOf(client);
  if (response != 0 && changetype<Message>(response).knows(F.TlsField.VERSION)) {
    countAdd(Series.versions + direction * VERSIONS + versionLabel(load<u16>(response, F.VERSION)), 1);
  }
  if (!observeRequest(metrics(), conversation, client, request, response, status)) return;
  const asked = changetype<Message>(request);
  if (asked.knows(F.TlsField.SERVER_NAME)) {
    const start = asked.textStart(F.SERVER_NAME);
    const length = asked.textLength(F.SERVER_NAME);
    for (let i: u32 = 0; i < length; i++) store<u8>(NAME_TEXT + i, lower(load<u8>(start + i)));
    observeName(metrics(), direction, NAME_TEXT, length, status);
  }
  if (asked.knows(F.TlsField.JA4)) {
    const start = asked.textStart(F.JA4);
    Tops.key(Series.ja4, direction, elementHash(start, F.JA4_BYTES), start, F.JA4_BYTES);
    Tops.add(0, 1);
  }
  BreakdownKey.open();
  BreakdownKey.column(conversation.addressStart(client ^ 1), conversation.addressLength);
  putNamed(response, F.TlsField.VERSION, F.VERSION, VERSION_NAMES);
  putNamed(response, F.TlsField.CIPHER, F.CIPHER, CIPHER_NAMES);
  BreakdownKey.column(NAME_TEXT, statusName(status));
  observeBreakdown(metrics(), direction, request, response, status);
}

/** A column with the name of a number of the response, the number where it has none, empty where it is not known. */
function putNamed(response: usize, field: u32, offset: u32, names: string): void {
  if (response == 0 || !changetype<Message>(response).knows(field)) {
    BreakdownKey.column(NAME_TEXT, 0);
    return;
  }
  const value = <u32>load<u16>(response + offset);
  const length = nameOf(names, value, NAME_TEXT, COLUMN_BYTES_MAX);
  if (length != 0) BreakdownKey.column(NAME_TEXT, length);
  else BreakdownKey.number(value);
}

/** Writes the name of a status to NAME_TEXT; answers its length. */
function statusName(status: u32): u32 {
  const text = changetype<usize>(STATUS_NAMES);
  let place: u32 = 0;
  let length: u32 = 0;
  for (let i: i32 = 0; i < STATUS_NAMES.length; i++) {
    const letter = load<u16>(text + (i << 1));
    if (letter == 44) place += 1;
    else if (place == status) store<u8>(NAME_TEXT + length++, <u8>letter);
  }
  return length;
}
