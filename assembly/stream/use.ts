/**
 * Flows in the order of their last use, in two lists: connections that are open, which may rest for long and go on, and the
 * passing ones (datagrams, connections that have ended), which are over when they have been quiet for a while.
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
  /** Flows that are over when they are quiet. */
  static readonly passing: UseList = changetype<UseList>(memory.data(8));

  static reset(): void {
    Use.open.newest = 0;
    Use.open.oldest = 0;
    Use.passing.newest = 0;
    Use.passing.oldest = 0;
  }

  /** The flow that was used the longest time ago, 0 when there is none. */
  static get oldest(): usize {
    const open = <usize>Use.open.oldest;
    const passing = <usize>Use.passing.oldest;
    if (open == 0 || passing == 0) return open | passing;
    return changetype<Flow>(open).lastNs < changetype<Flow>(passing).lastNs ? open : passing;
  }
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
