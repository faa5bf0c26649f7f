/** Runs programs of classic BPF where a kernel does: on what it knows of a packet beside its bytes (linux/filter.h). */
import { decodeProgram } from "../../shim/capture/bpf";
import { type Bpf, isBpf, runBpf } from "./bpf";

/** A packet as the kernel hands it to a program. */
export interface KernelPacket {
  /** From its link header on where it goes out, from what follows it where it comes in. */
  bytes: Uint8Array;
  etherType: number;
  packetType: number;
  hardware: number;
  index: number;
}

const OUTGOING = 4;
const ETHERNET = 1;
const WORDS = 16;

/** A frame that goes out. */
export function sent(frame: Uint8Array): KernelPacket {
  const etherType = frame.length < 14 ? 0 : (frame[12]! << 8) | frame[13]!;
  return { bytes: frame, etherType, packetType: OUTGOING, hardware: ETHERNET, index: 2 };
}

/** A frame that comes in: the kernel has taken its link header, and the first tag of a VLAN, before anybody sees it. */
export function received(frame: Uint8Array): KernelPacket {
  if (frame.length < 14) return { ...sent(frame), packetType: 0, bytes: frame.subarray(frame.length) };
  let [at, etherType] = [14, (frame[12]! << 8) | frame[13]!];
  if ((etherType === 0x8100 || etherType === 0x88a8) && frame.length >= 18)
    [at, etherType] = [18, (frame[16]! << 8) | frame[17]!];
  return { bytes: frame.subarray(at), etherType, packetType: 0, hardware: ETHERNET, index: 2 };
}

/** What a packet without a link header is, by its version. */
export function bare(bytes: Uint8Array): KernelPacket {
  return { bytes, etherType: (bytes[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800, packetType: 0, hardware: 65534, index: 2 };
}

/** Programs that the kernel takes, by their bytes: they are run on one packet after another. */
const taken = new WeakMap<Uint8Array, readonly Bpf[]>();

function instructionsOf(program: Uint8Array): readonly Bpf[] {
  const known = taken.get(program);
  if (known !== undefined) return known;
  const instructions = decodeProgram(program).map(([code, jumpTrue, jumpFalse, k]) => ({ code, jumpTrue, jumpFalse, k }));
  if (!isBpf(instructions)) throw new Error("no program that a kernel takes");
  taken.set(program, instructions);
  return instructions;
}

/** Runs a program on a packet. Throws where the kernel would not take the program. */
export function runProgram(program: Uint8Array, { bytes, etherType, packetType, hardware, index }: KernelPacket): number {
  const shown = new Map([
    [0xfffff000, etherType],
    [0xfffff004, packetType],
    [0xfffff008, index],
    [0xfffff01c, hardware],
  ]);
  const words = new Array<number | undefined>(WORDS).fill(undefined);
  return runBpf(instructionsOf(program), bytes, bytes.length, { words, known: (at) => shown.get(at) });
}
