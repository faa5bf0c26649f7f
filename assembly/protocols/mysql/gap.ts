/** Bytes that are missing, on the wire or of compressed content: inside a packet they cost a mark, else the next message is looked for. */
import { Conversation } from "../../roundtrip/conversation";
import { orderGap } from "../../roundtrip/in-order";
import { Message } from "../../roundtrip/message";
import { closePayload } from "../shared/payload";
import { Charset } from "../sql/charset";
import { Command } from "./commands";
import * as F from "./fields";
import { missParameters } from "./payload-parameters";
import { losePlace } from "./responses";
import { endHeld } from "./result";
import { forgetNames, requestOf, StateFlag, stateAt } from "./state";

/** Whether a request waits whose response tells who asks from then on, or of which database. */
function mayRename(conversation: Conversation): bool {
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    const command = <u32>load<u16>(at, F.COMMAND);
    if (command == Command.CHANGE_USER || command == Command.INIT_DB || load<u8>(at, F.IS_USE)) return true;
  }
  return false;
}

/** Bytes inside a packet that is passed over are missing from what `side` sent. */
export function missInside(conversation: Conversation, side: u32, mark: u32): void {
  const message = side == <u32>conversation.client ? requestOf(conversation) : <usize>stateAt(conversation).response;
  if (message == 0) return;
  changetype<Message>(message).mark(mark);
  if (side != <u32>conversation.client) closePayload(changetype<Message>(message), F.RESPONSE_PAYLOAD);
}

/**
 * `bytes` from `sequence` on are missing from what `side` sent, and with them where the next packet begins; `counted` of them no
 * message has yet.
 */
export function missPlace(conversation: Conversation, side: u32, sequence: u32, bytes: u32, counted: u32, mark: u32): void {
  const state = stateAt(conversation);
  state.clear(StateFlag.ESCAPES_KNOWN);
  if (side == <u32>conversation.client) {
    state.clear(StateFlag.CLIENT_IN_PLACE | StateFlag.CLIENT_CONTINUES);
    state.set(StateFlag.AFTER_GAP);
    // What is missing may have set them.
    state.charset = <u8>Charset.UNKNOWN;
    missParameters(state);
    forgetNames(state);
    endHeld(conversation);
    return;
  }
  if (mayRename(conversation)) forgetNames(state);
  const isBetween = state.response == 0;
  if (!isBetween) changetype<Message>(state.response).wireBytes += counted;
  losePlace(conversation, mark);
  orderGap(conversation, state.requests, sequence, bytes, isBetween);
}
