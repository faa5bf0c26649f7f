/**
 * The flow inside of a flow: it has streams of its own and a protocol of its own, and lies in a pool block, in no table and in no list.
 *
 * Its bytes come from the parser of the outer one (protocols/shared/inner.ts), in order and without copies, so nothing waits here for its
 * turn. Health is the outer connection's.
 */
import { Window } from "../bytes/window";
import { Parse } from "../protocols/protocol";
import { Inner } from "../protocols/shared/inner";
import { Regions } from "../regions";
import { Conversation, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Mark, Status } from "../roundtrip/marks";
import { reportRest, reportUnansweredBy } from "../roundtrip/report";
import { finish, releaseFlow } from "./connection";
import { deliver, deliverMissing } from "./deliver";
import { FLOW_BYTES, Flow, STREAM_DONE } from "./flow";
import { FIRST_PLACE, notePlace, PLACES_BYTES, placeOf } from "./inner-places";

/** Lets protocols have conversations inside of theirs. */
export function openInner(): void {
  Inner.opens = open.index;
  Inner.takes = take.index;
  Inner.misses = miss.index;
  Inner.finishes = finishSide.index;
  Inner.releases = release.index;
}

/** A flow, and its places behind it. */
const INNER_BYTES: u32 = FLOW_BYTES + PLACES_BYTES;

function open(outer: Conversation, started: bool): usize {
  const block = Regions.streamPool.allocate(INNER_BYTES);
  if (block == 0) return 0;
  memory.fill(block, 0, INNER_BYTES);
  memory.copy(block, changetype<usize>(outer), offsetof<Conversation>());
  const flow = changetype<Flow>(block);
  flow.protocol = <u8>PROTOCOL_UNKNOWN;
  flow.started = started ? outer.started : 0;
  flow.ended = 0;
  flow.pendingHead = 0;
  flow.pendingTail = 0;
  flow.pendingCount = 0;
  flow.state = 0;
  flow.observed = 0;
  flow.marks = outer.marks | Mark.TLS;
  flow.outer = <u32>changetype<usize>(outer);
  for (let side: u32 = 0; side < 2; side++) flow.stream(side).next = FIRST_PLACE;
  return block;
}

/** What the parser that is running was told, while another is called. */
class Outer {
  private static timeNs: u64 = 0;
  private static carriedEnd: usize = 0;
  private static sequence: u32 = 0;
  private static acknowledgement: u32 = 0;
  private static isCut: bool = false;
  private static start: usize = 0;
  private static end: usize = 0;

  /** Keeps it, and tells what `side` had of its peer in the places of `inner`. */
  static keep(inner: usize, side: u32): void {
    Outer.timeNs = Parse.timeNs;
    Outer.carriedEnd = Parse.carriedEnd;
    Outer.sequence = Parse.sequence;
    Outer.acknowledgement = Parse.acknowledgement;
    Parse.acknowledgement = placeOf(inner + FLOW_BYTES, side ^ 1, Parse.acknowledgement);
    Outer.isCut = Parse.isCut;
    Outer.start = Window.start;
    Outer.end = Window.end;
    Parse.carriedEnd = 0;
    Parse.isCut = false;
  }

  static restore(): void {
    Parse.timeNs = Outer.timeNs;
    Parse.carriedEnd = Outer.carriedEnd;
    Parse.sequence = Outer.sequence;
    Parse.acknowledgement = Outer.acknowledgement;
    Parse.isCut = Outer.isCut;
    // What the inner parser asked for is kept with its stream.
    Parse.need = 0;
    Parse.skip = 0;
    Window.open(Outer.start, <u32>(Outer.end - Outer.start));
  }
}

/** What the capture noted of the connection since the last bytes came is the inner one's to tell. */
function takeHealth(flow: Flow): void {
  const outer = changetype<Conversation>(flow.outer);
  flow.retransmissions += outer.retransmissions;
  flow.outOfOrder += outer.outOfOrder;
  flow.gapBytes += outer.gapBytes;
  outer.retransmissions = 0;
  outer.outOfOrder = 0;
  outer.gapBytes = 0;
}

function take(inner: usize, side: u32, start: usize, length: u32, end: u32, firstNs: u64, lastNs: u64): void {
  const flow = changetype<Flow>(inner);
  Outer.keep(inner, side);
  takeHealth(flow);
  notePlace(inner + FLOW_BYTES, side, end, flow.stream(side).next + length);
  // The first byte came with the first of what they were sealed in.
  const early: u32 = firstNs != lastNs && length > 1 ? 1 : 0;
  if (early != 0) give(flow, side, start, 1, firstNs);
  give(flow, side, start + early, length - early, lastNs);
  Outer.restore();
}

function give(flow: Flow, side: u32, start: usize, length: u32, timeNs: u64): void {
  const stream = flow.stream(side);
  Parse.timeNs = timeNs;
  Parse.sequence = stream.next;
  stream.next += length;
  deliver(flow, side, start, length);
}

function miss(inner: usize, side: u32, bytes: u32, end: u32): void {
  const flow = changetype<Flow>(inner);
  Outer.keep(inner, side);
  takeHealth(flow);
  const stream = flow.stream(side);
  stream.next += bytes;
  notePlace(inner + FLOW_BYTES, side, end, stream.next);
  deliverMissing(flow, side, bytes);
  Outer.restore();
}

function finishSide(inner: usize, side: u32): void {
  const flow = changetype<Flow>(inner);
  const stream = flow.stream(side);
  if (stream.flags & STREAM_DONE) return;
  stream.flags |= <u16>STREAM_DONE;
  Outer.keep(inner, side);
  takeHealth(flow);
  finish(flow, side);
  if (flow.stream(side ^ 1).flags & STREAM_DONE) reportRest(flow, Parse.outcome);
  else reportUnansweredBy(flow, side, Parse.outcome);
  Outer.restore();
}

function release(inner: usize): void {
  const flow = changetype<Flow>(inner);
  reportRest(flow, Status.UNOBSERVED);
  releaseFlow(flow);
  Regions.streamPool.release(inner);
}
