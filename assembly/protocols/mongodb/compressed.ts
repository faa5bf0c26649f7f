/**
 * OP_COMPRESSED: what is inside, as far as it can be had.
 *
 * ```
 * 16 original opcode i32 | 20 length without compression i32 | 24 compressor u8 | 25 ...
 * ```
 * Of what lies together, snappy and zlib are unpacked up to UNPACKED_BYTES_MAX; a longer message is read to there, and what stands
 * behind it is not known. Other compressors are named.
 */

import { Inflate, Inflated, inflate, inflateOpen } from "../../bytes/inflate";
import { u8At, u32le } from "../../bytes/reader";
import { Snappy, unsnap } from "../../bytes/snappy";
import { Window } from "../../bytes/window";
import { Regions, UNPACKED_BYTES_MAX } from "../../regions";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { COMPRESSED_BYTES, HEADER_BYTES } from "./header";
import { malformed } from "./metrics";
import { keepContents } from "./payload";
import { walk } from "./walk";
import { Walk, Walked, WalkFlag } from "./walk-state";

const NOOP: u32 = 0;
const SNAPPY: u32 = 1;
const ZLIB: u32 = 2;

/** What came out of a message. */
class Unpacked {
  static length: u32 = 0;
  /** Whether that is all of it. */
  static isWhole: bool = false;
}

/** Reads the message of `total` bytes at `start`, of which `there` lie together; the walk is at its end then. */
export function readCompressed(w: Walk, start: usize, there: u32, total: u32): void {
  const message = changetype<Message>(w.message);
  if (there < COMPRESSED_BYTES) {
    message.present &= ~(1 << F.MongoField.OPCODE);
    w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
    return;
  }
  w.opcode = u32le(start + HEADER_BYTES);
  const compressor = u8At(start + 24);
  store<u16>(w.message, w.opcode, F.OPCODE);
  store<u16>(w.message, compressor, F.COMPRESSOR);
  message.know(F.MongoField.COMPRESSOR);
  const length = there - COMPRESSED_BYTES;
  if (compressor == NOOP) {
    walkOver(w, start + COMPRESSED_BYTES, length, total - COMPRESSED_BYTES);
  } else if (compressor != SNAPPY && compressor != ZLIB) {
    w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
  } else if (unpack(compressor, start + COMPRESSED_BYTES, length, there == total)) {
    walkOver(
      w,
      Regions.unpacked,
      Unpacked.length,
      Unpacked.isWhole ? Unpacked.length : max<u32>(u32le(start + 20), Unpacked.length),
    );
  } else {
    message.mark(Mark.MALFORMED);
    malformed();
    w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
  }
}

/** Unpacks `length` bytes at `start`, all of them or not, to `Regions.unpacked`; false where they are no such thing. */
function unpack(compressor: u32, start: usize, length: u32, isAll: bool): bool {
  if (compressor == SNAPPY) {
    const isSnappy = unsnap(start, length, Regions.unpacked, UNPACKED_BYTES_MAX);
    Unpacked.length = Snappy.length;
    Unpacked.isWhole = Snappy.isWhole;
    return isSnappy;
  }
  inflateOpen(start, length, Regions.unpacked);
  const outcome = inflate(UNPACKED_BYTES_MAX);
  Unpacked.length = <u32>(Inflate.out - Inflate.start);
  Unpacked.isWhole = outcome == Inflated.DONE;
  return outcome != Inflated.BAD && !(isAll && outcome == Inflated.TRUNCATED);
}

/** Walks over unpacked bytes, then gives the turn back. */
function walkOver(w: Walk, start: usize, length: u32, total: u32): void {
  const turnStart = Turn.start;
  const turnAt = Turn.at;
  const turnEnd = Turn.end;
  const windowStart = Window.start;
  const windowEnd = Window.end;
  Turn.start = start;
  Turn.at = start;
  Turn.end = start + length;
  Window.open(start, length);
  w.left = total;
  const answer = walk(w);
  // What is behind what is read.
  if (answer == Walked.DONE) keepContents(w, min<u32>(Turn.left, w.left));
  Parse.need = 0;
  Parse.skip = 0;
  if (answer != Walked.DONE) {
    w.set(WalkFlag.BROKEN | WalkFlag.UNCOUNTED);
    changetype<Message>(w.message).mark(answer == Walked.FAULT ? Mark.MALFORMED : Mark.TRUNCATED);
    if (answer == Walked.FAULT) malformed();
  }
  Turn.start = turnStart;
  Turn.at = turnAt;
  Turn.end = turnEnd;
  Window.start = windowStart;
  Window.end = windowEnd;
}
