/**
 * Whether bytes are a Kafka request. A response says nothing of itself: it is known by the request.
 *
 * The header leaves one chance in many millions to other bytes; where the whole message is there and its form is known, it must
 * also end where it says.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Regions } from "../../regions";
import { messageScratch } from "../../roundtrip/message";
import { Found, Parse } from "../protocol";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { API_KEY, API_VERSION, CLIENT_ID, CLIENT_ID_TEXT, isBare, isRequest, SIZE_BYTES } from "./header";
import { isFlexible, newestVersion } from "./numbers";
import { openWalk } from "./open";
import { walk } from "./walk";
import { WALK_BYTES, Walk, Walked } from "./walk-state";

const OWN_PORT: u32 = 9092;
const TRIAL: usize = memory.data(112, 8);
const PRODUCE: u32 = 0;

/** The contract's probe. */
export function probeKafka(start: usize, length: u32): u32 {
  // The parser finds its place by itself.
  if (Parse.isKnown) return Found.REQUEST;
  if (length < CLIENT_ID_TEXT) return mayBegin(start, length) ? Found.MORE : Found.NO;
  if (!isRequest(start, length)) return Found.NO;
  const own = Parse.destinationPort == OWN_PORT || Parse.sourcePort == OWN_PORT;
  if (!own && u16be(start + CLIENT_ID) == 0) return Found.NO;
  const size = u32be(start);
  if (length < size + SIZE_BYTES) return own || isBegun(start, length) ? Found.REQUEST : Found.NO;
  return holdsTogether(start, size) ? Found.REQUEST : Found.NO;
}

/** Whether fewer bytes than a header has may be the beginning of one. */
function mayBegin(start: usize, length: u32): bool {
  if (length == 0) return true;
  if (u8At(start) > 6) return false;
  if (length > API_KEY && u8At(start + API_KEY) != 0) return false;
  return length <= API_VERSION || u8At(start + API_VERSION) == 0;
}

/** Whether a message that goes on behind the bytes in hand is well begun: its walk finds no fault. */
function isBegun(start: usize, length: u32): bool {
  const answer = trial(start, length);
  if (answer == Walked.FAULT) return false;
  if (u16be(start + API_KEY) != PRODUCE) return true;
  const message = messageScratch(F.KAFKA, F.FIXED_END, 0);
  const acks = load<i32>(changetype<usize>(message), F.ACKS);
  return acks >= -1 && acks <= 1;
}

/** Whether a whole message ends where it says. */
function holdsTogether(start: usize, size: u32): bool {
  const answer = trial(start, size + SIZE_BYTES);
  if (answer == Walked.DONE) return true;
  if (answer != Walked.UNREAD) return false;
  const key = u16be(start + API_KEY);
  return !isBare(key, u16be(start + API_VERSION)) || isFlexible(key, 0) || newestVersion(key) != 0;
}

/** Walks through a request for a trial, its fields into the scratch message. */
function trial(start: usize, length: u32): u32 {
  assert(Regions.scratch != 0);
  const before = Parse.need;
  const message = messageScratch(F.KAFKA, F.FIXED_END, 0);
  const w = changetype<Walk>(TRIAL);
  memory.fill(TRIAL, 0, WALK_BYTES);
  openWalk(w, u16be(start + API_KEY), u16be(start + API_VERSION), false);
  w.message = <u32>changetype<usize>(message);
  w.left = u32be(start) + SIZE_BYTES - CLIENT_ID;
  Turn.open(0, start, length);
  Turn.at = start + CLIENT_ID;
  const answer = walk(w);
  Parse.need = before;
  Parse.skip = 0;
  return answer;
}
