/** Records in batches of every form and compression, encoded by themselves. */
import { gzipSync } from "node:zlib";
import { snap } from "./mongo";
import { join, number, u16, u32 } from "./pcap-builder";

/** A record as its producer has it. */
export interface SentRecord {
  key: string | null;
  value: string | null;
  headers?: [name: string, value: string | null][];
}

export type Coding = "none" | "gzip" | "snappy" | "xerial" | "lz4" | "zstd";

interface BatchForm {
  coding?: Coding;
  /** Offset of the first. */
  base?: bigint;
  /** Bits beside the compression's. */
  attributes?: number;
  /** Compresses in place of ours. */
  packed?: Uint8Array;
}

const CODES: Record<Coding, number> = { none: 0, gzip: 1, snappy: 2, xerial: 2, lz4: 3, zstd: 4 };
const i64 = (value: bigint) => number(value & 0xffff_ffff_ffff_ffffn, 8);
const utf8 = (text: string) => new TextEncoder().encode(text);

/** A signed number in seven bits a byte. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

function sized(text: string | null): Uint8Array {
  return text === null ? varint(-1) : join(varint(utf8(text).length), utf8(text));
}

/** A record behind its length. */
export function record({ key, value, headers = [] }: SentRecord, delta: number): Uint8Array {
  const fields = headers.map(([name, one]) => join(sized(name), sized(one)));
  const body = join([0], varint(delta * 1000), varint(delta), sized(key), sized(value), varint(headers.length), ...fields);
  return join(varint(body.length), body);
}

/** A batch of magic 2. */
export function recordBatch(records: SentRecord[], form: BatchForm = {}): Uint8Array {
  const { coding = "none", base = 0n, attributes = 0 } = form;
  const content = form.packed ?? pack(join(...records.map(record)), coding);
  const head = join(u16(CODES[coding] | attributes), u32(records.length - 1), i64(1_700_000_000_000n), i64(1_700_000_060_000n));
  const producer = join(i64(-1n), u16(0xffff), u32(0xffff_ffff), u32(records.length));
  const behindCrc = join(head, producer, content);
  return join(i64(base), u32(9 + behindCrc.length), u32(0), [2], u32(0), behindCrc);
}

/** Messages of magic 0 or 1; compressed, they are the value of one. */
export function messages(records: SentRecord[], magic: 0 | 1, { coding = "none", base = 0n }: BatchForm = {}): Uint8Array {
  const isPacked = coding !== "none";
  const first = isPacked && magic === 1 ? 0n : base;
  const all = records.map(({ key, value }, index) => message(first + BigInt(index), magic, 0, key, value && utf8(value)));
  const set = join(...all);
  return isPacked ? message(base + BigInt(records.length - 1), magic, CODES[coding], null, pack(set, coding)) : set;
}

function message(
  offset: bigint,
  magic: number,
  attributes: number,
  key: string | null,
  value: Uint8Array | null | "",
): Uint8Array {
  const text = (bytes: Uint8Array | null) => (bytes ? join(u32(bytes.length), bytes) : u32(0xffff_ffff));
  const time = magic === 1 ? i64(1_700_000_000_000n) : [];
  const body = join(
    u32(0),
    [magic, attributes],
    time,
    text(key === null ? null : utf8(key)),
    text(value === "" ? utf8("") : value),
  );
  return join(i64(offset), u32(body.length), body);
}

/** Compresses bytes; zstd is not ours. */
export function pack(bytes: Uint8Array, coding: Coding): Uint8Array {
  switch (coding) {
    case "gzip":
      return gzipSync(bytes);
    case "snappy":
      return Uint8Array.from(snap([...bytes]));
    case "xerial": {
      const half = bytes.length >> 1;
      const blocks = [bytes.subarray(0, half), bytes.subarray(half)].map((part) => Uint8Array.from(snap([...part])));
      return join([0x82], "SNAPPY", [0], u32(1), u32(1), ...blocks.map((block) => join(u32(block.length), block)));
    }
    case "lz4":
      return lz4Frame(bytes);
    default:
      return bytes;
  }
}

/** A frame whose blocks hold 1000 bytes each and refer to those before: literals and copies, the last one as it is. */
function lz4Frame(bytes: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1000) {
    const end = Math.min(at + 1000, bytes.length);
    const isLast = end === bytes.length && at > 0;
    const block = isLast ? bytes.subarray(at, end) : lz4Block(bytes, at, end);
    blocks.push(join(number(block.length + (isLast ? 0x8000_0000 : 0), 4, true), block));
  }
  return join([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0], ...blocks, u32(0));
}

function lz4Block(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const out: number[] = [];
  let from = start;
  const more = (length: number) => {
    if (length < 15) return;
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) out.push(255);
    out.push(rest);
  };
  const sequence = (to: number, offset: number, length: number) => {
    const literals = to - from;
    out.push((Math.min(literals, 15) << 4) | (offset ? Math.min(length - 4, 15) : 0));
    more(literals);
    for (let at = from; at < to; at++) out.push(bytes[at]!);
    if (!offset) return;
    out.push(offset & 255, offset >> 8);
    more(length - 4);
  };
  // The last twelve bytes are literals.
  for (let at = start; at < end - 12; ) {
    let best = 0;
    let back = 0;
    for (let offset = 1; offset <= Math.min(at, 700); offset++) {
      let same = 0;
      while (at + same < end - 5 && bytes[at + same] === bytes[at + same - offset]) same++;
      if (same > best) [best, back] = [same, offset];
    }
    if (best < 4) at += 1;
    else {
      sequence(at, back, best);
      at += best;
      from = at;
    }
  }
  sequence(end, 0, 0);
  return Uint8Array.from(out);
}
