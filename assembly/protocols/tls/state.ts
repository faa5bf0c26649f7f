/**
 * What the parser knows of a handshake: two halves and what they share, 96 bytes, gone when the handshake is over, or when
 * nothing is opened any more.
 */
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Message, messageRelease } from "../../roundtrip/message";
import { TLS } from "./fields";
import { Opened } from "./opened";

/** Where in a record a half stands. */
export class Phase {
  /** Before a record. */
  static readonly RECORD: u8 = 0;
  /** In a record of handshake messages, `left` bytes of which are to come. */
  static readonly HANDSHAKE: u8 = 1;
  /** After a hello of SSL 2: what follows is not looked into. */
  static readonly SSL_2: u8 = 2;
  /** In a record under keys that is gathered, `left` bytes of which are to come. */
  static readonly SEALED: u8 = 3;
}

export class Role {
  static readonly UNKNOWN: u8 = 0;
  static readonly CLIENT: u8 = 1;
  static readonly SERVER: u8 = 2;
}

/** Bits of `Half.flags`. */
export class HalfFlag {
  /** A ChangeCipherSpec was sent. */
  static readonly CHANGED: u32 = 1;
  /** Something was sent under the new keys: as far as can be seen, this side is done. */
  static readonly SEALED: u32 = 2;
  /** The first of it has just the length of an alert of TLS 1.3. */
  static readonly ALERT_SIZED: u32 = 4;
  /** A hello was read. */
  static readonly HELLO: u32 = 8;
  /** Bytes were missing. */
  static readonly GAP: u32 = 16;
  /** The place among handshake messages is lost up to the record's end. */
  static readonly LOST_MESSAGE: u32 = 32;
  /** The hello that is gathered is not all there. */
  static readonly CUT: u32 = 64;
  /** The part of the server in the clear has ended (ServerHelloDone). */
  static readonly DONE: u32 = 128;
}

@unmanaged
export class Half {
  phase: u8;
  role: u8;
  flags: u8;
  /** Bytes of the four of a message's header that are there. */
  headerBytes: u8;
  /** Bytes of the record that are to come. */
  left: u32;
  /** The message's header: type u8, length u24. */
  header: u32;
  /** Bytes of the message that are to come. */
  messageLeft: u32;
  /** A hello is gathered here, 0 while none is. */
  buffer: u32;
  bufferLength: u16;
  bufferCapacity: u16;
  /** Bytes on the wire since the last message ended. */
  wireBytes: u32;
  spare: u32;
  /** When the first of them came. */
  firstNs: u64;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u8>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u8>~flag;
  }

  /** Lets go of the hello that is gathered. */
  drop(): void {
    if (this.buffer != 0) Regions.streamPool.release(this.buffer);
    this.buffer = 0;
    this.bufferLength = 0;
    this.clear(HalfFlag.CUT);
  }
}

/** The shared part; the two halves lie behind it. */
@unmanaged
export class TlsState {
  /** The server's message, 0 before it said anything. */
  response: u32;
  /** The server's final hello was read. */
  answered: u8;
  /** A fatal alert was sent. */
  failed: u8;
  /** The handshake is over, and what follows is opened. */
  over: u8;
  /** Why all that follows stays closed, as `Unopened` numbers it, and one more; 0 where it does not. */
  closed: u8;
  /** What is needed to open records (opened.ts); 0 where none are opened. */
  opened: u32;
  spare2: u32;

  @inline half(side: u32): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<TlsState>() + side * offsetof<Half>());
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 96;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): TlsState {
  return changetype<TlsState>(conversation.state);
}

/** The handshake's request, the last that waits; 0 where there is none. */
export function requestOf(conversation: Conversation): usize {
  const at = <usize>conversation.pendingTail;
  return at != 0 && changetype<Message>(at).protocol == <u8>TLS ? at : 0;
}

/** Lets go of all that the state holds. */
export function letGo(conversation: Conversation): void {
  const state = stateAt(conversation);
  state.half(0).drop();
  state.half(1).drop();
  if (state.response != 0) messageRelease(changetype<Message>(state.response));
  state.response = 0;
  if (state.opened != 0) changetype<Opened>(state.opened).release(conversation);
  state.opened = 0;
}

/** The handshake is over and told of; what was kept for it goes, and what follows is opened. */
export function settle(conversation: Conversation): void {
  const state = stateAt(conversation);
  const opened = state.opened;
  state.opened = 0;
  letGo(conversation);
  state.opened = opened;
  state.over = 1;
}
