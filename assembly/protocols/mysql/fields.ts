/** The fields of MySQL requests and responses and where they lie in a message. */
import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload, PAYLOAD_PLACE_BYTES } from "../shared/payload";
import { COMMAND_NAMES } from "./commands";

/** The number that the protocol was declared with. */
export const MYSQL: u32 = 4;

/** Bytes of payloads, of either side. */
export const BODY_BYTES: u32 = FIXED_OFFSET;
/** Offsets of a request's fields. */
export const COMMAND: u32 = FIXED_OFFSET + 8;
/** One byte: the statement names the database that is used from now on. */
export const IS_USE: u32 = FIXED_OFFSET + 10;
/** One byte: what it does to the charset of statements (`requests.ts`), 0 for nothing. */
export const CHARSETS: u32 = FIXED_OFFSET + 11;
export const STATEMENT_ID: u32 = FIXED_OFFSET + 12;
export const STATEMENT: u32 = FIXED_OFFSET + 16;
export const FINGERPRINT: u32 = FIXED_OFFSET + 20;
export const DATABASE: u32 = FIXED_OFFSET + 24;
export const USER: u32 = FIXED_OFFSET + 28;
export const REQUEST_PAYLOAD: u32 = FIXED_OFFSET + 32;
/** One past the fixed fields of a request. */
export const REQUEST_FIXED_END: u32 = REQUEST_PAYLOAD + PAYLOAD_PLACE_BYTES;
/** Offsets of a response's fields. */
export const AFFECTED_ROWS: u32 = FIXED_OFFSET + 8;
export const LAST_INSERT_ID: u32 = FIXED_OFFSET + 16;
export const ROWS: u32 = FIXED_OFFSET + 24;
export const COLUMNS: u32 = FIXED_OFFSET + 32;
export const WARNINGS: u32 = FIXED_OFFSET + 36;
export const ERROR_CODE: u32 = FIXED_OFFSET + 38;
export const SQL_STATE: u32 = FIXED_OFFSET + 40;
export const ERROR_MESSAGE: u32 = FIXED_OFFSET + 44;
export const PREPARED_ID: u32 = FIXED_OFFSET + 48;
export const RESULTS: u32 = FIXED_OFFSET + 52;
/** Parameters of a statement that was prepared. */
export const PARAMETERS: u32 = FIXED_OFFSET + 56;
/** Bytes of the payload up to which names of columns may go, and their types (payload-rows.ts). */
export const NAMES_END: u32 = FIXED_OFFSET + 58;
export const TYPES_END: u32 = FIXED_OFFSET + 60;
export const RESPONSE_PAYLOAD: u32 = FIXED_OFFSET + 64;
/** One past the fixed fields of a response. */
export const RESPONSE_FIXED_END: u32 = RESPONSE_PAYLOAD + PAYLOAD_PLACE_BYTES;

/** Bytes of a text that are kept at the most. */
export const NAME_BYTES_MAX: u32 = 64;
export const ERROR_MESSAGE_BYTES_MAX: u32 = 256;
export const SQL_STATE_BYTES: u32 = 5;

/** Indexes of fields in `present`. */
export class MysqlField {
  static readonly BODY_BYTES: u32 = 0;
  static readonly COMMAND: u32 = 1;
  static readonly STATEMENT_ID: u32 = 2;
  static readonly STATEMENT: u32 = 3;
  static readonly FINGERPRINT: u32 = 4;
  static readonly DATABASE: u32 = 5;
  static readonly USER: u32 = 6;
  static readonly AFFECTED_ROWS: u32 = 1;
  static readonly LAST_INSERT_ID: u32 = 2;
  static readonly WARNINGS: u32 = 3;
  static readonly ROWS: u32 = 4;
  static readonly COLUMNS: u32 = 5;
  static readonly ERROR_CODE: u32 = 6;
  static readonly SQL_STATE: u32 = 7;
  static readonly ERROR_MESSAGE: u32 = 8;
  static readonly PREPARED_ID: u32 = 9;
  static readonly RESULTS: u32 = 10;
}

/** Declares them for protocol `number`. */
export function declareMysqlFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  declareField(number, request, MysqlField.COMMAND, FieldKind.NAME, COMMAND, "command", COMMAND_NAMES);
  declareField(number, request, MysqlField.STATEMENT, FieldKind.TEXT, STATEMENT, "statement", "");
  declareField(number, request, MysqlField.FINGERPRINT, FieldKind.TEXT, FINGERPRINT, "fingerprint", "");
  declareField(number, request, MysqlField.STATEMENT_ID, FieldKind.U32, STATEMENT_ID, "statementId", "");
  declareField(number, request, MysqlField.DATABASE, FieldKind.TEXT, DATABASE, "database", "");
  declareField(number, request, MysqlField.USER, FieldKind.TEXT, USER, "user", "");
  declareField(number, request, MysqlField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declarePayload(number, request, REQUEST_PAYLOAD);
  declareField(number, response, MysqlField.AFFECTED_ROWS, FieldKind.U64, AFFECTED_ROWS, "affectedRows", "");
  declareField(number, response, MysqlField.LAST_INSERT_ID, FieldKind.U64, LAST_INSERT_ID, "lastInsertId", "");
  declareField(number, response, MysqlField.WARNINGS, FieldKind.U16, WARNINGS, "warnings", "");
  declareField(number, response, MysqlField.ROWS, FieldKind.U64, ROWS, "rows", "");
  declareField(number, response, MysqlField.COLUMNS, FieldKind.U32, COLUMNS, "columns", "");
  declareField(number, response, MysqlField.RESULTS, FieldKind.U32, RESULTS, "results", "");
  declareField(number, response, MysqlField.PREPARED_ID, FieldKind.U32, PREPARED_ID, "statementId", "");
  declareField(number, response, MysqlField.ERROR_CODE, FieldKind.U16, ERROR_CODE, "errorCode", "");
  declareField(number, response, MysqlField.SQL_STATE, FieldKind.TEXT, SQL_STATE, "sqlState", "");
  declareField(number, response, MysqlField.ERROR_MESSAGE, FieldKind.TEXT, ERROR_MESSAGE, "errorMessage", "");
  declareField(number, response, MysqlField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declarePayload(number, response, RESPONSE_PAYLOAD);
}
