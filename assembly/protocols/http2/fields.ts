/**
 * The fields of requests and responses in HTTP/2 streams, and where they lie in a message.
 *
 * A protocol inside streams (guest.ts) has the same layout and its own fields behind these.
 */
import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { declareContent } from "../shared/content";

/** Offsets of the fields that both sides have. */
export const STREAM_ID: u32 = FIXED_OFFSET;
export const CONTENT_TYPE: u32 = FIXED_OFFSET + 4;
export const BODY_BYTES: u32 = FIXED_OFFSET + 8;
/** StreamFlag bits of a request, one byte. */
export const STREAM_FLAGS: u32 = FIXED_OFFSET + 16;
/** One byte: not all of its headers were understood. */
export const PARTIAL: u32 = FIXED_OFFSET + 17;
/** A request's RST_STREAM or GOAWAY code. */
export const RESET_CODE: u32 = FIXED_OFFSET + 18;
/** Offsets of a request's own fields. */
export const METHOD: u32 = FIXED_OFFSET + 20;
export const SCHEME: u32 = FIXED_OFFSET + 24;
export const AUTHORITY: u32 = FIXED_OFFSET + 28;
export const PATH: u32 = FIXED_OFFSET + 32;
export const USER_AGENT: u32 = FIXED_OFFSET + 36;
export const TRACEPARENT: u32 = FIXED_OFFSET + 40;
/** The response of a request that waits, by address. */
export const RESPONSE: u32 = FIXED_OFFSET + 44;
export const PUSHED: u32 = FIXED_OFFSET + 48;
/** A guest's number of what kind it is. */
export const GUEST_KIND: u32 = FIXED_OFFSET + 50;
/** Offsets of a response's own fields. */
export const STATUS_CODE: u32 = FIXED_OFFSET + 20;
export const TRAILERS: u32 = FIXED_OFFSET + 24;
/** The place of what is kept of a response where the host asks for it (shared/content.ts). */
export const RESPONSE_CONTENT: u32 = FIXED_OFFSET + 28;
/** A guest's texts and numbers: those of its headers and trailers, then its messages in the body. */
export const GUEST_STATUS: u32 = FIXED_OFFSET + 52;
export const GUEST_MESSAGE: u32 = FIXED_OFFSET + 56;
export const GUEST_TIMEOUT: u32 = FIXED_OFFSET + 52;
export const GUEST_ENCODING: u32 = FIXED_OFFSET + 60;
export const GUEST: u32 = FIXED_OFFSET + 64;
/** A request's texts of a guest, two, then the place of what is kept of a request. */
export const GUEST_TEXTS: u32 = GUEST + 24;
export const REQUEST_CONTENT: u32 = GUEST + 32;
/** A response's fields that wait for the table (waiting.ts): how many, one byte, and where they are, u16 each; behind a guest's own. */
export const WAITING_COUNT: u32 = GUEST + 24;
export const WAITING: u32 = GUEST + 26;
export const WAITING_MAX: u32 = 11;
/** One past the fixed fields, a guest's included. */
export const FIXED_END: u32 = FIXED_OFFSET + 112;

/** Bytes of a text that are kept at the most. */
export const METHOD_BYTES_MAX: u32 = 32;
export const SCHEME_BYTES_MAX: u32 = 16;
export const AUTHORITY_BYTES_MAX: u32 = 255;
export const PATH_BYTES_MAX: u32 = 1024;
export const USER_AGENT_BYTES_MAX: u32 = 255;
export const CONTENT_TYPE_BYTES_MAX: u32 = 127;
export const TRACEPARENT_BYTES_MAX: u32 = 63;
export const GUEST_MESSAGE_BYTES_MAX: u32 = 255;
export const GUEST_TEXT_BYTES_MAX: u32 = 32;
/** The same of a value in trailers, and of all trailers of a response. */
export const TRAILER_BYTES_MAX: u32 = 256;
export const TRAILERS_BYTES_MAX: u32 = 1024;
/** Bytes that a body which is kept leaves to them. */
export const TRAILERS_ROOM: u32 = 512;

/** The number that the protocol was declared with. */
export const HTTP2: u32 = 9;
/** Bytes of a request's and a response's first block: what the usual one needs. */
export const REQUEST_BYTES: u32 = 480;
export const RESPONSE_BYTES: u32 = 256;

/** Bits of STREAM_FLAGS. */
export class StreamFlag {
  /** The request has ended. */
  static readonly REQUEST_ENDED: u32 = 1;
  /** Nothing of the request was seen: it stands for the stream. */
  static readonly UNSEEN: u32 = 2;
  /** Bytes of the server were missing since: the answer, or its end, may have been among them. */
  static readonly DOUBTFUL: u32 = 4;
  /** The response's header block is being read. */
  static readonly ANSWERING: u32 = 8;
  /** It has ended, and waits to be reported for what its response's fields are (waiting.ts). */
  static readonly WAITING: u32 = 16;
}

/** Indexes of fields in `present`. */
export class Http2Field {
  static readonly STREAM_ID: u32 = 0;
  static readonly CONTENT_TYPE: u32 = 1;
  static readonly BODY_BYTES: u32 = 2;
  static readonly PARTIAL: u32 = 3;
  static readonly METHOD: u32 = 4;
  static readonly SCHEME: u32 = 5;
  static readonly AUTHORITY: u32 = 6;
  static readonly PATH: u32 = 7;
  static readonly USER_AGENT: u32 = 8;
  static readonly TRACEPARENT: u32 = 9;
  static readonly RESET: u32 = 10;
  static readonly PUSHED: u32 = 11;
  static readonly STATUS_CODE: u32 = 4;
  static readonly TRAILERS: u32 = 5;
  /** A guest's own, from here on. */
  static readonly GUEST_TRAILERS: u32 = 15;
  static readonly GUEST_STATUS: u32 = 16;
  static readonly GUEST_MESSAGE: u32 = 17;
  static readonly GUEST_TIMEOUT: u32 = 16;
  static readonly GUEST_ENCODING: u32 = 18;
  static readonly GUEST_FIRST: u32 = 19;
}

/** Error codes (RFC 9113 section 7). */
export const ERROR_NAMES: string =
  "0=NO_ERROR,1=PROTOCOL_ERROR,2=INTERNAL_ERROR,3=FLOW_CONTROL_ERROR,4=SETTINGS_TIMEOUT,5=STREAM_CLOSED,6=FRAME_SIZE_ERROR,7=REFUSED_STREAM,8=CANCEL,9=COMPRESSION_ERROR,10=CONNECT_ERROR,11=ENHANCE_YOUR_CALM,12=INADEQUATE_SECURITY,13=HTTP_1_1_REQUIRED";

/** Declares the fields of both sides that streams of protocol `number` have, whatever they carry. */
export function declareStreamFields(number: u32): void {
  const request = Side.REQUEST;
  const text = FieldKind.TEXT;
  declareField(number, request, Http2Field.STREAM_ID, FieldKind.U32, STREAM_ID, "streamId", "");
  declareField(number, request, Http2Field.AUTHORITY, text, AUTHORITY, "authority", "");
  declareField(number, request, Http2Field.USER_AGENT, text, USER_AGENT, "userAgent", "");
  declareField(number, request, Http2Field.TRACEPARENT, text, TRACEPARENT, "traceparent", "");
  declareField(number, request, Http2Field.RESET, FieldKind.NAME, RESET_CODE, "reset", ERROR_NAMES);
  declareOfContent(number, request);
  declareContent(number, request, REQUEST_CONTENT);
  declareField(number, Side.RESPONSE, Http2Field.STREAM_ID, FieldKind.U32, STREAM_ID, "streamId", "");
  declareOfContent(number, Side.RESPONSE);
  declareContent(number, Side.RESPONSE, RESPONSE_CONTENT);
}

function declareOfContent(number: u32, side: u32): void {
  declareField(number, side, Http2Field.CONTENT_TYPE, FieldKind.TEXT, CONTENT_TYPE, "contentType", "");
  declareField(number, side, Http2Field.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declareField(number, side, Http2Field.PARTIAL, FieldKind.BOOL, PARTIAL, "partial", "");
}

/** Declares those of HTTP/2 for protocol `number`. */
export function declareHttp2Fields(number: u32): void {
  const request = Side.REQUEST;
  const text = FieldKind.TEXT;
  declareField(number, request, Http2Field.METHOD, text, METHOD, "method", "");
  declareField(number, request, Http2Field.SCHEME, text, SCHEME, "scheme", "");
  declareField(number, request, Http2Field.PATH, text, PATH, "path", "");
  declareField(number, request, Http2Field.PUSHED, FieldKind.BOOL, PUSHED, "pushed", "");
  declareField(number, Side.RESPONSE, Http2Field.STATUS_CODE, FieldKind.U32, STATUS_CODE, "statusCode", "");
  declareField(number, Side.RESPONSE, Http2Field.TRAILERS, FieldKind.ROWS, TRAILERS, "trailers", "name:text,value:text");
  declareStreamFields(number);
}
