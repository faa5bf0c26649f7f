/**
 * Flows in the order of their last use, in four lists: connections that are opening, of which nothing is known but a SYN; those that
 * are open, which may rest for long and go on; those that have ended, and flows of datagrams, both of which are over when they have
 * been quiet for a while.
 *
 * The order is good to a tick, 0.27 s: a flow that was used a moment ago keeps its place, so that its neighbours are not touched by
 * every packet.
 */
import { Regions } from "../regions";
import { Flow } from "./flow";

/** log2 of the ns of a tick. */
const TICK_SHIFT: u64 = 28;

/** Ends of one list of flows, each 0 while it is empty, and how many there are. */
@unmanaged
export class UseList {
  newest: u32;
  oldest: u32;
  count: u32;
}

export class Use {
  /** Connections without a handshake or a byte of data yet: a scan has many of them. */
  static readonly opening: UseList = changetype<UseList>(memory.data(12, 4));
  /** Open connections. */
  static readonly open: UseList = changetype<UseList>(memory.data(12, 4));
  /** Connections that have ended. */
  static readonly ended: UseList = changetype<UseList>(memory.data(12, 4));
  /** Flows that are no connections. */
  static readonly datagrams: UseList = changetype<UseList>(memory.data(12, 4));

  static reset(): void {
    resetList(Use.opening);
    resetList(Use.open);
    resetList(Use.ended);
    resetList(Use.datagrams);
  }

  /** The flow that was used the longest time ago, 0 when there is none. */
  static get oldest(): usize {
    return older(older(Use.opening.oldest, Use.open.oldest), older(Use.ended.oldest, Use.datagrams.oldest));
  }

  /**
   * The flow that makes room in a full table: the oldest of a kind that has more than its share, so that neither a scan, answered or
   * not, nor a flood of datagrams pushes out open connections; else the oldest of all.
   */
  static get victim(): usize {
    const most = Regions.flowsMax;
    if (Use.opening.count > most >> 3) return Use.opening.oldest;
    if (Use.ended.count > most >> 3) return Use.ended.oldest;
    if (Use.datagrams.count > most >> 1) return Use.datagrams.oldest;
    return Use.oldest;
  }
}

function resetList(list: UseList): void {
  list.newest = 0;
  list.oldest = 0;
  list.count = 0;
}

/** Which of two flows, 0 for none, was used the longest time ago. */
function older(a: usize, b: usize): usize {
  if (a == 0 || b == 0) return a | b;
  return changetype<Flow>(a).lastNs < changetype<Flow>(b).lastNs ? a : b;
}

/** Puts a new flow at the newest end of `list` at `nowNs`. */
export function useBegin(flow: Flow, list: UseList, nowNs: u64): void {
  flow.usedTick = <u32>(nowNs >> TICK_SHIFT);
  useAdd(flow, list);
}

/** Puts a flow that is in no list at the newest end of `list`. */
function useAdd(flow: Flow, list: UseList): void {
  const newest = list.newest;
  flow.use = <u32>changetype<usize>(list);
  flow.newer = 0;
  flow.older = newest;
  if (newest != 0) changetype<Flow>(newest).newer = <u32>changetype<usize>(flow);
  else list.oldest = <u32>changetype<usize>(flow);
  list.newest = <u32>changetype<usize>(flow);
  list.count += 1;
}

/** Takes a flow out of its list. */
export function useRemove(flow: Flow): void {
  const list = changetype<UseList>(flow.use);
  if (flow.newer != 0) changetype<Flow>(flow.newer).older = flow.older;
  else list.newest = flow.older;
  if (flow.older != 0) changetype<Flow>(flow.older).newer = flow.newer;
  else list.oldest = flow.newer;
  list.count -= 1;
}

/** Makes a flow that is used at `nowNs` the newest of its list, unless it became so in the same tick. */
export function useAgain(flow: Flow, nowNs: u64): void {
  const tick = <u32>(nowNs >> TICK_SHIFT);
  if (flow.usedTick == tick) return;
  flow.usedTick = tick;
  const list = changetype<UseList>(flow.use);
  if (list.newest == <u32>changetype<usize>(flow)) return;
  useRemove(flow);
  useAdd(flow, list);
}

/** Makes a flow the newest of `list`, which may be another than its own. */
export function useMove(flow: Flow, list: UseList): void {
  useRemove(flow);
  useAdd(flow, list);
}
