/** The fields of PostgreSQL requests and responses and where they lie in a message. */
import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload, PAYLOAD_PLACE_BYTES } from "../shared/payload";

/** The number that the protocol was declared with. */
export const POSTGRESQL: u32 = 5;

/** What a request is. */
export class Kind {
  static readonly STARTUP: u32 = 1;
  static readonly SIMPLE: u32 = 2;
  static readonly EXTENDED: u32 = 3;
  /** Extended messages up to a Sync of which none executes anything. */
  static readonly PREPARE: u32 = 4;
  static readonly COPY: u32 = 5;
  static readonly FUNCTION: u32 = 6;
  static readonly CANCEL: u32 = 7;
  static readonly TERMINATE: u32 = 8;
}

/** Names of the kinds. */
export const KIND_NAMES: string = "1=startup,2=simple,3=extended,4=prepare,5=copy,6=function,7=cancel,8=terminate";

/** Bytes of messages without type and length, of either side. */
export const BODY_BYTES: u32 = FIXED_OFFSET;
/** Offsets of a request's fields. */
export const KIND: u32 = FIXED_OFFSET + 8;
/** The Sync that ends its group, counted. */
export const GROUP: u32 = FIXED_OFFSET + 12;
export const STATEMENT: u32 = FIXED_OFFSET + 16;
export const FINGERPRINT: u32 = FIXED_OFFSET + 20;
export const PORTAL: u32 = FIXED_OFFSET + 24;
export const DATABASE: u32 = FIXED_OFFSET + 28;
export const USER: u32 = FIXED_OFFSET + 32;
export const APPLICATION: u32 = FIXED_OFFSET + 36;
export const REQUEST_PAYLOAD: u32 = FIXED_OFFSET + 40;
/** One past the fixed fields of a request. */
export const REQUEST_FIXED_END: u32 = REQUEST_PAYLOAD + PAYLOAD_PLACE_BYTES;
/** Offsets of a response's fields. */
export const ROWS: u32 = FIXED_OFFSET + 8;
export const COLUMNS: u32 = FIXED_OFFSET + 16;
export const RESULTS: u32 = FIXED_OFFSET + 20;
export const NOTICES: u32 = FIXED_OFFSET + 24;
/** Rows of the result in progress. */
export const ROWS_NOW: u32 = FIXED_OFFSET + 28;
export const COMMAND_TAG: u32 = FIXED_OFFSET + 32;
export const SEVERITY: u32 = FIXED_OFFSET + 36;
export const SQL_STATE: u32 = FIXED_OFFSET + 40;
export const MESSAGE: u32 = FIXED_OFFSET + 44;
export const RESPONSE_PAYLOAD: u32 = FIXED_OFFSET + 48;
/** One past the fixed fields of a response. */
export const RESPONSE_FIXED_END: u32 = RESPONSE_PAYLOAD + PAYLOAD_PLACE_BYTES;

/** Bytes of a text that are kept at the most. */
export const NAME_BYTES_MAX: u32 = 63;
export const MESSAGE_BYTES_MAX: u32 = 256;
export const TAG_BYTES_MAX: u32 = 63;
/** Bytes of all texts of a response: tag, severity, state, message. */
export const RESPONSE_TEXT_BYTES_MAX: u32 = TAG_BYTES_MAX + 16 + 5 + MESSAGE_BYTES_MAX;

/** Indexes of fields in `present`. */
export class PgField {
  static readonly BODY_BYTES: u32 = 0;
  static readonly KIND: u32 = 1;
  static readonly STATEMENT: u32 = 2;
  static readonly FINGERPRINT: u32 = 3;
  static readonly PORTAL: u32 = 4;
  static readonly DATABASE: u32 = 5;
  static readonly USER: u32 = 6;
  static readonly APPLICATION: u32 = 7;
  static readonly ROWS: u32 = 1;
  static readonly COLUMNS: u32 = 2;
  static readonly RESULTS: u32 = 3;
  static readonly NOTICES: u32 = 4;
  static readonly COMMAND_TAG: u32 = 5;
  static readonly SEVERITY: u32 = 6;
  static readonly SQL_STATE: u32 = 7;
  static readonly MESSAGE: u32 = 8;
}

/** Declares them for protocol `number`. */
export function declarePgFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  const text = FieldKind.TEXT;
  declareField(number, request, PgField.KIND, FieldKind.NAME, KIND, "kind", KIND_NAMES);
  declareField(number, request, PgField.STATEMENT, text, STATEMENT, "statement", "");
  declareField(number, request, PgField.FINGERPRINT, text, FINGERPRINT, "fingerprint", "");
  declareField(number, request, PgField.PORTAL, text, PORTAL, "portal", "");
  declareField(number, request, PgField.DATABASE, text, DATABASE, "database", "");
  declareField(number, request, PgField.USER, text, USER, "user", "");
  declareField(number, request, PgField.APPLICATION, text, APPLICATION, "application", "");
  declareField(number, request, PgField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declarePayload(number, request, REQUEST_PAYLOAD);
  declareField(number, response, PgField.COMMAND_TAG, text, COMMAND_TAG, "commandTag", "");
  declareField(number, response, PgField.ROWS, FieldKind.U64, ROWS, "rows", "");
  declareField(number, response, PgField.COLUMNS, FieldKind.U32, COLUMNS, "columns", "");
  declareField(number, response, PgField.RESULTS, FieldKind.U32, RESULTS, "results", "");
  declareField(number, response, PgField.NOTICES, FieldKind.U32, NOTICES, "notices", "");
  declareField(number, response, PgField.SEVERITY, text, SEVERITY, "severity", "");
  declareField(number, response, PgField.SQL_STATE, text, SQL_STATE, "sqlState", "");
  declareField(number, response, PgField.MESSAGE, text, MESSAGE, "message", "");
  declareField(number, response, PgField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declarePayload(number, response, RESPONSE_PAYLOAD);
}
