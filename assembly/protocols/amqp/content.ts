/** Messages with content: a method, a header that says how long the body is, and the body in any number of frames. */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { closePayload, keepPayload, openPayload, wantedPayload } from "../shared/payload";
import * as F from "./fields";
import { FRAME_BYTES_MIN, PAYLOAD } from "./frame";
import { waitForSettling } from "./match";
import { Call } from "./methods";
import { malformed } from "./metrics";
import { isUnsettled } from "./numbers";
import { AmqpState, Channel, LISTS } from "./state";
import { clientOf } from "./wait";

/** Offsets in a header's payload. */
const BODY_SIZE: u32 = 4;
const PROPERTY_FLAGS: u32 = 12;
const PROPERTIES: u32 = 14;
const HAS_CONTENT_TYPE: u32 = 0x8000;
const HAS_CONTENT_ENCODING: u32 = 0x4000;

/** Bytes of a header that are read: content type and content encoding come first of its properties. */
export const HEADER_BYTES_MAX: u32 = PROPERTIES + 256;

/** Makes a message that has content, with room for what is kept of it; 0 where there is none. */
export function createWithContent(): usize {
  const block = messageCreate(F.AMQP, F.FIXED_END, F.MESSAGE_BYTES);
  if (block == 0) return 0;
  return changetype<usize>(openPayload(changetype<Message>(block), F.BODY, F.MESSAGE_BYTES - F.FIXED_END));
}

/** Begins the content of `message`, on `channel`, by `side`; there is room for it. */
export function beginContent(channel: Channel, side: u32, message: Message, request: usize, isResponse: bool): void {
  const content = channel.content(side);
  content.message = <u32>changetype<usize>(message);
  content.request = <u32>request;
  content.left = 0;
  content.hasHeader = 0;
  content.isLossy = 0;
  content.isResponse = <u8>isResponse;
}

/** Reads a header, `size` bytes of payload of which `held` are in hand. */
export function readHeader(channel: Channel, side: u32, at: usize, size: u32, held: u32): void {
  const content = channel.content(side);
  if (content.message == 0) return;
  let message = changetype<Message>(content.message);
  if (content.hasHeader) {
    message.mark(Mark.MALFORMED);
    malformed();
    return;
  }
  const payload = at + PAYLOAD;
  const bytes = ((<u64>u32be(payload + BODY_SIZE)) << 32) | <u64>u32be(payload + BODY_SIZE + 4);
  content.hasHeader = 1;
  content.left = bytes;
  store<u64>(changetype<usize>(message), bytes, F.BODY_BYTES);
  message.know(F.AmqpField.BODY_BYTES);
  message.wireBytes += size + FRAME_BYTES_MIN;
  const flags = u16be(payload + PROPERTY_FLAGS);
  let next = PROPERTIES;
  if (flags & HAS_CONTENT_TYPE && held > PROPERTIES) {
    const length = u8At(payload + PROPERTIES);
    next += 1 + length;
    if (next > held) {
      message.mark(Mark.MALFORMED);
      malformed();
      return;
    }
    message = messageText(message, F.CONTENT_TYPE, payload + PROPERTIES + 1, length, F.TEXT_BYTES_MAX);
    message.know(F.AmqpField.CONTENT_TYPE);
    content.message = <u32>changetype<usize>(message);
  }
  if (!(flags & HAS_CONTENT_ENCODING) || held <= next) return;
  const length = u8At(payload + next);
  // It may go on behind what is read.
  if (next + 1 + length > held) return;
  message = messageText(message, F.CONTENT_ENCODING, payload + next + 1, length, F.TEXT_BYTES_MAX);
  message.know(F.AmqpField.CONTENT_ENCODING);
  content.message = <u32>changetype<usize>(message);
}

/** Keeps what is wanted of `bytes` of a body's frame at `at`; whether more is. */
export function keepBody(channel: Channel | null, side: u32, at: usize, bytes: u32): bool {
  if (Settings.bodyBytes == 0 || channel == null) return false;
  const content = channel.content(side);
  if (content.message == 0 || content.hasHeader == 0) return false;
  const message = changetype<Message>(content.message);
  keepPayload(message, F.BODY, at, bytes);
  return wantedPayload(message, F.BODY) != 0;
}

/** Bytes of the content in progress are missing: no more of it is kept. */
export function missContent(channel: Channel, side: u32): void {
  const message = channel.content(side).message;
  if (message == 0) return;
  changetype<Message>(message).mark(Mark.GAP);
  closePayload(changetype<Message>(message), F.BODY);
}

/** Counts a frame of a body; behind missing bytes only while some of this body must be to come. */
export function countBody(channel: Channel, side: u32, size: u32): void {
  const content = channel.content(side);
  if (content.message == 0 || (content.isLossy && content.left == 0)) return;
  const message = changetype<Message>(content.message);
  message.wireBytes += size + FRAME_BYTES_MIN;
  if (<u64>size <= content.left) {
    content.left -= size;
    return;
  }
  content.left = 0;
  if (content.isLossy) return;
  message.mark(Mark.MALFORMED);
  malformed();
}

/** A header comes: behind missing bytes it is that of another message, and the one before was complete. */
export function endLossy(conversation: Conversation, channel: Channel, side: u32): void {
  if (channel.content(side).isLossy) endContent(conversation, channel, side, Mark.GAP);
}

/** A frame of content has ended: the message with it, where all of it is there. */
export function endFrame(conversation: Conversation, channel: Channel, side: u32): void {
  const content = channel.content(side);
  if (content.message != 0 && content.hasHeader && content.left == 0 && !content.isLossy)
    endContent(conversation, channel, side, 0);
}

/** The message is as complete as it will be. */
export function endContent(conversation: Conversation, channel: Channel, side: u32, marks: u32): void {
  const content = channel.content(side);
  if (content.message == 0) return;
  const message = changetype<Message>(content.message);
  const request = <usize>content.request;
  const isResponse = content.isResponse != 0;
  channel.closeContent(side);
  message.mark(marks);
  if (marks == 0 && Parse.timeNs > message.lastNs) message.lastNs = Parse.timeNs;
  if (isResponse) {
    report(conversation, clientOf(conversation), request, changetype<usize>(message), Status.OK);
    if (request != 0) messageRelease(changetype<Message>(request));
    messageRelease(message);
    return;
  }
  if (waitForSettling(conversation, message)) return;
  const isReturn = <u32>load<u16>(changetype<usize>(message), F.METHOD) == Call.RETURN;
  const isCut = (marks & Mark.INCOMPLETE) != 0;
  const complete = isUnsettled(message) ? Status.UNOBSERVED : Status.OK;
  const status = isReturn ? Status.ERROR : isCut ? outcomeOfCut() : complete;
  report(conversation, clientOf(conversation), changetype<usize>(message), 0, status);
  messageRelease(message);
}

/** How a message ends that its connection's end cut off. */
function outcomeOfCut(): u32 {
  return Parse.outcome == Status.OK ? Status.UNOBSERVED : Parse.outcome;
}

/**
 * `bytes` of `side` are missing in which its messages may have ended: what waits to be settled waits from now, the others until
 * the next method or header on their channel tells that they were complete.
 */
export function loseContents(conversation: Conversation, state: AmqpState, side: u32, bytes: u32): void {
  for (let list: u32 = 0; list < LISTS; list++) {
    let at = <usize>load<u32>(state.listOf(list));
    while (at != 0) {
      const channel = changetype<Channel>(at);
      loseContent(conversation, channel, side, bytes);
      at = <usize>channel.next;
    }
  }
}

function loseContent(conversation: Conversation, channel: Channel, side: u32, bytes: u32): void {
  const content = channel.content(side);
  if (content.message == 0) return;
  missContent(channel, side);
  if (content.isResponse || load<u8>(content.message, F.OUTCOME) != 0) endContent(conversation, channel, side, Mark.GAP);
  else {
    content.isLossy = 1;
    content.left = content.left > bytes ? content.left - bytes : 0;
  }
}
