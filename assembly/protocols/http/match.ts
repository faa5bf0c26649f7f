/**
 * Which request a response answers: they come in the order of their requests (RFC 9112 section 9.3; in-order.ts). What is
 * HTTP's own: a server may answer before it has all of a request, or with several responses; and behind CONNECT the sides may
 * change their parts.
 */
import { Conversation } from "../../roundtrip/conversation";
import { orderAdd, orderFits, orderPairFrom, orderTake } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageRelease } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { Parse } from "../protocol";
import * as F from "./fields";
import { Half, HalfFlag, MESSAGE_FLAGS, notePartial, Phase, Role, stateAt } from "./state";
import { Turn } from "./turn";

const SWITCHING_PROTOCOLS: u32 = 101;
const ERRORS_FROM: u32 = 400;

/** Whether another response follows the one of `code` (RFC 9110 section 15.2). */
export function isInterim(code: u32): bool {
  return code >= 100 && code < 200 && code != SWITCHING_PROTOCOLS;
}

/** Puts a request whose headers are done in the list of those that wait. */
export function enqueue(conversation: Conversation, side: u32, half: Half): void {
  half.clear(HalfFlag.OWNS);
  orderAdd(conversation, stateAt(conversation).requests, side, changetype<Message>(half.message));
}

/** Finds the request that the response which begins in `half` answers, and stops its clock. */
export function pair(conversation: Conversation, half: Half): void {
  const state = stateAt(conversation);
  const first = state.interimCount != 0 ? state.interimStart : half.sequence;
  if (conversation.pendingCount == 0) addUnfinished(conversation, first);
  let head = <usize>conversation.pendingHead;
  // What the same side sent waits from before a tunnel.
  while (head != 0 && changetype<Message>(head).side == Turn.side) head = <usize>changetype<Message>(head).next;
  orderPairFrom(conversation, state.requests, head, first, Parse.acknowledgement);
}

/** A server may answer before it has all headers: the request then waits as far as it is known. */
function addUnfinished(conversation: Conversation, first: u32): void {
  const side = Turn.side ^ 1;
  const half = stateAt(conversation).half(side);
  if (half.role != Role.REQUESTS || !half.is(HalfFlag.OWNS)) return;
  const request = changetype<Message>(half.message);
  if (!orderFits(request, first, Parse.acknowledgement)) return;
  request.mark(Mark.INCOMPLETE);
  notePartial(half);
  enqueue(conversation, side, half);
  half.flags &= <u8>~MESSAGE_FLAGS;
  half.phase = Phase.SEEK;
}

/** Whether the oldest request waits for a go-ahead, so that missing bytes may be no more than that. */
export function mayGoAhead(conversation: Conversation): bool {
  const head = <usize>conversation.pendingHead;
  return head != 0 && load<u8>(head, F.EXPECTS) != 0;
}

/** Reports the response of `side` with what it answers, and readies the half for the next. */
export function endResponse(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  const response = <usize>half.message;
  endMessage(half);
  const request = orderTake(state.requests);
  const asking = state.half(side ^ 1);
  if (request != 0 && <usize>asking.message == request) asking.message = 0;
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
