/**
 * The round trip of a handshake: what its hellos and alerts say, when it is over, and with what outcome.
 *
 * It is over when a fatal alert was sent, when the server answers what is no TLS, or when both sides have sent something under
 * the keys; a server that does so after its ServerHelloDone has seen the client's Finished (RFC 5246 section 7.3). It took until
 * the last of the server's messages in the clear: ServerHelloDone, or the ChangeCipherSpec where there is none, or the ServerHello.
 */
import { elementHash } from "../../bytes/hash";
import { u8At } from "../../bytes/reader";
import { Window } from "../../bytes/window";
import { HostSecrets } from "../../host";
import { Conversation, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { pendingAdd, pendingTake, TimeoutClass, timerStop } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { leave, Parse } from "../protocol";
import * as F from "./fields";
import { FINGERPRINT, ja3, ja3s, ja4 } from "./fingerprint";
import { Hello, TLS_1_3 } from "./hello";
import { TlsMetrics } from "./metrics";
import { Opened, openedCreate } from "./opened";
import { CLIENT_HELLO } from "./probe";
import { Half, HalfFlag, letGo, Phase, Role, requestOf, settle, stateAt } from "./state";

const FATAL: u32 = 2;
const COMMA: u32 = 44;
/** Bytes of a hello up to the end of its random. */
const RANDOM_END: u32 = 34;
const ALPN_TEXT: usize = memory.data(256);

/** One side is the client, so the other is the server; false where it is known to be otherwise. */
function setRole(conversation: Conversation, side: u32, role: u8): bool {
  const state = stateAt(conversation);
  const half = state.half(side);
  if (half.role == Role.UNKNOWN) {
    half.role = role;
    state.half(side ^ 1).role = role == Role.CLIENT ? Role.SERVER : Role.CLIENT;
  }
  return half.role == role;
}

/** A hello of `side` has ended: `whole`, or cut for the reason `mark`. */
export function noteHello(conversation: Conversation, side: u32, type: u32, whole: bool, mark: u32): void {
  const half = stateAt(conversation).half(side);
  const isClient = type == CLIENT_HELLO;
  if (!setRole(conversation, side, isClient ? Role.CLIENT : Role.SERVER)) {
    TlsMetrics.malformed();
    return;
  }
  const start = Window.start;
  const end = Window.end;
  Window.open(half.buffer, half.bufferLength);
  if (isClient) noteClientHello(conversation, side, half, whole, mark);
  else noteServerHello(conversation, half, whole, mark);
  Window.open(start, <u32>(end - start));
}

/** Notes what opens what will follow, where the host may have secrets; what is inside of something opened stays closed. */
function noteOpening(conversation: Conversation, half: Half): void {
  const state = stateAt(conversation);
  if (!HostSecrets.areThere && !HostSecrets.mayCome) return;
  if (<u32>half.bufferLength < RANDOM_END || conversation.marks & Mark.TLS) return;
  if (state.opened == 0) state.opened = <u32>openedCreate();
  if (state.opened == 0) TlsMetrics.refused();
  else changetype<Opened>(state.opened).asked(half.buffer);
}

function noteClientHello(conversation: Conversation, side: u32, half: Half, whole: bool, mark: u32): void {
  if (half.is(HalfFlag.HELLO)) {
    // The second, that a HelloRetryRequest asked for.
    const first = requestOf(conversation);
    if (first != 0) changetype<Message>(first).wireBytes += half.wireBytes;
    return;
  }
  Hello.readClient(half.buffer, half.bufferLength, whole);
  noteOpening(conversation, half);
  const block = messageCreate(F.TLS, F.REQUEST_FIXED_END, F.REQUEST_BYTES);
  half.set(HalfFlag.HELLO);
  if (block == 0) {
    TlsMetrics.refused();
    return;
  }
  let request = changetype<Message>(block);
  if (Hello.version != 0) {
    store<u16>(block, Hello.version, F.VERSION);
    request.know(F.TlsField.VERSION);
  }
  noteSession(block);
  store<u8>(block, Hello.encrypted ? 1 : 0, F.ECH);
  if (Hello.isWhole || Hello.encrypted) request.know(F.TlsField.ECH);
  markHello(request, mark);
  if (Hello.serverName.length != 0) {
    request.know(F.TlsField.SERVER_NAME);
    request = messageText(request, F.SERVER_NAME, Hello.serverName.start, Hello.serverName.length, F.SERVER_NAME_BYTES_MAX);
  }
  request = setAlpn(request);
  if (Hello.isWhole) request = setFingerprints(request);
  enqueue(conversation, side, half, request);
}

/** Puts a request whose hello is read in the list of those that wait. */
function enqueue(conversation: Conversation, side: u32, half: Half, request: Message): void {
  request.firstNs = half.firstNs;
  request.lastNs = Parse.timeNs;
  request.wireBytes = half.wireBytes;
  pendingAdd(conversation, side, request, TimeoutClass.STREAM);
  if (stateAt(conversation).response != 0) timerStop(request);
}

function markHello(message: Message, mark: u32): void {
  message.mark(mark);
  if (!Hello.isMalformed) return;
  message.mark(Mark.MALFORMED);
  TlsMetrics.malformed();
}

function noteSession(message: usize): void {
  store<u8>(message, Hello.session.length, F.SESSION_LENGTH);
  if (Hello.session.length != 0) store<u64>(message, elementHash(Hello.session.start, Hello.session.length), F.SESSION);
}

/** The names of the list, commas between them. */
function setAlpn(message: Message): Message {
  let at = <usize>Hello.alpn.start;
  const end = at + Hello.alpn.length;
  let length: u32 = 0;
  let isCut = false;
  while (at < end) {
    const bytes = u8At(at);
    at += 1;
    if (bytes > <u32>(end - at)) break;
    const separator: u32 = length != 0 ? 1 : 0;
    if (length + separator + bytes > F.ALPN_BYTES_MAX) {
      isCut = true;
      break;
    }
    if (separator != 0) store<u8>(ALPN_TEXT + length, COMMA);
    memory.copy(ALPN_TEXT + length + separator, at, bytes);
    length += separator + bytes;
    at += bytes;
  }
  if (isCut) message.mark(Mark.TRUNCATED);
  if (length == 0) return message;
  message.know(F.TlsField.ALPN);
  return messageText(message, F.ALPN, ALPN_TEXT, length, F.ALPN_BYTES_MAX);
}

function setFingerprints(message: Message): Message {
  ja3();
  message.know(F.TlsField.JA3);
  const request = messageText(message, F.JA3, FINGERPRINT, F.JA3_BYTES, F.JA3_BYTES);
  if (!ja4()) return request;
  request.know(F.TlsField.JA4);
  return messageText(request, F.JA4, FINGERPRINT, F.JA4_BYTES, F.JA4_BYTES);
}

/** The server's message, made when there is none; 0 when the pool is used up. */
function responseOf(conversation: Conversation, half: Half): usize {
  const state = stateAt(conversation);
  if (state.response != 0) return state.response;
  const block = messageCreate(F.TLS, F.RESPONSE_FIXED_END, F.RESPONSE_BYTES);
  if (block == 0) {
    TlsMetrics.refused();
    return 0;
  }
  const response = changetype<Message>(block);
  response.firstNs = half.firstNs;
  response.lastNs = Parse.timeNs;
  state.response = <u32>block;
  const request = requestOf(conversation);
  if (request != 0) timerStop(changetype<Message>(request));
  return block;
}

function noteServerHello(conversation: Conversation, half: Half, whole: bool, mark: u32): void {
  const state = stateAt(conversation);
  const block = responseOf(conversation, half);
  if (block == 0 || state.answered) return;
  let response = changetype<Message>(block);
  response.wireBytes += half.wireBytes;
  response.lastNs = Parse.timeNs;
  Hello.readServer(half.buffer, half.bufferLength, whole);
  if (Hello.isRetry) {
    store<u8>(block, 1, F.HELLO_RETRY);
    response.know(F.TlsField.HELLO_RETRY);
    return;
  }
  state.answered = 1;
  half.set(HalfFlag.HELLO);
  if (state.opened != 0 && Hello.hasCipher) changetype<Opened>(state.opened).answered(half.buffer, Hello.version, Hello.cipher);
  if (Hello.version != 0) {
    // What the extensions say of the version may be missing.
    store<u16>(block, Hello.version, F.VERSION);
    if (Hello.isWhole || Hello.version < 0x0303 || Hello.version == TLS_1_3) response.know(F.TlsField.VERSION);
  }
  if (Hello.hasCipher) {
    store<u16>(block, Hello.cipher, F.CIPHER);
    response.know(F.TlsField.CIPHER);
  }
  noteSession(block);
  if (Hello.preShared) store<u8>(block, 1, F.RESUMED);
  markHello(response, mark);
  response = setAlpn(response);
  if (Hello.isWhole) {
    ja3s();
    response.know(F.TlsField.JA3S);
    response = messageText(response, F.JA3S, FINGERPRINT, F.JA3_BYTES, F.JA3_BYTES);
  }
  state.response = <u32>changetype<usize>(response);
}

/** `bytes` of a side in the clear that are no hello: the server's part lasts until here. */
export function noteClear(conversation: Conversation, half: Half, bytes: u32): void {
  const response = <usize>stateAt(conversation).response;
  if (response == 0 || half.role != Role.SERVER || half.is(HalfFlag.DONE)) return;
  changetype<Message>(response).wireBytes += bytes;
  changetype<Message>(response).lastNs = Parse.timeNs;
}

/** An alert in the clear. */
export function noteAlert(conversation: Conversation, side: u32, level: u32, description: u32, bytes: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  const isServer = half.role == Role.SERVER;
  const message = isServer ? responseOf(conversation, half) : requestOf(conversation);
  if (level == FATAL) state.failed = 1;
  if (message == 0) return;
  const m = changetype<Message>(message);
  store<u16>(message, description, F.ALERT);
  m.know(F.TlsField.ALERT);
  m.know(F.TlsField.ALERT_CODE);
  if (isServer) noteClear(conversation, half, bytes);
}

/** A hello of SSL 2. */
export function noteSsl2(conversation: Conversation, side: u32, version: u32, isServer: bool): void {
  const half = stateAt(conversation).half(side);
  if (!setRole(conversation, side, isServer ? Role.SERVER : Role.CLIENT) || half.is(HalfFlag.HELLO)) return;
  half.set(HalfFlag.HELLO);
  let block: usize;
  if (isServer) {
    block = responseOf(conversation, half);
    if (block == 0) return;
    stateAt(conversation).answered = 1;
    changetype<Message>(block).wireBytes += half.wireBytes;
  } else {
    block = messageCreate(F.TLS, F.REQUEST_FIXED_END, F.REQUEST_FIXED_END);
    if (block == 0) {
      TlsMetrics.refused();
      return;
    }
    enqueue(conversation, side, half, changetype<Message>(block));
  }
  store<u16>(block, version, F.VERSION);
  changetype<Message>(block).know(F.TlsField.VERSION);
}

/** Whether `half` has sent an alert under the keys of TLS 1.3, where these are in use. */
function hasSealedAlert(response: usize, half: Half): bool {
  return half.is(HalfFlag.ALERT_SIZED) && response != 0 && load<u16>(response, F.VERSION) == <u16>TLS_1_3;
}

/** Reports the handshake where it is over; whether the conversation was left. */
export function decide(conversation: Conversation): bool {
  const state = stateAt(conversation);
  if (state.over) return false;
  const client: u32 = state.half(0).role == Role.CLIENT ? 0 : 1;
  const asking = state.half(client);
  const answering = state.half(client ^ 1);
  if (asking.role != Role.CLIENT) return false;
  if (state.failed || hasSealedAlert(state.response, asking) || hasSealedAlert(state.response, answering)) {
    conclude(conversation, client, Status.ERROR, PROTOCOL_FOREIGN);
    return true;
  }
  const isOver = answering.is(HalfFlag.SEALED) && (asking.is(HalfFlag.SEALED) || answering.is(HalfFlag.DONE));
  if (!isOver) return false;
  return conclude(conversation, client, state.answered ? Status.OK : Status.UNOBSERVED, PROTOCOL_FOREIGN);
}

/** Whether the server took up an earlier session: by its key (RFC 8446), or by its identifier (RFC 5246 section 7.4.1.3). */
function noteResumed(request: usize, response: usize): void {
  const answer = changetype<Message>(response);
  if (!answer.knows(F.TlsField.VERSION) || load<u16>(response, F.VERSION) < 0x0300) return;
  if (load<u16>(response, F.VERSION) != <u16>TLS_1_3) {
    if (request == 0) return;
    const length = load<u8>(response, F.SESSION_LENGTH);
    const same = length == load<u8>(request, F.SESSION_LENGTH) && load<u64>(response, F.SESSION) == load<u64>(request, F.SESSION);
    store<u8>(response, length != 0 && same ? 1 : 0, F.RESUMED);
  }
  answer.know(F.TlsField.RESUMED);
}

/**
 * The first bytes of `half` are no record: where it is the server's, it does not speak TLS, and the handshake has failed. What it
 * says is left to whoever reads it; false where it is not so.
 */
export function refuse(conversation: Conversation, half: Half): bool {
  const state = stateAt(conversation);
  const isFirst = half.role == Role.SERVER && half.flags == 0 && half.phase == Phase.RECORD && half.wireBytes == 0;
  if (!isFirst || state.response != 0 || requestOf(conversation) == 0) return false;
  const client: u32 = state.half(0).role == Role.CLIENT ? 0 : 1;
  conclude(conversation, client, Status.ERROR, PROTOCOL_UNKNOWN);
  return true;
}

/** Reports the handshake and leaves the conversation to `next`, unless it is opened from here on; whether it was left. */
function conclude(conversation: Conversation, client: u32, status: u32, next: u32): bool {
  const state = stateAt(conversation);
  const request = requestOf(conversation);
  const response = <usize>state.response;
  if (request != 0) pendingTake(changetype<Message>(request));
  if (response != 0 && state.answered) noteResumed(request, response);
  if (request != 0 || response != 0) report(conversation, client, request, response, status);
  if (request != 0) messageRelease(changetype<Message>(request));
  if (status == Status.OK && state.opened != 0 && HostSecrets.areThere) {
    settle(conversation);
    return false;
  }
  letGo(conversation);
  leave(conversation, next);
  return true;
}

/** `side` sends no more: a server that does not can end no handshake. */
export function endSide(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  if (half.role != Role.SERVER) return;
  const isKnown = !half.is(HalfFlag.GAP) && !state.half(side ^ 1).is(HalfFlag.GAP);
  if (state.response != 0) {
    conclude(conversation, side ^ 1, isKnown ? Parse.outcome : Status.UNOBSERVED, PROTOCOL_FOREIGN);
    return;
  }
  const request = requestOf(conversation);
  if (request != 0 && half.is(HalfFlag.GAP)) reportUnanswered(changetype<Message>(request), Status.UNOBSERVED);
}
