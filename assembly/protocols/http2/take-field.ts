/** Header fields to the fields of requests and responses: the first of each name counts. */
import { sameText } from "../../bytes/ascii";
import { Mark } from "../../roundtrip/marks";
import { Message, messageRoom, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import * as F from "./fields";
import { HeaderField } from "./hpack";
import { Name } from "./names";

/** A question mark: what stands for a value that is not shown. */
const HIDDEN: u8 = 63;
/** Not all of a message's headers are known so far. */
const PARTIAL_YET: u8 = 2;

/** Not all of a message's headers are known. */
export function notePartial(message: Message): void {
  store<u8>(changetype<usize>(message), 1, F.PARTIAL);
  message.know(F.Http2Field.PARTIAL);
}

/** Whether they are not, and will not be. */
export function isPartial(message: Message): bool {
  return load<u8>(changetype<usize>(message), F.PARTIAL) == 1;
}

/** The same, but they may be known later. */
export function notePartialYet(message: Message): void {
  if (!message.knows(F.Http2Field.PARTIAL)) store<u8>(changetype<usize>(message), PARTIAL_YET, F.PARTIAL);
  message.know(F.Http2Field.PARTIAL);
}

/** What `notePartialYet` noted is known now. */
export function clearPartialYet(message: Message): void {
  if (load<u8>(changetype<usize>(message), F.PARTIAL) != PARTIAL_YET) return;
  store<u8>(changetype<usize>(message), 0, F.PARTIAL);
  message.present &= ~(1 << F.Http2Field.PARTIAL);
}

/** Takes the field in `HeaderField` into a request, which may move. */
export function takeOfRequest(message: Message): Message {
  switch (HeaderField.name) {
    case Name.UNKNOWN:
      notePartial(message);
      break;
    case Name.METHOD:
      return takeText(message, F.Http2Field.METHOD, F.METHOD, F.METHOD_BYTES_MAX);
    case Name.SCHEME:
      return takeText(message, F.Http2Field.SCHEME, F.SCHEME, F.SCHEME_BYTES_MAX);
    case Name.AUTHORITY:
      cutUser();
      return takeText(message, F.Http2Field.AUTHORITY, F.AUTHORITY, F.AUTHORITY_BYTES_MAX);
    case Name.PATH:
      cutQuery();
      return takeText(message, F.Http2Field.PATH, F.PATH, F.PATH_BYTES_MAX);
    case Name.CONTENT_TYPE:
      return takeText(message, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
    case Name.USER_AGENT:
      return takeText(message, F.Http2Field.USER_AGENT, F.USER_AGENT, F.USER_AGENT_BYTES_MAX);
    case Name.TRACEPARENT:
      return takeText(message, F.Http2Field.TRACEPARENT, F.TRACEPARENT, F.TRACEPARENT_BYTES_MAX);
    case Name.GRPC_TIMEOUT:
      return takeText(message, F.Http2Field.GUEST_TIMEOUT, F.GUEST_TIMEOUT, F.GUEST_TEXT_BYTES_MAX);
    case Name.GRPC_ENCODING:
      return takeText(message, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
  }
  return message;
}

/** The same into a response. */
export function takeOfResponse(message: Message): Message {
  switch (HeaderField.name) {
    case Name.UNKNOWN:
      notePartial(message);
      break;
    case Name.STATUS:
      takeNumber(message, F.Http2Field.STATUS_CODE, 3, F.STATUS_CODE);
      break;
    case Name.CONTENT_TYPE:
      return takeText(message, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
    case Name.GRPC_STATUS:
      takeNumber(message, F.Http2Field.GUEST_STATUS, 3, F.GUEST_STATUS);
      break;
    case Name.GRPC_MESSAGE:
      return takeText(message, F.Http2Field.GUEST_MESSAGE, F.GUEST_MESSAGE, F.GUEST_MESSAGE_BYTES_MAX);
    case Name.GRPC_ENCODING:
      return takeText(message, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
  }
  return message;
}

/** The same into a response whose trailers they are: a row for each whose name is not one that is read. */
export function takeOfTrailers(message: Message): Message {
  // A name that was added to the table in headers is not kept.
  if (HeaderField.name == Name.OTHER) notePartial(message);
  return HeaderField.name == Name.TRAILER ? addTrailer(message) : takeOfResponse(message);
}

/** Adds a row to the trailers; what has no room there is marked. */
function addTrailer(message: Message): Message {
  const isHidden = !Settings.raw && (HeaderField.isSecret || isSecretName());
  const nameBytes = HeaderField.nameLength;
  const valueBytes: u32 = isHidden ? 1 : min(HeaderField.length, F.TRAILER_BYTES_MAX);
  if (!isHidden && (HeaderField.cut || valueBytes < HeaderField.length)) message.mark(Mark.TRUNCATED);
  const bytes = 4 + nameBytes + valueBytes;
  const rowsBytes = message.textLength(F.TRAILERS);
  if (rowsBytes + bytes > F.TRAILERS_BYTES_MAX) {
    message.mark(Mark.TRUNCATED);
    return message;
  }
  // Another text may have come behind the rows, which lie together.
  const isLast = rowsBytes != 0 && message.textStart(F.TRAILERS) + rowsBytes == changetype<usize>(message) + message.length;
  const moved = isLast ? 0 : rowsBytes;
  const taken = messageRoom(message, bytes + moved);
  if (<u32>taken.length + bytes + moved > <u32>taken.capacity) return taken;
  const base = changetype<usize>(taken);
  let at = base + taken.length;
  if (!isLast) {
    memory.copy(at, taken.textStart(F.TRAILERS), moved);
    store<u16>(base, taken.length, F.TRAILERS);
    at += moved;
  }
  store<u16>(at, nameBytes);
  memory.copy(at + 2, HeaderField.nameStart, nameBytes);
  store<u16>(at + 2 + nameBytes, valueBytes);
  if (isHidden) store<u8>(at + 4 + nameBytes, HIDDEN);
  else memory.copy(at + 4 + nameBytes, HeaderField.start, valueBytes);
  store<u16>(base, rowsBytes + bytes, F.TRAILERS + 2);
  taken.length += <u16>(moved + bytes);
  return taken;
}

/** Whether what has the name of the field in hand is a secret: what lets a client in, or says who it is. */
function isSecretName(): bool {
  const start = HeaderField.nameStart;
  const length = HeaderField.nameLength;
  switch (length) {
    case 6:
      return sameText(start, length, "cookie");
    case 10:
      return sameText(start, length, "set-cookie");
    case 13:
      return sameText(start, length, "authorization");
    case 19:
      return sameText(start, length, "proxy-authorization") || sameText(start, length, "authentication-info");
    default:
      return sameText(start, length, "proxy-authentication-info");
  }
}

/** Sets a text, the first of its name. */
function takeText(message: Message, field: u32, offset: u32, most: u32): Message {
  if (message.knows(field)) return message;
  message.know(field);
  if (HeaderField.cut) message.mark(Mark.TRUNCATED);
  return messageText(message, offset, HeaderField.start, HeaderField.length, most);
}

/** Sets a number of at most `digits` digits, the first of its name; what is none is not known. */
function takeNumber(message: Message, field: u32, digits: u32, offset: u32): void {
  if (message.knows(field) || HeaderField.length == 0 || HeaderField.length > digits) return;
  let value: u32 = 0;
  for (let i: u32 = 0; i < HeaderField.length; i++) {
    const digit = <u32>load<u8>(HeaderField.start + i) - 48;
    if (digit >= 10) return;
    value = value * 10 + digit;
  }
  message.know(field);
  store<u32>(changetype<usize>(message) + offset, value);
}

/** Leaves a path's query out unless the settings ask for it. */
function cutQuery(): void {
  if (Settings.raw) return;
  let length: u32 = 0;
  while (length < HeaderField.length && !isPathEnd(load<u8>(HeaderField.start + length))) length += 1;
  if (length < HeaderField.length) HeaderField.cut = false;
  HeaderField.length = length;
}

/** A query or a fragment follows. */
function isPathEnd(byte: u32): bool {
  return byte == 63 || byte == 35;
}

/** Leaves a user's name and password before a host out, which no client may send (RFC 9113 section 8.3.1). */
function cutUser(): void {
  const end = HeaderField.start + HeaderField.length;
  let host = end;
  while (host > HeaderField.start && load<u8>(host - 1) != 64) host -= 1;
  HeaderField.start = host;
  HeaderField.length = <u32>(end - host);
}
