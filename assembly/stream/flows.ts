/** The life of a flow: made by its first packet, counted by each, folded into minutes, ended and let go of. */
import { Minute } from "../aggregate/minute";
import { takeThresholds } from "../aggregate/previous";
import { Fragment, Packet } from "../capture/packet";
import { Count, Tally } from "../capture/tally";
import { captureSeal } from "../modules/capture";
import { NetMetrics } from "../modules/net";
import { askOwners, forgetOwners } from "../roundtrip/ask-owner";
import { CLIENT_UNKNOWN, Direction } from "../roundtrip/conversation";
import { Status } from "../roundtrip/marks";
import { OwnerMetrics } from "../roundtrip/owner-metrics";
import { Settings } from "../settings";
import { endConnection, giveUpHoles, releaseFlow } from "./connection";
import { FLOW_BYTES, Flow, STREAM_BYTES, STREAMS_OFFSET, Stream } from "./flow";
import { Holes } from "./holes";
import { hostDirection } from "./host-networks";
import { openInner } from "./inner";
import { DATAGRAMS_QUIET_NS, FlowTable, FRAGMENT_PROTOCOL, flowEnd, flowOf, Lookup } from "./table";
import { Use } from "./use";

const UDP: u32 = 17;

/** Flows that have something for one of the open minutes, of which one is even and one odd. */
class Unfolded {
  private static even: u32 = 0;
  private static odd: u32 = 0;

  static reset(): void {
    Unfolded.even = 0;
    Unfolded.odd = 0;
  }

  @inline static of(minute: u32): u32 {
    return minute & 1 ? Unfolded.odd : Unfolded.even;
  }

  @inline static add(minute: u32): void {
    if (minute & 1) Unfolded.odd += 1;
    else Unfolded.even += 1;
  }

  @inline static take(minute: u32): void {
    if (minute & 1) Unfolded.odd -= 1;
    else Unfolded.even -= 1;
  }
}

/** Readies the table for its first packet. */
export function openFlows(): void {
  assert(offsetof<Flow>() <= STREAMS_OFFSET && offsetof<Stream>() <= STREAM_BYTES);
  assert(STREAMS_OFFSET + 2 * STREAM_BYTES <= FLOW_BYTES);
  FlowTable.reset();
  Unfolded.reset();
  FlowTable.onEnd = onEnd.index;
  FlowTable.beforeAnother = beforeAnother.index;
  Holes.reset();
  openInner();
  Minute.onSeal = foldMinute.index;
}

/**
 * Finds the flow of the packet in hand, makes it where it is new, and counts the packet in it. A fragment is counted as such,
 * also the one that completes a datagram: what the datagram carries is the flow's all the same. There is none where the sample leaves the
 * flow out; the packet is then counted as left out, unless it is a fragment.
 */
export function flowOfPacket(): Flow {
  if (Packet.fragment == Fragment.PART) return countFragment();
  if (Packet.fragment == Fragment.JOINED) {
    countFragment();
    return find(Packet.sourcePort, Packet.destinationPort, Packet.protocol);
  }
  const flow = find(Packet.sourcePort, Packet.destinationPort, Packet.protocol);
  if (changetype<usize>(flow) != 0) {
    count(flow, Lookup.side);
    return flow;
  }
  Tally.add(Count.SAMPLED_OUT, 1);
  Tally.add(Count.SAMPLED_OUT_BYTES, Packet.wireBytes);
  return flow;
}

function countFragment(): Flow {
  const flow = find(0, 0, FRAGMENT_PROTOCOL);
  count(flow, Lookup.side);
  return flow;
}

function find(sourcePort: u32, destinationPort: u32, protocol: u32): Flow {
  const flow = flowOf(Packet.source, Packet.destination, sourcePort, destinationPort, protocol);
  if (changetype<usize>(flow) == 0) return flow;
  if (Lookup.created) begin(flow);
  else if (Settings.owners && protocol == UDP) askAnew(flow);
  Lookup.beforeNs = flow.lastNs;
  flow.lastNs = Packet.timeNs;
  return flow;
}

/** Counts the packet in hand, sent by `side`, in the flow and in the minute's rates. */
function count(flow: Flow, side: u32): void {
  if (flow.minute != Minute.number) turn(flow);
  if ((flow.packets0 | flow.packets1) == 0) Unfolded.add(flow.minute);
  if (side == 0) {
    flow.packets0 += 1;
    flow.bytes0 += Packet.wireBytes;
  } else {
    flow.packets1 += 1;
    flow.bytes1 += Packet.wireBytes;
  }
  NetMetrics.packet(flow.directionOf(side), Packet.wireBytes, Packet.payloadLength);
}

function begin(flow: Flow): void {
  flow.family = <u8>Packet.ipVersion;
  flow.interfaceId = Packet.interfaceId;
  flow.minute = Minute.number;
  if (Settings.networkCount != 0) {
    flow.direction0 = <u8>hostDirection(flow.address(0), flow.address(1));
    flow.direction1 = <u8>hostDirection(flow.address(1), flow.address(0));
  } else if (Packet.direction == 0) {
    flow.direction0 = <u8>Direction.UNKNOWN;
    flow.direction1 = <u8>Direction.UNKNOWN;
  } else {
    // The capture numbers in 1 and out 2; the other way is the other direction.
    flow.direction0 = <u8>(Packet.direction - 1);
    flow.direction1 = <u8>(2 - Packet.direction);
  }
  if (Settings.owners && flow.transport == <u8>UDP) askOfDatagrams(flow);
}

/** Asks whose a flow of datagrams is, which has no handshake: its first packet stands for one. */
function askOfDatagrams(flow: Flow): void {
  flow.synNs = Packet.stampNs;
  askOwners(flow, CLIENT_UNKNOWN);
}

/** A socket that sent datagrams may be another's after a while: asks anew where nothing was sent for long and nothing is waited for. */
function askAnew(flow: Flow): void {
  if (flow.pendingCount != 0 || Packet.timeNs < flow.lastNs + DATAGRAMS_QUIET_NS) return;
  foldInto(flow);
  forgetOwners(flow);
  askOfDatagrams(flow);
}

/** Folds what a flow did before the packet in hand, which is another owner's and stays in it. */
function beforeAnother(flow: Flow): void {
  const isFirst = Lookup.side == 0;
  const isCounted = Packet.fragment != Fragment.JOINED;
  const packets: u32 = isCounted ? 1 : 0;
  const bytes: u64 = isCounted ? Packet.wireBytes : 0;
  if (isFirst) {
    flow.packets0 -= packets;
    flow.bytes0 -= bytes;
  } else {
    flow.packets1 -= packets;
    flow.bytes1 -= bytes;
  }
  const hadMore = (flow.packets0 | flow.packets1) != 0;
  foldInto(flow);
  if (isFirst) {
    flow.packets0 += packets;
    flow.bytes0 += bytes;
  } else {
    flow.packets1 += packets;
    flow.bytes1 += bytes;
  }
  if (hadMore && isCounted) Unfolded.add(flow.minute);
}

/** The flow's packets belong to another minute from here: what it has goes into its own. */
function turn(flow: Flow): void {
  foldInto(flow);
  flow.minute = Minute.number;
}

function foldInto(flow: Flow): void {
  if ((flow.packets0 | flow.packets1) == 0) return;
  const timeNs = Minute.timeNs;
  if (flow.minute != Minute.number) Minute.useMinute(flow.minute);
  fold(flow);
  Minute.use(timeNs);
}

/** Adds what a flow did to the minute in use. */
function fold(flow: Flow): void {
  NetMetrics.fold(flow, flow.packets0, flow.bytes0, flow.packets1, flow.bytes1);
  if (Settings.owners) OwnerMetrics.fold(flow, flow.packets0, flow.bytes0, flow.packets1, flow.bytes1);
  Unfolded.take(flow.minute);
  flow.packets0 = 0;
  flow.packets1 = 0;
  flow.bytes0 = 0;
  flow.bytes1 = 0;
}

/** Before `minute` is sealed: every flow that has something of it, latest use first. */
function foldMinute(minute: u32): void {
  takeThresholds();
  captureSeal(minute);
  foldList(Use.opening.newest, minute);
  foldList(Use.open.newest, minute);
  foldList(Use.ended.newest, minute);
  foldList(Use.datagrams.newest, minute);
}

/** Folds what the flow at `newest`, and those used before it, have of `minute`, until no flow has any. */
function foldList(newest: usize, minute: u32): void {
  let at = newest;
  while (at != 0 && Unfolded.of(minute) != 0) {
    const flow = changetype<Flow>(at);
    if (flow.minute == minute && (flow.packets0 | flow.packets1) != 0) fold(flow);
    at = flow.older;
  }
}

function onEnd(flow: Flow): void {
  endConnection(flow, Status.UNOBSERVED);
  foldInto(flow);
  releaseFlow(flow);
}

/** Gives up the holes that have waited too long. */
export function giveUpOverdueHoles(nowNs: u64): void {
  while (true) {
    const at = Holes.overdue(nowNs);
    if (at == 0) return;
    giveUpHoles(changetype<Flow>(at));
  }
}

/** Ends every flow, the oldest use first: the capture is over. */
export function endFlows(): void {
  while (Use.oldest != 0) flowEnd(changetype<Flow>(Use.oldest));
}
