/**
 * Which request a reply answers.
 *
 * Replies come in the order of their requests, so the oldest that waits is the one as long as all bytes were seen. Where some
 * were not, pairs are known again at the next point that is sure: a request that was sent when its client had all that the
 * server had sent, by a client that waits for its replies before it asks again. Until then replies are held:
 *
 * ```
 *   requests   1  2  3  4  5  6 | 7 ...        sent when the client had the replies up to here -+
 *   replies    1  2  [missing]  5  6 | 7 ...   <- 5 and 6 are the last two before it ----------+
 * ```
 * From the front they pair up to the first missing bytes, from the sure point backwards to the last; what lies between stays
 * unobserved. A client that sends requests while it waits for others gives such a point only when both sides were quiet.
 */
import { clockOf } from "../../bytes/stamp";
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { pendingAdd, pendingTake, TimeoutClass, timerStop } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { leave, Parse } from "../protocol";
import { dropPayload } from "../shared/payload";
import { Reply } from "./arguments";
import { CommandKind } from "./commands";
import * as F from "./fields";
import { RedisMetrics } from "./metrics";
import { HalfFlag, Phase, RedisState, StateFlag, stateAt } from "./state";

/** Requests that may wait on one connection; the oldest makes room, unobserved. */
const WAITING_MAX: u32 = 32768;
/** The same while it is not sure that they are requests: none is reported then. */
const TENTATIVE_MAX: u32 = 64;
/** Replies that are held on one connection; the oldest makes room. */
const HELD_MAX: u32 = 4096;
/** Both sides of a client that interleaves were quiet for so long that nothing is on its way. */
const QUIET_NS: u64 = 10_000_000;

/** The CommandKind of a request. */
export function kindOf(request: usize): u32 {
  return load<u8>(request, F.KIND);
}

/** The oldest request that waits where pairs are sure, 0 where there is none or they are not. */
export function surePair(conversation: Conversation): usize {
  const state = stateAt(conversation);
  const head = <usize>conversation.pendingHead;
  if (head == 0 || state.is(StateFlag.HELD) || state.waiting > conversation.pendingCount) return 0;
  return load<u8>(head, F.AFTER_GAP) ? 0 : head;
}

/** A request is complete, or as much of it as was captured. */
export function enqueue(conversation: Conversation, request: Message): void {
  const state = stateAt(conversation);
  const at = changetype<usize>(request);
  findSurePoint(conversation, state, at);
  setDatabase(state, request);
  noteSecret(state, at);
  if (isSilent(state, request)) {
    report(conversation, conversation.client, at, 0, Status.UNOBSERVED);
    messageRelease(request);
    return;
  }
  if (state.is(StateFlag.TENTATIVE) && conversation.pendingCount >= TENTATIVE_MAX) forget(conversation);
  if (conversation.pendingCount >= WAITING_MAX)
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  const tail = <usize>conversation.pendingTail;
  const waits = isWaiting(kindOf(at)) || state.is(StateFlag.TENTATIVE);
  const follows = tail != 0 && changetype<Message>(tail).timeoutClass == TimeoutClass.NONE;
  pendingAdd(conversation, conversation.client, request, waits || follows ? TimeoutClass.NONE : TimeoutClass.STREAM);
  if (state.is(StateFlag.HELD)) timerStop(request);
  state.waiting += 1;
  noteKind(state, kindOf(at));
}

/** What answers a secret command may come in what answers EXEC. */
function noteSecret(state: RedisState, request: usize): void {
  if (load<u8>(request, F.IS_SECRET) != 0) state.clear(StateFlag.HARMLESS);
  else if (kindOf(request) == CommandKind.EXEC && !state.is(StateFlag.HARMLESS)) store<u8>(request, 1, F.IS_SECRET);
}

function isWaiting(kind: u32): bool {
  return kind == CommandKind.BLOCKS;
}

function noteKind(state: RedisState, kind: u32): void {
  if (kind == CommandKind.MULTI) state.set(StateFlag.HARMLESS);
  if (kind == CommandKind.SUBSCRIBES) state.set(StateFlag.SUBSCRIBED);
  if (kind == CommandKind.MONITOR) state.set(StateFlag.MONITORS);
}

/** Says whether pairs are sure again at this request; where they are not, notes what may lie before it. */
function findSurePoint(conversation: Conversation, state: RedisState, request: usize): void {
  const floor = load<u32>(request, F.FLOOR);
  const isNew = !state.is(StateFlag.BEGUN) || floor != state.lastFloor;
  const isDoubtful = state.is(StateFlag.HELD | StateFlag.HOLE);
  if (floor != 0 && isNew && isDoubtful && isSure(conversation, state, floor)) {
    settle(conversation);
  } else if (state.is(StateFlag.HOLE)) {
    store<u8>(request, 1, F.AFTER_GAP);
  } else if (
    !isDoubtful &&
    isNew &&
    conversation.pendingCount != 0 &&
    state.is(StateFlag.BEGUN) &&
    !isOfLibrary(kindOf(request))
  ) {
    state.set(StateFlag.INTERLEAVES);
  }
  state.set(StateFlag.BEGUN);
  if (floor != 0) state.lastFloor = floor;
}

/** What a client's library asks for itself when a connection begins: it says nothing of how its application asks. */
function isOfLibrary(kind: u32): bool {
  return kind == CommandKind.CLIENT || kind == CommandKind.COMMON || kind == CommandKind.SELECT;
}

function isSure(conversation: Conversation, state: RedisState, floor: u32): bool {
  if (!state.is(StateFlag.POSITION)) return false;
  if (floor != state.position) return false;
  if (state.is(StateFlag.HOLE) && state.holePosition == floor) return false;
  if (!state.is(StateFlag.INTERLEAVES)) return true;
  const tail = <usize>conversation.pendingTail;
  const blocks = tail != 0 && changetype<Message>(tail).timeoutClass == TimeoutClass.NONE;
  return !blocks && clockOf(Parse.timeNs) > clockOf(state.serverNs) + QUIET_NS;
}

function setDatabase(state: RedisState, request: Message): void {
  const at = changetype<usize>(request);
  if (state.is(StateFlag.DATABASE)) {
    store<u32>(at, state.database, F.DATABASE);
    request.know(F.RedisField.DATABASE);
  }
  if (!movesDatabase(at)) return;
  state.database = kindOf(at) == CommandKind.SELECT ? load<u32>(at, F.REPLIES) : 0;
  state.set(StateFlag.DATABASE);
}

/** Whether those behind a request use another database, where it is answered well. */
function movesDatabase(request: usize): bool {
  return kindOf(request) == CommandKind.SELECT || kindOf(request) == CommandKind.RESET;
}

/** Whether the client wants no reply to this request. */
function isSilent(state: RedisState, request: Message): bool {
  const reply = Reply.of(request);
  if (kindOf(changetype<usize>(request)) == CommandKind.CLIENT && reply >= Reply.ON) {
    if (reply == Reply.ON) {
      state.clear(StateFlag.SILENT | StateFlag.SILENT_ONCE);
      return false;
    }
    if (reply == Reply.OFF) state.set(StateFlag.SILENT);
    else if (!state.is(StateFlag.SILENT)) state.set(StateFlag.SILENT_ONCE);
    return true;
  }
  if (state.is(StateFlag.SILENT_ONCE)) {
    state.clear(StateFlag.SILENT_ONCE);
    return true;
  }
  return state.is(StateFlag.SILENT);
}

/** Reports a response that answers nothing that is known. */
function reportAlone(conversation: Conversation, response: Message): void {
  // It may be the answer to a secret command.
  dropPayload(response, F.RESPONSE_PAYLOAD);
  report(conversation, conversation.client, 0, changetype<usize>(response), statusOf(0, response));
  messageRelease(response);
}

function isError(response: Message): bool {
  const type = load<u16>(changetype<usize>(response), F.TYPE);
  return type == F.ReplyType.ERROR || type == F.ReplyType.BULK_ERROR;
}

/** What a response says of its request; of EXEC's commands each has a reply inside. */
function statusOf(request: usize, response: Message): u32 {
  const failed = request != 0 && kindOf(request) == CommandKind.EXEC && load<u8>(changetype<usize>(response), F.HOLDS_ERROR) != 0;
  return failed || isError(response) ? Status.ERROR : Status.OK;
}

/** A response is complete: reports it with what it answers, or holds it. False when the conversation is left. */
export function endResponse(conversation: Conversation, response: Message): bool {
  const state = stateAt(conversation);
  const head = <usize>conversation.pendingHead;
  if (state.is(StateFlag.HELD)) {
    hold(conversation, state, response);
    return true;
  }
  if (state.waiting > conversation.pendingCount) {
    // The oldest have timed out or made room: this is the answer to one of them.
    state.answered();
    reportAlone(conversation, response);
    return true;
  }
  const isUnsure = head != 0 ? load<u8>(head, F.AFTER_GAP) != 0 : state.is(StateFlag.HOLE);
  if (isUnsure) {
    state.set(StateFlag.HELD);
    hold(conversation, state, response);
    return true;
  }
  if (head == 0 || !fits(head, response)) {
    reportAlone(conversation, response);
    return true;
  }
  const leaves = kindOf(head) == CommandKind.REPLICATES && !isError(response);
  if (leaves) response.mark(Mark.UPGRADE);
  pair(conversation, head, response);
  if (!leaves) return true;
  letGo(conversation);
  leave(conversation, PROTOCOL_FOREIGN);
  return false;
}

/** Whether a response can answer `request`, by the sequence numbers of both. */
function fits(request: usize, response: Message): bool {
  const floor = load<u32>(request, F.FLOOR);
  return floor == 0 || <i32>(load<u32>(changetype<usize>(response), F.RESPONSE_SEQUENCE) - floor) >= 0;
}

function pair(conversation: Conversation, request: usize, response: Message): void {
  const state = stateAt(conversation);
  const kind = kindOf(request);
  const status = statusOf(request, response);
  const behind = <usize>changetype<Message>(request).next;
  pendingTake(changetype<Message>(request));
  state.answered();
  if (movesDatabase(request) && !hasMoved(kind, response, status)) staysIn(state, request, status, behind);
  if (kind == CommandKind.RESET && status == Status.OK) state.clear(StateFlag.SUBSCRIBED | StateFlag.MONITORS);
  if (load<u8>(request, F.IS_SECRET) != 0) dropPayload(response, F.RESPONSE_PAYLOAD);
  report(conversation, conversation.client, request, changetype<usize>(response), status);
  messageRelease(changetype<Message>(request));
  messageRelease(response);
}

/** Whether the database is now the one that was asked for: what answers SELECT inside a transaction is longer than an OK. */
function hasMoved(kind: u32, response: Message, status: u32): bool {
  return status == Status.OK && (kind == CommandKind.RESET || response.wireBytes <= 5);
}

/**
 * A SELECT was refused, so that those behind it up to the next were sent to the database before it; or it was put off until its
 * transaction ends, and what they use is not known.
 */
function staysIn(state: RedisState, request: usize, status: u32, behind: usize): void {
  const isKnown = status != Status.OK && changetype<Message>(request).knows(F.RedisField.DATABASE);
  const database = load<u32>(request, F.DATABASE);
  for (let at = behind; at != 0; at = <usize>changetype<Message>(at).next) {
    const message = changetype<Message>(at);
    if (isKnown) store<u32>(at, database, F.DATABASE);
    else message.present &= ~(1 << F.RedisField.DATABASE);
    if (movesDatabase(at)) return;
  }
  state.database = database;
  if (!isKnown) state.clear(StateFlag.DATABASE);
}

/** Keeps a response until it is known what it answers. */
function hold(conversation: Conversation, state: RedisState, response: Message): void {
  const at = keep(response);
  if (at == 0) {
    // Those before it are no longer the last that came.
    dropHeld(conversation);
    reportAlone(conversation, response);
    return;
  }
  const held = changetype<Message>(at);
  held.next = 0;
  if (state.heldTail != 0) changetype<Message>(state.heldTail).next = <u32>at;
  else state.heldHead = <u32>at;
  state.heldTail = <u32>at;
  state.heldCount += 1;
  if (state.heldCount > HELD_MAX) reportAlone(conversation, takeHeld(state));
}

/** Moves a response from the scratch message to the pool; 0 when there is no room. */
export function keep(response: Message): usize {
  if (response.flags & 1) return changetype<usize>(response);
  const block = messageCreate(F.REDIS, F.RESPONSE_FIXED_END, response.length);
  if (block == 0) {
    RedisMetrics.refused();
    return 0;
  }
  const capacity = changetype<Message>(block).capacity;
  memory.copy(block, changetype<usize>(response), response.length);
  const kept = changetype<Message>(block);
  kept.capacity = capacity;
  kept.flags = 1;
  return block;
}

function takeHeld(state: RedisState): Message {
  const first = changetype<Message>(state.heldHead);
  state.heldHead = first.next;
  if (first.next == 0) state.heldTail = 0;
  state.heldCount -= 1;
  return first;
}

/** Everything before this point was answered: pairs the last of the replies with the last of the requests. */
function settle(conversation: Conversation): void {
  const state = stateAt(conversation);
  const pairs = min(state.heldCount, lastInSequence(conversation));
  while (state.heldCount > pairs) reportAlone(conversation, takeHeld(state));
  while (conversation.pendingCount > pairs) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  state.clear(StateFlag.HELD | StateFlag.HOLE);
  state.waiting = conversation.pendingCount;
  while (state.heldCount != 0) {
    store<u8>(<usize>conversation.pendingHead, 0, F.AFTER_GAP);
    pair(conversation, <usize>conversation.pendingHead, takeHeld(state));
  }
  const replies = state.replies;
  if (replies.phase == Phase.LOST) replies.phase = Phase.START;
}

/** How many of the last requests that wait follow each other without missing bytes between them. */
function lastInSequence(conversation: Conversation): u32 {
  let count: u32 = 0;
  let at = <usize>conversation.pendingTail;
  while (at != 0) {
    const request = changetype<Message>(at);
    const isAfter = load<u8>(at, F.AFTER_GAP) != 0;
    const previous = <usize>request.previous;
    count += 1;
    if (isAfter && (previous == 0 || load<u8>(previous, F.AFTER_GAP) == 0)) break;
    at = previous;
  }
  return count;
}

/** The held replies answer nobody knows what. */
function dropHeld(conversation: Conversation): void {
  const state = stateAt(conversation);
  while (state.heldCount != 0) reportAlone(conversation, takeHeld(state));
}

/** The replies may be missing that tell which database those use that wait behind a SELECT. */
function forgetDatabase(conversation: Conversation, state: RedisState): void {
  let moves = false;
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    if (moves) changetype<Message>(at).present &= ~(1 << F.RedisField.DATABASE);
    if (movesDatabase(at)) moves = true;
  }
  if (moves) state.clear(StateFlag.DATABASE);
}

/** Bytes of replies are missing; where nothing of a reply had come, it was the oldest request's that began there. */
export function missReplies(conversation: Conversation, atStart: bool): void {
  const state = stateAt(conversation);
  forgetDatabase(conversation, state);
  if (state.is(StateFlag.HELD)) {
    dropHeld(conversation);
    return;
  }
  const head = surePair(conversation);
  const mayBeAside = state.is(StateFlag.SUBSCRIBED | StateFlag.MONITORS);
  if (atStart && head != 0 && !mayBeAside && <i32>(Parse.sequence - load<u32>(head, F.FLOOR)) >= 0) {
    reportUnanswered(changetype<Message>(head), Status.UNOBSERVED);
    state.answered();
  }
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    timerStop(changetype<Message>(at));
  }
  state.set(StateFlag.HELD);
}

/** Bytes of requests are missing: which come next in the order of replies is not known. */
export function missRequests(conversation: Conversation): void {
  const state = stateAt(conversation);
  state.clear(StateFlag.DATABASE | StateFlag.SILENT | StateFlag.SILENT_ONCE);
  // Between two holes nothing tells which replies are theirs.
  let at = state.is(StateFlag.HOLE) ? <usize>conversation.pendingHead : 0;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    if (load<u8>(at, F.AFTER_GAP)) {
      reportUnanswered(changetype<Message>(at), Status.UNOBSERVED);
      state.answered();
    }
    at = next;
  }
  state.set(StateFlag.HOLE);
  state.clear(StateFlag.HARMLESS);
  state.holePosition = state.position;
}

/** The server sends no more: what is held is paired where the client had waited for it. */
export function endReplies(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (state.is(StateFlag.TENTATIVE)) {
    forget(conversation);
    return;
  }
  if (!state.is(StateFlag.HELD)) return;
  if (state.is(StateFlag.CLIENT_DONE) && !state.is(StateFlag.INTERLEAVES)) {
    settle(conversation);
    return;
  }
  dropHeld(conversation);
  while (conversation.pendingCount != 0) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  state.waiting = 0;
}

/** Lets go of requests that were none. */
export function forget(conversation: Conversation): void {
  while (conversation.pendingHead != 0) {
    const request = changetype<Message>(conversation.pendingHead);
    pendingTake(request);
    messageRelease(request);
  }
  stateAt(conversation).waiting = 0;
}

/** Gives back what the state holds. */
export function letGo(conversation: Conversation): void {
  const state = stateAt(conversation);
  while (state.heldCount != 0) messageRelease(takeHeld(state));
  const requests = state.requests;
  const replies = state.replies;
  if (requests.message != 0) messageRelease(changetype<Message>(requests.message));
  if (replies.message != 0 && !replies.is(HalfFlag.REFUSED)) messageRelease(changetype<Message>(replies.message));
  requests.message = 0;
  replies.message = 0;
}
