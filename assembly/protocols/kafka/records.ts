/**
 * Records: how many there are, by the headers of their batches; none is looked into, and kept as bytes at the most (payload.ts).
 *
 * ```
 * batch (magic 2):    0 base offset i64 | 8 length i32 | 12 leader epoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16
 *                    23 last offset delta i32 | 27 first and last time 2 x i64 | 43 producer id i64 | 51 epoch i16
 *                    53 base sequence i32 | 57 records i32
 * message (0 and 1):  0 offset i64 | 8 size i32 | 12 crc i32 | 16 magic i8 | 17 attributes i8 ...
 * ```
 * The last batch of a fetch may be cut off at the size that was asked for, and is no batch then. A message of the older forms whose
 * attributes name a compression holds a set of others, which is not looked into: how many there are is then not known.
 */
import { u8At, u32be } from "../../bytes/reader";
import { Turn } from "../shared/turn";
import { keepRecords } from "./keep";
import { keepBatch, openBatch } from "./payload";
import { have, take } from "./step";
import { Walk, Walked, WalkFlag } from "./walk-state";

const LENGTH: u32 = 8;
const MAGIC: u32 = 16;
const ATTRIBUTES: u32 = 17;
const COUNT: u32 = 57;
/** Bytes before those that `length` counts. */
const LENGTH_END: u32 = 12;
const COMPRESSION: u32 = 7;
/** Shortest batch of magic 2, and shortest older message. */
const BATCH_BYTES_MIN: u32 = 61;
const MESSAGE_BYTES_MIN: u32 = 26;

/** Steps over one batch, or the rest where there is no whole one. */
export function stepRecords(w: Walk): u32 {
  if (w.blob < MESSAGE_BYTES_MIN) return pass(w, w.blob, 0);
  let answer = have(w, ATTRIBUTES + 1);
  if (answer != Walked.GO) return answer;
  const length = u32be(Turn.at + LENGTH);
  const magic = u8At(Turn.at + MAGIC);
  const isOlder = magic < 2;
  const least = isOlder ? MESSAGE_BYTES_MIN : BATCH_BYTES_MIN;
  if (magic > 2 || length > 0x7fffffff || length + LENGTH_END < least) {
    w.set(WalkFlag.RECORDS_UNKNOWN);
    return pass(w, w.blob, 0);
  }
  const bytes = length + LENGTH_END;
  if (bytes > w.blob) return pass(w, w.blob, 0);
  if (isOlder) {
    if (u8At(Turn.at + ATTRIBUTES) & COMPRESSION) w.set(WalkFlag.RECORDS_UNKNOWN);
    return passBatch(w, bytes, 1);
  }
  answer = have(w, BATCH_BYTES_MIN);
  if (answer != Walked.GO) return answer;
  return passBatch(w, bytes, u32be(Turn.at + COUNT));
}

/** Steps over a batch of `bytes` with `count` records. */
function passBatch(w: Walk, bytes: u32, count: u32): u32 {
  openBatch(w);
  return pass(w, bytes, count);
}

/** Steps over `bytes` with `count` records. */
function pass(w: Walk, bytes: u32, count: u32): u32 {
  keepRecords(w, bytes, count);
  w.blob -= bytes;
  const here = min<u32>(bytes, Turn.left);
  if (w.is(WalkFlag.KEEPS)) keepBatch(w, here, bytes);
  take(w, here);
  w.skip = bytes - here;
  return Walked.GO;
}
