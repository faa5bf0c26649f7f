/**
 * From bytes to frames: each is counted as its header comes, its payload as it goes by.
 *
 * Only a header, and a close frame's code behind it, must lie together; the stream steps over payloads.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { FAULT, Found, Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { end, isOpen } from "./begin";
import * as F from "./fields";
import { Frame, isFrames, Opcode, Read, readHeader } from "./frame";
import { WebSocketMetrics } from "./metrics";
import { clientOf, firstCode, Half, HalfFlag, halfOf, Phase, setFirstCode } from "./state";

/** The sequence number behind the last gap: what comes there is the likeliest place to find a frame. */
class Behind {
  static sequence: u32 = 0;
}

/** The contract's probe: a WebSocket is never taken for one without its handshake; behind a gap its frames are known again. */
export function probeWebSocket(start: usize, length: u32): u32 {
  const isOnce = Parse.sequence == Behind.sequence;
  if (!Parse.isKnown || !isFrames(start, start + length, Parse.isClient, isOnce)) return Found.NO;
  return Parse.isClient ? Found.REQUEST : Found.RESPONSE;
}

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  if (!isOpen(conversation)) return <i32>length;
  Turn.open(side, start, length);
  const half = halfOf(conversation, side);
  if (half.phase == Phase.PAYLOAD) endPayload(conversation, half);
  while (half.phase == Phase.HEADER) {
    const read = readHeader(Turn.at, Turn.end);
    if (read == Read.FAULT) return fault(half);
    if (read == Read.MORE) {
      Parse.need = Frame.bytes;
      return <i32>(Turn.at - start);
    }
    beginFrame(conversation, half);
    const there = <u64>Turn.left;
    if (Frame.length > there) {
      Turn.at = Turn.end;
      Parse.skip = Frame.length - there;
      return <i32>length;
    }
    Turn.at += <usize>Frame.length;
    endPayload(conversation, half);
  }
  // What comes behind a close frame is no frame.
  if (isOver(conversation)) end(conversation);
  return <i32>length;
}

function isOver(conversation: Conversation): bool {
  return halfOf(conversation, 0).phase == Phase.CLOSED && halfOf(conversation, 1).phase == Phase.CLOSED;
}

/** Bytes that are no frame: what follows is looked for where a segment begins. */
function fault(half: Half): i32 {
  const message = messageOf(half);
  message.mark(Mark.MALFORMED);
  message.mark(Mark.RESYNCHRONIZED);
  WebSocketMetrics.malformed();
  half.set(HalfFlag.UNSURE);
  return FAULT;
}

function messageOf(half: Half): Message {
  return changetype<Message>(<usize>half.message);
}

/** Counts the frame in `Frame`, and steps over its header. */
function beginFrame(conversation: Conversation, half: Half): void {
  const message = messageOf(half);
  const at = changetype<usize>(message);
  const counts = at + F.FRAMES_BY + (Frame.opcode << 2);
  const isFromClient = clientOf(conversation) == Turn.side;
  if (Frame.isMasked != isFromClient) {
    // A side that does not mask as it must (RFC 6455 section 5.1) can be read all the same.
    message.mark(Mark.MALFORMED);
    WebSocketMetrics.malformed();
  }
  store<u32>(counts, load<u32>(counts) + 1);
  store<u32>(at, load<u32>(at, F.FRAMES) + 1, F.FRAMES);
  if (Frame.isData && Frame.isLast) store<u32>(at, load<u32>(at, F.MESSAGES) + 1, F.MESSAGES);
  if (Frame.opcode == Opcode.CLOSE) takeCode(conversation, isFromClient, message);
  message.wireBytes += Frame.bytes;
  message.lastNs = Parse.timeNs;
  half.payload = Frame.length;
  half.opcode = <u8>Frame.opcode;
  half.phase = Phase.PAYLOAD;
  half.flags &= ~HalfFlag.UNSURE;
  Turn.at += Frame.bytes;
  WebSocketMetrics.frame(conversation, isFromClient, Frame.opcode);
}

function takeCode(conversation: Conversation, isFromClient: bool, message: Message): void {
  const code: u32 = Frame.code != 0 ? Frame.code : F.CloseCode.NONE;
  store<u16>(changetype<usize>(message), code, F.CLOSE_CODE);
  message.know(F.WebSocketField.CLOSE_CODE);
  if (firstCode(conversation) == 0) setFirstCode(conversation, code);
  WebSocketMetrics.close(conversation, isFromClient, code);
}

/** The payload in progress has gone by. */
function endPayload(conversation: Conversation, half: Half): void {
  addPayload(conversation, half, half.payload);
  half.phase = half.opcode == <u8>Opcode.CLOSE ? Phase.CLOSED : Phase.HEADER;
}

/** Counts `bytes` of payload of the frame in progress. */
function addPayload(conversation: Conversation, half: Half, bytes: u64): void {
  const message = messageOf(half);
  const at = changetype<usize>(message);
  const opcode = <u32>half.opcode;
  const counts = at + F.BYTES_BY + (opcode << 3);
  store<u64>(counts, load<u64>(counts) + bytes);
  if (opcode <= Opcode.BINARY) store<u64>(at, load<u64>(at, F.BODY_BYTES) + bytes, F.BODY_BYTES);
  message.wireBytes += bytes;
  message.lastNs = Parse.timeNs;
  const isFromClient = changetype<usize>(half) == changetype<usize>(halfOf(conversation, clientOf(conversation)));
  WebSocketMetrics.payload(conversation, isFromClient, opcode, bytes);
}

/** The contract's gap: inside a payload bytes are only counted; elsewhere frames are looked for again. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = halfOf(conversation, side);
  if (!isOpen(conversation) || half.phase == Phase.CLOSED) return true;
  messageOf(half).mark(Mark.GAP);
  if (half.phase == Phase.PAYLOAD) {
    if (<u64>bytes <= Parse.skip) return true;
    endPayload(conversation, half);
    if (half.phase == Phase.CLOSED) return true;
  }
  half.set(HalfFlag.UNSURE);
  Behind.sequence = Parse.sequence + bytes;
  return false;
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const half = halfOf(conversation, side);
  if (!isOpen(conversation)) return;
  half.set(HalfFlag.FINISHED);
  if (half.phase == Phase.PAYLOAD) {
    addPayload(conversation, half, half.payload - Parse.skip);
    messageOf(half).mark(Mark.INCOMPLETE);
    half.phase = Phase.HEADER;
  }
  if (halfOf(conversation, side ^ 1).is(HalfFlag.FINISHED)) end(conversation);
}
