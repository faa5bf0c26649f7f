/**
 * What first bytes are.
 *
 * A request is an array of bulk strings, of which the first is a word. Where it is not known who asks, an array from a server
 * looks the same: the word must be a command of redis then. A line of text is a request when it begins with such a command;
 * since others speak so too, such a connection stays tentative until the server answers in RESP.
 */
import { u8At } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { CommandFound, CommandKind, findCommand } from "./commands";
import { COMMAND_BYTES_MAX } from "./fields";
import { Head, Read, readHead, Type } from "./head";
import { isWord, readWord, Word } from "./word";

const CR: u32 = 13;
const LF: u32 = 10;
const SPACE: u32 = 32;
/** Arguments that redis takes at the most. */
const ARGUMENTS_MAX: u32 = 1048576;
/** Bytes of lines that are looked at. */
const TEXT_BYTES_MAX: usize = 1024;
/** Bytes of empty lines that may stand before a request. */
const EMPTY_BYTES_MAX: u32 = 8;

/** Whether the word that was read last names what a server sends to its subscribers. */
export function isPublished(): bool {
  return isWord("MESSAGE") || isWord("PMESSAGE") || isWord("SMESSAGE");
}

/** Whether the word that was read last names the confirmation of a subscription or of its end. */
export function isConfirmation(): bool {
  if (isWord("SUBSCRIBE") || isWord("PSUBSCRIBE") || isWord("SSUBSCRIBE")) return true;
  return isWord("UNSUBSCRIBE") || isWord("PUNSUBSCRIBE") || isWord("SUNSUBSCRIBE");
}

/** Reads the word that is the first element of the aggregate at `at`; OK, MORE, or BAD where it has none. */
export function readFirstWord(at: usize, end: usize): u32 {
  const aggregate = readHead(at, end);
  if (aggregate != Read.OK) return aggregate;
  if (Head.isNull || Head.value == 0) return Read.BAD;
  const first = Head.next;
  if (first == end) return Read.MORE;
  if (u8At(first) != Type.BULK) return Read.BAD;
  const read = readHead(first, end);
  if (read != Read.OK) return read;
  const length = Head.value;
  if (Head.isNull || length == 0 || length > COMMAND_BYTES_MAX) return Read.BAD;
  const start = Head.next;
  const here = <u32>(end - start);
  if (here < length + 2) {
    const part = min(here, length);
    return part == 0 || readWord(start, part) ? Read.MORE : Read.BAD;
  }
  if (!readWord(start, length)) return Read.BAD;
  return u8At(start + length) == CR && u8At(start + length + 1) == LF ? Read.OK : Read.BAD;
}

/** Whether a request in RESP begins at `at`: OK, MORE or BAD. */
export function readsRequest(at: usize, end: usize): u32 {
  const head = readHead(at, end);
  if (Head.type != Type.ARRAY) return Read.BAD;
  if (head == Read.OK && (Head.isNull || Head.value == 0 || Head.value > ARGUMENTS_MAX)) return Read.BAD;
  return readFirstWord(at, end);
}

/** Whether the first line with anything in it begins with a command of redis: OK, MORE or BAD. */
export function readsLines(start: usize, end: usize): u32 {
  const stop = end - start > TEXT_BYTES_MAX ? start + TEXT_BYTES_MAX : end;
  let at = start;
  while (at < stop) {
    let lineEnd = at;
    while (lineEnd < stop && u8At(lineEnd) != LF) {
      const byte = u8At(lineEnd);
      if (byte < SPACE && byte != 9 && byte != CR) return Read.BAD;
      lineEnd += 1;
    }
    if (lineEnd == stop) return stop == end && beginsCommand(at, lineEnd) ? Read.MORE : Read.BAD;
    if (!isEmpty(at, lineEnd)) return isCommandLine(at, lineEnd) ? Read.OK : Read.BAD;
    at = lineEnd + 1;
  }
  return Read.MORE;
}

/** Whether a line has nothing but what ends it: redis steps over such. */
function isEmpty(start: usize, lineEnd: usize): bool {
  return lineEnd == start || (lineEnd == start + 1 && u8At(start) == CR);
}

function wordEnd(start: usize, end: usize): usize {
  let at = start;
  while (at < end && u8At(at) > SPACE) at += 1;
  return at;
}

/** Whether a line whose end has not come may yet be one. */
function beginsCommand(start: usize, end: usize): bool {
  const stop = wordEnd(start, end);
  if (!readWord(start, <u32>(stop - start))) return false;
  return stop == end || findCommand(Word.start, Word.length);
}

/** Whether the line up to its LF is one of a command of redis, and not of HTTP. */
function isCommandLine(start: usize, lineEnd: usize): bool {
  const stop = wordEnd(start, lineEnd);
  if (!readWord(start, <u32>(stop - start)) || !findCommand(Word.start, Word.length)) return false;
  if (CommandFound.kind == CommandKind.COMMON && !isWord("PING")) return false;
  for (let at = stop; at + 5 < lineEnd; at++) {
    if (u8At(at) == 72 && u8At(at + 1) == 84 && u8At(at + 2) == 84 && u8At(at + 3) == 80 && u8At(at + 4) == 47) return false;
  }
  return true;
}

/** The contract's probe. */
export function probeRedis(start: usize, length: u32): u32 {
  if (length == 0) return Found.MORE;
  // The parser finds its place itself.
  if (Parse.isKnown) return Found.REQUEST;
  const end = start + length;
  let at = start;
  while (at < end && at < start + EMPTY_BYTES_MAX && (u8At(at) == CR || u8At(at) == LF)) at += 1;
  if (at == end) return length < EMPTY_BYTES_MAX && !Parse.isServer ? Found.MORE : Found.NO;
  const first = u8At(at);
  if (first == Type.PUSH) return probePush(at, end);
  if (first == Type.ARRAY) return probeArray(at, end);
  if ((first | 32) - 97 >= 26 || Parse.isServer) return Found.NO;
  const read = readsLines(at, end);
  if (read == Read.MORE) return Found.MORE;
  return read == Read.OK ? Found.REQUEST : Found.NO;
}

function probePush(start: usize, end: usize): u32 {
  if (Parse.isClient) return Found.NO;
  const read = readFirstWord(start, end);
  if (read == Read.MORE) return Found.MORE;
  return read == Read.OK && (isPublished() || isConfirmation() || isWord("INVALIDATE")) ? Found.RESPONSE : Found.NO;
}

function probeArray(start: usize, end: usize): u32 {
  const read = readsRequest(start, end);
  if (read == Read.MORE) return Found.MORE;
  if (read != Read.OK) return Found.NO;
  if (Parse.isClient) return Found.REQUEST;
  if (isPublished()) return Found.RESPONSE;
  if (Parse.isServer) return Found.NO;
  return findCommand(Word.start, Word.length) ? Found.REQUEST : Found.NO;
}
