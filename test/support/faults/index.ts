/** The protocols that are held under faults, and what each must reach. */
import { AMQP, AMQP_CONFIRMS } from "./amqp";
import { DNS, GRPC, HTTP2, KAFKA, MONGODB } from "./by-id";
import { HTTP } from "./http";
import type { Fault } from "./judge";
import { REDIS } from "./redis";
import { COMPRESSED_MYSQL, MYSQL, POSTGRESQL } from "./sql";
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

/** What is held: how it is called, what is said, made by hand, and what must be told of it. */
export interface Held {
  title: string;
  protocol: FaultyProtocol;
  demands: Demand[];
}

function held(protocol: FaultyProtocol, losses: [number, number, number], title = protocol.name): Held {
  return { title, protocol, demands: demands(...losses) };
}

export const FAULTY: Held[] = [
  held(DNS, [0.999, 0.995, 0.98], "dns over tcp"),
  held(HTTP, [0.999, 0.995, 0.98]),
  held(REDIS, [0.999, 0.995, 0.98]),
  held(MYSQL, [0.995, 0.985, 0.94]),
  held(COMPRESSED_MYSQL, [0.995, 0.985, 0.94], "mysql compressed"),
  held(POSTGRESQL, [0.995, 0.985, 0.94]),
  held(KAFKA, [0.995, 0.985, 0.94]),
  held(MONGODB, [0.995, 0.985, 0.94]),
  held(AMQP, [0.995, 0.985, 0.94]),
  held(AMQP_CONFIRMS, [0.995, 0.985, 0.94], "amqp with confirms"),
  held(HTTP2, [0.995, 0.97, 0.9]),
  held(GRPC, [0.995, 0.97, 0.9]),
];

/** What is demanded of a protocol. */
export function demandsOf(name: string): Demand[] {
  return FAULTY.find(({ protocol }) => protocol.name === name)!.demands;
}
