/** Runs programs of classic BPF as linux/filter.h and Documentation/networking/filter.rst of the kernel define them. */

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

class OutsidePacket extends Error {}

/** Runs a program on a packet. Throws where the kernel would not take the program. */
export function runProgram(program: Uint8Array, packet: KernelPacket): number {
  try {
    return run(program, packet);
  } catch (error) {
    if (error instanceof OutsidePacket) return 0;
    throw error;
  }
}

function run(program: Uint8Array, packet: KernelPacket): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const kept: (number | undefined)[] = new Array(WORDS).fill(undefined);
  const recall = (k: number) => kept[k] ?? fail(`word ${k} is recalled before it is kept`);
  let [a, x] = [0, 0];
  for (let at = 0; at < program.length / 8; at++) {
    const op = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean) => (at += code.getUint8(at * 8 + (holds ? 2 : 3)));
    switch (op) {
      case 0x00:
        a = k;
        break;
      case 0x01:
        x = k;
        break;
      case 0x02:
        kept[k] = a;
        break;
      case 0x04:
        a = (a + k) >>> 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x06:
        return k;
      case 0x07:
        x = a;
        break;
      case 0x0c:
        a = (a + x) >>> 0;
        break;
      case 0x15:
        jump(a === k);
        break;
      case 0x16:
        return a;
      case 0x20:
        a = load(packet, k, 4);
        break;
      case 0x24:
        a = Math.imul(a, k) >>> 0;
        break;
      case 0x25:
        jump(a > k);
        break;
      case 0x28:
        a = load(packet, k, 2);
        break;
      case 0x35:
        jump(a >= k);
        break;
      case 0x3d:
        jump(a >= x);
        break;
      case 0x40:
        a = load(packet, x + k, 4);
        break;
      case 0x45:
        jump((a & k) !== 0);
        break;
      case 0x48:
        a = load(packet, x + k, 2);
        break;
      case 0x50:
        a = load(packet, x + k, 1);
        break;
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x60:
        a = recall(k);
        break;
      case 0x61:
        x = recall(k);
        break;
      case 0x64:
        a = (a << k) >>> 0;
        break;
      case 0x74:
        a = a >>> k;
        break;
      case 0x80:
        a = packet.bytes.length;
        break;
      case 0x87:
        a = x;
        break;
      case 0xa4:
        a = (a ^ k) >>> 0;
        break;
      case 0xac:
        a = (a ^ x) >>> 0;
        break;
      default:
        fail(`instruction ${op.toString(16)} is not known`);
    }
  }
  return fail("it runs off its end");
}

function fail(why: string): never {
  throw new Error(`no program that a kernel takes: ${why}`);
}

function load({ bytes, etherType, packetType, hardware, index }: KernelPacket, at: number, length: number): number {
  const known = new Map([
    [0xfffff000, etherType],
    [0xfffff004, packetType],
    [0xfffff008, index],
    [0xfffff01c, hardware],
  ]).get(at);
  if (known !== undefined) return known;
  if (at + length > bytes.length) throw new OutsidePacket();
  let value = 0;
  for (const byte of bytes.subarray(at, at + length)) value = value * 256 + byte;
  return value;
}
