/**
 * Messages over TCP, each behind its length in two bytes (RFC 1035 section 4.2.2).
 *
 * The header says whether a length can be believed: what it counts must find room in so many bytes. Where bytes inside a message
 * are missing, it is read as far as it goes, and its length says where the next one begins; where more are missing, or bytes are no
 * message, the next segment that begins with one is where it goes on.
 */
import { u16be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { FAULT, Parse } from "../protocol";
import { missResponses, onMessage } from "./match";
import { DnsFault, HEADER_BYTES, isPlausible } from "./message";
import { DnsMetrics } from "./metrics";
import { Place, placeOf, setPlace } from "./place";

/** Bytes of the length before a message. */
const LENGTH_BYTES: u32 = 2;
/** Bytes of a message with its length that are looked at together; the rest of a longer one is stepped over. */
const TOGETHER_MAX: u32 = 4080;

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  let at = start;
  let left = length;
  while (left >= LENGTH_BYTES) {
    const total = u16be(at);
    const hasHeader = left >= LENGTH_BYTES + HEADER_BYTES;
    if (total < HEADER_BYTES || (hasHeader && !isPlausible(at + LENGTH_BYTES, total))) {
      if (at != start) break;
      lose(conversation, side, Place.GARBAGE);
      DnsMetrics.malformed(DnsFault.HEADER);
      return FAULT;
    }
    const bytes = LENGTH_BYTES + total;
    const together = hasHeader ? min(bytes, TOGETHER_MAX) : LENGTH_BYTES + HEADER_BYTES;
    if (left < together && !(hasHeader && Parse.isCut)) {
      Parse.need = together;
      break;
    }
    const there = min(left, bytes);
    onMessage(conversation, side, at + LENGTH_BYTES, there - LENGTH_BYTES, total, marksOf(conversation, side, left < together));
    at += there;
    left -= there;
    Parse.skip = bytes - there;
  }
  return <i32>(at - start);
}

/** What is to be said of the next message of `side`, of which bytes may be missing; its place is known. */
function marksOf(conversation: Conversation, side: u32, isMissing: bool): u32 {
  const isBehindGarbage = placeOf(conversation, side) == Place.GARBAGE;
  setPlace(conversation, side, Place.KNOWN);
  return (isMissing ? Mark.GAP : 0) | (isBehindGarbage ? Mark.RESYNCHRONIZED : 0);
}

/** It is not known any more where the messages of `side` begin: responses may be among what is not read. */
function lose(conversation: Conversation, side: u32, place: u32): void {
  setPlace(conversation, side, place);
  missResponses(conversation, side);
}

/** The contract's gap: bytes missing inside a message cost no other one. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  if (<u64>bytes <= Parse.skip) return true;
  // What was missing before any message of the connection was read concerns none.
  const isBegun = placeOf(conversation, 0) != Place.NONE || placeOf(conversation, 1) != Place.NONE;
  if (isBegun) lose(conversation, side, Place.MISSED);
  return false;
}

/** The contract's finish: nothing is held. */
export function onFinish(_conversation: Conversation, _side: u32): void {}
