/**
 * From compressed packets to their content, a stream of ordinary packets, which is handed to what reads those.
 *
 * ```
 *   Regions.unpacked - what was left | content, UNPACKED_BYTES_MAX at a time, copies reaching back
 * ```
 * What the parser leaves, a packet that goes on in the next content, is kept in a block and laid before that. Content is inflated
 * only as far as the parser has use for it, and CONTENT_BYTES_MAX at the most; what is not there is missing, as other bytes are.
 */

import { Inflate, Inflated, inflate, inflateOpen, inflateSlide } from "../../bytes/inflate";
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { Window } from "../../bytes/window";
import { Regions, UNPACKED_BYTES_MAX } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { Content, collectHeld, PackedHalf, packedHalf } from "./content";
import * as F from "./fields";
import { missInside, missPlace } from "./gap";
import { MysqlMetrics } from "./metrics";
import { PACKED_HEADER_BYTES } from "./packed-header";
import { readRequests } from "./requests";
import { readResponses } from "./responses";
import { requestOf, stateAt } from "./state";

/** Bytes of content that are inflated of one packet at the most. */
const CONTENT_BYTES_MAX: u32 = 1 << 18;

/** What the parser is told, while it reads content. */
class Outside {
  static windowStart: usize = 0;
  static windowEnd: usize = 0;
  static carriedEnd: usize = 0;
  static carriedNs: u64 = 0;
}

/**
 * Turns to the next `length` bytes of the content of the packet in progress, behind `offset` bytes of it, and lays what was left
 * before them; answers where that begins.
 */
function enterContent(conversation: Conversation, side: u32, half: PackedHalf, offset: u32, length: u32): usize {
  Outside.windowStart = Window.start;
  Outside.windowEnd = Window.end;
  Outside.carriedEnd = Parse.carriedEnd;
  Outside.carriedNs = Parse.carriedNs;
  const wireBytes = PACKED_HEADER_BYTES + half.length;
  const carried = <u32>half.carryLength;
  Content.isInHand = true;
  Content.origin = Regions.unpacked;
  Content.offset = offset;
  Content.length = half.contentLength;
  Content.sequence = half.sequence;
  Content.wireBytes = wireBytes;
  Content.carrySequence = half.carrySequence;
  Content.id = half.id;
  Content.askedId = packedHalf(stateAt(conversation).packed, side ^ 1).id;
  Content.carryLeft = carried;
  Content.carryWireLeft = half.carryWireBytes;
  Content.shared = offset;
  Content.here = offset + length;
  if (carried != 0) memory.copy(Regions.unpacked - carried, half.carry, carried);
  // A message began when what was left did, or the packet.
  Parse.carriedEnd = carried != 0 ? Regions.unpacked : offset == 0 ? Regions.unpacked + UNPACKED_BYTES_MAX : 0;
  Parse.carriedNs = carried != 0 ? half.carryNs : half.firstNs;
  return Regions.unpacked - carried;
}

/** Gives back what the parser is told of the bytes on the wire. */
function leaveContent(): void {
  Content.isInHand = false;
  Window.start = Outside.windowStart;
  Window.end = Outside.windowEnd;
  Parse.carriedEnd = Outside.carriedEnd;
  Parse.carriedNs = Outside.carriedNs;
}

/** Hands the content from `start` to `end` on; answers how far it is read. The conversation may be another protocol's then. */
function handOn(conversation: Conversation, side: u32, half: PackedHalf, start: usize, end: usize): usize {
  const passed = min<u32>(half.skip, <u32>(end - start));
  half.skip -= passed;
  if (passed != 0) countPassed(conversation, side, Content.wireBytesOf(passed));
  const at = start + passed;
  if (at == end) return at;
  Window.open(at, <u32>(end - at));
  Parse.skip = 0;
  const read =
    side == <u32>conversation.client ? readRequests(conversation, side, at, end) : readResponses(conversation, side, at, end);
  if (conversation.protocol == <u8>F.MYSQL) half.skip = <u32>Parse.skip;
  Parse.skip = 0;
  Parse.need = 0;
  return read;
}

/** Counts bytes on the wire of a packet that is passed over for the message that it belongs to. */
function countPassed(conversation: Conversation, side: u32, wireBytes: u32): void {
  const isAsking = side == <u32>conversation.client;
  const at = isAsking ? requestOf(conversation) : <usize>stateAt(conversation).response;
  if (at == 0) return;
  const message = changetype<Message>(at);
  message.wireBytes += wireBytes;
  message.lastNs = Parse.timeNs;
  if (isAsking) message.endSequence = Content.sequence + Content.wireBytes;
}

/** Keeps the content from `start` to `end`, which goes on in the next packet. */
function keep(conversation: Conversation, side: u32, half: PackedHalf, start: usize, end: usize): void {
  const length = <u32>(end - start);
  const sequence = start < Regions.unpacked ? half.carrySequence : half.sequence;
  const firstNs = start < Regions.unpacked ? half.carryNs : half.firstNs;
  half.dropCarry();
  if (length == 0) return;
  const wireBytes = Content.wireBytesOf(length);
  const block = length <= BLOCK_BYTES_MAX ? Regions.streamPool.allocate(length) : 0;
  if (block == 0) {
    MysqlMetrics.refused();
    missPacket(conversation, side, half, wireBytes, Mark.TRUNCATED);
    return;
  }
  memory.copy(block, start, length);
  half.setCarry(<u32>block, length, firstNs, sequence, wireBytes);
}

/** The place in the content is lost with the packet in progress, `wireBytes` of which no message has. */
function missPacket(conversation: Conversation, side: u32, half: PackedHalf, wireBytes: u32, mark: u32): void {
  half.skip = 0;
  const bytes = PACKED_HEADER_BYTES + half.length;
  missPlace(conversation, side, half.sequence, bytes, wireBytes, mark);
}

/** There is no room for what is in progress of the packet that begins: its content is missed. */
export function refusePacket(conversation: Conversation, side: u32, half: PackedHalf): void {
  MysqlMetrics.refused();
  loseContent(conversation, side, half);
  if (conversation.protocol == <u8>F.MYSQL)
    missPacket(conversation, side, half, PACKED_HEADER_BYTES + half.length, Mark.TRUNCATED);
}

/** Reads `length` bytes at `start`, which are content themselves, behind `offset` bytes of it. */
export function readStored(
  conversation: Conversation,
  side: u32,
  half: PackedHalf,
  offset: u32,
  start: usize,
  length: u32,
): void {
  let done: u32 = 0;
  while (done < length && conversation.protocol == <u8>F.MYSQL) {
    const taken = min<u32>(length - done, UNPACKED_BYTES_MAX);
    const from = enterContent(conversation, side, half, offset + done, taken);
    memory.copy(Regions.unpacked, start + done, taken);
    const end = Regions.unpacked + taken;
    const at = handOn(conversation, side, half, from, end);
    if (conversation.protocol == <u8>F.MYSQL) keep(conversation, side, half, at, end);
    leaveContent();
    done += taken;
  }
}

/** Unpacks the bytes that are held: all of the packet in progress, or as many as there are. */
export function unpackHeld(conversation: Conversation, side: u32, half: PackedHalf, isWhole: bool, mark: u32): void {
  const bytes = collectHeld(half);
  const windowStart = Window.start;
  const windowEnd = Window.end;
  Window.open(Regions.packed, bytes);
  unpack(conversation, side, half, Regions.packed, bytes, isWhole, mark);
  Window.start = windowStart;
  Window.end = windowEnd;
}

/**
 * Unpacks the packet in progress from `length` bytes at `start`, which are all of it or not, and hands its content on; what
 * is missing of that is missed with `mark`.
 */
export function unpack(
  conversation: Conversation,
  side: u32,
  half: PackedHalf,
  start: usize,
  length: u32,
  isWhole: bool,
  mark: u32,
): void {
  let at = enterContent(conversation, side, half, 0, half.contentLength);
  let missedMark = mark;
  let done: u32 = 0;
  inflateOpen(start, length, Regions.unpacked);
  while (true) {
    const before = <u32>(Inflate.out - Inflate.start);
    Window.open(start, length);
    const outcome = inflate(UNPACKED_BYTES_MAX);
    const more = <u32>(Inflate.out - Inflate.start) - before;
    const isBad =
      outcome == Inflated.BAD ||
      (outcome == Inflated.TRUNCATED && isWhole) ||
      done + more > half.contentLength ||
      (outcome == Inflated.DONE && done + more < half.contentLength);
    if (isBad) {
      MysqlMetrics.malformed();
      missedMark = Mark.MALFORMED;
      Inflate.out -= more;
      break;
    }
    done += more;
    at = handOn(conversation, side, half, at, Inflate.out);
    if (conversation.protocol != <u8>F.MYSQL) {
      leaveContent();
      return;
    }
    if (outcome != Inflated.FULL || <u32>(Inflate.out - at) > BLOCK_BYTES_MAX) break;
    if (done >= CONTENT_BYTES_MAX || half.skip >= half.contentLength - done) break;
    const moved = inflateSlide();
    at -= moved;
    Content.offset += moved;
  }
  if (done == half.contentLength) keep(conversation, side, half, at, Inflate.out);
  else missRest(conversation, side, half, at, done, missedMark);
  leaveContent();
}

/** What follows the first `done` bytes of content is not there; from `at` on they are not read yet. */
function missRest(conversation: Conversation, side: u32, half: PackedHalf, at: usize, done: u32, mark: u32): void {
  const rest = half.contentLength - done;
  if (rest <= half.skip) {
    half.skip -= rest;
    countPassed(conversation, side, Content.wireBytesOf(rest));
    half.dropCarry();
    // What the parser has no use for is not missed where it came.
    if (mark != Mark.TRUNCATED) missInside(conversation, side, mark);
    return;
  }
  if (at < Inflate.out) showCut(conversation, side, half, at, Inflate.out);
  if (conversation.protocol != <u8>F.MYSQL) return;
  half.dropCarry();
  missPacket(conversation, side, half, Content.wireLeft, mark);
}

/** Shows the parser what it left, since what follows is not there. */
function showCut(conversation: Conversation, side: u32, half: PackedHalf, start: usize, end: usize): void {
  const wasCut = Parse.isCut;
  Parse.isCut = true;
  handOn(conversation, side, half, start, end);
  Parse.isCut = wasCut;
}

/** `bytes` of content that is not compressed are missing, behind `offset` bytes of it. */
export function missStored(conversation: Conversation, side: u32, half: PackedHalf, offset: u32, bytes: u32): void {
  if (bytes > half.skip) {
    loseContent(conversation, side, half);
    if (conversation.protocol != <u8>F.MYSQL) return;
  }
  enterContent(conversation, side, half, offset, bytes);
  const wireBytes = Content.wireBytesOf(bytes);
  if (bytes <= half.skip) {
    half.skip -= bytes;
    countPassed(conversation, side, wireBytes);
    missInside(conversation, side, Mark.GAP);
  } else {
    half.skip = 0;
    missPlace(conversation, side, half.sequence + PACKED_HEADER_BYTES + offset, bytes, wireBytes, Mark.GAP);
  }
  leaveContent();
}

/** What was left of the content is shown a last time: what follows is not known. */
export function loseContent(conversation: Conversation, side: u32, half: PackedHalf): void {
  if (half.carryLength != 0) {
    const from = enterContent(conversation, side, half, half.contentLength, 0);
    showCut(conversation, side, half, from, Regions.unpacked);
    leaveContent();
    if (conversation.protocol != <u8>F.MYSQL) return;
    half.dropCarry();
  }
}

/** The packet in progress has passed, and with it content that is of no interest. */
export function pass(conversation: Conversation, side: u32, half: PackedHalf): void {
  enterContent(conversation, side, half, 0, half.contentLength);
  countPassed(conversation, side, Content.wireLeft);
  leaveContent();
}
