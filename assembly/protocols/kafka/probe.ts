/**
 * Whether bytes are a Kafka request. A response says nothing of itself: it is known by the request.
 *
 * The header leaves one chance in many millions to other bytes; where the whole message is there and its form is known, it must
 * also end where it says.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import * as F from "./fields";
import { API_KEY, API_VERSION, CLIENT_ID, CLIENT_ID_MAX, CLIENT_ID_TEXT, isBare, isRequest, SIZE_BYTES } from "./header";
import { API_KEYS, newestVersion } from "./numbers";
import { tried, tryRequest } from "./trial";
import { Walked } from "./walk-state";

const OWN_PORT: u32 = 9092;
const PRODUCE: u32 = 0;
/** Bytes behind the size of a request that has no client id: its header, and the number of a broker. */
const BARE_BYTES: u32 = 12;
/** Where a Produce's first topic ends at the latest: behind names of 255 bytes of a client, a transaction and the topic. */
const TOPIC_AT_MAX: u32 = 1024;
/** The first version of Produce that names topics by their ids. */
const TOPIC_ID_VERSION: u32 = 13;

/** The contract's probe. */
export function probeKafka(start: usize, length: u32): u32 {
  // The parser finds its place by itself.
  if (Parse.isKnown) return Found.REQUEST;
  if (length < CLIENT_ID_TEXT) return mayBegin(start, length) ? Found.MORE : Found.NO;
  if (!isRequest(start, length)) return Found.NO;
  const own = Parse.destinationPort == OWN_PORT || Parse.sourcePort == OWN_PORT;
  const nameBytes = u16be(start + CLIENT_ID);
  if (!own && nameBytes == 0) return Found.NO;
  const size = u32be(start);
  const isNamed = nameBytes != 0 && nameBytes <= CLIENT_ID_MAX;
  if (length >= size + SIZE_BYTES) return holdsTogether(start, size, isNamed) ? Found.REQUEST : Found.NO;
  if (isBare(u16be(start + API_KEY), u16be(start + API_VERSION))) return size == BARE_BYTES ? Found.MORE : Found.NO;
  if (isNamed && length < CLIENT_ID_TEXT + nameBytes) return Found.MORE;
  return probeBegun(start, length, isNamed);
}

/** Whether fewer bytes than a header has may be the beginning of one. */
function mayBegin(start: usize, length: u32): bool {
  if (length == 0) return true;
  if (u8At(start) > 6) return false;
  if (length > API_KEY && u8At(start + API_KEY) != 0) return false;
  return length <= API_VERSION || u8At(start + API_VERSION) == 0;
}

/** What a message is that goes on behind the bytes in hand: its walk finds no fault, and a topic or the client has a name. */
function probeBegun(start: usize, length: u32, isNamed: bool): u32 {
  const answer = tryRequest(start, length);
  if (answer == Walked.FAULT) return Found.NO;
  if (u16be(start + API_KEY) == PRODUCE) {
    if (hasTopic()) {
      const isId = isNamed || isLikelyId(u16be(start + API_VERSION));
      return isProduce() && isId ? Found.REQUEST : Found.NO;
    }
    return length < TOPIC_AT_MAX ? Found.MORE : Found.NO;
  }
  if (answer == Walked.UNREAD && !isBelieved(start)) return Found.NO;
  if (isNamed) return Found.REQUEST;
  return u32be(start) <= BLOCK_BYTES_MAX - SIZE_BYTES ? Found.MORE : Found.NO;
}

/** Whether a whole message ends where it says; where its form is not known, its client must have a name. */
function holdsTogether(start: usize, size: u32, isNamed: bool): bool {
  const answer = tryRequest(start, size + SIZE_BYTES);
  const key = u16be(start + API_KEY);
  if (answer == Walked.DONE) return key != PRODUCE || (hasTopic() && isProduce());
  if (answer != Walked.UNREAD || !isBelieved(start)) return false;
  return isNamed || (isBare(key, u16be(start + API_VERSION)) && size == BARE_BYTES);
}

/**
 * Whether a request of a version that is not known may be one: a response has its correlation id where a request has both, so it must
 * come from the client or to a broker's own port.
 */
function isBelieved(start: usize): bool {
  const key = u16be(start + API_KEY);
  if (key >= API_KEYS || u16be(start + API_VERSION) <= newestVersion(key)) return true;
  return Parse.isClient || (!Parse.isServer && Parse.destinationPort == OWN_PORT);
}

/** Whether the request that was walked names a topic. */
function hasTopic(): bool {
  return tried().rowsEnd != 0;
}

/** Whether the walked request, a Produce, wants what can be wanted for a topic that can be one. */
function isProduce(): bool {
  const message = tried().message;
  const acks = load<i32>(message, F.ACKS);
  if (acks < -1 || acks > 1) return false;
  const topic = message + <u32>load<u16>(message, F.ROWS);
  const bytes = <u32>load<u16>(topic);
  let letters: u32 = 0;
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(topic + 2 + i);
    if ((byte | 32) - 97 < 26) letters += 1;
    else if (byte - 48 >= 10 && byte != 45 && byte != 46 && byte != 95) return false;
  }
  return letters != 0;
}

/** Whether the topic of a version that has ids in place of names has one that brokers make: random, of version 4 (RFC 9562). */
function isLikelyId(version: u32): bool {
  const message = tried().message;
  return version < TOPIC_ID_VERSION || load<u8>(message + <u32>load<u16>(message, F.ROWS) + 2 + 14) == 52;
}
