/**
 * Flows in the order of their last use, in three lists: connections that are open, which may rest for long and go on, those that
 * have ended, and flows of datagrams, both of which are over when they have been quiet for a while.
 */
import { Flow } from "./flow";

/** Ends of one list of flows, each 0 while it is empty. */
@unmanaged
export class UseList {
  newest: u32;
  oldest: u32;
}

export class Use {
  /** Open connections. */
  static readonly open: UseList = changetype<UseList>(memory.data(8));
  /** Connections that have ended. */
  static readonly ended: UseList = changetype<UseList>(memory.data(8));
  /** Flows that are no connections. */
  static readonly datagrams: UseList = changetype<UseList>(memory.data(8));

  static reset(): void {
    Use.open.newest = 0;
    Use.open.oldest = 0;
    Use.ended.newest = 0;
    Use.ended.oldest = 0;
    Use.datagrams.newest = 0;
    Use.datagrams.oldest = 0;
  }

  /** The flow that was used the longest time ago, 0 when there is none. */
  static get oldest(): usize {
    return older(older(Use.open.oldest, Use.ended.oldest), Use.datagrams.oldest);
  }
}

/** Which of two flows, 0 for none, was used the longest time ago. */
function older(a: usize, b: usize): usize {
  if (a == 0 || b == 0) return a | b;
  return changetype<Flow>(a).lastNs < changetype<Flow>(b).lastNs ? a : b;
}

/** Puts a flow that is in no list at the newest end of `list`. */
export function useAdd(flow: Flow, list: UseList): void {
  const newest = list.newest;
  flow.use = <u32>changetype<usize>(list);
  flow.newer = 0;
  flow.older = newest;
  if (newest != 0) changetype<Flow>(newest).newer = <u32>changetype<usize>(flow);
  else list.oldest = <u32>changetype<usize>(flow);
  list.newest = <u32>changetype<usize>(flow);
}

/** Takes a flow out of its list. */
export function useRemove(flow: Flow): void {
  const list = changetype<UseList>(flow.use);
  if (flow.newer != 0) changetype<Flow>(flow.newer).older = flow.older;
  else list.newest = flow.older;
  if (flow.older != 0) changetype<Flow>(flow.older).newer = flow.newer;
  else list.oldest = flow.newer;
}

/** Makes a flow the newest of its list. */
export function useAgain(flow: Flow): void {
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
