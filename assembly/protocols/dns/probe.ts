/**
 * Whether bytes are DNS.
 *
 * On its own ports a header is enough. On any other the message must hold together: one question of a known class
 * with a printable name, counts that fit, and all records ending where the message does.
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
    if (own) return side(start);
    if (Parse.sourcePort == PORT_NETBIOS || Parse.destinationPort == PORT_NETBIOS) return Found.NO;
    return holdsTogether(start, length, length, whole) ? side(start) : Found.NO;
  }
  if (length < 2 + HEADER_BYTES) return length == 0 || u8At(start) < 0x20 ? Found.MORE : Found.NO;
  const total = u16be(start);
  const least = own ? HEADER_BYTES : MESSAGE_BYTES_MIN;
  if (total < least) return Found.NO;
  const there = length - 2 < total ? length - 2 : total;
  if (own) return plausibleHeader(start + 2) ? side(start + 2) : Found.NO;
  return holdsTogether(start + 2, there, total, there == total) ? side(start + 2) : Found.NO;
}

function side(start: usize): u32 {
  return isResponse(start) ? Found.RESPONSE : Found.REQUEST;
}

/** Operation codes up to 6 are assigned, RFC 8490; more than a few questions are never sent. */
function plausibleHeader(start: usize): bool {
  return ((u16be(start + 2) >> 11) & 15) <= 6 && u16be(start + 4) <= 64;
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
  if (type == 0 || (klass != 1 && klass != 3 && klass != 4 && klass != 254 && klass != 255)) return false;
  return whole ? passRecords(name + 4, end, records) : total > there;
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

/** Whether `count` records end exactly at `end`. */
function passRecords(start: usize, end: usize, count: u32): bool {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const name = skipName(at, end);
    if (name == 0 || name + 10 > end) return false;
    at = name + 10 + u16be(name + 8);
    if (at > end) return false;
  }
  return at == end;
}
