/** Requests that wait for what settles them, by channel and by what that is. */
import { CLIENT_UNKNOWN, Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { PENDING_PER_CONVERSATION_MAX, pendingAdd, pendingAnswer, pendingIndex, TimeoutClass } from "../../roundtrip/pending";
import { reportUnanswered } from "../../roundtrip/report";
import * as F from "./fields";

/** Kinds of what waits: the id is the channel with its kind above. */
export class Waits {
  static readonly ANSWER: u32 = 1 << 16;
  static readonly CONFIRM: u32 = 2 << 16;
  static readonly ACK: u32 = 3 << 16;
}

/** Values of OUTCOME beside 0: what settles a request, and how it ends. */
export class Outcome {
  /** The server confirms it. */
  static readonly CONFIRMED: u8 = 1;
  /** The client acks it. */
  static readonly ACKED: u8 = 2;
  /** It is a close with a failure that nothing else tells. */
  static readonly FAILED: u8 = 3;
  /** Nobody will know whether it was confirmed. */
  static readonly UNKNOWN: u8 = 4;
}

/** The side of the connection's client. */
export function clientOf(conversation: Conversation): u32 {
  return conversation.client == <u8>CLIENT_UNKNOWN ? 0 : <u32>conversation.client;
}

/** The `RequestFlag` bits of a request. */
export function flagsOf(request: usize): u32 {
  return load<u8>(request, F.REQUEST_FLAGS);
}

/** Sets a bit of `RequestFlag`. */
export function addFlag(request: usize, flag: u8): void {
  store<u8>(request, load<u8>(request, F.REQUEST_FLAGS) | flag, F.REQUEST_FLAGS);
}

/** Puts a request in the list of those that wait. */
export function wait(conversation: Conversation, request: Message, kind: u32, key: u32): void {
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  // An application may take a delivery as long as it likes.
  const timeout = kind == Waits.ACK ? TimeoutClass.NONE : TimeoutClass.STREAM;
  pendingAdd(conversation, clientOf(conversation), request, timeout);
  pendingIndex(conversation, request, <u32>load<u16>(changetype<usize>(request), F.CHANNEL) | kind, key);
  // The server's end is none of what the client still has to say to it.
  if (load<u16>(changetype<usize>(request), F.SENDER) != 0) pendingAnswer(request);
}
