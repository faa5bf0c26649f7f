/**
 * Bodies: counted, and not kept but for the first bytes where the host asks for them (shared/content.ts). The stream steps over what is known to
 * belong to one.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Found, Parse } from "../protocol";
import { keepBody, wantsBody } from "../shared/content";
import * as F from "./fields";
import { endCurrent } from "./match";
import { HttpFault, HttpMetrics } from "./metrics";
import { losePlace } from "./place";
import { findByte } from "./scan";
import { LINE_BYTES_MAX, probeLine } from "./start-line";
import { addBytes, Half, HalfFlag, markCurrent, messageOf, Phase, Role } from "./state";
import { Turn } from "./turn";

const LF: u8 = 10;
const CR: u32 = 13;
/** Digits of a chunk size that are taken: fifteen hold any size that a length can be. */
const CHUNK_DIGITS_MAX: u32 = 15;

/** A body or chunk of which `left` bytes are to come. */
export function readBody(conversation: Conversation, half: Half): bool {
  const here = <u64>(Turn.end - Turn.at);
  if (half.is(HalfFlag.SKIPPING)) {
    // The stream has stepped over the rest.
    half.clear(HalfFlag.SKIPPING);
    addBytes(conversation, half, half.left, half.left);
    half.left = 0;
  } else if (half.left <= here) {
    keep(conversation, half, half.left);
    Turn.at += <usize>half.left;
    addBytes(conversation, half, half.left, half.left);
    half.left = 0;
  } else {
    const isWanted = keep(conversation, half, here);
    Turn.at = Turn.end;
    addBytes(conversation, half, here, here);
    half.left -= here;
    if (isWanted) return false;
    half.set(HalfFlag.SKIPPING);
    Parse.skip = half.left;
    return false;
  }
  if (half.phase == Phase.CHUNK_DATA) half.phase = Phase.CHUNK_END;
  else endCurrent(conversation, Turn.side, half);
  return true;
}

/** Keeps of the `bytes` of the body in hand what is wanted; whether more of it is. */
function keep(conversation: Conversation, half: Half, bytes: u64): bool {
  if (Settings.bodyBytes == 0) return false;
  const at = messageOf(conversation, half);
  if (at == 0) return false;
  keepBody(changetype<Message>(at), F.CONTENT, Turn.at, bytes);
  return wantsBody(changetype<Message>(at), F.CONTENT);
}

/** Before a body that may not come: another message in its place says so. */
export function readPeek(conversation: Conversation, half: Half): bool {
  if (Turn.at == Turn.end) return false;
  const wanted: u32 = half.role == Role.RESPONSES ? Found.RESPONSE : Found.REQUEST;
  const found = probeLine(Turn.at, Turn.end);
  if (found == Found.MORE && <u32>(Turn.end - Turn.at) < LINE_BYTES_MAX) return false;
  if (found == wanted) endCurrent(conversation, Turn.side, half);
  else half.phase = half.header;
  return true;
}

/** The length of a line from `at` with its end; 0 when it is not all there. */
function lineLength(at: usize): u32 {
  const most = Turn.end - at > LINE_BYTES_MAX ? at + LINE_BYTES_MAX : Turn.end;
  const lineEnd = findByte(at, most, LF);
  return lineEnd == most ? 0 : <u32>(lineEnd - at) + 1;
}

/** chunk-size [ chunk-ext ] CRLF (RFC 9112 section 7.1). */
export function readChunkSize(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (half.is(HalfFlag.LINE_REST)) {
    if (!passLine(conversation, half)) return false;
    half.phase = half.left == 0 ? Phase.TRAILERS : Phase.CHUNK_DATA;
    return true;
  }
  const length = lineLength(at);
  const isLong = length == 0 && <u32>(Turn.end - at) >= LINE_BYTES_MAX;
  if (length == 0 && !isLong) return false;
  const end = isLong ? at + LINE_BYTES_MAX : at + length;
  let digits: u32 = 0;
  let size: u64 = 0;
  let p = at;
  while (p < end && (u8At(p) == 32 || u8At(p) == 9)) p += 1;
  for (; p < end; p++) {
    const digit = hexDigit(u8At(p));
    if (digit > 15) break;
    size = (size << 4) | digit;
    digits += 1;
  }
  const behind = p < end ? u8At(p) : 0;
  const isSize =
    digits != 0 && digits <= CHUNK_DIGITS_MAX && (behind == CR || behind == LF || behind == 59 || behind == 32 || behind == 9);
  if (!isSize) {
    HttpMetrics.malformed(HttpFault.CHUNK);
    markCurrent(conversation, half, Mark.MALFORMED);
    losePlace(conversation, Turn.side, HalfFlag.AFTER_GARBAGE);
    return true;
  }
  Turn.at = end;
  half.left = size;
  addBytes(conversation, half, <u64>(end - at), 0);
  if (isLong) half.set(HalfFlag.LINE_REST);
  else half.phase = size == 0 ? Phase.TRAILERS : Phase.CHUNK_DATA;
  return true;
}

/** The value of a hexadecimal digit, above 15 for any other byte. */
function hexDigit(byte: u32): u32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : 16;
}

/** Steps over the rest of a long line; false when its end has not come. */
function passLine(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  const lineEnd = findByte(at, Turn.end, LF);
  const ended = lineEnd != Turn.end;
  Turn.at = ended ? lineEnd + 1 : lineEnd;
  addBytes(conversation, half, <u64>(Turn.at - at), 0);
  if (ended) half.clear(HalfFlag.LINE_REST);
  return ended;
}

/** The line end behind a chunk's data. */
export function readChunkEnd(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (at == Turn.end) return false;
  const byte = u8At(at);
  if (byte == CR && at + 1 == Turn.end) return false;
  const length: u32 = byte == CR ? 2 : 1;
  if (u8At(at + length - 1) != LF) {
    HttpMetrics.malformed(HttpFault.CHUNK);
    markCurrent(conversation, half, Mark.MALFORMED);
    losePlace(conversation, Turn.side, HalfFlag.AFTER_GARBAGE);
    return true;
  }
  Turn.at += length;
  addBytes(conversation, half, length, 0);
  half.phase = Phase.CHUNK_SIZE;
  return true;
}

/** Lines behind the last chunk, up to an empty one. */
export function readTrailers(conversation: Conversation, half: Half): bool {
  if (half.is(HalfFlag.LINE_REST)) return passLine(conversation, half);
  const at = Turn.at;
  const length = lineLength(at);
  if (length == 0) {
    if (<u32>(Turn.end - at) < LINE_BYTES_MAX) return false;
    half.set(HalfFlag.LINE_REST);
    return true;
  }
  Turn.at += length;
  addBytes(conversation, half, length, 0);
  if (length == 1 || (length == 2 && u8At(at) == CR)) endCurrent(conversation, Turn.side, half);
  return true;
}

/** A body that the stream's end ends. */
export function readUntilClose(conversation: Conversation, half: Half): bool {
  const here = <u64>(Turn.end - Turn.at);
  keep(conversation, half, here);
  if (here != 0) addBytes(conversation, half, here, here);
  Turn.at = Turn.end;
  return false;
}
