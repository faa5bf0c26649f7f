/** The fields of AMQP requests and responses and where they lie in a message: the same places on both sides. */
import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declarePayload, PAYLOAD_PLACE_BYTES } from "../shared/payload";
import { CLASS_NAMES, METHOD_NAMES } from "./methods";

/** The number that the protocol was declared with. */
export const AMQP: u32 = 8;

export const CHANNEL: u32 = FIXED_OFFSET;
export const CLASS: u32 = FIXED_OFFSET + 2;
export const METHOD: u32 = FIXED_OFFSET + 4;
/** Who sent it: 0 the client, 1 the server. */
export const SENDER: u32 = FIXED_OFFSET + 6;
export const DELIVERY_TAG: u32 = FIXED_OFFSET + 8;
export const BODY_BYTES: u32 = FIXED_OFFSET + 16;
export const EXCHANGE: u32 = FIXED_OFFSET + 24;
export const ROUTING_KEY: u32 = FIXED_OFFSET + 28;
export const QUEUE: u32 = FIXED_OFFSET + 32;
export const CONTENT_TYPE: u32 = FIXED_OFFSET + 36;
export const REPLY_CODE: u32 = FIXED_OFFSET + 40;
/** Not shown: the outcome of a request once its response is there, and bits of `RequestFlag`. */
export const OUTCOME: u32 = FIXED_OFFSET + 42;
export const REQUEST_FLAGS: u32 = FIXED_OFFSET + 43;
export const REPLY_TEXT: u32 = FIXED_OFFSET + 44;
export const MESSAGES: u32 = FIXED_OFFSET + 48;
export const CONSUMER_TAG: u32 = FIXED_OFFSET + 52;
/** Not shown: the sender's acknowledgement number and the sequence number when a request was sent. */
export const FLOOR: u32 = FIXED_OFFSET + 56;
export const SEQUENCE: u32 = FIXED_OFFSET + 60;
export const MULTIPLE: u32 = FIXED_OFFSET + 64;
export const CONTENT_ENCODING: u32 = FIXED_OFFSET + 68;
export const BODY: u32 = FIXED_OFFSET + 72;
/** One past the fixed fields. */
export const FIXED_END: u32 = BODY + PAYLOAD_PLACE_BYTES;

/** Bytes of a text that are kept at the most: a short string has no more. */
export const TEXT_BYTES_MAX: u32 = 255;
/** Bytes of a message's first block. */
export const MESSAGE_BYTES: u32 = 256;

/** Bits of REQUEST_FLAGS. */
export class RequestFlag {
  /** Nothing is to come: its bits say no-wait, or no-ack. */
  static readonly NO_ANSWER: u8 = 1;
  /** A publish whose place among those of its channel is not known. */
  static readonly UNNUMBERED: u8 = 2;
  /** Bytes of its sender were missing since: an answer may belong to a request that was not seen. */
  static readonly DOUBTFUL: u8 = 4;
  /** A consume whose deliveries need no ack. */
  static readonly NO_ACK: u8 = 8;
}

/** Indexes of fields in `present`. */
export class AmqpField {
  static readonly CALL: u32 = 0;
  static readonly DELIVERY_TAG: u32 = 1;
  static readonly BODY_BYTES: u32 = 2;
  static readonly EXCHANGE: u32 = 3;
  static readonly ROUTING_KEY: u32 = 4;
  static readonly QUEUE: u32 = 5;
  static readonly CONTENT_TYPE: u32 = 6;
  static readonly REPLY_CODE: u32 = 7;
  static readonly REPLY_TEXT: u32 = 8;
  static readonly MESSAGES: u32 = 9;
  static readonly CONSUMER_TAG: u32 = 10;
  static readonly MULTIPLE: u32 = 11;
  static readonly CONTENT_ENCODING: u32 = 12;
}

/** Declares them for protocol `number`. */
export function declareAmqpFields(number: u32): void {
  declareOf(number, Side.REQUEST);
  declareField(number, Side.REQUEST, AmqpField.CALL, FieldKind.NAME, SENDER, "sender", "0=client,1=server");
  declareOf(number, Side.RESPONSE);
  declareField(number, Side.RESPONSE, AmqpField.MULTIPLE, FieldKind.BOOL, MULTIPLE, "multiple", "");
  declareField(number, Side.RESPONSE, AmqpField.MESSAGES, FieldKind.U32, MESSAGES, "messageCount", "");
}

function declareOf(number: u32, side: u32): void {
  const text = FieldKind.TEXT;
  declareField(number, side, AmqpField.CALL, FieldKind.U16, CHANNEL, "channel", "");
  declareField(number, side, AmqpField.CALL, FieldKind.NAME, CLASS, "class", CLASS_NAMES);
  declareField(number, side, AmqpField.CALL, FieldKind.NAME, METHOD, "method", METHOD_NAMES);
  declareField(number, side, AmqpField.EXCHANGE, text, EXCHANGE, "exchange", "");
  declareField(number, side, AmqpField.ROUTING_KEY, text, ROUTING_KEY, "routingKey", "");
  declareField(number, side, AmqpField.QUEUE, text, QUEUE, "queue", "");
  declareField(number, side, AmqpField.CONSUMER_TAG, text, CONSUMER_TAG, "consumerTag", "");
  declareField(number, side, AmqpField.DELIVERY_TAG, FieldKind.U64, DELIVERY_TAG, "deliveryTag", "");
  declareField(number, side, AmqpField.CONTENT_TYPE, text, CONTENT_TYPE, "contentType", "");
  declareField(number, side, AmqpField.CONTENT_ENCODING, text, CONTENT_ENCODING, "contentEncoding", "");
  declareField(number, side, AmqpField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declareField(number, side, AmqpField.REPLY_CODE, FieldKind.U16, REPLY_CODE, "replyCode", "");
  declareField(number, side, AmqpField.REPLY_TEXT, text, REPLY_TEXT, "replyText", "");
  declarePayload(number, side, BODY);
}
