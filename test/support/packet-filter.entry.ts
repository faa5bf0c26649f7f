/** The machine of packet filters, with room for a program and a packet. */

import { Window } from "../../assembly/bytes/window";
import { isProgram, runProgram } from "../../assembly/capture/bpf";

const PROGRAM: usize = memory.data(65536);
const PACKET: usize = memory.data(65536);

export function programStart(): usize {
  return PROGRAM;
}

export function packetStart(): usize {
  return PACKET;
}

export function accepts(length: u32): bool {
  return isProgram(PROGRAM, length);
}

export function takes(captured: u32, wire: u32): bool {
  Window.open(PACKET, captured);
  return runProgram(PROGRAM, PACKET, captured, wire);
}
