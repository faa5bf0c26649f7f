/** The protocols that are held under faults, and what each must reach. */
import { AMQP } from "./amqp";
import { GRPC, HTTP2, KAFKA, MONGODB } from "./by-id";
import { HTTP } from "./http";
import type { Fault } from "./judge";
import { REDIS } from "./redis";
import { MYSQL, POSTGRESQL } from "./sql";
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
  { protocol: REDIS, demands: demands(0.999, 0.995, 0.98) },
  { protocol: MYSQL, demands: demands(0.995, 0.985, 0.94) },
  { protocol: POSTGRESQL, demands: demands(0.995, 0.985, 0.94) },
  { protocol: KAFKA, demands: demands(0.995, 0.985, 0.94) },
  { protocol: MONGODB, demands: demands(0.995, 0.985, 0.94) },
  { protocol: AMQP, demands: demands(0.995, 0.985, 0.94) },
  { protocol: HTTP2, demands: demands(0.995, 0.97, 0.9) },
  { protocol: GRPC, demands: demands(0.995, 0.97, 0.9) },
];
