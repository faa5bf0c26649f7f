/**
 * The end of every round trip: into the metrics of its protocol and, where asked for, into the event ring.
 *
 * ```
 * event:  0 length u32 | 4 protocol u8 | 5 status u8 | 6 direction u8 | 7 family u8
 *         8 client port u16 | 10 server port u16 | 12 interface u32
 *        16 client address, 16 bytes | 32 server address, 16 bytes
 *        48 time u64 | 56 duration u64 | 64 request u64 | 72 server u64 | 80 response u64 | 88 handshake u64    (ns)
 *        96 retransmissions u32 | 100 out of order u32 | 104 gap bytes u64 | 112 marks u32 | 116 transport u8 | 117 owners u8
 *       118 stages u8 | 119 kept out u8 | 120 request length u32 | 124 response length u32 | 128 request | response | padding |
 *       owners (event-owners.ts), so many times 8 bytes | stages (stages.ts)
 * ```
 * A time that is not known is all ones. A message that is not there has length 0. An event is padded to eight bytes.
 */
import { Minute } from "../aggregate/minute";
import { spanOf, timeOf, UNTIMED } from "../bytes/stamp";
import { Settings } from "../settings";
import { askOwners } from "./ask-owner";
import { Conversation } from "./conversation";
import { eventOwnersBytes, putEventOwners } from "./event-owners";
import { Events } from "./events";
import { Mark, Status } from "./marks";
import { Message, messageRelease } from "./message";
import { observerOf } from "./observers";
import { OwnerMetrics } from "./owner-metrics";
import { isInAnswer, pendingExpired, pendingTake } from "./pending";
import { Sightings } from "./sightings";
import { Held } from "./stages";

/** Bytes before the messages of an event. */
export const EVENT_HEADER_BYTES: u32 = 128;

/** The times of the round trip that is being reported, ns; UNTIMED where a side or its time is missing. */
export class Timing {
  static timeNs: u64 = 0;
  static durationNs: u64 = 0;
  static requestNs: u64 = 0;
  static serverNs: u64 = 0;
  static responseNs: u64 = 0;
  static handshakeRttNs: u64 = 0;
}

function measure(conversation: Conversation, request: usize, response: usize): void {
  Timing.durationNs = UNTIMED;
  Timing.requestNs = UNTIMED;
  Timing.serverNs = UNTIMED;
  Timing.responseNs = UNTIMED;
  Timing.handshakeRttNs =
    conversation.synNs != 0 && conversation.ackNs != 0 ? spanOf(conversation.ackNs, conversation.synNs) : UNTIMED;
  if (request != 0) {
    const r = changetype<Message>(request);
    Timing.timeNs = timeOf(r.firstNs);
    Timing.requestNs = spanOf(r.lastNs, r.firstNs);
  } else if (response != 0) {
    Timing.timeNs = timeOf(changetype<Message>(response).firstNs);
  }
  if (response == 0) return;
  const answer = changetype<Message>(response);
  Timing.responseNs = spanOf(answer.lastNs, answer.firstNs);
  if (request == 0) return;
  const asked = changetype<Message>(request);
  Timing.durationNs = spanOf(answer.lastNs, asked.firstNs);
  // Where bytes of the request are missing, its end may have come later than the last that was seen.
  if (asked.isTalk || asked.marks & Mark.GAP) return;
  // Seen at the client the wait holds the way to the server and back; SYN to SYN-ACK is that part, wherever the capture is.
  let wayNs = conversation.synNs != 0 && conversation.synAckNs != 0 ? spanOf(conversation.synAckNs, conversation.synNs) : 0;
  if (wayNs == UNTIMED) wayNs = 0;
  const waitNs = spanOf(answer.firstNs, asked.lastNs);
  if (waitNs != UNTIMED) Timing.serverNs = waitNs > wayNs ? waitNs - wayNs : 0;
}

/**
 * Reports one round trip: the request, its response, or either alone (0 for none), with its outcome. `client` is the side that
 * asked. The request must be in no list any more; both messages stay the caller's.
 */
export function report(conversation: Conversation, client: u32, request: usize, response: usize, status: u32): void {
  measure(conversation, request, response);
  Minute.use(Minute.clockNs);
  const protocol = request != 0 ? changetype<Message>(request).protocol : changetype<Message>(response).protocol;
  call_indirect<void>(observerOf(protocol), conversation, client, request, response, status);
  if (Settings.owners) {
    askOwners(conversation, client);
    if (request != 0) OwnerMetrics.request(conversation, client);
  }
  if (Settings.events) writeEvent(conversation, client, protocol, request, response, status);
}

function writeEvent(conversation: Conversation, client: u32, protocol: u32, request: usize, response: usize, status: u32): void {
  const requestLength: u32 = request != 0 ? changetype<Message>(request).length : 0;
  const responseLength: u32 = response != 0 ? changetype<Message>(response).length : 0;
  const owners: u32 = Settings.owners ? eventOwnersBytes(conversation) : 0;
  const padded = (EVENT_HEADER_BYTES + requestLength + responseLength + 7) & ~7;
  const length = padded + owners;
  const at = Sightings.isAny ? Held.room(length) : Events.room(length);
  store<u32>(at, length);
  store<u8>(at, protocol, 4);
  store<u8>(at, status, 5);
  store<u8>(at, conversation.directionOf(client), 6);
  store<u8>(at, conversation.family, 7);
  store<u16>(at, conversation.port(client), 8);
  store<u16>(at, conversation.port(client ^ 1), 10);
  store<u32>(at, conversation.interfaceId, 12);
  memory.copy(at + 16, conversation.address(client), 16);
  memory.copy(at + 32, conversation.address(client ^ 1), 16);
  store<u64>(at, Timing.timeNs, 48);
  store<u64>(at, Timing.durationNs, 56);
  store<u64>(at, Timing.requestNs, 64);
  store<u64>(at, Timing.serverNs, 72);
  store<u64>(at, Timing.responseNs, 80);
  store<u64>(at, Timing.handshakeRttNs, 88);
  store<u32>(at, conversation.retransmissions, 96);
  store<u32>(at, conversation.outOfOrder, 100);
  store<u64>(at, conversation.gapBytes, 104);
  conversation.retransmissions = 0;
  conversation.outOfOrder = 0;
  conversation.gapBytes = 0;
  let marks: u32 = conversation.marks;
  if (conversation.transport == 6 && !conversation.started) marks |= Mark.MID_STREAM;
  if (request != 0) marks |= changetype<Message>(request).marks;
  if (response != 0) marks |= changetype<Message>(response).marks;
  store<u32>(at, marks, 112);
  store<u32>(at, conversation.transport, 116);
  store<u8>(at, <u8>(owners >> 3), 117);
  store<u32>(at, requestLength, 120);
  store<u32>(at, responseLength, 124);
  memory.copy(at + EVENT_HEADER_BYTES, request, requestLength);
  memory.copy(at + EVENT_HEADER_BYTES + requestLength, response, responseLength);
  const used = EVENT_HEADER_BYTES + requestLength + responseLength;
  memory.fill(at + used, 0, padded - used);
  if (owners != 0) putEventOwners(at + padded, owners, conversation, client);
  if (Sightings.isAny) {
    const requestNs = request != 0 ? timeOf(changetype<Message>(request).firstNs) : UNTIMED;
    const responseNs = response != 0 ? timeOf(changetype<Message>(response).firstNs) : UNTIMED;
    Held.put(length, <u32>changetype<usize>(conversation), client, requestNs, responseNs);
  } else {
    Events.put(at, length);
  }
}

/** Reports a pending request without a response and lets go of it; with one that may have been missed it is unobserved. */
export function reportUnanswered(request: Message, status: u32): void {
  const conversation = changetype<Conversation>(request.conversation);
  const side = request.side;
  pendingTake(request);
  report(conversation, side, changetype<usize>(request), 0, request.mayHaveMissed ? Status.UNOBSERVED : status);
  messageRelease(request);
}

/** Reports every request of a conversation that still waits. */
export function reportRest(conversation: Conversation, status: u32): void {
  while (conversation.pendingHead != 0) reportUnanswered(changetype<Message>(conversation.pendingHead), status);
}

/**
 * `side` sends no more: reports what its peer asked and still waits for. A request whose response has begun on the other side is
 * left to whoever reads that: the sides may have changed their parts in a tunnel.
 */
export function reportUnansweredBy(conversation: Conversation, side: u32, status: u32): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const request = changetype<Message>(at);
    at = request.next;
    if (request.side != side && !isInAnswer(request)) reportUnanswered(request, status);
  }
}

/** Reports requests that have waited too long at packet time `nowNs`, as far as events have room. */
export function reportExpired(nowNs: u64): void {
  while (true) {
    const at = pendingExpired(nowNs);
    if (at == 0) return;
    reportUnanswered(changetype<Message>(at), Status.TIMEOUT);
  }
}
