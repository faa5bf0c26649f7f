/**
 * Programs of the kernel's classic BPF: instructions, and an assembler for those that are long enough to need names for places.
 *
 * Source: Documentation/networking/filter.rst of the kernel, linux/filter.h, linux/bpf_common.h.
 */

export type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** What instructions do; those that load from a packet read in network order. `x` is a register, as is `a`, that all work with. */
export const OP = {
  /** a = what the kernel knows at k, or the word there. */
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  /** a = the word, half or byte at x + k; a program that reads outside the packet answers 0. */
  loadWordAtX: 0x40,
  loadHalfAtX: 0x48,
  loadByteAtX: 0x50,
  /** a = bytes of the packet. */
  loadLength: 0x80,
  /** x = four times the lower half of the byte at k: the length of an IPv4 header. */
  loadHeaderLength: 0xb1,
  setA: 0x00,
  setX: 0x01,
  recallA: 0x60,
  recallX: 0x61,
  keepA: 0x02,
  add: 0x04,
  addX: 0x0c,
  multiply: 0x24,
  and: 0x54,
  shiftLeft: 0x64,
  shiftRight: 0x74,
  xor: 0xa4,
  xorX: 0xac,
  aToX: 0x07,
  xToA: 0x87,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpAtLeast: 0x35,
  jumpAtLeastX: 0x3d,
  jumpAnyBit: 0x45,
  give: 0x06,
  giveA: 0x16,
} as const;

/** Offsets at which the kernel shows what it knows of a packet, and where its network header begins (SKF_AD_OFF, SKF_NET_OFF). */
const ANCILLARY = 0xfffff000;
export const KNOWN = {
  etherType: ANCILLARY,
  packetType: ANCILLARY + 4,
  interfaceIndex: ANCILLARY + 8,
  hardwareType: ANCILLARY + 28,
};
export const NETWORK = 0xfff00000;

/** Of packet types: that it goes out. */
export const OUTGOING = 4;
/** Hardware types of links with Ethernet headers (linux/if_arp.h). */
export const HARDWARE = { ethernet: 1, loopback: 772 };

/** Bytes of an instruction. */
export const INSTRUCTION_BYTES = 8;
/** Instructions of a program. */
export const INSTRUCTIONS_MAX = 4096;
/** Instructions over which a conditional jump reaches. */
export const JUMP_MAX = 255;

/** Puts a program together in which places have names. Jumps go forward only, as the kernel wants it, and reach everywhere. */
export class Assembler {
  private readonly instructions: Instruction[] = [];
  private readonly places = new Map<string, number>();
  private readonly jumps: { at: number; to: string }[] = [];

  /** Adds an instruction. */
  put(code: number, k = 0): this {
    this.instructions.push([code, 0, 0, k]);
    return this;
  }

  /** Names the place of the next instruction. */
  label(name: string): this {
    if (this.places.has(name)) throw new Error(`two places are named ${name}`);
    this.places.set(name, this.instructions.length);
    return this;
  }

  jump(to: string): this {
    this.jumps.push({ at: this.instructions.length, to });
    return this.put(OP.jump);
  }

  /** Goes to a place where a test of a holds; conditional jumps themselves reach 255 instructions only. */
  jumpIf(test: number, k: number, to: string): this {
    this.instructions.push([test, 0, 1, k]);
    return this.jump(to);
  }

  /** Goes to a place where a test of a does not hold. */
  jumpUnless(test: number, k: number, to: string): this {
    this.instructions.push([test, 1, 0, k]);
    return this.jump(to);
  }

  /** The program. */
  finish(): Uint8Array {
    for (const { at, to } of this.jumps) {
      const place = this.places.get(to);
      if (place === undefined || place <= at) throw new Error(`no place ahead is named ${to}`);
      this.instructions[at]![3] = place - at - 1;
    }
    if (this.instructions.length > INSTRUCTIONS_MAX) throw new Error(`${this.instructions.length} instructions are too many`);
    return encodeProgram(this.instructions);
  }
}

/** Instructions as the kernel takes them. */
export function encodeProgram(instructions: readonly Instruction[]): Uint8Array {
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

/** The instructions of a program. */
export function decodeProgram(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / INSTRUCTION_BYTES }, (_, place) => {
    const at = place * INSTRUCTION_BYTES;
    return [view.getUint16(at, true), view.getUint8(at + 2), view.getUint8(at + 3), view.getUint32(at + 4, true)];
  });
}
