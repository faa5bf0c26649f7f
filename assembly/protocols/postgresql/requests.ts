/**
 * What the client sends (PostgreSQL manual, "Message Flow").
 *
 * ```
 *   beginning   length u32, code u32, ...          no type
 *   simple      Q statement
 *   extended    P name statement | B portal name values | D describe | C close | E portal | H flush | S sync
 *   copy        d data | c done | f fail
 * ```
 * A request is a Q, or an E with all extended messages before it; extended messages up to a Sync of which none executes
 * anything are a request too. What is bound and executed is known from the client's side alone, in its order.
 */
import { elementHash } from "../../bytes/hash";
import { u8At, u32be } from "../../bytes/reader";
import { copyBytes } from "../../bytes/run";
import { Conversation } from "../../roundtrip/conversation";
import { orderAdd, orderBegin, orderRefuse } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { Parse } from "../protocol";
import { openPayload } from "../shared/payload";
import { charsetOfName } from "../sql/charset";
import { Dialect } from "../sql/places";
import { Prepared, preparedDrop, preparedFind, preparedPut } from "../sql/prepared";
import { Session, Sessions } from "../sql/session";
import { readStatement, STATEMENT_BYTES_MAX, Statement } from "../sql/statement";
import * as F from "./fields";
import { PgMetrics } from "./metrics";
import { COPY_DATA, dropValues, holdValues, keepUnit, takeValues, wantedOfRequest } from "./payload";
import { Code, isChain, isClientType, isStartup } from "./probe";
import { endHeld } from "./result";
import { addBytes, PgState, requestOf, StateFlag, stateAt, Unit } from "./state";

/** Body bytes that must lie together: a name and a statement at its limit. */
const TOGETHER_BYTES: u32 = 1280;
const REQUEST_BYTES: u32 = 400;
const NAMES_MAX: u32 = 63;
/** Keys of portals are apart from those of statements. */
const PORTAL_KEY: u64 = 0x9e3779b97f4a7c15;

const NAME: usize = memory.data(64);

/** Takes the client's bytes from `start` to `end`; answers how far they are read. */
export function readRequests(conversation: Conversation, side: u32, start: usize, end: usize): usize {
  const state = stateAt(conversation);
  const current = requestOf(conversation);
  if (current != 0) changetype<Message>(current).lastNs = Parse.timeNs;
  Unit.start = start;
  let at = start;
  while (at < end) {
    const here = <u32>(end - at);
    if (here < 8 && !Parse.isCut && isUntyped(state, at)) return waitFor(at, end, 8);
    if (here < Unit.HEADER) return waitFor(at, end, Unit.HEADER);
    const begins = here >= 8 && isUntyped(state, at) && isStartup(at, here);
    if (!state.is(StateFlag.CLIENT_IN_PLACE) && !begins && !isChain(at, end, false)) {
      return end;
    }
    const isRead = begins ? Unit.open(at, at, end) : Unit.read(at, end);
    if (!isRead || (!begins && !isClientType(Unit.type))) return lose(state, end);
    const most = begins ? together(begins) : max(together(begins), wantedOfRequest(requestOf(conversation)));
    if (Unit.held < most && !Parse.isCut) return waitFor(at, end, <u32>(Unit.body - at) + most);
    state.set(StateFlag.CLIENT_IN_PLACE);
    if (begins) onBeginning(conversation, state, side);
    else onMessage(conversation, state, side);
    at = Unit.body + Unit.held;
    Parse.skip = Unit.length - Unit.held;
  }
  return at;
}

/** Whether what begins here may be a message without a type. */
function isUntyped(state: PgState, at: usize): bool {
  return (state.is(StateFlag.BEGINS) || !state.is(StateFlag.CLIENT_IN_PLACE)) && u8At(at) == 0;
}

/** Body bytes of the message in hand that must lie together. */
function together(begins: bool): u32 {
  const type = Unit.type;
  const isLong = type == 100 || type == 112 || type == 70;
  const most: u32 = begins ? 4000 : isLong ? 0 : type == 66 ? 140 : TOGETHER_BYTES;
  return Unit.length < most ? Unit.length : most;
}

/** Wants `bytes` together, or takes all where no more come. */
export function waitFor(at: usize, end: usize, bytes: u32): usize {
  if (Parse.isCut) return end;
  Parse.need = bytes;
  return at;
}

/** What should be a message is none. */
function lose(state: PgState, end: usize): usize {
  PgMetrics.malformed();
  state.clear(StateFlag.CLIENT_IN_PLACE);
  state.set(StateFlag.AFTER_GARBAGE | StateFlag.CHARSET_OPEN);
  state.request = 0;
  state.openMessages = 0;
  state.openBytes = 0;
  dropValues(state);
  return end;
}

/** A message of a connection's beginning: encryption is asked for, a query elsewhere cancelled, or a session begun. */
function onBeginning(conversation: Conversation, state: PgState, side: u32): void {
  const code = Unit.u32(0);
  if (code == Code.TLS || code == Code.GSS) {
    state.set(StateFlag.ONE_BYTE | StateFlag.BEGINS);
    return;
  }
  state.clear(StateFlag.BEGINS);
  const block = begin(state, code == Code.CANCEL ? F.Kind.CANCEL : F.Kind.STARTUP);
  if (block == 0) {
    if (code != Code.CANCEL) refuseGroup(conversation, state);
    return;
  }
  let message = changetype<Message>(block);
  addBytes(message, Unit.whole, Unit.length);
  if (code == Code.CANCEL) {
    reportAlone(conversation, side, message);
    return;
  }
  readParameters(state);
  message = putNames(state, message);
  addGroup(conversation, state, side, message);
}

/** user, database, application_name and others: name NUL value NUL, and a NUL at the end. */
function readParameters(state: PgState): void {
  let user: u32 = 0;
  let database: u32 = 0;
  let application: u32 = 0;
  let at: u32 = 4;
  while (at < Unit.held && Unit.byte(at) != 0) {
    const name = at;
    const value = Unit.zero(name) + 1;
    at = Unit.zero(value) + 1;
    const length = value - name - 1;
    if (length == 4 && Unit.u32(name) == 0x75736572) user = value;
    if (length == 8 && Unit.u32(name) == 0x64617461) database = value;
    if (length == 16 && Unit.u32(name) == 0x6170706c) application = value;
    if (isClientEncoding(name, length)) state.setCharset(charsetOfName(Unit.body + value, Unit.zero(value) - value));
  }
  // Without a database it is the user's name.
  if (database == 0) database = user;
  keepNames(state, user, database, application);
}

/** Whether the name of `length` bytes at `name` of the body is "client_encoding": no other setting of this length begins so. */
export function isClientEncoding(name: u32, length: u32): bool {
  return length == 15 && Unit.u32(name) == 0x636c6965;
}

/** Whether a statement may change the charset of those behind it, or whether backslashes escape: SET, RESET, or DISCARD. */
function maySetCharset(start: usize, length: u32): bool {
  const end = start + length;
  let at = start;
  while (at < end && u8At(at) <= 32) at += 1;
  if (end - at < 4) return false;
  const letters = u32be(at) | 0x20202020;
  return letters >> 8 == 0x736574 || letters == 0x72657365 || letters == 0x64697363;
}

function lengthOf(value: u32): u32 {
  return value == 0 ? 0 : Unit.zero(value) - value;
}

function keepNames(state: PgState, user: u32, database: u32, application: u32): void {
  Sessions.begin();
  addName(user);
  addName(database);
  addName(application);
  state.session = Sessions.keep(state.session);
  if (state.session == 0 && user + database + application != 0) PgMetrics.refused();
}

function addName(value: u32): void {
  Sessions.add(Unit.body + value, lengthOf(value));
}

/** Makes the message of a request; 0 where there is no room. */
function begin(state: PgState, kind: u32): usize {
  const block = messageCreate(F.POSTGRESQL, F.REQUEST_FIXED_END, REQUEST_BYTES);
  if (block == 0) {
    PgMetrics.refused();
    state.request = 0;
    return 0;
  }
  const message = openPayload(changetype<Message>(block), F.REQUEST_PAYLOAD, REQUEST_BYTES - F.REQUEST_FIXED_END);
  const at = changetype<usize>(message);
  message.firstNs = Parse.timeOf(Unit.at);
  store<u16>(at, kind, F.KIND);
  store<u32>(at, state.clientGroup, F.GROUP);
  message.know(F.PgField.KIND);
  message.know(F.PgField.BODY_BYTES);
  if (Unit.held < Unit.length && Parse.isCut) message.mark(Mark.GAP);
  if (state.is(StateFlag.AFTER_GARBAGE)) message.mark(Mark.RESYNCHRONIZED);
  return at;
}

/** Notes who asks, of which database. */
function putNames(state: PgState, request: Message): Message {
  if (state.session == 0) return request;
  const session = changetype<Session>(<usize>state.session);
  if (session.isCut) request.mark(Mark.TRUNCATED);
  let message = putName(request, F.USER, F.PgField.USER, session.userStart, session.userLength);
  message = putName(message, F.DATABASE, F.PgField.DATABASE, session.databaseStart, session.databaseLength);
  return putName(message, F.APPLICATION, F.PgField.APPLICATION, session.applicationStart, session.applicationLength);
}

function putName(message: Message, offset: u32, field: u32, start: usize, length: u32): Message {
  if (length == 0) return message;
  message.know(field);
  return messageText(message, offset, start, length, F.NAME_BYTES_MAX);
}

/** Puts a request that is a group of its own among those that wait. */
function addGroup(conversation: Conversation, state: PgState, side: u32, request: Message): void {
  add(conversation, state, side, request, Parse.sequence + <u32>(Unit.at - Unit.start), Parse.acknowledgement);
  state.clientGroup += 1;
}

/** A request that was sent when the client had all up to `floor` found no room. */
function refuse(conversation: Conversation, state: PgState, floor: u32): void {
  orderRefuse(conversation, state.requests, floor);
  state.set(StateFlag.AFTER_GAP | StateFlag.CHARSET_OPEN);
}

/** The same of one that is a group of its own. */
function refuseGroup(conversation: Conversation, state: PgState): void {
  refuse(conversation, state, Parse.acknowledgement);
  state.clientGroup += 1;
}

/** Sequence number behind the message in hand. */
function endOfUnit(): u32 {
  return Parse.sequence + <u32>(Unit.body - Unit.start) + Unit.length;
}

/** Adds the message in hand to a request that waits. */
function addMore(request: Message): void {
  addBytes(request, Unit.whole, Unit.length);
  request.endSequence = endOfUnit();
}

function add(conversation: Conversation, state: PgState, side: u32, request: Message, sequence: u32, floor: u32): void {
  const isAfterGap = state.is(StateFlag.AFTER_GAP);
  state.clear(StateFlag.AFTER_GAP | StateFlag.AFTER_GARBAGE);
  request.endSequence = endOfUnit();
  orderBegin(request, sequence, floor, isAfterGap);
  orderAdd(conversation, state.requests, side, request);
  state.request = <u32>changetype<usize>(request);
}

/** Reports a request that is never answered. */
function reportAlone(conversation: Conversation, side: u32, request: Message): void {
  stateAt(conversation).request = 0;
  report(conversation, side, changetype<usize>(request), 0, Status.OK);
  messageRelease(request);
}

/** Takes a message with a type. */
function onMessage(conversation: Conversation, state: PgState, side: u32): void {
  state.clear(StateFlag.BEGINS | StateFlag.ONE_BYTE);
  switch (Unit.type) {
    case 81: // Q
    case 70: // F
      onQuery(conversation, state, side);
      return;
    case 80: // P
      open(conversation, state);
      onParse(state);
      return;
    case 66: // B
      open(conversation, state);
      onBind(state);
      return;
    case 67: // C
      open(conversation, state);
      if (Unit.byte(0) == 83) preparedDrop(state.prepared, keyOf(1));
      return;
    case 68: // D
      open(conversation, state);
      return;
    case 69: // E
      open(conversation, state);
      onExecute(conversation, state, side);
      return;
    case 83: // S
      onSync(conversation, state, side);
      return;
    case 88: // X
      onTerminate(conversation, state, side);
      return;
    default: {
      // What belongs to the last request: data of a copy, what proves who the client is, a flush.
      const current = requestOf(conversation);
      if (current == 0) return;
      addMore(changetype<Message>(current));
      if (Unit.type == COPY_DATA) keepUnit(changetype<Message>(current), F.REQUEST_PAYLOAD);
    }
  }
}

function onTerminate(conversation: Conversation, state: PgState, side: u32): void {
  endHeld(conversation);
  const block = begin(state, F.Kind.TERMINATE);
  if (block == 0) return;
  const message = putNames(state, changetype<Message>(block));
  addBytes(message, Unit.whole, Unit.length);
  reportAlone(conversation, side, message);
}

/** A simple query, or a call of a function. */
function onQuery(conversation: Conversation, state: PgState, side: u32): void {
  endHeld(conversation);
  const isQuery = Unit.type == 81;
  const block = begin(state, isQuery ? F.Kind.SIMPLE : F.Kind.FUNCTION);
  if (block == 0) {
    refuseGroup(conversation, state);
    return;
  }
  let message = changetype<Message>(block);
  addBytes(message, Unit.whole, Unit.length);
  message = putNames(state, message);
  if (isQuery) message = putStatement(state, message);
  addGroup(conversation, state, side, message);
}

/** Reads the statement at `from` of the body; false where it is not all of it. */
function readText(state: PgState, from: u32): bool {
  const end = Unit.zero(from);
  const start = Unit.body + from;
  readStatement(start, end - from, Dialect.POSTGRESQL, state.escapes, state.charset);
  if (Statement.isMany || maySetCharset(start, end - from)) state.set(StateFlag.CHARSET_OPEN);
  return end - from <= STATEMENT_BYTES_MAX && !Statement.isCut && (end < Unit.held || Unit.held == Unit.length);
}

/** Takes the statement that the body is, as far as it may be shown, and its fingerprint. */
function putStatement(state: PgState, request: Message): Message {
  if (!readText(state, 0)) request.mark(Mark.TRUNCATED);
  request.know(F.PgField.STATEMENT);
  request.know(F.PgField.FINGERPRINT);
  const message = messageText(request, F.STATEMENT, Statement.textStart, Statement.textLength, STATEMENT_BYTES_MAX);
  return messageText(message, F.FINGERPRINT, Statement.start, Statement.length, Statement.length);
}

/** An extended message: the first since the last request is where the next one begins. */
function open(conversation: Conversation, state: PgState): void {
  if (state.openMessages == 0) {
    endHeld(conversation);
    state.openNs = Parse.timeOf(Unit.at);
    state.openBytes = 0;
    state.openSequence = Parse.sequence + <u32>(Unit.at - Unit.start);
    state.openFloor = Parse.acknowledgement;
  }
  state.openMessages += 1;
  state.openBytes += Unit.whole;
}

/** Number of the name at `from` of the body; that of the unnamed is a name's too. */
function keyOf(from: u32): u64 {
  const length = Unit.zero(from) - from;
  const take = length < NAMES_MAX ? length : NAMES_MAX;
  copyBytes(NAME, Unit.body + from, take);
  return elementHash(NAME, take);
}

/** P: name, statement, types of parameters. The text is kept under the name whatever the server says of it. */
function onParse(state: PgState): void {
  const key = keyOf(0);
  const from = Unit.zero(0) + 1;
  if (from > Unit.held) return;
  const isWhole = readText(state, from);
  const text = Statement.textStart;
  const length = Statement.textLength;
  const isKept = preparedPut(state.prepared, key, text, length, Statement.start, Statement.length, !isWhole);
  if (!isKept) PgMetrics.refused();
  state.bound = key;
}

/** B: portal, name, values. A named portal keeps the text under its own name. */
function onBind(state: PgState): void {
  holdValues(state);
  const statement = Unit.zero(0) + 1;
  const key = keyOf(statement);
  if (Unit.byte(0) == 0) {
    state.bound = key;
    return;
  }
  const at = preparedFind(state.prepared, key);
  if (at == 0) return;
  const one = changetype<Prepared>(at);
  const portal = keyOf(0) ^ PORTAL_KEY;
  const fingerprintStart = one.fingerprintStart;
  const length = <u32>one.statementLength;
  if (state.prepared.count >= 256) return;
  preparedPut(state.prepared, portal, one.statementStart, length, fingerprintStart, one.fingerprintLength, one.truncated != 0);
}

/** E: portal, rows at the most. */
function onExecute(conversation: Conversation, state: PgState, side: u32): void {
  const isNamed = Unit.byte(0) != 0;
  const key = isNamed ? keyOf(0) ^ PORTAL_KEY : state.bound;
  let message = beginOpen(state, F.Kind.EXTENDED, key);
  if (message == 0) {
    refuse(conversation, state, state.openFloor);
    return;
  }
  if (isNamed) {
    const request = changetype<Message>(message);
    message = changetype<usize>(putName(request, F.PORTAL, F.PgField.PORTAL, Unit.body, Unit.zero(0)));
  }
  add(conversation, state, side, changetype<Message>(message), state.openSequence, state.openFloor);
}

/** Makes the request of the extended messages so far, with the text of `key`. */
function beginOpen(state: PgState, kind: u32, key: u64): usize {
  const bytes = state.openBytes;
  const messages = state.openMessages;
  state.openBytes = 0;
  state.openMessages = 0;
  const block = begin(state, kind);
  if (block == 0) return 0;
  let message = changetype<Message>(block);
  message.firstNs = state.openNs;
  if (kind == F.Kind.EXTENDED) takeValues(state, message);
  else dropValues(state);
  addBytes(message, bytes, bytes - messages * Unit.HEADER);
  message = putNames(state, message);
  const at = preparedFind(state.prepared, key);
  if (at == 0) return changetype<usize>(message);
  const one = changetype<Prepared>(at);
  if (one.truncated) message.mark(Mark.TRUNCATED);
  message.know(F.PgField.STATEMENT);
  message.know(F.PgField.FINGERPRINT);
  message = messageText(message, F.STATEMENT, one.statementStart, one.statementLength, STATEMENT_BYTES_MAX);
  return changetype<usize>(messageText(message, F.FINGERPRINT, one.fingerprintStart, one.fingerprintLength, 512));
}

/** S: the group ends; what was prepared but not executed is a request. */
function onSync(conversation: Conversation, state: PgState, side: u32): void {
  if (state.openMessages != 0) {
    open(conversation, state);
    const message = beginOpen(state, F.Kind.PREPARE, state.bound);
    if (message != 0) add(conversation, state, side, changetype<Message>(message), state.openSequence, state.openFloor);
    else refuse(conversation, state, state.openFloor);
  } else {
    const current = requestOf(conversation);
    if (current != 0) addMore(changetype<Message>(current));
  }
  state.clientGroup += 1;
}
