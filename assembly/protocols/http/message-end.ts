/**
 * The end of the headers: how long the body is (RFC 9112 section 6.3), and what comes behind the message.
 */
import { NO_TIME } from "../../bytes/stamp";
import { Conversation, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { orderFits, orderMayHaveMissed, orderTakeOldest } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageRelease, messageRoom, messageScratch } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { Settings } from "../../settings";
import { leave, Parse } from "../protocol";
import { openBody } from "../shared/content";
import { copyFor, Successor, takerOf, Upgrade } from "../shared/upgrade";
import * as F from "./fields";
import { endMessage, endResponse, enqueue, isInterim } from "./match";
import { Method } from "./method";
import { HttpMetrics } from "./metrics";
import { Half, HalfFlag, HttpState, INTERIM_MAX, Phase, Role, stateAt } from "./state";
import { Turn } from "./turn";

const SWITCHING_PROTOCOLS: u32 = 101;
const NO_CONTENT: u32 = 204;
const NOT_MODIFIED: u32 = 304;
/** A status line of no more than version and code, and an empty line, both ended by LF alone. */
const RESPONSE_BYTES_MIN: u32 = 14;

/** The message that `half` is in has all its headers; false when the conversation is left. */
export function endHeaders(conversation: Conversation, half: Half): bool {
  if (half.role == Role.REQUESTS) {
    endRequestHeaders(conversation, half);
    return true;
  }
  return endResponseHeaders(conversation, half);
}

function endRequestHeaders(conversation: Conversation, half: Half): void {
  const request = changetype<Message>(half.message);
  request.endSequence = Turn.sequenceOf(Turn.at);
  if (!request.knows(F.HttpField.HOST) && request.textLength(F.HOST) != 0) request.know(F.HttpField.HOST);
  request.know(F.HttpField.BODY_BYTES);
  const hasBody = half.is(HalfFlag.LENGTH) && half.left != 0 && !half.is(HalfFlag.UNBOUNDED);
  if (Settings.bodyBytes != 0 && (hasBody || half.is(HalfFlag.CHUNKED)))
    half.message = <u32>changetype<usize>(openBody(request, F.CONTENT, 0));
  endHeldResponse(conversation);
  enqueue(conversation, Turn.side, half);
  if (half.is(HalfFlag.CHUNKED)) {
    half.phase = Phase.CHUNK_SIZE;
  } else if (hasBody) {
    half.phase = load<u8>(half.message, F.EXPECTS) != 0 ? Phase.PEEK : Phase.BODY;
    half.header = Phase.BODY;
  } else {
    endMessage(half);
  }
}

/** A client that waits for its responses asks again: a response whose end was lost has ended. */
function endHeldResponse(conversation: Conversation): void {
  const state = stateAt(conversation);
  const half = state.half(Turn.side ^ 1);
  if (half.phase != Phase.SEEK || half.message == 0 || state.requests.pipelines) return;
  endResponse(conversation, Turn.side ^ 1);
  half.phase = Phase.SEEK;
}

function endResponseHeaders(conversation: Conversation, half: Half): bool {
  const code = load<u32>(half.message, F.STATUS_CODE);
  if (isInterim(code)) {
    endInterim(conversation, Turn.side, half, code);
    return true;
  }
  const state = stateAt(conversation);
  takeInterim(state, half);
  const request = <usize>state.requests.answering;
  const method: u32 = request != 0 ? load<u8>(request, F.METHOD_NUMBER) : <u32>Method.OTHER;
  const opensTunnel = method == Method.CONNECT && code >= 200 && code < 300;
  if (code == SWITCHING_PROTOCOLS || opensTunnel) {
    changetype<Message>(half.message).mark(Mark.UPGRADE);
    const successor: u32 = opensTunnel ? Successor.NONE : load<u8>(half.message, F.SUCCESSOR);
    const goesOn = opensTunnel || successor == Successor.HTTP2;
    const handed = handOver(successor, request);
    endResponse(conversation, Turn.side);
    letGo(conversation);
    leave(conversation, goesOn ? PROTOCOL_UNKNOWN : PROTOCOL_FOREIGN);
    if (handed != 0) call_indirect<void>(takerOf(successor), conversation, Turn.side ^ 1, handed);
    return false;
  }
  changetype<Message>(half.message).know(F.HttpField.BODY_BYTES);
  if (method == Method.HEAD || code == NO_CONTENT || code == NOT_MODIFIED) {
    endResponse(conversation, Turn.side);
    return true;
  }
  const next = bodyPhase(half);
  if (next == Phase.START) {
    endResponse(conversation, Turn.side);
  } else {
    if (Settings.bodyBytes != 0) half.message = <u32>changetype<usize>(openBody(changetype<Message>(half.message), F.CONTENT, 0));
    // An orphan may answer a HEAD.
    half.phase = request == 0 ? Phase.PEEK : next;
    half.header = next;
  }
  return true;
}

/** Has `successor` copy the request that it goes on from; HTTP/2 answers it again, and does not begin without one. 0 for none. */
function handOver(successor: u32, request: usize): u32 {
  if (successor == Successor.NONE || (request == 0 && successor == Successor.HTTP2)) return 0;
  // Where the request was not captured, the message has no texts.
  const asked = request != 0 ? changetype<Message>(request) : messageScratch(F.HTTP, F.REQUEST_FIXED_END, 0);
  Upgrade.methodStart = asked.textStart(F.METHOD);
  Upgrade.methodLength = asked.textLength(F.METHOD);
  Upgrade.targetStart = asked.textStart(F.TARGET);
  Upgrade.targetLength = asked.textLength(F.TARGET);
  Upgrade.pathStart = asked.textStart(F.PATH);
  Upgrade.pathLength = asked.textLength(F.PATH);
  Upgrade.hostStart = asked.textStart(F.HOST);
  Upgrade.hostLength = asked.textLength(F.HOST);
  Upgrade.userAgentStart = asked.textStart(F.USER_AGENT);
  Upgrade.userAgentLength = asked.textLength(F.USER_AGENT);
  Upgrade.traceparentStart = asked.textStart(F.TRACEPARENT);
  Upgrade.traceparentLength = asked.textLength(F.TRACEPARENT);
  Upgrade.message = changetype<usize>(asked);
  Upgrade.place = F.CONTENT;
  Upgrade.firstNs = asked.firstNs;
  Upgrade.lastNs = asked.lastNs;
  Upgrade.wireBytes = asked.wireBytes;
  Upgrade.bodyBytes = load<u64>(changetype<usize>(asked), F.BODY_BYTES);
  Upgrade.isTruncated = (asked.marks & Mark.TRUNCATED) != 0;
  return copyFor(successor);
}

/** What follows a response's headers; START for nothing. */
function bodyPhase(half: Half): u8 {
  if (half.is(HalfFlag.CHUNKED)) return Phase.CHUNK_SIZE;
  if (half.is(HalfFlag.UNBOUNDED) || !half.is(HalfFlag.LENGTH)) return Phase.UNTIL_CLOSE;
  return half.left != 0 ? Phase.BODY : Phase.START;
}

/** An interim response is no end: its code goes with the final one. */
function endInterim(conversation: Conversation, side: u32, half: Half, code: u32): void {
  const state = stateAt(conversation);
  const count = state.interimCount;
  if (count < INTERIM_MAX) {
    store<u16>(changetype<usize>(state) + offsetof<HttpState>("interim") + (count << 1), code);
    state.interimCount = count + 1;
  }
  if (count == 0) state.interimStart = half.sequence;
  state.interimNs = changetype<Message>(half.message).lastNs;
  messageRelease(changetype<Message>(half.message));
  endMessage(half);
  HttpMetrics.interim(conversation.directionOf(side ^ 1));
}

/** The interim response that `side` is in has lost its end, and is one all the same. */
export function endCutInterim(conversation: Conversation, side: u32, half: Half): void {
  if (half.role != Role.RESPONSES || half.phase != Phase.HEADERS) return;
  const code = load<u32>(half.message, F.STATUS_CODE);
  if (!isInterim(code)) return;
  endInterim(conversation, side, half, code);
  half.phase = Phase.SEEK;
}

/** `bytes` of responses are missing behind interim ones: whether the final one, which may be in them, is given up. */
export function loseFinal(conversation: Conversation, side: u32, half: Half, bytes: u32): bool {
  if (stateAt(conversation).interimCount == 0 || half.message != 0 || bytes < RESPONSE_BYTES_MIN) return false;
  reportInterim(conversation, side, Status.UNOBSERVED);
  return true;
}

/** Puts the codes of interim responses into the final one as rows. */
function takeInterim(state: HttpState, half: Half): void {
  const count = state.interimCount;
  if (count == 0) return;
  state.interimCount = 0;
  const response = messageRoom(changetype<Message>(half.message), count << 2);
  const base = changetype<usize>(response);
  half.message = <u32>base;
  if (<u32>response.length + (count << 2) > <u32>response.capacity) return;
  store<u16>(base, response.length, F.INTERIM);
  store<u16>(base, count << 2, F.INTERIM + 2);
  for (let i: u32 = 0; i < count; i++) {
    const code = <u32>load<u16>(changetype<usize>(state) + offsetof<HttpState>("interim") + (i << 1));
    store<u32>(base + response.length, code);
    response.length += 4;
  }
  response.know(F.HttpField.INTERIM);
}

/** The server of `side` sends no more after interim responses: they are all that came to the oldest request. */
export function endWithInterim(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  if (state.interimCount == 0) return;
  const oldest = <usize>conversation.pendingHead;
  const isUnsure = oldest != 0 && orderMayHaveMissed(state.requests, changetype<Message>(oldest));
  reportInterim(conversation, side, isUnsure ? Status.UNOBSERVED : Parse.outcome);
}

/** Reports the request that interim responses of `side` came to, of which no more is known. */
function reportInterim(conversation: Conversation, side: u32, status: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  const response = messageScratch(F.HTTP, F.RESPONSE_FIXED_END, 1);
  half.message = <u32>changetype<usize>(response);
  takeInterim(state, half);
  half.message = 0;
  const oldest = <usize>conversation.pendingHead;
  if (oldest == 0 || !orderFits(changetype<Message>(oldest), state.interimStart, 0)) return;
  response.firstNs = state.interimNs;
  response.lastNs = state.interimNs;
  if (status == Status.UNOBSERVED) {
    response.mark(Mark.GAP);
    // The final one came at a time that is not known.
    response.firstNs = NO_TIME;
    response.lastNs = NO_TIME;
  }
  const request = orderTakeOldest(conversation, state.requests);
  const asking = state.half(side ^ 1);
  if (<usize>asking.message == request) asking.message = 0;
  report(conversation, side ^ 1, request, changetype<usize>(response), status);
  messageRelease(changetype<Message>(request));
}

/** Gives back the messages in progress that are in no list. */
export function letGo(conversation: Conversation): void {
  const state = stateAt(conversation);
  for (let side: u32 = 0; side < 2; side++) {
    const half = state.half(side);
    if (half.message != 0 && half.is(HalfFlag.OWNS)) messageRelease(changetype<Message>(half.message));
    half.message = 0;
  }
}
