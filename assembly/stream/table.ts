/**
 * The table of flows: a fixed number of records, found by the two endpoints in either order, the least recently used one
 * evicted when a new one needs its room.
 *
 * Slots are chains keyed with a secret of the process, so that nobody outside can aim at one chain; which flow is evicted
 * depends on use alone.
 */

import { Regions } from "../regions";
import { CLIENT_UNKNOWN } from "../roundtrip/conversation";
import { Settings } from "../settings";
import { FLOW_BYTES, Flow } from "./flow";

export class FlowTable {
  /** Flows in use. */
  static count: u32 = 0;
  /** Flows that were evicted to make room, in all. */
  static evicted: u64 = 0;
  static newest: usize = 0;
  static oldest: usize = 0;
  static free: usize = 0;
  static untouched: usize = 0;
  static end: usize = 0;
  /** Called with a flow before its record is reused: a function index. */
  static onEvict: u32 = 0;

  static reset(): void {
    FlowTable.count = 0;
    FlowTable.evicted = 0;
    FlowTable.newest = 0;
    FlowTable.oldest = 0;
    FlowTable.free = 0;
    FlowTable.untouched = Regions.flows;
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

/** Which side of the flow sent the packet whose endpoints were looked up last: 0 or 1. */
export class Lookup {
  static side: u32 = 0;
  static created: bool = false;
}

/** Finds the flow of two endpoints or makes it; never fails, since the oldest flow makes room. */
export function flowOf(source: usize, destination: usize, sourcePort: u32, destinationPort: u32, transport: u32): Flow {
  const sourceHigh = load<u64>(source);
  const sourceLow = load<u64>(source, 8);
  const destinationHigh = load<u64>(destination);
  const destinationLow = load<u64>(destination, 8);
  const mixed =
    endpointHash(sourceHigh, sourceLow, sourcePort) + endpointHash(destinationHigh, destinationLow, destinationPort) + transport;
  const hash = <u32>(((mixed ^ Settings.secret) * 0x94d049bb133111eb) >> 32);
  const slot = Regions.flowSlots + ((<usize>(hash & Regions.flowSlotsMask)) << 2);
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
        Lookup.side = 0;
        touch(flow);
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
        Lookup.side = 1;
        touch(flow);
        return flow;
      }
    }
    at = flow.slotNext;
  }
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
  linkNewest(flow);
  FlowTable.count += 1;
  Lookup.side = 0;
  Lookup.created = true;
  return flow;
}

/** Takes a flow out of the table; its owner has let go of all that it held. */
export function flowRemove(flow: Flow): void {
  unlinkSlot(flow);
  unlinkUse(flow);
  FlowTable.count -= 1;
  flow.slotNext = <u32>FlowTable.free;
  FlowTable.free = changetype<usize>(flow);
}

function takeRecord(): Flow {
  let at = FlowTable.free;
  if (at != 0) {
    FlowTable.free = changetype<Flow>(at).slotNext;
  } else if (FlowTable.untouched < FlowTable.end) {
    at = FlowTable.untouched;
    FlowTable.untouched += FLOW_BYTES;
  } else {
    const oldest = changetype<Flow>(FlowTable.oldest);
    FlowTable.evicted += 1;
    call_indirect<void>(FlowTable.onEvict, oldest);
    flowRemove(oldest);
    at = FlowTable.free;
    FlowTable.free = changetype<Flow>(at).slotNext;
  }
  memory.fill(at, 0, FLOW_BYTES);
  return changetype<Flow>(at);
}

function unlinkSlot(flow: Flow): void {
  let link = Regions.flowSlots + ((<usize>(flow.hash & Regions.flowSlotsMask)) << 2);
  while (true) {
    const at = <usize>load<u32>(link);
    if (at == changetype<usize>(flow)) break;
    link = at + offsetof<Flow>("slotNext");
  }
  store<u32>(link, flow.slotNext);
}

/** Makes a flow the most recently used. */
function touch(flow: Flow): void {
  if (FlowTable.newest == changetype<usize>(flow)) return;
  unlinkUse(flow);
  linkNewest(flow);
}

function linkNewest(flow: Flow): void {
  const newest = FlowTable.newest;
  flow.newer = 0;
  flow.older = <u32>newest;
  if (newest != 0) changetype<Flow>(newest).newer = <u32>changetype<usize>(flow);
  else FlowTable.oldest = changetype<usize>(flow);
  FlowTable.newest = changetype<usize>(flow);
}

function unlinkUse(flow: Flow): void {
  if (flow.newer != 0) changetype<Flow>(flow.newer).older = flow.older;
  else FlowTable.newest = flow.older;
  if (flow.older != 0) changetype<Flow>(flow.older).newer = flow.newer;
  else FlowTable.oldest = flow.newer;
}
