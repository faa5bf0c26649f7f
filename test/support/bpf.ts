/** Classic BPF in plain TypeScript, written from Linux' Documentation/networking/filter.rst: the second opinion on the core's machine. */

/** One instruction. */
export interface Bpf {
  code: number;
  jumpTrue: number;
  jumpFalse: number;
  k: number;
}

const OPERATIONS = ["add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor"] as const;
const JUMPS = ["ja", "jeq", "jgt", "jge", "jset"] as const;
const SIZES: Record<number, 1 | 2 | 4> = { 0: 4, 8: 2, 16: 1 };

/** Every code that there is, with its words. */
export const CODES = new Map<number, string[]>([
  ...[0x00, 0x08, 0x10].flatMap((size): [number, string[]][] => [
    [0x20 | size, ["ld", "packet", String(SIZES[size])]],
    [0x40 | size, ["ld", "indexed", String(SIZES[size])]],
  ]),
  ...["imm", "mem", "len"].flatMap((mode, place): [number, string[]][] => {
    const bits = [0x00, 0x60, 0x80][place]!;
    return [
      [bits, ["ld", mode]],
      [bits | 1, ["ldx", mode]],
    ];
  }),
  [0xb1, ["ldx", "header"]],
  [0x02, ["st"]],
  [0x03, ["stx"]],
  ...OPERATIONS.flatMap((name, place): [number, string[]][] => [
    [0x04 | (place << 4), [name, "k"]],
    ...(name === "neg" ? [] : [[0x0c | (place << 4), [name, "x"]] as [number, string[]]]),
  ]),
  ...JUMPS.flatMap((name, place): [number, string[]][] => [
    [0x05 | (place << 4), [name, "k"]],
    ...(name === "ja" ? [] : [[0x0d | (place << 4), [name, "x"]] as [number, string[]]]),
  ]),
  [0x06, ["ret", "k"]],
  [0x16, ["ret", "a"]],
  [0x07, ["tax"]],
  [0x87, ["txa"]],
]);

/** Whether these are a program that the kernel would take, but for loads of what it knows itself. */
export function isBpf(program: readonly Bpf[]): boolean {
  if (program.length === 0 || program.length > 4096) return false;
  const isFine = ({ code, jumpTrue, jumpFalse, k }: Bpf, place: number) => {
    const words = CODES.get(code);
    if (words === undefined) return false;
    const left = program.length - 1 - place;
    if (words[0] === "ja") return k < left;
    if (JUMPS.includes(words[0] as "jeq")) return jumpTrue < left && jumpFalse < left;
    if (words[0] === "st" || words[0] === "stx" || words[1] === "mem") return k < 16;
    return !((words[0] === "div" || words[0] === "mod") && words[1] === "k" && k === 0);
  };
  return program.every(isFine) && CODES.get(program.at(-1)!.code)![0] === "ret";
}

/** What a program runs on beside a packet's bytes. */
export interface Surroundings {
  /** Its words of memory; one that is undefined is not to be recalled before it is kept. */
  words?: (number | undefined)[];
  /** What a kernel knows and shows at an offset. */
  known?: (at: number) => number | undefined;
}

/** What a program answers for a packet: 0, or how much of it is taken. */
export function runBpf(
  program: readonly Bpf[],
  packet: Uint8Array,
  wire: number,
  { words = new Array(16).fill(0), known = () => undefined }: Surroundings = {},
): number {
  let [a, x] = [0, 0];
  const read = (at: number, size: 1 | 2 | 4) => {
    const shown = known(at);
    if (shown !== undefined) return shown;
    if (at + size > packet.length) return undefined;
    return packet.subarray(at, at + size).reduce((value, byte) => value * 256 + byte, 0);
  };
  for (let place = 0; ; place++) {
    const { code, jumpTrue, jumpFalse, k } = program[place]!;
    const [name, mode, size] = CODES.get(code)!;
    const other = mode === "x" ? x : k;
    if (name === "ret") return mode === "k" ? k : a;
    if (name === "tax") x = a;
    else if (name === "txa") a = x;
    else if (name === "st") words[k] = a;
    else if (name === "stx") words[k] = x;
    else if (name === "ja") place += k;
    else if (JUMPS.includes(name as "jeq")) {
      const holds = { jeq: a === other, jgt: a > other, jge: a >= other, jset: (a & other) !== 0 }[name as "jeq"];
      place += holds ? jumpTrue : jumpFalse;
    } else if (name === "ld" || name === "ldx") {
      let value: number | undefined = k;
      if (mode === "mem") value = words[k] ?? neverKept(k);
      else if (mode === "len") value = wire;
      else if (mode === "packet") value = read(k, Number(size) as 1);
      else if (mode === "indexed") value = read(k + x, Number(size) as 1);
      else if (mode === "header") value = read(k, 1);
      if (value === undefined) return 0;
      if (name === "ld") a = value;
      else x = mode === "header" ? (value & 15) * 4 : value;
    } else {
      if ((name === "div" || name === "mod") && other === 0) return 0;
      a = compute(name!, a, other);
    }
  }
}

function neverKept(word: number): never {
  throw new Error(`word ${word} is recalled before it is kept`);
}

function compute(name: string, a: number, b: number): number {
  const big = BigInt(a);
  const other = BigInt(b);
  const results: Record<string, () => bigint> = {
    add: () => big + other,
    sub: () => big - other,
    mul: () => big * other,
    div: () => big / other,
    mod: () => big % other,
    or: () => big | other,
    and: () => big & other,
    xor: () => big ^ other,
    lsh: () => (b < 32 ? big << other : 0n),
    rsh: () => (b < 32 ? big >> other : 0n),
    neg: () => -big,
  };
  return Number(BigInt.asUintN(32, results[name]!()));
}
