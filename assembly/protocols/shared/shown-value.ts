/**
 * What may be shown of a header field's value without `raw`.
 *
 * ```
 *   Referer: https://ann:word@lab.test/a?b      ->  https://lab.test/a
 *   Host: ann:word@lab.test                     ->  lab.test
 *   grpc-message: unknown user "ann" in lab     ->  unknown user ? in lab
 * ```
 */
import { sameText } from "../../bytes/ascii";
import { isQuote } from "./error-text";
import { isReferenceName } from "./secret-headers";

const HASH: u32 = 35;
const PERCENT: u32 = 37;
const APOSTROPHE: u32 = 39;
const SLASH: u32 = 47;
const COLON: u32 = 58;
const QUESTION: u32 = 63;
const AT_SIGN: u32 = 64;

/** No value that is longer is kept. */
const BYTES_MAX: u32 = 2048;
const OUT: usize = memory.data(2048 + 16);

/** The value read last: `length` bytes at `start`, in the value itself or in memory of its own. */
export class ShownValue {
  static start: usize = 0;
  static length: u32 = 0;
  /** Whether what may be shown of it goes on. */
  static isCut: bool = false;

  @inline static set(start: usize, length: u32, isCut: bool): void {
    ShownValue.start = start;
    ShownValue.length = length;
    ShownValue.isCut = isCut;
  }
}

/** Reads the value of `length` bytes at `start` of a field whose name is the `nameBytes` bytes at `name`; `isCut`: it goes on. */
export function readShown(name: usize, nameBytes: u32, start: usize, length: u32, isCut: bool): void {
  ShownValue.set(start, length, isCut);
  if (isReferenceName(name, nameBytes)) {
    readReference(start, length, isCut);
  } else if (nameBytes == 4 && sameText(name, nameBytes, "host")) {
    const host = behindLastAt(start, start + length);
    ShownValue.set(host, <u32>(start + length - host), isCut);
  } else if (nameBytes == 12 && sameText(name, nameBytes, "grpc-message")) {
    readErrorText(start, length, isCut);
  }
}

/** Reads a reference without its query, and without users' names and passwords. */
export function readReference(start: usize, length: u32, isCut: bool): void {
  let end = start;
  while (end < start + length && !isQueryStart(load<u8>(end))) end += 1;
  const goesOn = isCut && end == start + length;
  let to: u32 = 0;
  let at = start;
  while (at < end && to < BYTES_MAX) {
    const next = pieceEnd(at, end);
    const bytes = min(<u32>(next - at), BYTES_MAX - to);
    memory.copy(OUT + to, at, bytes);
    to += bytes;
    at = behindUsers(next, end, goesOn);
  }
  ShownValue.set(OUT, to, goesOn);
}

/** Address behind the slashes from `start` on behind which a host may stand, with a user before it; `end` where there are none. */
export function pieceEnd(start: usize, end: usize): usize {
  let at = start;
  while (at + 1 < end) {
    const isStart = load<u8>(at, 1) == SLASH && (load<u8>(at) == COLON || load<u8>(at) == SLASH);
    at += 1;
    if (!isStart) continue;
    while (at < end && load<u8>(at) == SLASH) at += 1;
    return at;
  }
  return end;
}

/** Address of the host at `start`, behind a user's name and password; where it `goesOn` behind `end` all of it may be these. */
export function behindUsers(start: usize, end: usize, goesOn: bool): usize {
  let stop = start;
  while (stop < end && load<u8>(stop) != SLASH && !isQueryStart(load<u8>(stop))) stop += 1;
  const host = behindLastAt(start, stop);
  return goesOn && stop == end ? end : host;
}

function behindLastAt(start: usize, end: usize): usize {
  let host = end;
  while (host > start && load<u8>(host - 1) != AT_SIGN) host -= 1;
  return host;
}

function isQueryStart(byte: u32): bool {
  return byte == QUESTION || byte == HASH;
}

/** Reads an error's message without what it quotes. */
function readErrorText(start: usize, length: u32, isCut: bool): void {
  const bytes = min(length, BYTES_MAX);
  const isWhole = !isCut && bytes == length;
  let first: u32 = 0;
  while (first < bytes && quoteBytes(start, first, bytes, true) == 0) first += 1;
  ShownValue.set(start, bytes, !isWhole);
  if (first == bytes) return;
  let end = bytes;
  if (isWhole) {
    let last = bytes - 1;
    while (last > first && quoteBytes(start, last, bytes, false) == 0) last -= 1;
    if (last > first) end = last + quoteBytes(start, last, bytes, false);
  }
  memory.copy(OUT, start, first);
  store<u8>(OUT + first, QUESTION);
  memory.copy(OUT + first + 1, start + end, bytes - end);
  ShownValue.set(OUT, first + 1 + bytes - end, !isWhole);
}

/**
 * Bytes of the quote at `at` of a text of `length`, which may be in percent form (gRPC over HTTP/2, "Percent-Byte"); 0 for none. The
 * first is not the apostrophe of "can't".
 */
function quoteBytes(start: usize, at: u32, length: u32, isFirst: bool): u32 {
  const own = <u32>load<u8>(start + at);
  if (own == PERCENT && at + 2 >= length) return 0;
  const byte = own == PERCENT ? (digitOf(load<u8>(start + at + 1)) << 4) | digitOf(load<u8>(start + at + 2)) : own;
  if (!isQuote(byte) || (isFirst && byte == APOSTROPHE && isBehindLetter(start, at))) return 0;
  return own == PERCENT ? 3 : 1;
}

/** Whether a letter stands before byte `at` of a text, and no byte in percent form. */
function isBehindLetter(start: usize, at: u32): bool {
  if (at == 0 || (at >= 3 && load<u8>(start + at - 3) == PERCENT)) return false;
  return (<u32>load<u8>(start + at - 1) | 32) - 97 < 26;
}

/** The value of a hexadecimal digit. */
function digitOf(byte: u32): u32 {
  return byte - 48 < 10 ? byte - 48 : ((byte | 32) - 87) & 15;
}
