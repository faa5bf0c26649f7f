/** What becomes of a message when its parser no longer knows where it is. */
import { Conversation } from "../../roundtrip/conversation";
import { orderDoubt, orderUnread } from "../../roundtrip/in-order";
import { Message } from "../../roundtrip/message";
import * as F from "./fields";
import { enqueue } from "./match";
import { Half, HalfFlag, messageOf, notePartial, Phase, Role, stateAt } from "./state";
import { Turn } from "./turn";

/** Bytes up to `at` of what may be responses went by unread. */
export function noteUnread(conversation: Conversation, half: Half, at: usize): void {
  if (half.role != Role.REQUESTS) orderUnread(stateAt(conversation).requests, Turn.sequenceOf(at));
}

/** The half of `side` does not know where it is; `flag` says why. */
export function losePlace(conversation: Conversation, side: u32, flag: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  notePartial(half);
  half.phase = Phase.SEEK;
  half.firstNs = 0;
  half.clear(HalfFlag.LINE_REST | HalfFlag.SKIPPING);
  half.set(flag);
  if (half.role == Role.REQUESTS) {
    if (half.is(HalfFlag.OWNS)) enqueue(conversation, side, half);
    return;
  }
  orderDoubt(state.requests);
  const message = messageOf(conversation, half);
  if (message == 0) return;
  // How long the body is can no longer be known.
  changetype<Message>(message).present &= ~(1 << F.HttpField.BODY_BYTES);
}
