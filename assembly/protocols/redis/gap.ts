/** Bytes that are missing, and the ends of both streams. */
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { endReplies, forget, letGo, missReplies, missRequests } from "./match";
import { cutReply, passValue } from "./reply";
import { cutRequest, passArgument } from "./request";
import { Half, HalfFlag, Phase, StateFlag, stateAt } from "./state";

/** The contract's gap: `bytes` are missing before the next; the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const state = stateAt(conversation);
  const isClient = side == conversation.client;
  const half = isClient ? state.requests : state.replies;
  const end = Parse.sequence + bytes;
  if (!isClient) {
    state.position = end;
    state.set(StateFlag.POSITION);
  }
  if (half.phase == Phase.BODY) {
    markCurrent(half, Mark.GAP);
    if (<u64>bytes <= Parse.skip) return true;
    // The value ends in what is missing, and with it perhaps the message.
    if (isClient) passArgument(half, half.bodyLeft);
    else passValue(half, half.bodyLeft);
    half.phase = Phase.ELEMENT;
  }
  lose(conversation, isClient, half);
  half.gapEnd = end;
  half.expected = end;
  half.set(HalfFlag.SEEN);
  return true;
}

/** The half has lost its place. */
export function lose(conversation: Conversation, isClient: bool, half: Half): void {
  const phase = half.phase;
  half.clear(HalfFlag.LINE_END);
  if (stateAt(conversation).is(StateFlag.TENTATIVE)) {
    // Nothing of what may be no redis is told of.
    forget(conversation);
    letGo(conversation);
    half.phase = isClient ? Phase.LOST : Phase.START;
    return;
  }
  if (isClient) {
    if (phase == Phase.ELEMENT || phase == Phase.LINE_REST) cutRequest(conversation, half, Mark.GAP);
    half.phase = Phase.LOST;
    missRequests(conversation);
    return;
  }
  const isAside = half.is(HalfFlag.ASIDE);
  const atStart = phase == Phase.START || (phase == Phase.ELEMENT && !isAside && !half.is(HalfFlag.TYPED | HalfFlag.REFUSED));
  if (!cutReply(conversation, half, Mark.GAP)) return;
  half.phase = Phase.LOST;
  missReplies(conversation, atStart);
}

function markCurrent(half: Half, mark: u32): void {
  if (half.message != 0 && !half.is(HalfFlag.REFUSED | HalfFlag.ASIDE)) changetype<Message>(half.message).mark(mark);
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  const isClient = side == conversation.client;
  const half = isClient ? state.requests : state.replies;
  if (half.phase == Phase.BODY) {
    const passed = half.bodyLeft - <u32>min(Parse.skip, <u64>half.bodyLeft);
    if (isClient) passArgument(half, passed);
    else passValue(half, passed);
  }
  if (isClient) {
    if (half.message != 0) cutRequest(conversation, half, Mark.INCOMPLETE);
    state.set(StateFlag.CLIENT_DONE);
    return;
  }
  if (half.message != 0 && !cutReply(conversation, half, Mark.INCOMPLETE)) return;
  endReplies(conversation);
}
