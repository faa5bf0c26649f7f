/** The fields of WebSocket connections and where they lie in a message: what the client sent, and in the same places the server. */
import { FIXED_OFFSET, Message } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { OPCODES } from "./frame";

/** The number that the protocol was declared with. */
export const WEBSOCKET: u32 = 12;

/** Frames, u32 each, and bytes of payload, u64 each, by opcode (frame.ts). */
export const FRAMES_BY: u32 = FIXED_OFFSET;
export const BYTES_BY: u32 = FIXED_OFFSET + 24;
/** Frames and payload of data in all, and the last frames of messages. */
export const BODY_BYTES: u32 = FIXED_OFFSET + 72;
export const FRAMES: u32 = FIXED_OFFSET + 80;
export const MESSAGES: u32 = FIXED_OFFSET + 84;
/** u16: the code of the side's close frame. */
export const CLOSE_CODE: u32 = FIXED_OFFSET + 88;
/** Texts of the request that began it. */
export const TARGET: u32 = FIXED_OFFSET + 92;
export const PATH: u32 = FIXED_OFFSET + 96;
export const HOST: u32 = FIXED_OFFSET + 100;
export const USER_AGENT: u32 = FIXED_OFFSET + 104;
/** One past the fixed fields. */
export const FIXED_END: u32 = FIXED_OFFSET + 108;

export const TARGET_BYTES_MAX: u32 = 1024;
export const HOST_BYTES_MAX: u32 = 255;
export const USER_AGENT_BYTES_MAX: u32 = 255;
/** Bytes of a message's first block: what the usual request needs. */
export const REQUEST_BYTES: u32 = 480;

/** Close codes (RFC 6455 section 7.4, and its registry). */
export class CloseCode {
  static readonly NORMAL: u32 = 1000;
  static readonly GOING_AWAY: u32 = 1001;
  /** Stands for a close frame without a code. */
  static readonly NONE: u32 = 1005;
}

const CLOSE_NAMES: string =
  "1000=normal closure,1001=going away,1002=protocol error,1003=unsupported data,1005=no status received,1007=invalid payload,1008=policy violation,1009=message too big,1010=mandatory extension,1011=internal error,1012=service restart,1013=try again later,1014=bad gateway,3000=unauthorized,3003=forbidden,3008=timeout";

/** Indexes of fields in `present`. */
export class WebSocketField {
  static readonly MESSAGES: u32 = 0;
  static readonly FRAMES: u32 = 1;
  static readonly BODY_BYTES: u32 = 2;
  static readonly CLOSE_CODE: u32 = 3;
  static readonly TARGET: u32 = 4;
  static readonly PATH: u32 = 5;
  static readonly HOST: u32 = 6;
  static readonly USER_AGENT: u32 = 7;
  /** Frames of each opcode but close, then bytes of each. */
  static readonly OPCODES: u32 = 8;
}

/** Declares them for protocol `number`. */
export function declareWebSocketFields(number: u32): void {
  assert(BYTES_BY == FRAMES_BY + OPCODES * 4 && BODY_BYTES == BYTES_BY + OPCODES * 8);
  const text = FieldKind.TEXT;
  declareField(number, Side.REQUEST, WebSocketField.HOST, text, HOST, "host", "");
  declareField(number, Side.REQUEST, WebSocketField.TARGET, text, TARGET, "target", "");
  declareField(number, Side.REQUEST, WebSocketField.PATH, text, PATH, "path", "");
  declareField(number, Side.REQUEST, WebSocketField.USER_AGENT, text, USER_AGENT, "userAgent", "");
  declareOfSide(number, Side.REQUEST);
  declareOfSide(number, Side.RESPONSE);
}

function declareOfSide(number: u32, side: u32): void {
  declareField(number, side, WebSocketField.MESSAGES, FieldKind.U32, MESSAGES, "messages", "");
  declareField(number, side, WebSocketField.FRAMES, FieldKind.U32, FRAMES, "frames", "");
  declareField(number, side, WebSocketField.BODY_BYTES, FieldKind.U64, BODY_BYTES, "bodyBytes", "");
  declareOpcode(number, side, 1, "textFrames", "textBytes");
  declareOpcode(number, side, 2, "binaryFrames", "binaryBytes");
  declareOpcode(number, side, 0, "continuationFrames", "continuationBytes");
  declareOpcode(number, side, 4, "pingFrames", "pingBytes");
  declareOpcode(number, side, 5, "pongFrames", "pongBytes");
  declareField(number, side, WebSocketField.CLOSE_CODE, FieldKind.U16, CLOSE_CODE, "closeCode", "");
  declareField(number, side, WebSocketField.CLOSE_CODE, FieldKind.NAME, CLOSE_CODE, "closeName", CLOSE_NAMES);
}

function declareOpcode(number: u32, side: u32, index: u32, frames: string, bytes: string): void {
  const bit = WebSocketField.OPCODES + index;
  declareField(number, side, bit, FieldKind.U32, FRAMES_BY + (index << 2), frames, "");
  declareField(number, side, bit + OPCODES, FieldKind.U64, BYTES_BY + (index << 3), bytes, "");
}

/** Notes that what a side sends is counted from here. */
export function knowCounts(message: Message): void {
  message.know(WebSocketField.MESSAGES);
  message.know(WebSocketField.FRAMES);
  message.know(WebSocketField.BODY_BYTES);
  for (let index: u32 = 0; index < 2 * OPCODES; index++) message.know(WebSocketField.OPCODES + index);
}
