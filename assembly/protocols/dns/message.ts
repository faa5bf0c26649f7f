/**
 * DNS messages, RFC 1035 section 4, with EDNS (RFC 6891) and client subnet (RFC 7871).
 *
 * ```
 *  0 id | 2 flags: QR opcode AA TC RD RA Z AD CD rcode | 4 QDCOUNT | 6 ANCOUNT | 8 NSCOUNT | 10 ARCOUNT | 12 questions, records
 * ```
 */

import { lower } from "../../bytes/ascii";
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import * as F from "./fields";
import { NAME_TEXT_MAX, Name, NameForm, readName, skipName } from "./name";
import { putSubnet } from "./subnet";

export const HEADER_BYTES: u32 = 12;
const FLAGS_AT: usize = 2;
const QUESTIONS_AT: usize = 4;
const ANSWERS_AT: usize = 6;
const AUTHORITIES_AT: usize = 8;
const ADDITIONALS_AT: usize = 10;
const RESPONSE_BIT: u32 = 0x8000;
const OPCODE_SESSION: u32 = 6;
const TYPE_OPT: u32 = 41;
const OPTION_CLIENT_SUBNET: u32 = 8;
/** The shortest question: a root name, type and class. */
const QUESTION_BYTES_MIN: u32 = 5;
/** Bytes of a record after its name: type, class, TTL, length of its data. */
const RECORD_HEAD_BYTES: u32 = 10;

/** Text of the name that was read last. */
const NAME_TEXT: usize = memory.data(1056);
const SUBNET_TEXT: usize = memory.data(64);

/** What a walk found wrong, as label `reason` of `dns_malformed_total` numbers it. */
export class DnsFault {
  static readonly NONE: u32 = 0;
  static readonly HEADER: u32 = 1;
  static readonly QUESTION: u32 = 2;
  static readonly RECORD: u32 = 3;
}

/** Where records begin and whether the walk ended well. */
export class Walk {
  static message: usize = 0;
  static end: usize = 0;
  /** First record, 0 when the questions could not be passed. */
  static records: usize = 0;
  /** One past the last record, 0 when they could not be passed. */
  static last: usize = 0;
  static fault: u32 = 0;
  /** Key of the first question: name without case, type and class; 0 where it is not known. */
  static question: u32 = 0;
}

/** Whether the header at `start`, of which 12 bytes are there, is a response's. */
export function isResponse(start: usize): bool {
  return (u16be(start + FLAGS_AT) & RESPONSE_BIT) != 0;
}

/** Records that the header at `start` announces. */
export function recordCount(start: usize): u32 {
  return u16be(start + ANSWERS_AT) + u16be(start + AUTHORITIES_AT) + u16be(start + ADDITIONALS_AT);
}

/**
 * Whether a message of `total` bytes, 12 at least, may have the header at `start`: what it announces finds room in it, and one that
 * announces nothing is a header alone, or of a session (RFC 8490 section 5.4).
 */
export function isPlausible(start: usize, total: u32): bool {
  const bytes = u16be(start + QUESTIONS_AT) * QUESTION_BYTES_MIN + recordCount(start) * (1 + RECORD_HEAD_BYTES);
  if (bytes == 0) return total == HEADER_BYTES || ((u16be(start + FLAGS_AT) >> 11) & 15) == OPCODE_SESSION;
  return HEADER_BYTES + bytes <= total;
}

/**
 * Reads header, first question and EDNS of the message of `captured` bytes at `start` (12 at least) into `message`; answers
 * where that now is. `whole` says that no byte is missing behind.
 */
export function readMessage(message: Message, start: usize, captured: u32, whole: bool): Message {
  Walk.message = start;
  Walk.end = start + captured;
  Walk.records = 0;
  Walk.last = 0;
  Walk.fault = DnsFault.NONE;
  Walk.question = 0;
  readHeader(message, start);
  const m = readQuestions(message, u16be(start + QUESTIONS_AT), whole);
  if (Walk.records == 0) return m;
  return readEdns(m, recordCount(start), u16be(start + ADDITIONALS_AT), whole);
}

function readHeader(message: Message, start: usize): void {
  const at = changetype<usize>(message);
  const bits = u16be(start + FLAGS_AT);
  let flags: u32 = 0;
  if (bits & 0x0400) flags |= F.DnsFlag.AA;
  if (bits & 0x0200) flags |= F.DnsFlag.TC;
  if (bits & 0x0100) flags |= F.DnsFlag.RD;
  if (bits & 0x0080) flags |= F.DnsFlag.RA;
  if (bits & 0x0020) flags |= F.DnsFlag.AD;
  if (bits & 0x0010) flags |= F.DnsFlag.CD;
  store<u16>(at + F.ID, u16be(start));
  store<u16>(at + F.FLAGS, flags);
  store<u16>(at + F.OPCODE, (bits >> 11) & 15);
  store<u16>(at + F.RCODE, bits & 15);
  store<u16>(at + F.QUESTIONS, u16be(start + QUESTIONS_AT));
  store<u16>(at + F.ANSWERS, u16be(start + ANSWERS_AT));
  store<u16>(at + F.AUTHORITIES, u16be(start + AUTHORITIES_AT));
  store<u16>(at + F.ADDITIONALS, u16be(start + ADDITIONALS_AT));
  message.present |= (1 << F.DnsField.ID) | (1 << F.DnsField.FLAGS) | (1 << F.DnsField.OPCODE);
  if (bits & RESPONSE_BIT) {
    message.present |=
      (1 << F.DnsField.RCODE) |
      (1 << F.DnsField.RCODE_NAME) |
      (1 << F.DnsField.ANSWERS) |
      (1 << F.DnsField.AUTHORITIES) |
      (1 << F.DnsField.ADDITIONALS);
  }
}

function fault(message: Message, reason: u32, whole: bool): void {
  if (whole || !Name.cut) {
    Walk.fault = reason;
    message.mark(Mark.MALFORMED);
  } else if (!Parse.isCut) {
    message.mark(Mark.TRUNCATED);
  }
}

function readQuestions(message: Message, count: u32, whole: bool): Message {
  let m = message;
  let at = Walk.message + HEADER_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const read = i == 0 ? readName(Walk.message, at, Walk.end, NAME_TEXT, formOf(m)) : stepName(at);
    if (!read) {
      fault(m, DnsFault.QUESTION, whole);
      return m;
    }
    at = Name.end;
    if (i == 0) m = keepName(m);
    if (at + 4 > Walk.end) {
      Name.cut = true;
      fault(m, DnsFault.QUESTION, whole);
      return m;
    }
    if (i == 0) {
      const into = changetype<usize>(m);
      store<u16>(into + F.TYPE, u16be(at));
      // The top bit of the class asks for a unicast response in multicast DNS, RFC 6762 section 5.4.
      store<u16>(into + F.CLASS, u16be(at + 2) & 0x7fff);
      m.present |= (1 << F.DnsField.TYPE) | (1 << F.DnsField.CLASS);
      Walk.question = (<u32>(Name.key >> 32) ^ load<u32>(into + F.TYPE)) | 1;
    }
    at += 4;
  }
  Walk.records = at;
  return m;
}

/** A response's name is only shown with events; a query's is counted in any case, in lower case. */
function formOf(message: Message): u32 {
  if (Settings.events) return NameForm.AS_IS;
  return message.knows(F.DnsField.RCODE) ? NameForm.KEY_ONLY : NameForm.LOWER;
}

/** Puts the name that was read into `message` as NAME, and in lower case as LOWER_NAME, which may be the same text. */
function keepName(message: Message): Message {
  message.know(F.DnsField.NAME);
  if (Name.length == 0) return message;
  const m = messageText(message, F.NAME, NAME_TEXT, Name.length, NAME_TEXT_MAX);
  const at = changetype<usize>(m);
  store<u32>(at + F.LOWER_NAME, load<u32>(at + F.NAME));
  if (!Name.upper || !Settings.events) return m;
  for (let i: u32 = 0; i < Name.length; i++) store<u8>(NAME_TEXT + i, lower(load<u8>(NAME_TEXT + i)));
  return messageText(m, F.LOWER_NAME, NAME_TEXT, Name.length, NAME_TEXT_MAX);
}

function stepName(at: usize): bool {
  const end = skipName(at, Walk.end);
  Name.end = end;
  Name.cut = end == 0;
  return end != 0;
}

/** Passes all records and takes what the OPT among the last `additionals` says. */
function readEdns(message: Message, count: u32, additionals: u32, whole: bool): Message {
  let m = message;
  let at = Walk.records;
  for (let i: u32 = 0; i < count; i++) {
    if (!stepName(at) || Name.end + RECORD_HEAD_BYTES > Walk.end) {
      Name.cut = true;
      fault(m, DnsFault.RECORD, whole);
      return m;
    }
    const head = Name.end;
    const length = u16be(head + 8);
    const next = head + RECORD_HEAD_BYTES + length;
    if (next > Walk.end) {
      Name.cut = true;
      fault(m, DnsFault.RECORD, whole);
      return m;
    }
    if (i >= count - additionals && u16be(head) == TYPE_OPT) m = readOpt(m, head, head + RECORD_HEAD_BYTES, next);
    at = next;
  }
  Walk.last = at;
  return m;
}

/** RFC 6891 section 6.1: the class is the UDP size, the TTL holds the high bits of the rcode and DO. */
function readOpt(message: Message, head: usize, start: usize, end: usize): Message {
  let m = message;
  const into = changetype<usize>(m);
  store<u16>(into + F.UDP_SIZE, u16be(head + 2));
  m.know(F.DnsField.UDP_SIZE);
  const extended = u32be(head + 4);
  store<u16>(into + F.RCODE, <u32>load<u16>(into + F.RCODE) | ((extended >> 24) << 4));
  if (extended & 0x8000) store<u16>(into + F.FLAGS, <u32>load<u16>(into + F.FLAGS) | F.DnsFlag.DO);
  let at = start;
  while (at + 4 <= end) {
    const length = u16be(at + 2);
    if (at + 4 + length > end) break;
    if (u16be(at) == OPTION_CLIENT_SUBNET && length >= 4) {
      const text = putSubnet(SUBNET_TEXT, u16be(at + 4), u8At(at + 6), at + 8, length - 4);
      if (text != SUBNET_TEXT) {
        m = messageText(m, F.ECS, SUBNET_TEXT, <u32>(text - SUBNET_TEXT), 64);
        m.know(F.DnsField.ECS);
      }
    }
    at += 4 + length;
  }
  return m;
}
