/**
 * The machine of packet filters, classic BPF: a program looks at the bytes of one packet and says whether it is taken.
 *
 * ```
 * instruction: | code u16 | jump if true u8 | jump if false u8 | k u32 |      least significant byte first
 * ```
 * An accumulator, an index and 16 words; jumps lead forward only, so a program ends. A load beyond the captured bytes and a division by
 * 0 end it: the packet is not taken. Source: McCanne and Jacobson, "The BSD Packet Filter", 1993; Documentation/networking/filter.rst of
 * Linux.
 */
import { u8At, u16be, u32be } from "../bytes/reader";

/** Bytes of an instruction. */
export const INSTRUCTION_BYTES: u32 = 8;
/** Instructions of a program, as Linux has it. */
export const INSTRUCTIONS_MAX: u32 = 4096;

const JUMP_TRUE: usize = 2;
const JUMP_FALSE: usize = 3;
const OPERAND: usize = 4;

/** Parts of a code: what is done; of a load how wide and from where; of the others which, and whether with the index. */
const CLASS: u32 = 0x07;
const SIZE: u32 = 0x18;
const MODE: u32 = 0xe0;
const OPERATION: u32 = 0xf0;
const WITH_INDEX: u32 = 0x08;

enum Class {
  LOAD = 0,
  LOAD_INDEX = 1,
  STORE = 2,
  STORE_INDEX = 3,
  ARITHMETIC = 4,
  JUMP = 5,
  RETURN = 6,
  MOVE = 7,
}

enum Mode {
  IMMEDIATE = 0x00,
  ABSOLUTE = 0x20,
  INDEXED = 0x40,
  MEMORY = 0x60,
  LENGTH = 0x80,
  /** Four times the lower half of a byte: the length of an IPv4 header. */
  HEADER_LENGTH = 0xa0,
}

const WORD: u32 = 0x00;
const HALF: u32 = 0x08;
const BYTE: u32 = 0x10;

enum Operation {
  ADD = 0x00,
  SUBTRACT = 0x10,
  MULTIPLY = 0x20,
  DIVIDE = 0x30,
  OR = 0x40,
  AND = 0x50,
  SHIFT_LEFT = 0x60,
  SHIFT_RIGHT = 0x70,
  NEGATE = 0x80,
  REMAINDER = 0x90,
  EXCLUSIVE_OR = 0xa0,
}

const JUMP_ALWAYS: u32 = 0x00;
const JUMP_EQUAL: u32 = 0x10;
const JUMP_GREATER: u32 = 0x20;
const JUMP_GREATER_EQUAL: u32 = 0x30;
/** Any of these bits; the highest number there is. */
const JUMP_BITS: u32 = 0x40;

const LOAD_HEADER_LENGTH: u32 = 0xb1;
const RETURN_OPERAND: u32 = 0x06;
const RETURN_ACCUMULATOR: u32 = 0x16;
const TO_INDEX: u32 = 0x07;
const TO_ACCUMULATOR: u32 = 0x87;

const WORDS: u32 = 16;
const MEMORY_BYTES: u32 = 64;
const MEMORY: usize = memory.data(64, 4);

/** What a run works on. */
class Machine {
  static accumulator: u32 = 0;
  static index: u32 = 0;
  /** First byte of the packet, how many there are, and how many there were on the wire. */
  static start: usize = 0;
  static captured: u32 = 0;
  static wire: u32 = 0;
  /** Whether the packet ended it: it is too short, or was divided by 0. */
  static isOver: bool = false;
}

/** Whether `length` bytes at `program` are a program that can be run on any packet. */
export function isProgram(program: usize, length: u32): bool {
  const count = length / INSTRUCTION_BYTES;
  if (length % INSTRUCTION_BYTES != 0 || count == 0 || count > INSTRUCTIONS_MAX) return false;
  for (let place: u32 = 0; place < count; place++) {
    if (!isInstruction(program + place * INSTRUCTION_BYTES, count - 1 - place)) return false;
  }
  return (load<u16>(program + (count - 1) * INSTRUCTION_BYTES) & CLASS) == Class.RETURN;
}

/** Whether an instruction with `left` behind it is one. */
function isInstruction(at: usize, left: u32): bool {
  const code = <u32>load<u16>(at);
  const operand = load<u32>(at, OPERAND);
  switch (code & CLASS) {
    case Class.LOAD:
      return isLoad(code, operand);
    case Class.LOAD_INDEX:
      if (code == LOAD_HEADER_LENGTH) return true;
      return isLoad(code & ~CLASS, operand) && isOfNoPacket(code & MODE);
    case Class.STORE:
    case Class.STORE_INDEX:
      return (code & ~CLASS) == 0 && operand < WORDS;
    case Class.ARITHMETIC:
      return isArithmetic(code, operand);
    case Class.JUMP:
      return isJump(code, operand, <u32>load<u8>(at, JUMP_TRUE), <u32>load<u8>(at, JUMP_FALSE), left);
    case Class.RETURN:
      return code == RETURN_OPERAND || code == RETURN_ACCUMULATOR;
    default:
      return code == TO_INDEX || code == TO_ACCUMULATOR;
  }
}

function isLoad(code: u32, operand: u32): bool {
  const mode = code & MODE;
  const size = code & SIZE;
  if ((code & ~(MODE | SIZE)) != 0) return false;
  if (mode == Mode.ABSOLUTE || mode == Mode.INDEXED) return size == WORD || size == HALF || size == BYTE;
  return size == WORD && isOfNoPacket(mode) && (mode != Mode.MEMORY || operand < WORDS);
}

function isOfNoPacket(mode: u32): bool {
  return mode == Mode.IMMEDIATE || mode == Mode.MEMORY || mode == Mode.LENGTH;
}

function isArithmetic(code: u32, operand: u32): bool {
  const operation = code & OPERATION;
  if ((code & ~(OPERATION | WITH_INDEX | CLASS)) != 0 || operation > <u32>Operation.EXCLUSIVE_OR) return false;
  if ((code & WITH_INDEX) != 0) return operation != Operation.NEGATE;
  return operand != 0 || (operation != Operation.DIVIDE && operation != Operation.REMAINDER);
}

function isJump(code: u32, operand: u32, ifTrue: u32, ifFalse: u32, left: u32): bool {
  const operation = code & OPERATION;
  if ((code & ~(OPERATION | WITH_INDEX | CLASS)) != 0 || operation > JUMP_BITS) return false;
  if (operation == JUMP_ALWAYS) return (code & WITH_INDEX) == 0 && operand < left;
  return ifTrue < left && ifFalse < left;
}

/** Runs a program, as `isProgram` wants it, on `captured` bytes at `start`: whether it takes the packet. The window is open over them. */
export function runProgram(program: usize, start: usize, captured: u32, wire: u32): bool {
  Machine.accumulator = 0;
  Machine.index = 0;
  Machine.start = start;
  Machine.captured = captured;
  Machine.wire = wire;
  Machine.isOver = false;
  memory.fill(MEMORY, 0, MEMORY_BYTES);
  let at = program;
  while (true) {
    const code = <u32>load<u16>(at);
    const operand = load<u32>(at, OPERAND);
    switch (code & CLASS) {
      case Class.LOAD:
        Machine.accumulator = loaded(code, operand);
        break;
      case Class.LOAD_INDEX:
        Machine.index = loaded(code, operand);
        break;
      case Class.STORE:
        store<u32>(MEMORY + ((<usize>operand) << 2), Machine.accumulator);
        break;
      case Class.STORE_INDEX:
        store<u32>(MEMORY + ((<usize>operand) << 2), Machine.index);
        break;
      case Class.ARITHMETIC:
        Machine.accumulator = computed(code, (code & WITH_INDEX) != 0 ? Machine.index : operand);
        break;
      case Class.JUMP:
        at += <usize>jump(code, operand, at) * INSTRUCTION_BYTES;
        break;
      case Class.RETURN:
        return (code == RETURN_OPERAND ? operand : Machine.accumulator) != 0;
      default:
        if (code == TO_INDEX) Machine.index = Machine.accumulator;
        else Machine.accumulator = Machine.index;
    }
    if (Machine.isOver) return false;
    at += INSTRUCTION_BYTES;
  }
}

function loaded(code: u32, operand: u32): u32 {
  switch (code & MODE) {
    case Mode.ABSOLUTE:
      return read(<u64>operand, code & SIZE);
    case Mode.INDEXED:
      return read(<u64>operand + Machine.index, code & SIZE);
    case Mode.HEADER_LENGTH:
      return (read(<u64>operand, BYTE) & 0x0f) << 2;
    case Mode.MEMORY:
      return load<u32>(MEMORY + ((<usize>operand) << 2));
    case Mode.LENGTH:
      return Machine.wire;
    default:
      return operand;
  }
}

/** Reads from the packet; the run is over where it is too short. */
function read(offset: u64, size: u32): u32 {
  const bytes: u32 = size == WORD ? 4 : size == HALF ? 2 : 1;
  if (offset + bytes > <u64>Machine.captured) {
    Machine.isOver = true;
    return 0;
  }
  const p = Machine.start + <usize>offset;
  return size == WORD ? u32be(p) : size == HALF ? u16be(p) : u8At(p);
}

function computed(code: u32, value: u32): u32 {
  const accumulator = Machine.accumulator;
  switch (code & OPERATION) {
    case Operation.ADD:
      return accumulator + value;
    case Operation.SUBTRACT:
      return accumulator - value;
    case Operation.MULTIPLY:
      return accumulator * value;
    case Operation.OR:
      return accumulator | value;
    case Operation.AND:
      return accumulator & value;
    case Operation.SHIFT_LEFT:
      return value < 32 ? accumulator << value : 0;
    case Operation.SHIFT_RIGHT:
      return value < 32 ? accumulator >> value : 0;
    case Operation.NEGATE:
      return 0 - accumulator;
    case Operation.EXCLUSIVE_OR:
      return accumulator ^ value;
  }
  if (value == 0) {
    Machine.isOver = true;
    return 0;
  }
  return (code & OPERATION) == Operation.DIVIDE ? accumulator / value : accumulator % value;
}

/** Instructions that are stepped over. */
function jump(code: u32, operand: u32, at: usize): u32 {
  const operation = code & OPERATION;
  if (operation == JUMP_ALWAYS) return operand;
  const value = (code & WITH_INDEX) != 0 ? Machine.index : operand;
  const accumulator = Machine.accumulator;
  let isTrue = false;
  if (operation == JUMP_EQUAL) isTrue = accumulator == value;
  else if (operation == JUMP_GREATER) isTrue = accumulator > value;
  else if (operation == JUMP_GREATER_EQUAL) isTrue = accumulator >= value;
  else isTrue = (accumulator & value) != 0;
  return isTrue ? <u32>load<u8>(at, JUMP_TRUE) : <u32>load<u8>(at, JUMP_FALSE);
}
