/**
 * Headers of messages (MongoDB Wire Protocol), and whether bytes are one. All numbers have their lowest byte first.
 *
 * ```
 *  0 message length i32, itself included | 4 request id i32 | 8 response to i32 | 12 opcode i32 | 16 the message's own
 * ```
 */
import { u8At, u32le } from "../../bytes/reader";

export const REQUEST_ID: u32 = 4;
export const RESPONSE_TO: u32 = 8;
export const OPCODE: u32 = 12;
export const HEADER_BYTES: u32 = 16;
/** Messages are at most 48,000,000 bytes, and a compressed one hardly more (maxMessageSizeBytes). */
export const LENGTH_MAX: u32 = 50331648;

/** Operations. */
export class Opcode {
  static readonly REPLY: u32 = 1;
  static readonly UPDATE: u32 = 2001;
  static readonly INSERT: u32 = 2002;
  static readonly QUERY: u32 = 2004;
  static readonly GET_MORE: u32 = 2005;
  static readonly DELETE: u32 = 2006;
  static readonly KILL_CURSORS: u32 = 2007;
  static readonly COMMAND: u32 = 2010;
  static readonly COMMAND_REPLY: u32 = 2011;
  static readonly COMPRESSED: u32 = 2012;
  static readonly MSG: u32 = 2013;
}

/** Names of operations. */
export const OPCODE_NAMES: string =
  "1=OP_REPLY,2001=OP_UPDATE,2002=OP_INSERT,2004=OP_QUERY,2005=OP_GET_MORE,2006=OP_DELETE,2007=OP_KILL_CURSORS," +
  "2010=OP_COMMAND,2011=OP_COMMANDREPLY,2012=OP_COMPRESSED,2013=OP_MSG";
/** Names of compressors. */
export const COMPRESSOR_NAMES: string = "0=noop,1=snappy,2=zlib,3=zstd";

/** Bits of OP_MSG's flags: a checksum ends it; more messages follow without being asked for. */
export const CHECKSUM_PRESENT: u32 = 1;
export const MORE_TO_COME: u32 = 2;
/** Bits of OP_REPLY's flags. */
export const CURSOR_NOT_FOUND: u32 = 1;
export const QUERY_FAILURE: u32 = 2;

/** Bytes before the compressed ones: the original opcode, the length without compression, the compressor. */
export const COMPRESSED_BYTES: u32 = 25;
const COMPRESSORS: u32 = 4;
/** Bytes of OP_REPLY before its documents. */
export const REPLY_BYTES: u32 = 36;
/** The same with the beginning of the first. */
export const REPLY_HEAD_BYTES: u32 = 42;
const REPLY_RETURNED: u32 = 32;
/** Bytes of a document without elements. */
const DOCUMENT_BYTES_MIN: u32 = 5;
const REPLY_FLAGS: u32 = 15;
const QUERY_FLAGS: u32 = 255;

/** Whether an opcode stands only in requests, or only in responses. */
export function isKnown(opcode: u32, isResponse: bool): bool {
  if (opcode == Opcode.MSG || opcode == Opcode.COMPRESSED) return true;
  if (isResponse) return opcode == Opcode.REPLY || opcode == Opcode.COMMAND_REPLY;
  return (
    opcode == Opcode.UPDATE ||
    (opcode >= Opcode.INSERT && opcode <= Opcode.KILL_CURSORS && opcode != 2003) ||
    opcode == Opcode.COMMAND
  );
}

/** Whether `length` bytes at `start`, 16 at least, begin like a message of one side. */
export function isMessage(start: usize, length: u32, isResponse: bool): bool {
  const bytes = u32le(start);
  const opcode = u32le(start + OPCODE);
  if (bytes < HEADER_BYTES + 4 || bytes > LENGTH_MAX || !isKnown(opcode, isResponse)) return false;
  if (length < HEADER_BYTES + 4) return true;
  if (opcode == Opcode.MSG) return isBody(start, length, bytes);
  if (opcode == Opcode.REPLY) return isReply(start, length, bytes);
  if (opcode != Opcode.COMPRESSED) return isOlder(start, opcode, length);
  if (length < COMPRESSED_BYTES) return true;
  const original = u32le(start + HEADER_BYTES);
  return (
    bytes > COMPRESSED_BYTES && original != Opcode.COMPRESSED && isKnown(original, isResponse) && u8At(start + 24) < COMPRESSORS
  );
}

/** Whether OP_REPLY has only flags that it may have, and as many documents as it says or none. */
function isReply(start: usize, length: u32, bytes: u32): bool {
  if (u32le(start + HEADER_BYTES) > REPLY_FLAGS || bytes < REPLY_BYTES) return false;
  if (length < REPLY_BYTES) return true;
  const returned = u32le(start + REPLY_RETURNED);
  const left = bytes - REPLY_BYTES;
  if (returned == 0) return left == 0;
  if (returned > left / DOCUMENT_BYTES_MIN) return false;
  if (length < REPLY_BYTES + 4) return true;
  const document = u32le(start + REPLY_BYTES);
  if (document < DOCUMENT_BYTES_MIN || (returned == 1 ? document != left : document > left)) return false;
  if (length < REPLY_HEAD_BYTES) return true;
  // An element's type and the first letter of its name.
  const type = u8At(start + REPLY_BYTES + 4);
  return type == 0 ? document == DOCUMENT_BYTES_MIN : isElement(type) && u8At(start + REPLY_BYTES + 5) > 32;
}

/** Whether BSON has elements of this type (bsonspec.org). */
function isElement(type: u32): bool {
  return type <= 19 || type == 0x7f || type == 0xff;
}

/** Whether an older operation begins as it must: with few flags or none, a database or a document. */
function isOlder(start: usize, opcode: u32, length: u32): bool {
  const first = u32le(start + HEADER_BYTES);
  const named = length <= HEADER_BYTES + 4 || u8At(start + HEADER_BYTES + 4) > 32;
  if (opcode == Opcode.QUERY) return first <= QUERY_FLAGS && named;
  if (opcode == Opcode.INSERT) return first <= 1 && named;
  if (opcode == Opcode.COMMAND) return (first & 255) > 32;
  if (opcode == Opcode.COMMAND_REPLY) return first >= 5 && first <= LENGTH_MAX;
  return first == 0 && (named || opcode == Opcode.KILL_CURSORS);
}

/** Whether OP_MSG has only flags that it may have, and begins with a section. */
function isBody(start: usize, length: u32, bytes: u32): bool {
  const flags = u32le(start + HEADER_BYTES);
  // Bits up to 15 must be understood; those above may be passed over.
  if ((flags & 0xffff & ~(CHECKSUM_PRESENT | MORE_TO_COME)) != 0 || flags > 0x1ffff || bytes < HEADER_BYTES + 10) return false;
  if (length < HEADER_BYTES + 9) return true;
  const section = u32le(start + HEADER_BYTES + 5);
  return u8At(start + HEADER_BYTES + 4) <= 1 && section >= 5 && section <= bytes - HEADER_BYTES - 5;
}
