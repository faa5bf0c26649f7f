/** The fields of HTTP requests and responses and where they lie in a message. */

import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declareContent } from "../shared/content";

/** Offsets of the fields that both sides have. */
export const VERSION: u32 = FIXED_OFFSET;
export const CONTENT_TYPE: u32 = FIXED_OFFSET + 4;
export const CONTENT_LENGTH: u32 = FIXED_OFFSET + 8;
export const BODY_BYTES: u32 = FIXED_OFFSET + 16;
/** One byte: not all of its headers were captured. */
export const PARTIAL: u32 = FIXED_OFFSET + 24;
/** A request's method as a number (method.ts); one byte: it waits for a go-ahead before it sends its body. */
export const METHOD_NUMBER: u32 = FIXED_OFFSET + 25;
export const EXPECTS: u32 = FIXED_OFFSET + 26;
/** The Successor that a response switches to, in the same place. */
export const SUCCESSOR: u32 = FIXED_OFFSET + 26;
/** Offsets of a request's own fields. */
export const METHOD: u32 = FIXED_OFFSET + 28;
export const TARGET: u32 = FIXED_OFFSET + 32;
export const PATH: u32 = FIXED_OFFSET + 36;
export const HOST: u32 = FIXED_OFFSET + 40;
export const USER_AGENT: u32 = FIXED_OFFSET + 44;
export const TRACEPARENT: u32 = FIXED_OFFSET + 48;
/** The place of what is kept of both sides where the host asks for it (shared/content.ts). */
export const CONTENT: u32 = FIXED_OFFSET + 52;
/** One past the fixed fields of a request. */
export const REQUEST_FIXED_END: u32 = FIXED_OFFSET + 68;
/** Offsets of a response's own fields, below those of what is kept. */
export const STATUS_CODE: u32 = FIXED_OFFSET + 28;
export const INTERIM: u32 = FIXED_OFFSET + 32;
export const REASON: u32 = FIXED_OFFSET + 36;
/** One past the fixed fields of a response. */
export const RESPONSE_FIXED_END: u32 = FIXED_OFFSET + 68;

/** Bytes of a text that are kept at the most. */
export const METHOD_BYTES_MAX: u32 = 32;
export const TARGET_BYTES_MAX: u32 = 1024;
export const HOST_BYTES_MAX: u32 = 255;
export const USER_AGENT_BYTES_MAX: u32 = 255;
export const CONTENT_TYPE_BYTES_MAX: u32 = 127;
export const TRACEPARENT_BYTES_MAX: u32 = 63;
export const REASON_BYTES_MAX: u32 = 63;
export const VERSION_BYTES_MAX: u32 = 8;

/** The number that the protocol was declared with. */
export const HTTP: u32 = 2;
/** Bytes of a request's and a response's first block: what the usual one needs. */
export const REQUEST_BYTES: u32 = 480;
export const RESPONSE_BYTES: u32 = 256;

/** Indexes of fields in `present`. */
export class HttpField {
  static readonly VERSION: u32 = 0;
  static readonly CONTENT_TYPE: u32 = 1;
  static readonly CONTENT_LENGTH: u32 = 2;
  static readonly BODY_BYTES: u32 = 3;
  static readonly PARTIAL: u32 = 4;
  static readonly METHOD: u32 = 5;
  static readonly TARGET: u32 = 6;
  static readonly PATH: u32 = 7;
  static readonly HOST: u32 = 8;
  static readonly USER_AGENT: u32 = 9;
  static readonly TRACEPARENT: u32 = 10;
  static readonly STATUS_CODE: u32 = 5;
  static readonly REASON: u32 = 6;
  static readonly INTERIM: u32 = 7;
}

/** Declares them for protocol `number`. */
export function declareHttpFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  const text = FieldKind.TEXT;
  declareField(number, request, HttpField.METHOD, text, METHOD, "method", "");
  declareField(number, request, HttpField.TARGET, text, TARGET, "target", "");
  declareField(number, request, HttpField.PATH, text, PATH, "path", "");
  declareField(number, request, HttpField.VERSION, text, VERSION, "version", "");
  declareField(number, request, HttpField.HOST, text, HOST, "host", "");
  declareField(number, request, HttpField.USER_AGENT, text, USER_AGENT, "userAgent", "");
  declareField(number, request, HttpField.TRACEPARENT, text, TRACEPARENT, "traceparent", "");
  declareOfContent(number, request);
  declareField(number, response, HttpField.STATUS_CODE, FieldKind.U32, STATUS_CODE, "statusCode", "");
  declareField(number, response, HttpField.REASON, text, REASON, "reason", "");
  declareField(number, response, HttpField.VERSION, text, VERSION, "version", "");
  declareField(number, response, HttpField.INTERIM, FieldKind.NUMBERS, INTERIM, "informational", "");
  declareOfContent(number, response);
}

function declareOfContent(number: u32, side: u32): void {
  declareField(number, side, HttpField.CONTENT_TYPE, FieldKind.TEXT, CONTENT_TYPE, "contentType", "");
  declareField(number, side, HttpField.CONTENT_LENGTH, FieldKind.U64, CONTENT_LENGTH, "contentLength", "");
  declareField(number, side, HttpField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declareField(number, side, HttpField.PARTIAL, FieldKind.BOOL, PARTIAL, "partial", "");
  declareContent(number, side, CONTENT);
}
