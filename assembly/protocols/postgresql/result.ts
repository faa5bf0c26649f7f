/** The response in progress: its beginning and its end. */
import { Conversation } from "../../roundtrip/conversation";
import { orderPair, orderTake } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Parse } from "../protocol";
import { openPayload } from "../shared/payload";
import * as F from "./fields";
import { PgMetrics } from "./metrics";
import { PgState, StateFlag, stateAt, Unit } from "./state";

const RESPONSE_BYTES: u32 = 256;

/** Begins the response whose first message is in hand; false where there is no room. */
export function beginResponse(conversation: Conversation, state: PgState): bool {
  const first = Parse.sequence + <u32>(Unit.at - Unit.start);
  const request = orderPair(conversation, state.requests, first, Parse.acknowledgement);
  return openResponse(state, request);
}

/** Begins the response to `request`, which the order of requests knows as being answered; 0 for none. */
export function openResponse(state: PgState, request: usize): bool {
  state.kind = request == 0 ? 0 : <u8>load<u16>(request, F.KIND);
  state.status = <u8>Status.UNOBSERVED;
  state.clear(StateFlag.HELD | StateFlag.DONE);
  if (request != 0) state.serverGroup = load<u32>(request, F.GROUP);
  const block = messageCreate(F.POSTGRESQL, F.RESPONSE_FIXED_END, RESPONSE_BYTES);
  state.response = <u32>block;
  if (block == 0) {
    PgMetrics.refused();
    const owner: u32 = request == 0 ? 0 : changetype<Message>(request).conversation;
    const alone = orderTake(state.requests);
    if (alone == 0) return false;
    report(changetype<Conversation>(owner), changetype<Message>(alone).side, alone, 0, Status.UNOBSERVED);
    messageRelease(changetype<Message>(alone));
    return false;
  }
  const message = openPayload(changetype<Message>(block), F.RESPONSE_PAYLOAD, F.RESPONSE_TEXT_BYTES_MAX);
  state.response = <u32>changetype<usize>(message);
  message.firstNs = Parse.timeOf(Unit.at);
  message.know(F.PgField.BODY_BYTES);
  return true;
}

/** Ends the response in progress with its outcome, and reports it with what it answers. */
export function endResponse(conversation: Conversation): void {
  const state = stateAt(conversation);
  const response = <usize>state.response;
  const request = orderTake(state.requests);
  const status = <u32>state.status;
  state.response = 0;
  state.clear(StateFlag.HELD | StateFlag.DONE);
  if (request != 0 && <usize>state.request == request) state.request = 0;
  if (request != 0 || status != Status.UNOBSERVED) report(conversation, conversation.client, request, response, status);
  if (request != 0) messageRelease(changetype<Message>(request));
  messageRelease(changetype<Message>(response));
}

/** The server is ready: what is left of the group was passed over because of an error, or its response was not seen. */
export function endGroup(conversation: Conversation): void {
  const state = stateAt(conversation);
  const group = state.serverGroup;
  const status = state.is(StateFlag.FAILED) ? Status.ERROR : Status.UNOBSERVED;
  state.clear(StateFlag.FAILED);
  state.serverGroup = group + 1;
  while (conversation.pendingHead != 0) {
    const head = changetype<Message>(conversation.pendingHead);
    if (<i32>(load<u32>(changetype<usize>(head), F.GROUP) - group) > 0) break;
    if (status == Status.UNOBSERVED && state.requests.outstanding > conversation.pendingCount) break;
    if (status == Status.UNOBSERVED && !isBefore(head)) break;
    reportUnanswered(head, status);
    state.requests.outstanding -= state.requests.outstanding != 0 ? 1 : 0;
  }
}

/** Whether the message in hand can be behind the response to `request`. */
function isBefore(request: Message): bool {
  const at = Parse.sequence + <u32>(Unit.at - Unit.start);
  return request.key != 0 && <i32>(at - request.key) > 0;
}

/** The client asks again, and waits for its responses: one whose end was not captured has ended. */
export function endHeld(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (state.response == 0 || state.requests.pipelines) return;
  if (state.is(StateFlag.HELD)) endLost(conversation);
}

/** Ends the held response as far as it is known. */
export function endLost(conversation: Conversation): void {
  changetype<Message>(stateAt(conversation).response).mark(Mark.GAP);
  endResponse(conversation);
}
