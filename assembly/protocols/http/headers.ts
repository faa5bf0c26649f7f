/**
 * Header lines (RFC 9112 section 5): those that say how long the body is and those that are fields.
 *
 * A line is told apart by the length of its name and then by its letters, so most lines cost the search for their colon and
 * their end.
 */
import { sameText } from "../../bytes/ascii";
import { u8At } from "../../bytes/reader";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { CONTENT_ENCODING, CONTENT_ENCODING_BYTES_MAX, ContentField, keepBehind } from "../shared/content";
import { Successor } from "../shared/upgrade";
import { keepLine } from "./content";
import * as F from "./fields";
import { HttpFault, HttpMetrics } from "./metrics";
import { findByte, Line } from "./scan";
import { Half, HalfFlag, Role } from "./state";
import { behindUser } from "./target";

const COLON: u8 = 58;
const COMMA: u8 = 44;
const SPACE: u32 = 32;
const TAB: u32 = 9;
/** Largest length that is taken for one: the wire never brings more. */
const LENGTH_MAX: u64 = 1 << 62;

/** Headers that are read; `Half.header` holds the last one. */
export class Header {
  static readonly OTHER: u8 = 0;
  static readonly HOST: u8 = 1;
  static readonly EXPECT: u8 = 2;
  static readonly USER_AGENT: u8 = 3;
  static readonly TRACEPARENT: u8 = 4;
  static readonly CONTENT_TYPE: u8 = 5;
  static readonly CONTENT_LENGTH: u8 = 6;
  static readonly TRANSFER_ENCODING: u8 = 7;
  /** In the rest of a long request line. */
  static readonly REQUEST_LINE: u8 = 8;
  static readonly UPGRADE: u8 = 9;
  static readonly CONTENT_ENCODING: u8 = 10;
}

/** Lengths of the names below, a bit each. */
const HEADER_LENGTHS: u32 = (1 << 4) | (1 << 6) | (1 << 7) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 14) | (1 << 17);

/** Which header has the name of `length` bytes at `start`. */
function headerOf(start: usize, length: u32, requests: bool): u32 {
  switch (length) {
    case 4:
      return requests && sameText(start, length, "host") ? Header.HOST : Header.OTHER;
    case 6:
      return requests && sameText(start, length, "expect") ? Header.EXPECT : Header.OTHER;
    case 7:
      return !requests && sameText(start, length, "upgrade") ? Header.UPGRADE : Header.OTHER;
    case 10:
      return requests && sameText(start, length, "user-agent") ? Header.USER_AGENT : Header.OTHER;
    case 11:
      return requests && sameText(start, length, "traceparent") ? Header.TRACEPARENT : Header.OTHER;
    case 12:
      return sameText(start, length, "content-type") ? Header.CONTENT_TYPE : Header.OTHER;
    case 14:
      return sameText(start, length, "content-length") ? Header.CONTENT_LENGTH : Header.OTHER;
    case 16:
      // Of use for a body that is kept.
      return Settings.bodyBytes != 0 && sameText(start, length, "content-encoding") ? Header.CONTENT_ENCODING : Header.OTHER;
    case 17:
      return sameText(start, length, "transfer-encoding") ? Header.TRANSFER_ENCODING : Header.OTHER;
    default:
      return Header.OTHER;
  }
}

function isBlank(byte: u32): bool {
  return byte == SPACE || byte == TAB;
}

/** Whether the line at `start`, as `findLineEnd` just saw it, is surely a header that is not read. */
export function isOther(start: usize): bool {
  const length = Line.colon;
  if (length - 1 >= 15 || (HEADER_LENGTHS >> length) & 1) return false;
  return u8At(start) > SPACE && u8At(start + length - 1) > SPACE;
}

/** Takes one header line, which `findLineEnd` just looked at, its content from `start` to `end`; `cut` says that the line goes on behind it. */
export function readHeader(half: Half, start: usize, end: usize, cut: bool): void {
  if (isBlank(u8At(start))) {
    fold(half, start, end, cut);
    return;
  }
  const colon = Line.colon < 16 ? start + Line.colon : findByte(start, end, COLON);
  if (colon == end) {
    half.header = Header.OTHER;
    HttpMetrics.malformed(HttpFault.HEADER);
    changetype<Message>(half.message).mark(Mark.MALFORMED);
    return;
  }
  let nameEnd = colon;
  while (nameEnd > start && isBlank(u8At(nameEnd - 1))) nameEnd -= 1;
  const header = headerOf(start, <u32>(nameEnd - start), half.role == Role.REQUESTS);
  half.header = <u8>header;
  if (header == Header.OTHER && !Settings.headers) return;
  let at = colon + 1;
  while (at < end && isBlank(u8At(at))) at += 1;
  if (Settings.headers) {
    const message = changetype<Message>(half.message);
    half.message = <u32>changetype<usize>(keepLine(message, start, <u32>(nameEnd - start), at, <u32>(end - at), cut));
  }
  if (header != Header.OTHER) take(half, header, at, end, cut);
}

/** A line that begins with a blank goes on with the value of the line before (RFC 9112 section 5.2). */
function fold(half: Half, start: usize, end: usize, cut: bool): void {
  let at = start;
  while (at < end && isBlank(u8At(at))) at += 1;
  const header = <u32>half.header;
  // A header that is kept has its first line alone.
  if (Settings.headers) changetype<Message>(half.message).mark(Mark.TRUNCATED);
  if (at == end || header == Header.OTHER) return;
  const message = changetype<Message>(half.message);
  const offset = textOffset(header);
  if (offset == 0 || !message.knows(textField(header))) {
    take(half, header, at, end, cut);
    return;
  }
  // The text grows in place while it is the last of the message.
  const length = message.textLength(offset);
  const base = changetype<usize>(message);
  const room = textMost(header) - length;
  const more = <u32>(end - at) + 1;
  const isLast = <u32>load<u16>(base + offset) + length == <u32>message.length;
  if (!isLast || room <= 1 || <u32>message.length + more > <u32>message.capacity) {
    message.mark(Mark.TRUNCATED);
    return;
  }
  const taken: u32 = more < room ? more : room;
  if (more > room || cut) message.mark(Mark.TRUNCATED);
  store<u8>(base + message.length, SPACE);
  memory.copy(base + message.length + 1, at, taken - 1);
  message.length += <u16>taken;
  store<u16>(base + offset + 2, length + taken);
}

function take(half: Half, header: u32, start: usize, end: usize, cut: bool): void {
  const length = <u32>(end - start);
  if (header == Header.CONTENT_LENGTH) takeLength(half, start, end);
  else if (header == Header.TRANSFER_ENCODING) takeEncoding(half, start, end);
  else if (header == Header.UPGRADE) {
    if (sameText(start, length, "h2c")) store<u8>(half.message, Successor.HTTP2, F.SUCCESSOR);
    else if (sameText(start, length, "websocket")) store<u8>(half.message, Successor.WEBSOCKET, F.SUCCESSOR);
  } else if (header == Header.EXPECT) {
    if (sameText(start, length, "100-continue")) store<u8>(half.message, 1, F.EXPECTS);
  } else {
    const message = changetype<Message>(half.message);
    const field = textField(header);
    if (length == 0 || message.knows(field)) return;
    message.know(field);
    if (cut) message.mark(Mark.TRUNCATED);
    const from = header == Header.HOST ? behindUser(start, end) : start;
    const text = messageText(message, textOffset(header), from, <u32>(end - from), textMost(header));
    half.message = <u32>changetype<usize>(text);
    if (Settings.headers) keepBehind(text, F.CONTENT, textOffset(header));
  }
}

/** Offset of the text that a header becomes; 0 for none. */
function textOffset(header: u32): u32 {
  if (header == Header.HOST) return F.HOST;
  if (header == Header.USER_AGENT) return F.USER_AGENT;
  if (header == Header.TRACEPARENT) return F.TRACEPARENT;
  if (header == Header.CONTENT_ENCODING) return F.CONTENT + CONTENT_ENCODING;
  return header == Header.CONTENT_TYPE ? F.CONTENT_TYPE : 0;
}

function textField(header: u32): u32 {
  if (header == Header.HOST) return F.HttpField.HOST;
  if (header == Header.USER_AGENT) return F.HttpField.USER_AGENT;
  if (header == Header.CONTENT_ENCODING) return ContentField.ENCODING;
  return header == Header.TRACEPARENT ? F.HttpField.TRACEPARENT : F.HttpField.CONTENT_TYPE;
}

function textMost(header: u32): u32 {
  if (header == Header.HOST) return F.HOST_BYTES_MAX;
  if (header == Header.USER_AGENT) return F.USER_AGENT_BYTES_MAX;
  if (header == Header.CONTENT_ENCODING) return CONTENT_ENCODING_BYTES_MAX;
  return header == Header.TRACEPARENT ? F.TRACEPARENT_BYTES_MAX : F.CONTENT_TYPE_BYTES_MAX;
}

/** Content-Length: one number, or the same number several times (RFC 9110 section 8.6). */
function takeLength(half: Half, start: usize, end: usize): void {
  let at = start;
  while (at < end) {
    const comma = findByte(at, end, COMMA);
    const value = numberOf(at, comma);
    const message = changetype<Message>(half.message);
    if (value > LENGTH_MAX || (half.is(HalfFlag.LENGTH) && value != half.left)) {
      half.set(HalfFlag.UNBOUNDED);
      message.mark(Mark.MALFORMED);
      HttpMetrics.malformed(HttpFault.CONTENT_LENGTH);
      return;
    }
    half.left = value;
    half.set(HalfFlag.LENGTH);
    message.know(F.HttpField.CONTENT_LENGTH);
    store<u64>(half.message, value, F.CONTENT_LENGTH);
    at = comma + 1;
  }
}

/** The number between blanks from `start` to `end`; above LENGTH_MAX where there is none. */
function numberOf(start: usize, end: usize): u64 {
  let at = start;
  while (at < end && isBlank(u8At(at))) at += 1;
  let last = end;
  while (last > at && isBlank(u8At(last - 1))) last -= 1;
  if (at == last || last - at > 18) return u64.MAX_VALUE;
  let value: u64 = 0;
  for (; at < last; at++) {
    const digit = u8At(at) - 48;
    if (digit >= 10) return u64.MAX_VALUE;
    value = value * 10 + digit;
  }
  return value;
}

/** Transfer-Encoding: chunked somewhere in the list, or an encoding whose end is the stream's. */
function takeEncoding(half: Half, start: usize, end: usize): void {
  let at = start;
  while (at < end) {
    const comma = findByte(at, end, COMMA);
    let first = at;
    while (first < comma && isBlank(u8At(first))) first += 1;
    let last = first;
    while (last < comma && !isBlank(u8At(last)) && u8At(last) != 59) last += 1;
    const length = <u32>(last - first);
    if (sameText(first, length, "chunked")) half.set(HalfFlag.CHUNKED);
    else if (length != 0 && !sameText(first, length, "identity")) half.set(HalfFlag.UNBOUNDED);
    at = comma + 1;
  }
}
