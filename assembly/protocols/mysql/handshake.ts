/**
 * How a connection begins (MySQL Internals, "Connection Phase").
 *
 * ```
 *   server  greeting: version, capabilities
 *   client  response: capabilities, user, database        or  the first 32 bytes of it: TLS follows
 *   server  OK | ERR | switch to another method, more data   ... and so on, until OK or ERR
 * ```
 * It is reported as a request `connect`.
 */
import { Message, messageText } from "../../roundtrip/message";
import { Charset } from "../sql/charset";
import { charsetOfCollation } from "./charset";
import * as F from "./fields";
import { Encoded, MysqlState, Packet } from "./state";

/** Capability flags (MySQL Internals, "Capabilities Flags"). */
export class Capability {
  static readonly CONNECT_WITH_DB: u32 = 1 << 3;
  static readonly COMPRESS: u32 = 1 << 5;
  static readonly PROTOCOL_41: u32 = 1 << 9;
  static readonly SSL: u32 = 1 << 11;
  static readonly SECURE_CONNECTION: u32 = 1 << 15;
  static readonly LENENC_AUTH: u32 = 1 << 21;
  static readonly DEPRECATE_EOF: u32 = 1 << 24;
  static readonly ZSTD: u32 = 1 << 26;
  static readonly QUERY_ATTRIBUTES: u32 = 1 << 27;
}

/** Bytes of a response's fixed part, which alone asks for TLS. */
export const FIXED_BYTES: u32 = 32;
/** Where it names a collation, in one byte. */
const COLLATION: u32 = 8;
/** Bytes of the fixed part of the response from before 4.1. */
const OLD_FIXED_BYTES: u32 = 5;

/** What a login said last. */
export class Handshake {
  /** The charset of its statements. */
  static charset: u32 = 0;
}

/** Reads the greeting in the packet in hand. */
export function readGreeting(state: MysqlState): void {
  const version = Packet.zero(1);
  const low = Packet.u16(version + 14);
  const high = Packet.length >= version + 21 ? Packet.u16(version + 19) : 0;
  state.serverCapabilities = low | (high << 16);
}

/** Whether the packet in hand asks for TLS. */
export function asksForTls(): bool {
  return (Packet.length == FIXED_BYTES || Packet.length == OLD_FIXED_BYTES) && (Packet.u16(0) & Capability.SSL) != 0;
}

/** Whether the packet in hand can be the client's response: its reserved bytes are zero. */
export function isHandshakeResponse(): bool {
  if (Packet.length <= FIXED_BYTES || Packet.length > 65536 || Packet.held <= FIXED_BYTES) return false;
  for (let i: u32 = 9; i < 28; i++) if (Packet.byte(i) != 0) return false;
  return (Packet.u16(0) & Capability.PROTOCOL_41) != 0;
}

/** Whether the packet in hand can be the response of a client from before 4.1: capabilities u16, a length, a name. */
export function isOldResponse(): bool {
  if (Packet.length <= OLD_FIXED_BYTES || Packet.length > 256 || Packet.u16(0) & Capability.PROTOCOL_41) return false;
  const end = Packet.zero(OLD_FIXED_BYTES);
  for (let i: u32 = OLD_FIXED_BYTES; i < end; i++) if (Packet.byte(i) < 32) return false;
  return end < Packet.length;
}

/** Reads user and database of the client's response into `request`; answers where it now is. */
export function readHandshakeResponse(state: MysqlState, request: Message): Message {
  const capabilities = Packet.u16(0);
  if (!(capabilities & Capability.PROTOCOL_41)) return readOldResponse(state, request, capabilities);
  state.capabilities = Packet.u32(0);
  Handshake.charset = charsetOfCollation(Packet.byte(COLLATION));
  const userEnd = Packet.zero(FIXED_BYTES);
  let message = setText(request, F.USER, F.MysqlField.USER, FIXED_BYTES, userEnd);
  const authEnd = authenticationEnd(state.capabilities, userEnd + 1);
  if (!(capabilities & Capability.CONNECT_WITH_DB)) return message;
  message = setText(message, F.DATABASE, F.MysqlField.DATABASE, authEnd, Packet.zero(authEnd));
  return message;
}

/** The offset behind what proves who the client is. */
function authenticationEnd(capabilities: u32, offset: u32): u32 {
  if (capabilities & Capability.LENENC_AUTH) {
    const at = Encoded.read(offset);
    return Encoded.value < 65536 ? at + <u32>Encoded.value : Packet.held;
  }
  if (capabilities & Capability.SECURE_CONNECTION) return offset + 1 + Packet.byte(offset);
  return Packet.zero(offset) + 1;
}

/** Capabilities u16, longest packet 3 bytes, user NUL, password, database. */
function readOldResponse(state: MysqlState, request: Message, capabilities: u32): Message {
  state.capabilities = capabilities;
  Handshake.charset = Charset.UNKNOWN;
  const userEnd = Packet.zero(OLD_FIXED_BYTES);
  const message = setText(request, F.USER, F.MysqlField.USER, OLD_FIXED_BYTES, userEnd);
  if (!(capabilities & Capability.CONNECT_WITH_DB)) return message;
  const from = Packet.zero(userEnd + 1) + 1;
  return setText(message, F.DATABASE, F.MysqlField.DATABASE, from, Packet.zero(from));
}

/** Reads COM_CHANGE_USER: user NUL, proof with its length before it, database NUL. */
export function readChangeUser(state: MysqlState, request: Message): Message {
  const userEnd = Packet.zero(1);
  const message = setText(request, F.USER, F.MysqlField.USER, 1, userEnd);
  const secure = state.capabilities == 0 || (state.capabilities & Capability.SECURE_CONNECTION) != 0;
  const from = secure ? userEnd + 2 + Packet.byte(userEnd + 1) : Packet.zero(userEnd + 1) + 1;
  const databaseEnd = Packet.zero(from);
  const isThere = databaseEnd + 3 <= Packet.held;
  Handshake.charset = isThere ? charsetOfCollation(Packet.u16(databaseEnd + 1)) : Charset.UNKNOWN;
  return setText(message, F.DATABASE, F.MysqlField.DATABASE, from, databaseEnd);
}

/** Sets a name from the payload's bytes from `from` to `to`, where there are any. */
export function setText(message: Message, offset: u32, field: u32, from: u32, to: u32): Message {
  if (to <= from || from >= Packet.held) return message;
  message.know(field);
  const length = to < Packet.held ? to - from : Packet.held - from;
  return messageText(message, offset, Packet.payload + from, length, F.NAME_BYTES_MAX);
}
