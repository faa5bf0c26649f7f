/**
 * Replies, and what a server sends that is none: messages of subscriptions, pushes, lines of MONITOR.
 *
 * Elements are counted, not kept: one number says how many are to come, however deep they lie, since an aggregate is one element
 * less and as many as it holds more. An attribute is none, and what it holds is not the reply.
 */
import { u8At } from "../../bytes/reader";
import { Conversation, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageRelease, messageScratch, messageText } from "../../roundtrip/message";
import { timerStop } from "../../roundtrip/pending";
import { reportUnanswered } from "../../roundtrip/report";
import { leave, Parse } from "../protocol";
import { closePayload, keepPayload, openPayload, togetherPayload } from "../shared/payload";
import { CommandKind } from "./commands";
import { hideErrorValues } from "./error-message";
import * as F from "./fields";
import { Head, hasBody, hasElements, isChain, isType, Read, readHead, Type } from "./head";
import { endResponse, forget, keep, kindOf, letGo, missReplies, surePair } from "./match";
import { RedisMetrics } from "./metrics";
import { isConfirmation, isPublished, readFirstWord } from "./probe";
import { Half, HalfFlag, Phase, StateFlag, stateAt } from "./state";
import { Turn } from "./turn";

const CR: u32 = 13;
const LF: u32 = 10;
const SPACE: u32 = 32;
/** Elements of one reply that are believed. */
const LEFT_MAX: u32 = 1 << 30;

/** One step; false when it needs more bytes, wants some skipped, or has left the conversation. */
export function stepReply(conversation: Conversation, half: Half): bool {
  switch (half.phase) {
    case Phase.START:
      return readStart(conversation, half);
    case Phase.ELEMENT:
      return readElement(conversation, half);
    case Phase.BODY:
      return endSkipped(conversation, half);
    case Phase.LINE_REST:
      return readLineRest(conversation, half);
    default:
      return seekReply(conversation, half);
  }
}

function readStart(conversation: Conversation, half: Half): bool {
  while (Turn.at < Turn.end && (u8At(Turn.at) == CR || u8At(Turn.at) == LF)) Turn.at += 1;
  const at = Turn.at;
  if (at == Turn.end) return false;
  const state = stateAt(conversation);
  if (state.is(StateFlag.TENTATIVE)) {
    const read = isChain(at, Turn.end);
    if (read == Read.MORE) return false;
    if (read == Read.BAD) return abandon(conversation);
    state.clear(StateFlag.TENTATIVE);
  }
  if (!isType(u8At(at))) return garbage(conversation, half);
  const aside = readsAside(conversation, at);
  if (aside == Read.MORE && !Parse.isCut) return false;
  half.left = 1;
  half.phase = Phase.ELEMENT;
  if (aside == Read.OK) half.set(HalfFlag.ASIDE);
  else if (half.message == 0) begin(conversation, half, at);
  return true;
}

/** It was no redis: what was taken for requests is forgotten, and the answer, which may be another's, is looked at anew. */
function abandon(conversation: Conversation): bool {
  forget(conversation);
  letGo(conversation);
  leave(conversation, PROTOCOL_UNKNOWN);
  return false;
}

/** Whether what begins at `at` answers nothing (OK), may answer (BAD), or cannot be told yet (MORE). */
function readsAside(conversation: Conversation, at: usize): u32 {
  const state = stateAt(conversation);
  const type = u8At(at);
  if (type == Type.SIMPLE && state.is(StateFlag.MONITORS)) {
    if (at + 1 == Turn.end) return Read.MORE;
    return u8At(at + 1) - 48 < 10 ? Read.OK : Read.BAD;
  }
  if (type != Type.PUSH && type != Type.ARRAY) return Read.BAD;
  const head = <usize>conversation.pendingHead;
  const kind = head != 0 ? kindOf(head) : <u32>CommandKind.PLAIN;
  const mayPublish = type == Type.PUSH || head == 0 || state.is(StateFlag.SUBSCRIBED);
  if (!mayPublish) return Read.BAD;
  const read = readFirstWord(at, Turn.end);
  if (read == Read.MORE) return Read.MORE;
  if (read == Read.BAD) return type == Type.PUSH ? Read.OK : Read.BAD;
  if (isPublished()) return Read.OK;
  if (isConfirmation()) {
    return kind == CommandKind.SUBSCRIBES || kind == CommandKind.UNSUBSCRIBES ? Read.BAD : Read.OK;
  }
  return type == Type.PUSH ? Read.OK : Read.BAD;
}

function begin(conversation: Conversation, half: Half, at: usize): void {
  const scratch = messageScratch(F.REDIS, F.RESPONSE_FIXED_END, 1);
  const response = openPayload(scratch, F.RESPONSE_PAYLOAD, F.RESPONSE_TEXT_BYTES_MAX);
  half.message = <u32>changetype<usize>(response);
  half.clear(HalfFlag.TYPED | HalfFlag.REFUSED);
  response.firstNs = Parse.timeOf(at);
  response.lastNs = Parse.timeNs;
  response.know(F.RedisField.BODY_BYTES);
  store<u32>(half.message, Turn.sequenceOf(at), F.RESPONSE_SEQUENCE);
  const head = surePair(conversation);
  if (head != 0) timerStop(changetype<Message>(head));
}

/** The message in hand, 0 where the bytes belong to none. */
function current(half: Half): usize {
  return half.is(HalfFlag.ASIDE | HalfFlag.REFUSED) ? 0 : <usize>half.message;
}

/** Keeps what is wanted of `bytes` at `start` for who asks for contents; no more where they are not a whole value. */
function keepBytes(half: Half, start: usize, bytes: u64, isWhole: bool): void {
  const at = current(half);
  if (at == 0) return;
  keepPayload(changetype<Message>(at), F.RESPONSE_PAYLOAD, start, bytes);
  if (!isWhole) closePayload(changetype<Message>(at), F.RESPONSE_PAYLOAD);
}

function addBytes(half: Half, bytes: u64, body: u64): void {
  const at = current(half);
  if (at == 0) return;
  changetype<Message>(at).wireBytes += bytes;
  changetype<Message>(at).lastNs = Parse.timeNs;
  store<u64>(at, load<u64>(at, F.RESPONSE_BODY_BYTES) + body, F.RESPONSE_BODY_BYTES);
}

function readElement(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (at == Turn.end) return false;
  const read = readHead(at, Turn.end);
  const type = Head.type;
  if (read == Read.MORE) {
    const isLine = !hasBody(type) && !hasElements(type);
    if (!Parse.isCut || !isLine) return false;
  } else if (read == Read.BAD) return breakOff(conversation, half);
  if (hasBody(type) && !Head.isNull) return readBody(conversation, half, at, type);
  noteType(half, type);
  keepBytes(half, at, <u64>((read == Read.OK ? Head.next : Head.contentEnd) - at), read == Read.OK);
  if (hasElements(type)) {
    Turn.at = Head.next;
    addBytes(half, <u64>(Turn.at - at), 0);
    const inside = type == Type.MAP || type == Type.ATTRIBUTE ? Head.value << 1 : Head.value;
    if (half.left > LEFT_MAX || inside > LEFT_MAX) return breakOff(conversation, half);
    half.left += inside;
    return type == Type.ATTRIBUTE ? true : endElement(conversation, half);
  }
  if (type == Type.ERROR) noteError(conversation, half, Head.content, Head.contentEnd, read != Read.MORE);
  if (type == Type.INTEGER) {
    const isZero = Head.contentEnd - Head.content == 1 && u8At(Head.content) == 48;
    if (isZero) half.set(HalfFlag.ZERO);
    else half.clear(HalfFlag.ZERO);
  }
  if (read != Read.OK) {
    Turn.at = Head.contentEnd;
    addBytes(half, <u64>(Turn.at - at), 0);
    half.phase = Phase.LINE_REST;
    return true;
  }
  Turn.at = Head.next;
  addBytes(half, <u64>(Turn.at - at), 0);
  return endElement(conversation, half);
}

/** A value of known length: its bytes go by, but for the text of an error. */
function readBody(conversation: Conversation, half: Half, at: usize, type: u32): bool {
  const length = Head.value;
  const start = Head.next;
  const here = <u64>(Turn.end - start);
  const whole = <u64>length + 2;
  const owner = current(half);
  const together = owner == 0 ? 0 : togetherPayload(changetype<Message>(owner), F.RESPONSE_PAYLOAD, <u32>(start - at), whole);
  if (here < together && !Parse.isCut) return false;
  if (type == Type.BULK_ERROR) {
    const wanted = min<u32>(length, F.ERROR_CODE_BYTES_MAX + F.ERROR_MESSAGE_BYTES_MAX);
    if (here < <u64>wanted && !Parse.isCut) return false;
    noteType(half, type);
    noteError(conversation, half, start, start + <usize>min(here, <u64>wanted), wanted == length && here >= <u64>length);
  } else {
    noteType(half, type);
  }
  keepBytes(half, at, <u64>(start - at) + min(here, whole), here >= whole);
  if (here >= whole) {
    if (u8At(start + length) != CR || u8At(start + length + 1) != LF) return breakOff(conversation, half);
    Turn.at = start + length + 2;
    addBytes(half, <u64>(Turn.at - at), length);
    return endElement(conversation, half);
  }
  Turn.at = Turn.end;
  half.bodyLeft = <u32>(whole - here);
  half.phase = Phase.BODY;
  addBytes(half, <u64>(Turn.end - at), min(here, <u64>length));
  Parse.skip = half.bodyLeft;
  return false;
}

/** Notes `passed` bytes of the value that the stream steps over. */
export function passValue(half: Half, passed: u32): void {
  const end = min<u32>(2, half.bodyLeft);
  const left = half.bodyLeft - passed;
  addBytes(half, passed, left >= end ? passed : passed - (end - left));
  half.bodyLeft = left;
}

/** The stream has stepped over the rest of a value. */
function endSkipped(conversation: Conversation, half: Half): bool {
  passValue(half, half.bodyLeft);
  return endElement(conversation, half);
}

function readLineRest(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  let p = at;
  while (p < Turn.end && u8At(p) != LF) p += 1;
  const isEnd = p < Turn.end;
  Turn.at = isEnd ? p + 1 : p;
  addBytes(half, <u64>(Turn.at - at), 0);
  return isEnd ? endElement(conversation, half) : false;
}

function typeOf(type: u32): u32 {
  if (type == Type.SIMPLE) return F.ReplyType.SIMPLE_STRING;
  if (type == Type.ERROR) return F.ReplyType.ERROR;
  if (type == Type.INTEGER) return F.ReplyType.INTEGER;
  if (type == Type.BULK) return F.ReplyType.BULK_STRING;
  if (type == Type.ARRAY) return F.ReplyType.ARRAY;
  if (type == Type.NULL) return F.ReplyType.NULL;
  if (type == Type.BOOLEAN) return F.ReplyType.BOOLEAN;
  if (type == Type.DOUBLE) return F.ReplyType.DOUBLE;
  if (type == Type.BIG_NUMBER) return F.ReplyType.BIG_NUMBER;
  if (type == Type.BULK_ERROR) return F.ReplyType.BULK_ERROR;
  if (type == Type.VERBATIM) return F.ReplyType.VERBATIM_STRING;
  if (type == Type.MAP) return F.ReplyType.MAP;
  return type == Type.SET ? F.ReplyType.SET : F.ReplyType.PUSH;
}

/** Notes the type of the reply, where it is its own line that was read and not that of an element or an attribute. */
function noteType(half: Half, type: u32): void {
  const at = current(half);
  if (at == 0 || half.is(HalfFlag.TYPED) || half.left != 1 || type == Type.ATTRIBUTE) return;
  half.set(HalfFlag.TYPED);
  const response = changetype<Message>(at);
  store<u16>(at, typeOf(type), F.TYPE);
  response.know(F.RedisField.TYPE);
  response.know(F.RedisField.IS_NULL);
  if (Head.isNull || type == Type.NULL) store<u8>(at, 1, F.IS_NULL);
  else if (hasElements(type)) {
    store<u32>(at, Head.value, F.ELEMENTS);
    response.know(F.RedisField.ELEMENTS);
  }
}

/** Notes the text of an error: of the reply itself, or of the first in what EXEC brings. */
function noteError(conversation: Conversation, half: Half, start: usize, end: usize, isWhole: bool): void {
  const at = current(half);
  if (at == 0 || load<u8>(at, F.HOLDS_ERROR) != 0) return;
  if (half.left != 1 || load<u16>(at, F.TYPE) == F.ReplyType.ARRAY) {
    const head = surePair(conversation);
    if (head == 0 || kindOf(head) != CommandKind.EXEC) return;
  }
  store<u8>(at, 1, F.HOLDS_ERROR);
  let codeEnd = start;
  while (codeEnd < end && isCodeByte(u8At(codeEnd))) codeEnd += 1;
  const hasCode = codeEnd > start && (codeEnd == end || u8At(codeEnd) == SPACE);
  const wasPooled = changetype<Message>(at).flags & 1;
  let response = changetype<Message>(at);
  if (hasCode) {
    response.know(F.RedisField.ERROR_CODE);
    response = messageText(response, F.ERROR_CODE, start, <u32>(codeEnd - start), F.ERROR_CODE_BYTES_MAX);
  }
  const text = !hasCode ? start : codeEnd < end ? codeEnd + 1 : end;
  response.know(F.RedisField.ERROR_MESSAGE);
  response = messageText(response, F.ERROR_MESSAGE, text, <u32>(end - text), F.ERROR_MESSAGE_BYTES_MAX);
  const isKept = isWhole && <u32>(end - text) <= F.ERROR_MESSAGE_BYTES_MAX;
  hideErrorValues(response, start, hasCode ? <u32>(codeEnd - start) : 0, surePair(conversation), isKept);
  assert(wasPooled == (response.flags & 1));
  half.message = <u32>changetype<usize>(response);
}

/** Codes are words in capitals. */
function isCodeByte(byte: u32): bool {
  return byte - 65 < 26 || byte - 48 < 10 || byte == 95;
}

/** One element is complete; with the last of them the reply is. */
function endElement(conversation: Conversation, half: Half): bool {
  half.phase = Phase.ELEMENT;
  half.left -= 1;
  return half.left == 0 ? endReply(conversation, half) : true;
}

function endReply(conversation: Conversation, half: Half): bool {
  half.phase = Phase.START;
  if (half.is(HalfFlag.ASIDE)) {
    half.clear(HalfFlag.ASIDE);
    return true;
  }
  if (awaitsMore(conversation, half)) return true;
  return endCurrent(conversation, half);
}

/** The reply in hand ends, whole or not; false when the conversation is left. */
export function endCurrent(conversation: Conversation, half: Half): bool {
  const at = <usize>half.message;
  const isRefused = half.is(HalfFlag.REFUSED);
  half.message = 0;
  half.clear(HalfFlag.TYPED | HalfFlag.REFUSED);
  if (!isRefused) return endResponse(conversation, changetype<Message>(at));
  const head = surePair(conversation);
  if (head != 0) {
    reportUnanswered(changetype<Message>(head), Status.UNOBSERVED);
    stateAt(conversation).answered();
  }
  return true;
}

/** Whether the request has more replies to come: a subscription is confirmed for each channel. */
function awaitsMore(conversation: Conversation, half: Half): bool {
  const head = surePair(conversation);
  if (head == 0) return false;
  const kind = kindOf(head);
  if (kind != CommandKind.SUBSCRIBES && kind != CommandKind.UNSUBSCRIBES) return false;
  if (kind == CommandKind.UNSUBSCRIBES && half.is(HalfFlag.ZERO)) stateAt(conversation).clear(StateFlag.SUBSCRIBED);
  const at = <usize>half.message;
  if (at != 0 && !half.is(HalfFlag.REFUSED) && load<u8>(at, F.HOLDS_ERROR)) return false;
  const left = load<u32>(head, F.REPLIES);
  if (left <= 1) return false;
  store<u32>(head, left - 1, F.REPLIES);
  return true;
}

/** What is known of the reply in hand is all that will be; false when the conversation is left. */
export function cutReply(conversation: Conversation, half: Half, mark: u32): bool {
  half.clear(HalfFlag.ASIDE);
  half.phase = Phase.LOST;
  if (half.message == 0) return true;
  if (!half.is(HalfFlag.REFUSED) && !half.is(HalfFlag.TYPED)) {
    messageRelease(changetype<Message>(half.message));
    half.message = 0;
    return true;
  }
  if (!half.is(HalfFlag.REFUSED)) {
    const response = changetype<Message>(half.message);
    response.mark(mark);
    response.present &= ~(1 << F.RedisField.BODY_BYTES);
  }
  return endCurrent(conversation, half);
}

/** A value breaks its form. */
function breakOff(conversation: Conversation, half: Half): bool {
  RedisMetrics.malformed();
  half.set(HalfFlag.LINE_END);
  if (!cutReply(conversation, half, Mark.MALFORMED)) return false;
  missReplies(conversation, false);
  Turn.at += 1;
  return true;
}

/** Bytes where a reply should begin are none. */
function garbage(conversation: Conversation, half: Half): bool {
  RedisMetrics.malformed();
  half.phase = Phase.LOST;
  missReplies(conversation, true);
  Turn.at += 1;
  return true;
}

/**
 * Behind missing bytes the next reply to a client that waits for its replies begins where it asks again. Where more than one
 * is due before that, it begins behind a line end from which on all is RESP.
 */
function seekReply(conversation: Conversation, half: Half): bool {
  let at = Turn.at;
  if (conversation.pendingCount == 0 && !stateAt(conversation).is(StateFlag.HOLE | StateFlag.SUBSCRIBED)) at = Turn.end;
  let mayBegin = half.is(HalfFlag.LINE_END) || Turn.sequenceOf(at) == half.gapEnd;
  while (at < Turn.end) {
    if (mayBegin && isType(u8At(at))) {
      const read = isChain(at, Turn.end);
      if (read == Read.OK || (read == Read.MORE && !Parse.isCut)) {
        Turn.at = at;
        if (read == Read.OK) half.phase = Phase.START;
        return read == Read.OK;
      }
    }
    mayBegin = u8At(at) == LF && at > Turn.at && u8At(at - 1) == CR;
    at += 1;
  }
  if (mayBegin) half.set(HalfFlag.LINE_END);
  else half.clear(HalfFlag.LINE_END);
  Turn.at = Turn.end;
  return false;
}

/** Bytes in hand go: a reply that is not complete moves to the pool. */
export function parkReply(half: Half): void {
  if (half.message == 0 || half.is(HalfFlag.REFUSED)) return;
  const kept = keep(changetype<Message>(half.message));
  if (kept == 0) half.set(HalfFlag.REFUSED);
  else half.message = <u32>kept;
}
