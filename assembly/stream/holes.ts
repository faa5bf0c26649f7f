/** Flows that wait for a missing segment, longest first, so that none waits for ever. */
import { Flow } from "./flow";

/** How long a hole may stay open, ns: longer than a retransmission's first timeouts take. */
const HOLE_MAX_NS: u64 = 3_000_000_000;

export class Holes {
  /** When the first of them has waited too long. */
  static nextNs: u64 = u64.MAX_VALUE;
  private static head: usize = 0;
  private static tail: usize = 0;

  static reset(): void {
    Holes.head = 0;
    Holes.tail = 0;
    Holes.nextNs = u64.MAX_VALUE;
  }

  /** Puts a flow in the list unless it is there. */
  static wait(flow: Flow, nowNs: u64): void {
    if (flow.holeSinceNs != 0) return;
    const at = changetype<usize>(flow);
    flow.holeSinceNs = nowNs == 0 ? 1 : nowNs;
    flow.holeNext = 0;
    flow.holePrevious = <u32>Holes.tail;
    if (Holes.tail != 0) changetype<Flow>(Holes.tail).holeNext = <u32>at;
    else {
      Holes.head = at;
      Holes.nextNs = flow.holeSinceNs + HOLE_MAX_NS;
    }
    Holes.tail = at;
  }

  /** Takes a flow out of the list. */
  static fill(flow: Flow): void {
    if (flow.holeSinceNs == 0) return;
    flow.holeSinceNs = 0;
    if (flow.holePrevious != 0) changetype<Flow>(flow.holePrevious).holeNext = flow.holeNext;
    else Holes.head = flow.holeNext;
    if (flow.holeNext != 0) changetype<Flow>(flow.holeNext).holePrevious = flow.holePrevious;
    else Holes.tail = flow.holePrevious;
    Holes.nextNs = Holes.head == 0 ? u64.MAX_VALUE : changetype<Flow>(Holes.head).holeSinceNs + HOLE_MAX_NS;
  }

  /** Flows that wait since before the clock ran wait from `nowNs` on. */
  static since(nowNs: u64): void {
    if (Holes.head == 0) return;
    for (let at = Holes.head; at != 0; at = changetype<Flow>(at).holeNext) changetype<Flow>(at).holeSinceNs = nowNs | 1;
    Holes.nextNs = changetype<Flow>(Holes.head).holeSinceNs + HOLE_MAX_NS;
  }

  /** The flow that has waited too long at `nowNs`, taken out of the list; 0 when there is none. */
  static overdue(nowNs: u64): usize {
    if (nowNs < Holes.nextNs || Holes.head == 0) return 0;
    const at = Holes.head;
    Holes.fill(changetype<Flow>(at));
    return at;
  }
}
