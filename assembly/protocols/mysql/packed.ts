/**
 * Compressed packets (MySQL Internals, "Compression"): from the end of the handshake on both sides' packets travel in these.
 * Ordinary packets may begin and end anywhere in the content. A packet whose bytes come in parts is held until all are there, up to
 * PACKED_BYTES_MAX. Where bytes are missing inside a packet, what came before them is read and its other content is missed; behind
 * others the next segment that begins with a packet is where it goes on.
 */
import { isZlib } from "../../bytes/inflate";
import { u8At, u16be, u32le } from "../../bytes/reader";
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { NOWHERE, orderBegins, orderIsPast, orderUnread } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { leave, Parse } from "../protocol";
import { hold, PackedHalf, PackedPhase, packedHalf } from "./content";
import * as F from "./fields";
import { missInside, missPlace } from "./gap";
import { MysqlMetrics, Switch } from "./metrics";
import { contentOf, lengthOf, mayBegin, PACKED_HEADER_BYTES, SURE_BYTES, ZSTD_MAGIC } from "./packed-header";
import { endLost } from "./result";
import { letGo, Packet, StateFlag, stateAt } from "./state";
import { loseContent, missStored, pass, readStored, refusePacket, unpack, unpackHeld } from "./unpack";

/** Takes the bytes that `side` sent from `start` to `end`; answers how far they are read. */
export function readPacked(conversation: Conversation, side: u32, start: usize, end: usize): usize {
  const state = stateAt(conversation);
  let at = start;
  while (true) {
    const half = packedHalf(state.packed, side);
    if (half.phase <= PackedPhase.SEEK) {
      if (half.phase == PackedPhase.SEEK) at = toStart(conversation, side, start, at, end);
      if (at == end) return at;
      const next = readHeader(conversation, side, half, at, Parse.sequence + <u32>(at - start), end);
      if (conversation.protocol != <u8>F.MYSQL || half.phase <= PackedPhase.SEEK) return next;
      at = next;
    }
    const taken = min<u32>(half.left, <u32>(end - at));
    half.left -= taken;
    takeBytes(conversation, side, half, at, taken);
    if (conversation.protocol != <u8>F.MYSQL) return end;
    at += taken;
    if (half.left == 0) {
      if (half.phase == PackedPhase.PASS) pass(conversation, side, half);
      half.phase = PackedPhase.START;
      half.rest();
    } else if (half.phase >= PackedPhase.PASS) {
      Parse.skip = half.left;
      half.left = 0;
      return at;
    } else if (at == end) {
      return at;
    }
  }
}

/** Takes the next `length` bytes of the packet in progress. */
function takeBytes(conversation: Conversation, side: u32, half: PackedHalf, start: usize, length: u32): void {
  if (half.phase == PackedPhase.STORED) {
    readStored(conversation, side, half, half.length - half.left - length, start, length);
    return;
  }
  if (half.phase != PackedPhase.HOLD) return;
  const isWhole = half.left == 0;
  if (isWhole && half.held == 0) {
    unpack(conversation, side, half, start, length, true, Mark.TRUNCATED);
    return;
  }
  const isHeld = hold(half, start, length) == length;
  if (isHeld && !isWhole) return;
  if (!isHeld) half.phase = PackedPhase.PASS_COUNTED;
  unpackHeld(conversation, side, half, isHeld, Mark.TRUNCATED);
}

/** Reads the header at `at`; answers how far, with the phase as it was where more must come or no header is there. */
function readHeader(conversation: Conversation, side: u32, half: PackedHalf, at: usize, sequence: u32, end: usize): usize {
  const here = <u32>(end - at);
  const isSeeking = half.phase == PackedPhase.SEEK;
  const least: u32 = isSeeking
    ? SURE_BYTES
    : here >= PACKED_HEADER_BYTES && contentOf(at) != 0
      ? SURE_BYTES - 1
      : PACKED_HEADER_BYTES;
  if (here < least) {
    if (Parse.isCut) return end;
    if (!isSeeking || mayBeHere(conversation, side, at, sequence, here)) {
      Parse.need = least;
      return at;
    }
    passOver(conversation, side, half, sequence, here);
    return end;
  }
  const length = lengthOf(at);
  const content = contentOf(at);
  if (content != 0 && u32le(at + PACKED_HEADER_BYTES) == ZSTD_MAGIC) {
    MysqlMetrics.switched(Switch.ZSTD);
    letGo(conversation);
    leave(conversation, PROTOCOL_FOREIGN);
    return end;
  }
  const isHeader = length != 0 && (content == 0 || isZlib(u16be(at + PACKED_HEADER_BYTES)));
  if (!isHeader || (isSeeking && !isSure(conversation, side, at, sequence, here))) {
    passOver(conversation, side, half, sequence, here);
    return end;
  }
  half.id = <u8>u8At(at + 3);
  half.sequence = sequence;
  half.length = length;
  half.left = length;
  half.contentLength = content == 0 ? length : content;
  const isRoom = half.begin(Parse.timeOf(at));
  if (!isRoom) {
    half.phase = PackedPhase.PASS_COUNTED;
    refusePacket(conversation, side, half);
  } else if (half.carryLength == 0 && half.skip >= half.contentLength) {
    half.skip -= half.contentLength;
    half.phase = PackedPhase.PASS;
  } else {
    half.phase = content == 0 ? PackedPhase.STORED : PackedPhase.HOLD;
  }
  return at + PACKED_HEADER_BYTES;
}

/** Where between `at` and `end` a response begins that a request waits for; `at` where none does, or none is looked for. */
function toStart(conversation: Conversation, side: u32, start: usize, at: usize, end: usize): usize {
  if (side == <u32>conversation.client) return at;
  const state = stateAt(conversation);
  const sequence = Parse.sequence + <u32>(at - start);
  const distance = orderBegins(conversation, state.requests, sequence, <u32>(end - at));
  if (distance == NOWHERE || distance == 0) return at;
  orderUnread(state.requests, sequence + distance);
  return at + distance;
}

/** Whether a packet may begin with the few bytes at `at`, where the place was not known. */
function mayBeHere(conversation: Conversation, side: u32, at: usize, sequence: u32, here: u32): bool {
  if (side == <u32>conversation.client) return mayBegin(at, here);
  return orderBegins(conversation, stateAt(conversation).requests, sequence, 1) == 0;
}

/** Whether the header at `at`, where the place was not known, is one beyond doubt. */
function isSure(conversation: Conversation, side: u32, at: usize, sequence: u32, here: u32): bool {
  const length = lengthOf(at);
  const content = contentOf(at);
  const isAsking = side == <u32>conversation.client;
  if (isAsking && u8At(at + 3) != 0) return false;
  if (content != 0) return content > length;
  if (!isAsking && orderBegins(conversation, stateAt(conversation).requests, sequence, 1) != 0) return false;
  return isChain(at + PACKED_HEADER_BYTES, length, here - PACKED_HEADER_BYTES);
}

/** Whether ordinary packets whose ids follow each other, as far as `here` bytes show, fill `length` bytes at `start`. */
function isChain(start: usize, length: u32, here: u32): bool {
  let offset: u32 = 0;
  let id = u8At(start + 3);
  while (offset < length) {
    if (offset + Packet.HEADER > here) return offset != 0;
    if (u8At(start + offset + 3) != (id & 255)) return false;
    offset += Packet.HEADER + lengthOf(start + offset);
    id += 1;
  }
  return offset == length;
}

/** Bytes of which nothing is known, but that they may belong to the response that is held. */
function passOver(conversation: Conversation, side: u32, half: PackedHalf, sequence: u32, bytes: u32): void {
  if (half.phase == PackedPhase.START) {
    MysqlMetrics.malformed();
    lose(conversation, side, half, sequence, 0, Mark.MALFORMED);
    if (conversation.protocol != <u8>F.MYSQL) return;
  }
  if (side == <u32>conversation.client) return;
  const state = stateAt(conversation);
  orderUnread(state.requests, sequence + bytes);
  if (!state.is(StateFlag.HELD)) return;
  if (orderIsPast(state.requests, Parse.acknowledgement)) endLost(conversation);
  else changetype<Message>(state.response).wireBytes += bytes;
}

/** The place is lost with `bytes` that are missing from `sequence` on. */
function lose(conversation: Conversation, side: u32, half: PackedHalf, sequence: u32, bytes: u32, mark: u32): void {
  half.phase = PackedPhase.SEEK;
  half.left = 0;
  loseContent(conversation, side, half);
  if (conversation.protocol != <u8>F.MYSQL) return;
  half.rest();
  half.skip = 0;
  missPlace(conversation, side, sequence, bytes, bytes, mark);
}

/** `bytes` from `Parse.sequence` on are missing from what `side` sent. */
export function missPacked(conversation: Conversation, side: u32, bytes: u32): void {
  const half = packedHalf(stateAt(conversation).packed, side);
  if (half.phase >= PackedPhase.PASS && <u64>bytes <= Parse.skip) {
    missInside(conversation, side, Mark.GAP);
    return;
  }
  const sequence = Parse.sequence;
  const isInside = half.phase > PackedPhase.SEEK && bytes <= half.left;
  const offset = half.length - half.left;
  if (half.phase == PackedPhase.HOLD) endHeldBytes(conversation, side, half, Mark.GAP);
  else if (half.phase == PackedPhase.STORED && isInside) missStored(conversation, side, half, offset, bytes);
  if (conversation.protocol != <u8>F.MYSQL) return;
  if (!isInside) {
    lose(conversation, side, half, sequence, bytes, Mark.GAP);
    return;
  }
  half.left -= bytes;
  if (half.left != 0) return;
  half.phase = PackedPhase.START;
  half.rest();
}

/** No more bytes of the packet in progress are to be had: what is held of it is read. */
function endHeldBytes(conversation: Conversation, side: u32, half: PackedHalf, mark: u32): void {
  half.phase = PackedPhase.PASS_COUNTED;
  unpackHeld(conversation, side, half, false, mark);
}

/** `side` sends no more. */
export function endPacked(conversation: Conversation, side: u32): void {
  const half = packedHalf(stateAt(conversation).packed, side);
  if (half.phase == PackedPhase.HOLD) endHeldBytes(conversation, side, half, Mark.INCOMPLETE);
}
