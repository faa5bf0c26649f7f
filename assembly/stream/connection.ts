/**
 * TCP: the life of a connection, segment by segment: how it opens, what it carries, how it ends. `order.ts` puts its bytes in
 * order.
 */
import { spanOf, UNTIMED } from "../bytes/stamp";
import { Packet } from "../capture/packet";
import { TcpMetrics } from "../modules/net-tcp";
import { Parse, Protocols } from "../protocols/protocol";
import { Regions } from "../regions";
import { askOwners, endQuestions, forgetOwners } from "../roundtrip/ask-owner";
import { CLIENT_UNKNOWN, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Status } from "../roundtrip/marks";
import { reportRest, reportUnansweredBy } from "../roundtrip/report";
import { Settings } from "../settings";
import { dropCarry } from "./deliver";
import { earlyRelease } from "./early";
import {
  Flow,
  STREAM_ASSUMED,
  STREAM_DONE,
  STREAM_EXPECTED,
  STREAM_FIN,
  STREAM_RESET,
  STREAM_STARTED,
  STREAM_ZERO_WINDOW,
  Stream,
} from "./flow";
import { Holes } from "./holes";
import { checkHoles, giveUp, noteMissing, order, waiting } from "./order";
import { noteSegment } from "./seen";
import { FlowTable, Lookup } from "./table";
import { StreamTally } from "./tally";
import { Use, useMove } from "./use";

const FIN: u32 = 1;
const SYN: u32 = 2;
const RST: u32 = 4;
const ACK: u32 = 16;

/** Bytes behind a SYN that the capture may bring before it: what a sender may send at once in the beginning, and more. */
const LATE_SYN_BYTES_MAX: u32 = 1 << 16;
/** How long a connection is quiet before the SYN that began it is no copy of it any more, ns: as long as a hole stays open. */
const COPY_NS: u64 = 3_000_000_000;

/** Takes the segment in `Packet`, sent by `side`. */
export function onSegment(flow: Flow, side: u32): void {
  const flags = Packet.tcpFlags;
  const stream = flow.stream(side);
  const peer = flow.stream(side ^ 1);
  if (Packet.isSeveral && Packet.payloadLength > 0) noteSegment(flow, side);
  Parse.timeNs = Packet.stampNs;
  Parse.acknowledgement = Packet.tcpAcknowledgment;
  Parse.sourcePort = Packet.sourcePort;
  Parse.destinationPort = Packet.destinationPort;
  if (flags & (SYN | RST)) {
    if (flags & RST) {
      onReset(flow, side);
      return;
    }
    if (!onSyn(flow, side, stream, peer, (flags & ACK) != 0)) return;
  }
  const sequence = Packet.tcpSequence + (flags & SYN ? 1 : 0);
  if (Packet.payloadLength > 0) onData(flow, side, stream, sequence);
  else if (!(flags & SYN)) expectNext(stream, sequence);
  if (flags & FIN) onFin(flow, side, stream, sequence + Packet.payloadLength);
  if (flags & ACK) onAcknowledgement(flow, side, stream, peer);
  if (flow.holeSinceNs != 0) checkHoles(flow);
  if (isOpening(flow) && (Packet.payloadLength > 0 || flow.ackNs != 0)) useMove(flow, Use.open);
  checkEnds(flow);
}

function isOpening(flow: Flow): bool {
  return flow.use == <u32>changetype<usize>(Use.opening);
}

/** Whether the rest of the segment is worth a look: a repeated SYN says nothing new. */
function onSyn(flow: Flow, side: u32, stream: Stream, peer: Stream, acknowledges: bool): bool {
  TcpMetrics.syn(flow.directionOf(side), acknowledges);
  const first = Packet.tcpSequence + 1;
  if (stream.flags & STREAM_STARTED) {
    // Seen twice by the capture, or sent again: a connection that is opened anew has a sequence number of its own as a rule.
    if (stream.first == first && flow.started && !beginsAgain(stream, acknowledges)) {
      retransmitted(flow, side, stream);
      return Packet.payloadLength > 0;
    }
    // The capture brings the SYN behind what it opened.
    if (stream.first == 0 && flow.ended == 0 && stream.next - first <= LATE_SYN_BYTES_MAX) {
      stream.first = first;
      opened(flow, side, acknowledges);
      return Packet.payloadLength > 0;
    }
    if (!acknowledges || flow.ended) restart(flow);
    else {
      // A SYN-ACK that does not fit what was seen starts its own direction anew.
      Parse.outcome = Status.CLOSED;
      endStream(flow, side);
      resetStream(stream);
    }
  }
  stream.next = first;
  stream.first = first;
  stream.newestInterface = <u16>Packet.interfaceId;
  stream.flags |= <u16>STREAM_STARTED;
  opened(flow, side, acknowledges);
  if (acknowledges && !(peer.flags & STREAM_STARTED)) {
    peer.next = Packet.tcpAcknowledgment;
    peer.flags |= <u16>STREAM_STARTED;
  }
  return true;
}

/**
 * Whether the SYN that a connection began with begins another one, as where packets are replayed: its sender had the answer to it
 * and would not send it again, and has been quiet since for longer than a capture brings a packet late.
 */
function beginsAgain(stream: Stream, acknowledges: bool): bool {
  return !acknowledges && stream.acknowledged != 0 && Packet.timeNs > Lookup.beforeNs + COPY_NS;
}

/** Notes what a SYN tells: who asks, and when. */
function opened(flow: Flow, side: u32, acknowledges: bool): void {
  flow.client = <u8>(acknowledges ? side ^ 1 : side);
  flow.started = 1;
  if (!acknowledges) flow.synNs = Packet.stampNs;
  else if (flow.synAckNs == 0) flow.synAckNs = Packet.stampNs;
  if (Settings.owners) askOwners(flow, flow.client);
}

function onReset(flow: Flow, side: u32): void {
  TcpMetrics.reset(flow.directionOf(side));
  if (flow.ended) return;
  flow.stream(side).flags |= <u16>STREAM_RESET;
  if (flow.holeSinceNs != 0) checkHoles(flow);
  checkReset(flow);
}

/** Ends a connection that was reset, once what the capture brings late has come or was given up. */
function checkReset(flow: Flow): void {
  if (isReset(flow) && flow.ended == 0 && !waiting(flow)) endConnection(flow, Status.RESET);
}

function isReset(flow: Flow): bool {
  return ((flow.stream(0).flags | flow.stream(1).flags) & <u16>STREAM_RESET) != 0;
}

/**
 * A client that has sent nothing behind its SYN acknowledges the server's SYN alone: so the server's first byte is known where
 * that SYN is missing. It may have acknowledged more by then; the lowest counts, and what is seen counts more.
 */
function assumeStart(peer: Stream, acknowledgement: u32): void {
  if (peer.flags & STREAM_STARTED && !(peer.flags & STREAM_ASSUMED && <i32>(acknowledgement - peer.next) < 0)) return;
  peer.next = acknowledgement;
  peer.flags |= <u16>(STREAM_STARTED | STREAM_ASSUMED);
}

/**
 * A segment without bytes says where its sender's next one begins, so that what is missing there is known of a connection that was joined in
 * its middle too. A keep-alive, and a probe of a closed window, say one less.
 */
function expectNext(stream: Stream, sequence: u32): void {
  const isBehindProbe = stream.flags & STREAM_EXPECTED && sequence - stream.next == 1;
  if (stream.flags & STREAM_STARTED && !isBehindProbe) return;
  stream.next = sequence;
  stream.flags |= <u16>(STREAM_STARTED | STREAM_EXPECTED);
}

/** Whether the first bytes that are seen of a stream begin it, whatever was said of that before. */
function beginsStream(stream: Stream, sequence: u32): bool {
  if (!(stream.flags & STREAM_STARTED)) return true;
  if (!(stream.flags & (STREAM_ASSUMED | STREAM_EXPECTED))) return false;
  const ahead = <i32>(sequence - stream.next);
  return ahead < 0 || (ahead == 1 && stream.flags & STREAM_EXPECTED);
}

function onData(flow: Flow, side: u32, stream: Stream, sequence: u32): void {
  if (beginsStream(stream, sequence)) {
    stream.next = sequence;
    stream.flags |= <u16>STREAM_STARTED;
  }
  stream.flags &= ~(<u16>STREAM_EXPECTED);
  if (sequence == stream.next) stream.flags &= ~(<u16>STREAM_ASSUMED);
  let start = Packet.payloadStart;
  let captured = Packet.payloadCaptured;
  let wire = Packet.payloadLength;
  let position = sequence;
  const ahead = <i32>(sequence - stream.next);
  if (ahead < 0) {
    const behind = <u32>-ahead;
    // A keep-alive carries the byte before the next one, or none of it.
    if (wire == 1 && behind == 1) return;
    retransmitted(flow, side, stream);
    if (behind >= wire) return;
    wire -= behind;
    position = stream.next;
    start += behind < captured ? behind : captured;
    captured = behind < captured ? captured - behind : 0;
  } else if (ahead > 0) {
    flow.outOfOrder += 1;
    TcpMetrics.outOfOrder(flow.directionOf(side));
  }
  stream.newestInterface = <u16>Packet.interfaceId;
  order(flow, side, position, start, captured, wire);
}

/** Whether the segment was seen before, by this capture itself: with the same identification, or on another interface on its way. */
function isCopy(stream: Stream): bool {
  if (stream.newestInterface != <u16>Packet.interfaceId) return true;
  return Packet.ipId != 0 && stream.lastIpId == <u16>Packet.ipId && stream.lastSequence == Packet.tcpSequence;
}

function retransmitted(flow: Flow, side: u32, stream: Stream): void {
  if (isCopy(stream)) {
    StreamTally.duplicates += 1;
    return;
  }
  flow.retransmissions += 1;
  TcpMetrics.retransmission(flow.directionOf(side));
}

function onFin(flow: Flow, side: u32, stream: Stream, sequence: u32): void {
  stream.flags |= <u16>STREAM_FIN;
  stream.finSequence = sequence;
  if (sequence != stream.next) noteMissing(flow, side);
}

function onAcknowledgement(flow: Flow, side: u32, stream: Stream, peer: Stream): void {
  const acknowledgement = Packet.tcpAcknowledgment;
  const direction = flow.directionOf(side);
  if (flow.ackNs == 0 && flow.synAckNs != 0 && flow.client == <u8>side && Packet.payloadLength == 0) {
    flow.ackNs = Packet.stampNs;
    const tookNs = spanOf(flow.ackNs, flow.synNs);
    if (flow.synNs != 0 && tookNs != UNTIMED) TcpMetrics.handshake(direction, tookNs);
  }
  if (Packet.tcpWindow == 0 && !(stream.flags & STREAM_ZERO_WINDOW)) {
    stream.flags |= <u16>STREAM_ZERO_WINDOW;
    TcpMetrics.zeroWindow(direction);
  } else if (Packet.tcpWindow != 0) {
    stream.flags &= ~(<u16>STREAM_ZERO_WINDOW);
  }
  const repeated =
    acknowledgement == stream.acknowledged &&
    Packet.payloadLength == 0 &&
    <u16>Packet.tcpWindow == stream.window &&
    !(Packet.tcpFlags & (SYN | FIN)) &&
    acknowledgement != peer.next &&
    !isCopy(stream);
  if (repeated) TcpMetrics.duplicateAck(direction);
  if (stream.first != 0 && Packet.tcpSequence == stream.first) assumeStart(peer, acknowledgement);
  const isNews = stream.acknowledged == 0 || <i32>(acknowledgement - stream.acknowledged) > 0;
  if (isNews) stream.newestInterface = <u16>Packet.interfaceId;
  stream.acknowledged = acknowledgement;
  stream.window = <u16>Packet.tcpWindow;
  stream.lastIpId = <u16>Packet.ipId;
  stream.lastSequence = Packet.tcpSequence;
  if (<i32>(acknowledgement - peer.next) > 1) noteMissing(flow, side ^ 1);
}

function checkEnds(flow: Flow): void {
  checkReset(flow);
  for (let side: u32 = 0; side < 2; side++) {
    const stream = flow.stream(side);
    if (stream.flags & STREAM_FIN) checkEnd(flow, side, stream);
  }
}

/** Tells the parser of a stream's end once all before the FIN has gone by. */
function checkEnd(flow: Flow, side: u32, stream: Stream): void {
  if (stream.flags & STREAM_DONE || <i32>(stream.finSequence - stream.next) > 0) return;
  stream.flags |= <u16>STREAM_DONE;
  Parse.outcome = Status.CLOSED;
  finish(flow, side);
  const peer = flow.stream(side ^ 1);
  const answersCanCome = !(peer.flags & STREAM_DONE);
  if (!answersCanCome) endConnection(flow, Status.CLOSED);
  else reportUnansweredBy(flow, side, Status.CLOSED);
}

/** Tells the parser that `side` sends no more. */
export function finish(flow: Flow, side: u32): void {
  if (flow.protocol == PROTOCOL_UNKNOWN || flow.protocol == PROTOCOL_FOREIGN || flow.state == 0) return;
  Parse.skip = flow.stream(side).skip;
  call_indirect<void>(Protocols.at(flow.protocol).finish, flow, side);
}

/** Ends one stream: what waits is delivered with its gaps, then the parser is told. */
function endStream(flow: Flow, side: u32): void {
  while (flow.stream(side).early != 0) giveUp(flow);
  const stream = flow.stream(side);
  if (stream.flags & STREAM_DONE) return;
  stream.flags |= <u16>STREAM_DONE;
  finish(flow, side);
}

/** Gives up the holes of a flow that waited too long. */
export function giveUpHoles(flow: Flow): void {
  while (waiting(flow)) giveUp(flow);
  checkEnds(flow);
}

/** Ends both streams and reports what still waits with the status `how`, or as reset where it was; the flow may begin anew. */
export function endConnection(flow: Flow, how: u32): void {
  const status = flow.transport == 6 && how == Status.CLOSED && isReset(flow) ? Status.RESET : how;
  Parse.outcome = status;
  if (flow.transport == 6) {
    useMove(flow, Use.ended);
    // The asking side first, so that its last request is there when the answer is.
    const client: u32 = flow.client == 1 ? 1 : 0;
    while (waiting(flow)) giveUp(flow);
    endStream(flow, client);
    endStream(flow, client ^ 1);
  }
  reportRest(flow, status);
  if (flow.ended == 0) flow.ended = status == Status.RESET ? 2 : 1;
}

function resetStream(stream: Stream): void {
  earlyRelease(stream);
  dropCarry(stream, stream.carryLength);
  memory.fill(changetype<usize>(stream), 0, offsetof<Stream>());
}

/** Lets go of all that a flow holds in pools. */
export function releaseFlow(flow: Flow): void {
  Holes.fill(flow);
  if (Settings.owners) forgetOwners(flow);
  if (flow.state != 0) {
    const protocol = Protocols.at(flow.protocol);
    if (protocol.release != 0) call_indirect<void>(protocol.release, flow);
    Regions.streamPool.release(flow.state);
    flow.state = 0;
  }
  if (flow.transport != 6) return;
  resetStream(flow.stream(0));
  resetStream(flow.stream(1));
}

/** The same two endpoints connect again: the old connection ends as it stands, a new one begins. */
function restart(flow: Flow): void {
  if (Settings.owners) endQuestions(flow);
  endConnection(flow, Status.CLOSED);
  if (Settings.owners) call_indirect<void>(FlowTable.beforeAnother, flow);
  releaseFlow(flow);
  flow.protocol = <u8>PROTOCOL_UNKNOWN;
  flow.client = <u8>CLIENT_UNKNOWN;
  flow.started = 0;
  flow.ended = 0;
  flow.synNs = 0;
  flow.synAckNs = 0;
  flow.ackNs = 0;
  useMove(flow, Use.opening);
}
