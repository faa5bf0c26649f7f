/**
 * Bytes that are missing or make no sense, and the way back: the next line that begins like a message.
 *
 * A message whose end was lost is held while its half seeks, so that what still comes counts for its size and time; it ends
 * with the next message, with the client's next request, with what looks like the last chunk, or with the stream.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { orderEnd, orderGap } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Found, Parse } from "../protocol";
import { closeBody } from "../shared/content";
import * as F from "./fields";
import { endCurrent, endMessage, endResponse, enqueue, mayGoAhead } from "./match";
import { endCutInterim, endWithInterim, loseFinal } from "./message-end";
import { losePlace, noteUnread } from "./place";
import { findByte } from "./scan";
import { LINE_BYTES_MAX, probeLine } from "./start-line";
import {
  addBytes,
  Half,
  HalfFlag,
  MESSAGE_FLAGS,
  markCurrent,
  mayBe,
  messageOf,
  notePartial,
  Phase,
  Role,
  stateAt,
} from "./state";
import { Turn } from "./turn";

const LF: u8 = 10;
/** "\r\n0\r\n\r\n", the end of the last chunk, as a little-endian load of its seven bytes gives it. */
const LAST_CHUNK: u64 = 0x0a0d0a0d300a0d;
const LAST_CHUNK_BYTES: u32 = 7;

/** Looks for a line that begins like a message. */
export function seek(conversation: Conversation, half: Half): bool {
  let at = Turn.at;
  while (at < Turn.end) {
    const found = probeLine(at, Turn.end);
    if (isWanted(conversation, half, found)) {
      passOver(conversation, half, at);
      if (half.message != 0) endCurrent(conversation, Turn.side, half);
      half.phase = Phase.START;
      return true;
    }
    if (found == Found.MORE && <u32>(Turn.end - at) < LINE_BYTES_MAX) {
      passOver(conversation, half, at);
      return false;
    }
    const lineEnd = findByte(at, Turn.end, LF);
    if (lineEnd == Turn.end) break;
    at = lineEnd + 1;
  }
  const isLast = half.is(HalfFlag.CHUNKED) && endsLastChunk();
  passOver(conversation, half, Turn.end);
  if (isLast && half.message != 0) {
    endCurrent(conversation, Turn.side, half);
    half.phase = Phase.SEEK;
  }
  return false;
}

function isWanted(conversation: Conversation, half: Half, found: u32): bool {
  if (found == Found.REQUEST) return mayBe(conversation, half, Role.REQUESTS);
  return found == Found.RESPONSE && mayBe(conversation, half, Role.RESPONSES);
}

/** Steps over the bytes up to `at`, for the account of the message that is held. */
function passOver(conversation: Conversation, half: Half, at: usize): void {
  const bytes = <u64>(at - Turn.at);
  if (bytes != 0) {
    addBytes(conversation, half, bytes, 0);
    noteUnread(conversation, half, at);
  }
  Turn.at = at;
}

function endsLastChunk(): bool {
  if (<u32>(Turn.end - Turn.at) < LAST_CHUNK_BYTES) return false;
  let expected = LAST_CHUNK;
  for (let p = Turn.end - LAST_CHUNK_BYTES; p < Turn.end; p++) {
    if (<u64>u8At(p) != (expected & 0xff)) return false;
    expected >>= 8;
  }
  return true;
}

/** The contract's gap: `bytes` are missing before the next; the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const state = stateAt(conversation);
  const half = state.half(side);
  if (half.phase == Phase.PEEK) half.phase = half.header;
  if (Settings.bodyBytes != 0) closeCurrent(conversation, half);
  if (half.phase == Phase.UNTIL_CLOSE) {
    markCurrent(conversation, half, Mark.GAP);
    addBytes(conversation, half, bytes, bytes);
    return true;
  }
  if (half.phase == Phase.BODY || half.phase == Phase.CHUNK_DATA) {
    markCurrent(conversation, half, Mark.GAP);
    const left = half.is(HalfFlag.SKIPPING) ? Parse.skip : half.left;
    if (<u64>bytes <= left) {
      if (!half.is(HalfFlag.SKIPPING)) passGap(conversation, side, half, bytes);
      return true;
    }
    if (half.phase == Phase.BODY) {
      addBytes(conversation, half, half.left, half.left);
      endCurrent(conversation, side, half);
    }
  } else {
    markCurrent(conversation, half, Mark.GAP);
  }
  if (half.role != Role.REQUESTS) {
    endCutInterim(conversation, side, half);
    const isFinalLost = loseFinal(conversation, side, half, bytes);
    const isBetween = half.phase == Phase.START && half.firstNs == 0 && !isFinalLost && !mayGoAhead(conversation);
    orderGap(conversation, state.requests, Parse.sequence, bytes, isBetween);
  }
  losePlace(conversation, side, HalfFlag.AFTER_GAP);
  return true;
}

/** What of a body is kept ends before missing bytes. */
function closeCurrent(conversation: Conversation, half: Half): void {
  const at = messageOf(conversation, half);
  if (at != 0) closeBody(changetype<Message>(at), F.CONTENT);
}

/** Missing bytes at the very beginning of a body or chunk, before the stream was told to step over it. */
function passGap(conversation: Conversation, side: u32, half: Half, bytes: u32): void {
  half.left -= bytes;
  addBytes(conversation, half, bytes, bytes);
  if (half.left != 0) return;
  if (half.phase == Phase.CHUNK_DATA) half.phase = Phase.CHUNK_END;
  else endCurrent(conversation, side, half);
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const half = stateAt(conversation).half(side);
  const phase = half.phase;
  if (half.is(HalfFlag.SKIPPING)) {
    const passed = half.left - Parse.skip;
    half.clear(HalfFlag.SKIPPING);
    addBytes(conversation, half, passed, passed);
  }
  endCutInterim(conversation, side, half);
  if (messageOf(conversation, half) != 0) {
    const ends = phase == Phase.UNTIL_CLOSE || phase == Phase.PEEK || phase == Phase.SEEK;
    if (!ends) markCurrent(conversation, half, Mark.INCOMPLETE);
    notePartial(half);
    if (half.role == Role.RESPONSES) endResponse(conversation, side);
    else if (half.is(HalfFlag.OWNS)) enqueue(conversation, side, half);
  }
  endMessage(half);
  half.flags &= <u8>~MESSAGE_FLAGS;
  // Of a side that was cut short its part may never have been known; of one that spoke something else no response was ever there.
  const isCutShort = half.role == Role.UNKNOWN && half.is(HalfFlag.AFTER_GAP) && mayBe(conversation, half, Role.RESPONSES);
  if (half.role != Role.RESPONSES && !isCutShort) return;
  endWithInterim(conversation, side);
  orderEnd(conversation, stateAt(conversation).requests);
}
