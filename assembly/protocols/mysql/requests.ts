/** What the client sends: commands, and what belongs to one that the server asked more for. */
import { u8At, u32le } from "../../bytes/reader";
import { Conversation, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { orderAdd, orderBegin, orderRefuse } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { leave, Parse } from "../protocol";
import { Charset } from "../sql/charset";
import { Escapes, maySetEscapes } from "../sql/escapes";
import { Dialect } from "../sql/places";
import { Prepared, preparedDrop, preparedFind } from "../sql/prepared";
import { Session } from "../sql/session";
import { readStatement, STATEMENT_BYTES_MAX, Statement } from "../sql/statement";
import { readAttributes } from "./attributes";
import { CharsetChange, charsetSet, maySetCharset } from "./charset";
import { Command, hasStatementId, hasText, isAnswered, isCommand, isLength } from "./commands";
import * as F from "./fields";
import {
  asksForTls,
  Handshake,
  isHandshakeResponse,
  isOldResponse,
  readChangeUser,
  readHandshakeResponse,
  setText,
} from "./handshake";
import { MysqlMetrics, Switch } from "./metrics";
import { keepParameters, missParameters, noteParameters, wantedTogether } from "./payload-parameters";
import { endHeld } from "./result";
import { addPacket, forgetNames, letGo, MysqlState, Packet, Phase, requestOf, StateFlag, setCharset, stateAt } from "./state";

/** Payload bytes of a command that must lie together: a text at its limit, with attributes before it. */
const TOGETHER_BYTES: u32 = 1280;
/** Bytes of a request's first block: names, and a statement of the usual length with its fingerprint. */
const REQUEST_BYTES: u32 = 400;
/** A statement's number that stands for the one prepared last (MariaDB). */
const LAST_PREPARED: u32 = 0xffffffff;

/** Takes the client's bytes from `start` to `end`; answers how far they are read. */
export function readRequests(conversation: Conversation, side: u32, start: usize, end: usize): usize {
  const state = stateAt(conversation);
  const current = requestOf(conversation);
  if (current != 0) changetype<Message>(current).lastNs = Parse.timeNs;
  Packet.open(start);
  let at = start;
  while (at < end) {
    const here = <u32>(end - at);
    if (here < Packet.HEADER) return waitFor(at, end, Packet.HEADER + 1);
    Packet.read(at, end);
    const most = min(Packet.length, max(TOGETHER_BYTES, wantedTogether(state)));
    if (Packet.held == 0 && most != 0 && !Parse.isCut) return waitFor(at, end, Packet.HEADER + 1);
    const isPlausible = mayBegin(state);
    if (isPlausible && Packet.held < most && !Parse.isCut) return waitFor(at, end, Packet.HEADER + most);
    if (!state.is(StateFlag.CLIENT_IN_PLACE) && !(isPlausible && isStart(state))) return end;
    if (!onPacket(conversation, state, side)) return end;
    // Behind a request for TLS another protocol begins, perhaps in the same segment.
    if (conversation.protocol != <u8>F.MYSQL) return Packet.at + Packet.HEADER + Packet.held;
    state.set(StateFlag.CLIENT_IN_PLACE);
    at = Packet.at + Packet.HEADER + Packet.held;
    Parse.skip = Packet.length - Packet.held;
  }
  return at;
}

/** Wants `bytes` together, or takes all where no more come. */
export function waitFor(at: usize, end: usize, bytes: u32): usize {
  if (Parse.isCut) return end;
  Parse.need = bytes;
  return at;
}

/** Whether header and first byte can be those of a packet that is expected here. */
function mayBegin(state: MysqlState): bool {
  if (Packet.id == 0) return Packet.length != 0 && isCommand(Packet.byte(0)) && isLength(Packet.byte(0), Packet.length);
  if (state.is(StateFlag.WANTS_DATA | StateFlag.CLIENT_CONTINUES)) return true;
  return Packet.id <= 2 && Packet.length <= 65536;
}

/** Whether a segment begins with a message, so that the parser knows its place again. */
function isStart(state: MysqlState): bool {
  if (answersGreeting(state)) return true;
  if (Packet.length == 0 || Packet.held == 0) return false;
  if (Packet.id != 0) {
    const isExpected = state.phase == Phase.GREETED || state.order0 == 0;
    return isExpected && Packet.id <= 2 && isLogin(state);
  }
  const command = Packet.byte(0);
  if (!isCommand(command) || !isLength(command, Packet.length)) return false;
  const whole = Packet.HEADER + Packet.length;
  const here = <u32>(Packet.end - Packet.at);
  if (hasText(command) && Packet.byte(1) > 126) return false;
  // What follows in the segment is another command; what is not there yet belongs to a text or to values.
  if (here < whole) return hasText(command) || command == Command.STMT_EXECUTE || command == Command.STMT_SEND_LONG_DATA;
  return here < whole + Packet.HEADER || u8At(Packet.at + whole + 3) == 0;
}

/** Whether the packet in hand can be how a client answers the greeting. */
function isLogin(state: MysqlState): bool {
  return asksForTls() || isHandshakeResponse() || (state.phase == Phase.GREETED && isOldResponse());
}

/** Whether the packet in hand is what follows the greeting, whatever it holds: the server will answer it as a login. */
function answersGreeting(state: MysqlState): bool {
  return state.phase == Phase.GREETED && Packet.id == 1;
}

/** Takes the packet in hand; false where it is no message. */
function onPacket(conversation: Conversation, state: MysqlState, side: u32): bool {
  const continues = state.is(StateFlag.CLIENT_CONTINUES);
  if (Packet.length == Packet.LENGTH_MAX) state.set(StateFlag.CLIENT_CONTINUES);
  else state.clear(StateFlag.CLIENT_CONTINUES);
  const id = Packet.id;
  if (id != 0 && (continues || state.is(StateFlag.WANTS_DATA))) {
    const current = requestOf(conversation);
    if (current != 0) {
      addPacket(changetype<Message>(current), Packet.length);
      changetype<Message>(current).endSequence = endOfPacket();
    }
    state.clientId = <u8>id;
    return true;
  }
  if (answersGreeting(state) || (id != 0 && state.phase != Phase.AUTHENTICATES && isLogin(state))) {
    return onHandshake(conversation, state, side);
  }
  const command = Packet.byte(0);
  if (id != 0 || Packet.length == 0 || !isCommand(command) || !isLength(command, Packet.length)) {
    return lose(state);
  }
  state.clientId = 0;
  state.phase = Phase.COMMAND;
  state.clear(StateFlag.WANTS_DATA);
  onCommand(conversation, state, side, command);
  return true;
}

/** What should be a packet is none. */
function lose(state: MysqlState): bool {
  MysqlMetrics.malformed();
  state.clear(StateFlag.CLIENT_IN_PLACE | StateFlag.CLIENT_CONTINUES | StateFlag.ESCAPES_KNOWN);
  state.set(StateFlag.AFTER_GARBAGE);
  state.charset = <u8>Charset.UNKNOWN;
  missParameters(state);
  state.request = 0;
  return false;
}

function onHandshake(conversation: Conversation, state: MysqlState, side: u32): bool {
  if (asksForTls()) {
    MysqlMetrics.switched(Switch.TLS);
    letGo(conversation);
    leave(conversation, PROTOCOL_UNKNOWN);
    return true;
  }
  const isSound = isLogin(state);
  state.clientId = <u8>Packet.id;
  state.phase = Phase.AUTHENTICATES;
  const message = begin(state, Command.CONNECT);
  if (message == 0) {
    refuse(conversation, state);
    return true;
  }
  let request = changetype<Message>(message);
  if (isSound) {
    request = readHandshakeResponse(state, request);
  } else {
    MysqlMetrics.malformed();
    Handshake.charset = Charset.UNKNOWN;
    request.mark(Mark.MALFORMED);
  }
  setCharset(state, request, Charset.UNKNOWN, Handshake.charset);
  add(conversation, state, side, request);
  return true;
}

/** Makes the message of a request; 0 where there is no room. */
function begin(state: MysqlState, command: u32): usize {
  const block = messageCreate(F.MYSQL, F.REQUEST_FIXED_END, REQUEST_BYTES);
  if (block == 0) {
    MysqlMetrics.refused();
    state.request = 0;
    return 0;
  }
  const message = changetype<Message>(block);
  message.firstNs = Parse.timeOf(Packet.at);
  store<u16>(block, command, F.COMMAND);
  message.know(F.MysqlField.COMMAND);
  message.know(F.MysqlField.BODY_BYTES);
  addPacket(message, Packet.length);
  if (Packet.held < min(Packet.length, TOGETHER_BYTES) && Parse.isCut) message.mark(Mark.GAP);
  if (state.is(StateFlag.AFTER_GARBAGE)) message.mark(Mark.RESYNCHRONIZED);
  return block;
}

/** Sequence number behind the packet in hand. */
function endOfPacket(): u32 {
  return Packet.sequenceOf(Packet.payload + Packet.length);
}

/** Puts a request among those that wait. */
function add(conversation: Conversation, state: MysqlState, side: u32, request: Message): void {
  const isAfterGap = state.is(StateFlag.AFTER_GAP);
  state.clear(StateFlag.AFTER_GAP | StateFlag.AFTER_GARBAGE);
  request.endSequence = endOfPacket();
  orderBegin(request, Packet.sequenceOf(Packet.at), Parse.acknowledgement, isAfterGap);
  orderAdd(conversation, state.requests, side, request);
  state.request = <u32>changetype<usize>(request);
}

/** The request in hand found no room. */
function refuse(conversation: Conversation, state: MysqlState): void {
  orderRefuse(conversation, state.requests, Parse.acknowledgement);
  state.set(StateFlag.AFTER_GAP);
  // What it was may have set them.
  state.charset = <u8>Charset.UNKNOWN;
  state.clear(StateFlag.ESCAPES_KNOWN);
  forgetNames(state);
}

function onCommand(conversation: Conversation, state: MysqlState, side: u32, command: u32): void {
  endHeld(conversation);
  const sent = noteParameters(state, command);
  const block = begin(state, command);
  if (block == 0) {
    if (isAnswered(command)) refuse(conversation, state);
    return;
  }
  let request = changetype<Message>(block);
  if (command == Command.CHANGE_USER) {
    request = readChangeUser(state, request);
    setCharset(state, request, <u32>state.charset, Handshake.charset);
  } else {
    request = putNames(state, keepParameters(state, request, command, sent));
    if (hasText(command)) request = takeStatement(state, request, command);
    else if (hasStatementId(command)) request = readPrepared(conversation, state, request);
    else if (command == Command.INIT_DB) request = setText(request, F.STATEMENT, F.MysqlField.STATEMENT, 1, Packet.length);
  }
  if (command == Command.RESET_CONNECTION) setCharset(state, request, <u32>state.charset, Charset.UNKNOWN);
  if (isAnswered(command)) {
    add(conversation, state, side, request);
    return;
  }
  if (command == Command.STMT_CLOSE) preparedDrop(state.prepared, Packet.u32(1));
  state.clear(StateFlag.AFTER_GAP | StateFlag.AFTER_GARBAGE);
  state.request = 0;
  report(conversation, side, changetype<usize>(request), 0, Status.OK);
  messageRelease(request);
}

/** Notes who asks, and of which database. */
function putNames(state: MysqlState, request: Message): Message {
  if (state.session == 0) return request;
  const session = changetype<Session>(<usize>state.session);
  if (session.isCut) request.mark(Mark.TRUNCATED);
  let message = request;
  if (session.userLength != 0) {
    message.know(F.MysqlField.USER);
    message = messageText(message, F.USER, session.userStart, session.userLength, F.NAME_BYTES_MAX);
  }
  if (session.databaseLength == 0) return message;
  message.know(F.MysqlField.DATABASE);
  return messageText(message, F.DATABASE, session.databaseStart, session.databaseLength, F.NAME_BYTES_MAX);
}

/** Takes the text of a command, as far as it may be shown, and its fingerprint. */
function takeStatement(state: MysqlState, request: Message, command: u32): Message {
  const from = command == Command.QUERY ? readAttributes(state) : 1;
  if (from >= Packet.held) return request;
  const start = Packet.payload + from;
  const held = Packet.held - from;
  const isCut = held < Packet.length - from || held > STATEMENT_BYTES_MAX;
  readCharset(state, request, start, held, isCut, command == Command.QUERY);
  if (isCut || Statement.isCut) request.mark(Mark.TRUNCATED);
  if (command == Command.QUERY) store<u8>(changetype<usize>(request), isUse(start, held) ? 1 : 0, F.IS_USE);
  request.know(F.MysqlField.STATEMENT);
  request.know(F.MysqlField.FINGERPRINT);
  const message = messageText(request, F.STATEMENT, Statement.textStart, Statement.textLength, STATEMENT_BYTES_MAX);
  return messageText(message, F.FINGERPRINT, Statement.start, Statement.length, Statement.length);
}

/** Reads a statement in the connection's charset, and what it does to that of those behind it. */
function readCharset(state: MysqlState, request: Message, start: usize, held: u32, isCut: bool, isQuery: bool): void {
  const escapes = state.escapes;
  const before = <u32>state.charset;
  readStatement(start, held, Dialect.MYSQL, escapes, before);
  const isMany = Statement.isMany;
  if (maySetEscapes(start, start + held) || (isMany && isCut)) state.clear(StateFlag.ESCAPES_KNOWN);
  if (!isMany && !maySetCharset(start, held)) return;
  let set = charsetSet(start, held, escapes == Escapes.NO ? Escapes.NO : Escapes.YES);
  // Behind what may change it the other reading is possible too.
  if (!state.is(StateFlag.ESCAPES_KNOWN)) {
    const other = charsetSet(start, held, escapes == Escapes.NO ? Escapes.YES : Escapes.NO);
    if (other != set) set = Charset.UNKNOWN;
  }
  // What is not there may set it, and what is prepared sets it when it is executed.
  if (isMany && isCut) set = Charset.UNKNOWN;
  if (set == CharsetChange.NONE) return;
  if (!isQuery) set = Charset.UNKNOWN;
  if (isMany && set != before) readStatement(start, held, Dialect.MYSQL, escapes, Charset.UNKNOWN);
  setCharset(state, request, isMany ? Charset.UNKNOWN : before, set);
}

/** Whether a statement is `USE name`. */
function isUse(start: usize, length: u32): bool {
  if (length < 5) return false;
  return (u32le(start) | 0x00202020) == 0x20657375;
}

/** Takes the number of a prepared statement, and what text it stands for. */
function readPrepared(conversation: Conversation, state: MysqlState, request: Message): Message {
  if (Packet.held < 5) return request;
  const id = Packet.u32(1);
  store<u32>(changetype<usize>(request), id, F.STATEMENT_ID);
  request.know(F.MysqlField.STATEMENT_ID);
  if (id == LAST_PREPARED) return readLastPrepared(conversation, state, request);
  const at = preparedFind(state.prepared, id);
  return at == 0 ? request : copyPrepared(request, changetype<Prepared>(at));
}

function copyPrepared(request: Message, one: Prepared): Message {
  if (one.truncated) request.mark(Mark.TRUNCATED);
  request.know(F.MysqlField.STATEMENT);
  request.know(F.MysqlField.FINGERPRINT);
  const message = messageText(request, F.STATEMENT, one.statementStart, one.statementLength, STATEMENT_BYTES_MAX);
  return messageText(message, F.FINGERPRINT, one.fingerprintStart, one.fingerprintLength, one.fingerprintLength);
}

/** MariaDB's clients execute what they prepared just before, without waiting for its number. */
function readLastPrepared(conversation: Conversation, state: MysqlState, request: Message): Message {
  for (let at = <usize>conversation.pendingTail; at != 0; at = <usize>changetype<Message>(at).previous) {
    if (load<u16>(at, F.COMMAND) != Command.STMT_PREPARE) continue;
    const asked = changetype<Message>(at);
    if (asked.marks & Mark.TRUNCATED) request.mark(Mark.TRUNCATED);
    request.know(F.MysqlField.STATEMENT);
    request.know(F.MysqlField.FINGERPRINT);
    const message = messageText(
      request,
      F.STATEMENT,
      asked.textStart(F.STATEMENT),
      asked.textLength(F.STATEMENT),
      STATEMENT_BYTES_MAX,
    );
    return messageText(message, F.FINGERPRINT, asked.textStart(F.FINGERPRINT), asked.textLength(F.FINGERPRINT), 512);
  }
  const first = <usize>state.prepared.head;
  return first == 0 ? request : copyPrepared(request, changetype<Prepared>(first));
}
