/**
 * Header blocks: which message one belongs to, its fields, and what its end means for the stream.
 *
 * A block that cannot be read to its end still ends: what was read of it stands, the rest is absent.
 */
import { NO_TIME } from "../../bytes/stamp";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { closeBody, dropHeaders, openBody } from "../shared/content";
import { tableForget } from "./dynamic-table";
import * as F from "./fields";
import { beginGuess, guessedStatus } from "./guess";
import { Guest } from "./guest";
import { HeaderField } from "./hpack";
import { beginFields, loseEntries } from "./lost-entries";
import { Http2Metrics } from "./metrics";
import { Key } from "./names";
import { fieldCount, findShift, noteField, waitingField } from "./shift";
import { BlockForm, BlockKind, Half, HalfFlag, halfOf, LostFlag, TABLE_BYTES_UNKNOWN } from "./state";
import * as S from "./streams";
import { isPartial, keepField, notePartial, takeOfRequest, takeOfResponse, takeOfTrailers } from "./take-field";
import { dropWaiting, isGuests, keepWaiting, loseWaiting, noteGuest, takeWaiting, takeWaitingOf } from "./waiting";

/** Flags that belong to one header block. */
const BLOCK_FLAGS: u32 =
  HalfFlag.BLOCK_ENDS_STREAM | HalfFlag.BLOCK_BROKEN | HalfFlag.BLOCK_PUSHED | HalfFlag.BLOCK_GAP | HalfFlag.RESYNCHRONIZED;
const SWITCHING_PROTOCOLS: u32 = 101;

/** Begins the block of stream `id` that `side` sends, or of a promise of it. */
export function beginBlock(conversation: Conversation, side: u32, half: Half, id: u32, endsStream: bool, promised: bool): void {
  half.blockStream = id;
  if (endsStream) half.set(HalfFlag.BLOCK_ENDS_STREAM);
  if (promised) half.set(HalfFlag.BLOCK_PUSHED);
  half.before = <u16>Key.START;
  beginGuess(half);
  if (beginFields(half) && side != conversation.client) dropWaiting(conversation);
  const request = S.streamOf(conversation, id);
  half.message = 0;
  if (promised || side == conversation.client) {
    half.block = request == 0 ? BlockKind.REQUEST : BlockKind.TRAILERS;
  } else if (request != 0 && S.responseOf(request) != 0) {
    half.block = BlockKind.TRAILERS;
    half.message = <u32>S.responseOf(request);
    if (Settings.bodyBytes != 0) closeBody(changetype<Message>(half.message), F.RESPONSE_CONTENT);
    store<u32>(request, 0, F.RESPONSE);
    S.setStreamFlag(request, F.StreamFlag.ANSWERING);
  } else {
    half.block = wasSeen(conversation, id) && request == 0 ? BlockKind.IGNORED : BlockKind.RESPONSE;
  }
  if (half.block == BlockKind.REQUEST) {
    half.message = create(F.REQUEST_BYTES, half, id);
    if (half.message == 0) Http2Metrics.refused();
  }
  if (half.block != BlockKind.RESPONSE) return;
  half.message = create(F.RESPONSE_BYTES, half, id);
  if (half.message != 0) return;
  if (request != 0) {
    // Its body counts for nothing, and its trailers are no headers.
    S.setStreamFlag(request, F.StreamFlag.DOUBTFUL);
    changetype<Message>(request).mark(Mark.TRUNCATED);
  }
  if (request != 0 && changetype<Message>(request).protocol != <u8>F.HTTP2) call_indirect<void>(Guest.refused);
  else Http2Metrics.refused();
}

/** Whether the request of stream `id` was seen: where it does not wait any more, it has been reported. */
function wasSeen(conversation: Conversation, id: u32): bool {
  const asking = halfOf(conversation, conversation.client);
  return asking.seenFrom != 0 && id >= asking.seenFrom && id <= asking.seenTo;
}

function create(bytes: u32, half: Half, id: u32): u32 {
  const at = messageCreate(F.HTTP2, F.FIXED_END, bytes);
  if (at == 0) return 0;
  const message = changetype<Message>(at);
  message.firstNs = half.firstNs;
  message.know(F.Http2Field.STREAM_ID);
  store<u32>(at, id, F.STREAM_ID);
  if (half.is(HalfFlag.RESYNCHRONIZED)) message.mark(Mark.RESYNCHRONIZED);
  return <u32>at;
}

/** What is left of the block breaks its form, and the table after it is not known, nor its limit. */
export function breakBlock(half: Half): void {
  half.set(HalfFlag.BLOCK_BROKEN);
  tableForget(half);
  half.tableMax = TABLE_BYTES_UNKNOWN;
}

/** `bytes` of the block in progress, which `side` sends, are missing. */
export function loseBlock(conversation: Conversation, side: u32, half: Half, bytes: u32): void {
  half.set(HalfFlag.BLOCK_BROKEN);
  half.set(HalfFlag.BLOCK_GAP);
  if (side != conversation.client) dropWaiting(conversation);
  loseEntries(half, bytes, true);
}

/** Lets go of a saved decoder. */
export function releaseDecoder(half: Half): void {
  if (half.decoder != 0) Regions.streamPool.release(half.decoder);
  half.decoder = 0;
}

/** Takes the field in `HeaderField`, the next of the block. */
export function nextField(half: Half): void {
  noteField(half);
  if (HeaderField.behind == 0) takeField(half);
}

function takeField(half: Half): void {
  if (half.message == 0) return;
  const message = changetype<Message>(half.message);
  let taken: Message;
  if (half.block == BlockKind.REQUEST) taken = takeOfRequest(message);
  else if (isOfTrailers(half)) taken = takeOfTrailers(message);
  else taken = takeOfResponse(message);
  if (Settings.headers && !isOfTrailers(half)) {
    taken = keepField(taken, half.block == BlockKind.REQUEST ? F.REQUEST_CONTENT : F.RESPONSE_CONTENT);
  }
  half.message = <u32>changetype<usize>(taken);
}

/** Whether the block in progress is the trailers of a response that shows them: a guest's are its own, unless the host asks for all. */
export function isOfTrailers(half: Half): bool {
  if (half.block != BlockKind.TRAILERS || half.message == 0) return false;
  return Settings.headers || changetype<Message>(half.message).protocol == <u8>F.HTTP2;
}

/** Fields of the block waited for the table's mark to be settled: takes them where this block settles it. */
function takeLate(conversation: Conversation, side: u32, half: Half): void {
  const isResponse = half.message != 0 && half.block != BlockKind.REQUEST;
  const isBroken = half.is(HalfFlag.BLOCK_BROKEN);
  if (isBroken && isResponse) loseWaiting(changetype<Message>(half.message));
  if (!(half.lost & LostFlag.WAITING)) return;
  half.lost &= ~LostFlag.WAITING;
  if (isBroken || !findShift(half)) {
    if (half.message == 0) return;
    const message = changetype<Message>(half.message);
    if (isBroken || !isResponse || !keepWaiting(half, message)) notePartial(message);
    return;
  }
  if (isResponse) half.message = <u32>changetype<usize>(takeWaitingOf(changetype<Message>(half.message)));
  for (let i: u32 = 0; i < fieldCount(); i++) if (waitingField(i)) takeField(half);
  if (side != conversation.client) takeWaiting(conversation);
}

/** Notes where an unknown field may be another value of what usually has one (shift.ts). */
function noteValues(half: Half): void {
  if (half.message == 0 || (half.form != BlockForm.HEADERS && half.form != BlockForm.LAST)) return;
  const message = changetype<Message>(half.message);
  const usual: u32 = half.block == BlockKind.REQUEST ? F.Http2Field.USER_AGENT : F.Http2Field.CONTENT_TYPE;
  if (isPartial(message) && !message.knows(usual)) half.lost |= LostFlag.MANY_VALUES;
}

/** Takes a call's status where its name is not known but can be nothing else. */
function takeGuess(conversation: Conversation, half: Half): void {
  if (half.guess == 0 || half.message == 0 || half.block == BlockKind.REQUEST || half.is(HalfFlag.BLOCK_BROKEN)) return;
  const message = changetype<Message>(half.message);
  const request = S.streamOf(conversation, load<u32>(half.message, F.STREAM_ID));
  const isCall = isGuests(message) || (request != 0 && changetype<Message>(request).protocol == <u8>Guest.number);
  if (Guest.number == 0 || !isCall || message.knows(F.Http2Field.GUEST_STATUS)) return;
  const status = guessedStatus(half);
  if (status < 0) return;
  message.know(F.Http2Field.GUEST_STATUS);
  store<u32>(half.message, status, F.GUEST_STATUS);
}

/** The header block in progress, which `side` sends, has ended. */
export function endBlock(conversation: Conversation, side: u32, half: Half): void {
  takeLate(conversation, side, half);
  takeGuess(conversation, half);
  noteValues(half);
  const kind = half.block;
  const at = <usize>half.message;
  const flags = <u32>half.flags;
  // A promise is of another stream than its frames.
  const id = at != 0 ? load<u32>(at, F.STREAM_ID) : half.blockStream;
  releaseDecoder(half);
  half.block = BlockKind.NONE;
  half.message = 0;
  half.clear(BLOCK_FLAGS);
  if (at != 0) {
    const message = changetype<Message>(at);
    message.lastNs = Parse.timeNs;
    message.wireBytes += half.blockBytes;
    if (flags & HalfFlag.BLOCK_BROKEN) {
      notePartial(message);
      message.mark(flags & HalfFlag.BLOCK_GAP ? Mark.GAP : Mark.MALFORMED);
    }
  }
  half.blockBytes = 0;
  const endsStream = (flags & HalfFlag.BLOCK_ENDS_STREAM) != 0;
  if (kind == BlockKind.REQUEST) endRequest(conversation, half, id, at, flags);
  else if (kind == BlockKind.RESPONSE) endResponse(conversation, id, at, endsStream);
  else if (kind == BlockKind.TRAILERS) endTrailers(conversation, side, id, at, endsStream);
}

function endRequest(conversation: Conversation, half: Half, id: u32, at: usize, flags: u32): void {
  const promised = (flags & HalfFlag.BLOCK_PUSHED) != 0;
  if (!promised) {
    if (half.seenFrom == 0) half.seenFrom = id;
    if (id > half.seenTo) half.seenTo = id;
  }
  if (at == 0) return;
  const hasBody = !promised && !(flags & HalfFlag.BLOCK_ENDS_STREAM);
  let message = changetype<Message>(at);
  if (hasBody && Settings.bodyBytes != 0) message = openBody(message, F.REQUEST_CONTENT, 0);
  noteGuest(message);
  message.know(F.Http2Field.BODY_BYTES);
  if (message.protocol != <u8>F.HTTP2) call_indirect<void>(Guest.begin, message);
  const request = changetype<usize>(message);
  if (promised) {
    store<u8>(request, 1, F.PUSHED);
    message.know(F.Http2Field.PUSHED);
  }
  if (!hasBody) S.setStreamFlag(request, F.StreamFlag.REQUEST_ENDED);
  S.openStream(conversation, conversation.client, request, id);
}

function isInterim(message: Message, endsStream: bool): bool {
  if (endsStream || !message.knows(F.Http2Field.STATUS_CODE)) return false;
  const code = load<u32>(changetype<usize>(message), F.STATUS_CODE);
  return code >= 100 && code < 200 && code != SWITCHING_PROTOCOLS;
}

function endResponse(conversation: Conversation, id: u32, at: usize, endsStream: bool): void {
  let request = S.streamOf(conversation, id);
  if (at == 0) {
    if (request != 0 && endsStream) S.endStream(conversation, request, Status.UNOBSERVED);
    return;
  }
  let message = changetype<Message>(at);
  if (isInterim(message, endsStream)) {
    messageRelease(message);
    return;
  }
  noteGuest(message);
  // Behind missing bytes it may be the trailers alone that came.
  const isDoubtful = request == 0 || (S.streamFlags(request) & F.StreamFlag.DOUBTFUL) != 0;
  const isWhole = !isDoubtful || message.knows(F.Http2Field.STATUS_CODE);
  if (isWhole) message.know(F.Http2Field.BODY_BYTES);
  else dropHeaders(message, F.RESPONSE_CONTENT);
  if (!isWhole && endsStream) loseHead(message, request != 0);
  if (isWhole && !endsStream && Settings.bodyBytes != 0) message = openBody(message, F.RESPONSE_CONTENT, F.TRAILERS_ROOM);
  if (request == 0) request = S.openUnseen(conversation, conversation.client, id);
  if (request == 0) {
    Http2Metrics.refused();
    messageRelease(message);
    return;
  }
  S.attach(request, changetype<usize>(message));
  if (endsStream) S.concludeStream(conversation, request);
}

/** What came of a response are trailers, as far as is known: of one whose request was seen, when it began is not. */
function loseHead(message: Message, isAsked: bool): void {
  message.mark(Mark.GAP);
  if (isAsked) message.firstNs = NO_TIME;
}

function endTrailers(conversation: Conversation, side: u32, id: u32, at: usize, endsStream: bool): void {
  const request = S.streamOf(conversation, id);
  if (at == 0) {
    if (request != 0 && endsStream && side == conversation.client) S.setStreamFlag(request, F.StreamFlag.REQUEST_ENDED);
    return;
  }
  const response = changetype<Message>(at);
  if (request == 0 || !(S.streamFlags(request) & F.StreamFlag.ANSWERING)) {
    messageRelease(response);
    return;
  }
  S.clearStreamFlag(request, F.StreamFlag.ANSWERING);
  noteGuest(response);
  response.know(F.Http2Field.TRAILERS);
  S.attach(request, at);
  if (endsStream) S.concludeStream(conversation, request);
}
