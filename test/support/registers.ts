/** Registers of an encoded distinct state, read by the layouts that distinct-codec.ts and register-codec.ts draw. */

const SPARSE = 33;
const PACKED = 34;
const DENSE = 35;
const TOTAL = 2048;
const LOW = 65536;

/** Reads numbers one behind the other. */
class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  u8(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error("cut");
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  little(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.u8() * 256 ** i;
    return value;
  }
}

/** Registers of an encoding in its sparse, packed or dense form. */
export function decodeRegisters(encoding: Uint8Array, precision: number): Uint8Array {
  const reader = new Reader(encoding, 1);
  const registers = new Uint8Array(1 << precision);
  if (encoding[0] === DENSE) return encoding.slice(1);
  if (encoding[0] === PACKED) unpack(reader, registers);
  else if (encoding[0] === SPARSE) spread(reader, registers);
  else throw new Error(`form ${encoding[0]}`);
  if (reader.at !== encoding.length) throw new Error("bytes are left over");
  return registers;
}

function spread(reader: Reader, registers: Uint8Array): void {
  let index = 0;
  for (let rest = reader.varint(); rest > 0; rest--) {
    index += reader.varint();
    registers[index++] = reader.u8();
  }
}

function unpack(reader: Reader, registers: Uint8Array): void {
  const frequencies = new Map([[0, reader.varint()]]);
  const least = reader.u8();
  const values = reader.u8() + 1;
  for (let value = least; value < least + values; value++) frequencies.set(value, reader.varint());
  const slots = [...frequencies].flatMap(([value, frequency]) => Array<number>(frequency).fill(value));
  if (slots.length !== TOTAL) throw new Error("frequencies do not add up");
  const words = reader.varint();
  const states = Array.from({ length: 4 }, () => reader.little(4));
  const end = reader.at + words * 2;
  for (let index = 0; index < registers.length; index++) {
    const state = states[index % 4] as number;
    const slot = state % TOTAL;
    const value = slots[slot] as number;
    registers[index] = value;
    let next = (frequencies.get(value) as number) * Math.floor(state / TOTAL) + slot - slots.indexOf(value);
    if (next < LOW) next = next * 65536 + reader.little(2);
    states[index % 4] = next;
  }
  if (reader.at !== end || states.some((state) => state !== LOW)) throw new Error("the states do not end where they began");
}
