/**
 * Bytes in order to the parser, where they lie.
 *
 * What the parser leaves is copied once to the stream's carry, at most 4080 bytes together, and the parser is called again
 * when as many bytes as it needs have come. What it wants skipped is counted, not kept. What finds no room is missing for the
 * parser as if it had not been captured, and so is what comes while there is no room for the parser's state.
 */
import { BLOCK_BYTES_MAX } from "../bytes/pool";
import { Window } from "../bytes/window";
import { FAULT, Found, OVER_TCP, Parse, Protocols, stateOf } from "../protocols/protocol";
import { Regions } from "../regions";
import { PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Settings } from "../settings";
import { Flow, STREAM_LEFT, STREAM_LOST, STREAM_MISSED, STREAM_REFUSED, STREAM_UNREAD, Stream } from "./flow";
import { recognize, unrecognized } from "./recognize";
import { StreamTally } from "./tally";

/** Hands `length` bytes, the next in order that `side` sent, to the flow's protocol. */
export function deliver(flow: Flow, side: u32, start: usize, length: u32): void {
  const stream = flow.stream(side);
  const first = Parse.sequence;
  let at = start;
  let left = length;
  let hasLeft = false;
  while (flow.protocol != PROTOCOL_FOREIGN) {
    Parse.sequence = first + <u32>(at - start);
    if (stream.skip > 0) {
      const passed = skipOver(stream, left);
      at += passed;
      left -= passed;
      if (stream.skip > 0) return;
      Parse.sequence = first + <u32>(at - start) - stream.carryLength;
      Window.open(at, 0);
      if (!ask(flow, side, stream, at, 0)) return;
      continue;
    }
    if (left == 0 && stream.carryLength == 0) return;
    if (stream.carryLength != 0) {
      const taken = deliverCarried(flow, side, stream, at, left);
      if (taken == STOP) return;
      at += taken;
      left -= taken;
      continue;
    }
    if (left < stream.need) {
      carry(flow, side, stream, at, left);
      return;
    }
    Window.open(at, left);
    if (!placed(flow, side, stream, at, left)) return;
    if (!ask(flow, side, stream, at, left)) return;
    const consumed = Answer.consumed;
    at += consumed;
    left -= consumed;
    // A protocol may leave at bytes that are another's, which is looked for once.
    if (consumed == 0 && flow.protocol == PROTOCOL_UNKNOWN && !hasLeft) {
      hasLeft = true;
      continue;
    }
    if (consumed == 0 && stream.skip == 0) {
      if (left > 0) carry(flow, side, stream, at, left);
      return;
    }
  }
}

/** Bytes that a stream is told to have missed where its beginning is not known. */
const MISSED_BYTES_UNKNOWN: u32 = 1 << 16;
/** No byte was taken and none can be until more come. */
const STOP: u32 = u32.MAX_VALUE;

class Answer {
  static consumed: u32 = 0;
}

/** Steps over what is to be skipped, first in the carry, then in `left` new bytes; answers how many new ones passed. */
function skipOver(stream: Stream, left: u32): u32 {
  if (stream.carryLength != 0) {
    const carried = <u32>stream.carryLength;
    const dropped = stream.skip < <u64>carried ? <u32>stream.skip : carried;
    dropCarry(stream, dropped);
    stream.skip -= dropped;
    if (stream.skip == 0) return 0;
  }
  const passed = stream.skip < <u64>left ? <u32>stream.skip : left;
  stream.skip -= passed;
  return passed;
}

/** Calls the parser; false when it lost its place. The stream's `need` and `skip` are what it asked for. */
function ask(flow: Flow, side: u32, stream: Stream, start: usize, length: u32): bool {
  Parse.need = 0;
  Parse.skip = 0;
  const consumed = call_indirect<i32>(Protocols.at(flow.protocol).parse, flow, side, start, length);
  if (consumed == FAULT) {
    lose(stream);
    return false;
  }
  assert(<u32>consumed <= length);
  Answer.consumed = <u32>consumed;
  stream.need = Parse.need;
  stream.skip = Parse.skip;
  if (flow.protocol == PROTOCOL_UNKNOWN) forgetAsked(flow);
  return true;
}

/** The protocol has left: what it asked for, of either side, it takes along, since there is nobody to be called for it. */
function forgetAsked(flow: Flow): void {
  for (let side: u32 = 0; side < 2; side++) {
    const stream = flow.stream(side);
    stream.need = 0;
    stream.skip = 0;
    stream.flags |= <u16>STREAM_LEFT;
  }
}

/** Calls the parser with the carry, the first `before` bytes of which came earlier than now. */
function askCarried(flow: Flow, side: u32, stream: Stream, before: u32, length: u32): bool {
  Parse.carriedNs = stream.carryNs;
  Parse.carriedEnd = stream.carry + before;
  const inPlace = ask(flow, side, stream, stream.carry, length);
  Parse.carriedEnd = 0;
  return inPlace;
}

/** Whether the parser knows where it is, or finds itself at these bytes; keeps them where a probe wants more. */
function placed(flow: Flow, side: u32, stream: Stream, start: usize, length: u32): bool {
  if (flow.protocol != PROTOCOL_UNKNOWN && !(stream.flags & STREAM_LOST)) return true;
  const wasUnknown = isUnread(flow);
  const found = recognize(flow, side, start, length, OVER_TCP);
  if (found == Found.MORE) {
    if (stream.carryLength == 0) carry(flow, side, stream, start, length);
    return false;
  }
  if (found == Found.NO) {
    dropCarry(stream, stream.carryLength);
    unrecognized(flow, side);
    return false;
  }
  if ((wasUnknown && isUnanswered(stream)) || stateOf(flow, Protocols.at(flow.protocol)) == 0) {
    StreamTally.memory += 1;
    dropCarry(stream, stream.carryLength);
    flow.protocol = <u8>PROTOCOL_UNKNOWN;
    stream.flags |= <u16>(STREAM_MISSED | STREAM_REFUSED);
    stream.refusedFloor = <u16>Parse.acknowledgement;
    return false;
  }
  stream.flags &= ~(<u16>(STREAM_LOST | STREAM_UNREAD));
  if (wasUnknown) tellMissed(flow, side);
  // What the other side sent before is none of the protocol that was found only now.
  const peer = flow.stream(side ^ 1);
  if (wasUnknown && (peer.carryLength != 0 || peer.unrecognized != 0)) peer.flags |= <u16>(STREAM_LOST | STREAM_UNREAD);
  return true;
}

/** Whether no protocol has read of the flow yet: none is known, or one is forced and has not found its place. */
function isUnread(flow: Flow): bool {
  return flow.protocol == PROTOCOL_UNKNOWN || (Settings.forcedCount != 0 && flow.state == 0);
}

/** Whether what found no room before may not have been answered yet: its answer would be taken for that to what comes now. */
function isUnanswered(stream: Stream): bool {
  return (stream.flags & STREAM_REFUSED) != 0 && stream.refusedFloor == <u16>Parse.acknowledgement;
}

/** Tells a parser that has just begun of what was missing before, up to the bytes of `side` in hand and of the other to come. */
function tellMissed(flow: Flow, side: u32): void {
  const sequence = Parse.sequence;
  for (let one: u32 = 0; one < 2; one++) {
    const stream = flow.stream(one);
    if (!(stream.flags & STREAM_MISSED)) continue;
    stream.flags &= ~(<u16>(STREAM_MISSED | STREAM_REFUSED));
    // Of a connection that was joined in its middle that is known anyway.
    if (!flow.started) continue;
    const end = one == side ? sequence : stream.next - stream.carryLength;
    const bytes = stream.first != 0 ? end - stream.first : MISSED_BYTES_UNKNOWN;
    Parse.sequence = end - bytes;
    Parse.skip = 0;
    call_indirect<bool>(Protocols.at(flow.protocol).gap, flow, one, bytes);
  }
  Parse.sequence = sequence;
}

/** One parser call over carry and new bytes together; answers how many new ones were consumed, or STOP. */
function deliverCarried(flow: Flow, side: u32, stream: Stream, start: usize, length: u32): u32 {
  const before = <u32>stream.carryLength;
  const room = BLOCK_BYTES_MAX - before;
  const taken = length < room ? length : room;
  if (!append(stream, start, taken)) {
    StreamTally.memory += 1;
    miss(flow, side, stream, before, before + length);
    return STOP;
  }
  const together = before + taken;
  if (together < stream.need) {
    if (taken < length) tooLong(flow, side, stream, before, before + length);
    return STOP;
  }
  Parse.sequence -= before;
  Window.open(stream.carry, together);
  // Where both together are nothing, the new bytes alone may be.
  if (!placed(flow, side, stream, stream.carry, together)) return stream.carryLength == 0 ? 0 : STOP;
  // What was left may be what is no message, and the new bytes one.
  if (!askCarried(flow, side, stream, before, together)) return 0;
  const consumed = Answer.consumed;
  if (consumed == 0 && stream.skip == 0) {
    if (taken < length || together == BLOCK_BYTES_MAX) tooLong(flow, side, stream, 0, before + length);
    return STOP;
  }
  if (consumed >= before) {
    dropCarry(stream, together);
    return consumed - before;
  }
  // The parser stands inside the old carry: what was appended is new again.
  stream.carryLength = <u16>before;
  dropCarry(stream, consumed);
  return 0;
}

/** A message part that must lie together is longer than a carry can be. */
function tooLong(flow: Flow, side: u32, stream: Stream, carried: u32, bytes: u32): void {
  StreamTally.tooLong += 1;
  miss(flow, side, stream, carried, bytes);
}

/** The parser has lost its place: what it left goes, and the next message start is looked for. */
function lose(stream: Stream): void {
  dropCarry(stream, stream.carryLength);
  stream.need = 0;
  stream.skip = 0;
  stream.flags |= <u16>STREAM_LOST;
}

/** Drops what the parser left and the rest of what is in hand, `bytes` from `carried` bytes before `Parse.sequence` on: to the parser it is missing. */
function miss(flow: Flow, side: u32, stream: Stream, carried: u32, bytes: u32): void {
  dropCarry(stream, stream.carryLength);
  tellGap(flow, side, stream, Parse.sequence - carried, bytes);
}

function carry(flow: Flow, side: u32, stream: Stream, start: usize, length: u32): void {
  if (length > BLOCK_BYTES_MAX) {
    if (flow.protocol != PROTOCOL_UNKNOWN) tooLong(flow, side, stream, 0, length);
    return;
  }
  if (append(stream, start, length)) return;
  StreamTally.memory += 1;
  miss(flow, side, stream, 0, length);
}

/** Adds bytes to the carry, moving it to a larger block where needed; the caller checked that they fit one. */
function append(stream: Stream, start: usize, length: u32): bool {
  const before = <u32>stream.carryLength;
  const together = before + length;
  if (before == 0) {
    stream.carryNs = Parse.timeNs;
    stream.carryAcknowledgement = Parse.acknowledgement;
  }
  if (together > <u32>stream.carryCapacity) {
    const block = Regions.streamPool.allocate(together);
    if (block == 0) return false;
    if (stream.carry != 0) {
      memory.copy(block, stream.carry, before);
      Regions.streamPool.release(stream.carry);
    }
    stream.carry = <u32>block;
    stream.carryCapacity = <u16>together;
  }
  memory.copy(stream.carry + before, start, length);
  stream.carryLength = <u16>together;
  return true;
}

/** Drops the first `bytes` of the carry, and its block with the last of them. */
export function dropCarry(stream: Stream, bytes: u32): void {
  const left = <u32>stream.carryLength - bytes;
  stream.carryLength = <u16>left;
  if (left != 0) {
    memory.copy(stream.carry, stream.carry + bytes, left);
    return;
  }
  if (stream.carry == 0) return;
  Regions.streamPool.release(stream.carry);
  stream.carry = 0;
  stream.carryCapacity = 0;
}

/** Shows the parser what it left, since what follows up to `end` is not there, and drops it. */
function deliverCut(flow: Flow, side: u32, stream: Stream, end: u32): void {
  const length = <u32>stream.carryLength;
  const acknowledgement = Parse.acknowledgement;
  Parse.sequence = end - length;
  Parse.acknowledgement = stream.carryAcknowledgement;
  Parse.isCut = true;
  Window.open(stream.carry, length);
  if (placed(flow, side, stream, stream.carry, length)) askCarried(flow, side, stream, length, length);
  Parse.isCut = false;
  Parse.acknowledgement = acknowledgement;
  dropCarry(stream, stream.carryLength);
}

/** Tells the parser of `side` that the `bytes` before `stream.next` are missing. */
export function deliverGap(flow: Flow, side: u32, bytes: u32): void {
  flow.gapBytes += bytes;
  StreamTally.gaps += 1;
  StreamTally.gapBytes += bytes;
  deliverMissing(flow, side, bytes);
}

/** The same for bytes that are no part of the connection's own: nothing is counted. */
export function deliverMissing(flow: Flow, side: u32, bytes: u32): void {
  const stream = flow.stream(side);
  if (flow.protocol == PROTOCOL_FOREIGN) return;
  if (stream.carryLength != 0) deliverCut(flow, side, stream, stream.next - bytes);
  tellGap(flow, side, stream, stream.next - bytes, bytes);
}

/** Tells the parser of `side` that `bytes` from `sequence` on are missing; whoever comes to read them where there is none yet. */
function tellGap(flow: Flow, side: u32, stream: Stream, sequence: u32, bytes: u32): void {
  if (flow.protocol == PROTOCOL_UNKNOWN) stream.flags |= <u16>STREAM_MISSED;
  if (flow.protocol == PROTOCOL_UNKNOWN || flow.protocol == PROTOCOL_FOREIGN) return;
  if (stream.flags & STREAM_LOST && !(stream.flags & STREAM_UNREAD)) return;
  stream.need = 0;
  Parse.skip = stream.skip;
  Parse.sequence = sequence;
  if (!call_indirect<bool>(Protocols.at(flow.protocol).gap, flow, side, bytes)) {
    lose(stream);
    return;
  }
  stream.flags &= ~(<u16>(STREAM_LOST | STREAM_UNREAD));
  const ended = stream.skip == <u64>bytes;
  stream.skip = stream.skip > <u64>bytes ? stream.skip - bytes : 0;
  if (!ended) return;
  Parse.sequence = sequence + bytes;
  Window.open(0, 0);
  ask(flow, side, stream, 0, 0);
}
