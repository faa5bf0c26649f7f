/** What the parser knows of a conversation: 96 bytes, and the names that the client gave, which it shares with others. */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { InOrder } from "../../roundtrip/in-order";
import { Message, messageRelease } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { Charset } from "../sql/charset";
import { findByte } from "../sql/ends";
import { Escapes } from "../sql/escapes";
import { PreparedList, preparedClear } from "../sql/prepared";
import { Sessions } from "../sql/session";
import * as F from "./fields";

/** Bits of `PgState.flags`. */
export class StateFlag {
  static readonly CLIENT_IN_PLACE: u32 = 1;
  static readonly SERVER_IN_PLACE: u32 = 2;
  /** The client's next message may be one without a type: the connection begins. */
  static readonly BEGINS: u32 = 4;
  /** The server answers a request for encryption with one byte. */
  static readonly ONE_BYTE: u32 = 8;
  static readonly AFTER_GAP: u32 = 16;
  static readonly AFTER_GARBAGE: u32 = 32;
  /** The end of the response in progress was not captured. */
  static readonly HELD: u32 = 64;
  /** The outcome of the response in progress is known; what ends its group may still come. */
  static readonly DONE: u32 = 128;
  /** An error of the group in progress: the server passes over what is left of it. */
  static readonly FAILED: u32 = 256;
  /** Backslashes escape in strings of no prefix: the server said that its setting standard_conforming_strings is off. */
  static readonly ESCAPES: u32 = 512;
  /** The client may have changed how its statements are read: the server says so when it is done. */
  static readonly CHARSET_OPEN: u32 = 1024;
  /** And from here on three bits of that charset. */
  static readonly CHARSET: u32 = 2048;
  /** The server said whether they escape. */
  static readonly ESCAPES_KNOWN: u32 = 16384;
}

const CHARSET_BITS: u32 = 7 * StateFlag.CHARSET;

@unmanaged
export class PgState {
  /** An InOrder and a PreparedList, which lie in here. */
  order0: u64;
  order1: u64;
  statements: u64;
  /** The statement that the unnamed portal was bound to, by its key. */
  bound: u64;
  /** When the first extended message that no request has taken yet came. */
  openNs: u64;
  openBytes: u32;
  openMessages: u32;
  openSequence: u32;
  openFloor: u32;
  /** A Session, 0 for none. */
  session: u32;
  /** The response in progress, 0 for none. */
  response: u32;
  /** The client's last request, which may have been let go. */
  request: u32;
  /** Syncs that the client sent, and that the server answered. */
  clientGroup: u32;
  serverGroup: u32;
  flags: u16;
  /** Kind of the request that the response in progress answers. */
  kind: u8;
  /** Outcome as far as it is known. */
  status: u8;
  /** A message with the values that were bound last (content.ts), 0 for none. */
  values: u32;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u16>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u16>~flag;
  }

  /** Charset of the client's statements (sql/charset.ts), as far as it is sure. */
  get charset(): u32 {
    return this.is(StateFlag.CHARSET_OPEN) ? Charset.UNKNOWN : (<u32>this.flags & CHARSET_BITS) / StateFlag.CHARSET;
  }

  /** Whether backslashes escape in strings of no prefix, as far as it is sure. */
  get escapes(): u32 {
    if (!this.is(StateFlag.ESCAPES_KNOWN) || this.is(StateFlag.CHARSET_OPEN)) return Escapes.UNKNOWN;
    return this.is(StateFlag.ESCAPES) ? Escapes.YES : Escapes.NO;
  }

  /** The server, or the client that begins, says what it is. */
  setCharset(charset: u32): void {
    this.clear(CHARSET_BITS | StateFlag.CHARSET_OPEN);
    this.set(charset * StateFlag.CHARSET);
  }

  @inline get requests(): InOrder {
    return changetype<InOrder>(changetype<usize>(this));
  }

  @inline get prepared(): PreparedList {
    return changetype<PreparedList>(changetype<usize>(this) + 16);
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 96;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): PgState {
  return changetype<PgState>(conversation.state);
}

/** The message in hand: a type, a length that counts itself, a body of which `held` bytes lie at `body`. */
export class Unit {
  static start: usize = 0;
  static at: usize = 0;
  static end: usize = 0;
  static body: usize = 0;
  static length: u32 = 0;
  static held: u32 = 0;
  static type: u32 = 0;

  /** Bytes of type and length. */
  static readonly HEADER: u32 = 5;

  /** Reads type and length at `at`, where five bytes lie; false where the length is none. */
  static read(at: usize, end: usize): bool {
    Unit.type = u8At(at);
    return Unit.open(at, at + 1, end);
  }

  /** Reads the length at `lengthAt`, behind which the body begins. */
  static open(at: usize, lengthAt: usize, end: usize): bool {
    const length = u32be(lengthAt);
    Unit.at = at;
    Unit.end = end;
    Unit.body = lengthAt + 4;
    if (length < 4 || length > 0x40000000) return false;
    Unit.length = length - 4;
    const here = <u32>(end - Unit.body);
    Unit.held = here < Unit.length ? here : Unit.length;
    return true;
  }

  /** Bytes of the whole message. */
  @inline static get whole(): u32 {
    return <u32>(Unit.body - Unit.at) + Unit.length;
  }

  static byte(offset: u32): u32 {
    return offset < Unit.held ? u8At(Unit.body + offset) : 0;
  }

  static u16(offset: u32): u32 {
    return offset + 2 <= Unit.held ? u16be(Unit.body + offset) : 0;
  }

  static u32(offset: u32): u32 {
    return offset + 4 <= Unit.held ? u32be(Unit.body + offset) : 0;
  }

  /** Offset of the next zero byte from `offset`, or of the end of what lies here. */
  static zero(offset: u32): u32 {
    if (offset >= Unit.held) return offset;
    return <u32>(findByte(Unit.body + offset, Unit.body + Unit.held, 0) - Unit.body);
  }
}

/** The last request, where it still waits; 0 otherwise. */
export function requestOf(conversation: Conversation): usize {
  const state = stateAt(conversation);
  if (state.request != 0 && state.request != conversation.pendingTail) state.request = 0;
  return state.request;
}

/** Notes bytes on the wire, of which `bodyBytes` are of bodies, for the account of a message. */
export function addBytes(message: Message, wireBytes: u32, bodyBytes: u32): void {
  message.wireBytes += wireBytes;
  message.lastNs = Parse.timeNs;
  const at = changetype<usize>(message);
  store<u64>(at, load<u64>(at, F.BODY_BYTES) + bodyBytes, F.BODY_BYTES);
}

/** Gives back all that the state holds. */
export function letGo(conversation: Conversation): void {
  const state = stateAt(conversation);
  Sessions.release(state.session);
  if (state.response != 0) messageRelease(changetype<Message>(state.response));
  if (state.values != 0) messageRelease(changetype<Message>(state.values));
  preparedClear(state.prepared);
  state.session = 0;
  state.response = 0;
  state.values = 0;
  state.request = 0;
}
