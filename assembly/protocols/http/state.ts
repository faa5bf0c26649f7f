/**
 * What the parser knows of a conversation: 104 bytes, two halves and what they share.
 *
 * A half is what one side sends: requests or responses, decided by its first start line. The message in progress belongs to
 * the half until its headers are done (a request then waits in the conversation's list, and may be gone at any later call)
 * or, for a response, until it is reported.
 */
import { Conversation } from "../../roundtrip/conversation";
import { InOrder } from "../../roundtrip/in-order";
import { Message } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { BODY_BYTES, HttpField, PARTIAL } from "./fields";

/** Where in a message a half stands. */
export class Phase {
  /** Before a start line. */
  static readonly START: u8 = 0;
  static readonly HEADERS: u8 = 1;
  /** In a body of known length, of which `left` bytes are to come. */
  static readonly BODY: u8 = 2;
  /** Before a body that may not come at all. */
  static readonly PEEK: u8 = 3;
  static readonly CHUNK_SIZE: u8 = 4;
  static readonly CHUNK_DATA: u8 = 5;
  /** Before the line end behind a chunk's data. */
  static readonly CHUNK_END: u8 = 6;
  static readonly TRAILERS: u8 = 7;
  /** In a body that the end of the stream ends. */
  static readonly UNTIL_CLOSE: u8 = 8;
  /** The place is lost: a line that begins like a message is looked for. */
  static readonly SEEK: u8 = 9;
}

export class Role {
  static readonly UNKNOWN: u8 = 0;
  static readonly REQUESTS: u8 = 1;
  static readonly RESPONSES: u8 = 2;
}

/** Bits of `Half.flags`. */
export class HalfFlag {
  /** The message is the half's own: in no list. */
  static readonly OWNS: u32 = 1;
  /** In a line longer than is looked at together. */
  static readonly LINE_REST: u32 = 2;
  static readonly CHUNKED: u32 = 4;
  /** Content-Length is known and valid. */
  static readonly LENGTH: u32 = 8;
  /** Transfer-Encoding without chunked, or a Content-Length that is none: the stream's end ends a response. */
  static readonly UNBOUNDED: u32 = 16;
  /** The stream steps over `left` bytes. */
  static readonly SKIPPING: u32 = 32;
  /** Bytes were missing or of no message before the next start line. */
  static readonly AFTER_GAP: u32 = 64;
  static readonly AFTER_GARBAGE: u32 = 128;
}

/** Flags that belong to one message. */
export const MESSAGE_FLAGS: u32 = HalfFlag.LINE_REST | HalfFlag.CHUNKED | HalfFlag.LENGTH | HalfFlag.UNBOUNDED;

@unmanaged
export class Half {
  /** The message in progress, 0 for none. */
  message: u32;
  phase: u8;
  role: u8;
  flags: u8;
  /** The header that a folded line goes on (headers.ts). */
  header: u8;
  /** Bytes of the body or chunk that are to come. */
  left: u64;
  /** The last bytes of a long start line, the last in the highest byte. */
  tail: u64;
  /** When the first byte of the message to come was seen, its sequence number, the acknowledgement that came with it. */
  firstNs: u64;
  sequence: u32;
  floor: u32;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u8>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u8>~flag;
  }
}

/** Interim responses whose codes are kept for the final one. */
export const INTERIM_MAX: u32 = 4;

/** The shared part; the two halves lie behind it. */
@unmanaged
export class HttpState {
  /** An InOrder, which lies in here. */
  order0: u64;
  order1: u64;
  /** Codes of the interim responses that came, u16 each, and the time of the last. */
  interim: u64;
  interimNs: u64;
  /** Sequence number where the first of them begins. */
  interimStart: u32;
  interimCount: u32;

  /** The requests that wait. */
  @inline get requests(): InOrder {
    return changetype<InOrder>(changetype<usize>(this));
  }

  /** What `side` sends. */
  @inline half(side: u32): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<HttpState>() + side * offsetof<Half>());
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 120;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): HttpState {
  return changetype<HttpState>(conversation.state);
}

/** Whether a half may send what `role` sends: one side asks, the other answers. */
export function mayBe(conversation: Conversation, half: Half, role: u8): bool {
  if (half.role != Role.UNKNOWN) return half.role == role;
  const state = stateAt(conversation);
  const first = state.half(0);
  const other = changetype<usize>(half) == changetype<usize>(first) ? state.half(1) : first;
  return other.role != role;
}

/** The message that a half is in, 0 where there is none or the conversation has let go of it. */
export function messageOf(conversation: Conversation, half: Half): usize {
  const at = <usize>half.message;
  if (at == 0 || half.is(HalfFlag.OWNS) || conversation.pendingTail == <u32>at) return at;
  half.message = 0;
  return 0;
}

/** Notes bytes of the message in progress on the wire, `body` of them of its body, at the time of the packet in hand. */
export function addBytes(conversation: Conversation, half: Half, bytes: u64, body: u64): void {
  const at = messageOf(conversation, half);
  if (at == 0) return;
  const message = changetype<Message>(at);
  message.wireBytes += bytes;
  message.lastNs = Parse.timeNs;
  store<u64>(at, load<u64>(at, BODY_BYTES) + body, BODY_BYTES);
}

/** Notes that the message in progress has headers that were not captured, where it still was in them. */
export function notePartial(half: Half): void {
  if (half.phase != Phase.HEADERS) return;
  store<u8>(half.message, 1, PARTIAL);
  changetype<Message>(half.message).know(HttpField.PARTIAL);
}

/** Marks the message in progress, where there is one. */
export function markCurrent(conversation: Conversation, half: Half, mark: u32): void {
  const at = messageOf(conversation, half);
  if (at != 0) changetype<Message>(at).mark(mark);
}
