/** Bytes that are missing, on the wire or of compressed content: inside a packet they cost a mark, else the next message is looked for. */
import { Conversation } from "../../roundtrip/conversation";
import { orderGap } from "../../roundtrip/in-order";
import { Message } from "../../roundtrip/message";
import { Charset } from "../sql/charset";
import { losePlace } from "./responses";
import { endHeld } from "./result";
import { requestOf, StateFlag, stateAt } from "./state";

/** Bytes inside a packet that is passed over are missing from what `side` sent. */
export function missInside(conversation: Conversation, side: u32, mark: u32): void {
  const message = side == <u32>conversation.client ? requestOf(conversation) : <usize>stateAt(conversation).response;
  if (message != 0) changetype<Message>(message).mark(mark);
}

/**
 * `bytes` from `sequence` on are missing from what `side` sent, and with them where the next packet begins; `counted` of them no
 * message has yet.
 */
export function missPlace(conversation: Conversation, side: u32, sequence: u32, bytes: u32, counted: u32, mark: u32): void {
  const state = stateAt(conversation);
  if (side == <u32>conversation.client) {
    state.clear(StateFlag.CLIENT_IN_PLACE | StateFlag.CLIENT_CONTINUES);
    state.set(StateFlag.AFTER_GAP);
    // What is missing may have set it.
    state.charset = <u8>Charset.UNKNOWN;
    endHeld(conversation);
    return;
  }
  const isBetween = state.response == 0;
  if (!isBetween) changetype<Message>(state.response).wireBytes += counted;
  losePlace(conversation, mark);
  orderGap(conversation, state.requests, sequence, bytes, isBetween);
}
