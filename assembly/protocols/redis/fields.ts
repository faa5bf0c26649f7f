/** The fields of redis requests and responses and where they lie in a message. */
import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload, PAYLOAD_PLACE_BYTES } from "../shared/payload";

/** The number that the protocol was declared with. */
export const REDIS: u32 = 3;

/** Offsets of a request's fields. */
export const COMMAND: u32 = FIXED_OFFSET;
export const KEY: u32 = FIXED_OFFSET + 4;
export const KEYS: u32 = FIXED_OFFSET + 8;
export const ARGUMENT_COUNT: u32 = FIXED_OFFSET + 12;
export const DATABASE: u32 = FIXED_OFFSET + 16;
/** Replies that are still to come to it: a subscription has one a channel. */
export const REPLIES: u32 = FIXED_OFFSET + 20;
export const REQUEST_BODY_BYTES: u32 = FIXED_OFFSET + 24;
/** Sequence number of its first byte, and what the client had of the server's stream when it sent it. */
export const REQUEST_SEQUENCE: u32 = FIXED_OFFSET + 32;
export const FLOOR: u32 = FIXED_OFFSET + 36;
/** Bytes of their own: whether requests may be missing before it, its CommandKind, its KeyRule, whether keys were counted. */
export const AFTER_GAP: u32 = FIXED_OFFSET + 40;
export const KIND: u32 = FIXED_OFFSET + 41;
export const RULE: u32 = FIXED_OFFSET + 42;
/** Index of the argument behind which keys stand, where a word says so. */
export const KEYS_BEHIND: u32 = FIXED_OFFSET + 44;
/** One byte: nobody is to see what it carries, or what answers it. */
export const IS_SECRET: u32 = FIXED_OFFSET + 46;
export const REQUEST_PAYLOAD: u32 = FIXED_OFFSET + 48;
/** One past the fixed fields of a request. */
export const REQUEST_FIXED_END: u32 = REQUEST_PAYLOAD + PAYLOAD_PLACE_BYTES;

/** Offsets of a response's fields. */
export const TYPE: u32 = FIXED_OFFSET;
export const IS_NULL: u32 = FIXED_OFFSET + 2;
/** One byte: an element of it is an error. */
export const HOLDS_ERROR: u32 = FIXED_OFFSET + 3;
export const ELEMENTS: u32 = FIXED_OFFSET + 4;
export const RESPONSE_BODY_BYTES: u32 = FIXED_OFFSET + 8;
export const ERROR_CODE: u32 = FIXED_OFFSET + 16;
export const ERROR_MESSAGE: u32 = FIXED_OFFSET + 20;
/** Sequence number of its first byte. */
export const RESPONSE_SEQUENCE: u32 = FIXED_OFFSET + 24;
export const RESPONSE_PAYLOAD: u32 = FIXED_OFFSET + 32;
/** One past the fixed fields of a response. */
export const RESPONSE_FIXED_END: u32 = RESPONSE_PAYLOAD + PAYLOAD_PLACE_BYTES;

/** Bytes of a request's first block: what the usual one needs. */
export const REQUEST_BYTES: u32 = 256;

/** Bytes of a text that are kept at the most. */
export const COMMAND_BYTES_MAX: u32 = 32;
export const SUBCOMMAND_BYTES_MAX: u32 = 32;
export const KEY_TEXT_BYTES_MAX: u32 = 255;
export const ERROR_CODE_BYTES_MAX: u32 = 32;
export const ERROR_MESSAGE_BYTES_MAX: u32 = 255;

/** Bytes of all texts of a request, and of a response. */
export const REQUEST_TEXT_BYTES_MAX: u32 = COMMAND_BYTES_MAX + 1 + SUBCOMMAND_BYTES_MAX + KEY_TEXT_BYTES_MAX;
export const RESPONSE_TEXT_BYTES_MAX: u32 = ERROR_CODE_BYTES_MAX + ERROR_MESSAGE_BYTES_MAX;

/** Types of a response, by the RESP specification's names. */
export class ReplyType {
  static readonly SIMPLE_STRING: u32 = 1;
  static readonly ERROR: u32 = 2;
  static readonly INTEGER: u32 = 3;
  static readonly BULK_STRING: u32 = 4;
  static readonly ARRAY: u32 = 5;
  static readonly NULL: u32 = 6;
  static readonly BOOLEAN: u32 = 7;
  static readonly DOUBLE: u32 = 8;
  static readonly BIG_NUMBER: u32 = 9;
  static readonly BULK_ERROR: u32 = 10;
  static readonly VERBATIM_STRING: u32 = 11;
  static readonly MAP: u32 = 12;
  static readonly SET: u32 = 13;
  static readonly PUSH: u32 = 14;
}

const TYPE_NAMES: string =
  "1=simple string,2=error,3=integer,4=bulk string,5=array,6=null,7=boolean,8=double,9=big number,10=bulk error,11=verbatim string,12=map,13=set,14=push";

/** Indexes of fields in `present`. */
export class RedisField {
  static readonly BODY_BYTES: u32 = 0;
  static readonly COMMAND: u32 = 1;
  static readonly KEY: u32 = 2;
  static readonly KEYS: u32 = 3;
  static readonly ARGUMENT_COUNT: u32 = 4;
  static readonly DATABASE: u32 = 5;
  static readonly TYPE: u32 = 1;
  static readonly ELEMENTS: u32 = 2;
  static readonly IS_NULL: u32 = 3;
  static readonly ERROR_CODE: u32 = 4;
  static readonly ERROR_MESSAGE: u32 = 5;
}

/** Declares them for protocol `number`. */
export function declareRedisFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  declareField(number, request, RedisField.COMMAND, FieldKind.TEXT, COMMAND, "command", "");
  declareField(number, request, RedisField.KEY, FieldKind.TEXT, KEY, "key", "");
  declareField(number, request, RedisField.KEYS, FieldKind.U32, KEYS, "keys", "");
  declareField(number, request, RedisField.ARGUMENT_COUNT, FieldKind.U32, ARGUMENT_COUNT, "argumentCount", "");
  declareField(number, request, RedisField.DATABASE, FieldKind.U32, DATABASE, "database", "");
  declareField(number, request, RedisField.BODY_BYTES, FieldKind.U64, REQUEST_BODY_BYTES, "bodyBytes", "");
  declarePayload(number, request, REQUEST_PAYLOAD);
  declareField(number, response, RedisField.TYPE, FieldKind.NAME, TYPE, "type", TYPE_NAMES);
  declareField(number, response, RedisField.ELEMENTS, FieldKind.U32, ELEMENTS, "elements", "");
  declareField(number, response, RedisField.IS_NULL, FieldKind.BOOL, IS_NULL, "isNull", "");
  declareField(number, response, RedisField.ERROR_CODE, FieldKind.TEXT, ERROR_CODE, "errorCode", "");
  declareField(number, response, RedisField.ERROR_MESSAGE, FieldKind.TEXT, ERROR_MESSAGE, "errorMessage", "");
  declareField(number, response, RedisField.BODY_BYTES, FieldKind.U64, RESPONSE_BODY_BYTES, "bodyBytes", "");
  declarePayload(number, response, RESPONSE_PAYLOAD);
}
