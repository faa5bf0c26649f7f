/**
 * The walk through a message, along the program of its API key and version, field by field as bytes come.
 *
 * It stops wherever bytes end and goes on there: what it has to know lies in a Walk of its own, which lives as long as its
 * message is being read. Records and fields of no interest are stepped over, never kept.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { TEXT_BYTES_MAX } from "./fields";
import { keepNumber, keepsText, keepText, keepTopicId, noteBody, putRow } from "./keep";
import { keepBatch } from "./payload";
import { Action, OP_BYTES, Op, Type } from "./program";
import { stepRecords } from "./records";
import { have, take } from "./step";
import { Frame, Walk, Walked, WalkFlag } from "./walk-state";

/** Arrays inside arrays at the most. */
const DEPTH_MAX: u32 = 6;
/** Bytes of an unsigned varint of 32 bits. */
const VARINT_BYTES_MAX: u32 = 5;

class Varint {
  static value: u32 = 0;
  static bytes: u32 = 0;
}

/** Walks as far as the bytes in hand go. */
export function walk(w: Walk): u32 {
  while (true) {
    if (w.skip != 0 && !passSkip(w)) return Walked.MORE;
    const answer = w.blob != 0 ? stepRecords(w) : w.tags != 0 ? stepTag(w) : w.header != 0 ? stepHeader(w) : stepOp(w);
    if (answer != Walked.GO) return answer;
  }
}

/** Steps over what is to be skipped; false when it goes beyond the bytes in hand. */
function passSkip(w: Walk): bool {
  const here = Turn.left;
  const skip = w.skip;
  if (w.is(WalkFlag.KEEPS)) {
    keepBatch(w, min<u32>(skip, here), skip);
    if (w.is(WalkFlag.KEEPS)) {
      // What is wanted has to come here, so it is not skipped.
      Turn.at = Turn.end;
      w.left -= here;
      w.skip = skip - here;
      return false;
    }
  }
  w.left -= skip;
  w.skip = 0;
  if (skip <= here) {
    Turn.at += skip;
    return true;
  }
  Turn.at = Turn.end;
  Parse.skip = skip - here;
  return false;
}

/** Reads an unsigned varint `ahead` of the next byte, without passing over it. */
function varint(w: Walk, ahead: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < VARINT_BYTES_MAX; i++) {
    const there = have(w, ahead + i + 1);
    if (there != Walked.GO) return there;
    const byte = u8At(Turn.at + ahead + i);
    value |= (byte & 127) << (7 * i);
    if (byte < 128) {
      Varint.value = value;
      Varint.bytes = i + 1;
      return Walked.GO;
    }
  }
  return Walked.FAULT;
}

/** Reads a length: i16 or i32 (`bytes`), or a varint of one more where `compact`; null reads as 0. */
function readLength(w: Walk, bytes: u32, compact: bool): u32 {
  if (compact) {
    const answer = varint(w, 0);
    if (answer == Walked.GO && Varint.value != 0) Varint.value -= 1;
    else if (answer == Walked.GO) w.flags |= <u8>WalkFlag.NULL;
    return answer;
  }
  const answer = have(w, bytes);
  if (answer != Walked.GO) return answer;
  const value = bytes == 2 ? <i32>(<i16>u16be(Turn.at)) : <i32>u32be(Turn.at);
  if (value < -1) return Walked.FAULT;
  if (value < 0) w.flags |= <u8>WalkFlag.NULL;
  Varint.value = value < 0 ? 0 : value;
  Varint.bytes = bytes;
  return Walked.GO;
}

/** Request header: client id, of which the length is never compact, then tagged fields; response header: these only. */
function stepHeader(w: Walk): u32 {
  if (w.header & Walk.HEADER_CLIENT) {
    const answer = text(w, Walk.CLIENT_ACTION, false);
    if (answer == Walked.GO) w.header &= ~Walk.HEADER_CLIENT;
    return answer;
  }
  if (w.header & Walk.HEADER_TAGS) {
    const answer = openTags(w);
    if (answer == Walked.GO) w.header &= ~Walk.HEADER_TAGS;
    return answer;
  }
  w.header = 0;
  noteBody(w);
  return w.op == 0 ? Walked.UNREAD : Walked.GO;
}

/** Reads how many tagged fields come (KIP-482). */
function openTags(w: Walk): u32 {
  const answer = varint(w, 0);
  if (answer != Walked.GO) return answer;
  if (Varint.value > w.left) return Walked.FAULT;
  take(w, Varint.bytes);
  w.tags = Varint.value + 1;
  return Walked.GO;
}

function stepTag(w: Walk): u32 {
  if (w.tags == 1) {
    w.tags = 0;
    return Walked.GO;
  }
  let answer = varint(w, 0);
  if (answer != Walked.GO) return answer;
  const before = Varint.bytes;
  answer = varint(w, before);
  if (answer != Walked.GO) return answer;
  const bytes = before + Varint.bytes;
  if (Varint.value > w.left - bytes) return Walked.FAULT;
  take(w, bytes);
  w.skip = Varint.value;
  w.tags -= 1;
  return Walked.GO;
}

function stepOp(w: Walk): u32 {
  const op = changetype<Op>(w.op);
  if (w.version < op.first || w.version > op.last) {
    w.op += (<u32>op.close + 1) * OP_BYTES;
    return Walked.GO;
  }
  switch (op.type) {
    case Type.I8:
      return fixed(w, op, 1);
    case Type.I16:
      return fixed(w, op, 2);
    case Type.I32:
      return fixed(w, op, 4);
    case Type.I64:
      return fixed(w, op, 8);
    case Type.UUID:
      return fixed(w, op, 16);
    case Type.STRING: {
      const answer = text(w, op.action, w.isFlexible);
      if (answer == Walked.GO) w.op += OP_BYTES;
      return answer;
    }
    case Type.BYTES:
    case Type.RECORDS:
      return bytes(w, op);
    case Type.ARRAY:
    case Type.VALUES:
      return open(w, op);
    case Type.CLOSE:
    case Type.VALUES_CLOSE:
      return close(w, op);
    case Type.ROW:
    case Type.FAIL:
      putRow(w, op.type == Type.ROW);
      w.op += OP_BYTES;
      return Walked.GO;
    case Type.REST:
      return Walked.DONE;
    default:
      return end(w);
  }
}

/** A value of known size. */
function fixed(w: Walk, op: Op, bytes: u32): u32 {
  const answer = have(w, bytes);
  if (answer != Walked.GO) return answer;
  if (op.action != Action.NONE) {
    const at = Turn.at;
    if (bytes == 16) keepTopicId(w, at);
    else keepNumber(w, op.action, bytes == 1 ? <i32>(<i8>u8At(at)) : bytes == 2 ? <i32>(<i16>u16be(at)) : <i32>u32be(at));
  }
  take(w, bytes);
  w.op += OP_BYTES;
  return Walked.GO;
}

/** A string, of which as much lies together as is kept. */
function text(w: Walk, action: u32, compact: bool): u32 {
  w.flags &= <u8>~WalkFlag.NULL;
  let answer = readLength(w, 2, compact);
  if (answer != Walked.GO) return answer;
  const length = Varint.value;
  const before = Varint.bytes;
  if (length > w.left - before) return Walked.FAULT;
  const isKept = action != Action.NONE && (w.flags & WalkFlag.NULL) == 0 && keepsText(w, action);
  const kept: u32 = isKept ? min<u32>(length, TEXT_BYTES_MAX) : 0;
  answer = have(w, before + kept);
  if (answer != Walked.GO) return answer;
  take(w, before);
  if (isKept) keepText(w, action, Turn.at, kept, length);
  take(w, kept);
  w.skip = length - kept;
  return Walked.GO;
}

function bytes(w: Walk, op: Op): u32 {
  const answer = readLength(w, 4, w.isFlexible);
  if (answer != Walked.GO) return answer;
  if (Varint.value > w.left - Varint.bytes) return Walked.FAULT;
  take(w, Varint.bytes);
  if (op.type == Type.RECORDS) w.openRecords(Varint.value);
  else w.skip = Varint.value;
  w.op += OP_BYTES;
  return Walked.GO;
}

/** An array: every element takes a byte at least, so a count beyond what is left is none. */
function open(w: Walk, op: Op): u32 {
  const answer = readLength(w, 4, w.isFlexible);
  if (answer != Walked.GO) return answer;
  const count = Varint.value;
  if (count > w.left - Varint.bytes || <u32>w.depth >= DEPTH_MAX) return Walked.FAULT;
  take(w, Varint.bytes);
  if (count == 0) {
    w.op += (<u32>op.close + 1) * OP_BYTES;
    return Walked.GO;
  }
  w.op += OP_BYTES;
  const frame = w.frame(w.depth);
  frame.op = w.op;
  frame.count = count;
  w.depth += 1;
  return Walked.GO;
}

/** Whether the tagged fields that end a structure have passed. */
function tagged(w: Walk): u32 {
  if (!w.isFlexible) return Walked.GO;
  if (w.flags & WalkFlag.TAGGED) {
    w.flags &= <u8>~WalkFlag.TAGGED;
    return Walked.GO;
  }
  const answer = openTags(w);
  if (answer != Walked.GO) return answer;
  w.flags |= <u8>WalkFlag.TAGGED;
  return Walked.TAGS;
}

function close(w: Walk, op: Op): u32 {
  if (op.type == Type.CLOSE) {
    const answer = tagged(w);
    if (answer == Walked.TAGS) return Walked.GO;
    if (answer != Walked.GO) return answer;
  }
  const frame = w.frame(<u32>w.depth - 1);
  frame.count -= 1;
  if (frame.count != 0) {
    w.op = frame.op;
    return Walked.GO;
  }
  w.depth -= 1;
  w.op += OP_BYTES;
  return Walked.GO;
}

function end(w: Walk): u32 {
  const answer = tagged(w);
  if (answer == Walked.TAGS) return Walked.GO;
  if (answer != Walked.GO) return answer;
  return w.left == 0 ? Walked.DONE : Walked.FAULT;
}

/** Whether error codes may be in what the walk has not seen. */
export function mayHoldErrors(w: Walk): bool {
  if (w.header != 0 || w.op == 0) return true;
  if (holdsErrors(w, w.op)) return true;
  for (let i: u32 = 0; i < <u32>w.depth; i++) {
    const frame: Frame = w.frame(i);
    if (frame.count > 1 && holdsErrors(w, frame.op)) return true;
  }
  return false;
}

function holdsErrors(w: Walk, from: u32): bool {
  for (let op = changetype<Op>(from); op.type != Type.END; op = changetype<Op>(changetype<usize>(op) + OP_BYTES)) {
    if (op.action == Action.ERROR && w.version >= op.first && w.version <= op.last) return true;
  }
  return false;
}
