/** The fields of gRPC requests and responses beside those of their HTTP/2 streams, and where they lie. */
import { declareField, FieldKind, Side } from "../field";
import * as H from "../http2/fields";

/** Messages that began, the bytes of the one in progress that are to come, bytes of all. */
export const MESSAGES: u32 = H.GUEST;
export const LEFT: u32 = H.GUEST + 4;
export const MESSAGE_BYTES: u32 = H.GUEST + 8;
/** Bytes of the prefix in progress that came, and its length as far as it came. */
export const PREFIX_COUNT: u32 = H.GUEST + 16;
/** One byte: whether the place in the messages is lost. */
export const LOST: u32 = H.GUEST + 17;
export const COMPRESSED: u32 = H.GUEST + 18;
export const PREFIX: u32 = H.GUEST + 20;
/** A request's own: the number of its kind, and two texts that lie in its path. */
export const KIND: u32 = H.GUEST_KIND;
export const SERVICE: u32 = H.GUEST_TEXTS;
export const METHOD: u32 = H.GUEST_TEXTS + 4;

/** The number that the protocol was declared with. */
export const GRPC: u32 = 10;

/** Indexes of fields in `present`. */
export class GrpcField {
  /** Known where header fields are kept. */
  static readonly TRAILERS: u32 = H.Http2Field.GUEST_TRAILERS;
  static readonly STATUS: u32 = H.Http2Field.GUEST_STATUS;
  static readonly MESSAGE: u32 = H.Http2Field.GUEST_MESSAGE;
  static readonly TIMEOUT: u32 = H.Http2Field.GUEST_TIMEOUT;
  static readonly ENCODING: u32 = H.Http2Field.GUEST_ENCODING;
  static readonly MESSAGES: u32 = H.Http2Field.GUEST_FIRST;
  static readonly MESSAGE_BYTES: u32 = H.Http2Field.GUEST_FIRST + 1;
  static readonly COMPRESSED: u32 = H.Http2Field.GUEST_FIRST + 2;
  static readonly KIND: u32 = H.Http2Field.GUEST_FIRST + 3;
  static readonly SERVICE: u32 = H.Http2Field.GUEST_FIRST + 4;
  static readonly METHOD: u32 = H.Http2Field.GUEST_FIRST + 5;
}

/** Names of the status codes. */
export const STATUS_NAMES: string =
  "0=OK,1=CANCELLED,2=UNKNOWN,3=INVALID_ARGUMENT,4=DEADLINE_EXCEEDED,5=NOT_FOUND,6=ALREADY_EXISTS,7=PERMISSION_DENIED,8=RESOURCE_EXHAUSTED,9=FAILED_PRECONDITION,10=ABORTED,11=OUT_OF_RANGE,12=UNIMPLEMENTED,13=INTERNAL,14=UNAVAILABLE,15=DATA_LOSS,16=UNAUTHENTICATED";

/** Kinds of calls, by who sends more than one message. */
export class CallKind {
  static readonly UNARY: u32 = 0;
  static readonly CLIENT_STREAM: u32 = 1;
  static readonly SERVER_STREAM: u32 = 2;
  static readonly BIDIRECTIONAL: u32 = 3;
}

const KIND_NAMES: string = "0=unary,1=client-stream,2=server-stream,3=bidirectional";

/** Declares them for protocol `number`. */
export function declareGrpcFields(number: u32): void {
  const request = Side.REQUEST;
  const response = Side.RESPONSE;
  declareField(number, request, GrpcField.SERVICE, FieldKind.TEXT, SERVICE, "service", "");
  declareField(number, request, GrpcField.METHOD, FieldKind.TEXT, METHOD, "method", "");
  declareField(number, request, GrpcField.KIND, FieldKind.NAME, KIND, "kind", KIND_NAMES);
  declareField(number, request, GrpcField.TIMEOUT, FieldKind.TEXT, H.GUEST_TIMEOUT, "timeout", "");
  declareOfMessages(number, request);
  H.declareStreamFields(number);
  declareField(number, response, GrpcField.STATUS, FieldKind.U16, H.GUEST_STATUS, "grpcStatus", "");
  declareField(number, response, GrpcField.STATUS, FieldKind.NAME, H.GUEST_STATUS, "grpcStatusName", STATUS_NAMES);
  declareField(number, response, GrpcField.MESSAGE, FieldKind.TEXT, H.GUEST_MESSAGE, "grpcMessage", "");
  declareField(number, response, H.Http2Field.STATUS_CODE, FieldKind.U32, H.STATUS_CODE, "httpStatus", "");
  declareOfMessages(number, response);
  declareField(number, response, GrpcField.TRAILERS, FieldKind.ROWS, H.TRAILERS, "trailers", "name:text,value:text");
}

function declareOfMessages(number: u32, side: u32): void {
  declareField(number, side, GrpcField.ENCODING, FieldKind.TEXT, H.GUEST_ENCODING, "encoding", "");
  declareField(number, side, GrpcField.MESSAGES, FieldKind.U32, MESSAGES, "messages", "");
  declareField(number, side, GrpcField.MESSAGE_BYTES, FieldKind.U64, MESSAGE_BYTES, "messageBytes", "");
  declareField(number, side, GrpcField.COMPRESSED, FieldKind.BOOL, COMPRESSED, "compressed", "");
}
