/** Whether the parser knows where messages begin in what a side sends over TCP: one byte a side, all that DNS keeps of a connection. */
import { Conversation } from "../../roundtrip/conversation";

/** The state of a connection. */
export const STATE_BYTES: u32 = 2;

/** What is known of a side. */
export class Place {
  /** It has sent nothing yet. */
  static readonly NONE: u32 = 0;
  static readonly KNOWN: u32 = 1;
  /** Bytes are missing, and with them where the next message begins. */
  static readonly MISSED: u32 = 2;
  /** What came was no message. */
  static readonly GARBAGE: u32 = 3;
}

/** The place of what `side` sends. */
export function placeOf(conversation: Conversation, side: u32): u32 {
  return load<u8>(<usize>conversation.state + side);
}

/** Sets it. */
export function setPlace(conversation: Conversation, side: u32, place: u32): void {
  store<u8>(<usize>conversation.state + side, place);
}

/** Whether `side` may send responses that are not read: over TCP, until it is known again where its messages begin. */
export function mayMiss(conversation: Conversation, side: u32): bool {
  return conversation.state != 0 && placeOf(conversation, side) >= Place.MISSED;
}
