/**
 * Header blocks: which message one belongs to, its fields, and what its end means for the stream.
 *
 * A block that cannot be read to its end still ends: what was read of it stands, the rest is absent.
 */
import { sameText } from "../../bytes/ascii";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { tableForget } from "./dynamic-table";
import * as F from "./fields";
import { Guest } from "./guest";
import { HeaderField } from "./hpack";
import { Http2Metrics } from "./metrics";
import { Name } from "./names";
import { BlockKind, Half, HalfFlag, halfOf, TABLE_BYTES_UNKNOWN } from "./state";
import * as S from "./streams";

/** Flags that belong to one header block. */
const BLOCK_FLAGS: u32 =
  HalfFlag.BLOCK_ENDS_STREAM | HalfFlag.BLOCK_BROKEN | HalfFlag.BLOCK_PUSHED | HalfFlag.BLOCK_GAP | HalfFlag.RESYNCHRONIZED;
const SWITCHING_PROTOCOLS: u32 = 101;
/** Bytes of "application/grpc". */
const GUEST_TYPE_BYTES: u32 = 16;

/** Begins the block of stream `id` that `side` sends, or of a promise of it. */
export function beginBlock(conversation: Conversation, side: u32, half: Half, id: u32, endsStream: bool, promised: bool): void {
  half.blockStream = id;
  if (endsStream) half.set(HalfFlag.BLOCK_ENDS_STREAM);
  if (promised) half.set(HalfFlag.BLOCK_PUSHED);
  const request = S.streamOf(conversation, id);
  half.message = 0;
  if (promised || side == conversation.client) {
    half.block = request == 0 ? BlockKind.REQUEST : BlockKind.TRAILERS;
  } else if (request != 0 && S.responseOf(request) != 0) {
    half.block = BlockKind.TRAILERS;
    half.message = <u32>S.responseOf(request);
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

/** What is left of the block cannot be read, and the table after it is not known. */
export function breakBlock(half: Half): void {
  half.set(HalfFlag.BLOCK_BROKEN);
  forgetTable(half);
}

/** Header blocks may be missing: nothing is known of the table, nor of its limit. */
export function forgetTable(half: Half): void {
  tableForget(half);
  half.tableMax = TABLE_BYTES_UNKNOWN;
}

/** Lets go of a saved decoder. */
export function releaseDecoder(half: Half): void {
  if (half.decoder != 0) Regions.streamPool.release(half.decoder);
  half.decoder = 0;
}

/** Takes the field in `HeaderField`. */
export function takeField(half: Half): void {
  if (half.message == 0 || HeaderField.name == Name.OTHER) return;
  const message = changetype<Message>(half.message);
  if (HeaderField.name == Name.UNKNOWN) {
    notePartial(message);
    return;
  }
  if (half.block == BlockKind.REQUEST) takeOfRequest(half, message);
  else takeOfResponse(half, message);
}

function notePartial(message: Message): void {
  store<u8>(changetype<usize>(message), 1, F.PARTIAL);
  message.know(F.Http2Field.PARTIAL);
}

function takeOfRequest(half: Half, message: Message): void {
  switch (HeaderField.name) {
    case Name.METHOD:
      takeText(half, message, F.Http2Field.METHOD, F.METHOD, F.METHOD_BYTES_MAX);
      break;
    case Name.SCHEME:
      takeText(half, message, F.Http2Field.SCHEME, F.SCHEME, F.SCHEME_BYTES_MAX);
      break;
    case Name.AUTHORITY:
      cutUser();
      takeText(half, message, F.Http2Field.AUTHORITY, F.AUTHORITY, F.AUTHORITY_BYTES_MAX);
      break;
    case Name.PATH:
      cutQuery();
      takeText(half, message, F.Http2Field.PATH, F.PATH, F.PATH_BYTES_MAX);
      break;
    case Name.CONTENT_TYPE:
      takeText(half, message, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
      break;
    case Name.USER_AGENT:
      takeText(half, message, F.Http2Field.USER_AGENT, F.USER_AGENT, F.USER_AGENT_BYTES_MAX);
      break;
    case Name.TRACEPARENT:
      takeText(half, message, F.Http2Field.TRACEPARENT, F.TRACEPARENT, F.TRACEPARENT_BYTES_MAX);
      break;
    case Name.GRPC_TIMEOUT:
      takeText(half, message, F.Http2Field.GUEST_TIMEOUT, F.GUEST_TIMEOUT, F.GUEST_TEXT_BYTES_MAX);
      break;
    case Name.GRPC_ENCODING:
      takeText(half, message, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
      break;
  }
}

function takeOfResponse(half: Half, message: Message): void {
  switch (HeaderField.name) {
    case Name.STATUS:
      takeNumber(message, F.Http2Field.STATUS_CODE, 3, F.STATUS_CODE);
      break;
    case Name.CONTENT_TYPE:
      takeText(half, message, F.Http2Field.CONTENT_TYPE, F.CONTENT_TYPE, F.CONTENT_TYPE_BYTES_MAX);
      break;
    case Name.GRPC_STATUS:
      takeNumber(message, F.Http2Field.GUEST_STATUS, 3, F.GUEST_STATUS);
      break;
    case Name.GRPC_MESSAGE:
      takeText(half, message, F.Http2Field.GUEST_MESSAGE, F.GUEST_MESSAGE, F.GUEST_MESSAGE_BYTES_MAX);
      break;
    case Name.GRPC_ENCODING:
      takeText(half, message, F.Http2Field.GUEST_ENCODING, F.GUEST_ENCODING, F.GUEST_TEXT_BYTES_MAX);
      break;
  }
}

/** Sets a text, the first of its name. */
function takeText(half: Half, message: Message, field: u32, offset: u32, most: u32): void {
  if (message.knows(field)) return;
  message.know(field);
  if (HeaderField.cut) message.mark(Mark.TRUNCATED);
  half.message = <u32>changetype<usize>(messageText(message, offset, HeaderField.start, HeaderField.length, most));
}

/** Sets a number of at most `digits` digits, the first of its name; what is none is not known. */
function takeNumber(message: Message, field: u32, digits: u32, offset: u32): void {
  if (message.knows(field) || HeaderField.length == 0 || HeaderField.length > digits) return;
  let value: u32 = 0;
  for (let i: u32 = 0; i < HeaderField.length; i++) {
    const digit = <u32>load<u8>(HeaderField.start + i) - 48;
    if (digit >= 10) return;
    value = value * 10 + digit;
  }
  message.know(field);
  store<u32>(changetype<usize>(message) + offset, value);
}

/** Leaves a path's query out unless the settings ask for it. */
function cutQuery(): void {
  if (Settings.raw) return;
  let length: u32 = 0;
  while (length < HeaderField.length && !isPathEnd(load<u8>(HeaderField.start + length))) length += 1;
  if (length < HeaderField.length) HeaderField.cut = false;
  HeaderField.length = length;
}

/** A query or a fragment follows. */
function isPathEnd(byte: u32): bool {
  return byte == 63 || byte == 35;
}

/** Leaves a user's name and password before a host out, which no client may send (RFC 9113 section 8.3.1). */
function cutUser(): void {
  const end = HeaderField.start + HeaderField.length;
  let host = end;
  while (host > HeaderField.start && load<u8>(host - 1) != 64) host -= 1;
  HeaderField.start = host;
  HeaderField.length = <u32>(end - host);
}

/** The header block in progress, which `side` sends, has ended. */
export function endBlock(conversation: Conversation, side: u32, half: Half): void {
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

/** Gives a message its guest's number, where its content type is the guest's. */
function noteGuest(message: Message): void {
  if (Guest.number == 0) return;
  const isTyped = message.knows(F.Http2Field.CONTENT_TYPE) && message.textLength(F.CONTENT_TYPE) >= GUEST_TYPE_BYTES;
  const isGuest =
    isTyped && sameText(message.textStart(F.CONTENT_TYPE), GUEST_TYPE_BYTES, "application/grpc") && isTypeEnd(message);
  if (!isGuest) return;
  message.protocol = <u8>Guest.number;
}

/** Whether the guest's content type ends there or goes on with a parameter or a suffix: not application/grpc-web. */
function isTypeEnd(message: Message): bool {
  if (message.textLength(F.CONTENT_TYPE) == GUEST_TYPE_BYTES) return true;
  const next = load<u8>(message.textStart(F.CONTENT_TYPE) + GUEST_TYPE_BYTES);
  return next == 43 || next == 59 || next == 32;
}

function endRequest(conversation: Conversation, half: Half, id: u32, at: usize, flags: u32): void {
  const promised = (flags & HalfFlag.BLOCK_PUSHED) != 0;
  if (!promised) {
    if (half.seenFrom == 0) half.seenFrom = id;
    if (id > half.seenTo) half.seenTo = id;
  }
  if (at == 0) return;
  const message = changetype<Message>(at);
  noteGuest(message);
  message.know(F.Http2Field.BODY_BYTES);
  if (message.protocol != <u8>F.HTTP2) call_indirect<void>(Guest.begin, message);
  if (promised) {
    store<u8>(at, 1, F.PUSHED);
    message.know(F.Http2Field.PUSHED);
  }
  if (promised || flags & HalfFlag.BLOCK_ENDS_STREAM) S.setStreamFlag(at, F.StreamFlag.REQUEST_ENDED);
  S.openStream(conversation, conversation.client, at, id);
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
  const message = changetype<Message>(at);
  if (isInterim(message, endsStream)) {
    messageRelease(message);
    return;
  }
  noteGuest(message);
  if (message.knows(F.Http2Field.GUEST_STATUS) && Guest.number != 0) message.protocol = <u8>Guest.number;
  // Behind missing bytes it may be the trailers alone that came.
  const isWhole = request == 0 || !(S.streamFlags(request) & F.StreamFlag.DOUBTFUL) || message.knows(F.Http2Field.STATUS_CODE);
  if (isWhole) message.know(F.Http2Field.BODY_BYTES);
  if (request == 0) request = S.openUnseen(conversation, conversation.client, id);
  if (request == 0) {
    Http2Metrics.refused();
    messageRelease(message);
    return;
  }
  S.attach(request, at);
  if (endsStream) S.endStream(conversation, request, S.outcomeOf(request, at, Status.UNOBSERVED));
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
  if (response.knows(F.Http2Field.GUEST_STATUS) && Guest.number != 0) response.protocol = <u8>Guest.number;
  store<u8>(at, 1, F.TRAILERS);
  response.know(F.Http2Field.TRAILERS);
  S.attach(request, at);
  if (endsStream) S.endStream(conversation, request, S.outcomeOf(request, at, Status.UNOBSERVED));
}
