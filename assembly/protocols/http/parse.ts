/**
 * From bytes to messages: start lines, headers, and the order of what follows.
 *
 * A line must lie together up to LINE_BYTES_MAX; what a longer one has beyond that is stepped over, however it is cut into
 * segments. All else is taken as it comes.
 */
import { u8At, u64le } from "../../bytes/reader";
import { Conversation, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { orderBegin, orderRefuse } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { leave, Parse } from "../protocol";
import { readBody, readChunkEnd, readChunkSize, readPeek, readTrailers, readUntilClose } from "./body";
import * as F from "./fields";
import { Header, isOther, readHeader } from "./headers";
import { isInterim, pair } from "./match";
import { endHeaders, letGo } from "./message-end";
import { HttpFault, HttpMetrics } from "./metrics";
import { losePlace, noteUnread } from "./place";
import { findByte, findControl, findLineEnd } from "./scan";
import { seek } from "./seek";
import {
  contentEnd,
  LINE_BYTES_MAX,
  readCutRequestLine,
  readCutStatusLine,
  readLongRequestLine,
  readRequestLine,
  readStatusLine,
  StartLine,
} from "./start-line";
import { Half, HalfFlag, MESSAGE_FLAGS, mayBe, Phase, Role, stateAt } from "./state";
import { setTarget } from "./target";
import { Turn } from "./turn";

const LF: u8 = 10;
const CR: u32 = 13;
/** "PRI * HT" as a little-endian load gives it, and the bytes of the whole line. */
const PREFACE: u64 = 0x5448202a20495250;
const PREFACE_BYTES: usize = 14;
/** "HTTP/1." as the last bytes of a start line have it, below the last of them. */
const VERSION_TAIL: u64 = 0x2e312f50545448;

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.open(side, start, length);
  const half = stateAt(conversation).half(side);
  while (step(conversation, half)) {}
  return <i32>(Turn.at - start);
}

/** One step; false when it needs more bytes, wants some skipped, or has left the conversation. */
function step(conversation: Conversation, half: Half): bool {
  switch (half.phase) {
    case Phase.START:
      return readStart(conversation, half);
    case Phase.HEADERS:
      return readHeaders(conversation, half);
    case Phase.BODY:
    case Phase.CHUNK_DATA:
      return readBody(conversation, half);
    case Phase.PEEK:
      return readPeek(conversation, half);
    case Phase.CHUNK_SIZE:
      return readChunkSize(conversation, half);
    case Phase.CHUNK_END:
      return readChunkEnd(conversation, half);
    case Phase.TRAILERS:
      return readTrailers(conversation, half);
    case Phase.UNTIL_CLOSE:
      return readUntilClose(conversation, half);
    default:
      return seek(conversation, half);
  }
}

/**
 * Steps over empty lines before a message (RFC 9112 section 2.2): any number before a request and between responses, one at
 * the most before the first response.
 */
function passEmptyLines(conversation: Conversation, half: Half): usize {
  let at = Turn.at;
  const isFirstResponse = half.role == Role.UNKNOWN && !mayBe(conversation, half, Role.REQUESTS);
  if (!isFirstResponse) {
    while (at < Turn.end && (u8At(at) == CR || u8At(at) == LF)) at += 1;
  } else if (Turn.end - at > 2 && u8At(at) == CR && u8At(at + 1) == LF) {
    at += 2;
  }
  Turn.at = at;
  return at;
}

function readStart(conversation: Conversation, half: Half): bool {
  const at = passEmptyLines(conversation, half);
  if (at == Turn.end) return false;
  if (half.firstNs == 0) {
    half.firstNs = Parse.timeOf(at);
    half.floor = Parse.acknowledgement;
    half.sequence = Turn.sequenceOf(at);
  }
  const most = Turn.end - at > LINE_BYTES_MAX ? at + LINE_BYTES_MAX : Turn.end;
  const lineEnd = findByte(at, most, LF);
  const isLong = lineEnd == most;
  const isCut = isLong && <u32>(most - at) < LINE_BYTES_MAX;
  if (isCut && !Parse.isCut) {
    const content = contentEnd(at, most);
    return findControl(at, content) == content ? false : garbage(conversation, half);
  }
  const content = isLong ? most : contentEnd(at, lineEnd);
  const isResponse =
    mayBe(conversation, half, Role.RESPONSES) &&
    (isCut ? readCutStatusLine(at, most) : !isLong && readStatusLine(at, content, false));
  if (!isResponse) {
    const isRequest =
      mayBe(conversation, half, Role.REQUESTS) &&
      (isCut ? readCutRequestLine(at, most) : isLong ? readLongRequestLine(at) : readRequestLine(at, content));
    if (!isRequest) return isCut ? cutShort(conversation, half, at, most) : garbage(conversation, half);
    if (isPreface(at, content)) return leaveFor2(conversation);
  }
  Turn.at = isLong ? most : lineEnd + 1;
  const block = isResponse
    ? messageCreate(F.HTTP, F.RESPONSE_FIXED_END, F.RESPONSE_BYTES)
    : messageCreate(F.HTTP, F.REQUEST_FIXED_END, F.REQUEST_BYTES);
  if (block == 0) {
    HttpMetrics.refused();
    half.role = isResponse ? Role.RESPONSES : Role.REQUESTS;
    if (!isResponse) orderRefuse(conversation, stateAt(conversation).requests, half.floor);
    losePlace(conversation, Turn.side, HalfFlag.AFTER_GAP);
    noteUnread(conversation, half, Turn.at);
    return true;
  }
  const message = changetype<Message>(block);
  message.wireBytes = <u64>(Turn.at - at);
  begin(half, message);
  if (isResponse) beginResponse(conversation, half, message);
  else beginRequest(half, message, at, isLong);
  half.clear(HalfFlag.AFTER_GAP | HalfFlag.AFTER_GARBAGE);
  return true;
}

/** Whether the request line just read is how HTTP/2 begins (RFC 9113 section 3.4): "PRI * HTTP/2.0". */
function isPreface(start: usize, end: usize): bool {
  return end - start == PREFACE_BYTES && u64le(start) == PREFACE && u8At(end - 3) == 50;
}

/** The connection speaks HTTP/2 from here: its preface is looked at anew. */
function leaveFor2(conversation: Conversation): bool {
  letGo(conversation);
  leave(conversation, PROTOCOL_UNKNOWN);
  return false;
}

/** Bytes where a message should begin are none: all that came with them goes by, and the next message is looked for. */
function garbage(conversation: Conversation, half: Half): bool {
  Turn.at = Turn.end;
  if (half.role != Role.UNKNOWN || conversation.started) HttpMetrics.malformed(HttpFault.START_LINE);
  losePlace(conversation, Turn.side, HalfFlag.AFTER_GARBAGE);
  noteUnread(conversation, half, Turn.at);
  return false;
}

/** A start line was cut before it says anything: what was captured of it is no garbage where it could have gone on. */
function cutShort(conversation: Conversation, half: Half, start: usize, end: usize): bool {
  const content = contentEnd(start, end);
  if (findControl(start, content) != content) return garbage(conversation, half);
  Turn.at = Turn.end;
  losePlace(conversation, Turn.side, HalfFlag.AFTER_GAP);
  noteUnread(conversation, half, Turn.at);
  return false;
}

function begin(half: Half, message: Message): void {
  message.firstNs = half.firstNs;
  message.lastNs = Parse.timeNs;
  if (half.is(HalfFlag.AFTER_GARBAGE)) message.mark(Mark.RESYNCHRONIZED);
  half.firstNs = 0;
  half.phase = Phase.HEADERS;
  half.header = Header.OTHER;
  // What the message before said of its body may still stand there, where its end was not seen.
  half.left = 0;
  half.clear(MESSAGE_FLAGS);
  half.set(HalfFlag.OWNS);
}

function beginRequest(half: Half, message: Message, start: usize, isLong: bool): void {
  const at = changetype<usize>(message);
  half.role = Role.REQUESTS;
  store<u8>(at, StartLine.method, F.METHOD_NUMBER);
  orderBegin(message, half.sequence, half.floor, half.is(HalfFlag.AFTER_GAP | HalfFlag.AFTER_GARBAGE));
  message.know(F.HttpField.METHOD);
  let request = messageText(message, F.METHOD, start, StartLine.methodLength, F.METHOD_BYTES_MAX);
  request = setTarget(request, StartLine.method, StartLine.targetStart, StartLine.targetEnd, isLong);
  if (isLong) {
    half.set(HalfFlag.LINE_REST);
    half.header = Header.REQUEST_LINE;
    half.tail = Parse.isCut ? 0 : u64le(start + LINE_BYTES_MAX - 8);
  } else {
    request.know(F.HttpField.VERSION);
    request = messageText(request, F.VERSION, StartLine.versionStart, StartLine.versionLength, F.VERSION_BYTES_MAX);
  }
  half.message = <u32>changetype<usize>(request);
}

function beginResponse(conversation: Conversation, half: Half, message: Message): void {
  half.role = Role.RESPONSES;
  let response = message;
  store<u32>(changetype<usize>(message), StartLine.code, F.STATUS_CODE);
  if (StartLine.codeDigits != 0) message.know(F.HttpField.STATUS_CODE);
  if (!StartLine.isCode || StartLine.versionLength == 0) {
    message.mark(Mark.MALFORMED);
    HttpMetrics.malformed(HttpFault.START_LINE);
  }
  if (StartLine.versionLength != 0) {
    message.know(F.HttpField.VERSION);
    response = messageText(message, F.VERSION, StartLine.versionStart, StartLine.versionLength, F.VERSION_BYTES_MAX);
  }
  if (StartLine.reasonLength != 0) {
    response.know(F.HttpField.REASON);
    response = messageText(response, F.REASON, StartLine.reasonStart, StartLine.reasonLength, F.REASON_BYTES_MAX);
  }
  half.message = <u32>changetype<usize>(response);
  if (!isInterim(StartLine.code)) pair(conversation, half);
}

/** Reads header lines up to the empty one. */
function readHeaders(conversation: Conversation, half: Half): bool {
  const from = Turn.at;
  const done = headerLines(half);
  const message = changetype<Message>(half.message);
  message.wireBytes += <u64>(Turn.at - from);
  message.lastNs = Parse.timeNs;
  if (!done) return false;
  return endHeaders(conversation, half);
}

/** Reads header lines; true behind the empty one. */
function headerLines(half: Half): bool {
  while (Turn.at < Turn.end) {
    if (half.is(HalfFlag.LINE_REST)) {
      if (!passLineRest(half)) return false;
      continue;
    }
    const at = Turn.at;
    const most = Turn.end - at > LINE_BYTES_MAX ? at + LINE_BYTES_MAX : Turn.end;
    const lineEnd = findLineEnd(at, most);
    if (lineEnd == most) {
      if (<u32>(most - at) < LINE_BYTES_MAX) return false;
      readHeader(half, at, most, true);
      half.set(HalfFlag.LINE_REST);
      Turn.at = most;
      continue;
    }
    Turn.at = lineEnd + 1;
    if (!Settings.headers && isOther(at)) {
      half.header = Header.OTHER;
      continue;
    }
    const content = contentEnd(at, lineEnd);
    if (content > at) readHeader(half, at, content, false);
    else if (lineEnd == at || u8At(at) == CR) return true;
  }
  return false;
}

/** Steps over what a long line has left; false when its end has not come. */
function passLineRest(half: Half): bool {
  const at = Turn.at;
  const lineEnd = findByte(at, Turn.end, LF);
  const isRequestLine = half.header == Header.REQUEST_LINE;
  if (isRequestLine) keepTail(half, at, lineEnd);
  if (lineEnd == Turn.end) {
    Turn.at = lineEnd;
    return false;
  }
  Turn.at = lineEnd + 1;
  half.clear(HalfFlag.LINE_REST);
  if (isRequestLine) endRequestLine(half);
  return true;
}

/** Keeps the last eight bytes of a long request line but its CR. */
function keepTail(half: Half, start: usize, end: usize): void {
  let at = end - start > 9 ? end - 9 : start;
  for (; at < end; at++) {
    const byte = <u64>u8At(at);
    if (byte != CR) half.tail = (half.tail >> 8) | (byte << 56);
  }
}

/** A long request line has ended: its version stands last. */
function endRequestLine(half: Half): void {
  const request = changetype<Message>(half.message);
  half.header = Header.OTHER;
  if ((half.tail & 0xffffffffffffff) != VERSION_TAIL) {
    request.mark(Mark.MALFORMED);
    HttpMetrics.malformed(HttpFault.START_LINE);
    return;
  }
  const at = changetype<usize>(half) + offsetof<Half>("tail") + 5;
  request.know(F.HttpField.VERSION);
  half.message = <u32>changetype<usize>(messageText(request, F.VERSION, at, 3, 3));
}
