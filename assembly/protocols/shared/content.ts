/**
 * What is kept of a message beside its fields, where the host asks for it: its header fields as rows, and the first bytes of its body.
 *
 * Both lie behind all texts of the message. Header fields come while it is in no list, so it may move; its body comes later, into
 * room that was made at the end.
 *
 * ```
 * place:  0 rows, a text | 4 body, a text | 8 content coding, a text | 12 bytes of the body that are still wanted u16
 * ```
 */

import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { copyBytes } from "../../bytes/run";
import { Mark } from "../../roundtrip/marks";
import { Message, messageRoom, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { declareField, FieldKind } from "../field";

const BODY: u32 = 4;
/** Where a content coding lies behind a place, and bytes of it that are kept at the most. */
export const CONTENT_ENCODING: u32 = 8;
export const CONTENT_ENCODING_BYTES_MAX: u32 = 63;
const ROOM: u32 = 12;

/** Bytes of all header fields that are kept, names and lengths included. */
export const HEADERS_BYTES_MAX: u32 = 2048;
/** Bytes of the longest text that may come between them. */
const TEXT_BYTES_MAX: u32 = 256;
/** What is shown of a value that is not. */
export const HIDDEN: usize = memory.data<u8>([63]);
export const HIDDEN_BYTES: u32 = 1;

/** A text that has come behind the rows, while it changes places with them. */
const TEXT: usize = memory.data(256);

/** Indexes of fields in `present`. */
export class ContentField {
  static readonly HEADERS: u32 = 12;
  static readonly BODY: u32 = 13;
  static readonly ENCODING: u32 = 14;
}

/** Declares what is kept of one side of protocol `number`, whose place is `place`. */
export function declareContent(number: u32, side: u32, place: u32): void {
  const encoding = place + CONTENT_ENCODING;
  declareField(number, side, ContentField.ENCODING, FieldKind.TEXT, encoding, "contentEncoding", "");
  declareField(number, side, ContentField.HEADERS, FieldKind.ROWS, place, "headers", "name:text,value:text");
  declareField(number, side, ContentField.BODY, FieldKind.BYTES, place + BODY, "body", "");
}

/** Keeps a header field, `valueBytes` of its value; answers where the message now is. */
export function keepHeader(message: Message, place: u32, name: usize, nameBytes: u32, value: usize, valueBytes: u32): Message {
  const kept = addRow(message, place, HEADERS_BYTES_MAX, name, nameBytes, value, valueBytes);
  if (kept.textLength(place) != 0) kept.know(ContentField.HEADERS);
  return kept;
}

/** Lets go of the header fields that were kept: they may have been none of the headers. */
export function dropHeaders(message: Message, place: u32): void {
  if (!message.knows(ContentField.HEADERS)) return;
  message.present &= ~(1 << ContentField.HEADERS);
  store<u16>(changetype<usize>(message) + place, 0, 2);
  message.mark(Mark.TRUNCATED);
}

/** Adds a name and a value to the rows at `offset`, of at most `most` bytes, and marks what has no room; answers where the message now is. */
export function addRow(
  message: Message,
  offset: u32,
  most: u32,
  name: usize,
  nameBytes: u32,
  value: usize,
  valueBytes: u32,
): Message {
  const bytes = 4 + nameBytes + valueBytes;
  const rowsBytes = message.textLength(offset);
  if (rowsBytes + bytes > most) {
    message.mark(Mark.TRUNCATED);
    return message;
  }
  // Rows lie together, and another text may have come behind them.
  const isLast = rowsBytes != 0 && message.textStart(offset) + rowsBytes == changetype<usize>(message) + message.length;
  const moved = isLast ? 0 : rowsBytes;
  const taken = messageRoom(message, bytes + moved);
  if (<u32>taken.length + bytes + moved > <u32>taken.capacity) return taken;
  const base = changetype<usize>(taken);
  let at = base + taken.length;
  if (!isLast) {
    memory.copy(at, taken.textStart(offset), moved);
    store<u16>(base + offset, taken.length);
    at += moved;
  }
  store<u16>(at, nameBytes);
  copyBytes(at + 2, name, nameBytes);
  store<u16>(at + 2 + nameBytes, valueBytes);
  copyBytes(at + 4 + nameBytes, value, valueBytes);
  store<u16>(base + offset, rowsBytes + bytes, 2);
  taken.length += <u16>(moved + bytes);
  return taken;
}

/** Puts the rows at `place` behind the text at `offset`, which has just been set and came behind them. */
export function keepBehind(message: Message, place: u32, offset: u32): void {
  const bytes = message.textLength(place);
  const length = message.textLength(offset);
  if (bytes == 0 || length == 0 || length > TEXT_BYTES_MAX) return;
  const base = changetype<usize>(message);
  const at = load<u16>(base + place);
  if (<u32>at + bytes != <u32>load<u16>(base + offset)) return;
  memory.copy(TEXT, message.textStart(offset), length);
  memory.copy(base + at + length, base + at, bytes);
  memory.copy(base + at, TEXT, length);
  store<u16>(base + offset, at);
  store<u16>(base + place, at + length);
}

/** Makes room for the first bytes of a body where `spare` bytes are left behind it; answers where the message now is. */
export function openBody(message: Message, place: u32, spare: u32): Message {
  const used = <u32>message.length + spare;
  let room = min(Settings.bodyBytes, used < BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX - used : 0);
  if (room == 0) message.mark(Mark.TRUNCATED);
  const m = messageRoom(message, room);
  if (<u32>m.length + room > <u32>m.capacity) room = <u32>m.capacity - <u32>m.length;
  const base = changetype<usize>(m);
  store<u16>(base + place, m.length, BODY);
  store<u16>(base + place, room, ROOM);
  m.know(ContentField.BODY);
  return m;
}

/** Whether more of the body is to be kept. */
export function wantsBody(message: Message, place: u32): bool {
  return load<u16>(changetype<usize>(message) + place, ROOM) != 0;
}

/** Keeps what has room of `length` bytes of the body at `start`, which follow on those before. */
export function keepBody(message: Message, place: u32, start: usize, length: u64): void {
  const base = changetype<usize>(message);
  const room = <u32>load<u16>(base + place, ROOM);
  if (room == 0) return;
  const taken: u32 = length < <u64>room ? <u32>length : room;
  copyBytes(base + message.length, start, taken);
  const kept = <u32>load<u16>(base + place, BODY + 2) + taken;
  // It had less room than is asked for.
  if (taken == room && kept < Settings.bodyBytes) message.mark(Mark.TRUNCATED);
  store<u16>(base + place, kept, BODY + 2);
  store<u16>(base + place, room - taken, ROOM);
  message.length += <u16>taken;
}

/** What follows of a body is not what follows on the bytes before: no more of it is kept. */
export function closeBody(message: Message, place: u32): void {
  store<u16>(changetype<usize>(message) + place, 0, ROOM);
}

/** Keeps what is kept of another message too, as far as it has room; answers where the message now is. */
export function copyContent(message: Message, place: u32, from: Message, fromPlace: u32): Message {
  let taken = copyPart(message, place, from, fromPlace, ContentField.HEADERS);
  taken = copyPart(taken, place + CONTENT_ENCODING, from, fromPlace + CONTENT_ENCODING, ContentField.ENCODING);
  return copyPart(taken, place + BODY, from, fromPlace + BODY, ContentField.BODY);
}

function copyPart(message: Message, offset: u32, from: Message, fromOffset: u32, field: u32): Message {
  const length = from.textLength(fromOffset);
  if (!from.knows(field)) return message;
  // Rows that are cut would be none.
  const taken = messageRoom(message, length);
  if (<u32>taken.length + length > <u32>taken.capacity) return taken;
  taken.know(field);
  return messageText(taken, offset, from.textStart(fromOffset), length, length);
}

/** Texts may have come behind what is kept of a body: it begins behind them while it is empty, and else ends here. */
export function settleBody(message: Message, place: u32): void {
  const base = changetype<usize>(message);
  let room = <u32>load<u16>(base + place, ROOM);
  const length = message.textLength(place + BODY);
  if (room == 0 || <u32>load<u16>(base + place, BODY) + length == <u32>message.length) return;
  if (length != 0) {
    room = 0;
    message.mark(Mark.TRUNCATED);
  } else {
    store<u16>(base + place, message.length, BODY);
    const there = <u32>message.capacity - <u32>message.length;
    if (room > there) {
      room = there;
      message.mark(Mark.TRUNCATED);
    }
  }
  store<u16>(base + place, room, ROOM);
}
