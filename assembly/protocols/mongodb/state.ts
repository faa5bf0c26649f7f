/** What the parser knows of a conversation: 48 bytes; what a message in progress needs beside lies in its walk. */
import { Conversation } from "../../roundtrip/conversation";
import { Half } from "../shared/sized-half";

/** The shared part: what is being answered by more than one message. */
@unmanaged
export class MongoState {
  /** The request, and the response as far as it came; 0 for none. */
  request: u32;
  response: u32;
  /** Request id of the last message of a chain: the next one answers it. */
  chainId: u32;
  /** Whether there is a chain: replies that follow each other without being asked for. */
  isChain: u32;

  @inline half(side: u32): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<MongoState>() + side * offsetof<Half>());
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 48;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): MongoState {
  return changetype<MongoState>(conversation.state);
}
