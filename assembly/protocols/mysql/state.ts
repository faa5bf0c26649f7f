/** What the parser knows of a conversation: 64 bytes, the names of user and database, which it shares with others, and a block where packets are compressed. */
import { u8At, u16le } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { InOrder } from "../../roundtrip/in-order";
import { Message, messageRelease } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { Charset } from "../sql/charset";
import { Escapes } from "../sql/escapes";
import { PreparedList, preparedClear } from "../sql/prepared";
import { Sessions } from "../sql/session";
import { Content, packedRelease } from "./content";
import * as F from "./fields";

/** Bit of a request's CHARSETS where it sets one. */
const CHARSET_SET: u32 = 64;

/** Where a connection stands. */
export class Phase {
  static readonly COMMAND: u8 = 0;
  /** The server's greeting was seen. */
  static readonly GREETED: u8 = 1;
  /** The client said who it is. */
  static readonly AUTHENTICATES: u8 = 2;
}

/** What is expected of a response in progress. */
export class Expect {
  static readonly NOTHING: u8 = 0;
  /** Another first packet: authentication goes on, a file was asked for, progress was reported, another result follows. */
  static readonly FIRST: u8 = 1;
  static readonly COLUMNS: u8 = 2;
  /** What separates columns and rows: EOF, or nothing. */
  static readonly SEPARATOR: u8 = 3;
  static readonly ROWS: u8 = 4;
  static readonly PARAMETERS: u8 = 5;
  static readonly PARAMETERS_END: u8 = 6;
  static readonly PREPARED_COLUMNS: u8 = 7;
  static readonly PREPARED_END: u8 = 8;
  /** Definitions up to an EOF (COM_FIELD_LIST). */
  static readonly FIELDS: u8 = 9;
}

/** Bits of `MysqlState.flags`. */
export class StateFlag {
  static readonly CLIENT_IN_PLACE: u32 = 1;
  static readonly SERVER_IN_PLACE: u32 = 2;
  /** The packet before was as long as one can be: the next goes on with it. */
  static readonly CLIENT_CONTINUES: u32 = 4;
  static readonly SERVER_CONTINUES: u32 = 8;
  /** Bytes were missing, or of no message, before the next request. */
  static readonly AFTER_GAP: u32 = 16;
  static readonly AFTER_GARBAGE: u32 = 32;
  /** The end of the response in progress was not captured. */
  static readonly HELD: u32 = 64;
  /** The server asked the client for more: a file, or what authentication needs. */
  static readonly WANTS_DATA: u32 = 128;
  /** Which ends of columns the server sends, once it is known: EOF packets, or none. */
  static readonly EOF_SENT: u32 = 256;
  static readonly EOF_DEPRECATED: u32 = 512;
  /** Backslashes do not escape in strings: the server said so with its last OK. */
  static readonly NO_ESCAPES: u32 = 1024;
  /** Whether they do is known: the server said so, and nothing may have changed it since. */
  static readonly ESCAPES_KNOWN: u32 = 2048;
}

@unmanaged
export class MysqlState {
  /** An InOrder and a PreparedList, which lie in here. */
  order0: u64;
  order1: u64;
  statements: u64;
  capabilities: u32;
  serverCapabilities: u32;
  /** A Session, 0 for none. */
  session: u32;
  /** The response in progress, 0 for none. */
  response: u32;
  /** The client's last request, which may have been let go. */
  request: u32;
  /** Definitions that are to come, and those behind them. */
  left: u32;
  columns: u32;
  flags: u16;
  phase: u8;
  expect: u8;
  /** Sequence ids of the last packets. */
  clientId: u8;
  serverId: u8;
  /** Command that the response in progress answers. */
  command: u8;
  /** Charset of the client's statements (sql/charset.ts). */
  charset: u8;
  /** What is known of compressed packets, 0 while there are none. */
  packed: u32;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u16>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u16>~flag;
  }

  /** Whether backslashes escape in the client's next statement. */
  get escapes(): u32 {
    if (!this.is(StateFlag.ESCAPES_KNOWN)) return Escapes.UNKNOWN;
    return this.is(StateFlag.NO_ESCAPES) ? Escapes.NO : Escapes.YES;
  }

  /** Its order of requests lies at its start, the statements behind. */
  @inline get requests(): InOrder {
    return changetype<InOrder>(changetype<usize>(this));
  }

  @inline get prepared(): PreparedList {
    return changetype<PreparedList>(changetype<usize>(this) + 16);
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 64;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): MysqlState {
  return changetype<MysqlState>(conversation.state);
}

/** The packet in hand: its header is at `at`, `held` bytes of its payload at `payload`. */
export class Packet {
  static at: usize = 0;
  static end: usize = 0;
  static start: usize = 0;
  static payload: usize = 0;
  static length: u32 = 0;
  static held: u32 = 0;
  static id: u32 = 0;
  /** Whether packets are compressed behind the one in hand. */
  static isLast: bool = false;

  /** Begins with the first of the packets from `start` on. */
  static open(start: usize): void {
    Packet.start = start;
    Packet.isLast = false;
  }

  /** Sequence number of the byte at `at`, which may not have come yet. */
  static sequenceOf(at: usize): u32 {
    return Content.isInHand ? Content.sequenceOf(at) : Parse.sequence + <u32>(at - Packet.start);
  }

  /** Whether the packet's id goes on behind what the client sent last. */
  static answers(state: MysqlState): bool {
    if (Packet.id == <u32>(<u8>(state.clientId + 1)) || Packet.id == 1) return true;
    return Content.isInHand && Packet.id == ((Content.askedId + 1) & 255);
  }

  /** Whether the packet's id goes on behind what the server sent last. Where MariaDB flushes, ids go on as those of compressed packets. */
  static follows(state: MysqlState): bool {
    return Packet.id == <u32>(<u8>(state.serverId + 1)) || (Packet.id == Content.id && Content.beginsAt(Packet.at));
  }

  /** Bytes of the header. */
  static readonly HEADER: u32 = 4;
  /** The longest payload of one packet; the next one goes on with it. */
  static readonly LENGTH_MAX: u32 = 0xffffff;

  /** Reads the header at `at`, four bytes of which lie there. */
  static read(at: usize, end: usize): void {
    Packet.at = at;
    Packet.end = end;
    Packet.length = u16le(at) | (u8At(at + 2) << 16);
    Packet.id = u8At(at + 3);
    Packet.payload = at + Packet.HEADER;
    const here = <u32>(end - at) - Packet.HEADER;
    Packet.held = here < Packet.length ? here : Packet.length;
  }

  /** The byte at `offset` of the payload, 0 where it does not lie here. */
  static byte(offset: u32): u32 {
    return offset < Packet.held ? u8At(Packet.payload + offset) : 0;
  }

  /** Two bytes, least significant first. */
  static u16(offset: u32): u32 {
    return Packet.byte(offset) | (Packet.byte(offset + 1) << 8);
  }

  static u32(offset: u32): u32 {
    return Packet.u16(offset) | (Packet.u16(offset + 2) << 16);
  }

  /** Offset of the next zero byte from `offset`, or of the end of what lies here. */
  static zero(offset: u32): u32 {
    let at = offset;
    while (at < Packet.held && u8At(Packet.payload + at) != 0) at += 1;
    return at;
  }
}

/** A length-encoded integer (MySQL Internals, "Length-Encoded Integer Type"). */
export class Encoded {
  static value: u64 = 0;

  /** Reads it at `offset` of the packet's payload; answers the offset behind it. */
  static read(offset: u32): u32 {
    const first = Packet.byte(offset);
    if (first < 251) {
      Encoded.value = first;
      return offset + 1;
    }
    const bytes: u32 = first == 252 ? 2 : first == 253 ? 3 : first == 254 ? 8 : 0;
    let value: u64 = 0;
    for (let i: u32 = 0; i < bytes; i++) value |= (<u64>Packet.byte(offset + 1 + i)) << (i << 3);
    Encoded.value = value;
    return offset + 1 + bytes;
  }
}

/** The last request, where it still waits; 0 otherwise. */
export function requestOf(conversation: Conversation): usize {
  const state = stateAt(conversation);
  if (state.request != 0 && state.request != conversation.pendingTail) state.request = 0;
  return state.request;
}

/** Notes a packet for the account of a message. */
export function addPacket(message: Message, payloadBytes: u32): void {
  message.wireBytes += Content.wireBytesOf(Packet.HEADER + payloadBytes);
  message.lastNs = Parse.timeNs;
  const at = changetype<usize>(message);
  store<u64>(at, load<u64>(at, F.BODY_BYTES) + payloadBytes, F.BODY_BYTES);
}

/**
 * A request sets the charset of statements, from `before` to `after` where it succeeds. Until that is known it is not known either:
 * `settleCharset` is told.
 */
export function setCharset(state: MysqlState, request: Message, before: u32, after: u32): void {
  store<u8>(changetype<usize>(request), CHARSET_SET | (before << 3) | after, F.CHARSETS);
  state.charset = <u8>Charset.UNKNOWN;
}

/** What a request did to the charset of statements: it was answered, `isDone` as it asked, or not. */
export function settleCharset(state: MysqlState, request: usize, isDone: bool): void {
  const charsets = <u32>load<u8>(request, F.CHARSETS);
  if (charsets != 0) state.charset = <u8>(isDone ? charsets & 7 : (charsets >> 3) & 7);
}

/**
 * Keeps the names of user and database, which lie in the core's own memory; `isCut`: they were longer. False where there is no
 * room for them.
 */
export function setNames(
  state: MysqlState,
  user: usize,
  userLength: u32,
  database: usize,
  databaseLength: u32,
  isCut: bool,
): bool {
  Sessions.begin();
  Sessions.add(user, userLength);
  Sessions.add(database, databaseLength);
  if (isCut) Sessions.cut();
  state.session = Sessions.keep(state.session);
  return state.session != 0 || userLength + databaseLength == 0;
}

/** Who asks, and of which database, is not known any more. */
export function forgetNames(state: MysqlState): void {
  Sessions.release(state.session);
  state.session = 0;
}

/** Gives back all that the state holds. */
export function letGo(conversation: Conversation): void {
  const state = stateAt(conversation);
  forgetNames(state);
  if (state.packed != 0) packedRelease(state.packed);
  if (state.response != 0) messageRelease(changetype<Message>(state.response));
  preparedClear(state.prepared);
  state.packed = 0;
  state.response = 0;
  state.request = 0;
}
