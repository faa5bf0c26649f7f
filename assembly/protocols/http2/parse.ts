/**
 * From bytes to frames: each is taken as it comes, however it is cut; only a frame's header and the numbers right behind it must
 * lie together.
 */
import { u8At, u32be } from "../../bytes/reader";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { closeBody, keepBody } from "../shared/content";
import { tableForget } from "./dynamic-table";
import * as F from "./fields";
import { FRAME_BYTES, Frame, FrameFlag, FrameType, fixedLength, isFrame, PREFACE_BYTES, prefaceLength } from "./frame";
import { Guest } from "./guest";
import { beginBlock, breakBlock, endBlock, isOfTrailers, loseBlock, nextField, releaseDecoder } from "./header-block";
import { DECODER_BYTES, Hpack } from "./hpack";
import { loseMore } from "./lost-entries";
import { Http2Metrics } from "./metrics";
import { Name } from "./names";
import { losePlace, seek } from "./seek";
import { BlockKind, Half, HalfFlag, halfOf, LostFlag, Phase, TABLE_BYTES, TABLE_BYTES_UNKNOWN } from "./state";
import * as S from "./streams";
import { Turn } from "./turn";

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.open(side, start, length);
  const half = halfOf(conversation, side);
  if (!half.is(HalfFlag.BEGUN)) begin(conversation, half);
  while (step(conversation, half)) {}
  return <i32>(Turn.at - start);
}

function begin(conversation: Conversation, half: Half): void {
  half.set(HalfFlag.BEGUN);
  half.tableMax = conversation.started ? TABLE_BYTES : TABLE_BYTES_UNKNOWN;
  if (conversation.started) half.set(HalfFlag.AT_START);
  else half.phase = Phase.SEEK;
}

/** One step; false when it needs more bytes. */
function step(conversation: Conversation, half: Half): bool {
  switch (half.phase) {
    case Phase.FRAME:
      return readFrame(conversation, half);
    case Phase.DATA:
      return readData(conversation, half);
    case Phase.BLOCK:
      return readBlock(conversation, half);
    case Phase.PASS:
      return pass(half);
    default:
      return seek(conversation, half);
  }
}

function garbage(conversation: Conversation, half: Half): bool {
  Http2Metrics.malformed();
  // What was taken for frames before may have been none.
  tableForget(half);
  losePlace(conversation, Turn.side, half, 0);
  half.set(HalfFlag.RESYNCHRONIZED);
  return true;
}

/** Nothing was sent before: the table is empty. */
function beginAtStart(half: Half): void {
  half.clear(HalfFlag.AT_START);
  half.lost |= LostFlag.COMPLETE;
}

function readFrame(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  const there = <u32>(Turn.end - at);
  const same = prefaceLength(at, there);
  if (same == PREFACE_BYTES) {
    if (half.is(HalfFlag.AT_START)) beginAtStart(half);
    Turn.at += PREFACE_BYTES;
    return true;
  }
  // No frame begins with these four: it would be of 5 MB and of type 32.
  if (same >= 4 && same < there) return garbage(conversation, half);
  if (there < FRAME_BYTES || same >= 4) return false;
  Frame.read(at);
  if (half.is(HalfFlag.AT_START)) {
    half.clear(HalfFlag.AT_START);
    // A server's settings come first, or a client's preface (RFC 9113 section 3.4): what is neither came later.
    if (Turn.side == conversation.client || Frame.type != FrameType.SETTINGS) {
      losePlace(conversation, Turn.side, half, 0);
      return true;
    }
    beginAtStart(half);
  }
  if (!isFrame()) return garbage(conversation, half);
  const fixed = fixedLength();
  if (Frame.length >= fixed && there < FRAME_BYTES + fixed) return false;
  if (half.block != BlockKind.NONE && (Frame.type != FrameType.CONTINUATION || Frame.stream != half.blockStream)) {
    // Nothing may come between the frames of a header block (RFC 9113 section 6.10).
    Http2Metrics.malformed();
    breakBlock(half);
    endBlock(conversation, Turn.side, half);
    Frame.read(at);
  }
  half.left = Frame.length;
  half.padding = 0;
  half.stream = Frame.stream;
  half.phase = Phase.PASS;
  half.clear(HalfFlag.LAST_FRAME);
  Turn.at = at + FRAME_BYTES;
  const mayPad = Frame.type == FrameType.DATA || Frame.type == FrameType.HEADERS || Frame.type == FrameType.PUSH_PROMISE;
  const padding: u32 = mayPad && Frame.has(FrameFlag.PADDED) && Frame.length != 0 ? u8At(at + FRAME_BYTES) : 0;
  if (Frame.length < fixed || padding > Frame.length - fixed) {
    Http2Metrics.malformed();
    const owner = Settings.bodyBytes != 0 && Frame.type == FrameType.DATA ? bodyOwner(conversation, Turn.side, half) : 0;
    if (owner != 0) closeBody(changetype<Message>(owner), contentPlace(conversation, Turn.side));
    return true;
  }
  half.padding = <u8>padding;
  half.left = Frame.length - fixed;
  Turn.at += fixed;
  beginPayload(conversation, half, at);
  return true;
}

/** Begins the payload of the frame in `Frame`, at `at`, whose fixed part lies there. */
function beginPayload(conversation: Conversation, half: Half, at: usize): void {
  const padded: usize = Frame.has(FrameFlag.PADDED) ? 1 : 0;
  switch (Frame.type) {
    case FrameType.DATA:
      half.phase = Phase.DATA;
      if (Frame.has(FrameFlag.END_STREAM)) half.set(HalfFlag.LAST_FRAME);
      addBody(conversation, Turn.side, half, 0, FRAME_BYTES + Frame.length - half.left);
      return;
    case FrameType.HEADERS:
      half.firstNs = Parse.timeOf(at);
      beginBlock(conversation, Turn.side, half, Frame.stream, Frame.has(FrameFlag.END_STREAM), false);
      beginFragment(half);
      return;
    case FrameType.PUSH_PROMISE:
      if (Turn.side == conversation.client) return;
      half.firstNs = Parse.timeOf(at);
      beginBlock(conversation, Turn.side, half, u32be(at + FRAME_BYTES + padded) & 0x7fffffff, false, true);
      // The rest of the block comes on the stream that promises.
      half.blockStream = Frame.stream;
      beginFragment(half);
      return;
    case FrameType.CONTINUATION:
      if (half.block != BlockKind.NONE) beginFragment(half);
      return;
    case FrameType.RST_STREAM: {
      const request = S.streamOf(conversation, Frame.stream);
      if (request != 0) S.resetStream(conversation, request, u32be(at + FRAME_BYTES));
      return;
    }
    case FrameType.GOAWAY: {
      const odd: u32 = Turn.side == conversation.client ? 0 : 1;
      const last = u32be(at + FRAME_BYTES) & 0x7fffffff;
      S.refuseStreams(conversation, conversation.client, last, u32be(at + FRAME_BYTES + 4), odd);
    }
  }
}

/** Begins a fragment of a header block. */
function beginFragment(half: Half): void {
  half.phase = Phase.BLOCK;
  half.blockBytes += FRAME_BYTES + Frame.length;
  if (Frame.has(FrameFlag.END_HEADERS)) half.set(HalfFlag.LAST_FRAME);
}

/** The message to which the body in the DATA frame in progress belongs, 0 where there is none. */
function bodyOwner(conversation: Conversation, side: u32, half: Half): usize {
  const request = S.streamOf(conversation, half.stream);
  return request == 0 || side == conversation.client ? request : S.responseOf(request);
}

/** Where what is kept of a message that `side` sends has its place. */
function contentPlace(conversation: Conversation, side: u32): u32 {
  return side == conversation.client ? F.REQUEST_CONTENT : F.RESPONSE_CONTENT;
}

/** Counts `bytes` on the wire, `body` of them of a body. */
function addBody(conversation: Conversation, side: u32, half: Half, body: u32, bytes: u32): usize {
  const at = bodyOwner(conversation, side, half);
  if (at == 0) return 0;
  const message = changetype<Message>(at);
  message.wireBytes += bytes;
  message.lastNs = Parse.timeNs;
  store<u64>(at, load<u64>(at, F.BODY_BYTES) + body, F.BODY_BYTES);
  return at;
}

function readData(conversation: Conversation, half: Half): bool {
  const there = <u32>(Turn.end - Turn.at);
  const take = half.left < there ? half.left : there;
  if (take != 0) {
    const content = half.left - half.padding;
    const body = content < take ? content : take;
    const at = addBody(conversation, Turn.side, half, body, take);
    if (at != 0 && Settings.bodyBytes != 0)
      keepBody(changetype<Message>(at), contentPlace(conversation, Turn.side), Turn.at, body);
    if (at != 0 && body != 0 && isGuests(conversation, half, at)) {
      call_indirect<void>(Guest.body, changetype<Message>(at), Turn.at, body);
    }
    takePayload(half, take);
    Turn.at += take;
  }
  if (half.left != 0) return false;
  endData(conversation, Turn.side, half);
  return true;
}

/** Whether a body is the guest's: by its own content type or the request's. */
function isGuests(conversation: Conversation, half: Half, at: usize): bool {
  if (changetype<Message>(at).protocol != <u8>F.HTTP2) return true;
  const request = S.streamOf(conversation, half.stream);
  return changetype<Message>(request).protocol != <u8>F.HTTP2;
}

/** Takes bytes off the payload; its padding comes last. */
function takePayload(half: Half, bytes: u32): void {
  half.left -= bytes;
  if (half.left < <u32>half.padding) half.padding = <u8>half.left;
}

/** A DATA frame has ended. */
function endData(conversation: Conversation, side: u32, half: Half): void {
  half.phase = Phase.FRAME;
  if (!half.is(HalfFlag.LAST_FRAME)) return;
  const request = S.streamOf(conversation, half.stream);
  if (request == 0) return;
  if (side == conversation.client) S.setStreamFlag(request, F.StreamFlag.REQUEST_ENDED);
  else S.concludeStream(conversation, request);
}

function readBlock(conversation: Conversation, half: Half): bool {
  const there = <u32>(Turn.end - Turn.at);
  const take = half.left < there ? half.left : there;
  const content = half.left - half.padding;
  const stop = Turn.at + (content < take ? content : take);
  if (half.is(HalfFlag.BLOCK_BROKEN)) loseMore(half, take);
  else decode(half, stop);
  takePayload(half, take);
  Turn.at += take;
  if (half.left != 0) return false;
  endFragment(conversation, Turn.side, half);
  return true;
}

/** Decodes the fragment up to `stop`; keeps the decoder where it stands inside a field. */
function decode(half: Half, stop: usize): void {
  Hpack.open(half, isOfTrailers(half) ? Name.TRAILER : Settings.headers ? Name.HEADER : 0);
  Hpack.at = Turn.at;
  while (Hpack.next(stop)) nextField(half);
  const isEnd = half.is(HalfFlag.LAST_FRAME) && half.left - half.padding == <u32>(stop - Turn.at);
  if (Hpack.fault || (isEnd && !Hpack.isBetween)) {
    Http2Metrics.malformed();
    breakBlock(half);
    return;
  }
  if (Hpack.isBetween) {
    releaseDecoder(half);
    return;
  }
  if (half.decoder == 0) half.decoder = <u32>Regions.streamPool.allocate(DECODER_BYTES);
  if (half.decoder == 0) {
    Http2Metrics.refused();
    breakBlock(half);
    return;
  }
  Hpack.save(half.decoder);
}

function endFragment(conversation: Conversation, side: u32, half: Half): void {
  half.phase = Phase.FRAME;
  if (!half.is(HalfFlag.LAST_FRAME)) return;
  endBlock(conversation, side, half);
}

/** Steps over what is of no interest. */
function pass(half: Half): bool {
  const there = <u32>(Turn.end - Turn.at);
  const take = half.left < there ? half.left : there;
  half.left -= take;
  Turn.at += take;
  if (half.left != 0) return false;
  half.phase = Phase.FRAME;
  return true;
}

/** The contract's gap: `bytes` are missing before the next; the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = halfOf(conversation, side);
  if (!half.is(HalfFlag.BEGUN)) begin(conversation, half);
  const isInside = half.phase == Phase.DATA || half.phase == Phase.BLOCK || half.phase == Phase.PASS;
  const inside: u32 = !isInside ? 0 : bytes < half.left ? bytes : half.left;
  if (isInside) passGap(conversation, side, half, inside);
  if (!isInside || bytes > inside) losePlace(conversation, side, half, bytes - inside);
  return true;
}

/** Missing bytes of the payload in progress. */
function passGap(conversation: Conversation, side: u32, half: Half, bytes: u32): void {
  if (half.phase == Phase.DATA) {
    const content = half.left - half.padding;
    const body = content < bytes ? content : bytes;
    const at = addBody(conversation, side, half, body, bytes);
    if (at != 0) {
      changetype<Message>(at).mark(Mark.GAP);
      if (Settings.bodyBytes != 0) closeBody(changetype<Message>(at), contentPlace(conversation, side));
      if (isGuests(conversation, half, at)) call_indirect<void>(Guest.gap, changetype<Message>(at), body);
    }
  } else if (half.phase == Phase.BLOCK && bytes != 0) {
    loseBlock(conversation, side, half, bytes);
  }
  takePayload(half, bytes);
  if (half.left != 0) return;
  if (half.phase == Phase.DATA) endData(conversation, side, half);
  else if (half.phase == Phase.BLOCK) endFragment(conversation, side, half);
  else half.phase = Phase.FRAME;
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const half = halfOf(conversation, side);
  if (half.block != BlockKind.NONE) {
    if (half.message != 0) changetype<Message>(half.message).mark(Mark.INCOMPLETE);
    loseBlock(conversation, side, half, 0);
    half.clear(HalfFlag.BLOCK_ENDS_STREAM);
    endBlock(conversation, side, half);
  }
  half.phase = Phase.FRAME;
  if (side != conversation.client) S.endResponses(conversation);
}
