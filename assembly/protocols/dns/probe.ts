/**
 * Whether bytes are DNS.
 *
 * On its own ports a message is taken that may be broken: its counts fit, and its first question or record is of a known class.
 * On any other it must hold together: one question of a known class with a printable name, and all records ending where the
 * message does.
 */
import { u8At, u16be } from "../../bytes/reader";
import { Found, OVER_UDP, Parse } from "../protocol";
import { HEADER_BYTES, isResponse, recordCount } from "./message";
import { skipName } from "./name";

const PORT_DNS: u32 = 53;
const PORT_MDNS: u32 = 5353;
const PORT_LLMNR: u32 = 5355;
/** NetBIOS names travel in the same form, RFC 1002, and are not DNS. */
const PORT_NETBIOS: u32 = 137;
/** A header, a root name, type and class. */
const MESSAGE_BYTES_MIN: u32 = 17;
const RECORDS_PLAUSIBLE_MAX: u32 = 512;
/** The shortest question, a root name with type and class; the shortest record, with time to live and length besides. */
const QUESTION_BYTES_MIN: u32 = 5;
const RECORD_BYTES_MIN: u32 = 11;
/** Bytes of a message over TCP that can lie together. */
const TOGETHER_MAX: u32 = 4078;
/** Bytes of padding behind a message of no name at the most. */
const TRAILING_BYTES_MAX: usize = 3;
/** Operation codes up to 6 are assigned (RFC 8490). */
const OPCODE_MAX: u32 = 6;
const TYPE_OPT: u32 = 41;

/** Whether a port is one of DNS' own. */
function isDnsPort(port: u32): bool {
  return port == PORT_DNS || port == PORT_MDNS || port == PORT_LLMNR;
}

/** The contract's probe. */
export function probeDns(start: usize, length: u32): u32 {
  const own = isDnsPort(Parse.sourcePort) || isDnsPort(Parse.destinationPort);
  if (Parse.transport == OVER_UDP) {
    if (length < HEADER_BYTES) return Found.NO;
    const whole = length >= Parse.wireLength;
    if (own) return isLikely(start, length, Parse.wireLength) ? side(start) : Found.NO;
    if (Parse.sourcePort == PORT_NETBIOS || Parse.destinationPort == PORT_NETBIOS) return Found.NO;
    return holdsTogether(start, length, length, whole) ? side(start) : Found.NO;
  }
  if (length < 2 + HEADER_BYTES) return length == 0 || u8At(start) < 0x20 ? Found.MORE : Found.NO;
  const total = u16be(start);
  const least = own ? HEADER_BYTES : MESSAGE_BYTES_MIN;
  if (total < least) return Found.NO;
  const there = length - 2 < total ? length - 2 : total;
  if (own && there < total && total <= TOGETHER_MAX && !Parse.isCut) return isHeader(start + 2, total) ? Found.MORE : Found.NO;
  if (own) return isLikely(start + 2, there, total) ? side(start + 2) : Found.NO;
  return holdsTogether(start + 2, there, total, there == total) ? side(start + 2) : Found.NO;
}

function side(start: usize): u32 {
  return isResponse(start) ? Found.RESPONSE : Found.REQUEST;
}

/** Whether a header may be that of a message of `total` bytes: its counts fit into them. */
function isHeader(start: usize, total: u32): bool {
  const flags = u16be(start + 2);
  const opcode = (flags >> 11) & 15;
  const questions = u16be(start + 4);
  const records = recordCount(start);
  if (opcode > OPCODE_MAX) return false;
  // A header alone refuses something, or is one of a session's.
  if (questions + records == 0) return total == HEADER_BYTES && (opcode == OPCODE_MAX || (flags & 0x8000 && flags & 15));
  return HEADER_BYTES + questions * QUESTION_BYTES_MIN + records * RECORD_BYTES_MIN <= total;
}

/**
 * Whether a message with such a header is one where DNS is at home: its first question or record is of a known class, and it has
 * a name that can be read or holds all its records.
 */
function isLikely(start: usize, there: u32, total: u32): bool {
  if (!isHeader(start, total)) return false;
  const end = start + there;
  const questions = u16be(start + 4);
  if (total == HEADER_BYTES) return true;
  const name = skipName(start + HEADER_BYTES, end);
  if (name == 0 || name + 4 > end) return there < total;
  const type = u16be(name);
  if (type == 0 || !(isClass(u16be(name + 2) & 0x7fff) || (questions == 0 && type == TYPE_OPT))) return false;
  const isNamed = u8At(start + HEADER_BYTES) != 0 && printableName(start + HEADER_BYTES, end) != 0;
  if (isNamed || there < total) return true;
  const records = pastQuestions(start + HEADER_BYTES, end, questions);
  const past: usize = records == 0 ? 0 : pastRecords(records, end, recordCount(start));
  return past != 0 && end - past <= TRAILING_BYTES_MAX;
}

/** Whether a class is the Internet's, Chaos', Hesiod's, none or any. */
function isClass(klass: u32): bool {
  return klass == 1 || klass == 3 || klass == 4 || klass == 254 || klass == 255;
}

/** Whether `there` captured bytes of a message of `total` are one beyond doubt. */
function holdsTogether(start: usize, there: u32, total: u32, whole: bool): bool {
  if (there < MESSAGE_BYTES_MIN) return false;
  const flags = u16be(start + 2);
  const opcode = (flags >> 11) & 15;
  if ((flags & 0x0040) != 0 || (opcode != 0 && opcode != 4 && opcode != 5)) return false;
  if (u16be(start + 4) != 1) return false;
  const records = recordCount(start);
  if (records > RECORDS_PLAUSIBLE_MAX) return false;
  const response = (flags & 0x8000) != 0;
  if (!response && opcode == 0 && (u16be(start + 6) != 0 || u16be(start + 8) > 1 || u16be(start + 10) > 3)) return false;
  if (!response && (flags & 15) != 0) return false;
  const end = start + there;
  const name = printableName(start + HEADER_BYTES, end);
  if (name == 0 || name + 4 > end) return false;
  const type = u16be(name);
  const klass = u16be(name + 2) & 0x7fff;
  if (type == 0 || !isClass(klass)) return false;
  return whole ? pastRecords(name + 4, end, records) == end : total > there;
}

/** One past a question's name without pointers whose labels are printable, 0 for any other. */
function printableName(start: usize, end: usize): usize {
  let at = start;
  while (at < end) {
    const length = u8At(at);
    if (length == 0) return at + 1;
    if (length > 63 || at + 1 + length > end) return 0;
    for (let i: u32 = 1; i <= length; i++) {
      const byte = u8At(at + i);
      if (byte < 33 || byte > 126) return 0;
    }
    at += length + 1;
  }
  return 0;
}

/** One past `count` questions, 0 where they do not end before `end`. */
function pastQuestions(start: usize, end: usize, count: u32): usize {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const name = skipName(at, end);
    if (name == 0 || name + 4 > end) return 0;
    at = name + 4;
  }
  return at;
}

/** One past `count` records, 0 where they do not end before `end`. */
function pastRecords(start: usize, end: usize, count: u32): usize {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const name = skipName(at, end);
    if (name == 0 || name + 10 > end) return 0;
    at = name + 10 + u16be(name + 8);
    if (at > end) return 0;
  }
  return at;
}
