/**
 * The way back into a stream: the next bytes that can be nothing but a frame. Behind the first byte in hand a frame must follow
 * the end of another, and what is in hand must be frames to its end.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { CHANNEL, FRAME_BYTES_MIN, FRAME_END, isFrame, isProtocolHeader, METHOD_BYTES, METHOD_FRAME, SIZE } from "./frame";
import { Half, Phase } from "./state";

/** Frames that are followed to tell whether they fit. */
const CHAIN_MAX: u32 = 4;
/** Channels and bytes of a frame that brokers allow unless they are told otherwise. */
const CHANNELS_USUAL: u32 = 2048;
const SIZE_USUAL: u32 = 131072;

/** Looks for a frame; true where one begins at `Turn.at`. */
export function seek(half: Half): bool {
  if (Turn.left == 0) return false;
  if (Turn.left < FRAME_BYTES_MIN && !Parse.isCut) {
    Parse.need = FRAME_BYTES_MIN;
    return false;
  }
  const first = Turn.at;
  if (Turn.left < METHOD_BYTES && !Parse.isCut && u8At(first) == METHOD_FRAME && isFrame(first, Turn.left)) {
    Parse.need = METHOD_BYTES;
    return false;
  }
  for (let at = first; at + FRAME_BYTES_MIN <= Turn.end; at++) {
    if (at != first && u8At(at - 1) != FRAME_END) continue;
    if (!isChain(at)) continue;
    Turn.at = at;
    half.phase = Phase.START;
    return true;
  }
  Turn.at = Turn.end;
  return false;
}

function isChain(start: usize): bool {
  let at = start;
  for (let i: u32 = 0; i < CHAIN_MAX; i++) {
    const left = <u32>(Turn.end - at);
    if (left == 0) return true;
    if (left < FRAME_BYTES_MIN) return i != 0;
    if (isProtocolHeader(at)) return true;
    if (!isFrame(at, left)) return false;
    const bytes = u32be(at + SIZE) + FRAME_BYTES_MIN;
    if (bytes > left) return i != 0 || isBegun(at, left);
    at += bytes;
  }
  return true;
}

/** Whether a frame whose end is not in hand says enough of itself. */
function isBegun(at: usize, left: u32): bool {
  if (u8At(at) == METHOD_FRAME) return left >= METHOD_BYTES;
  return u16be(at + CHANNEL) < CHANNELS_USUAL && u32be(at + SIZE) <= SIZE_USUAL;
}
