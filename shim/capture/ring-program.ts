/**
 * The filter of a ring, in the kernel's classic BPF: which interfaces' packets come in, and which of these.
 *
 * Source: Documentation/networking/filter.rst of the kernel.
 */

type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

const INSTRUCTION_BYTES = 8;
const LOAD_WORD = 0x20;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;

/** Offsets at which the kernel shows what it knows of a packet, and where its network header begins (SKF_AD_OFF, SKF_NET_OFF). */
const ANCILLARY = 0xfffff000;
const PACKET_TYPE = ANCILLARY + 4;
const INTERFACE_INDEX = ANCILLARY + 8;
const HARDWARE_TYPE = ANCILLARY + 28;
const NETWORK = 0xfff00000;

const OUTGOING = 4;
const ETHERNET = 1;
const LOOPBACK = 772;
/** libpcap's largest snap length. */
const WHOLE = 262_144;

/** What comes into a ring. */
export interface RingChoice {
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

/** The program for a choice. What loopback sends is left out, as the same packet comes in from it. */
export function ringProgram({ interfaces, filter }: RingChoice): Uint8Array {
  const select = interfaces === undefined ? [] : selection(interfaces);
  const choose = filter === undefined ? [give(WHOLE)] : byHardware(decode(filter.ethernet), decode(filter.raw).map(fromNetwork));
  return encode([...withoutLoopbackCopies(), ...select, ...choose]);
}

function give(bytes: number): Instruction {
  return [RETURN, 0, 0, bytes];
}

function withoutLoopbackCopies(): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, PACKET_TYPE],
    [JUMP_EQUAL, 0, 3, OUTGOING],
    [LOAD_WORD, 0, 0, HARDWARE_TYPE],
    [JUMP_EQUAL, 0, 1, LOOPBACK],
    give(0),
  ];
}

/** Goes on behind itself for packets of these interfaces. Conditional jumps reach 255 instructions only, others everywhere. */
function selection(interfaces: readonly number[]): Instruction[] {
  const tests = interfaces.flatMap((index, place): Instruction[] => [
    [JUMP_EQUAL, 0, 1, index],
    [JUMP, 0, 0, 2 * (interfaces.length - 1 - place) + 1],
  ]);
  return [[LOAD_WORD, 0, 0, INTERFACE_INDEX], ...tests, give(0)];
}

function byHardware(ethernet: Instruction[], others: Instruction[]): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, HARDWARE_TYPE],
    [JUMP_EQUAL, 2, 0, ETHERNET],
    [JUMP_EQUAL, 1, 0, LOOPBACK],
    [JUMP, 0, 0, ethernet.length],
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

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [place, [code, jumpTrue, jumpFalse, k]] of instructions.entries()) {
    const at = place * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jumpTrue);
    view.setUint8(at + 3, jumpFalse);
    view.setUint32(at + 4, k, true);
  }
  return bytes;
}

function decode(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / INSTRUCTION_BYTES }, (_, place) => {
    const at = place * INSTRUCTION_BYTES;
    return [view.getUint16(at, true), view.getUint8(at + 2), view.getUint8(at + 3), view.getUint32(at + 4, true)];
  });
}
