/**
 * What is kept of records where the host asks for contents (`--body`): the first bytes of whole batches as they are on the wire, each behind a
 * head of our own. The host reads them (shim/output/bodies/kafka.ts).
 *
 * ```
 *   head: 0 row of the message that names the topic u16 | 2 partition i32 | the batch, or a message of the older forms
 * ```
 * They are gathered aside and come behind all else of the message when that ends, so that nothing is left out for them.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { Regions } from "../../regions";
import { Mark } from "../../roundtrip/marks";
import { FIXED_OFFSET, Message, messageCreate, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { keepPayload, openPayload, PAYLOAD_PLACE_BYTES, wantedPayload } from "../shared/payload";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { Walk, WalkFlag } from "./walk-state";

/** Where what is gathered has its place. */
const PLACE: u32 = FIXED_OFFSET;
const PLACE_END: u32 = PLACE + PAYLOAD_PLACE_BYTES;
const HEAD_BYTES: u32 = 6;
const HEAD: usize = memory.data(8, 8);

/** The topic of what brokers agree on, keys of SCRAM and of tokens among it, by its name and by its id (KIP-500, KIP-516). */
const METADATA_TOPIC: string = "__cluster_metadata";
const METADATA_ID: string = "00000000-0000-0000-0000-000000000001";

/** A whole batch of the partition in hand begins at the next byte: it is kept as far as that is wanted. */
export function openBatch(w: Walk): void {
  if (w.keeps == 0) return;
  if (isOfNobody(w) || !openPayloadOf(w)) {
    w.keeps = 0;
    return;
  }
  const payload = changetype<Message>(w.payload);
  if (wantedPayload(payload, PLACE) <= HEAD_BYTES) {
    w.keeps = 0;
    return;
  }
  // A request's row is there, a response's comes behind its partition.
  store<u16>(HEAD, w.isResponse ? w.rows : w.rows - 1);
  store<i32>(HEAD, w.partition, 2);
  keepPayload(payload, PLACE, HEAD, HEAD_BYTES);
  w.set(WalkFlag.KEEPS);
}

/** Keeps what is wanted of the next `here` bytes, which are all that is in hand of `whole` that the batch has left. */
export function keepBatch(w: Walk, here: u32, whole: u32): void {
  const payload = changetype<Message>(w.payload);
  keepPayload(payload, PLACE, Turn.at, here);
  const isFull = wantedPayload(payload, PLACE) == 0;
  if (isFull) w.keeps = 0;
  if (isFull || here == whole) w.clear(WalkFlag.KEEPS);
}

/** Whether `bytes` that are missing are all of a batch that is being kept: they are stepped over, and nothing behind them is kept. */
export function passMissing(w: Walk, bytes: u32): bool {
  if (!w.is(WalkFlag.KEEPS) || bytes > w.skip) return false;
  w.clear(WalkFlag.KEEPS);
  w.keeps = 0;
  w.skip -= bytes;
  w.left -= bytes;
  return true;
}

/** Lets go of what was kept, and keeps no more. */
export function dropRecords(w: Walk): void {
  w.keeps = 0;
  w.clear(WalkFlag.KEEPS);
  if (w.payload != 0) Regions.streamPool.release(w.payload);
  w.payload = 0;
}

/** Puts what was kept behind all else of its message, which may move. */
export function settleRecords(w: Walk): void {
  if (w.payload == 0) return;
  const payload = changetype<Message>(w.payload);
  const kept = payload.textLength(PLACE);
  const before = changetype<Message>(w.message);
  const room = BLOCK_BYTES_MAX - <u32>before.length;
  if (room < kept) before.mark(Mark.TRUNCATED);
  const message = messageText(before, F.BODY, payload.textStart(PLACE), min(kept, room), kept);
  w.message = <u32>changetype<usize>(message);
  if (message.textLength(F.BODY) != 0) message.know(F.KafkaField.BODY);
  dropRecords(w);
}

/** Whether the topic in hand is not known, or one that nobody is to see. */
function isOfNobody(w: Walk): bool {
  if (w.topicEnd == 0) return true;
  const start = w.message + <u32>w.topicAt + 2;
  const length = <u32>(w.topicEnd - w.topicAt) - 2;
  return isNamed(start, length, METADATA_TOPIC) || isNamed(start, length, METADATA_ID);
}

function isNamed(start: usize, length: u32, name: string): bool {
  if (length != <u32>name.length) return false;
  for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(start + i) != <u32>name.charCodeAt(i)) return false;
  return true;
}

/** Whether there is room to keep in. */
function openPayloadOf(w: Walk): bool {
  if (w.payload != 0) return true;
  const made = messageCreate(F.KAFKA, PLACE_END, PLACE_END + Settings.bodyBytes);
  if (made == 0) {
    changetype<Message>(w.message).mark(Mark.TRUNCATED);
    return false;
  }
  w.payload = <u32>changetype<usize>(openPayload(changetype<Message>(made), PLACE, 0));
  return true;
}
