/**
 * The way back into a stream: the next bytes that can be nothing but a frame. Behind the first byte in hand a frame must follow
 * the end of another, and what is in hand must be frames to its end.
 */
import { u8At, u32be } from "../../bytes/reader";
import { Parse } from "../protocol";
import { Turn } from "../turn";
import { BODY_FRAME, FRAME_BYTES_MIN, FRAME_END, isFrame, isProtocolHeader, METHOD_BYTES, METHOD_FRAME, SIZE } from "./frame";
import { Half, Phase } from "./state";

/** Frames that are followed to tell whether they fit. */
const CHAIN_MAX: u32 = 4;

/** Looks for a frame; true where one begins at `Turn.at`. */
export function seek(half: Half): bool {
  if (Turn.left == 0) return false;
  if (Turn.left < FRAME_BYTES_MIN && !Parse.isCut) {
    Parse.need = FRAME_BYTES_MIN;
    return false;
  }
  const first = Turn.at;
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
    // The type of a frame whose end is not there must say enough.
    if (bytes > left) return u8At(at) == METHOD_FRAME ? left >= METHOD_BYTES : u8At(at) != BODY_FRAME || i != 0;
    at += bytes;
  }
  return true;
}
