/**
 * What the server sends (PostgreSQL manual, "Message Formats").
 *
 * ```
 *   R authentication | K key | S parameter | Z ready
 *   1 parsed | 2 bound | 3 closed | t parameters | T columns | n no data
 *   D row | C command tag | I empty query | s suspended | E error | N notice | A notification
 *   G copy in | H copy out | W copy both | d data | c done | V result of a function
 * ```
 * A simple query's response ends with Z, that of an executed portal with C, I, s or E; a Z right behind belongs to it. After an
 * error the server passes over all up to the next Sync.
 */
import { u8At, u32be } from "../../bytes/reader";

import { Conversation, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { NOWHERE, orderBegins, orderChoose, orderGap, orderIsPast, orderUnread } from "../../roundtrip/in-order";

import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { leave, Parse } from "../protocol";
import { hideText } from "../shared/error-text";
import { closePayload } from "../shared/payload";
import { Charset, charsetOfName } from "../sql/charset";
import { hidePostgresqlValues } from "../sql/error-message";
import * as F from "./fields";
import { PgMetrics, Switch } from "./metrics";
import { COLUMNS, COPY_DATA, keepColumns, keepUnit, ROW, wantedOfResponse } from "./payload";
import { isClientEncoding, waitFor } from "./requests";
import { beginResponse, endGroup, endLost, endResponse, openResponse } from "./result";
import { addBytes, letGo, PgState, StateFlag, stateAt, Unit } from "./state";

/** Body bytes of a message that must lie together, where it is looked into. */
const TOGETHER_BYTES: u32 = 2000;
const TAG_BODY_MAX: u32 = 80;
const READY: u32 = 90;
const PARAMETER: u32 = 83;
const READY_BYTES: u32 = 6;
const SERVER_TYPES: string = "123ACDEGHIKNRSTVWZcdnstv";

/** Takes the server's bytes from `start` to `end`; answers how far they are read. */
export function readResponses(conversation: Conversation, start: usize, end: usize): usize {
  const state = stateAt(conversation);
  if (state.response != 0 && !state.is(StateFlag.DONE)) changetype<Message>(state.response).lastNs = Parse.timeNs;
  Unit.start = start;
  let at = start;
  if (at < end && state.is(StateFlag.ONE_BYTE)) {
    state.clear(StateFlag.ONE_BYTE);
    if (!onOneByte(conversation, u8At(at))) return end;
    // An E is an error message of a server from before version 3.
    at += u8At(at) == 78 ? 1 : 0;
  }
  while (at < end) {
    if (!state.is(StateFlag.SERVER_IN_PLACE)) {
      const sequence = Parse.sequence + <u32>(at - start);
      const distance = orderBegins(conversation, state.requests, sequence, <u32>(end - at));
      if (distance != NOWHERE && distance != 0) {
        orderUnread(state.requests, sequence + distance);
        at += distance;
      }
    }
    const here = <u32>(end - at);
    if (here < Unit.HEADER) return waitFor(at, end, Unit.HEADER);
    const isMessage = Unit.read(at, end) && isServerType(Unit.type);
    if (!state.is(StateFlag.SERVER_IN_PLACE)) {
      if (!isMessage || !isStart(conversation, state)) {
        Unit.at = at;
        Unit.end = end;
        passOver(conversation, state);
        return end;
      }
    } else if (!isMessage) {
      PgMetrics.malformed();
      losePlace(conversation, Mark.MALFORMED);
      orderUnread(state.requests, Parse.sequence + <u32>(end - start));
      return end;
    }
    const most = max(together(), wantedOfResponse(state));
    if (Unit.held < most && !Parse.isCut) return waitFor(at, end, Unit.HEADER + most);
    state.set(StateFlag.SERVER_IN_PLACE);
    if (!onMessage(conversation, state)) {
      orderUnread(state.requests, Parse.sequence + <u32>(end - start));
      return end;
    }
    at = Unit.body + Unit.held;
    Parse.skip = Unit.length - Unit.held;
  }
  return at;
}

/** The answer to a request for encryption: N for no; else what follows is TLS, or encrypted by GSSAPI. */
function onOneByte(conversation: Conversation, byte: u32): bool {
  if (byte == 78 || byte == 69) return true;
  PgMetrics.switched(byte == 71 ? Switch.GSS : Switch.TLS);
  letGo(conversation);
  leave(conversation, byte == 71 ? PROTOCOL_FOREIGN : PROTOCOL_UNKNOWN);
  return false;
}

function isServerType(type: u32): bool {
  const types = changetype<usize>(SERVER_TYPES);
  for (let i = 0; i < SERVER_TYPES.length; i++) {
    if (<u32>load<u16>(types + (i << 1)) == type) return true;
  }
  return false;
}

/** Body bytes of the message in hand that must lie together. */
function together(): u32 {
  const type = Unit.type;
  const isLooked = type == 67 || type == 69 || type == 78 || type == READY || type == 84 || type == PARAMETER;
  const most: u32 = !isLooked ? 0 : type == 84 ? 2 : TOGETHER_BYTES;
  return Unit.length < most ? Unit.length : most;
}

/** Whether a segment begins with the response to a request that is known to begin here. */
function isStart(conversation: Conversation, state: PgState): bool {
  const sequence = Parse.sequence + <u32>(Unit.at - Unit.start);
  if (!isChain(Unit.at, Unit.end)) return false;
  return orderBegins(conversation, state.requests, sequence, 1) == 0;
}

/** Whether one server's message follows the other as far as they lie here. */
function isChain(start: usize, end: usize): bool {
  let at = start;
  while (end - at >= Unit.HEADER) {
    const length = u32be(at + 1);
    if (!isServerType(u8At(at)) || length < 4 || length > 1 << 28) return false;
    if (<u32>(end - at) < length + 1) return true;
    at += length + 1;
  }
  return true;
}

/**
 * Bytes of which nothing is known but how they end: where that is a Z, the server is ready, and what stands before it tells the
 * outcome of what the client waited for.
 */
function passOver(conversation: Conversation, state: PgState): void {
  orderUnread(state.requests, Parse.sequence + <u32>(Unit.end - Unit.start));
  if (state.response != 0 && orderIsPast(state.requests, Parse.acknowledgement)) endLost(conversation);
  if (state.response != 0) changetype<Message>(state.response).wireBytes += <u64>(Unit.end - Unit.at);
  const start = Unit.at;
  const ready = Unit.end - READY_BYTES;
  if (Unit.end - start < READY_BYTES || u8At(ready) != READY || u32be(ready + 1) != 5) return;
  const transaction = u8At(ready + 5);
  if (transaction != 73 && transaction != 84 && transaction != 69) return;
  const last = lastBefore(start, ready);
  if (state.response != 0 && !state.is(StateFlag.HELD)) endResponse(conversation);
  if (state.response == 0 && !state.requests.pipelines && last != 0) {
    const end = Parse.sequence + <u32>(Unit.end - Unit.start);
    const request = orderChoose(conversation, state.requests, end, Parse.acknowledgement);
    if (request == 0 || !openResponse(state, request)) return;
    changetype<Message>(state.response).wireBytes += <u64>(Unit.end - start);
  }
  if (state.response != 0) {
    if (last != 0 && Unit.read(last, ready)) {
      onOutcome(state);
      // How many rows and columns came before is not known, nor what it cost.
      changetype<Message>(state.response).present &= ~((1 << F.PgField.BODY_BYTES) | (1 << F.PgField.RESULTS));
    } else if (<u32>state.kind == F.Kind.PREPARE) {
      state.status = <u8>Status.OK;
    }
    changetype<Message>(state.response).lastNs = Parse.timeNs;
    endLost(conversation);
  }
  state.clear(StateFlag.FAILED);
  state.set(StateFlag.SERVER_IN_PLACE);
}

/** The command tag or error that ends at `end`, at or behind `start`; 0 for none. */
function lastBefore(start: usize, end: usize): usize {
  for (let at = end - start > TOGETHER_BYTES ? end - TOGETHER_BYTES : start; at + 6 <= end; at++) {
    const type = u8At(at);
    if (type != 67 && type != 69) continue;
    const length = u32be(at + 1);
    if (length != <u32>(end - at) - 1) continue;
    const first = u8At(at + 5);
    if (type == 67 ? length < TAG_BODY_MAX && first - 65 < 26 && u8At(end - 1) == 0 : first == 83) return at;
  }
  return 0;
}

/** Takes the message in hand; false where there is no room for its response. */
function onMessage(conversation: Conversation, state: PgState): bool {
  const type = Unit.type;
  if (type == READY) {
    onReady(conversation, state);
    return true;
  }
  const isAside = type == 65 || type == PARAMETER || (type == 78 && state.is(StateFlag.DONE));
  if (isAside) {
    if (type == PARAMETER) onParameter(state);
    if (state.response != 0) addBytes(changetype<Message>(state.response), Unit.whole, Unit.length);
    return true;
  }
  if (type == 78 && state.response == 0 && conversation.pendingCount == 0) return true;
  if (state.response != 0 && state.is(StateFlag.DONE | StateFlag.HELD)) endResponse(conversation);
  if (state.response == 0 && !beginResponse(conversation, state)) {
    state.clear(StateFlag.SERVER_IN_PLACE);
    return false;
  }
  addBytes(changetype<Message>(state.response), Unit.whole, Unit.length);
  onPart(state);
  return true;
}

/** S: name NUL value NUL. Of all settings two say how statements are read. */
function onParameter(state: PgState): void {
  const valueAt = Unit.zero(0) + 1;
  if (isClientEncoding(0, valueAt - 1)) state.setCharset(charsetOfName(Unit.body + valueAt, Unit.zero(valueAt) - valueAt));
  // "standard_conforming_strings": no other of this length begins so.
  if (valueAt != 28 || Unit.u32(0) != 0x7374616e) return;
  if (Unit.byte(valueAt + 1) == 102) state.set(StateFlag.ESCAPES);
  else state.clear(StateFlag.ESCAPES);
  state.set(StateFlag.ESCAPES_KNOWN);
}

/** Takes one message of the response in progress. */
function onPart(state: PgState): void {
  const type = Unit.type;
  const at = <usize>state.response;
  const response = changetype<Message>(at);
  if (type == COPY_DATA || type == ROW) keepUnit(response, F.RESPONSE_PAYLOAD);
  if (type == ROW) {
    store<u32>(at, load<u32>(at, F.ROWS_NOW) + 1, F.ROWS_NOW);
  } else if (type == COLUMNS) {
    keepColumns(response);
    if (!response.knows(F.PgField.COLUMNS)) store<u32>(at, Unit.u16(0), F.COLUMNS);
    response.know(F.PgField.COLUMNS);
  } else if (type == 67 || type == 69 || type == 73 || type == 115) {
    onOutcome(state);
  } else if (type == 78) {
    store<u32>(at, load<u32>(at, F.NOTICES) + 1, F.NOTICES);
    response.know(F.PgField.NOTICES);
  } else if (type == 71 || type == 72 || type == 87) {
    const request = <usize>state.requests.answering;
    if (request != 0) store<u16>(request, F.Kind.COPY, F.KIND);
  } else if (type == 86) {
    state.status = <u8>Status.OK;
  }
}

/** A message that says how a statement ended. */
function onOutcome(state: PgState): void {
  const at = <usize>state.response;
  const response = changetype<Message>(at);
  if (Unit.type == 69) {
    readError(state, response);
    state.status = <u8>Status.ERROR;
    state.set(StateFlag.FAILED);
  } else {
    let rows = <u64>load<u32>(at, F.ROWS_NOW);
    if (state.status != <u8>Status.ERROR) state.status = <u8>Status.OK;
    if (Unit.type == 67) {
      if (readTag(state, response)) rows = Tag.rows;
      const message = <usize>state.response;
      store<u32>(message, load<u32>(message, F.RESULTS) + 1, F.RESULTS);
      changetype<Message>(message).know(F.PgField.RESULTS);
    }
    const message = <usize>state.response;
    store<u64>(message, load<u64>(message, F.ROWS) + rows, F.ROWS);
    store<u32>(message, 0, F.ROWS_NOW);
    changetype<Message>(message).know(F.PgField.ROWS);
  }
  const kind = <u32>state.kind;
  if (kind == F.Kind.EXTENDED || (kind == F.Kind.STARTUP && Unit.type == 69) || kind == 0) state.set(StateFlag.DONE);
}

class Tag {
  static rows: u64 = 0;
}

/** The command tag: words, and behind most of them how many rows; whether it says so. */
function readTag(state: PgState, response: Message): bool {
  const length = Unit.zero(0);
  let at = length;
  let rows: u64 = 0;
  let unit: u64 = 1;
  while (at > 0 && Unit.byte(at - 1) - 48 < 10 && unit < 10000000000000000000) {
    rows += unit * <u64>(Unit.byte(at - 1) - 48);
    unit *= 10;
    at -= 1;
  }
  Tag.rows = rows;
  // The last of several is kept.
  const fresh = !response.knows(F.PgField.COMMAND_TAG);
  response.know(F.PgField.COMMAND_TAG);
  if (fresh || response.textLength(F.COMMAND_TAG) < length || length > F.TAG_BYTES_MAX) {
    state.response = <u32>changetype<usize>(messageText(response, F.COMMAND_TAG, Unit.body, length, F.TAG_BYTES_MAX));
  } else {
    const start = response.textStart(F.COMMAND_TAG);
    for (let i: u32 = 0; i < length; i++) store<u8>(start + i, Unit.byte(i));
    store<u16>(changetype<usize>(response), length, F.COMMAND_TAG + 2);
  }
  return at < length;
}

/** Fields of an error: a letter and a text each, up to a zero. */
function readError(state: PgState, response: Message): void {
  let message = response;
  let isWhole = false;
  let isRaised = false;
  let at: u32 = 0;
  while (at < Unit.held && Unit.byte(at) != 0) {
    const field = Unit.byte(at);
    const start = at + 1;
    const end = Unit.zero(start);
    // V is the severity in English, which servers from 9.6 on send behind the translated one.
    if (field == 86 || (field == 83 && !message.knows(F.PgField.SEVERITY)))
      message = putText(message, F.SEVERITY, F.PgField.SEVERITY, start, end, 16);
    else if (field == 67) message = putText(message, F.SQL_STATE, F.PgField.SQL_STATE, start, end, 5);
    else if (field == 77) {
      message = putText(message, F.MESSAGE, F.PgField.MESSAGE, start, end, F.MESSAGE_BYTES_MAX);
      isWhole = end < Unit.held && end - start <= F.MESSAGE_BYTES_MAX;
    }
    // The routine "exec_stmt_raise": what a procedure says itself, under any state.
    else if (field == 82) isRaised = end - start == 15 && Unit.u32(start) == 0x65786563;
    at = end + 1;
  }
  if (message.knows(F.PgField.MESSAGE)) {
    if (isRaised) hideText(message, F.MESSAGE);
    else hidePostgresqlValues(message, F.MESSAGE, F.SQL_STATE, isWhole);
  }
  state.response = <u32>changetype<usize>(message);
}

function putText(message: Message, offset: u32, field: u32, start: u32, end: u32, most: u32): Message {
  message.know(field);
  if (start >= Unit.held) return message;
  return messageText(message, offset, Unit.body + start, end - start, most);
}

/** Z: the server is ready for the next group. */
function onReady(conversation: Conversation, state: PgState): void {
  if (state.response == 0) {
    const head = <usize>conversation.pendingHead;
    // A group of which nothing but its end is answered: messages that were passed over, or an empty one.
    const isOwn = head != 0 && load<u32>(head, F.GROUP) == state.serverGroup && <u32>load<u16>(head, F.KIND) == F.Kind.PREPARE;
    if (isOwn && !beginResponse(conversation, state)) return;
  }
  if (state.response != 0) {
    addBytes(changetype<Message>(state.response), Unit.whole, Unit.length);
    const kind = <u32>state.kind;
    const isOther = kind == F.Kind.STARTUP || kind == F.Kind.PREPARE || kind == F.Kind.SIMPLE;
    if (isOther && state.status == <u8>Status.UNOBSERVED) state.status = <u8>Status.OK;
    endResponse(conversation);
  }
  endGroup(conversation);
  // What the client changed the server has said by now.
  if (conversation.pendingHead == 0 && state.openMessages == 0) state.clear(StateFlag.CHARSET_OPEN);
}

/** The server's place is lost; a response whose outcome is known has ended, another is held. */
export function losePlace(conversation: Conversation, mark: u32): void {
  const state = stateAt(conversation);
  state.clear(StateFlag.SERVER_IN_PLACE);
  state.setCharset(Charset.UNKNOWN);
  if (state.response == 0) return;
  const response = changetype<Message>(state.response);
  if (state.is(StateFlag.DONE)) {
    endResponse(conversation);
    return;
  }
  response.mark(mark);
  closePayload(response, F.RESPONSE_PAYLOAD);
  response.present &= ~((1 << F.PgField.ROWS) | (1 << F.PgField.BODY_BYTES));
  state.set(StateFlag.HELD);
}

/** The contract's gap for the server's side. */
export function gapInResponses(conversation: Conversation, bytes: u32): void {
  const state = stateAt(conversation);
  if (<u64>bytes <= Parse.skip) {
    if (state.response != 0) changetype<Message>(state.response).mark(Mark.GAP);
    return;
  }
  if (state.response != 0 && !state.is(StateFlag.DONE)) changetype<Message>(state.response).wireBytes += bytes;
  losePlace(conversation, Mark.GAP);
  // What is missing may have said so.
  state.clear(StateFlag.ESCAPES_KNOWN);
  orderGap(conversation, state.requests, Parse.sequence, bytes, false);
}

/** The contract's finish for the server's side. */
export function finishResponses(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (state.response == 0) return;
  const response = changetype<Message>(state.response);
  if (!state.is(StateFlag.DONE) && !state.is(StateFlag.HELD)) {
    response.mark(Mark.INCOMPLETE);
    // The server says why it ends the connection before it does.
    if (state.status != <u8>Status.ERROR) state.status = <u8>Parse.outcome;
  }
  endResponse(conversation);
}
