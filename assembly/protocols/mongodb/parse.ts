/** From bytes to messages, each of which begins with its length. */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { u32le } from "../../bytes/reader";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate } from "../../roundtrip/message";
import { pendingTake } from "../../roundtrip/pending";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import { Turn } from "../shared/turn";
import { readCompressed } from "./compressed";
import * as F from "./fields";
import { HEADER_BYTES, isMessage, OPCODE, Opcode, REQUEST_ID, RESPONSE_TO } from "./header";
import { dropChain, endChain, endMessage, findRequest, goOnChain, missAll } from "./match";
import { malformed, refused } from "./metrics";
import { closeContents, keepContents, openContents, passMissing, wantsContents } from "./payload";
import { seek } from "./seek";
import { stateAt } from "./state";
import { resume, walk } from "./walk";
import { WALK_BYTES, Walk, Walked, WalkFlag } from "./walk-state";

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
      return readOn(half);
    case Phase.REST:
      return passRest(conversation, half);
    case Phase.START:
      return readHeader(conversation, half, !conversation.asks(Turn.side));
    default:
      return findPlace(conversation, half);
  }
}

/** Looks for the next message: what is passed over may have been answers. */
function findPlace(conversation: Conversation, half: Half): bool {
  const first = Turn.at;
  const isResponse = !conversation.asks(Turn.side);
  const isFound = seek(conversation, half, isResponse);
  if (Turn.at != first && isResponse) missAll(conversation, Turn.side);
  return isFound;
}

/** Walks on through the message in progress. */
function readOn(half: Half): bool {
  const w = changetype<Walk>(half.walk);
  const answer = walk(w);
  if (answer == Walked.MORE) return false;
  if (answer == Walked.FAULT) {
    w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
    closeContents(w);
    changetype<Message>(w.message).mark(Mark.MALFORMED);
    malformed();
  }
  half.phase = Phase.REST;
  return true;
}

/** Steps over what a message has left, and ends it. */
function passRest(conversation: Conversation, half: Half): bool {
  if (half.walk != 0 && keepRest(half, changetype<Walk>(half.walk))) return false;
  if (!half.passRest()) return false;
  endMessage(conversation, Turn.side, half);
  return true;
}

/** Keeps what is wanted of what a message has left; true when more of that must come. */
function keepRest(half: Half, w: Walk): bool {
  if (!wantsContents(w)) return false;
  const rest = half.end - Turn.sequenceOf(Turn.at);
  keepContents(w, min<u32>(rest, Turn.left));
  if (rest <= Turn.left || !wantsContents(w)) return false;
  Turn.at = Turn.end;
  return true;
}

function readHeader(conversation: Conversation, half: Half, isResponse: bool): bool {
  const at = Turn.at;
  if (Turn.left < HEADER_BYTES) {
    if (Turn.left != 0) Parse.need = HEADER_BYTES;
    return false;
  }
  if (!isMessage(at, Turn.left, isResponse)) {
    malformed();
    if (isResponse) missAll(conversation, Turn.side);
    half.seekPast();
    return false;
  }
  const bytes = u32le(at);
  const opcode = u32le(at + OPCODE);
  const together = opcode == Opcode.COMPRESSED ? min<u32>(bytes, BLOCK_BYTES_MAX) : HEADER_BYTES;
  if (Turn.left < together && !Parse.isCut) {
    Parse.need = together;
    return false;
  }
  half.end = Turn.sequenceOf(at) + bytes;
  half.phase = Phase.REST;
  const w = begin(half, at, bytes);
  Turn.at = at + HEADER_BYTES;
  if (isResponse) beginResponse(conversation, at, w);
  else endChain(conversation, Turn.side);
  if (w == null) return true;
  w.opcode = opcode;
  w.left = bytes - HEADER_BYTES;
  openContents(w);
  if (opcode == Opcode.COMPRESSED) {
    half.phase = Phase.REST;
    readCompressed(w, at, min<u32>(bytes, <u32>(Turn.end - at)), bytes);
    closeContents(w);
  } else {
    store<u16>(w.message, opcode, F.OPCODE);
  }
  return true;
}

/** Finds what a response answers. */
function beginResponse(conversation: Conversation, at: usize, w: Walk | null): void {
  const id = u32le(at + RESPONSE_TO);
  if (goOnChain(conversation, id)) {
    if (w != null) w.set(WalkFlag.RESPONSE);
    return;
  }
  const request = findRequest(conversation, id);
  if (w == null) {
    if (request != 0) changetype<Message>(request).missed();
    return;
  }
  w.set(WalkFlag.RESPONSE);
  if (request == 0) return;
  pendingTake(changetype<Message>(request));
  w.request = <u32>request;
}

/** Makes the message that begins at `at`, and its walk; null where there is no room. */
function begin(half: Half, at: usize, bytes: u32): Walk | null {
  half.walk = 0;
  const block = Regions.streamPool.allocate(WALK_BYTES);
  const message: usize = block == 0 ? 0 : messageCreate(F.MONGODB, F.FIXED_END, F.MESSAGE_BYTES);
  if (message == 0) {
    if (block != 0) Regions.streamPool.release(block);
    refused();
    return null;
  }
  memory.fill(block, 0, WALK_BYTES);
  const w = changetype<Walk>(block);
  w.message = <u32>message;
  const m = changetype<Message>(message);
  m.firstNs = Parse.timeOf(at);
  m.lastNs = Parse.timeNs;
  m.wireBytes = <u64>bytes;
  store<u32>(message, u32le(at + REQUEST_ID), F.REQUEST_ID);
  store<u32>(message, bytes - HEADER_BYTES, F.BODY_BYTES);
  m.know(F.MongoField.OPCODE);
  m.know(F.MongoField.REQUEST_ID);
  m.know(F.MongoField.BODY_BYTES);
  if (half.isAfterGarbage) m.mark(Mark.RESYNCHRONIZED);
  half.isAfterGarbage = 0;
  half.walk = <u32>block;
  half.phase = Phase.WALK;
  return w;
}

/** What a message has left is not read. */
function breakOff(half: Half, mark: u32): void {
  const w = changetype<Walk>(half.walk);
  changetype<Message>(w.message).mark(mark);
  if (half.phase == Phase.WALK) w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
}

/** The message in progress is lost with bytes that are missing; where the next one begins is not known. */
function loseMessage(conversation: Conversation, side: u32): void {
  const half = stateAt(conversation).half(side);
  if (half.walk != 0) {
    breakOff(half, Mark.GAP);
    endMessage(conversation, side, half);
  }
  half.phase = Phase.SEEK;
  if (!conversation.asks(side)) missAll(conversation, side);
}

/** The contract's gap: the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = stateAt(conversation).half(side);
  const end = Parse.sequence + bytes;
  if (half.holds(end)) {
    if (half.walk != 0) changetype<Message>(changetype<Walk>(half.walk).message).mark(Mark.GAP);
    if (<i32>(half.sequence - end) >= 0) return true;
    if (half.walk != 0 && passMissing(changetype<Walk>(half.walk), half.phase == Phase.REST, end - half.sequence)) {
      walkOn(conversation, side, half, end);
      return true;
    }
    if (half.phase == Phase.WALK && resume(changetype<Walk>(half.walk), half.end - end)) {
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

/** Missing bytes up to `end` are passed, and the walk goes on where nothing behind them is to be stepped over. */
function walkOn(conversation: Conversation, side: u32, half: Half, end: u32): void {
  half.sequence = end;
  if (half.phase == Phase.REST ? half.end != end : changetype<Walk>(half.walk).skip != 0) return;
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
  if (!conversation.asks(side)) endChain(conversation, side ^ 1);
}

/** The contract's release. */
export function onRelease(conversation: Conversation): void {
  onFinish(conversation, 0);
  onFinish(conversation, 1);
  dropChain(conversation);
}
