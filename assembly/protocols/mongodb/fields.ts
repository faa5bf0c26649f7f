/** The fields of MongoDB requests and responses and where they lie in a message. */

import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload, PAYLOAD_PLACE_BYTES } from "../shared/payload";
import { COMPRESSOR_NAMES, OPCODE_NAMES } from "./header";

/** The number that the protocol was declared with. */
export const MONGODB: u32 = 7;

/** Offsets of the fields that both sides have. */
export const OPCODE: u32 = FIXED_OFFSET;
export const COMPRESSOR: u32 = FIXED_OFFSET + 2;
export const REQUEST_ID: u32 = FIXED_OFFSET + 4;
export const DOCUMENTS: u32 = FIXED_OFFSET + 8;
export const BODY_BYTES: u32 = FIXED_OFFSET + 12;
/** Offsets of a request's own fields. */
export const DATABASE: u32 = FIXED_OFFSET + 16;
export const COLLECTION: u32 = FIXED_OFFSET + 20;
export const COMMAND: u32 = FIXED_OFFSET + 24;
/** One byte: no response comes, by the request's own word. */
export const NO_RESPONSE: u32 = FIXED_OFFSET + 28;
/** One byte: what comes back holds the result of a command. */
export const IS_COMMAND: u32 = FIXED_OFFSET + 29;
/** One byte: nobody is to see what it carries, or what answers it. */
export const IS_SECRET: u32 = FIXED_OFFSET + 30;
/** Offsets of a response's own fields. */
export const OK: u32 = FIXED_OFFSET + 16;
export const CODE: u32 = FIXED_OFFSET + 20;
export const CODE_NAME: u32 = FIXED_OFFSET + 24;
export const ERROR_MESSAGE: u32 = FIXED_OFFSET + 28;
export const CURSOR_ID: u32 = FIXED_OFFSET + 32;
export const REPLIES: u32 = FIXED_OFFSET + 36;
/** One byte: it says itself that it is an error. */
export const IS_FAILED: u32 = FIXED_OFFSET + 40;
/** What is behind the header, of both sides (payload.ts). */
export const PAYLOAD: u32 = FIXED_OFFSET + 44;
/** One past the fixed fields of either. */
export const FIXED_END: u32 = PAYLOAD + PAYLOAD_PLACE_BYTES;

/** Bytes of a text that are kept at the most. */
export const TEXT_BYTES_MAX: u32 = 255;
/** Bytes of all texts of a message at the most. */
export const ALL_TEXT_BYTES_MAX: u32 = 3 * TEXT_BYTES_MAX;
/** Bytes of a message's first block. */
export const MESSAGE_BYTES: u32 = 256;

/** Indexes of fields in `present`. */
export class MongoField {
  static readonly OPCODE: u32 = 0;
  static readonly COMPRESSOR: u32 = 1;
  static readonly REQUEST_ID: u32 = 2;
  static readonly DOCUMENTS: u32 = 3;
  static readonly BODY_BYTES: u32 = 4;
  static readonly DATABASE: u32 = 5;
  static readonly COLLECTION: u32 = 6;
  static readonly COMMAND: u32 = 7;
  static readonly OK: u32 = 5;
  static readonly CODE: u32 = 6;
  static readonly CODE_NAME: u32 = 7;
  static readonly ERROR_MESSAGE: u32 = 8;
  static readonly CURSOR_ID: u32 = 9;
  static readonly REPLIES: u32 = 10;
}

/** Declares them for protocol `number`. */
export function declareMongoFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  const text = FieldKind.TEXT;
  declareShared(number, request);
  declareField(number, request, MongoField.DATABASE, text, DATABASE, "database", "");
  declareField(number, request, MongoField.COLLECTION, text, COLLECTION, "collection", "");
  declareField(number, request, MongoField.COMMAND, text, COMMAND, "command", "");
  declarePayload(number, request, PAYLOAD);
  declareShared(number, response);
  declareField(number, response, MongoField.OK, FieldKind.I32, OK, "ok", "");
  declareField(number, response, MongoField.CODE, FieldKind.I32, CODE, "code", "");
  declareField(number, response, MongoField.CODE_NAME, text, CODE_NAME, "codeName", "");
  declareField(number, response, MongoField.ERROR_MESSAGE, text, ERROR_MESSAGE, "message", "");
  declareField(number, response, MongoField.CURSOR_ID, text, CURSOR_ID, "cursorId", "");
  declareField(number, response, MongoField.REPLIES, FieldKind.U32, REPLIES, "replies", "");
  declarePayload(number, response, PAYLOAD);
}

function declareShared(number: u32, side: u32): void {
  declareField(number, side, MongoField.OPCODE, FieldKind.NAME, OPCODE, "opCode", OPCODE_NAMES);
  declareField(number, side, MongoField.COMPRESSOR, FieldKind.NAME, COMPRESSOR, "compressor", COMPRESSOR_NAMES);
  declareField(number, side, MongoField.REQUEST_ID, FieldKind.I32, REQUEST_ID, "requestId", "");
  declareField(number, side, MongoField.DOCUMENTS, FieldKind.U32, DOCUMENTS, "documents", "");
  declareField(number, side, MongoField.BODY_BYTES, FieldKind.U32, BODY_BYTES, "bodyBytes", "");
}
