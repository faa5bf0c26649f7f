/**
 * Whether bytes are DNS.
 *
 * On its own ports, and where a connection is known to speak it, a message is taken that may be broken: its counts fit, and its first
 * question or record is of a known class. On any other it must hold together: one question of a known class with a printable name,
 * and all records ending where the message does.
 */
import { u8At, u16be } from "../../bytes/reader";
import { Found, OVER_UDP, Parse } from "../protocol";
import { HEADER_BYTES, isPlausible, isResponse, recordCount } from "./message";
import { NAME_BYTES_MAX, skipName } from "./name";

const PORT_DNS: u32 = 53;
const PORT_MDNS: u32 = 5353;
const PORT_LLMNR: u32 = 5355;
/** NetBIOS names travel in the same form, RFC 1002, and are not DNS. */
const PORT_NETBIOS: u32 = 137;
/** A header, a root name, type and class. */
const MESSAGE_BYTES_MIN: u32 = 17;
const RECORDS_PLAUSIBLE_MAX: u32 = 512;
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
  if (Parse.transport != OVER_UDP) return probeStream(start, length, own || Parse.isKnown);
  if (length < HEADER_BYTES) return Found.NO;
  if (!own && (Parse.sourcePort == PORT_NETBIOS || Parse.destinationPort == PORT_NETBIOS)) return Found.NO;
  const total = Parse.wireLength;
  const found = own ? weigh(start, min(length, total), total) : weighStrictly(start, min(length, total), total);
  if (found != Found.MORE) return found;
  return own ? side(start) : Found.NO;
}

/** A message that is longer than what can lie together is taken by that much of it. */
function probeStream(start: usize, length: u32, own: bool): u32 {
  if (length < 2 + HEADER_BYTES) return mayBegin(start, length, own) ? Found.MORE : Found.NO;
  const total = u16be(start);
  const there = min(length - 2, total);
  const found = own ? weigh(start + 2, there, total) : weighStrictly(start + 2, there, total);
  if (found != Found.MORE) return found;
  if (there >= TOGETHER_MAX) return side(start + 2);
  return Parse.isCut ? Found.NO : Found.MORE;
}

/** Whether fewer bytes than a length and a header have may be the beginning of one; elsewhere than at home, of a short message. */
function mayBegin(start: usize, length: u32, own: bool): bool {
  if (length >= 2 && u16be(start) < (own ? HEADER_BYTES : MESSAGE_BYTES_MIN)) return false;
  if (own || length == 0) return true;
  if (u8At(start) >= 0x20) return false;
  return length <= 6 || (u8At(start + 6) == 0 && (length == 7 || u8At(start + 7) == 1));
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
  return isPlausible(start, total);
}

/**
 * What the `there` bytes of a message of `total` are where DNS is at home. Its first question or record must be of a known class, and
 * it must have a name that can be read or hold all its records; MORE where that is still to come.
 */
function weigh(start: usize, there: u32, total: u32): u32 {
  if (!isHeader(start, total)) return Found.NO;
  if (total == HEADER_BYTES) return side(start);
  const end = start + there;
  const name = pastName(start + HEADER_BYTES, end, false);
  if (name == 0) return Found.NO;
  const toCome = there < total ? Found.MORE : Found.NO;
  if (name + 4 > end) return toCome;
  const questions = u16be(start + 4);
  const type = u16be(name);
  if (type == 0 || !(isClass(u16be(name + 2) & 0x7fff) || (questions == 0 && type == TYPE_OPT))) return Found.NO;
  const isNamed = u8At(start + HEADER_BYTES) != 0 && pastName(start + HEADER_BYTES, end, true) != 0;
  if (isNamed) return side(start);
  if (there < total) return toCome;
  const records = pastQuestions(start + HEADER_BYTES, end, questions);
  const past: usize = records == 0 ? 0 : pastRecords(records, end, recordCount(start));
  return past != 0 && end - past <= TRAILING_BYTES_MAX ? side(start) : Found.NO;
}

/** Whether a class is the Internet's, Chaos', Hesiod's, none or any. */
function isClass(klass: u32): bool {
  return klass == 1 || klass == 3 || klass == 4 || klass == 254 || klass == 255;
}

/** What the `there` bytes of a message of `total` are on any port: one beyond doubt, or none; MORE where they are too few. */
function weighStrictly(start: usize, there: u32, total: u32): u32 {
  if (!isStrictHeader(start, total)) return Found.NO;
  const end = start + there;
  const name = pastName(start + HEADER_BYTES, end, true);
  if (name == 0) return Found.NO;
  const toCome = there < total ? Found.MORE : Found.NO;
  if (name + 4 > end) return toCome;
  if (u16be(name) == 0 || !isClass(u16be(name + 2) & 0x7fff)) return Found.NO;
  if (there < total) return toCome;
  return pastRecords(name + 4, end, recordCount(start)) == end ? side(start) : Found.NO;
}

/** Whether a header of a message of `total` bytes is beyond doubt: of one question, and with what such messages have. */
function isStrictHeader(start: usize, total: u32): bool {
  if (total < MESSAGE_BYTES_MIN) return false;
  const flags = u16be(start + 2);
  const opcode = (flags >> 11) & 15;
  if ((flags & 0x0040) != 0 || (opcode != 0 && opcode != 4 && opcode != 5)) return false;
  if (u16be(start + 4) != 1 || recordCount(start) > RECORDS_PLAUSIBLE_MAX) return false;
  if ((flags & 0x8000) != 0) return true;
  if (opcode == 0 && (u16be(start + 6) != 0 || u16be(start + 8) > 1 || u16be(start + 10) > 3)) return false;
  return (flags & 15) == 0;
}

/**
 * One past the name at `start`, which lies behind `end` where the name goes on there; 0 where it breaks the rules. A printable one has
 * no pointers and only printable labels.
 */
function pastName(start: usize, end: usize, isPrintable: bool): usize {
  let at = start;
  while (at < end) {
    const length = u8At(at);
    if (length == 0) return at + 1;
    if (length >= 0xc0 && !isPrintable) return at + 2;
    if (length > 63 || at + length - start >= NAME_BYTES_MAX) return 0;
    const labelEnd = min(at + 1 + length, end);
    for (let letter = at + 1; isPrintable && letter < labelEnd; letter++) {
      const byte = u8At(letter);
      if (byte < 33 || byte > 126) return 0;
    }
    at += length + 1;
  }
  return max(at, end + 1);
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
