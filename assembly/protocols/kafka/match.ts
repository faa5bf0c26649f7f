/**
 * Which request a response answers: the one with its correlation id. What ends without one is for the common code to say.
 */
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { Message, messageRelease } from "../../roundtrip/message";
import { PENDING_PER_CONVERSATION_MAX, pendingAdd, pendingFind, pendingIndex, TimeoutClass } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import * as F from "./fields";
import { settle } from "./keep";
import { KafkaState, StateFlag, stateAt } from "./state";
import { mayHoldErrors } from "./walk";
import { Walk, WalkFlag } from "./walk-state";

const PRODUCE: u32 = 0;

/** The request that waits for a response of this id, the oldest of several; 0 for none. */
export function findRequest(conversation: Conversation, state: KafkaState, id: u32): usize {
  if (!(state.flags & StateFlag.REPEATS)) return pendingFind(conversation, id, 0);
  let at = <usize>conversation.pendingHead;
  while (at != 0 && changetype<Message>(at).id != id) at = <usize>changetype<Message>(at).next;
  return at;
}

/** The message in progress has ended, or what is to be known of it is known. */
export function endMessage(conversation: Conversation, side: u32, half: Half): void {
  const block = <usize>half.walk;
  half.walk = 0;
  half.phase = Phase.START;
  if (block == 0) return;
  const w = changetype<Walk>(block);
  settle(w);
  const message = changetype<Message>(w.message);
  if (Parse.timeNs > message.lastNs) message.lastNs = Parse.timeNs;
  if (w.isResponse) endResponse(conversation, side, w, message);
  else endRequest(conversation, side, w, message);
  Regions.streamPool.release(block);
}

/** A request waits, unless its client wants no response. */
function endRequest(conversation: Conversation, side: u32, w: Walk, request: Message): void {
  if (<u32>w.key == PRODUCE) {
    if (request.knows(F.KafkaField.ACKS)) {
      if (load<i32>(changetype<usize>(request), F.ACKS) == 0) {
        report(conversation, side, changetype<usize>(request), 0, Status.OK);
        messageRelease(request);
        return;
      }
    } else {
      // Whether a response is to come is not known.
      request.missed();
    }
  }
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  const id = load<u32>(changetype<usize>(request), F.CORRELATION_ID);
  const state = stateAt(conversation);
  if (conversation.pendingCount == 0) state.flags &= ~StateFlag.REPEATS;
  else if (pendingFind(conversation, id, 0) != 0) state.flags |= StateFlag.REPEATS;
  pendingAdd(conversation, side, request, TimeoutClass.STREAM);
  pendingIndex(conversation, request, id, 0);
}

/** A response goes with its request: an error where any code says so, unobserved where codes may be in what was not read. */
function endResponse(conversation: Conversation, side: u32, w: Walk, response: Message): void {
  const request = <usize>w.request;
  let status = Status.OK;
  if (load<u32>(changetype<usize>(response), F.ERRORS) != 0) status = Status.ERROR;
  else if (w.is(WalkFlag.NO_PROGRAM) || (w.is(WalkFlag.BROKEN) && mayHoldErrors(w))) status = Status.UNOBSERVED;
  report(conversation, side ^ 1, request, changetype<usize>(response), status);
  if (request != 0) messageRelease(changetype<Message>(request));
  messageRelease(response);
}
