/**
 * How HTTP/2 is known on any port: by its preface, by a server's first settings, or, where the start was not captured, by frames
 * that follow each other up to one whose header block begins with a field that only a request or a response has.
 */
import { Found } from "../protocol";
import { isBlock } from "./block";
import {
  FirstField,
  FRAME_BYTES,
  Frame,
  FrameType,
  firstField,
  isSettings,
  isStrictFrame,
  PREFACE_BYTES,
  prefaceLength,
} from "./frame";

/** Bytes of settings that are enough by themselves: two of them. */
const SETTINGS_BYTES_MIN: u32 = 12;

/** The contract's probe. */
export function probeHttp2(start: usize, length: u32): u32 {
  const same = prefaceLength(start, length);
  if (same == PREFACE_BYTES) return Found.REQUEST;
  if (same == length) return Found.MORE;
  return same >= 4 ? Found.NO : probeFrames(start, start + length);
}

function probeFrames(start: usize, end: usize): u32 {
  let answer = Found.NO;
  let at = start;
  while (end - at >= <usize>FRAME_BYTES) {
    if (!isStrictFrame(at)) return Found.NO;
    if (Frame.type == FrameType.HEADERS) {
      const first = firstField(at, end);
      // Streams that a server opens are rare, and have even numbers.
      if (first != FirstField.NONE && (Frame.stream & 1) != 0 && isBlock(at, end) && isFollowed(at, end)) {
        return first == FirstField.REQUEST ? Found.REQUEST : Found.RESPONSE;
      }
    } else if (Frame.type == FrameType.SETTINGS && isSettings(at, end)) {
      // One setting or none says too little by itself.
      if (Frame.length >= SETTINGS_BYTES_MIN || isNext(at, end)) answer = Found.RESPONSE;
    }
    Frame.read(at);
    const next = at + FRAME_BYTES + Frame.length;
    if (next >= end) return answer;
    at = next;
  }
  return answer;
}

/** Whether what a side says next, more settings or a window, lies behind the frame in `Frame`, at `at`. */
function isNext(at: usize, end: usize): bool {
  const next = at + FRAME_BYTES + Frame.length;
  if (next + FRAME_BYTES > end) return false;
  const isOne = isStrictFrame(next) && (Frame.type == FrameType.SETTINGS || Frame.type == FrameType.WINDOW_UPDATE);
  Frame.read(at);
  return isOne;
}

/** Whether what lies behind the frame in `Frame`, at `at`, is a frame again as far as it was captured. */
export function isFollowed(at: usize, end: usize): bool {
  const next = at + FRAME_BYTES + Frame.length;
  return next + FRAME_BYTES > end || isStrictFrame(next);
}
