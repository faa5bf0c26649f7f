/**
 * The way back into a stream: the next bytes that can be nothing but a message.
 *
 * At the beginning of a segment a response is known by the id of a request that waits, a request by its header. Inside of one
 * there are many places to be wrong at: the message must also end with the bytes in hand, or be followed by one like it.
 */
import { u32be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import { Turn } from "../shared/turn";
import {
  ANSWERED_ID,
  CLIENT_ID_TEXT,
  CORRELATION_ID,
  clientMark,
  isRequest,
  RESPONSE_HEADER_BYTES,
  SIZE_BYTES,
  SIZE_MAX,
} from "./header";
import { findRequest } from "./match";
import { KafkaState, stateAt } from "./state";

/** How far from the last request's id that of a message may be whose request was not seen. */
const IDS_APART_MAX: u32 = 4096;
/** Messages that are followed to tell whether they fit. */
const CHAIN_MAX: u32 = 4;

/** Looks for a message; true where one begins at `Turn.at`. */
export function seek(conversation: Conversation, half: Half, isAsking: bool): bool {
  const least: u32 = isAsking ? CLIENT_ID_TEXT : RESPONSE_HEADER_BYTES;
  if (Turn.left == 0) return false;
  if (Turn.left < least && !Parse.isCut) {
    Parse.need = least;
    return false;
  }
  const state = stateAt(conversation);
  const first = Turn.at;
  for (let at = first; at + least <= Turn.end; at++) {
    const isHere = isAsking ? isRequestAt(state, at, at == first) : isResponseAt(conversation, state, at, at == first);
    if (!isHere) continue;
    Turn.at = at;
    half.phase = Phase.START;
    return true;
  }
  Turn.at = Turn.end;
  return false;
}

function isRequestAt(state: KafkaState, start: usize, isFirst: bool): bool {
  let at = start;
  for (let i: u32 = 0; i < CHAIN_MAX; i++) {
    const left = <u32>(Turn.end - at);
    if (left == 0) return true;
    if (left < CLIENT_ID_TEXT) return i != 0 && isFirst;
    if (!isRequest(at, left)) return false;
    if (!isFirst && (clientMark(at, left) != state.clientMark || u32be(at + CORRELATION_ID) - state.lastId > IDS_APART_MAX))
      return false;
    const bytes = u32be(at) + SIZE_BYTES;
    if (bytes > left) return isFirst || i != 0;
    at += bytes;
  }
  return true;
}

function isResponseAt(conversation: Conversation, state: KafkaState, start: usize, isFirst: bool): bool {
  let at = start;
  for (let i: u32 = 0; i < CHAIN_MAX; i++) {
    const left = <u32>(Turn.end - at);
    if (left == 0) return true;
    if (left < RESPONSE_HEADER_BYTES) return i != 0 && isFirst;
    const size = u32be(at);
    if (size < SIZE_BYTES || size > SIZE_MAX) return false;
    const id = u32be(at + ANSWERED_ID);
    const waits = findRequest(conversation, state, id) != 0;
    if (!waits && !((isFirst || i != 0) && isNear(state, id))) return false;
    const bytes = size + SIZE_BYTES;
    if (bytes > left) return waits && (isFirst || i != 0);
    at += bytes;
  }
  return true;
}

/** Whether an id is not far from that of the last request. */
function isNear(state: KafkaState, id: u32): bool {
  return state.lastId + IDS_APART_MAX - id < 2 * IDS_APART_MAX;
}

/** Whether a message where one should begin can be a response whose request was not seen. */
export function isPlausibleOrphan(state: KafkaState, at: usize, size: u32, id: u32): bool {
  if (size < SIZE_BYTES || size > SIZE_MAX) return false;
  return isNear(state, id) || size + SIZE_BYTES == <u32>(Turn.end - at);
}
