/** What the parser knows of a conversation: what each side is in the middle of. */
import { Conversation } from "../../roundtrip/conversation";

/** Where in its frames a half stands. */
export class Phase {
  /** Before a header. */
  static readonly HEADER: u8 = 0;
  static readonly PAYLOAD: u8 = 1;
  /** Behind its close frame: nothing follows (RFC 6455 section 5.5.1). */
  static readonly CLOSED: u8 = 2;
}

/** Bits of `Half.flags`. */
export class HalfFlag {
  /** The side sends no more. */
  static readonly FINISHED: u8 = 1;
  /** Bytes went by unread since its last frame, in which its close frame may have been. */
  static readonly UNSURE: u8 = 2;
}

@unmanaged
export class Half {
  /** Bytes of the payload in progress. */
  payload: u64;
  /** What the side sent, a message. */
  message: u32;
  phase: u8;
  flags: u8;
  /** Index of the opcode of the frame in progress. */
  opcode: u8;
  spare: u8;

  @inline is(flag: u8): bool {
    return (this.flags & flag) != 0;
  }

  @inline set(flag: u8): void {
    this.flags |= flag;
  }
}

/** Bytes of both halves, of the code that the first close frame had, u16, and of the side that asked, u8. */
export const STATE_BYTES: u32 = 40;
const FIRST_CODE: u32 = 32;
const CLIENT: u32 = 34;

/** What `side` is in the middle of. */
export function halfOf(conversation: Conversation, side: u32): Half {
  return changetype<Half>(<usize>conversation.state + side * offsetof<Half>());
}

/** The side that asked: what the conversation holds for its client may change with a SYN that comes late. */
export function clientOf(conversation: Conversation): u32 {
  return load<u8>(<usize>conversation.state + CLIENT);
}

/** Notes it. */
export function setClient(conversation: Conversation, side: u32): void {
  store<u8>(<usize>conversation.state + CLIENT, side);
}

/** The code of the close frame that came first, 0 while there was none. */
export function firstCode(conversation: Conversation): u32 {
  return load<u16>(<usize>conversation.state + FIRST_CODE);
}

/** Notes it. */
export function setFirstCode(conversation: Conversation, code: u32): void {
  store<u16>(<usize>conversation.state + FIRST_CODE, code);
}
