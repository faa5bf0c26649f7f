/**
 * Streams: requests that wait, found by the number of their stream, each with its response once that has begun.
 *
 * A stream whose request was not captured is stood for by a message that says nothing; its response is reported alone. The response
 * belongs to the request that waits: neither is released but here.
 */
import { clockOf } from "../../bytes/stamp";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import {
  PENDING_PER_CONVERSATION_MAX,
  pendingAdd,
  pendingFind,
  pendingIndex,
  pendingTake,
  TimeoutClass,
  timerStop,
} from "../../roundtrip/pending";
import { report } from "../../roundtrip/report";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { closeBody } from "../shared/content";
import * as F from "./fields";
import { Guest } from "./guest";
import { notePartial } from "./take-field";

const ERRORS_FROM: u32 = 400;
/** The status of all calls that the guest's server takes (gRPC over HTTP/2, "Responses"). */
const GUEST_CODE: u32 = 200;
/** "POST" as a little-endian load gives it. */
const POST: u32 = 0x54534f50;
const POST_BYTES: u32 = 4;

/** The request of stream `id`, 0 where none waits. */
export function streamOf(conversation: Conversation, id: u32): usize {
  return pendingFind(conversation, id, 0);
}

/** The response that a waiting request has so far, 0 for none. */
export function responseOf(request: usize): usize {
  return <usize>load<u32>(request, F.RESPONSE);
}

/** StreamFlag bits of a request. */
export function streamFlags(request: usize): u32 {
  return load<u8>(request, F.STREAM_FLAGS);
}

/** Sets bits of them. */
export function setStreamFlag(request: usize, flag: u32): void {
  store<u8>(request, streamFlags(request) | flag, F.STREAM_FLAGS);
}

/** Clears bits of them. */
export function clearStreamFlag(request: usize, flag: u32): void {
  store<u8>(request, streamFlags(request) & ~flag, F.STREAM_FLAGS);
}

/** Whether a message that waits is of a stream. */
export function isOurs(request: usize): bool {
  const protocol = <u32>changetype<Message>(request).protocol;
  return protocol == F.HTTP2 || protocol == Guest.number;
}

/** Puts a request in the list of those that wait; `client` asked. */
export function openStream(conversation: Conversation, client: u32, request: usize, id: u32): void {
  endForgotten(conversation);
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) endOldest(conversation);
  const message = changetype<Message>(request);
  const isUnseen = (streamFlags(request) & F.StreamFlag.UNSEEN) != 0;
  pendingAdd(conversation, client, message, isUnseen ? TimeoutClass.NONE : TimeoutClass.STREAM);
  pendingIndex(conversation, message, id, 0);
}

/** Opens a stream whose request was not captured; 0 where there is no room. */
export function openUnseen(conversation: Conversation, client: u32, id: u32): usize {
  const request = messageCreate(F.HTTP2, F.FIXED_END, F.FIXED_END);
  if (request == 0) return 0;
  changetype<Message>(request).firstNs = Parse.timeNs;
  changetype<Message>(request).lastNs = Parse.timeNs;
  setStreamFlag(request, F.StreamFlag.UNSEEN);
  openStream(conversation, client, request, id);
  return request;
}

/** Gives a waiting request its response. */
export function attach(request: usize, response: usize): void {
  store<u32>(request, <u32>response, F.RESPONSE);
  timerStop(changetype<Message>(request));
}

/** The outcome of a stream by what its response says; `otherwise` where that is not known. */
export function outcomeOf(request: usize, response: usize, otherwise: u32): u32 {
  if (numberOf(request, response) != F.HTTP2) return call_indirect<u32>(Guest.outcome, request, response, otherwise);
  if (response == 0 || !changetype<Message>(response).knows(F.Http2Field.STATUS_CODE)) return otherwise;
  if (load<u32>(response, F.STATUS_CODE) >= ERRORS_FROM) return Status.ERROR;
  return mayBeGuests(request, response) ? Status.UNOBSERVED : Status.OK;
}

/**
 * Whether a stream that succeeded may be a guest's, whose outcome stands in trailers: fields are missing that would say so. What asks by another
 * method than POST is none, nor what ended with its body.
 */
function mayBeGuests(request: usize, response: usize): bool {
  const asked = changetype<Message>(request);
  const answer = changetype<Message>(response);
  if (Guest.number == 0 || !mayHaveType(answer) || load<u32>(response, F.STATUS_CODE) != GUEST_CODE) return false;
  const isUnseen = (streamFlags(request) & F.StreamFlag.UNSEEN) != 0;
  if (!isUnseen && !mayHaveType(asked)) return false;
  if (asked.knows(F.Http2Field.METHOD) && !isPost(asked)) return false;
  const isEndUnknown = (answer.marks & (Mark.GAP | Mark.INCOMPLETE)) != 0 || (streamFlags(request) & F.StreamFlag.DOUBTFUL) != 0;
  return isEndUnknown || answer.knows(F.Http2Field.TRAILERS) || load<u64>(response, F.BODY_BYTES) == 0;
}

/** Whether a message may have a content type that is not known. */
function mayHaveType(message: Message): bool {
  return message.knows(F.Http2Field.PARTIAL) && !message.knows(F.Http2Field.CONTENT_TYPE);
}

function isPost(request: Message): bool {
  return request.textLength(F.METHOD) == POST_BYTES && load<u32>(request.textStart(F.METHOD)) == POST;
}

/** The protocol of a stream: a guest's where either side says so. */
function numberOf(request: usize, response: usize): u32 {
  const asked = <u32>changetype<Message>(request).protocol;
  return asked != F.HTTP2 || response == 0 ? asked : changetype<Message>(response).protocol;
}

/** Whether fields of a response wait for what their entries in the table are. */
export function isWaiting(response: usize): bool {
  return load<u8>(response, F.WAITING_COUNT) != 0;
}

/** The message is a guest's, which may be known only now. */
export function takeForGuest(message: Message, number: u32): void {
  if (message.protocol == <u8>number) return;
  message.protocol = <u8>number;
  // What passed of its body was not looked at.
  if (load<u64>(changetype<usize>(message), F.BODY_BYTES) != 0) call_indirect<void>(Guest.gap, message, u32.MAX_VALUE);
}

/** The server has ended a stream: reports it, unless the fields that decide it wait for the table. */
export function concludeStream(conversation: Conversation, request: usize): void {
  const response = responseOf(request);
  const status = outcomeOf(request, response, Status.UNOBSERVED);
  if (status != Status.UNOBSERVED || response == 0 || !isWaiting(response)) {
    endStream(conversation, request, status);
    return;
  }
  setStreamFlag(request, F.StreamFlag.WAITING | F.StreamFlag.DOUBTFUL);
}

/** Reports a stream, which is over, with `status`. */
export function endStream(conversation: Conversation, request: usize, status: u32): void {
  const message = changetype<Message>(request);
  const client = message.side;
  const response = responseOf(request);
  const flags = streamFlags(request);
  const number = numberOf(request, response);
  pendingTake(message);
  store<u32>(request, 0, F.RESPONSE);
  if (number != F.HTTP2) takeForGuest(message, number);
  if (response != 0) {
    if (number != F.HTTP2) takeForGuest(changetype<Message>(response), number);
    if (isWaiting(response)) notePartial(changetype<Message>(response));
  }
  if (!(flags & (F.StreamFlag.UNSEEN | F.StreamFlag.REQUEST_ENDED))) message.mark(Mark.INCOMPLETE);
  if (number != F.HTTP2) call_indirect<void>(Guest.end, request, response);
  if (flags & F.StreamFlag.UNSEEN) {
    if (response != 0) report(conversation, client, 0, response, status);
  } else {
    store<u8>(request, 0, F.STREAM_FLAGS);
    report(conversation, client, request, response, status);
  }
  messageRelease(message);
  if (response != 0) messageRelease(changetype<Message>(response));
}

/** Reports the stream that has waited longest. */
function endOldest(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0 && !isOurs(at)) at = changetype<Message>(at).next;
  if (at != 0) endStream(conversation, at, outcomeOf(at, responseOf(at), Status.UNOBSERVED));
}

/** Reports a stream that was doubtful for as long as a request may wait. */
function endForgotten(conversation: Conversation): void {
  const at = <usize>conversation.pendingHead;
  if (at == 0 || !isOurs(at) || !(streamFlags(at) & F.StreamFlag.DOUBTFUL)) return;
  if (clockOf(Parse.timeNs) < clockOf(changetype<Message>(at).lastNs) + Settings.streamTimeoutNs) return;
  endStream(conversation, at, outcomeOf(at, responseOf(at), Status.UNOBSERVED));
}

/** Reports the streams above `last` that `client` opened: a GOAWAY says that they were not looked at (RFC 9113 section 6.8). */
export function refuseStreams(conversation: Conversation, client: u32, last: u32, code: u32, odd: u32): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    const id = changetype<Message>(at).id;
    if (isOurs(at) && id > last && (id & 1) == odd && changetype<Message>(at).side == client) resetStream(conversation, at, code);
    at = next;
  }
}

/** Reports a stream that was given up with an error code; one that had ended before is not. */
export function resetStream(conversation: Conversation, request: usize, code: u32): void {
  if (streamFlags(request) & F.StreamFlag.WAITING) return;
  const message = changetype<Message>(request);
  store<u16>(request, code < 0xffff ? code : 0xffff, F.RESET_CODE);
  message.know(F.Http2Field.RESET);
  setStreamFlag(request, F.StreamFlag.REQUEST_ENDED);
  endStream(conversation, request, Status.RESET);
}

/** What is known of a body no longer is its length. */
function loseBody(message: Message, place: u32): void {
  message.mark(Mark.GAP);
  if (Settings.bodyBytes != 0) closeBody(message, place);
  message.present &= ~(1 << F.Http2Field.BODY_BYTES);
  if (message.protocol != <u8>F.HTTP2) call_indirect<void>(Guest.gap, message, u32.MAX_VALUE);
}

/** Frames of the client are missing: of requests that have not ended, how they went on. */
export function loseRequests(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  for (; at != 0; at = changetype<Message>(at).next) {
    if (!isOurs(at) || streamFlags(at) & (F.StreamFlag.REQUEST_ENDED | F.StreamFlag.UNSEEN)) continue;
    loseBody(changetype<Message>(at), F.REQUEST_CONTENT);
    setStreamFlag(at, F.StreamFlag.REQUEST_ENDED);
  }
}

/** Frames of the server are missing: of responses, their end; and there may be some of which all is. */
export function loseResponses(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  for (; at != 0; at = changetype<Message>(at).next) {
    if (!isOurs(at)) continue;
    setStreamFlag(at, F.StreamFlag.DOUBTFUL);
    timerStop(changetype<Message>(at));
    const response = responseOf(at);
    if (response != 0) loseBody(changetype<Message>(response), F.RESPONSE_CONTENT);
  }
}

/** The server sends no more: reports responses that have begun, and what was doubtful. */
export function endResponses(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    const response = isOurs(at) ? responseOf(at) : 0;
    const isDoubtful = isOurs(at) && (streamFlags(at) & F.StreamFlag.DOUBTFUL) != 0;
    if (response != 0 && !isDoubtful) changetype<Message>(response).mark(Mark.INCOMPLETE);
    if (response != 0 || isDoubtful) {
      endStream(conversation, at, outcomeOf(at, response, isDoubtful ? Status.UNOBSERVED : Parse.outcome));
    }
    at = next;
  }
}
