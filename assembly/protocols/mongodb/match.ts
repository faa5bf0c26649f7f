/**
 * Which request a response answers: the one whose id it repeats.
 *
 * With moreToCome a server goes on without being asked (exhaust cursors): each reply answers the one before it. Such a chain is one
 * round trip, but for a hello that is answered again whenever something changes: that one ends with its first reply.
 */
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageRelease } from "../../roundtrip/message";
import { PENDING_PER_CONVERSATION_MAX, pendingAdd, pendingFind, pendingIndex, TimeoutClass } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import * as F from "./fields";
import { isWord } from "./keep";
import { settleContents } from "./payload";
import { stateAt } from "./state";
import { Walk, WalkFlag } from "./walk-state";

/** The request that waits for a response to `id`; 0 for none. */
export function findRequest(conversation: Conversation, id: u32): usize {
  return pendingFind(conversation, id, 0);
}

/** Every response that is awaited may have been among missing bytes, and a chain's next. */
export function missAll(conversation: Conversation, side: u32): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    changetype<Message>(at).missed();
    at = <usize>changetype<Message>(at).next;
  }
  const state = stateAt(conversation);
  if (state.response != 0) changetype<Message>(state.response).mark(Mark.GAP);
  endChain(conversation, side ^ 1);
}

/** The message in progress has ended, or what is to be known of it is known. */
export function endMessage(conversation: Conversation, side: u32, half: Half): void {
  const block = <usize>half.walk;
  half.walk = 0;
  half.phase = Phase.START;
  if (block == 0) return;
  const w = changetype<Walk>(block);
  settleContents(w);
  const message = changetype<Message>(w.message);
  if (Parse.timeNs > message.lastNs) message.lastNs = Parse.timeNs;
  if (w.is(WalkFlag.UNCOUNTED)) message.present &= ~(1 << F.MongoField.DOCUMENTS);
  if (w.is(WalkFlag.RESPONSE)) endResponse(conversation, side, w, message);
  else endRequest(conversation, side, w, message);
  Regions.streamPool.release(block);
}

/** A request waits, unless it says itself that nothing comes back. */
function endRequest(conversation: Conversation, side: u32, w: Walk, request: Message): void {
  const at = changetype<usize>(request);
  if (load<u8>(at, F.NO_RESPONSE) != 0) {
    report(conversation, side, at, 0, Status.OK);
    messageRelease(request);
    return;
  }
  // Whether a response is to come is not known where not even the flags are.
  if (w.is(WalkFlag.BROKEN) && load<u8>(at, F.IS_COMMAND) == 0) request.missed();
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  pendingAdd(conversation, side, request, TimeoutClass.STREAM);
  pendingIndex(conversation, request, load<u32>(at, F.REQUEST_ID), 0);
}

function endResponse(conversation: Conversation, side: u32, w: Walk, response: Message): void {
  const state = stateAt(conversation);
  if (w.request == 0 && state.isChain != 0) {
    addToChain(conversation, side, w, response);
    return;
  }
  const request = <usize>w.request;
  const isDecided = w.is(WalkFlag.DECIDED);
  store<u8>(changetype<usize>(response), isDecided ? 1 : 0, F.IS_FAILED + 1);
  if (request != 0 && w.is(WalkFlag.MORE_TO_COME)) {
    state.isChain = 1;
    state.chainId = load<u32>(changetype<usize>(response), F.REQUEST_ID);
    if (!isHello(changetype<Message>(request))) {
      store<u32>(changetype<usize>(response), 1, F.REPLIES);
      response.know(F.MongoField.REPLIES);
      state.request = <u32>request;
      state.response = <u32>changetype<usize>(response);
      return;
    }
  }
  finish(conversation, side ^ 1, request, response);
}

/** Reports a response with its request: an error where it says so, unobserved where what decides was not read. */
function finish(conversation: Conversation, client: u32, request: usize, response: Message): void {
  const at = changetype<usize>(response);
  const isFailed = load<u8>(at, F.IS_FAILED) != 0;
  const isDecided = load<u8>(at, F.IS_FAILED + 1) != 0;
  report(conversation, client, request, at, isFailed ? Status.ERROR : isDecided ? Status.OK : Status.UNOBSERVED);
  if (request != 0) messageRelease(changetype<Message>(request));
  messageRelease(response);
}

function isHello(request: Message): bool {
  if (!request.knows(F.MongoField.COMMAND)) return false;
  const start = request.textStart(F.COMMAND);
  const length = request.textLength(F.COMMAND);
  return isWord(start, length, "hello") || isWord(start, length, "isMaster") || isWord(start, length, "ismaster");
}

/** Whether a response to `id` goes on a chain. */
export function goOnChain(conversation: Conversation, id: u32): bool {
  const state = stateAt(conversation);
  return state.isChain != 0 && state.chainId == id;
}

/** Adds the next reply to a chain, which ends with the one that has no more to come. */
function addToChain(conversation: Conversation, side: u32, w: Walk, reply: Message): void {
  const state = stateAt(conversation);
  state.chainId = load<u32>(changetype<usize>(reply), F.REQUEST_ID);
  const isLast = !w.is(WalkFlag.MORE_TO_COME);
  if (state.response != 0) {
    const whole = <usize>state.response;
    const response = changetype<Message>(whole);
    response.wireBytes += reply.wireBytes;
    response.lastNs = reply.lastNs;
    response.marks |= reply.marks;
    store<u32>(whole, load<u32>(whole, F.REPLIES) + 1, F.REPLIES);
    store<u32>(whole, load<u32>(whole, F.DOCUMENTS) + load<u32>(changetype<usize>(reply), F.DOCUMENTS), F.DOCUMENTS);
    store<u32>(whole, load<u32>(whole, F.BODY_BYTES) + load<u32>(changetype<usize>(reply), F.BODY_BYTES), F.BODY_BYTES);
    if (w.is(WalkFlag.UNCOUNTED)) response.present &= ~(1 << F.MongoField.DOCUMENTS);
    if (load<u8>(changetype<usize>(reply), F.IS_FAILED) != 0) store<u8>(whole, 1, F.IS_FAILED);
    if (!w.is(WalkFlag.DECIDED)) store<u8>(whole, 0, F.IS_FAILED + 1);
  }
  messageRelease(reply);
  if (isLast) endChain(conversation, side ^ 1);
}

/** A chain has ended: what there is of it is reported. */
export function endChain(conversation: Conversation, client: u32): void {
  const state = stateAt(conversation);
  state.isChain = 0;
  const request = <usize>state.request;
  const response = <usize>state.response;
  state.request = 0;
  state.response = 0;
  if (response != 0) finish(conversation, client, request, changetype<Message>(response));
}

/** Lets go of a chain. */
export function dropChain(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (state.request != 0) messageRelease(changetype<Message>(state.request));
  if (state.response != 0) messageRelease(changetype<Message>(state.response));
  state.request = 0;
  state.response = 0;
}
