/**
 * What the server sends (MySQL Internals, "Text Protocol", "Binary Protocol").
 *
 * ```
 *   OK                     00 affected, insert id, status, warnings
 *   error                  ff code # state message
 *   result                 number of columns | definitions | EOF, or none | rows | EOF, or OK that begins with fe
 *   prepared               00 id, columns, parameters | definitions, each sort with its EOF, or none
 *   file                   fb name: the client sends it
 * ```
 * Whether EOF packets stand between is agreed on in the handshake; where that was not seen, the packets tell: an EOF has five
 * bytes, an OK more. A row begins with fe only when its first value is longer than a packet of that kind.
 */
import { u8At, u16le } from "../../bytes/reader";
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { NOWHERE, orderBegins, orderIsPast, orderUnread } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { leave, Parse } from "../protocol";
import { closePayload } from "../shared/payload";
import { Charset } from "../sql/charset";
import { hideMysqlValues } from "../sql/error-message";
import { Command } from "./commands";
import { Content } from "./content";
import * as F from "./fields";
import { Capability, readGreeting } from "./handshake";
import { MysqlMetrics } from "./metrics";
import { keepDefinition, keepRow, openRows, wantedOfRow } from "./payload-rows";
import { waitFor } from "./requests";
import { beginResponse, endLost, endResponse } from "./result";
import { addPacket, Encoded, Expect, letGo, MysqlState, Packet, Phase, requestOf, StateFlag, setCharset, stateAt } from "./state";

const OK: u32 = 0;
const MORE_DATA: u32 = 1;
const LOCAL_FILE: u32 = 0xfb;
const EOF: u32 = 0xfe;
const ERROR: u32 = 0xff;
const EOF_BYTES: u32 = 5;
/** Payload bytes of the first packet of a prepared statement. */
const PREPARED_BYTES: u32 = 12;
/** Payload bytes of any packet but a row that must lie together. */
const TOGETHER_BYTES: u32 = 600;
/** Server status flags. */
const MORE_RESULTS: u32 = 8;
const CURSOR_EXISTS: u32 = 64;
const NO_BACKSLASH_ESCAPES: u32 = 512;
/** The code of a report of progress (MariaDB). */
const PROGRESS: u32 = 0xffff;

/** Takes the server's bytes from `start` to `end`; answers how far they are read. */
export function readResponses(conversation: Conversation, side: u32, start: usize, end: usize): usize {
  const state = stateAt(conversation);
  if (state.response != 0) changetype<Message>(state.response).lastNs = Parse.timeNs;
  Packet.open(start);
  let at = start;
  while (at < end) {
    if (!state.is(StateFlag.SERVER_IN_PLACE)) at = toStart(conversation, state, at, end);
    const here = <u32>(end - at);
    if (here < Packet.HEADER) return waitFor(at, end, Packet.HEADER + 1);
    Packet.read(at, end);
    if (!state.is(StateFlag.SERVER_IN_PLACE)) {
      if (here < 9 && !Parse.isCut && Packet.held < Packet.length) return waitFor(at, end, 9);
      if (!isStart(conversation, state)) {
        passOver(conversation, state);
        return end;
      }
    }
    const isExpected = Parse.isCut || mayFollow(state);
    const most = isExpected ? together(state) : 0;
    if (Packet.held < most && !Parse.isCut) return waitFor(at, end, Packet.HEADER + most);
    if (!onPacket(conversation, state, side)) return end;
    if (conversation.protocol == <u8>PROTOCOL_FOREIGN) return end;
    at = Packet.at + Packet.HEADER + Packet.held;
    if (Packet.isLast) return at;
    Parse.skip = Packet.length - Packet.held;
  }
  return at;
}

/** Where between `at` and `end` a response begins that a request waits for; `at` where none does. */
function toStart(conversation: Conversation, state: MysqlState, at: usize, end: usize): usize {
  // A response begins with a compressed packet.
  if (Content.isInHand) return at;
  const sequence = Packet.sequenceOf(at);
  const distance = orderBegins(conversation, state.requests, sequence, <u32>(end - at));
  if (distance == NOWHERE || distance == 0) return at;
  orderUnread(state.requests, sequence + distance);
  return at + distance;
}

/** Whether the header can be that of a packet that is expected here. */
function mayFollow(state: MysqlState): bool {
  const id = Packet.id;
  if (Packet.follows(state) || Packet.answers(state)) return true;
  return id == 0 && state.expect == Expect.NOTHING && Packet.length < 1024;
}

/** Payload bytes of the packet in hand that must lie together. */
function together(state: MysqlState): u32 {
  const most: u32 = state.expect == Expect.ROWS && (Packet.held == 0 || Packet.byte(0) < EOF) ? 1 : TOGETHER_BYTES;
  return min(Packet.length, max(most, wantedOfRow(state)));
}

/** Whether a segment begins with a response to a request that is known to begin here, or with a greeting. */
function isStart(conversation: Conversation, state: MysqlState): bool {
  if (Packet.held == 0) return false;
  const first = Packet.byte(0);
  const sequence = Packet.sequenceOf(Packet.at);
  if (Packet.id == 0) return state.phase == Phase.COMMAND && state.serverCapabilities == 0 && isGreeting(conversation);
  const head = <usize>conversation.pendingHead;
  if (head == 0) return false;
  const known = orderBegins(conversation, state.requests, sequence, 1) == 0;
  if (!known || !Packet.answers(state)) return false;
  if (first == OK) return Packet.length >= 7 || load<u16>(head, F.COMMAND) == Command.STMT_FETCH;
  if (first == ERROR) return Packet.length >= 3 && Packet.length < 2048;
  if (first == EOF) return Packet.length >= 1 && Packet.length < 1024;
  return Packet.length < TOGETHER_BYTES;
}

function isGreeting(conversation: Conversation): bool {
  return Packet.byte(0) == 10
    ? Packet.length < 1024
    : Packet.byte(0) == ERROR && conversation.started != 0 && Packet.length < 1024;
}

/** Bytes of which nothing is known but that they belong to the response that is held; its last packet may end them. */
function passOver(conversation: Conversation, state: MysqlState): void {
  orderUnread(state.requests, Packet.sequenceOf(Packet.end));
  if (!state.is(StateFlag.HELD)) return;
  if (orderIsPast(state.requests, Parse.acknowledgement)) {
    endLost(conversation);
    return;
  }
  const response = changetype<Message>(state.response);
  response.wireBytes += Content.wireBytesOf(<u32>(Packet.end - Packet.at));
  if (endsResult()) endLost(conversation);
}

/** Whether the bytes in hand end with an EOF, or with an OK in its place, that no result follows. */
function endsResult(): bool {
  const end = Packet.end;
  const here = <u32>(end - Packet.at);
  if (here >= 9 && isHeader(end - 9, EOF_BYTES)) return !(u16le(end - 2) & MORE_RESULTS);
  return here >= 11 && isHeader(end - 11, 7) && u16le(end - 6) == 0 && !(u16le(end - 4) & MORE_RESULTS);
}

/** Whether a header of a payload of `length` bytes that begins with fe stands at `at`. */
function isHeader(at: usize, length: u32): bool {
  return u16le(at) == length && u8At(at + 2) == 0 && u8At(at + 4) == EOF;
}

/** Takes the packet in hand; false where it is none. */
function onPacket(conversation: Conversation, state: MysqlState, side: u32): bool {
  const continues = state.is(StateFlag.SERVER_CONTINUES);
  const isNext = Packet.follows(state);
  if (state.expect == Expect.NOTHING) {
    if (Packet.id == 0 && state.phase == Phase.COMMAND && isGreeting(conversation)) return onGreeting(conversation, state, side);
    // An EOF behind definitions that were taken for all: the handshake, which says so, was not seen.
    if (isNext && Packet.length == EOF_BYTES && Packet.byte(0) == EOF && Packet.id > 2 && conversation.pendingCount == 0) {
      state.set(StateFlag.EOF_SENT);
      state.serverId = <u8>Packet.id;
      return true;
    }
    if (!Packet.answers(state)) return lose(conversation);
    state.set(StateFlag.SERVER_IN_PLACE);
    if (!beginResponse(conversation, state)) return passAll(state);
  } else if (state.is(StateFlag.HELD)) {
    endLost(conversation);
    state.set(StateFlag.SERVER_IN_PLACE);
    if (!beginResponse(conversation, state)) return passAll(state);
  } else if (!isNext && !(state.expect == Expect.FIRST && Packet.answers(state))) {
    return lose(conversation);
  }
  state.serverId = <u8>Packet.id;
  const response = changetype<Message>(state.response);
  addPacket(response, Packet.length);
  if (Packet.length == Packet.LENGTH_MAX) state.set(StateFlag.SERVER_CONTINUES);
  else state.clear(StateFlag.SERVER_CONTINUES);
  if (!continues) onPart(conversation, state, side, response);
  return true;
}

/** There is no room for the response: what it brings goes by. */
function passAll(state: MysqlState): bool {
  state.clear(StateFlag.SERVER_IN_PLACE);
  state.expect = Expect.NOTHING;
  orderUnread(state.requests, Packet.sequenceOf(Packet.end));
  return false;
}

/** What should be the next packet is none. */
function lose(conversation: Conversation): bool {
  MysqlMetrics.malformed();
  losePlace(conversation, Mark.MALFORMED);
  orderUnread(stateAt(conversation).requests, Packet.sequenceOf(Packet.end));
  return false;
}

/** The server's place is lost; a response in progress is held until something says that it has ended. */
export function losePlace(conversation: Conversation, mark: u32): void {
  const state = stateAt(conversation);
  state.clear(StateFlag.SERVER_IN_PLACE | StateFlag.SERVER_CONTINUES);
  if (state.response == 0) return;
  const response = changetype<Message>(state.response);
  response.mark(mark);
  closePayload(response, F.RESPONSE_PAYLOAD);
  if (state.expect < Expect.COLUMNS && !response.knows(F.MysqlField.RESULTS)) {
    endLost(conversation);
    return;
  }
  if (state.expect >= Expect.PARAMETERS && state.expect <= Expect.PREPARED_END) {
    // All that is to be known of a prepared statement stands in its first packet.
    endLost(conversation);
    return;
  }
  state.set(StateFlag.HELD);
  response.present &= ~((1 << F.MysqlField.ROWS) | (1 << F.MysqlField.BODY_BYTES));
}

/** The server speaks first: who it is, or why it does not let the client in. */
function onGreeting(conversation: Conversation, state: MysqlState, side: u32): bool {
  state.serverId = 0;
  if (Packet.byte(0) == ERROR) {
    if (!beginResponse(conversation, state)) return passAll(state);
    addPacket(changetype<Message>(state.response), Packet.length);
    onError(conversation, side, changetype<Message>(state.response));
    return true;
  }
  readGreeting(state);
  state.phase = Phase.GREETED;
  state.set(StateFlag.SERVER_IN_PLACE);
  return true;
}

/** Takes one packet of a response as what is expected. */
function onPart(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  const expect = state.expect;
  if (expect == Expect.FIRST) {
    onFirst(conversation, state, side, response);
  } else if (Packet.byte(0) == ERROR && Packet.length >= 3) {
    onError(conversation, side, response);
  } else if (expect == Expect.COLUMNS) {
    keepDefinition(response);
    countDown(state, Expect.SEPARATOR);
  } else if (expect == Expect.SEPARATOR) {
    onSeparator(conversation, state, side, response);
  } else if (expect == Expect.ROWS) {
    onRow(conversation, state, side, response);
  } else if (expect == Expect.FIELDS) {
    if (Packet.byte(0) == EOF) onEnd(conversation, state, side, response);
    else store<u32>(changetype<usize>(response), load<u32>(changetype<usize>(response), F.COLUMNS) + 1, F.COLUMNS);
  } else {
    onDefinition(conversation, state, side);
  }
}

function countDown(state: MysqlState, next: u8): void {
  state.left -= 1;
  if (state.left == 0) state.expect = next;
}

/** The first packet of a response, or of a further result. */
function onFirst(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  const first = Packet.byte(0);
  const command = <u32>state.command;
  if (first == ERROR && Packet.length >= 3) {
    onError(conversation, side, response);
    return;
  }
  if (command == Command.CONNECT || command == Command.CHANGE_USER) {
    // A switch to another method, more of the one in use: the client answers.
    if (first == EOF || first == MORE_DATA) state.set(StateFlag.WANTS_DATA);
    else onOk(conversation, state, side, response, 1);
    return;
  }
  switch (command) {
    case Command.STATISTICS:
      endResponse(conversation, side, Status.OK);
      return;
    case Command.STMT_FETCH:
      state.expect = Expect.ROWS;
      response.know(F.MysqlField.ROWS);
      onRow(conversation, state, side, openRows(state, response, 0));
      return;
    case Command.FIELD_LIST:
      state.expect = Expect.FIELDS;
      response.know(F.MysqlField.COLUMNS);
      onPart(conversation, state, side, response);
      return;
    case Command.BINLOG_DUMP:
    case Command.BINLOG_DUMP_GTID:
      // Events follow for as long as the connection lasts.
      endResponse(conversation, side, Status.OK);
      letGo(conversation);
      leave(conversation, PROTOCOL_FOREIGN);
      return;
    case Command.STMT_PREPARE:
      if (first == OK) onPrepared(conversation, state, side, response);
      else endResponse(conversation, side, Status.OK);
      return;
    default:
      onResult(conversation, state, side, response, first);
  }
}

function onResult(conversation: Conversation, state: MysqlState, side: u32, response: Message, first: u32): void {
  if (first == OK) {
    if (isPrepared(state)) onPrepared(conversation, state, side, response);
    else onOk(conversation, state, side, response, 1);
  } else if (first == EOF && Packet.length < 9) {
    onEnd(conversation, state, side, response);
  } else if (first == LOCAL_FILE) {
    state.set(StateFlag.WANTS_DATA);
  } else {
    const end = Encoded.read(0);
    const columns = Encoded.value;
    addResult(response);
    if (!response.knows(F.MysqlField.COLUMNS)) store<u32>(changetype<usize>(response), <u32>columns, F.COLUMNS);
    response.know(F.MysqlField.COLUMNS);
    response.know(F.MysqlField.ROWS);
    state.left = <u32>columns;
    // MariaDB leaves definitions out that the client has (MARIADB_CLIENT_CACHE_METADATA).
    const isLeftOut = Packet.length == end + 1 && Packet.byte(end) == 0;
    state.expect = isLeftOut || columns == 0 ? Expect.SEPARATOR : Expect.COLUMNS;
    if (Packet.length <= end + 1) openRows(state, response, <u32>columns);
  }
}

function addResult(response: Message): void {
  const at = changetype<usize>(response);
  store<u32>(at, load<u32>(at, F.RESULTS) + 1, F.RESULTS);
  response.know(F.MysqlField.RESULTS);
}

/** An EOF behind the definitions, or the first row where there is none. */
function onSeparator(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  state.expect = Expect.ROWS;
  if (Packet.byte(0) != EOF || Packet.length != EOF_BYTES) {
    state.set(StateFlag.EOF_DEPRECATED);
    onRow(conversation, state, side, response);
    return;
  }
  state.set(StateFlag.EOF_SENT);
  // Rows wait at the server until they are fetched.
  if (Packet.u16(3) & CURSOR_EXISTS) onEnd(conversation, state, side, response);
}

function onRow(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  if (Packet.byte(0) == EOF && Packet.length < Packet.LENGTH_MAX && Packet.length >= EOF_BYTES) {
    onEnd(conversation, state, side, response);
    return;
  }
  if (Packet.byte(0) == ERROR && Packet.length >= 3) {
    onError(conversation, side, response);
    return;
  }
  const at = changetype<usize>(response);
  store<u64>(at, load<u64>(at, F.ROWS) + 1, F.ROWS);
  keepRow(state, response);
}

/** The end of rows: [fe] warnings u16, status u16, or an OK that begins with fe. */
function onEnd(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  if (Packet.length != EOF_BYTES) {
    onOk(conversation, state, side, response, 1);
    return;
  }
  const warnings = Packet.u16(1);
  endPart(conversation, state, side, response, warnings, Packet.u16(3));
}

/** An OK from `offset` on: affected rows, insert id, status u16, warnings u16. */
function onOk(conversation: Conversation, state: MysqlState, side: u32, response: Message, offset: u32): void {
  const at = changetype<usize>(response);
  const isEnd = state.expect == Expect.ROWS;
  let from = Encoded.read(offset);
  const affected = Encoded.value;
  from = Encoded.read(from);
  if (!isEnd) {
    store<u64>(at, load<u64>(at, F.AFFECTED_ROWS) + affected, F.AFFECTED_ROWS);
    response.know(F.MysqlField.AFFECTED_ROWS);
    if (Encoded.value != 0) store<u64>(at, Encoded.value, F.LAST_INSERT_ID);
    response.know(F.MysqlField.LAST_INSERT_ID);
    addResult(response);
  }
  endPart(conversation, state, side, response, Packet.u16(from + 2), Packet.u16(from));
}

/** A result has ended; another may follow. */
function endPart(conversation: Conversation, state: MysqlState, side: u32, response: Message, warnings: u32, status: u32): void {
  const at = changetype<usize>(response);
  store<u16>(at, load<u16>(at, F.WARNINGS) + warnings, F.WARNINGS);
  response.know(F.MysqlField.WARNINGS);
  if (status & NO_BACKSLASH_ESCAPES) state.set(StateFlag.NO_ESCAPES);
  else state.clear(StateFlag.NO_ESCAPES);
  state.set(StateFlag.ESCAPES_KNOWN);
  if (!(status & MORE_RESULTS)) {
    endResponse(conversation, side, Status.OK);
    return;
  }
  state.expect = Expect.FIRST;
  const asked = <usize>state.requests.answering;
  // Several statements, of which only the first bytes are known.
  if (asked != 0 && changetype<Message>(asked).marks & Mark.TRUNCATED) {
    setCharset(state, changetype<Message>(asked), Charset.UNKNOWN, Charset.UNKNOWN);
  }
}

/** [ff] code u16, # and five bytes of state where the protocol has them, message. */
function onError(conversation: Conversation, side: u32, response: Message): void {
  const code = Packet.u16(1);
  if (code == PROGRESS && Packet.length > 8) return;
  store<u16>(changetype<usize>(response), code, F.ERROR_CODE);
  response.know(F.MysqlField.ERROR_CODE);
  let message = response;
  let from: u32 = 3;
  if (Packet.byte(3) == 35 && Packet.held >= 9) {
    message.know(F.MysqlField.SQL_STATE);
    message = messageText(message, F.SQL_STATE, Packet.payload + 4, F.SQL_STATE_BYTES, F.SQL_STATE_BYTES);
    from = 9;
  }
  if (Packet.held > from) {
    message.know(F.MysqlField.ERROR_MESSAGE);
    const length = Packet.held - from;
    message = messageText(message, F.ERROR_MESSAGE, Packet.payload + from, length, F.ERROR_MESSAGE_BYTES_MAX);
    const isWhole = Packet.held == Packet.length && length <= F.ERROR_MESSAGE_BYTES_MAX;
    hideMysqlValues(message, F.ERROR_MESSAGE, F.SQL_STATE, code, isWhole);
  }
  stateAt(conversation).response = <u32>changetype<usize>(message);
  endResponse(conversation, side, Status.ERROR);
}

/** Whether an OK that answers no request that was seen is of a prepared statement: hardly any other of its length has a zero there. */
function isPrepared(state: MysqlState): bool {
  return state.command == 0 && Packet.length == PREPARED_BYTES && Packet.held == PREPARED_BYTES && Packet.byte(9) == 0;
}

/** [00] id u32, columns u16, parameters u16, 0, warnings u16. */
function onPrepared(conversation: Conversation, state: MysqlState, side: u32, response: Message): void {
  const at = changetype<usize>(response);
  store<u32>(at, Packet.u32(1), F.PREPARED_ID);
  store<u32>(at, Packet.u16(5), F.COLUMNS);
  store<u16>(at, Packet.u16(7), F.PARAMETERS);
  store<u16>(at, Packet.u16(10), F.WARNINGS);
  response.know(F.MysqlField.PREPARED_ID);
  response.know(F.MysqlField.COLUMNS);
  response.know(F.MysqlField.WARNINGS);
  state.columns = Packet.u16(5);
  state.left = Packet.u16(7);
  state.expect = state.left != 0 ? Expect.PARAMETERS : Expect.PARAMETERS_END;
  if (state.left == 0) toPreparedColumns(conversation, state, side);
}

/** Definitions of parameters and columns of a prepared statement, and their ends. */
function onDefinition(conversation: Conversation, state: MysqlState, side: u32): void {
  const isEof = Packet.byte(0) == EOF && Packet.length == EOF_BYTES;
  if (state.expect == Expect.PARAMETERS) {
    countDown(state, Expect.PARAMETERS_END);
    if (state.expect == Expect.PARAMETERS_END && !sendsEof(state)) toPreparedColumns(conversation, state, side);
  } else if (state.expect == Expect.PARAMETERS_END) {
    if (isEof) state.set(StateFlag.EOF_SENT);
    toPreparedColumns(conversation, state, side);
  } else if (state.expect == Expect.PREPARED_COLUMNS) {
    countDown(state, Expect.PREPARED_END);
    if (state.expect == Expect.PREPARED_END && !sendsEof(state)) endResponse(conversation, side, Status.OK);
  } else {
    endResponse(conversation, side, Status.OK);
  }
}

function toPreparedColumns(conversation: Conversation, state: MysqlState, side: u32): void {
  state.left = state.columns;
  state.expect = Expect.PREPARED_COLUMNS;
  if (state.left == 0) endResponse(conversation, side, Status.OK);
}

/** Whether the server ends definitions with an EOF: what was agreed on, what was seen, or most likely not. */
function sendsEof(state: MysqlState): bool {
  if (state.capabilities != 0 && state.serverCapabilities != 0) {
    return !(state.capabilities & state.serverCapabilities & Capability.DEPRECATE_EOF);
  }
  return state.is(StateFlag.EOF_SENT);
}

/** The contract's finish for the server's side. */
export function finishResponses(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  if (state.response == 0) return;
  if (state.is(StateFlag.HELD)) {
    endLost(conversation);
    return;
  }
  changetype<Message>(state.response).mark(Mark.INCOMPLETE);
  if (requestOf(conversation) != 0) state.request = 0;
  endResponse(conversation, side, Parse.outcome);
}
