/**
 * What the parser knows of a conversation: 112 bytes, a half for what each side sends and what they share.
 *
 * Requests come from the conversation's client, and from nobody else. A request in progress lies in the pool, a response in
 * the scratch message while its bytes are in hand and in the pool between them.
 */
import { Conversation } from "../../roundtrip/conversation";

/** Where a half stands. */
export class Phase {
  /** Before a request or a reply. */
  static readonly START: u8 = 0;
  /** Before an argument of a request or an element of a reply. */
  static readonly ELEMENT: u8 = 1;
  /** In bytes of known length, of which `bodyLeft` with the line end behind them are to come. */
  static readonly BODY: u8 = 2;
  /** In a line longer than is looked at together. */
  static readonly LINE_REST: u8 = 3;
  /** The place is lost: what begins like a message is looked for. */
  static readonly LOST: u8 = 4;
}

/** Bits of `Half.flags`. */
export class HalfFlag {
  /** `expected` is valid. */
  static readonly SEEN: u32 = 1;
  /** The last bytes were a line's end. */
  static readonly LINE_END: u32 = 2;
  /** The reply in hand answers nothing: a message of a subscription, a line of MONITOR. */
  static readonly ASIDE: u32 = 4;
  /** The type of the reply in hand is known. */
  static readonly TYPED: u32 = 8;
  /** The reply in hand found no room: its bytes go by. */
  static readonly REFUSED: u32 = 16;
  /** The last integer was 0. */
  static readonly ZERO: u32 = 32;
}

@unmanaged
export class Half {
  /** The message in progress, 0 for none. */
  message: u32;
  phase: u8;
  flags: u8;
  spare: u16;
  /** Arguments or elements that are to come. */
  left: u32;
  /** Index of the argument that comes next. */
  index: u32;
  bodyLeft: u32;
  /** Sequence number of the byte to come. */
  expected: u32;
  /** Sequence number behind the last missing bytes. */
  gapEnd: u32;

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

/** Bits of `RedisState.flags`. */
export class StateFlag {
  /** Which requests the next replies answer is not known: they are held. */
  static readonly HELD: u32 = 1;
  /** Bytes of requests were missing since the pairs were sure. */
  static readonly HOLE: u32 = 2;
  /** The client sends requests while it waits for the replies to those of an earlier segment. */
  static readonly INTERLEAVES: u32 = 4;
  static readonly SUBSCRIBED: u32 = 8;
  static readonly MONITORS: u32 = 16;
  /** The client wants no replies, or none to its next request. */
  static readonly SILENT: u32 = 32;
  static readonly SILENT_ONCE: u32 = 64;
  /** Only lines of text say so far that this is redis: nothing is reported before a reply says so too. */
  static readonly TENTATIVE: u32 = 128;
  static readonly DATABASE: u32 = 256;
  static readonly CLIENT_DONE: u32 = 512;
  /** Bytes of the server were seen: `position` is valid. */
  static readonly POSITION: u32 = 1024;
  static readonly BEGUN: u32 = 2048;
  static readonly SWAPPED: u32 = 4096;
  /** All commands since MULTI were seen, and none of them has an answer that nobody is to see. */
  static readonly HARMLESS: u32 = 8192;
}

@unmanaged
export class RedisState {
  flags: u32;
  /** Sequence number behind the last byte of the server's that went by, and what it was when bytes of requests were missing. */
  position: u32;
  holePosition: u32;
  /** What the client had of the server's stream when it sent its last request. */
  lastFloor: u32;
  /** Requests whose replies are to come: those beyond the conversation's count have timed out. */
  waiting: u32;
  /** Replies that are held, oldest first. */
  heldHead: u32;
  heldTail: u32;
  heldCount: u32;
  database: u32;
  /** When the last byte of the server's went by. */
  serverNs: u64;

  /** What the client sends. */
  @inline get requests(): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<RedisState>());
  }

  /** What the server sends. */
  @inline get replies(): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<RedisState>() + offsetof<Half>());
  }

  @inline is(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= ~flag;
  }

  /** One request less waits. */
  answered(): void {
    if (this.waiting != 0) this.waiting -= 1;
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 104;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): RedisState {
  return changetype<RedisState>(conversation.state);
}
