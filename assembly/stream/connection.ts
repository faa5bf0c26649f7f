/**
 * TCP: from segments to bytes in order, gaps and ends.
 *
 * A segment in its turn goes to the parser where it lies. One that comes early waits in the pool; the hole before it is given
 * up as a gap when the peer has acknowledged past it and some packet time has gone by, when nothing fills it for longer, when
 * the pool or the stream's limit is used up, or when the connection ends.
 */
import { Packet } from "../capture/packet";
import { TcpMetrics } from "../modules/net-tcp";
import { Parse, Protocols } from "../protocols/protocol";
import { Regions } from "../regions";
import { CLIENT_UNKNOWN, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Status } from "../roundtrip/marks";
import { reportRest } from "../roundtrip/report";
import { deliver, deliverGap, dropCarry } from "./deliver";
import { Early, earlyAdd, earlyRelease, earlyTake } from "./early";
import { Flow, STREAM_DONE, STREAM_FIN, STREAM_STARTED, STREAM_ZERO_WINDOW, Stream } from "./flow";
import { Holes } from "./holes";
import { StreamTally } from "./tally";

const FIN: u32 = 1;
const SYN: u32 = 2;
const RST: u32 = 4;
const ACK: u32 = 16;

/** How long a hole stays open once the peer has acknowledged past it: captures may bring packets out of order. */
const ACKNOWLEDGED_HOLE_NS: u64 = 100_000_000;

/** Takes the segment in `Packet`, sent by `side`. */
export function onSegment(flow: Flow, side: u32): void {
  const flags = Packet.tcpFlags;
  const stream = flow.stream(side);
  const peer = flow.stream(side ^ 1);
  Parse.timeNs = Packet.timeNs;
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
  if (flags & FIN) onFin(stream, sequence + Packet.payloadLength);
  if (flags & ACK) onAcknowledgement(flow, side, stream, peer);
  if (stream.early != 0) checkHole(flow, side, stream, peer);
  if (stream.flags & STREAM_FIN) checkEnd(flow, side, stream);
}

/** Whether the rest of the segment is worth a look: a repeated SYN says nothing new. */
function onSyn(flow: Flow, side: u32, stream: Stream, peer: Stream, acknowledges: bool): bool {
  TcpMetrics.syn(flow.directionOf(side), acknowledges);
  const first = Packet.tcpSequence + 1;
  if (stream.flags & STREAM_STARTED) {
    if (stream.next == first && !flow.ended) {
      retransmitted(flow, side, stream);
      return Packet.payloadLength > 0;
    }
    if (!acknowledges || flow.ended) restart(flow);
    else {
      // A SYN-ACK that does not fit what was seen starts its own direction anew.
      endStream(flow, side);
      resetStream(stream);
    }
  }
  stream.next = first;
  stream.flags |= <u16>STREAM_STARTED;
  if (!acknowledges) {
    flow.client = <u8>side;
    flow.started = 1;
    flow.synNs = Packet.timeNs;
    return true;
  }
  flow.client = <u8>(side ^ 1);
  flow.started = 1;
  if (flow.synAckNs == 0) flow.synAckNs = Packet.timeNs;
  if (!(peer.flags & STREAM_STARTED)) {
    peer.next = Packet.tcpAcknowledgment;
    peer.flags |= <u16>STREAM_STARTED;
  }
  return true;
}

function onReset(flow: Flow, side: u32): void {
  TcpMetrics.reset(flow.directionOf(side));
  if (flow.ended) return;
  endConnection(flow, Status.RESET);
}

function onData(flow: Flow, side: u32, stream: Stream, sequence: u32): void {
  if (!(stream.flags & STREAM_STARTED)) {
    stream.next = sequence;
    stream.flags |= <u16>STREAM_STARTED;
  }
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
    early(flow, side, stream, position, start, captured, wire);
    return;
  }
  if (flow.protocol == PROTOCOL_FOREIGN) {
    stream.next = position + wire;
    return;
  }
  inOrder(flow, side, stream, position, start, captured, wire);
  if (stream.early != 0) drain(flow, side, stream);
}

/** Delivers a segment in its turn; what the snap length cut off is a gap behind it. */
function inOrder(flow: Flow, side: u32, stream: Stream, sequence: u32, start: usize, captured: u32, wire: u32): void {
  Parse.sequence = sequence;
  stream.next = sequence + wire;
  if (captured > 0) deliver(flow, side, start, captured);
  if (captured < wire) deliverGap(flow, side, wire - captured);
}

function retransmitted(flow: Flow, side: u32, stream: Stream): void {
  if (Packet.ipId != 0 && stream.lastIpId == <u16>Packet.ipId && stream.lastSequence == Packet.tcpSequence) {
    StreamTally.duplicates += 1;
    return;
  }
  flow.retransmissions += 1;
  TcpMetrics.retransmission(flow.directionOf(side));
}

/** Keeps a segment that came before its turn, making room by giving the hole up where there is none. */
function early(flow: Flow, side: u32, stream: Stream, sequence: u32, start: usize, captured: u32, wire: u32): void {
  flow.outOfOrder += 1;
  TcpMetrics.outOfOrder(flow.directionOf(side));
  if (flow.protocol == PROTOCOL_FOREIGN) {
    stream.next = sequence + wire;
    return;
  }
  if (earlyAdd(stream, sequence, start, captured, Packet.timeNs)) {
    Holes.wait(flow, Packet.timeNs);
    return;
  }
  while (stream.early != 0) giveUpHole(flow, side, stream);
  const ahead = <i32>(sequence - stream.next);
  if (ahead < 0) return;
  Parse.timeNs = Packet.timeNs;
  if (ahead > 0) deliverGap(flow, side, ahead);
  inOrder(flow, side, stream, sequence, start, captured, wire);
}

/** Delivers what waits as far as it is in turn now. */
function drain(flow: Flow, side: u32, stream: Stream): void {
  while (stream.early != 0) {
    const behind = <i32>(stream.next - Early.sequence(stream.early));
    if (behind < 0) return;
    const block = earlyTake(stream);
    const length = Early.length(block);
    if (<u32>behind < length) {
      Parse.timeNs = Early.timeNs(block);
      inOrder(flow, side, stream, stream.next, Early.data(block) + behind, length - behind, length - behind);
    }
    Regions.streamPool.release(block);
  }
  if (flow.stream(side ^ 1).early == 0) Holes.fill(flow);
}

/** Gives up the first hole of a stream as a gap. */
function giveUpHole(flow: Flow, side: u32, stream: Stream): void {
  const missing = Early.sequence(stream.early) - stream.next;
  Parse.timeNs = Early.timeNs(stream.early);
  stream.next += missing;
  if (<i32>missing > 0) deliverGap(flow, side, missing);
  drain(flow, side, stream);
}

function onFin(stream: Stream, sequence: u32): void {
  stream.flags |= <u16>STREAM_FIN;
  stream.finSequence = sequence;
}

function onAcknowledgement(flow: Flow, side: u32, stream: Stream, peer: Stream): void {
  const acknowledgement = Packet.tcpAcknowledgment;
  const direction = flow.directionOf(side);
  if (flow.ackNs == 0 && flow.synAckNs != 0 && flow.client == <u8>side && Packet.payloadLength == 0) {
    flow.ackNs = Packet.timeNs;
    if (flow.synNs != 0) TcpMetrics.handshake(direction, flow.ackNs - flow.synNs);
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
    acknowledgement != peer.next;
  if (repeated) TcpMetrics.duplicateAck(direction);
  stream.acknowledged = acknowledgement;
  stream.window = <u16>Packet.tcpWindow;
  stream.lastIpId = <u16>Packet.ipId;
  stream.lastSequence = Packet.tcpSequence;
  if (peer.early != 0) checkHole(flow, side ^ 1, peer, stream);
}

/** Gives a hole up that the peer has acknowledged past long enough ago. */
function checkHole(flow: Flow, side: u32, stream: Stream, peer: Stream): void {
  if (<i32>(peer.acknowledged - stream.next) <= 0) return;
  if (Packet.timeNs < flow.holeSinceNs + ACKNOWLEDGED_HOLE_NS) return;
  giveUpHole(flow, side, stream);
  if (flow.holeSinceNs != 0) flow.holeSinceNs = Packet.timeNs;
}

/** Tells the parser of a stream's end once all before the FIN has gone by. */
function checkEnd(flow: Flow, side: u32, stream: Stream): void {
  if (stream.flags & STREAM_DONE || <i32>(stream.finSequence - stream.next) > 0) return;
  stream.flags |= <u16>STREAM_DONE;
  finish(flow, side);
  const peer = flow.stream(side ^ 1);
  const answersCanCome = !(peer.flags & STREAM_DONE);
  if (!answersCanCome) endConnection(flow, Status.CLOSED);
  else if (flow.client != <u8>CLIENT_UNKNOWN && flow.client != <u8>side) reportRest(flow, Status.CLOSED);
}

function finish(flow: Flow, side: u32): void {
  if (flow.protocol == PROTOCOL_UNKNOWN || flow.protocol == PROTOCOL_FOREIGN || flow.state == 0) return;
  call_indirect<void>(Protocols.at(flow.protocol).finish, flow, side);
}

/** Ends one stream: what waits is delivered with its gaps, then the parser is told. */
function endStream(flow: Flow, side: u32): void {
  const stream = flow.stream(side);
  while (stream.early != 0) giveUpHole(flow, side, stream);
  if (!(stream.flags & STREAM_DONE)) {
    stream.flags |= <u16>STREAM_DONE;
    finish(flow, side);
  }
}

/** Gives up the holes of a flow that waited too long. */
export function giveUpHoles(flow: Flow): void {
  for (let side: u32 = 0; side < 2; side++) {
    const stream = flow.stream(side);
    while (stream.early != 0) giveUpHole(flow, side, stream);
    if (stream.flags & STREAM_FIN) checkEnd(flow, side, stream);
  }
}

/** Ends both streams and reports what still waits with `status`; the flow may begin anew. */
export function endConnection(flow: Flow, status: u32): void {
  if (flow.transport == 6) {
    // The asking side first, so that its last request is there when the answer is.
    const client: u32 = flow.client == 1 ? 1 : 0;
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
  endConnection(flow, Status.CLOSED);
  releaseFlow(flow);
  flow.protocol = <u8>PROTOCOL_UNKNOWN;
  flow.client = <u8>CLIENT_UNKNOWN;
  flow.started = 0;
  flow.ended = 0;
  flow.synNs = 0;
  flow.synAckNs = 0;
  flow.ackNs = 0;
}
