/** What the parser knows of a conversation: 48 bytes; what a message in progress needs beside lies in its walk. */
import { Conversation } from "../../roundtrip/conversation";

/** Where a half stands. */
export class Phase {
  /** The place is not known, or not yet. */
  static readonly SEEK: u8 = 0;
  static readonly START: u8 = 1;
  /** In a message that is walked. */
  static readonly WALK: u8 = 2;
  /** In a message of which nothing more is read. */
  static readonly REST: u8 = 3;
}

/** What one side sends. */
@unmanaged
export class Half {
  /** The walk through the message in progress, 0 for none. */
  walk: u32;
  /** Sequence number of the byte that the parser wants next. */
  sequence: u32;
  /** Sequence number behind the message in progress. */
  end: u32;
  phase: u8;
  /** Whether bytes before the next message were none. */
  isAfterGarbage: u8;
  spare: u16;
}

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
