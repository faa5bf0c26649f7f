/** The fields of Kafka requests and responses and where they lie in a message. */

import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload } from "../shared/payload";
import { API_NAMES, ERROR_NAMES } from "./numbers";

/** The number that the protocol was declared with. */
export const KAFKA: u32 = 6;

/** Offsets of the fields that both sides have. */
export const CORRELATION_ID: u32 = FIXED_OFFSET;
export const BODY_BYTES: u32 = FIXED_OFFSET + 4;
export const RECORDS: u32 = FIXED_OFFSET + 8;
export const RECORD_BYTES: u32 = FIXED_OFFSET + 12;
/** Rows: topics of a request, partitions of a response. */
export const ROWS: u32 = FIXED_OFFSET + 16;
/** Offsets of a request's own fields. */
export const API_KEY: u32 = FIXED_OFFSET + 20;
export const API_VERSION: u32 = FIXED_OFFSET + 22;
export const CLIENT_ID: u32 = FIXED_OFFSET + 24;
export const GROUP_ID: u32 = FIXED_OFFSET + 28;
export const TRANSACTIONAL_ID: u32 = FIXED_OFFSET + 32;
export const ACKS: u32 = FIXED_OFFSET + 36;
export const PARTITIONS: u32 = FIXED_OFFSET + 40;
/** Offsets of a response's own fields. */
export const ERROR_CODE: u32 = FIXED_OFFSET + 20;
export const THROTTLE_MS: u32 = FIXED_OFFSET + 24;
export const ERRORS: u32 = FIXED_OFFSET + 28;
/** First bytes of the records, of both sides (payload.ts). */
export const BODY: u32 = FIXED_OFFSET + 44;
/** One past the fixed fields of either. */
export const FIXED_END: u32 = FIXED_OFFSET + 48;

/** Bytes of a text that are kept at the most; names of topics have 249. */
export const TEXT_BYTES_MAX: u32 = 255;
/** Bytes of a message's first block. */
export const MESSAGE_BYTES: u32 = 256;

/** Indexes of fields in `present`. */
export class KafkaField {
  static readonly CORRELATION_ID: u32 = 0;
  static readonly BODY_BYTES: u32 = 1;
  static readonly RECORDS: u32 = 2;
  static readonly RECORD_BYTES: u32 = 3;
  static readonly ROWS: u32 = 4;
  static readonly API: u32 = 5;
  static readonly CLIENT_ID: u32 = 6;
  static readonly GROUP_ID: u32 = 7;
  static readonly TRANSACTIONAL_ID: u32 = 8;
  static readonly ACKS: u32 = 9;
  static readonly PARTITIONS: u32 = 10;
  static readonly ERROR_CODE: u32 = 5;
  static readonly THROTTLE_MS: u32 = 6;
  static readonly ERRORS: u32 = 7;
  static readonly BODY: u32 = 13;
}

/** Declares them for protocol `number`. */
export function declareKafkaFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  const text = FieldKind.TEXT;
  declareField(number, request, KafkaField.API, FieldKind.U16, API_KEY, "apiKey", "");
  declareField(number, request, KafkaField.API, FieldKind.NAME, API_KEY, "apiName", API_NAMES);
  declareField(number, request, KafkaField.API, FieldKind.U16, API_VERSION, "apiVersion", "");
  declareField(number, request, KafkaField.CLIENT_ID, text, CLIENT_ID, "clientId", "");
  declareField(number, request, KafkaField.CORRELATION_ID, FieldKind.I32, CORRELATION_ID, "correlationId", "");
  declareField(number, request, KafkaField.ROWS, FieldKind.ROWS, ROWS, "topics", "topic:text,partitions:number");
  declareField(number, request, KafkaField.PARTITIONS, FieldKind.U32, PARTITIONS, "partitions", "");
  declareField(number, request, KafkaField.GROUP_ID, text, GROUP_ID, "groupId", "");
  declareField(number, request, KafkaField.TRANSACTIONAL_ID, text, TRANSACTIONAL_ID, "transactionalId", "");
  declareField(number, request, KafkaField.ACKS, FieldKind.I32, ACKS, "acks", "");
  declareOfBody(number, request);
  declareField(number, response, KafkaField.CORRELATION_ID, FieldKind.I32, CORRELATION_ID, "correlationId", "");
  declareField(number, response, KafkaField.ERROR_CODE, FieldKind.I32, ERROR_CODE, "errorCode", "");
  declareField(number, response, KafkaField.ERROR_CODE, FieldKind.NAME, ERROR_CODE, "errorName", ERROR_NAMES);
  declareField(number, response, KafkaField.ERRORS, FieldKind.U32, ERRORS, "errors", "");
  declareField(number, response, KafkaField.THROTTLE_MS, FieldKind.U32, THROTTLE_MS, "throttleMs", "");
  const columns = "topic:text,partition:integer,errorCode:integer,errorName:text";
  declareField(number, response, KafkaField.ROWS, FieldKind.ROWS, ROWS, "partitions", columns);
  declareOfBody(number, response);
}

function declareOfBody(number: u32, side: u32): void {
  declareField(number, side, KafkaField.RECORDS, FieldKind.U32, RECORDS, "records", "");
  declareField(number, side, KafkaField.RECORD_BYTES, FieldKind.U32, RECORD_BYTES, "recordBytes", "");
  declareField(number, side, KafkaField.BODY_BYTES, FieldKind.U32, BODY_BYTES, "bodyBytes", "");
  declarePayload(number, side, BODY);
}
