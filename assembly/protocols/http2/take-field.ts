/** Header fields to the fields of requests and responses: the first of each name counts. */
import { putText } from "../../bytes/ascii";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import {
  addRow,
  CONTENT_ENCODING,
  CONTENT_ENCODING_BYTES_MAX,
  ContentField,
  HIDDEN,
  HIDDEN_BYTES,
  keepBehind,
  keepHeader,
} from "../shared/content";
import { isSecretName } from "../shared/secret-headers";
import { readReference, readShown, ShownValue } from "../shared/shown-value";
import * as F from "./fields";
import { HeaderField } from "./hpack";
import { hasText, Name, textOf } from "./names";

/** The text of a name that is read. */
const READ_NAME: usize = memory.data(32);
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
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.METHOD, F.METHOD, F.METHOD_BYTES_MAX);
    case Name.SCHEME:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.SCHEME, F.SCHEME, F.SCHEME_BYTES_MAX);
    case Name.AUTHORITY:
      cutUser();
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.AUTHORITY, F.AUTHORITY, F.AUTHORITY_BYTES_MAX);
    case Name.PATH:
      cutQuery();
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.PATH, F.PATH, F.PATH_BYTES_MAX);
    case Name.CONTENT_TYPE:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
    case Name.USER_AGENT:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.USER_AGENT, F.USER_AGENT, F.USER_AGENT_BYTES_MAX);
    case Name.TRACEPARENT:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.TRACEPARENT, F.TRACEPARENT, F.TRACEPARENT_BYTES_MAX);
    case Name.GRPC_TIMEOUT:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.GUEST_TIMEOUT, F.GUEST_TIMEOUT, F.GUEST_TEXT_BYTES_MAX);
    case Name.GRPC_ENCODING:
      return takeText(message, F.REQUEST_CONTENT, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
    case Name.CONTENT_ENCODING:
      return takeEncoding(message, F.REQUEST_CONTENT);
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
      return takeText(message, F.RESPONSE_CONTENT, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
    case Name.GRPC_STATUS:
      takeNumber(message, F.Http2Field.GUEST_STATUS, 3, F.GUEST_STATUS);
      break;
    case Name.GRPC_MESSAGE:
      if (nameField()) cutValue();
      return takeText(message, F.RESPONSE_CONTENT, F.Http2Field.GUEST_MESSAGE, F.GUEST_MESSAGE, F.GUEST_MESSAGE_BYTES_MAX);
    case Name.GRPC_ENCODING:
      return takeText(message, F.RESPONSE_CONTENT, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
    case Name.CONTENT_ENCODING:
      return takeEncoding(message, F.RESPONSE_CONTENT);
  }
  return message;
}

/** The same into a response whose trailers they are: a row for each whose name is not one that is read, and for all where the host asks. */
export function takeOfTrailers(message: Message): Message {
  if (Settings.headers) return takeOfResponse(nameField() ? addTrailer(message) : noteUnnamed(message));
  // A name that was added to the table in headers is not kept.
  if (HeaderField.name == Name.OTHER) notePartial(message);
  return HeaderField.name == Name.TRAILER ? addTrailer(message) : takeOfResponse(message);
}

/** Keeps the field among those of a message whose headers it came in. */
export function keepField(message: Message, place: u32): Message {
  if (!nameField() || HeaderField.isNameCut) return noteUnnamed(message);
  const name = HeaderField.nameStart;
  const nameBytes = HeaderField.nameLength;
  if (!Settings.raw && (HeaderField.isSecret || isSecretName(name, nameBytes))) {
    return keepHeader(message, place, name, nameBytes, HIDDEN, HIDDEN_BYTES);
  }
  cutValue();
  if (HeaderField.cut) message.mark(Mark.TRUNCATED);
  return keepHeader(message, place, name, nameBytes, HeaderField.start, HeaderField.length);
}

/** Gives the field the text of its name; false where it has none. */
function nameField(): bool {
  if (hasText(HeaderField.name)) return true;
  const text = textOf(HeaderField.name);
  if (text.length == 0) return false;
  HeaderField.nameStart = READ_NAME;
  HeaderField.nameLength = <u32>(putText(READ_NAME, text) - READ_NAME);
  HeaderField.isNameCut = false;
  return true;
}

/** Marks a message of which a field is not kept, unless it is one before the header fields. */
function noteUnnamed(message: Message): Message {
  if (HeaderField.name == Name.OTHER || hasText(HeaderField.name)) message.mark(Mark.TRUNCATED);
  return message;
}

/** Adds a row to the trailers; what has no room there is marked. */
function addTrailer(message: Message): Message {
  const name = HeaderField.nameStart;
  const nameBytes = HeaderField.nameLength;
  if (!Settings.raw && (HeaderField.isSecret || isSecretName(name, nameBytes))) {
    return addRow(message, F.TRAILERS, F.TRAILERS_BYTES_MAX, name, nameBytes, HIDDEN, HIDDEN_BYTES);
  }
  cutValue();
  const valueBytes: u32 = min(HeaderField.length, F.TRAILER_BYTES_MAX);
  if (HeaderField.cut || valueBytes < HeaderField.length) message.mark(Mark.TRUNCATED);
  return addRow(message, F.TRAILERS, F.TRAILERS_BYTES_MAX, name, nameBytes, HeaderField.start, valueBytes);
}

/** Sets a text, the first of its name, before the header fields that are kept at `place`. */
function takeText(message: Message, place: u32, field: u32, offset: u32, most: u32): Message {
  if (message.knows(field)) return message;
  message.know(field);
  if (HeaderField.cut) message.mark(Mark.TRUNCATED);
  const taken = messageText(message, offset, HeaderField.start, HeaderField.length, most);
  if (Settings.headers) keepBehind(taken, place, offset);
  return taken;
}

function takeEncoding(message: Message, place: u32): Message {
  return takeText(message, place, ContentField.ENCODING, place + CONTENT_ENCODING, CONTENT_ENCODING_BYTES_MAX);
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

/** Leaves a path's query out unless the settings ask for it, and users' names and passwords. */
function cutQuery(): void {
  if (Settings.raw) return;
  readReference(HeaderField.start, HeaderField.length, HeaderField.cut);
  takeShown();
}

/** Leaves out of the value of a field with a name what is not shown unless the settings ask for it. */
function cutValue(): void {
  if (Settings.raw) return;
  readShown(HeaderField.nameStart, HeaderField.nameLength, HeaderField.start, HeaderField.length, HeaderField.cut);
  takeShown();
}

/** The field's value is what may be shown of it. */
function takeShown(): void {
  HeaderField.cut = ShownValue.isCut;
  HeaderField.start = ShownValue.start;
  HeaderField.length = ShownValue.length;
}

/** Leaves a user's name and password before a host out, which no client may send (RFC 9113 section 8.3.1). */
function cutUser(): void {
  const end = HeaderField.start + HeaderField.length;
  let host = end;
  while (host > HeaderField.start && load<u8>(host - 1) != 64) host -= 1;
  HeaderField.start = host;
  HeaderField.length = <u32>(end - host);
}
