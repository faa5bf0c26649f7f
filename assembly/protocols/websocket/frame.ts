/**
 * Frames (RFC 6455 section 5.2).
 *
 * ```
 *   FIN RSV1 RSV2 RSV3 opcode(4) | MASK length(7) | length of 2 bytes (126) or 8 (127) | masking key, 4 bytes | payload
 * ```
 * RSV1 says that a message is compressed (RFC 7692); the other two have no meaning that is in use.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";

/** Opcodes in use, by index: continuation, text, binary, close, ping, pong. */
export const OPCODES: u32 = 6;

export class Opcode {
  static readonly CONTINUATION: u32 = 0;
  static readonly TEXT: u32 = 1;
  static readonly BINARY: u32 = 2;
  static readonly CLOSE: u32 = 3;
  static readonly PING: u32 = 4;
  static readonly PONG: u32 = 5;
}

/** Names of the opcodes in the order of their indexes, as the label `opcode` has them. */
export const OPCODE_NAMES: string = "continuation,text,binary,close,ping,pong";

const FIN: u32 = 0x80;
const RSV1: u32 = 0x40;
const RSV_OTHERS: u32 = 0x30;
const MASK: u32 = 0x80;
/** Bit of control opcodes; the lengths that say that two or eight bytes more hold the length. */
const CONTROL: u32 = 8;
const LENGTH_16: u32 = 126;
const LENGTH_64: u32 = 127;
/** Bytes before any length, and of a control frame's payload at the most. */
const FIRST_BYTES: u32 = 2;
const CONTROL_BYTES_MAX: u32 = 125;
const CODE_BYTES: u32 = 2;

/** What became of reading a header. */
export class Read {
  static readonly WHOLE: u32 = 0;
  /** `Frame.bytes` bytes must be there first. */
  static readonly MORE: u32 = 1;
  static readonly FAULT: u32 = 2;
}

/** The header read last. */
export class Frame {
  /** Index of the opcode. */
  static opcode: u32 = 0;
  static isLast: bool = false;
  static isMasked: bool = false;
  /** Bytes of the header. */
  static bytes: u32 = 0;
  static length: u64 = 0;
  /** A close frame's code; 0 where it has none. */
  static code: u32 = 0;

  /** Whether it is part of a message. */
  @inline static get isData(): bool {
    return Frame.opcode <= Opcode.BINARY;
  }
}

/** Reads the header at `at`, and a close frame's code behind it; nothing at `end` or behind. */
export function readHeader(at: usize, end: usize): u32 {
  const there = <u32>(end - at);
  if (there < FIRST_BYTES) return more(FIRST_BYTES);
  const first = u8At(at);
  const second = u8At(at + 1);
  const code = first & 15;
  const isControl = (code & CONTROL) != 0;
  const length = second & 127;
  Frame.isLast = (first & FIN) != 0;
  Frame.isMasked = (second & MASK) != 0;
  if ((code & 7) > 2 || first & RSV_OTHERS) return Read.FAULT;
  if (isControl && (!Frame.isLast || length > CONTROL_BYTES_MAX || first & RSV1)) return Read.FAULT;
  Frame.opcode = isControl ? code - CONTROL + Opcode.CLOSE : code;
  const lengthBytes: u32 = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
  Frame.bytes = FIRST_BYTES + lengthBytes + (Frame.isMasked ? 4 : 0);
  const hasCode = Frame.opcode == Opcode.CLOSE && length >= CODE_BYTES;
  const wanted = Frame.bytes + (hasCode ? CODE_BYTES : 0);
  if (there < wanted) return more(wanted);
  Frame.length = length;
  if (length == LENGTH_16) Frame.length = u16be(at + FIRST_BYTES);
  if (length == LENGTH_64) Frame.length = ((<u64>u32be(at + FIRST_BYTES)) << 32) | <u64>u32be(at + FIRST_BYTES + 4);
  if (<i64>Frame.length < 0) return Read.FAULT;
  Frame.code = hasCode ? closeCode(at) : 0;
  return Read.WHOLE;
}

function more(bytes: u32): u32 {
  Frame.bytes = bytes;
  return Read.MORE;
}

/** The code of the close frame at `at`, whose header is in `Frame`; the masking key stands right before it. */
function closeCode(at: usize): u32 {
  const payload = at + Frame.bytes;
  const code = u16be(payload);
  return Frame.isMasked ? code ^ u16be(payload - 4) : code;
}

/** Whether the length just read is written in as few bytes as it can be, and the header is one that an end of a talk sends. */
function isStrict(isMasked: bool): bool {
  if (Frame.isMasked != isMasked) return false;
  const head = Frame.bytes - (isMasked ? 4 : 0);
  if (head == 4 && Frame.length < LENGTH_16) return false;
  if (head == 10 && Frame.length < 65536) return false;
  if (Frame.opcode != Opcode.CLOSE || Frame.length == 0) return true;
  return Frame.code >= 1000 && Frame.code < 5000;
}

/** Bytes that a frame in which a side goes on may have at the most: lengths of 8 bytes are told by their zeros. */
const LENGTH_MAX: u64 = 1 << 32;

/** Whole frames behind which the first part of another is believed. */
const WHOLE_MIN: u32 = 2;

/**
 * Whether frames follow each other from `start` on and the last of them ends exactly at `end`, as where somebody writes whole
 * frames at a time; or a frame begins whose length of 8 bytes is a likely one. `isOnce` says that these bytes are looked at once,
 * and not each of many segments: then a longer length, or other frames before it, are enough for a frame whose end is not there.
 */
export function isFrames(start: usize, end: usize, isMasked: bool, isOnce: bool): bool {
  let at = start;
  let whole: u32 = 0;
  while (at < end) {
    const read = readHeader(at, end);
    if (read == Read.MORE) return isOnce && whole >= WHOLE_MIN;
    if (read == Read.FAULT || !isStrict(isMasked) || (whole == 0 && !Frame.isLast)) return false;
    if (Frame.length > <u64>(end - at) - Frame.bytes) {
      if (!Frame.isData || Frame.length >= LENGTH_MAX) return false;
      return Frame.length >= 65536 || (isOnce && (Frame.length >= LENGTH_16 || whole >= WHOLE_MIN));
    }
    at += Frame.bytes + <usize>Frame.length;
    whole += 1;
  }
  return whole != 0;
}
