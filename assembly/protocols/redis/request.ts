/**
 * Requests: arrays of bulk strings, and lines of text.
 *
 * ```
 *   *2\r\n $3\r\nGET\r\n $7\r\nuser:17\r\n          GET user:17\r\n
 * ```
 * The first bytes of the arguments that say something must lie together; all others go by, however long they are.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { closePayload, dropPayload, keepPayload, openPayload, togetherPayload, wantedPayload } from "../shared/payload";
import { countKeys, takeArgument, wantedBytes } from "./arguments";
import { CommandKind } from "./commands";
import * as F from "./fields";
import { Head, LINE_BYTES_MAX, Read, readHead, Type } from "./head";
import { enqueue, kindOf, missRequests } from "./match";
import { RedisMetrics } from "./metrics";
import { readsLines, readsRequest } from "./probe";
import { Half, HalfFlag, Phase, StateFlag, stateAt } from "./state";
import { Turn } from "./turn";

const CR: u32 = 13;
const LF: u32 = 10;
const SPACE: u32 = 32;
const TAB: u32 = 9;
/** Arguments that redis takes at the most. */
const ARGUMENTS_MAX: u32 = 1048576;

/** One step; false when it needs more bytes or wants some skipped. */
export function stepRequest(conversation: Conversation, half: Half): bool {
  switch (half.phase) {
    case Phase.START:
      return readStart(conversation, half);
    case Phase.ELEMENT:
      return readArgument(conversation, half);
    case Phase.BODY:
      return endSkipped(conversation, half);
    case Phase.LINE_REST:
      return readLineRest(conversation, half);
    default:
      return seekRequest(half);
  }
}

function readStart(conversation: Conversation, half: Half): bool {
  // Empty lines are no requests.
  while (Turn.at < Turn.end && (u8At(Turn.at) == CR || u8At(Turn.at) == LF)) Turn.at += 1;
  const at = Turn.at;
  if (at == Turn.end) return false;
  if (u8At(at) != Type.ARRAY) return readLine(conversation, half, at);
  const read = readHead(at, Turn.end);
  if (read == Read.MORE) return false;
  if (read != Read.OK || Head.value > ARGUMENTS_MAX) return garbage(conversation, half);
  Turn.at = Head.next;
  if (Head.isNull || Head.value == 0) return true;
  const count = Head.value;
  begin(half, at, count - 1);
  half.left = count;
  half.phase = Phase.ELEMENT;
  return true;
}

/** Begins the request at `at` with so many arguments, or as many as will come to be seen. */
function begin(half: Half, at: usize, count: u32): void {
  half.index = 0;
  half.message = <u32>messageCreate(F.REDIS, F.REQUEST_FIXED_END, F.REQUEST_BYTES);
  if (half.message == 0) {
    RedisMetrics.refused();
    return;
  }
  const request = openPayload(changetype<Message>(half.message), F.REQUEST_PAYLOAD, F.REQUEST_TEXT_BYTES_MAX);
  half.message = <u32>changetype<usize>(request);
  request.firstNs = Parse.timeOf(at);
  request.lastNs = Parse.timeNs;
  request.wireBytes = <u64>(Turn.at - at);
  request.know(F.RedisField.BODY_BYTES);
  request.know(F.RedisField.ARGUMENT_COUNT);
  store<u32>(half.message, count, F.ARGUMENT_COUNT);
  store<u32>(half.message, Turn.sequenceOf(at), F.REQUEST_SEQUENCE);
  store<u32>(half.message, Parse.acknowledgement, F.FLOOR);
}

function readArgument(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (at == Turn.end) return false;
  if (u8At(at) != Type.BULK) return breakOff(conversation, half);
  const read = readHead(at, Turn.end);
  if (read == Read.MORE) return false;
  if (read != Read.OK || Head.isNull) return breakOff(conversation, half);
  const length = Head.value;
  const start = Head.next;
  const here = <u64>(Turn.end - start);
  const wanted = half.message != 0 ? wantedBytes(changetype<Message>(half.message), half.index) : 0;
  const take = min(wanted, length);
  const whole = <u64>length + 2;
  let together = <u64>take;
  if (half.message != 0)
    together = max(together, togetherPayload(changetype<Message>(half.message), F.REQUEST_PAYLOAD, <u32>(start - at), whole));
  if (here < together && !Parse.isCut) return false;
  if (wanted != 0) takeOne(half, start, here < <u64>take ? <u32>here : take, length);
  keep(half, at, <u64>(start - at) + min(here, whole), here >= whole);
  half.index += 1;
  half.left -= 1;
  if (here >= whole) {
    if (u8At(start + length) != CR || u8At(start + length + 1) != LF) return breakOff(conversation, half);
    Turn.at = start + length + 2;
    addBytes(half, <u64>(Turn.at - at), length);
    if (half.left == 0) endRequest(conversation, half);
    return true;
  }
  Turn.at = Turn.end;
  half.bodyLeft = <u32>(whole - here);
  half.phase = Phase.BODY;
  addBytes(half, <u64>(Turn.end - at), min(here, <u64>length));
  Parse.skip = half.bodyLeft;
  return false;
}

function takeOne(half: Half, start: usize, take: u32, length: u32): void {
  half.message = <u32>changetype<usize>(takeArgument(changetype<Message>(half.message), half.index, start, take, length));
}

/** Keeps what is wanted of `bytes` at `start` for who asks for contents, unless nobody is to see them. */
function keep(half: Half, start: usize, bytes: u64, isWhole: bool): void {
  if (half.message == 0) return;
  const request = changetype<Message>(half.message);
  if (wantedPayload(request, F.REQUEST_PAYLOAD) == 0) return;
  if (load<u8>(half.message, F.IS_SECRET) != 0) {
    dropPayload(request, F.REQUEST_PAYLOAD);
    return;
  }
  keepPayload(request, F.REQUEST_PAYLOAD, start, bytes);
  if (!isWhole) closePayload(request, F.REQUEST_PAYLOAD);
}

/** Notes bytes of the request in progress, `body` of them of its arguments. */
function addBytes(half: Half, bytes: u64, body: u64): void {
  if (half.message == 0) return;
  const request = changetype<Message>(half.message);
  request.wireBytes += bytes;
  request.lastNs = Parse.timeNs;
  store<u64>(half.message, load<u64>(half.message, F.REQUEST_BODY_BYTES) + body, F.REQUEST_BODY_BYTES);
}

/** Notes `passed` bytes of the argument that the stream steps over. */
export function passArgument(half: Half, passed: u32): void {
  const end = min<u32>(2, half.bodyLeft);
  const left = half.bodyLeft - passed;
  addBytes(half, passed, left >= end ? passed : passed - (end - left));
  half.bodyLeft = left;
}

/** The stream has stepped over the rest of an argument. */
function endSkipped(conversation: Conversation, half: Half): bool {
  passArgument(half, half.bodyLeft);
  half.phase = Phase.ELEMENT;
  if (half.left == 0) endRequest(conversation, half);
  return true;
}

/** The request in progress has all its arguments. */
function endRequest(conversation: Conversation, half: Half): void {
  half.phase = Phase.START;
  if (half.message == 0) {
    // It found no room, but it will be answered.
    missRequests(conversation);
    return;
  }
  const request = changetype<Message>(half.message);
  const count = load<u32>(half.message, F.ARGUMENT_COUNT);
  countKeys(request, count);
  const kind = kindOf(half.message);
  if (kind != CommandKind.SELECT)
    store<u32>(half.message, kind == CommandKind.SUBSCRIBES || kind == CommandKind.UNSUBSCRIBES ? count : 1, F.REPLIES);
  request.endSequence = Turn.sequenceOf(Turn.at);
  half.message = 0;
  enqueue(conversation, request);
}

/** What is known of the request in progress is all that will be. */
export function cutRequest(conversation: Conversation, half: Half, mark: u32): void {
  half.phase = Phase.LOST;
  if (half.message == 0) return;
  const request = changetype<Message>(half.message);
  if (mark == Mark.INCOMPLETE && !request.knows(F.RedisField.COMMAND)) {
    messageRelease(request);
    half.message = 0;
    return;
  }
  request.mark(mark);
  request.present &= ~(1 << F.RedisField.BODY_BYTES);
  if (half.left == 0) request.know(F.RedisField.BODY_BYTES);
  store<u32>(half.message, 1, F.REPLIES);
  half.message = 0;
  enqueue(conversation, request);
}

/** A request breaks its form: the server says so and closes. */
function breakOff(conversation: Conversation, half: Half): bool {
  RedisMetrics.malformed();
  half.left = 1;
  half.set(HalfFlag.LINE_END);
  cutRequest(conversation, half, Mark.MALFORMED);
  missRequests(conversation);
  return true;
}

/** Bytes where a request should begin are none. */
function garbage(conversation: Conversation, half: Half): bool {
  RedisMetrics.malformed();
  half.phase = Phase.LOST;
  missRequests(conversation);
  Turn.at += 1;
  return true;
}

/** A request as a line of text. */
function readLine(conversation: Conversation, half: Half, at: usize): bool {
  const stop = Turn.end - at > LINE_BYTES_MAX ? at + LINE_BYTES_MAX : Turn.end;
  let lineEnd = at;
  while (lineEnd < stop && u8At(lineEnd) != LF) {
    const byte = u8At(lineEnd);
    if (byte < SPACE && byte != TAB && byte != CR) return garbage(conversation, half);
    lineEnd += 1;
  }
  const isWhole = lineEnd < stop;
  if (!isWhole && stop - at < <usize>LINE_BYTES_MAX && !Parse.isCut) return false;
  const state = stateAt(conversation);
  if (!state.is(StateFlag.BEGUN) && !state.is(StateFlag.POSITION)) state.set(StateFlag.TENTATIVE);
  Turn.at = isWhole ? lineEnd + 1 : lineEnd;
  begin(half, at, 0);
  let content = lineEnd;
  while (content > at && u8At(content - 1) <= SPACE) content -= 1;
  half.left = 0;
  if (half.message != 0) splitLine(half, at, content);
  keep(half, at, <u64>(content - at), isWhole);
  if (isWhole) {
    endRequest(conversation, half);
    return true;
  }
  if (half.message != 0) changetype<Message>(half.message).mark(Mark.TRUNCATED);
  half.phase = Phase.LINE_REST;
  return true;
}

/** Takes the words of a line, of which one in quotes may hold blanks. */
function splitLine(half: Half, start: usize, end: usize): void {
  let at = start;
  while (at < end) {
    while (at < end && u8At(at) <= SPACE) at += 1;
    if (at == end) break;
    const quote = u8At(at);
    const isQuoted = quote == 34 || quote == 39;
    if (isQuoted) at += 1;
    const first = at;
    while (at < end && (isQuoted ? u8At(at) != quote : u8At(at) > SPACE)) {
      if (isQuoted && u8At(at) == 92 && at + 1 < end) at += 1;
      at += 1;
    }
    const length = <u32>(at - first);
    if (isQuoted) {
      if (at == end) changetype<Message>(half.message).mark(Mark.MALFORMED);
      else at += 1;
    }
    const wanted = wantedBytes(changetype<Message>(half.message), half.index);
    if (wanted != 0) takeOne(half, first, min(wanted, length), length);
    half.index += 1;
    addBytes(half, 0, length);
  }
  if (half.index != 0) store<u32>(half.message, half.index - 1, F.ARGUMENT_COUNT);
}

/** Steps over the rest of a line that is longer than is looked at. */
function readLineRest(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  let p = at;
  while (p < Turn.end && u8At(p) != LF) p += 1;
  const isEnd = p < Turn.end;
  Turn.at = isEnd ? p + 1 : p;
  addBytes(half, <u64>(Turn.at - at), 0);
  if (isEnd) endRequest(conversation, half);
  return isEnd;
}

/** Looks for where a request begins: behind missing bytes, and behind each line end. */
function seekRequest(half: Half): bool {
  let at = Turn.at;
  let mayBegin = half.is(HalfFlag.LINE_END) || Turn.sequenceOf(at) == half.gapEnd;
  const mayBeText = mayBegin;
  while (at < Turn.end) {
    if (mayBegin) {
      const read =
        u8At(at) == Type.ARRAY ? readsRequest(at, Turn.end) : at == Turn.at && mayBeText ? readsLines(at, Turn.end) : Read.BAD;
      if (read == Read.OK || (read == Read.MORE && !Parse.isCut)) {
        Turn.at = at;
        if (read == Read.OK) half.phase = Phase.START;
        return read == Read.OK;
      }
    }
    mayBegin = u8At(at) == LF;
    at += 1;
  }
  if (mayBegin) half.set(HalfFlag.LINE_END);
  else half.clear(HalfFlag.LINE_END);
  Turn.at = at;
  return false;
}
