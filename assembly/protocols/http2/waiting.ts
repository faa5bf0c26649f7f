/**
 * Responses of which fields wait for the table's mark to be settled, their streams too where those have ended but for that.
 *
 * They keep how far behind the mark their entries are. What comes before it is settled is a new loss: what waited stays unknown then.
 */
import { sameText } from "../../bytes/ascii";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { settleBody } from "../shared/content";
import * as F from "./fields";
import { Guest } from "./guest";
import { HeaderField } from "./hpack";
import { BEHIND, fieldAt, fieldsOf, markOf } from "./lost-entries";
import { Name } from "./names";
import { openFar } from "./shift";
import { Half } from "./state";
import * as S from "./streams";
import { clearPartialYet, notePartial, notePartialYet, takeOfResponse } from "./take-field";

/** Bytes of "application/grpc". */
const GUEST_TYPE_BYTES: u32 = 16;

/** Gives a message its guest's number, where its content type or a status is the guest's. */
export function noteGuest(message: Message): void {
  if (Guest.number == 0 || !(message.knows(F.Http2Field.GUEST_STATUS) || isGuestType(message))) return;
  S.takeForGuest(message, Guest.number);
}

/** Whether a message is known to be the guest's. */
export function isGuests(message: Message): bool {
  return message.protocol == <u8>Guest.number || isGuestType(message);
}

function isGuestType(message: Message): bool {
  if (!message.knows(F.Http2Field.CONTENT_TYPE) || message.textLength(F.CONTENT_TYPE) < GUEST_TYPE_BYTES) return false;
  if (!sameText(message.textStart(F.CONTENT_TYPE), GUEST_TYPE_BYTES, "application/grpc")) return false;
  // It ends there or goes on with a parameter or a suffix: not application/grpc-web.
  if (message.textLength(F.CONTENT_TYPE) == GUEST_TYPE_BYTES) return true;
  const next = load<u8>(message.textStart(F.CONTENT_TYPE) + GUEST_TYPE_BYTES);
  return next == 43 || next == 59 || next == 32;
}

/** Keeps where the fields of the block that has ended wait; false where there is no room. */
export function keepWaiting(half: Half, response: Message): bool {
  const mark = markOf(half);
  if (mark == 0) return false;
  const base = changetype<usize>(response);
  let count = <u32>load<u8>(base, F.WAITING_COUNT);
  for (let i: u32 = 0; i < fieldsOf(mark); i++) {
    const field = fieldAt(mark, i);
    if (!(field & BEHIND)) continue;
    if (count == F.WAITING_MAX) return false;
    store<u16>(base + (count << 1), field & ~BEHIND, F.WAITING);
    count += 1;
  }
  store<u8>(base, count, F.WAITING_COUNT);
  notePartialYet(response);
  return true;
}

/** The mark was settled: takes the fields of all that wait, and reports the streams that waited for nothing else. */
export function takeWaiting(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    const response = S.isOurs(at) ? S.responseOf(at) : 0;
    if (response != 0 && S.isWaiting(response)) {
      const taken = takeWaitingOf(changetype<Message>(response));
      noteGuest(taken);
      store<u32>(at, <u32>changetype<usize>(taken), F.RESPONSE);
      endWaiting(conversation, at);
    }
    at = next;
  }
}

/** Takes the fields of one response, which may move. */
export function takeWaitingOf(response: Message): Message {
  let taken = response;
  const count = <u32>load<u8>(changetype<usize>(taken), F.WAITING_COUNT);
  store<u8>(changetype<usize>(taken), 0, F.WAITING_COUNT);
  clearPartialYet(taken);
  for (let i: u32 = 0; i < count; i++) {
    openFar(load<u16>(changetype<usize>(taken) + (i << 1), F.WAITING));
    // Whether it came in headers or trailers is not known.
    if (HeaderField.name == Name.TRAILER) notePartial(taken);
    if (Settings.headers && HeaderField.name != Name.STATUS) taken.mark(Mark.TRUNCATED);
    taken = takeOfResponse(taken);
  }
  if (Settings.bodyBytes != 0) settleBody(taken, F.RESPONSE_CONTENT);
  return taken;
}

/** What waits can never be known. */
export function dropWaiting(conversation: Conversation): void {
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    const next = <usize>changetype<Message>(at).next;
    const response = S.isOurs(at) ? S.responseOf(at) : 0;
    if (response != 0 && S.isWaiting(response)) {
      loseWaiting(changetype<Message>(response));
      endWaiting(conversation, at);
    }
    at = next;
  }
}

/** The same of one response. */
export function loseWaiting(response: Message): void {
  if (!S.isWaiting(changetype<usize>(response))) return;
  store<u8>(changetype<usize>(response), 0, F.WAITING_COUNT);
  notePartial(response);
}

function endWaiting(conversation: Conversation, request: usize): void {
  if (!(S.streamFlags(request) & F.StreamFlag.WAITING)) return;
  S.endStream(conversation, request, S.outcomeOf(request, S.responseOf(request), Status.UNOBSERVED));
}
