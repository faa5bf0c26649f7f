/**
 * Which request a response answers.
 *
 * Responses come in the order of their requests (RFC 9112 section 9.3), so the oldest that waits is the one, as long as all
 * bytes were seen. Where some were not, two sequence numbers tell the pairs again:
 *
 * ```
 *   request  ---- floor: the client had the server's bytes up to here when it sent it
 *   response ---- its own first byte S; acknowledgement K: the server had the client's bytes up to here when it sent it
 *
 *   a response to a request has  S >= floor  and  K > the request's first byte
 *   and, when nothing else was on the way when the request was sent,  S = floor
 * ```
 * So behind a gap a response belongs to the request that was sent where the response begins, and to none where there is no
 * such request; requests that were sent before others had their responses cannot be told apart and stay unobserved.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageRelease } from "../../roundtrip/message";
import { PENDING_PER_CONVERSATION_MAX, pendingAdd, pendingAnswer, pendingTake, TimeoutClass } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Parse } from "../protocol";
import * as F from "./fields";
import { Half, HalfFlag, HttpState, MESSAGE_FLAGS, notePartial, Phase, Role, StateFlag, stateAt } from "./state";
import { Turn } from "./turn";

const SWITCHING_PROTOCOLS: u32 = 101;
const ERRORS_FROM: u32 = 400;

/** Whether another response follows the one of `code` (RFC 9110 section 15.2). */
export function isInterim(code: u32): bool {
  return code >= 100 && code < 200 && code != SWITCHING_PROTOCOLS;
}

function flagsOf(request: usize): u32 {
  return load<u8>(request, F.REQUEST_FLAGS);
}

/** Whether a response at sequence number `first` can answer `request`, by the two sequence numbers; 0 is none. */
function fits(request: usize, first: u32): bool {
  const floor = load<u32>(request, F.FLOOR);
  if (floor != 0 && <i32>(first - floor) < 0) return false;
  const seen = Parse.acknowledgement;
  return seen == 0 || <i32>(seen - load<u32>(request, F.SEQUENCE)) > 0;
}

/** Puts a request whose headers are done in the list of those that wait. */
export function enqueue(conversation: Conversation, side: u32, half: Half): void {
  const state = stateAt(conversation);
  const request = changetype<Message>(half.message);
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) makeRoom(conversation, state);
  if (isPipelined(conversation, state, load<u32>(half.message, F.FLOOR))) {
    state.set(StateFlag.PIPELINES);
    store<u8>(half.message, flagsOf(half.message) | F.RequestFlag.PIPELINED, F.REQUEST_FLAGS);
  }
  state.clear(StateFlag.REFUSED);
  half.clear(HalfFlag.OWNS);
  pendingAdd(conversation, side, request, TimeoutClass.STREAM);
  state.outstanding += 1;
}

/** Whether a request with this floor is sent before the one before it has its response, as far as that is sure. */
function isPipelined(conversation: Conversation, state: HttpState, floor: u32): bool {
  if (state.is(StateFlag.REFUSED) && state.refusedFloor == <u16>floor) return true;
  if (conversation.pendingCount == 0) return false;
  if (!state.is(StateFlag.UNCERTAIN)) return true;
  const last = <usize>conversation.pendingTail;
  return load<u32>(last, F.FLOOR) == floor && (flagsOf(last) & (F.RequestFlag.PIPELINED | F.RequestFlag.AFTER_GAP)) != 0;
}

/** A request with this floor found no room: it is missing, and what comes next is behind a gap. */
export function refuse(conversation: Conversation, floor: u32): void {
  const state = stateAt(conversation);
  if (isPipelined(conversation, state, floor)) state.set(StateFlag.PIPELINES);
  state.set(StateFlag.REFUSED);
  state.refusedFloor = <u16>floor;
}

/** Reports the oldest request that is not being answered as unobserved. */
function makeRoom(conversation: Conversation, state: HttpState): void {
  let at = <usize>conversation.pendingHead;
  if (at == <usize>state.answering) at = changetype<Message>(at).next;
  reportUnanswered(changetype<Message>(at), Status.UNOBSERVED);
  state.answered();
  state.set(StateFlag.UNCERTAIN);
}

/** Finds the request that the response which begins in `half` answers, and stops its clock. */
export function pair(conversation: Conversation, half: Half): void {
  const state = stateAt(conversation);
  const first = state.interimCount != 0 ? state.interimStart : half.sequence;
  if (conversation.pendingCount == 0) addUnfinished(conversation, state, first);
  let request: usize = 0;
  if (state.outstanding > conversation.pendingCount) {
    // The oldest have timed out: this is the answer to one of them.
    state.answered();
  } else {
    request = candidate(conversation, state, first);
  }
  state.answering = <u32>request;
  if (request != 0) pendingAnswer(changetype<Message>(request));
}

/** A server may answer before it has all headers: the request then waits as far as it is known. */
function addUnfinished(conversation: Conversation, state: HttpState, first: u32): void {
  const side = Turn.side ^ 1;
  const half = state.half(side);
  if (half.role != Role.REQUESTS || !half.is(HalfFlag.OWNS) || !fits(half.message, first)) return;
  changetype<Message>(half.message).mark(Mark.INCOMPLETE);
  notePartial(half);
  enqueue(conversation, side, half);
  half.flags &= <u8>~MESSAGE_FLAGS;
  half.phase = Phase.SEEK;
}

function candidate(conversation: Conversation, state: HttpState, first: u32): usize {
  let head = <usize>conversation.pendingHead;
  // What the same side sent waits from before a tunnel.
  while (head != 0 && changetype<Message>(head).side == Turn.side) head = <usize>changetype<Message>(head).next;
  if (head == 0 || !fits(head, first)) return 0;
  const afterGap = (flagsOf(head) & F.RequestFlag.AFTER_GAP) != 0;
  if (afterGap && state.is(StateFlag.PIPELINES)) state.set(StateFlag.UNCERTAIN);
  if (!state.is(StateFlag.UNCERTAIN)) return head;
  const chosen = sentAt(state, head, first);
  if (chosen != 0) {
    skipTo(conversation, state, chosen);
    state.clear(StateFlag.UNCERTAIN);
  } else if (!state.is(StateFlag.PIPELINES)) {
    skipOlder(conversation, state, first);
  } else {
    missSome(conversation);
  }
  return chosen;
}

/** One of those that wait is answered by what goes with none: that no other answer comes says nothing of any. */
function missSome(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  for (; at != 0; at = <usize>changetype<Message>(at).next) changetype<Message>(at).missed();
}

/** The request from `head` on that was sent when the client had the server's bytes up to `first` and waited for nothing. */
function sentAt(state: HttpState, head: usize, first: u32): usize {
  const unsure: u32 = state.is(StateFlag.PIPELINES) ? F.RequestFlag.PIPELINED | F.RequestFlag.AFTER_GAP : 0;
  for (let at = head; at != 0 && fits(at, first); at = <usize>changetype<Message>(at).next) {
    const floor = load<u32>(at, F.FLOOR);
    if ((floor == first || floor == 0) && (flagsOf(at) & unsure) == 0) return at;
  }
  return 0;
}

/** Reports the requests that were sent before `first` as unobserved: what begins there answers a later one. */
function skipOlder(conversation: Conversation, state: HttpState, first: u32): void {
  while (conversation.pendingHead != 0) {
    const head = <usize>conversation.pendingHead;
    if (<i32>(load<u32>(head, F.FLOOR) - first) >= 0) break;
    reportUnanswered(changetype<Message>(head), Status.UNOBSERVED);
  }
  state.outstanding = conversation.pendingCount;
}

/** Missing bytes begin where the response to the oldest request begins: what became of it is not known. */
export function loseResponse(conversation: Conversation): void {
  const state = stateAt(conversation);
  const head = <usize>conversation.pendingHead;
  if (head == 0 || state.is(StateFlag.UNCERTAIN) || state.outstanding > conversation.pendingCount) return;
  // An interim response may be all that is missing.
  if (flagsOf(head) & F.RequestFlag.EXPECTS || <i32>(Parse.sequence - load<u32>(head, F.FLOOR)) < 0) return;
  reportUnanswered(changetype<Message>(head), Status.UNOBSERVED);
  state.answered();
}

/** Reports the requests before `chosen` as unobserved: their responses were not captured. */
function skipTo(conversation: Conversation, state: HttpState, chosen: usize): void {
  while (<usize>conversation.pendingHead != chosen) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  state.outstanding = conversation.pendingCount;
}

/** Reports the response of `side` with what it answers, and readies the half for the next. */
export function endResponse(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  const response = <usize>half.message;
  const request = <usize>state.answering;
  endMessage(half);
  state.answering = 0;
  if (request != 0) {
    pendingTake(changetype<Message>(request));
    state.answered();
    const asking = state.half(side ^ 1);
    if (<usize>asking.message == request) asking.message = 0;
  }
  const isGood = changetype<Message>(response).knows(F.HttpField.STATUS_CODE) && load<u32>(response, F.STATUS_CODE) < ERRORS_FROM;
  report(conversation, side ^ 1, request, response, isGood ? Status.OK : Status.ERROR);
  if (request != 0) messageRelease(changetype<Message>(request));
  messageRelease(changetype<Message>(response));
}

/** Readies a half for the next message; the one it was in belongs to others now, or to nobody. */
export function endMessage(half: Half): void {
  half.message = 0;
  half.firstNs = 0;
  half.phase = Phase.START;
  half.flags &= <u8>~(MESSAGE_FLAGS | HalfFlag.OWNS | HalfFlag.SKIPPING);
}

/** The message that a half is in is complete. */
export function endCurrent(conversation: Conversation, side: u32, half: Half): void {
  if (half.role == Role.RESPONSES) endResponse(conversation, side);
  else endMessage(half);
}

/** The server sends no more: what it answered in missing bytes is not known. */
export function endUncertain(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (!state.is(StateFlag.UNCERTAIN)) return;
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    if (<i32>(load<u32>(at, F.FLOOR) - state.gapEnd) < 0) {
      reportUnanswered(changetype<Message>(at), Status.UNOBSERVED);
      state.answered();
    }
    at = next;
  }
}
