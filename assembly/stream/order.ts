/**
 * Bytes of a connection in the order in which its ends saw them.
 *
 * A segment waits in the pool while bytes before it are missing, and also while it acknowledges bytes of its peer that are
 * missing: what answers a request is not delivered before the request. Both are one hole in one stream, as are bytes for which
 * nothing waits but which an acknowledgement or a FIN says were sent. It is given up as a gap
 * when some packet time has gone by after an acknowledgement past it, when nothing fills it for longer, when the pool or the
 * stream's limit is used up, or when the connection ends.
 */
import { Packet } from "../capture/packet";
import { Parse } from "../protocols/protocol";
import { Regions } from "../regions";
import { PROTOCOL_FOREIGN } from "../roundtrip/conversation";
import { deliver, deliverGap } from "./deliver";
import { Early, earlyAdd, earlyTake } from "./early";
import { Flow, STREAM_FIN, STREAM_STARTED, Stream } from "./flow";
import { Holes } from "./holes";
import { StreamTally } from "./tally";

/** How long a hole stays open once it was acknowledged past: captures may bring packets out of order. */
const ACKNOWLEDGED_HOLE_NS: u64 = 100_000_000;
/** An acknowledgement further ahead than this does not belong to the stream: no window is so large. */
const AHEAD_MAX: u32 = 1 << 30;

/** Whether `acknowledgement` speaks of bytes that `peer` sent and that have not been seen; a FIN takes one number. */
function isAhead(peer: Stream, acknowledgement: u32): bool {
  const fin: u32 = peer.flags & STREAM_FIN && peer.finSequence == peer.next ? 1 : 0;
  return (peer.flags & STREAM_STARTED) != 0 && acknowledgement - peer.next - fin - 1 < AHEAD_MAX;
}

/** Takes `wire` bytes at `sequence` that `side` sent, of which `captured` lie at `start`, and whatever waited for them. */
export function order(flow: Flow, side: u32, sequence: u32, start: usize, captured: u32, wire: u32): void {
  const stream = flow.stream(side);
  if (flow.protocol == PROTOCOL_FOREIGN) {
    stream.next = sequence + wire;
    return;
  }
  const waits = sequence != stream.next || isAhead(flow.stream(side ^ 1), Parse.acknowledgement);
  if (!waits) {
    take(flow, side, stream, start, captured, wire);
    if (flow.holeSinceNs != 0) drain(flow);
    return;
  }
  if (earlyAdd(stream, sequence, start, captured, Parse.timeNs, Parse.acknowledgement)) {
    Holes.wait(flow, Packet.timeNs);
    return;
  }
  StreamTally.memory += 1;
  while (waiting(flow)) giveUp(flow);
  const ahead = <i32>(sequence - stream.next);
  if (ahead > 0) gap(flow, side, ahead);
  const behind: u32 = ahead < 0 ? -ahead : 0;
  if (behind >= wire) return;
  // What has gone by already is trimmed: its first pieces may have found room to wait, or others had the same bytes.
  const trimmed = min(behind, captured);
  take(flow, side, stream, start + trimmed, captured - trimmed, wire - behind);
}

/** Delivers bytes in their turn; what the snap length cut off is a gap behind them. */
function take(flow: Flow, side: u32, stream: Stream, start: usize, captured: u32, wire: u32): void {
  Parse.sequence = stream.next;
  stream.next += wire;
  if (captured > 0) deliver(flow, side, start, captured);
  if (stream.carryLength == 0) stream.carryNs = Parse.timeNs;
  if (captured < wire) deliverGap(flow, side, wire - captured);
}

/**
 * Gives `bytes` up that come next. When they came nobody knows: not before those that were delivered last, and not as late as what
 * shows that they are missing, which may be the next request.
 */
function gap(flow: Flow, side: u32, bytes: u32): void {
  const stream = flow.stream(side);
  const timeNs = Parse.timeNs;
  const acknowledgement = Parse.acknowledgement;
  if (stream.carryNs != 0) Parse.timeNs = stream.carryNs;
  Parse.acknowledgement = stream.acknowledged;
  stream.next += bytes;
  deliverGap(flow, side, bytes);
  Parse.timeNs = timeNs;
  Parse.acknowledgement = acknowledgement;
}

/** Whether anything waits, or is known to be missing. */
export function waiting(flow: Flow): bool {
  return isAnyEarly(flow) || missingTail(flow, 0) != 0 || missingTail(flow, 1) != 0;
}

function isAnyEarly(flow: Flow): bool {
  return (flow.stream(0).early | flow.stream(1).early) != 0;
}

/**
 * Bytes that `side` is known to have sent, by its FIN or by what its peer acknowledged, and of which none has been seen. One
 * byte is taken for a FIN.
 */
function missingTail(flow: Flow, side: u32): u32 {
  const stream = flow.stream(side);
  if (!(stream.flags & STREAM_STARTED) || stream.early != 0 || flow.protocol == PROTOCOL_FOREIGN) return 0;
  if (stream.flags & STREAM_FIN) {
    const missing = stream.finSequence - stream.next;
    return missing < AHEAD_MAX ? missing : 0;
  }
  const acknowledged = flow.stream(side ^ 1).acknowledged;
  return acknowledged != 0 && acknowledged - stream.next - 2 < AHEAD_MAX ? acknowledged - stream.next : 0;
}

/** Notes that bytes of `side` are missing by what was said of its end, where they are. */
export function noteMissing(flow: Flow, side: u32): void {
  if (missingTail(flow, side) != 0) Holes.wait(flow, Packet.timeNs);
}

/** Gives up what is missing at the ends of both streams, for which nothing waits. */
function giveUpTails(flow: Flow): void {
  for (let side: u32 = 0; side < 2; side++) {
    const missing = missingTail(flow, side);
    if (missing != 0) gap(flow, side, missing);
  }
}

/** Delivers what waits as far as it is in turn now. */
function drain(flow: Flow): void {
  const timeNs = Parse.timeNs;
  const acknowledgement = Parse.acknowledgement;
  while (takeWaiting(flow, 0) || takeWaiting(flow, 1)) {}
  if (!waiting(flow)) Holes.fill(flow);
  Parse.timeNs = timeNs;
  Parse.acknowledgement = acknowledgement;
}

/** Delivers the first waiting segment of `side` if its turn has come; whether it had. */
function takeWaiting(flow: Flow, side: u32): bool {
  const stream = flow.stream(side);
  if (stream.early == 0) return false;
  const behind = <i32>(stream.next - Early.sequence(stream.early));
  if (behind < 0 || isAhead(flow.stream(side ^ 1), Early.acknowledgement(stream.early))) return false;
  const block = earlyTake(stream);
  const length = Early.length(block);
  if (<u32>behind < length) {
    Parse.timeNs = Early.timeNs(block);
    Parse.acknowledgement = Early.acknowledgement(block);
    take(flow, side, stream, Early.data(block) + behind, length - behind, length - behind);
  }
  Regions.streamPool.release(block);
  return true;
}

/**
 * Gives up one hole for which something waits, and delivers what can be then. A hole ends where what the peer sent meanwhile says that it
 * had that much: who was asked before the rest of it was sent may have been answered there.
 */
export function giveUp(flow: Flow): void {
  if (!isAnyEarly(flow)) {
    giveUpTails(flow);
    return;
  }
  const side: u32 = ownHole(flow, 0) ? 0 : ownHole(flow, 1) ? 1 : flow.stream(0).early != 0 ? 0 : 1;
  const stream = flow.stream(side);
  const first = <usize>stream.early;
  const missing = <i32>(Early.sequence(first) - stream.next);
  const peer = flow.stream(side ^ 1);
  if (missing > 0) {
    const had = peer.early != 0 ? Early.acknowledgement(peer.early) - stream.next : 0;
    gap(flow, side, had != 0 && had < <u32>missing ? had : missing);
  } else {
    const unseen = Early.acknowledgement(first) - peer.next;
    if (isAhead(peer, Early.acknowledgement(first))) gap(flow, side ^ 1, unseen);
  }
  drain(flow);
}

/** Whether the first segment that waits in a stream waits for bytes of that stream. */
function ownHole(flow: Flow, side: u32): bool {
  const stream = flow.stream(side);
  return stream.early != 0 && <i32>(Early.sequence(stream.early) - stream.next) > 0;
}

/** Gives up holes that were acknowledged past long enough ago. */
export function checkHoles(flow: Flow): void {
  if (Packet.timeNs < flow.holeSinceNs + ACKNOWLEDGED_HOLE_NS) return;
  while (waiting(flow) && acknowledged(flow)) giveUp(flow);
}

/** Whether the hole that `giveUp` would take was acknowledged past; a hole that blocks the peer always was. */
function acknowledged(flow: Flow): bool {
  for (let side: u32 = 0; side < 2; side++) {
    if (!ownHole(flow, side) && missingTail(flow, side) == 0) continue;
    return <i32>(flow.stream(side ^ 1).acknowledged - flow.stream(side).next) > 0;
  }
  return true;
}
