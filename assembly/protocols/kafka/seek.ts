/**
 * The way back into a stream: the next bytes that can be nothing but a message.
 *
 * At the beginning of a segment a response is known by the id of a request that waits and by its form, a request by its header.
 * Inside of one there are many places to be wrong at: the message must also end with the bytes in hand, or be followed by one like it.
 * Ids are small numbers and so are sizes: bytes of records look like both, and what no request waits for must end with the bytes in
 * hand anywhere.
 */
import { u32be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import {
  ANSWERED_ID,
  CLIENT_ID_TEXT,
  CORRELATION_ID,
  clientMark,
  isRequest,
  RESPONSE_HEADER_BYTES,
  SIZE_BYTES,
  SIZE_MAX,
  SIZE_USUAL_MAX,
} from "./header";
import { Odd } from "./keep";
import { findRequest } from "./match";
import { KafkaState, stateAt } from "./state";
import { tryResponse } from "./trial";
import { Walked } from "./walk-state";

/** How far from the last request's id that of a message may be whose request was not seen. */
const IDS_APART_MAX: u32 = 4096;
/** Messages that are followed to tell whether they fit. */
const CHAIN_MAX: u32 = 4;
/** Bytes of a response that must have the form of one. */
const FIT_BYTES: u32 = 128;
const FETCH: u32 = 1;

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
    const isFirst = at == first || at == Parse.carriedEnd;
    const isHere = isAsking ? isRequestAt(state, at, isFirst) : isResponseAt(conversation, state, at, isFirst);
    if (!isHere) continue;
    Turn.at = at;
    if (Parse.need != 0) return false;
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

/** Whether a response, or several, can lie at `start`; `Parse.need` is set where more must be in hand to tell. */
function isResponseAt(conversation: Conversation, state: KafkaState, start: usize, isFirst: bool): bool {
  let at = start;
  let fits = false;
  for (let i: u32 = 0; i < CHAIN_MAX; i++) {
    const left = <u32>(Turn.end - at);
    if (left == 0) return true;
    if (left < RESPONSE_HEADER_BYTES) return fits && isFirst;
    const size = u32be(at);
    if (size < SIZE_BYTES || size > SIZE_MAX) return false;
    const id = u32be(at + ANSWERED_ID);
    const bytes = size + SIZE_BYTES;
    const request = findRequest(conversation, state, id);
    if (request == 0) {
      if (bytes > left || !(isFirst || i != 0) || !isNear(state, id)) return false;
    } else {
      const answer = tryResponse(at, min(left, bytes), request);
      // What no broker sends is no response, unless it is as long as all that came.
      if (answer == Walked.FAULT || (Odd.values != 0 && !(isFirst && bytes == left))) return false;
      if (bytes > left) return i != 0 ? fits : isFirst && isBegun(request, size, left, answer);
      fits = true;
    }
    at += bytes;
  }
  return true;
}

/** Whether `left` bytes of a longer response, whose walk came to `answer`, say enough of themselves. */
function isBegun(request: usize, size: u32, left: u32, answer: u32): bool {
  if (load<u16>(request, F.API_KEY) != FETCH && size > SIZE_USUAL_MAX) return false;
  if (answer == Walked.MORE && left < FIT_BYTES && !Parse.isCut) Parse.need = min(size + SIZE_BYTES, FIT_BYTES);
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
