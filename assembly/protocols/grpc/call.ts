/**
 * A call: what its path names, how it went, and what kind it was.
 *
 * The kind is not on the wire; it is told by the messages that each side sent: a stream of one message looks like a unary call.
 */
import { Mark, Status } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import * as H from "../http2/fields";
import * as F from "./fields";

const SLASH: u8 = 47;
const QUERY: u8 = 63;
const ERRORS_FROM: u32 = 400;

/** The guest's begin: the names of service and method, which are parts of the path, "/service/method". */
export function nameCall(request: Message): void {
  const start = request.textStart(H.PATH);
  const whole = request.textLength(H.PATH);
  // A query, which is there where it was asked for, names nothing.
  let length: u32 = 0;
  while (length < whole && load<u8>(start + length) != QUERY) length += 1;
  if (!request.knows(H.Http2Field.PATH) || length < 3 || load<u8>(start) != SLASH) return;
  let slash = length - 1;
  while (slash > 0 && load<u8>(start + slash) != SLASH) slash -= 1;
  if (slash < 2 || slash + 1 >= length) return;
  const base = changetype<usize>(request);
  const offset = <u32>load<u16>(base + H.PATH);
  store<u16>(base, offset + 1, F.SERVICE);
  store<u16>(base, slash - 1, F.SERVICE + 2);
  store<u16>(base, offset + slash + 1, F.METHOD);
  store<u16>(base, length - slash - 1, F.METHOD + 2);
  request.know(F.GrpcField.SERVICE);
  request.know(F.GrpcField.METHOD);
}

/**
 * The guest's outcome: by grpc-status; an HTTP error without one is an error, and so is a response that ended without one, where
 * nothing of it was lost.
 */
export function callOutcome(_request: usize, response: usize, otherwise: u32): u32 {
  if (response == 0) return otherwise;
  const answer = changetype<Message>(response);
  if (answer.knows(F.GrpcField.STATUS)) return load<u32>(response, H.GUEST_STATUS) == 0 ? Status.OK : Status.ERROR;
  if (answer.knows(H.Http2Field.STATUS_CODE) && load<u32>(response, H.STATUS_CODE) >= ERRORS_FROM) return Status.ERROR;
  if (answer.marks & (Mark.GAP | Mark.INCOMPLETE) || answer.knows(H.Http2Field.PARTIAL)) return otherwise;
  return Status.ERROR;
}

/** The guest's end: what can be told only now. */
export function endCall(request: usize, response: usize): void {
  const asked = changetype<Message>(request);
  if (!asked.knows(F.GrpcField.SERVICE)) nameCall(asked);
  noteMessages(asked);
  if (response == 0) return;
  const answer = changetype<Message>(response);
  noteMessages(answer);
  if (Settings.headers && answer.knows(H.Http2Field.TRAILERS)) answer.know(F.GrpcField.TRAILERS);
  noteKind(asked, request, response);
}

/** A body that was seen whole has a number of messages, 0 too. */
function noteMessages(message: Message): void {
  const base = changetype<usize>(message);
  if (load<u8>(base, F.LOST) != 0 || !message.knows(H.Http2Field.BODY_BYTES)) return;
  message.know(F.GrpcField.MESSAGES);
  message.know(F.GrpcField.MESSAGE_BYTES);
  if (load<u32>(base, F.MESSAGES) != 0) message.know(F.GrpcField.COMPRESSED);
}

function noteKind(asked: Message, request: usize, response: usize): void {
  const requests = load<u32>(request, F.MESSAGES);
  const responses = load<u32>(response, F.MESSAGES);
  // Of what was given up there may have been more to come.
  const isReset = asked.knows(H.Http2Field.RESET);
  if (requests + responses == 0 || !isSettled(asked, requests, isReset)) return;
  if (!isSettled(changetype<Message>(response), responses, isReset)) return;
  const kind: u32 = (requests > 1 ? CallBits.CLIENT : 0) | (responses > 1 ? CallBits.SERVER : 0);
  store<u16>(request, kind, F.KIND);
  asked.know(F.GrpcField.KIND);
}

/** Whether a side that sent `count` messages is known to send one at the most, or more. */
function isSettled(message: Message, count: u32, isReset: bool): bool {
  return count > 1 || (!isReset && !(message.marks & Mark.INCOMPLETE) && message.knows(F.GrpcField.MESSAGES));
}

/** Kinds as bits: who sends more than one message. */
class CallBits {
  static readonly CLIENT: u32 = F.CallKind.CLIENT_STREAM;
  static readonly SERVER: u32 = F.CallKind.SERVER_STREAM;
}
