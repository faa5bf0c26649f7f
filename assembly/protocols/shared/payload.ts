/**
 * What is kept of a message in its protocol's own form, where the host asks for contents (`--body`): the first bytes of what it carries. The host
 * reads that form (shim/output/bodies/).
 *
 * Its room is made with the message, before any text, so that texts of fields may come in any order.
 *
 * ```
 * place:  0 payload, a text | 4 bytes of it that are still wanted u16
 * ```
 */

import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { copyBytes } from "../../bytes/run";
import { Mark } from "../../roundtrip/marks";
import { Message, messageRoom } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { declareField, FieldKind } from "../field";

const WANTED: u32 = 4;
/** Bytes of a place. */
export const PAYLOAD_PLACE_BYTES: u32 = 8;
/** Index of the field in `present`: the same of all protocols. */
const BODY: u32 = 13;

/** Declares what is kept of one side of protocol `number`, whose place is `place`; behind the fields that its reader asks for. */
export function declarePayload(number: u32, side: u32, place: u32): void {
  declareField(number, side, BODY, FieldKind.BYTES, place, "body", "");
}

/** Makes room in a message that has no texts yet, and that of its fields, `spare` bytes, is not taken; answers where the message now is. */
export function openPayload(message: Message, place: u32, spare: u32): Message {
  if (Settings.bodyBytes == 0) return message;
  const used = <u32>message.length + spare;
  let room = min(Settings.bodyBytes, used < BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX - used : 0);
  // Texts have their room beside it.
  const m = messageRoom(message, room + spare);
  const left = <u32>m.capacity - <u32>m.length;
  if (room + spare > left) room = left > spare ? left - spare : 0;
  const at = changetype<usize>(m) + place;
  store<u16>(at, m.length);
  store<u16>(at, room, WANTED);
  // What is not filled goes out with the message.
  memory.fill(changetype<usize>(m) + m.length, 0, room);
  m.length += <u16>room;
  return m;
}

/** How many bytes more are wanted. */
export function wantedPayload(message: Message, place: u32): u32 {
  return load<u16>(changetype<usize>(message) + place, WANTED);
}

/** How many bytes of a value, `whole` behind `head` bytes that come first, are to be kept and so must lie together. */
export function togetherPayload(message: Message, place: u32, head: u32, whole: u64): u64 {
  const wanted = wantedPayload(message, place);
  return wanted <= head ? 0 : min(<u64>(wanted - head), whole);
}

/** Keeps what is wanted of `length` bytes at `start`, which follow on those before. */
export function keepPayload(message: Message, place: u32, start: usize, length: u64): void {
  const wanted = wantedPayload(message, place);
  if (wanted == 0) return;
  const taken: u32 = length < <u64>wanted ? <u32>length : wanted;
  const kept = message.textLength(place);
  copyBytes(message.textStart(place) + kept, start, taken);
  // It had less room than is asked for.
  if (taken == wanted && kept + taken < Settings.bodyBytes) message.mark(Mark.TRUNCATED);
  if (taken != 0) message.know(BODY);
  store<u16>(changetype<usize>(message) + place, kept + taken, 2);
  store<u16>(changetype<usize>(message) + place, wanted - taken, WANTED);
}

/** What follows is not what follows on the bytes before: no more of it is kept. */
export function closePayload(message: Message, place: u32): void {
  store<u16>(changetype<usize>(message) + place, 0, WANTED);
}

/** Lets go of what was kept: nobody is to see it. */
export function dropPayload(message: Message, place: u32): void {
  closePayload(message, place);
  if (!message.knows(BODY)) return;
  message.present &= ~(1 << BODY);
  memory.fill(message.textStart(place), 0, message.textLength(place));
  store<u32>(changetype<usize>(message) + place, 0);
}
