/**
 * One element of a document (bsonspec.org): what is looked for is kept, the rest stepped over by its size.
 *
 * ```
 * element:  type u8 | name, ended by 0 | value        a 0 in place of a type ends the document
 * ```
 */
import { u8At, u32le, u64le } from "../../bytes/reader";
import { Message } from "../../roundtrip/message";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { addDocuments, isCollectionCommand, isWord, keepCode, keepCursor, keepError, keepOk, keepText, wants } from "./keep";
import { hideContents } from "./payload";
import { enterDocument, findName, have, Name, take } from "./step";
import { Part, Walk, Walked, WalkFlag } from "./walk-state";

const DOUBLE: u32 = 1;
const STRING: u32 = 2;
const DOCUMENT: u32 = 3;
const ARRAY: u32 = 4;
const BINARY: u32 = 5;
const BOOL: u32 = 8;
const REGEX: u32 = 11;
const POINTER: u32 = 12;
const CODE: u32 = 13;
const SYMBOL: u32 = 14;
const SCOPED_CODE: u32 = 15;
const INT32: u32 = 16;
const INT64: u32 = 18;

const NOT_FIXED: u32 = 255;
/** Sizes of values by type, 255 where they say it themselves or the type is none. */
const SIZES: usize = memory.data<u8>([255, 8, 255, 255, 255, 255, 0, 12, 1, 8, 0, 255, 255, 255, 255, 255, 4, 8, 8, 16]);

/** Reads one element of the innermost part, which ends where `left` is `end`. */
export function stepElement(w: Walk, end: u32): u32 {
  let answer = have(w, 1, end);
  if (answer != Walked.GO) return answer;
  const type = u8At(Turn.at);
  if (type == 0) {
    take(w, 1);
    return w.left == end ? Walked.GO : Walked.FAULT;
  }
  answer = findName(w, 1, end);
  if (answer != Walked.GO) return answer;
  const name = Name.length;
  const head = name + 2;
  const isFirst = w.is(WalkFlag.FIRST) && w.part == Part.BODY;
  if (type == DOCUMENT || type == ARRAY) return nested(w, end, type, name, head, isFirst);
  if (type == STRING || type == CODE || type == SYMBOL) return string(w, end, type, name, head, isFirst);
  const size = sizeOf(w, end, type, head);
  if (Size.answer != Walked.GO) return Size.answer;
  if (isFirst) keepFirst(w, type, name);
  else if (size <= 8 && !w.is(WalkFlag.FIRST)) number(w, type, Turn.at + 1, name, Turn.at + head);
  if (w.part == Part.COUNTED) addDocuments(w, 1);
  take(w, head);
  w.skip = size;
  return Walked.GO;
}

/** Keeps the command that a value names which is no text. */
function keepFirst(w: Walk, type: u32, name: u32): void {
  keepCommand(w, name, 0, 0);
  // An id in place of a collection's name may be that of any.
  if (type == BINARY) hideContents(w);
}

class Size {
  static answer: u32 = 0;
}

/** Bytes of a value that is no document, array or string. A small fixed one is in hand then. */
function sizeOf(w: Walk, end: u32, type: u32, head: u32): u32 {
  let size = NOT_FIXED;
  Size.answer = Walked.GO;
  if (type < 20) size = load<u8>(SIZES + type);
  else if (type == 127 || type == 255) size = 0;
  if (size != NOT_FIXED) {
    Size.answer = have(w, head + size, end);
    return size;
  }
  if (type == REGEX) return regex(w, end, head);
  if (type != BINARY && type != POINTER && type != SCOPED_CODE) {
    Size.answer = Walked.FAULT;
    return 0;
  }
  Size.answer = have(w, head + 4, end);
  if (Size.answer != Walked.GO) return 0;
  const length = u32le(Turn.at + head);
  const more: u32 = type == BINARY ? 5 : type == POINTER ? 16 : 0;
  if (length > w.left - end || length + more > w.left - end - head) Size.answer = Walked.FAULT;
  return length + more;
}

/** Two texts that end with 0. */
function regex(w: Walk, end: u32, head: u32): u32 {
  Size.answer = findName(w, head, end);
  if (Size.answer != Walked.GO) return 0;
  const first = Name.length + 1;
  Size.answer = findName(w, head + first, end);
  return first + Name.length + 1;
}

/** A document or array: entered where something is looked for in it. */
function nested(w: Walk, end: u32, type: u32, name: u32, head: u32, isFirst: bool): u32 {
  const answer = have(w, head + 4, end);
  if (answer != Walked.GO) return answer;
  const bytes = u32le(Turn.at + head);
  if (bytes < 5 || bytes > w.left - end - head) return Walked.FAULT;
  // The beginning of an authentication, or its answer.
  if (w.part == Part.BODY && isWord(Turn.at + 1, name, "speculativeAuthenticate")) hideContents(w);
  const part = partOf(w, type, name);
  const isWrapped = isFirst && part == Part.BODY;
  if (isFirst && !isWrapped) keepCommand(w, name, 0, 0);
  if (w.part == Part.COUNTED) addDocuments(w, 1);
  if (part == Part.COUNTED) addDocuments(w, 0);
  if (part == Part.ERRORS && bytes > 5) store<u8>(w.message, 1, F.IS_FAILED);
  if (part == Part.ERROR && w.part == Part.BODY) store<u8>(w.message, 1, F.IS_FAILED);
  take(w, head);
  return enterDocument(w, part, end, part != NO_PART);
}

const NO_PART: u8 = 255;

/** What a document or array of this name is looked into for. */
function partOf(w: Walk, type: u32, length: u32): u8 {
  const name = Turn.at + 1;
  const part = w.part;
  if (type == DOCUMENT) {
    if (part == Part.ERRORS) return Part.ERROR;
    if (part != Part.BODY) return NO_PART;
    if (!w.is(WalkFlag.RESPONSE)) {
      const isWrap =
        w.is(WalkFlag.FIRST) && <u32>w.depth == 1 && (isWord(name, length, "$query") || isWord(name, length, "query"));
      return isWrap ? Part.BODY : NO_PART;
    }
    if (isWord(name, length, "cursor")) return Part.CURSOR;
    return isWord(name, length, "writeConcernError") ? Part.ERROR : NO_PART;
  }
  if (part == Part.CURSOR) {
    return isWord(name, length, "firstBatch") || isWord(name, length, "nextBatch") ? Part.COUNTED : NO_PART;
  }
  if (part != Part.BODY) return NO_PART;
  if (w.is(WalkFlag.RESPONSE)) return isWord(name, length, "writeErrors") ? Part.ERRORS : NO_PART;
  const isCounted = isWord(name, length, "documents") || isWord(name, length, "updates") || isWord(name, length, "deletes");
  return isCounted ? Part.COUNTED : NO_PART;
}

/** The first element of a command names it, and where it is a text, often a collection. */
function keepCommand(w: Walk, name: u32, value: usize, length: u32): void {
  w.clear(WalkFlag.FIRST);
  if (w.is(WalkFlag.RESPONSE)) return;
  if (value != 0 && isCollectionCommand(Turn.at + 1, name)) {
    keepText(w, F.COLLECTION, F.MongoField.COLLECTION, value, min<u32>(length, F.TEXT_BYTES_MAX), length);
  }
  keepText(w, F.COMMAND, F.MongoField.COMMAND, Turn.at + 1, name, name);
}

/** A text, of which as much lies together as is kept. */
function string(w: Walk, end: u32, type: u32, name: u32, head: u32, isFirst: bool): u32 {
  let answer = have(w, head + 4, end);
  if (answer != Walked.GO) return answer;
  const length = u32le(Turn.at + head);
  if (length == 0 || length > w.left - end - head || length + 4 > w.left - end - head) return Walked.FAULT;
  const isKept = type == STRING && (isFirst || wants(w, Turn.at + 1, name));
  const kept: u32 = isKept ? min<u32>(length - 1, F.TEXT_BYTES_MAX) : 0;
  answer = have(w, head + 4 + kept, end);
  if (answer != Walked.GO) return answer;
  const value = Turn.at + head + 4;
  if (isFirst) keepCommand(w, name, isKept ? value : 0, length - 1);
  else if (isKept) keepNamed(w, name, value, length - 1);
  if (w.part == Part.COUNTED) addDocuments(w, 1);
  take(w, head);
  w.skip = length + 4;
  return Walked.GO;
}

function keepNamed(w: Walk, nameLength: u32, value: usize, length: u32): void {
  const name = Turn.at + 1;
  const kept = min<u32>(length, F.TEXT_BYTES_MAX);
  if (!w.is(WalkFlag.RESPONSE)) {
    if (isWord(name, nameLength, "$db")) keepText(w, F.DATABASE, F.MongoField.DATABASE, value, kept, length);
    else keepText(w, F.COLLECTION, F.MongoField.COLLECTION, value, kept, length);
    return;
  }
  if (isWord(name, nameLength, "codeName")) keepText(w, F.CODE_NAME, F.MongoField.CODE_NAME, value, kept, length);
  else keepError(w, value, kept, length);
  if (isWord(name, nameLength, "err") || isWord(name, nameLength, "$err")) store<u8>(w.message, 1, F.IS_FAILED);
}

/** A number of a response that is looked for. */
function number(w: Walk, type: u32, name: usize, length: u32, value: usize): void {
  if (!w.is(WalkFlag.RESPONSE)) return;
  const part = w.part;
  if (part == Part.CURSOR) {
    if (isWord(name, length, "id") && type == INT64) keepCursor(w, u64le(value));
    return;
  }
  if (part != Part.BODY && part != Part.ERROR) return;
  if (part == Part.BODY && isWord(name, length, "ok")) keepOk(w, numberAt(type, value) != 0);
  else if (isWord(name, length, "code") && !changetype<Message>(w.message).knows(F.MongoField.CODE))
    keepCode(w, numberAt(type, value));
}

function numberAt(type: u32, value: usize): i32 {
  if (type == DOUBLE) {
    const number = f64.reinterpret_i64(<i64>u64le(value));
    return number == 0 ? 0 : abs(number) < 1 ? 1 : abs(number) < 2147483648 ? <i32>number : i32.MAX_VALUE;
  }
  if (type == INT32) return <i32>u32le(value);
  if (type == INT64) return <i32>u64le(value);
  return type == BOOL ? <i32>u8At(value) : 0;
}
