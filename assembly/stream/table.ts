/**
 * The table of flows: a fixed number of records, found by the two endpoints in either order.
 *
 * A new flow ends others (see use.ts) that have been quiet long enough and takes over the record of one of them, so that
 * many short flows use few records, again and again; where every record is in use, the flow whose use is longest ago is evicted, of
 * a kind that has more than its share first.
 * Slots are chains keyed with a secret of the process, so that nobody outside can aim at one chain; which flow ends depends on
 * use alone.
 */

import { Minute } from "../aggregate/minute";
import { clearRun } from "../bytes/run";
import { Regions } from "../regions";
import { CLIENT_UNKNOWN } from "../roundtrip/conversation";
import { Settings } from "../settings";
import { FLOW_BYTES, Flow } from "./flow";
import { Use, useAgain, useBegin, useRemove } from "./use";

const TCP: u32 = 6;
/** What fragments count as: IPv6's fragment header, a transport of neither TCP nor UDP, without ports. */
export const FRAGMENT_PROTOCOL: u32 = 44;
const HASH_MAX: u32 = 0xffffffff;

/** How long a connection that has ended is quiet before its record is free, ns: longer than retransmissions take. */
const ENDED_QUIET_NS: u64 = 5_000_000_000;
/** The same for a flow of datagrams that waits for nothing: longer than the capture takes to bring one a second time. */
export const DATAGRAMS_QUIET_NS: u64 = 1_000_000_000;
/** Quiet flows that a new one ends at the most; with more than one they become fewer where new flows do. */
const QUIET_AT_ONCE: u32 = 2;

/** Slots of a table that has just been opened. */
const SLOTS_FIRST: u32 = 1024;

export class FlowTable {
  /** Flows in use. */
  static count: u32 = 0;
  /** Flows that were evicted to make room, in all. */
  static evicted: u64 = 0;
  static free: usize = 0;
  static untouched: usize = 0;
  static end: usize = 0;
  /** Slots in use, a power of two, minus one: twice the flows that there have been at once, so that those of few flows lie together. */
  static slotsMask: u32 = 0;
  /**
   * Greatest hash of a flow that is looked at: those beyond it are left out. A conversation is on one side or the other whole, and a lower
   * limit takes none in that a higher one leaves out. Fragments are only counted, and always are.
   */
  static sampleMost: u32 = HASH_MAX;
  /** Called with a flow before it leaves the table: a function index. */
  static onEnd: u32 = 0;
  /** Called with a flow when the packet in hand, which it has counted, begins another connection between its ends: a function index. */
  static beforeAnother: u32 = 0;

  static reset(): void {
    FlowTable.count = 0;
    FlowTable.evicted = 0;
    FlowTable.sampleMost = HASH_MAX;
    Use.reset();
    FlowTable.free = 0;
    FlowTable.untouched = Regions.flows;
    FlowTable.slotsMask = min(SLOTS_FIRST - 1, Regions.flowSlotsMask);
    FlowTable.end = Regions.flows + Regions.flowsMax * FLOW_BYTES;
    memory.fill(Regions.flowSlots, 0, (Regions.flowSlotsMask + 1) << 2);
  }
}

/** Mixes one endpoint; the sum of two is the same in either order. */
function endpointHash(high: u64, low: u64, port: u32): u64 {
  let h = (low ^ ((<u64>port) << 48)) * 0x9e3779b97f4a7c15;
  h ^= high + (h >> 29);
  h *= 0xbf58476d1ce4e5b9;
  return h ^ (h >> 32);
}

/** What was found for the packet whose endpoints were looked up last. */
export class Lookup {
  /** Which side of the flow sent it: 0 or 1. */
  static side: u32 = 0;
  /** When the flow's packet before it came. */
  static beforeNs: u64 = 0;
  static created: bool = false;
}

/** Finds the flow of two endpoints or makes it, since the oldest flow makes room; none where the sample leaves it out. */
export function flowOf(source: usize, destination: usize, sourcePort: u32, destinationPort: u32, transport: u32): Flow {
  const sourceHigh = load<u64>(source);
  const sourceLow = load<u64>(source, 8);
  const destinationHigh = load<u64>(destination);
  const destinationLow = load<u64>(destination, 8);
  const mixed =
    endpointHash(sourceHigh, sourceLow, sourcePort) + endpointHash(destinationHigh, destinationLow, destinationPort) + transport;
  const hash = <u32>(((mixed ^ Settings.secret) * 0x94d049bb133111eb) >> 32);
  const isOut = hash > FlowTable.sampleMost && transport != FRAGMENT_PROTOCOL;
  const slot = slotOf(hash);
  let at = <usize>load<u32>(slot);
  Lookup.created = false;
  while (at != 0) {
    const flow = changetype<Flow>(at);
    if (flow.hash == hash && flow.transport == <u8>transport) {
      if (
        flow.address0Low == sourceLow &&
        flow.address1Low == destinationLow &&
        flow.port0 == <u16>sourcePort &&
        flow.port1 == <u16>destinationPort &&
        flow.address0High == sourceHigh &&
        flow.address1High == destinationHigh
      ) {
        if (isOut) return leaveOut(flow);
        Lookup.side = 0;
        useAgain(flow, Minute.clockNs);
        return flow;
      }
      if (
        flow.address0Low == destinationLow &&
        flow.address1Low == sourceLow &&
        flow.port0 == <u16>destinationPort &&
        flow.port1 == <u16>sourcePort &&
        flow.address0High == destinationHigh &&
        flow.address1High == sourceHigh
      ) {
        if (isOut) return leaveOut(flow);
        Lookup.side = 1;
        useAgain(flow, Minute.clockNs);
        return flow;
      }
    }
    at = flow.slotNext;
  }
  if (isOut) return changetype<Flow>(0);
  const flow = takeRecord();
  // Eviction may have changed the chain, so its head is read again.
  flow.slotNext = load<u32>(slot);
  store<u32>(slot, <u32>changetype<usize>(flow));
  flow.hash = hash;
  flow.transport = <u8>transport;
  flow.address0High = sourceHigh;
  flow.address0Low = sourceLow;
  flow.address1High = destinationHigh;
  flow.address1Low = destinationLow;
  flow.port0 = <u16>sourcePort;
  flow.port1 = <u16>destinationPort;
  flow.client = <u8>CLIENT_UNKNOWN;
  useBegin(flow, transport == TCP ? Use.opening : Use.datagrams, Minute.clockNs);
  FlowTable.count += 1;
  if (FlowTable.count > FlowTable.slotsMask >> 1 && FlowTable.slotsMask < Regions.flowSlotsMask) growSlots();
  Lookup.side = 0;
  Lookup.created = true;
  return flow;
}

/** Ends a flow that the sample had when it was larger: what waits in it is not observed to its end. */
function leaveOut(flow: Flow): Flow {
  flowEnd(flow);
  return changetype<Flow>(0);
}

/** Takes a flow out of the table; its owner has let go of all that it held. */
function remove(flow: Flow): void {
  unlinkSlot(flow);
  useRemove(flow);
  FlowTable.count -= 1;
  flow.slotNext = <u32>FlowTable.free;
  FlowTable.free = changetype<usize>(flow);
}

/** Takes a record for a new flow, all zeros. */
function takeRecord(): Flow {
  for (let i: u32 = 0; i < QUIET_AT_ONCE; i++) {
    endQuiet(Use.ended.oldest, ENDED_QUIET_NS);
    endQuiet(Use.datagrams.oldest, DATAGRAMS_QUIET_NS);
  }
  let at = FlowTable.free;
  if (at == 0 && FlowTable.untouched < FlowTable.end) {
    at = FlowTable.untouched;
    FlowTable.untouched += FLOW_BYTES;
  } else {
    if (at == 0) {
      FlowTable.evicted += 1;
      flowEnd(changetype<Flow>(Use.victim));
      at = FlowTable.free;
    }
    FlowTable.free = changetype<Flow>(at).slotNext;
  }
  clearRun(at, FLOW_BYTES);
  return changetype<Flow>(at);
}

/** Ends the flow at `oldest` if it has been quiet for so long and waits for nothing: its record is the next that is taken. */
function endQuiet(oldest: usize, quietNs: u64): void {
  if (oldest == 0) return;
  const flow = changetype<Flow>(oldest);
  if (flow.lastNs + quietNs < Minute.clockNs && flow.pendingCount == 0) flowEnd(flow);
}

/** Has a flow folded and released, and takes it out. */
export function flowEnd(flow: Flow): void {
  call_indirect<void>(FlowTable.onEnd, flow);
  remove(flow);
}

function unlinkSlot(flow: Flow): void {
  let link = slotOf(flow.hash);
  while (true) {
    const at = <usize>load<u32>(link);
    if (at == changetype<usize>(flow)) break;
    link = at + offsetof<Flow>("slotNext");
  }
  store<u32>(link, flow.slotNext);
}

/** Where the chain of a hash begins. */
function slotOf(hash: u32): usize {
  return Regions.flowSlots + ((<usize>(hash & FlowTable.slotsMask)) << 2);
}

/** Twice as many slots: each chain is parted by the next bit of its flows' hashes. */
function growSlots(): void {
  const slots = FlowTable.slotsMask + 1;
  for (let index: u32 = 0; index < slots; index++) {
    let stays = Regions.flowSlots + ((<usize>index) << 2);
    let moves = stays + ((<usize>slots) << 2);
    for (let at = <usize>load<u32>(stays); at != 0; at = <usize>changetype<Flow>(at).slotNext) {
      const next = at + offsetof<Flow>("slotNext");
      if (changetype<Flow>(at).hash & slots) {
        store<u32>(moves, <u32>at);
        moves = next;
      } else {
        store<u32>(stays, <u32>at);
        stays = next;
      }
    }
    store<u32>(stays, 0);
    store<u32>(moves, 0);
  }
  FlowTable.slotsMask = (slots << 1) - 1;
}
