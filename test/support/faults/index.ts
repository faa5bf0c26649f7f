/** The protocols that are held under faults, and what each must reach. */
import { HTTP } from "./http";
import type { Fault } from "./judge";
import type { FaultyProtocol } from "./talk";

/** A fault, and the least share of what can be decided that must be told rightly. */
export interface Demand {
  what: string;
  fault: Fault;
  rightLeast: number;
}

/** Demands by the losses of 0.1, 1 and 5 %; without loss, in any order, everything is told. */
function demands(loss1: number, loss10: number, loss50: number): Demand[] {
  return [
    { what: "none", fault: {}, rightLeast: 1 },
    { what: "reorder 0.1 %", fault: { reorder: 0.001 }, rightLeast: 1 },
    { what: "reorder 1 %", fault: { reorder: 0.01 }, rightLeast: 1 },
    { what: "reorder 5 %", fault: { reorder: 0.05 }, rightLeast: 1 },
    { what: "loss 0.1 %", fault: { loss: 0.001 }, rightLeast: loss1 },
    { what: "loss 1 %", fault: { loss: 0.01 }, rightLeast: loss10 },
    { what: "loss 5 %", fault: { loss: 0.05 }, rightLeast: loss50 },
  ];
}

/** Share of round trips that may be wrong or invented, at any fault. */
export const WRONG_MOST = 0.001;

export const FAULTY: { protocol: FaultyProtocol; demands: Demand[] }[] = [
  { protocol: HTTP, demands: demands(0.999, 0.995, 0.98) },
];
