/**
 * Which request a response answers, where responses come in the order of their requests.
 *
 * The oldest that waits is the one, as long as all bytes were seen. Where some were not, two sequence numbers tell the pairs:
 *
 * ```
 *   request  ---- floor: the client had the server's bytes up to here when it sent it
 *   response ---- its own first byte S; acknowledgement K: the server had the client's bytes up to here when it sent it
 *
 *   a response to a request has  S >= floor  and  K > the request's first byte
 *   and, when nothing else was on the way when the request was sent,  S = floor
 * ```
 * Requests that were sent before others had their responses cannot be told apart behind a gap and stay unobserved.
 *
 * A request keeps its first byte's sequence number in `id` and its floor in `key`.
 */
import { Conversation } from "./conversation";
import { Status } from "./marks";
import { Message } from "./message";
import { PENDING_PER_CONVERSATION_MAX, pendingAdd, pendingAnswer, pendingTake, TimeoutClass } from "./pending";
import { reportUnanswered } from "./report";

/** Bits of `Message.order`: another request waited when it was sent; bytes were missing before it. */
const PIPELINED: u8 = 1;
const AFTER_GAP: u8 = 2;

/** Bits of `InOrder.flags`. */
class OrderFlag {
  /** Bytes of responses were missing since the last sure pair. */
  static readonly UNCERTAIN: u32 = 1;
  /** The client sends requests before it has the responses to earlier ones. */
  static readonly PIPELINES: u32 = 2;
  /** A request found no room, since which none was added; the floor's last bits stand above FLOOR_SHIFT. */
  static readonly REFUSED: u32 = 4;
}
const FLOOR_SHIFT: u32 = 16;

/** A conversation's order of requests: 16 bytes of a protocol's state. */
@unmanaged
export class InOrder {
  /** The request that the response in progress answers, 0 for none. */
  answering: u32;
  /** Requests that were added and not taken: those beyond the conversation's count have timed out. */
  outstanding: u32;
  /** Sequence number behind the last missing bytes of responses. */
  gapEnd: u32;
  flags: u32;

  /** Whether the client was seen to send requests before it had the responses to earlier ones. */
  @inline get pipelines(): bool {
    return (this.flags & OrderFlag.PIPELINES) != 0;
  }
}

/** Whether a response at sequence number `first`, sent with `acknowledgement`, can answer `request`. */
export function orderFits(request: Message, first: u32, acknowledgement: u32): bool {
  if (request.key != 0 && <i32>(first - request.key) < 0) return false;
  return acknowledgement == 0 || <i32>(acknowledgement - request.id) > 0;
}

/** Notes that a request begins at `sequence`, and whether bytes are missing before it. */
export function orderBegin(request: Message, sequence: u32, floor: u32, isAfterGap: bool): void {
  request.id = sequence;
  request.key = floor;
  request.order = isAfterGap ? AFTER_GAP : 0;
}

/** Puts a request that has begun in the list of those that wait. */
export function orderAdd(conversation: Conversation, order: InOrder, side: u32, request: Message): void {
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) makeRoom(conversation, order);
  if (isPipelined(conversation, order, request.key)) {
    order.flags |= OrderFlag.PIPELINES;
    request.order |= PIPELINED;
  }
  order.flags &= 0xffff & ~OrderFlag.REFUSED;
  pendingAdd(conversation, side, request, TimeoutClass.STREAM);
  order.outstanding += 1;
}

/** Whether a request with this floor is sent before the one before it has its response, as far as that is sure. */
function isPipelined(conversation: Conversation, order: InOrder, floor: u32): bool {
  if (order.flags & OrderFlag.REFUSED && order.flags >> FLOOR_SHIFT == (floor & 0xffff)) return true;
  if (conversation.pendingCount == 0) return false;
  if (!(order.flags & OrderFlag.UNCERTAIN)) return true;
  const last = changetype<Message>(conversation.pendingTail);
  return last.key == floor && last.order != 0;
}

/** A request with this floor found no room: it is missing, and what comes next is behind a gap. */
export function orderRefuse(conversation: Conversation, order: InOrder, floor: u32): void {
  if (isPipelined(conversation, order, floor)) order.flags |= OrderFlag.PIPELINES;
  order.flags = (order.flags & 0xffff) | OrderFlag.REFUSED | (floor << FLOOR_SHIFT);
}

/** Reports the oldest request that is not being answered as unobserved. */
function makeRoom(conversation: Conversation, order: InOrder): void {
  let at = <usize>conversation.pendingHead;
  if (at == <usize>order.answering) at = changetype<Message>(at).next;
  reportUnanswered(changetype<Message>(at), Status.UNOBSERVED);
  answered(order);
  order.flags |= OrderFlag.UNCERTAIN;
}

function answered(order: InOrder): void {
  if (order.outstanding != 0) order.outstanding -= 1;
}

/** Finds the request that the response which begins at `first` answers, and stops its clock; 0 for none. */
export function orderPair(conversation: Conversation, order: InOrder, first: u32, acknowledgement: u32): usize {
  return orderPairFrom(conversation, order, <usize>conversation.pendingHead, first, acknowledgement);
}

/** The same from the request `head` on, 0 for none: those before it are not for this side to answer. */
export function orderPairFrom(conversation: Conversation, order: InOrder, head: usize, first: u32, acknowledgement: u32): usize {
  let request: usize = 0;
  if (order.outstanding > conversation.pendingCount) {
    // The oldest have timed out: this is the answer to one of them.
    answered(order);
  } else {
    request = candidate(conversation, order, head, first, acknowledgement);
  }
  order.answering = <u32>request;
  if (request != 0) pendingAnswer(changetype<Message>(request));
  return request;
}

function candidate(conversation: Conversation, order: InOrder, head: usize, first: u32, acknowledgement: u32): usize {
  if (head == 0 || !orderFits(changetype<Message>(head), first, acknowledgement)) return 0;
  const isAfterGap = (changetype<Message>(head).order & AFTER_GAP) != 0;
  if (isAfterGap && order.pipelines) order.flags |= OrderFlag.UNCERTAIN;
  if (!(order.flags & OrderFlag.UNCERTAIN)) return head;
  const chosen = sentAt(order, head, first, acknowledgement);
  if (chosen != 0) {
    skipTo(conversation, order, chosen);
    order.flags &= ~OrderFlag.UNCERTAIN;
  } else if (!order.pipelines) {
    skipOlder(conversation, order, first);
  } else {
    missSome(conversation);
  }
  return chosen;
}

/** One of those that wait is answered by what goes with none: that no other answer comes says nothing of any. */
function missSome(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  for (; at != 0; at = <usize>changetype<Message>(at).next) changetype<Message>(at).missed();
}

/** The request from `head` on that was sent when the client had the server's bytes up to `first` and waited for nothing. */
function sentAt(order: InOrder, head: usize, first: u32, acknowledgement: u32): usize {
  for (let at = head; at != 0; at = <usize>changetype<Message>(at).next) {
    const request = changetype<Message>(at);
    if (!orderFits(request, first, acknowledgement)) return 0;
    if ((request.key == first || request.key == 0) && (request.order == 0 || !order.pipelines)) return at;
  }
  return 0;
}

/** Reports the requests that were sent before `first` as unobserved: what begins there answers a later one. */
function skipOlder(conversation: Conversation, order: InOrder, first: u32): void {
  while (conversation.pendingHead != 0) {
    const head = changetype<Message>(conversation.pendingHead);
    if (<i32>(head.key - first) >= 0) break;
    reportUnanswered(head, Status.UNOBSERVED);
  }
  order.outstanding = conversation.pendingCount;
}

/** Reports the requests before `chosen` as unobserved: their responses were not captured. */
function skipTo(conversation: Conversation, order: InOrder, chosen: usize): void {
  while (<usize>conversation.pendingHead != chosen) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  order.outstanding = conversation.pendingCount;
}

/** Takes the oldest request that waits out of all lists, as what is being answered. */
export function orderTakeOldest(conversation: Conversation, order: InOrder): usize {
  order.answering = conversation.pendingHead;
  return orderTake(order);
}

/** Takes the request that is being answered out of all lists: the caller reports and releases it; 0 for none. */
export function orderTake(order: InOrder): usize {
  const request = <usize>order.answering;
  order.answering = 0;
  if (request == 0) return 0;
  pendingTake(changetype<Message>(request));
  answered(order);
  return request;
}

/** `bytes` of responses are missing from `sequence` on; `isBetween` where no response was in progress. */
export function orderGap(conversation: Conversation, order: InOrder, sequence: u32, bytes: u32, isBetween: bool): void {
  order.gapEnd = sequence + bytes;
  if (isBetween) loseOldest(conversation, order, sequence);
  order.flags |= OrderFlag.UNCERTAIN;
}

/** No request. */
export const NOWHERE: u32 = u32.MAX_VALUE;

/**
 * How far behind sequence number `from`, within `length` bytes, the first response begins that a request is known to wait for;
 * NOWHERE for none.
 */
export function orderBegins(conversation: Conversation, order: InOrder, from: u32, length: u32): u32 {
  let nearest = NOWHERE;
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    if (at == <usize>order.answering) continue;
    const floor = changetype<Message>(at).key;
    const distance: u32 = floor == 0 ? 0 : floor - from;
    if (distance < length && distance < nearest) nearest = distance;
  }
  return nearest;
}

/** Bytes of responses up to `end` went by unread: which requests they answered is not known. */
export function orderUnread(order: InOrder, end: u32): void {
  order.gapEnd = end;
  orderDoubt(order);
}

/** Where responses begin is no longer known. */
export function orderDoubt(order: InOrder): void {
  order.flags |= OrderFlag.UNCERTAIN;
}

/** The response to the oldest request begins in the missing bytes: what became of it is not known. */
function loseOldest(conversation: Conversation, order: InOrder, sequence: u32): void {
  const head = <usize>conversation.pendingHead;
  if (head == 0 || order.flags & OrderFlag.UNCERTAIN || order.outstanding > conversation.pendingCount) return;
  if (<i32>(sequence - changetype<Message>(head).key) < 0) return;
  reportUnanswered(changetype<Message>(head), Status.UNOBSERVED);
  answered(order);
}

/** Whether the response to `request` may be among missing bytes. */
export function orderMayHaveMissed(order: InOrder, request: Message): bool {
  return (order.flags & OrderFlag.UNCERTAIN) != 0 && <i32>(request.key - order.gapEnd) < 0;
}

/** The server sends no more: what it answered in missing bytes is not known. */
export function orderEnd(conversation: Conversation, order: InOrder): void {
  if (!(order.flags & OrderFlag.UNCERTAIN)) return;
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const request = changetype<Message>(at);
    const next = <usize>request.next;
    if (orderMayHaveMissed(order, request)) {
      reportUnanswered(request, Status.UNOBSERVED);
      answered(order);
    }
    at = next;
  }
}

/** Whether the server has more of the client's bytes than `request`, so that it may answer another. One byte may be a FIN. */
function isPast(request: Message, acknowledgement: u32): bool {
  return acknowledgement != 0 && <i32>(acknowledgement - request.endSequence) > 1;
}

/** Whether what the server sends with `acknowledgement` may no longer belong to the response in progress. */
export function orderIsPast(order: InOrder, acknowledgement: u32): bool {
  return order.answering != 0 && isPast(changetype<Message>(order.answering), acknowledgement);
}

/**
 * The end of a response at `end` was seen, its beginning was not: it answers the youngest request sent before, of a client that
 * waits for its responses. Those before it are unobserved.
 */
export function orderChoose(conversation: Conversation, order: InOrder, end: u32, acknowledgement: u32): usize {
  if (order.pipelines || order.outstanding > conversation.pendingCount) return 0;
  let at = <usize>conversation.pendingTail;
  while (at != 0 && !orderFits(changetype<Message>(at), end, acknowledgement)) at = <usize>changetype<Message>(at).previous;
  if (at == 0) return 0;
  if (isPast(changetype<Message>(at), acknowledgement)) return 0;
  skipTo(conversation, order, at);
  order.answering = <u32>at;
  pendingAnswer(changetype<Message>(at));
  order.flags &= ~OrderFlag.UNCERTAIN;
  return at;
}
