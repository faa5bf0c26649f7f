/** From bytes to messages, each of which begins with its size. */
import { u16be, u32be } from "../../bytes/reader";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate } from "../../roundtrip/message";
import { pendingTake } from "../../roundtrip/pending";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import {
  ANSWERED_ID,
  API_KEY,
  API_VERSION,
  CLIENT_ID,
  CLIENT_ID_TEXT,
  CORRELATION_ID,
  clientMark,
  isRequest,
  RESPONSE_HEADER_BYTES,
  SIZE_BYTES,
} from "./header";
import { endMessage, findRequest } from "./match";
import { malformed, refused } from "./metrics";
import { openWalk } from "./open";
import { dropRecords, passMissing } from "./payload";
import { isPlausibleOrphan, seek } from "./seek";
import { KafkaState, StateFlag, stateAt } from "./state";
import { walk } from "./walk";
import { WALK_BYTES, Walk, Walked, WalkFlag } from "./walk-state";

const SASL_HANDSHAKE: u32 = 17;
/** Size of a SASL frame without a header at the most. */
const SASL_BYTES_MAX: u32 = 65536;

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.open(side, start, length);
  const half = stateAt(conversation).half(side);
  if (half.phase != Phase.SEEK && half.sequence != Parse.sequence) loseMessage(conversation, side);
  while (step(conversation, half)) {}
  half.noteRead();
  return <i32>(Turn.at - start);
}

/** One step; false when more bytes must come. */
function step(conversation: Conversation, half: Half): bool {
  switch (half.phase) {
    case Phase.WALK:
      return readOn(conversation, half);
    case Phase.REST:
      return passRest(conversation, half);
    case Phase.START:
      return conversation.asks(Turn.side) ? readRequest(conversation, half) : readResponse(conversation, half);
    default:
      return findPlace(conversation, half);
  }
}

/** Looks for the next message: what is passed over may have been answers. */
function findPlace(conversation: Conversation, half: Half): bool {
  const first = Turn.at;
  const isAsking = conversation.asks(Turn.side);
  const isFound = seek(conversation, half, isAsking);
  if (Turn.at != first && !isAsking) missAll(conversation);
  return isFound;
}

/** Walks on through the message in progress. */
function readOn(conversation: Conversation, half: Half): bool {
  const w = changetype<Walk>(half.walk);
  const answer = walk(w);
  if (answer == Walked.MORE) return false;
  if (answer == Walked.UNREAD) w.set(WalkFlag.NO_PROGRAM);
  if (answer == Walked.FAULT) {
    w.set(WalkFlag.BROKEN);
    dropRecords(w);
    changetype<Message>(w.message).mark(Mark.MALFORMED);
    malformed();
    if (w.isResponse) missAll(conversation);
  }
  half.phase = Phase.REST;
  return true;
}

/** Steps over what a message has left, and ends it. */
function passRest(conversation: Conversation, half: Half): bool {
  if (!half.passRest()) return false;
  endMessage(conversation, Turn.side, half);
  return true;
}

/** Bytes where a message should begin are none. */
function garbage(conversation: Conversation, half: Half): bool {
  malformed();
  if (!conversation.asks(Turn.side)) missAll(conversation);
  half.seekPast();
  return false;
}

function readRequest(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (Turn.left == 0) return false;
  const state = stateAt(conversation);
  if (Turn.left < CLIENT_ID_TEXT) {
    const isBareSasl = (state.flags & StateFlag.RAW_SASL) != 0 && Turn.left >= SIZE_BYTES && u32be(at) + SIZE_BYTES <= Turn.left;
    if (isBareSasl) return passFrame(half, at);
    const isShort = Turn.left >= SIZE_BYTES && u32be(at) < CORRELATION_ID;
    if (isShort && !(state.flags & StateFlag.RAW_SASL)) return garbage(conversation, half);
    Parse.need = isShort ? u32be(at) + SIZE_BYTES : CLIENT_ID_TEXT;
    return false;
  }
  if (!isRequest(at, Turn.left)) {
    if (state.flags & StateFlag.RAW_SASL && u32be(at) <= SASL_BYTES_MAX) return passFrame(half, at);
    return garbage(conversation, half);
  }
  beginRequest(state, half, at);
  return true;
}

/** Steps over a frame of SASL without a header. */
function passFrame(half: Half, at: usize): bool {
  half.end = Turn.sequenceOf(at) + SIZE_BYTES + u32be(at);
  half.phase = Phase.REST;
  return true;
}

function beginRequest(state: KafkaState, half: Half, at: usize): void {
  const size = u32be(at);
  const key = u16be(at + API_KEY);
  const version = u16be(at + API_VERSION);
  half.end = Turn.sequenceOf(at) + SIZE_BYTES + size;
  state.lastId = u32be(at + CORRELATION_ID);
  state.clientMark = clientMark(at, Turn.left);
  state.flags &= ~StateFlag.RAW_SASL;
  if (key == SASL_HANDSHAKE && version == 0) state.flags |= StateFlag.RAW_SASL;
  half.phase = Phase.REST;
  const w = begin(half, at, size);
  if (w != null) {
    openWalk(w, key, version, false);
    store<i32>(w.message, state.lastId, F.CORRELATION_ID);
    store<u16>(w.message, key, F.API_KEY);
    store<u16>(w.message, version, F.API_VERSION);
    changetype<Message>(w.message).know(F.KafkaField.API);
    w.left = SIZE_BYTES + size - CLIENT_ID;
  }
  Turn.at = at + CLIENT_ID;
}

/** Makes the message that begins at `at`, and its walk; null where there is no room. */
function begin(half: Half, at: usize, size: u32): Walk | null {
  half.walk = 0;
  const block = Regions.streamPool.allocate(WALK_BYTES);
  const message: usize = block == 0 ? 0 : messageCreate(F.KAFKA, F.FIXED_END, F.MESSAGE_BYTES);
  if (message == 0) {
    if (block != 0) Regions.streamPool.release(block);
    refused();
    return null;
  }
  memory.fill(block, 0, WALK_BYTES);
  const w = changetype<Walk>(block);
  w.message = <u32>message;
  w.keeps = Settings.bodyBytes != 0 ? 1 : 0;
  const m = changetype<Message>(message);
  m.firstNs = Parse.timeOf(at);
  m.lastNs = Parse.timeNs;
  m.wireBytes = <u64>size + SIZE_BYTES;
  m.know(F.KafkaField.CORRELATION_ID);
  if (half.isAfterGarbage) m.mark(Mark.RESYNCHRONIZED);
  half.isAfterGarbage = 0;
  half.walk = <u32>block;
  half.phase = Phase.WALK;
  return w;
}

function readResponse(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  if (Turn.left == 0) return false;
  const state = stateAt(conversation);
  if (Turn.left < RESPONSE_HEADER_BYTES) {
    const isWhole = Turn.left >= SIZE_BYTES && u32be(at) + SIZE_BYTES <= Turn.left;
    if (isWhole) return state.flags & StateFlag.RAW_SASL ? passFrame(half, at) : garbage(conversation, half);
    Parse.need = Turn.left >= SIZE_BYTES && u32be(at) < SIZE_BYTES ? u32be(at) + SIZE_BYTES : RESPONSE_HEADER_BYTES;
    return false;
  }
  const size = u32be(at);
  const id = u32be(at + ANSWERED_ID);
  const request: usize = size < SIZE_BYTES ? 0 : findRequest(conversation, state, id);
  if (request == 0) {
    if (state.flags & StateFlag.RAW_SASL && size <= SASL_BYTES_MAX) return passFrame(half, at);
    if (!isPlausibleOrphan(state, at, size, id)) return garbage(conversation, half);
  }
  half.end = Turn.sequenceOf(at) + SIZE_BYTES + size;
  half.phase = Phase.REST;
  const w = begin(half, at, size);
  Turn.at = at + RESPONSE_HEADER_BYTES;
  if (w == null) {
    if (request == 0) return true;
    changetype<Message>(request).missed();
    return true;
  }
  store<i32>(w.message, id, F.CORRELATION_ID);
  w.left = size - SIZE_BYTES;
  if (request == 0) {
    // Its form is that of a request that nobody saw.
    half.phase = Phase.REST;
    w.set(WalkFlag.RESPONSE | WalkFlag.NO_PROGRAM);
    return true;
  }
  pendingTake(changetype<Message>(request));
  w.request = <u32>request;
  openWalk(w, load<u16>(request, F.API_KEY), load<u16>(request, F.API_VERSION), true);
  return true;
}

/** The message in progress is lost with bytes that are missing; where the next one begins is not known. */
function loseMessage(conversation: Conversation, side: u32): void {
  const half = stateAt(conversation).half(side);
  if (half.walk != 0) {
    breakOff(half, Mark.GAP);
    endMessage(conversation, side, half);
  }
  half.phase = Phase.SEEK;
  if (!conversation.asks(side)) missAll(conversation);
}

/** What a message has left is not read. */
function breakOff(half: Half, mark: u32): void {
  const w = changetype<Walk>(half.walk);
  changetype<Message>(w.message).mark(mark);
  if (half.phase != Phase.WALK) return;
  w.set(WalkFlag.BROKEN);
  if (w.blob != 0) w.set(WalkFlag.RECORDS_UNKNOWN);
}

/** Every response that is awaited may have been among missing bytes. */
function missAll(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    changetype<Message>(at).missed();
    at = <usize>changetype<Message>(at).next;
  }
}

/** The contract's gap: the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = stateAt(conversation).half(side);
  const end = Parse.sequence + bytes;
  if (half.holds(end)) {
    if (half.walk != 0) changetype<Message>(changetype<Walk>(half.walk).message).mark(Mark.GAP);
    if (<i32>(half.sequence - end) >= 0) return true;
    if (half.phase == Phase.WALK && passMissing(changetype<Walk>(half.walk), end - half.sequence)) {
      walkOn(conversation, side, half, end);
      return true;
    }
    if (half.walk != 0) breakOff(half, Mark.GAP);
    half.phase = Phase.REST;
    if (half.end == end) endMessage(conversation, side, half);
  } else {
    loseMessage(conversation, side);
  }
  half.sequence = end;
  return true;
}

/** Missing bytes were to be stepped over. */
function walkOn(conversation: Conversation, side: u32, half: Half, end: u32): void {
  half.sequence = end;
  if (changetype<Walk>(half.walk).skip != 0) return;
  Parse.sequence = end;
  Turn.open(side, 0, 0);
  while (step(conversation, half)) {}
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const half = stateAt(conversation).half(side);
  if (half.walk != 0) {
    breakOff(half, half.isWhole ? 0 : Mark.INCOMPLETE);
    endMessage(conversation, side, half);
  }
  half.phase = Phase.SEEK;
}

/** The contract's release. */
export function onRelease(conversation: Conversation): void {
  onFinish(conversation, 0);
  onFinish(conversation, 1);
}
