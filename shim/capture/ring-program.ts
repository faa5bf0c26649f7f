/**
 * The filter of a ring, in the kernel's classic BPF: which interfaces' packets come in, and which of these.
 */

import { formatNumberOf } from "../../engine/units";
import { Failure } from "../failure";
import { decodeProgram, encodeProgram, HARDWARE, INSTRUCTIONS_MAX, type Instruction, KNOWN, NETWORK, OP, OUTGOING } from "./bpf";
import { SNAP_BYTES } from "./filter/compile";

/** What comes into a ring. */
export interface RingChoice {
  /** Bytes of each packet at most; all unless given. */
  snapBytes?: number;
  /** Only from these interfaces; from all unless given. */
  interfaces?: readonly number[];
  /** Only what such a program takes, as libpcap compiles it. */
  filter?: {
    /** For Ethernet frames. */
    ethernet: Uint8Array;
    /** For packets that begin with their IP header. */
    raw: Uint8Array;
  };
}

/**
 * The program for a choice. What loopback sends is left out, as the same packet comes in from it. Throws Failure where it is longer than the
 * kernel takes it.
 */
export function ringProgram({ interfaces, filter, snapBytes = SNAP_BYTES }: RingChoice): Uint8Array {
  const select = interfaces === undefined ? [] : selection(interfaces);
  const choose =
    filter === undefined
      ? [give(snapBytes)]
      : byHardware(decodeProgram(filter.ethernet), decodeProgram(filter.raw).map(fromNetwork));
  const cut = choose.map((instruction) => giveAtMost(snapBytes, instruction));
  const program = [...withoutLoopbackCopies(), ...select, ...cut];
  if (program.length <= INSTRUCTIONS_MAX) return encodeProgram(program);
  const beside = interfaces === undefined ? "" : ` with ${formatNumberOf(interfaces.length, "interface")}`;
  const length = `${program.length} instructions${beside}, for Ethernet and other links together`;
  throw new Failure(`-f: the filter comes to ${length}; a ring takes ${INSTRUCTIONS_MAX}, so name networks in place of hosts`, 2);
}

function give(bytes: number): Instruction {
  return [OP.give, 0, 0, bytes];
}

/** The same instruction, giving no more bytes of a packet; a filter gives a constant, 0 for none of it. */
function giveAtMost(bytes: number, instruction: Instruction): Instruction {
  const [code, , , k] = instruction;
  return code === OP.give ? give(Math.min(k, bytes)) : instruction;
}

function withoutLoopbackCopies(): Instruction[] {
  return [
    [OP.loadWord, 0, 0, KNOWN.packetType],
    [OP.jumpEqual, 0, 3, OUTGOING],
    [OP.loadWord, 0, 0, KNOWN.hardwareType],
    [OP.jumpEqual, 0, 1, HARDWARE.loopback],
    give(0),
  ];
}

/** Goes on behind itself for packets of these interfaces. Conditional jumps reach 255 instructions only, others everywhere. */
function selection(interfaces: readonly number[]): Instruction[] {
  const tests = interfaces.flatMap((index, place): Instruction[] => [
    [OP.jumpEqual, 0, 1, index],
    [OP.jump, 0, 0, 2 * (interfaces.length - 1 - place) + 1],
  ]);
  return [[OP.loadWord, 0, 0, KNOWN.interfaceIndex], ...tests, give(0)];
}

function byHardware(ethernet: Instruction[], others: Instruction[]): Instruction[] {
  return [
    [OP.loadWord, 0, 0, KNOWN.hardwareType],
    [OP.jumpEqual, 2, 0, HARDWARE.ethernet],
    [OP.jumpEqual, 1, 0, HARDWARE.loopback],
    [OP.jump, 0, 0, ethernet.length],
    ...ethernet,
    ...others,
  ];
}

/** The same instruction, counting from the network header on, wherever the link's header ends. */
function fromNetwork([code, jumpTrue, jumpFalse, k]: Instruction): Instruction {
  const kind = code & 0x07;
  const mode = code & 0xe0;
  const readsPacket = (kind === 0 && (mode === 0x20 || mode === 0x40)) || (kind === 1 && mode === 0xa0);
  return [code, jumpTrue, jumpFalse, readsPacket ? k + NETWORK : k];
}
