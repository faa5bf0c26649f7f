/** What a walk keeps: fields of its message, and rows of topics or partitions. */
import { putName } from "../../bytes/names";
import { u8At } from "../../bytes/reader";
import { copyBytes } from "../../bytes/run";
import { Mark } from "../../roundtrip/marks";
import { Message, messageRoom, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import * as F from "./fields";
import { ERROR_CODE_MAX, ERROR_NAMES, severity } from "./numbers";
import { dropRecords, settleRecords } from "./payload";
import { Action } from "./program";
import { Walk, WalkFlag } from "./walk-state";

const API_VERSIONS: u32 = 18;
/** Milliseconds that a broker holds a client back at the most: quotas are of a second or a few. */
const THROTTLE_MS_MAX: i32 = 3600000;

/** How many values that no broker sends a walk met. */
export class Odd {
  static values: u32 = 0;
}
const UNSUPPORTED_VERSION: i32 = 35;
const UUID_TEXT_BYTES: u32 = 36;
const UUID_TEXT: usize = memory.data(48);
const ERROR_TEXT: usize = memory.data(64);

/** Notes where the body begins. */
export function noteBody(w: Walk): void {
  const message = changetype<Message>(w.message);
  store<u32>(w.message, w.left, F.BODY_BYTES);
  message.know(F.KafkaField.BODY_BYTES);
}

/** Keeps a number. */
export function keepNumber(w: Walk, action: u32, value: i32): void {
  const message = changetype<Message>(w.message);
  switch (action) {
    case Action.PARTITION:
      keepPartition(w, value);
      return;
    case Action.ERROR:
      keepError(w, message, value);
      return;
    case Action.THROTTLE:
      if (value < -1 || value > THROTTLE_MS_MAX) Odd.values += 1;
      store<u32>(w.message, value < 0 ? 0 : value, F.THROTTLE_MS);
      message.know(F.KafkaField.THROTTLE_MS);
      return;
    case Action.ACKS:
      store<i32>(w.message, value, F.ACKS);
      message.know(F.KafkaField.ACKS);
      return;
    default:
      w.keyType = <u8>value;
      if (value == 1 && message.knows(F.KafkaField.GROUP_ID)) turnToTransaction(message);
  }
}

/** What was looked for is a transaction, not a group. */
function turnToTransaction(message: Message): void {
  const at = changetype<usize>(message);
  store<u32>(at, load<u32>(at, F.GROUP_ID), F.TRANSACTIONAL_ID);
  message.present &= ~(1 << F.KafkaField.GROUP_ID);
  message.know(F.KafkaField.TRANSACTIONAL_ID);
}

function keepPartition(w: Walk, value: i32): void {
  w.partition = value;
  if (w.isResponse) return;
  const message = changetype<Message>(w.message);
  store<u32>(w.message, load<u32>(w.message, F.PARTITIONS) + 1, F.PARTITIONS);
  message.know(F.KafkaField.PARTITIONS);
  if (w.topicEnd == 0) return;
  const counter = w.message + <u32>w.topicEnd;
  store<u32>(counter, load<u32>(counter) + 1);
}

/** The worst code is kept, the first of those that are equally bad. */
function keepError(w: Walk, message: Message, code: i32): void {
  w.error = code;
  if (code < -1 || code > ERROR_CODE_MAX) Odd.values += 1;
  const worst = <i32>load<i32>(w.message, F.ERROR_CODE);
  if (!message.knows(F.KafkaField.ERROR_CODE) || severity(code) > severity(worst)) store<i32>(w.message, code, F.ERROR_CODE);
  message.know(F.KafkaField.ERROR_CODE);
  message.know(F.KafkaField.ERRORS);
  if (code != 0) store<u32>(w.message, load<u32>(w.message, F.ERRORS) + 1, F.ERRORS);
  if (<u32>w.key != API_VERSIONS || code != UNSUPPORTED_VERSION) return;
  // KIP-511: a broker that does not know the version answers in the first form.
  w.version = 0;
  w.flags &= <u8>~WalkFlag.FLEXIBLE;
}

/** Counts records and their bytes. */
export function keepRecords(w: Walk, bytes: u32, count: u32): void {
  const message = changetype<Message>(w.message);
  message.know(F.KafkaField.RECORD_BYTES);
  message.know(F.KafkaField.RECORDS);
  store<u32>(w.message, load<u32>(w.message, F.RECORD_BYTES) + bytes, F.RECORD_BYTES);
  store<u32>(w.message, load<u32>(w.message, F.RECORDS) + count, F.RECORDS);
}

/** Whether a text is wanted: the first of each kind is, of a response only topics for those who look at round trips. */
export function keepsText(w: Walk, action: u32): bool {
  const message = changetype<Message>(w.message);
  if (action == Action.TOPIC) return !w.isResponse || Settings.events;
  if (w.rowsEnd != 0) return false;
  if (action == Action.TRANSACTIONAL_ID) return !message.knows(F.KafkaField.TRANSACTIONAL_ID);
  if (action == Action.GROUP) return !message.knows(F.KafkaField.GROUP_ID);
  return true;
}

/** Keeps `kept` bytes at `start` of a text of `length`. */
export function keepText(w: Walk, action: u32, start: usize, kept: u32, length: u32): void {
  if (kept < length) changetype<Message>(w.message).mark(Mark.TRUNCATED);
  if (action == Action.TOPIC) {
    keepTopic(w, start, kept);
    return;
  }
  let offset = F.GROUP_ID;
  let field = F.KafkaField.GROUP_ID;
  const isTransaction = action == Action.TRANSACTIONAL_ID || (action == Action.KEY && w.keyType == 1);
  if (isTransaction) {
    offset = F.TRANSACTIONAL_ID;
    field = F.KafkaField.TRANSACTIONAL_ID;
  } else if (action == Walk.CLIENT_ACTION) {
    offset = F.CLIENT_ID;
    field = F.KafkaField.CLIENT_ID;
  }
  // Of several keys that are looked for the first is kept.
  if (action == Action.KEY && changetype<Message>(w.message).knows(field)) return;
  const message = messageText(changetype<Message>(w.message), offset, start, kept, F.TEXT_BYTES_MAX);
  message.know(field);
  w.message = <u32>changetype<usize>(message);
}

/** Keeps a topic's id as its name, where it has one and no name came before it. */
export function keepTopicId(w: Walk, start: usize): void {
  if (w.isResponse && !Settings.events) return;
  let bits: u32 = 0;
  let out = UUID_TEXT;
  for (let i: u32 = 0; i < 16; i++) {
    const byte = u8At(start + i);
    bits |= byte;
    if (i == 4 || i == 6 || i == 8 || i == 10) store<u8>(out++, 45);
    store<u8>(out, hexDigit(byte >> 4));
    store<u8>(out, hexDigit(byte & 15), 1);
    out += 2;
  }
  if (bits != 0) keepTopic(w, UUID_TEXT, UUID_TEXT_BYTES);
}

function hexDigit(value: u32): u32 {
  return value < 10 ? 48 + value : 87 + value;
}

/** The topic in hand: a row of a request at once, of a response when a partition or an error comes. */
function keepTopic(w: Walk, start: usize, length: u32): void {
  w.partition = -1;
  w.topicEnd = 0;
  const before = changetype<Message>(w.message);
  // A topic that got no row gives its place back.
  if (w.rowsEnd != 0) before.length = w.rowsEnd;
  const room: u32 = length + 6;
  const message = messageRoom(before, room);
  w.message = <u32>changetype<usize>(message);
  if (<u32>message.length + room > <u32>message.capacity) return;
  const at = <u32>message.length;
  if (w.rowsEnd == 0) {
    store<u16>(w.message, at, F.ROWS);
    w.rowsEnd = <u16>at;
  }
  store<u16>(w.message + at, length);
  copyBytes(w.message + at + 2, start, length);
  w.topicAt = <u16>at;
  w.topicEnd = <u16>(at + 2 + length);
  if (w.isResponse) {
    message.length = w.topicEnd;
    return;
  }
  store<u32>(w.message + <u32>w.topicEnd, 0);
  closeRow(w, message, <u32>w.topicEnd + 4);
}

function closeRow(w: Walk, message: Message, end: u32): void {
  message.length = <u16>end;
  w.rowsEnd = <u16>end;
  w.rows += 1;
  store<u16>(w.message, end - load<u16>(w.message, F.ROWS), F.ROWS + 2);
  message.know(F.KafkaField.ROWS);
}

/** Puts a row for the partition in hand; where not `always`, only if its code says more than none. */
export function putRow(w: Walk, always: bool): void {
  const error = w.error;
  if (!Settings.events || w.topicEnd == 0 || (!always && error == 0)) return;
  const nameBytes = <u32>(putName(ERROR_TEXT, ERROR_NAMES, <u32>error & 0xffff, "") - ERROR_TEXT);
  const topicBytes = <u32>(w.topicEnd - w.topicAt);
  const again = w.rowsEnd != w.topicAt;
  const room = (again ? topicBytes : 0) + 10 + nameBytes;
  const message = messageRoom(changetype<Message>(w.message), room);
  w.message = <u32>changetype<usize>(message);
  if (<u32>message.length + room > <u32>message.capacity) {
    // Which topic its records are of is not told.
    dropRecords(w);
    return;
  }
  let at = w.message + <u32>message.length;
  if (again) {
    copyBytes(at, w.message + <u32>w.topicAt, topicBytes);
    at += topicBytes;
  }
  store<i32>(at, w.partition);
  store<i32>(at, error, 4);
  store<u16>(at, nameBytes, 8);
  copyBytes(at + 10, ERROR_TEXT, nameBytes);
  closeRow(w, message, at + 10 + nameBytes - w.message);
}

/** Ends a walk's message, which may move: what was not counted to its end is taken back. */
export function settle(w: Walk): void {
  settleRecords(w);
  const message = changetype<Message>(w.message);
  const isBroken = w.is(WalkFlag.BROKEN);
  if (isBroken || w.is(WalkFlag.RECORDS_UNKNOWN)) message.present &= ~(1 << F.KafkaField.RECORDS);
  if (!isBroken) return;
  message.present &= ~(1 << F.KafkaField.RECORD_BYTES);
  if (!w.isResponse) message.present &= ~(1 << F.KafkaField.PARTITIONS);
}
