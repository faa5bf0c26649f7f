/**
 * Resource records as rows of text, for those who look at single round trips; the metrics do not need them.
 *
 * ```
 * row: section {length u16, text} | name {length u16, text} | type {length u16, text} | ttl u32 | data {length u16, text}
 * ```
 */
import { putIpv4, putIpv6 } from "../../bytes/address";
import { decimal, putText } from "../../bytes/ascii";
import { putName } from "../../bytes/names";
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import * as F from "./fields";
import { HEADER_BYTES, Walk } from "./message";
import { NAME_TEXT_MAX, Name, NameForm, readName } from "./name";
import { TYPE_NAMES } from "./numbers";

/** Bytes that one row may take; the rest of its data is cut. */
const ROW_BYTES_MAX: u32 = 2 * NAME_TEXT_MAX + 512;
/** Bytes of raw data shown in hexadecimal at the most. */
const HEX_BYTES_MAX: u32 = 128;
const TYPE_OPT: u32 = 41;
/** Rows of questions, before they are copied to their message. */
const QUESTION_ROWS_BYTES: u32 = 3072;
const QUESTION_BYTES_MAX: u32 = NAME_TEXT_MAX + 32;
const QUESTION_ROWS: usize = memory.data(3072);

class Rows {
  static at: usize = 0;
}

/** Appends the records behind the questions to the scratch message `response`, as far as it has room. */
export function readRecords(response: Message, start: usize): Message {
  const base = changetype<usize>(response);
  const first = <u32>response.length;
  const answers = <u32>load<u16>(base + F.ANSWERS);
  const authorities = <u32>load<u16>(base + F.AUTHORITIES);
  const count = answers + authorities + <u32>load<u16>(base + F.ADDITIONALS);
  Rows.at = base + first;
  let at = Walk.records;
  for (let i: u32 = 0; i < count; i++) {
    if (Rows.at + ROW_BYTES_MAX > base + response.capacity) {
      response.mark(Mark.TRUNCATED);
      break;
    }
    at = readRow(start, at, i < answers ? "answer" : i < answers + authorities ? "authority" : "additional");
    if (at == 0) break;
  }
  store<u16>(base + F.RECORDS, first);
  store<u16>(base + F.RECORDS + 2, Rows.at - base - first);
  response.length = <u16>(Rows.at - base);
  response.know(F.DnsField.RECORDS);
  return response;
}

/**
 * Appends the questions of the message that was read last, which has `count` of them, to `message`, as far as there is room;
 * answers where the message now is.
 */
export function readAllQuestions(message: Message, count: u32): Message {
  Rows.at = QUESTION_ROWS;
  let at = Walk.message + HEADER_BYTES;
  for (let i: u32 = 0; i < count && Rows.at + QUESTION_BYTES_MAX <= QUESTION_ROWS + QUESTION_ROWS_BYTES; i++) {
    if (!readName(Walk.message, at, Walk.end, Rows.at + 2, NameForm.AS_IS) || Name.end + 4 > Walk.end) break;
    closeText(Rows.at, Rows.at + 2 + Name.length);
    closeText(Rows.at, putName(Rows.at + 2, TYPE_NAMES, u16be(Name.end), "TYPE"));
    at = Name.end + 4;
  }
  const m = messageText(message, F.ALL_QUESTIONS, QUESTION_ROWS, <u32>(Rows.at - QUESTION_ROWS), QUESTION_ROWS_BYTES);
  m.know(F.DnsField.QUESTIONS);
  return m;
}

/** Closes a text that was written behind a length still to be filled in. */
function closeText(lengthAt: usize, end: usize): void {
  store<u16>(lengthAt, end - lengthAt - 2);
  Rows.at = end;
}

/** Writes one record as a row; answers where the next begins, 0 where this one breaks off. OPT has no row. */
function readRow(message: usize, start: usize, section: string): usize {
  const row = Rows.at;
  closeText(row, putText(row + 2, section));
  if (!readName(message, start, Walk.end, Rows.at + 2, NameForm.AS_IS)) {
    Rows.at = row;
    return 0;
  }
  closeText(Rows.at, Rows.at + 2 + Name.length);
  const head = Name.end;
  if (head + 10 > Walk.end || head + 10 + u16be(head + 8) > Walk.end) {
    Rows.at = row;
    return 0;
  }
  const type = u16be(head);
  const length = u16be(head + 8);
  const next = head + 10 + length;
  if (type == TYPE_OPT) {
    Rows.at = row;
    return next;
  }
  closeText(Rows.at, putName(Rows.at + 2, TYPE_NAMES, type, "TYPE"));
  store<u32>(Rows.at, u32be(head + 4));
  Rows.at += 4;
  closeText(Rows.at, putData(Rows.at + 2, message, type, head + 10, length));
  return next;
}

/** Writes a record's data in the form of zone files; what has no form here as RFC 3597 has it. */
function putData(at: usize, message: usize, type: u32, start: usize, length: u32): usize {
  if (type == 1 && length == 4) return putIpv4(at, start);
  if (type == 28 && length == 16) return putIpv6(at, start);
  if (type == 2 || type == 5 || type == 12 || type == 39) return putNameAfter(at, message, start, start + length, 0);
  if (type == 15 && length > 2) return putNameAfter(decimal(at, u16be(start)), message, start + 2, start + length, 32);
  if (type == 33 && length > 6) return putService(at, message, start, start + length);
  if (type == 6) return putAuthority(at, message, start, start + length);
  if (type == 16 || type == 99) return putStrings(at, start, length);
  return putHexadecimal(at, start, length);
}

/** Writes a name, behind `separator` where that is not 0. */
function putNameAfter(at: usize, message: usize, start: usize, end: usize, separator: u32): usize {
  let out = at;
  if (separator != 0) store<u8>(out++, separator);
  return readName(message, start, end, out, NameForm.AS_IS) ? out + Name.length : out;
}

function putService(at: usize, message: usize, start: usize, end: usize): usize {
  let out = decimal(at, u16be(start));
  store<u8>(out, 32);
  out = decimal(out + 1, u16be(start + 2));
  store<u8>(out, 32);
  out = decimal(out + 1, u16be(start + 4));
  return putNameAfter(out, message, start + 6, end, 32);
}

function putAuthority(at: usize, message: usize, start: usize, end: usize): usize {
  let out = putNameAfter(at, message, start, end, 0);
  const second = Name.end;
  if (second == 0 || second >= end) return out;
  out = putNameAfter(out, message, second, end, 32);
  let number = Name.end;
  if (number == 0 || number + 20 > end) return out;
  for (let i = 0; i < 5; i++) {
    store<u8>(out, 32);
    out = decimal(out + 1, u32be(number));
    number += 4;
  }
  return out;
}

/** Writes character strings in quotes, each byte that is not printable escaped. */
function putStrings(at: usize, start: usize, length: u32): usize {
  const limit = at + NAME_TEXT_MAX;
  const end = start + length;
  let out = at;
  let from = start;
  while (from < end) {
    const bytes = u8At(from);
    if (from + 1 + bytes > end) break;
    if (out != at) store<u8>(out++, 32);
    store<u8>(out++, 34);
    for (let i: u32 = 1; i <= bytes && out + 8 < limit; i++) {
      const byte = u8At(from + i);
      if (byte == 34 || byte == 92) store<u8>(out++, 92);
      if (byte >= 32 && byte < 127) {
        store<u8>(out++, byte);
        continue;
      }
      store<u8>(out, 92);
      store<u8>(out, 48 + byte / 100, 1);
      store<u8>(out, 48 + ((byte / 10) % 10), 2);
      store<u8>(out, 48 + (byte % 10), 3);
      out += 4;
    }
    store<u8>(out++, 34);
    from += bytes + 1;
    if (out + 8 >= limit) break;
  }
  return out;
}

function putHexadecimal(at: usize, start: usize, length: u32): usize {
  store<u8>(at, 92);
  store<u8>(at, 35, 1);
  store<u8>(at, 32, 2);
  let out = decimal(at + 3, length);
  if (length != 0) store<u8>(out++, 32);
  const shown = length < HEX_BYTES_MAX ? length : HEX_BYTES_MAX;
  for (let i: u32 = 0; i < shown; i++) {
    const byte = u8At(start + i);
    const high = byte >> 4;
    const low = byte & 15;
    store<u8>(out, high < 10 ? 48 + high : 87 + high);
    store<u8>(out, low < 10 ? 48 + low : 87 + low, 1);
    out += 2;
  }
  return out;
}
