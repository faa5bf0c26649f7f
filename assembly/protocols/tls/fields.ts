/** The fields of TLS handshakes and where they lie in a message. */

import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { ALERT_NAMES, CIPHER_NAMES, VERSION_NAMES } from "./numbers";

/** The number that the protocol was declared with. */
export const TLS: u32 = 11;

/** Offsets of what both sides have: numbers of 2 bytes. */
export const VERSION: u32 = FIXED_OFFSET;
export const ALERT: u32 = FIXED_OFFSET + 2;
export const ALPN: u32 = FIXED_OFFSET + 4;
/** Hash of the session identifier and its length: no fields, but what tells a resumption up to TLS 1.2. */
export const SESSION: u32 = FIXED_OFFSET + 8;
export const SESSION_LENGTH: u32 = FIXED_OFFSET + 16;
/** Offsets of a request's own fields. */
export const ECH: u32 = FIXED_OFFSET + 17;
export const SERVER_NAME: u32 = FIXED_OFFSET + 20;
export const JA3: u32 = FIXED_OFFSET + 24;
export const JA4: u32 = FIXED_OFFSET + 28;
export const REQUEST_FIXED_END: u32 = FIXED_OFFSET + 32;
/** Offsets of a response's own fields. */
export const RESUMED: u32 = FIXED_OFFSET + 17;
export const HELLO_RETRY: u32 = FIXED_OFFSET + 18;
export const CIPHER: u32 = FIXED_OFFSET + 20;
export const JA3S: u32 = FIXED_OFFSET + 24;
export const RESPONSE_FIXED_END: u32 = FIXED_OFFSET + 28;

/** Bytes of a text that are kept at the most. */
export const SERVER_NAME_BYTES_MAX: u32 = 255;
export const ALPN_BYTES_MAX: u32 = 255;
export const JA3_BYTES: u32 = 32;
export const JA4_BYTES: u32 = 36;

/** Bytes of a request's and a response's first block: what the usual one needs. */
export const REQUEST_BYTES: u32 = 250;
export const RESPONSE_BYTES: u32 = 176;

/** Indexes of fields in `present`. */
export class TlsField {
  static readonly VERSION: u32 = 0;
  static readonly ALPN: u32 = 1;
  static readonly ALERT: u32 = 2;
  static readonly ALERT_CODE: u32 = 3;
  static readonly SERVER_NAME: u32 = 4;
  static readonly JA3: u32 = 5;
  static readonly JA4: u32 = 6;
  static readonly ECH: u32 = 7;
  static readonly CIPHER: u32 = 4;
  static readonly JA3S: u32 = 5;
  static readonly RESUMED: u32 = 6;
  static readonly HELLO_RETRY: u32 = 7;
}

/** Declares them for protocol `number`. */
export function declareTlsFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  const text = FieldKind.TEXT;
  declareField(number, request, TlsField.VERSION, FieldKind.NAME, VERSION, "version", VERSION_NAMES);
  declareField(number, request, TlsField.SERVER_NAME, text, SERVER_NAME, "serverName", "");
  declareField(number, request, TlsField.ALPN, text, ALPN, "alpn", "");
  declareField(number, request, TlsField.JA3, text, JA3, "ja3", "");
  declareField(number, request, TlsField.JA4, text, JA4, "ja4", "");
  declareField(number, request, TlsField.ECH, FieldKind.BOOL, ECH, "ech", "");
  declareAlert(number, request);
  declareField(number, response, TlsField.VERSION, FieldKind.NAME, VERSION, "version", VERSION_NAMES);
  declareField(number, response, TlsField.CIPHER, FieldKind.NAME, CIPHER, "cipher", CIPHER_NAMES);
  declareField(number, response, TlsField.ALPN, text, ALPN, "alpn", "");
  declareField(number, response, TlsField.JA3S, text, JA3S, "ja3s", "");
  declareField(number, response, TlsField.RESUMED, FieldKind.BOOL, RESUMED, "resumed", "");
  declareField(number, response, TlsField.HELLO_RETRY, FieldKind.BOOL, HELLO_RETRY, "helloRetry", "");
  declareAlert(number, response);
}

function declareAlert(number: u32, side: u32): void {
  declareField(number, side, TlsField.ALERT, FieldKind.NAME, ALERT, "alert", ALERT_NAMES);
  declareField(number, side, TlsField.ALERT_CODE, FieldKind.U16, ALERT, "alertCode", "");
}
