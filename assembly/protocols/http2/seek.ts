/**
 * Bytes that are missing or make no sense, and the way back: a place where frames follow each other.
 *
 * One header of nine bytes is little, so it must lead to another, or to the very end of what was captured, or be of a stream that is
 * open, or begin a header block with a field that only a message's first can be.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Parse } from "../protocol";
import { FirstField, FRAME_BYTES, Frame, FrameType, firstField, isStrictFrame, PREFACE_BYTES, prefaceLength } from "./frame";
import { endBlock, loseBlock } from "./header-block";
import { loseEntries, loseMore, settleFew } from "./lost-entries";
import { BlockKind, Half, Phase } from "./state";
import * as S from "./streams";
import { Turn } from "./turn";
import { dropWaiting } from "./waiting";

/** The half of `side` does not know where it is: `bytes` of frames are missing, header blocks may be among them. */
export function losePlace(conversation: Conversation, side: u32, half: Half, bytes: u32): void {
  if (half.block != BlockKind.NONE) {
    loseBlock(conversation, side, half, bytes);
    endBlock(conversation, side, half);
  } else {
    if (side != conversation.client) dropWaiting(conversation);
    loseEntries(half, bytes, false);
  }
  half.phase = Phase.SEEK;
  half.left = 0;
  half.padding = 0;
  if (side == conversation.client) {
    half.seenFrom = 0;
    half.seenTo = 0;
    S.loseRequests(conversation);
  } else {
    S.loseResponses(conversation);
  }
}

/** Looks for a place where frames begin. What is passed over may have answered any request that waits, also one made since the loss. */
export function seek(conversation: Conversation, half: Half): bool {
  const end = Turn.end;
  if (end != Turn.at && Turn.side != conversation.client) S.loseResponses(conversation);
  let at = Turn.at;
  while (end - at >= <usize>FRAME_BYTES) {
    // A length of three bytes has a first that is 0 in nearly all frames; the preface does not.
    const first = u8At(at);
    if ((first == 0 && isPlace(conversation, at, end)) || (first == 80 && isPreface(at, end))) {
      passOver(half, at);
      settleFew(half);
      half.phase = Phase.FRAME;
      return true;
    }
    at += 1;
  }
  passOver(half, Parse.isCut ? end : at);
  return false;
}

/** Passes over what may have been frames. */
function passOver(half: Half, to: usize): void {
  loseMore(half, <u32>(to - Turn.at));
  Turn.at = to;
}

function isPreface(at: usize, end: usize): bool {
  return prefaceLength(at, <u32>(end - at)) == PREFACE_BYTES;
}

function isPlace(conversation: Conversation, at: usize, end: usize): bool {
  if (!isStrictFrame(at)) return false;
  const next = at + FRAME_BYTES + Frame.length;
  const isOpen = Frame.stream != 0 && S.streamOf(conversation, Frame.stream) != 0;
  if (isOpen && (next >= end || Frame.type == FrameType.DATA)) return true;
  if (Frame.type == FrameType.HEADERS && firstField(at, end) != FirstField.NONE) {
    if (next + FRAME_BYTES > end) return true;
    return isStrictFrame(next);
  }
  if (next == end) return true;
  if (next + FRAME_BYTES <= end) return isStrictFrame(next);
  return false;
}
