/**
 * Requests that wait for their response: in each conversation in order, those matched by id also in one table where they are
 * many, and all of them in a list per timeout, oldest first.
 *
 * Invariant: a request is in the list of its conversation exactly while its `conversation` is not 0.
 */
import { clockOf, NO_TIME } from "../bytes/stamp";
import { Regions } from "../regions";
import { Settings } from "../settings";
import { Conversation } from "./conversation";
import { Message } from "./message";
import { PROTOCOLS_MAX } from "./observers";

/** Which timeout a request has. */
export class TimeoutClass {
  static readonly DNS: u32 = 0;
  static readonly STREAM: u32 = 1;
  /** It waits for as long as the connection lasts. */
  static readonly NONE: u32 = 2;
}

/** Requests that may wait in one conversation; the oldest makes room, unobserved. */
export const PENDING_PER_CONVERSATION_MAX: u32 = 1024;

/** Requests of a conversation up to which they are looked for in its list; with more, all of them are in the table too. */
const LISTED_MAX: u32 = 4;

const CLASSES: u32 = 2;
const HEADS: usize = memory.data(16);
const TAILS: usize = memory.data(16);

/** `Message.flags` bits of the lists it is in. */
const IN_TABLE: u32 = 2;
const IN_TIMER: u32 = 4;
/** And that of a request whose response has begun: who reads that response holds on to it. */
const IN_ANSWER: u32 = 16;

/** Requests that wait, by protocol. */
const BY_PROTOCOL: usize = memory.data(4 * 32, 4);

export class Pending {
  /** Requests that wait now. */
  static count: u32 = 0;
  /** The earliest time at which one may time out, ns. */
  static nextDeadlineNs: u64 = u64.MAX_VALUE;

  static reset(): void {
    Pending.count = 0;
    Pending.nextDeadlineNs = u64.MAX_VALUE;
    memory.fill(BY_PROTOCOL, 0, 4 * PROTOCOLS_MAX);
    memory.fill(HEADS, 0, 16);
    memory.fill(TAILS, 0, 16);
    memory.fill(Regions.requestSlots, 0, (Regions.requestSlotsMask + 1) << 2);
  }

  /** Requests of one protocol that wait now. */
  static of(protocol: u32): u32 {
    return load<u32>(BY_PROTOCOL + (protocol << 2));
  }

  /** Counts `change` requests more of a protocol. */
  @inline static tally(protocol: u32, change: i32): void {
    Pending.count += change;
    const at = BY_PROTOCOL + (protocol << 2);
    store<u32>(at, load<u32>(at) + change);
  }
}

/** How long requests of a class wait, ns. */
export function timeoutNs(timeoutClass: u32): u64 {
  return timeoutClass == TimeoutClass.DNS ? Settings.dnsTimeoutNs : Settings.streamTimeoutNs;
}

/** Puts a request of `side` at the end of its conversation's list and of its timeout's. */
export function pendingAdd(conversation: Conversation, side: u32, request: Message, timeoutClass: u32): void {
  const at = <u32>changetype<usize>(request);
  request.flags |= <u8>(side << 3);
  request.conversation = <u32>changetype<usize>(conversation);
  request.next = 0;
  request.previous = conversation.pendingTail;
  if (conversation.pendingTail != 0) changetype<Message>(conversation.pendingTail).next = at;
  else conversation.pendingHead = at;
  conversation.pendingTail = at;
  conversation.pendingCount += 1;
  Pending.tally(request.protocol, 1);
  request.timeoutClass = <u8>timeoutClass;
  if (timeoutClass < CLASSES) timerAdd(request, timeoutClass);
}

function timerAdd(request: Message, timeoutClass: u32): void {
  const at = <u32>changetype<usize>(request);
  const tail = load<u32>(TAILS + (timeoutClass << 2));
  request.flags |= <u8>IN_TIMER;
  request.timerNext = 0;
  request.timerPrevious = tail;
  if (tail != 0) {
    changetype<Message>(tail).timerNext = at;
  } else {
    store<u32>(HEADS + (timeoutClass << 2), at);
    const deadline = clockOf(request.firstNs) + timeoutNs(timeoutClass);
    if (deadline < Pending.nextDeadlineNs) Pending.nextDeadlineNs = deadline;
  }
  store<u32>(TAILS + (timeoutClass << 2), at);
}

/** The response to a request has begun: it waits no more, and stays in its list until the response has ended. */
export function pendingAnswer(request: Message): void {
  request.flags |= <u8>IN_ANSWER;
  timerStop(request);
}

/** Whether the response to a request has begun. */
export function isInAnswer(request: Message): bool {
  return (request.flags & IN_ANSWER) != 0;
}

/** Takes a request off its timeout: it may wait for as long as the connection lasts. */
export function timerStop(request: Message): void {
  if (!(request.flags & IN_TIMER)) return;
  request.flags &= ~(<u8>IN_TIMER);
  const list = (<u32>request.timeoutClass) << 2;
  if (request.timerPrevious != 0) changetype<Message>(request.timerPrevious).timerNext = request.timerNext;
  else store<u32>(HEADS + list, request.timerNext);
  if (request.timerNext != 0) changetype<Message>(request.timerNext).timerPrevious = request.timerPrevious;
  else store<u32>(TAILS + list, request.timerPrevious);
}

function slotOf(conversation: Conversation, id: u32, key: u32): usize {
  let h = ((<u64>changetype<usize>(conversation)) << 32) | <u64>(id * 0x9e3779b1 + key);
  h *= 0xbf58476d1ce4e5b9;
  return Regions.requestSlots + ((<usize>(<u32>(h >> 32) & Regions.requestSlotsMask)) << 2);
}

/** Notes what a pending request, the youngest of its conversation, is found by: (conversation, id, key). */
export function pendingIndex(conversation: Conversation, request: Message, id: u32, key: u32): void {
  request.id = id;
  request.key = key;
  if (conversation.pendingCount <= LISTED_MAX) return;
  let at = changetype<usize>(request);
  // The first that is too many for the list takes those before it along.
  while (at != 0 && !(changetype<Message>(at).flags & IN_TABLE)) {
    putInTable(conversation, changetype<Message>(at));
    at = changetype<Message>(at).previous;
  }
}

function putInTable(conversation: Conversation, request: Message): void {
  const slot = slotOf(conversation, request.id, request.key);
  request.flags |= <u8>IN_TABLE;
  request.hashNext = load<u32>(slot);
  store<u32>(slot, <u32>changetype<usize>(request));
}

/** Finds the request of (conversation, id, key), the youngest first; 0 when there is none. */
export function pendingFind(conversation: Conversation, id: u32, key: u32): usize {
  const listed = conversation.pendingCount <= LISTED_MAX;
  let at = listed ? <usize>conversation.pendingTail : <usize>load<u32>(slotOf(conversation, id, key));
  while (at != 0) {
    const request = changetype<Message>(at);
    if (request.id == id && request.key == key && request.conversation == <u32>changetype<usize>(conversation)) return at;
    at = listed ? <usize>request.previous : <usize>request.hashNext;
  }
  return 0;
}

/** Takes a request out of every list; the caller reports and releases it. */
export function pendingTake(request: Message): void {
  const conversation = changetype<Conversation>(request.conversation);
  timerStop(request);
  if (request.flags & IN_TABLE) {
    request.flags &= ~(<u8>IN_TABLE);
    let link = slotOf(conversation, request.id, request.key);
    while (load<u32>(link) != <u32>changetype<usize>(request)) link = <usize>load<u32>(link) + offsetof<Message>("hashNext");
    store<u32>(link, request.hashNext);
  }
  if (request.previous != 0) changetype<Message>(request.previous).next = request.next;
  else conversation.pendingHead = request.next;
  if (request.next != 0) changetype<Message>(request.next).previous = request.previous;
  else conversation.pendingTail = request.previous;
  conversation.pendingCount -= 1;
  request.conversation = 0;
  Pending.tally(request.protocol, -1);
}

/** Requests that wait since before the clock ran wait from `nowNs` on. */
export function pendingSince(nowNs: u64): void {
  for (let index: u32 = 0; index < CLASSES; index++) {
    let at = <usize>load<u32>(HEADS + (index << 2));
    for (; at != 0; at = changetype<Message>(at).timerNext) changetype<Message>(at).firstNs = NO_TIME | nowNs;
  }
}

/** The oldest request that has waited until `nowNs` or longer, 0 when there is none; sets when to ask again. */
export function pendingExpired(nowNs: u64): usize {
  let next = u64.MAX_VALUE;
  for (let index: u32 = 0; index < CLASSES; index++) {
    const at = <usize>load<u32>(HEADS + (index << 2));
    if (at == 0) continue;
    const deadline = clockOf(changetype<Message>(at).firstNs) + timeoutNs(index);
    if (deadline <= nowNs) return at;
    if (deadline < next) next = deadline;
  }
  Pending.nextDeadlineNs = next;
  return 0;
}
