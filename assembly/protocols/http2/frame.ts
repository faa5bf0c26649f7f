/**
 * Frames (RFC 9113 section 4.1) and how they are told from other bytes.
 *
 * ```
 *   0 length u24 | 3 type u8 | 4 flags u8 | 5 R, stream u31 | 9 payload: [padding's length u8] [what the type has first] ...
 * ```
 */
import { u8At, u16be, u24be, u32be } from "../../bytes/reader";

/** Bytes of a frame's header. */
export const FRAME_BYTES: u32 = 9;
const LENGTH: usize = 0;
const TYPE: usize = 3;
const FLAGS: usize = 4;
const STREAM: usize = 5;

/** Types of frames (section 6). */
export class FrameType {
  static readonly DATA: u32 = 0;
  static readonly HEADERS: u32 = 1;
  static readonly PRIORITY: u32 = 2;
  static readonly RST_STREAM: u32 = 3;
  static readonly SETTINGS: u32 = 4;
  static readonly PUSH_PROMISE: u32 = 5;
  static readonly PING: u32 = 6;
  static readonly GOAWAY: u32 = 7;
  static readonly WINDOW_UPDATE: u32 = 8;
  static readonly CONTINUATION: u32 = 9;
}

/** Bits of a frame's flags. */
export class FrameFlag {
  /** Of DATA and HEADERS; of SETTINGS and PING it says that they acknowledge. */
  static readonly END_STREAM: u32 = 1;
  static readonly END_HEADERS: u32 = 4;
  static readonly PADDED: u32 = 8;
  static readonly PRIORITY: u32 = 32;
}

/** Flags that frames of each type may have. */
const FLAGS_ALLOWED: usize = memory.data<u8>([9, 45, 0, 0, 1, 12, 1, 0, 0, 4]);
/** Bytes at the most of a frame that is taken for one where others may be. */
const SOUGHT_BYTES_MAX: u32 = 65536;
/** The same of one of a type that the RFC does not name. */
const UNNAMED_BYTES_MAX: u32 = 16384;
/** Bytes of settings that are taken for a server's first. */
const SETTINGS_BYTES_MAX: u32 = 120;

/** "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (section 3.4) */
const PREFACE: usize = memory.data<u8>([
  80, 82, 73, 32, 42, 32, 72, 84, 84, 80, 47, 50, 46, 48, 13, 10, 13, 10, 83, 77, 13, 10, 13, 10,
]);
/** Bytes of the preface. */
export const PREFACE_BYTES: u32 = 24;

/** The header that was read last. */
export class Frame {
  static length: u32 = 0;
  static type: u32 = 0;
  static flags: u32 = 0;
  static stream: u32 = 0;

  /** Reads the header at `at`, FRAME_BYTES of which lie there. */
  static read(at: usize): void {
    Frame.length = u24be(at + LENGTH);
    Frame.type = u8At(at + TYPE);
    Frame.flags = u8At(at + FLAGS);
    Frame.stream = u32be(at + STREAM);
  }

  @inline static has(flag: u32): bool {
    return (Frame.flags & flag) != 0;
  }
}

/** How many of the `length` bytes at `start` are the preface's first; all of it, or all there are, where it is one. */
export function prefaceLength(start: usize, length: u32): u32 {
  let same: u32 = 0;
  while (same < PREFACE_BYTES && same < length && u8At(start + same) == <u32>load<u8>(PREFACE + same)) same += 1;
  return same;
}

/** Whether the length that the header in `Frame` names is one that its type may have, and its stream too. */
export function isFrame(): bool {
  const length = Frame.length;
  if (Frame.stream > 0x7fffffff) return false;
  switch (Frame.type) {
    case FrameType.DATA:
    case FrameType.HEADERS:
    case FrameType.CONTINUATION:
      return Frame.stream != 0;
    case FrameType.PUSH_PROMISE:
      return Frame.stream != 0 && length >= 4;
    case FrameType.PRIORITY:
      return Frame.stream != 0 && length == 5;
    case FrameType.RST_STREAM:
      return Frame.stream != 0 && length == 4;
    case FrameType.SETTINGS:
      return Frame.stream == 0 && length % 6 == 0 && (length == 0 || !Frame.has(FrameFlag.END_STREAM));
    case FrameType.PING:
      return Frame.stream == 0 && length == 8;
    case FrameType.GOAWAY:
      return Frame.stream == 0 && length >= 8;
    case FrameType.WINDOW_UPDATE:
      return length == 4;
    default:
      return length <= UNNAMED_BYTES_MAX;
  }
}

/** Bytes of the payload before what a frame's type carries: padding's length, priority, promised stream and the like. */
export function fixedLength(): u32 {
  const padded: u32 = Frame.has(FrameFlag.PADDED) ? 1 : 0;
  switch (Frame.type) {
    case FrameType.DATA:
      return padded;
    case FrameType.HEADERS:
      return padded + (Frame.has(FrameFlag.PRIORITY) ? 5 : 0);
    case FrameType.PUSH_PROMISE:
      return padded + 4;
    case FrameType.RST_STREAM:
      return 4;
    case FrameType.GOAWAY:
      return 8;
    default:
      return 0;
  }
}

/** Whether the header at `at` is one that bytes of something else hardly are; it is in `Frame` then. */
export function isStrictFrame(at: usize): bool {
  Frame.read(at);
  if (Frame.type > FrameType.CONTINUATION || Frame.length > SOUGHT_BYTES_MAX) return false;
  if ((Frame.flags & ~(<u32>load<u8>(FLAGS_ALLOWED + Frame.type))) != 0 || Frame.stream >= 1 << 28) return false;
  return isFrame() && Frame.length >= fixedLength();
}

/** What the first field of a header block says whose it is. */
export class FirstField {
  static readonly NONE: u32 = 0;
  static readonly REQUEST: u32 = 1;
  static readonly RESPONSE: u32 = 2;
}

/** Whose the header block is that begins with the HEADERS frame in `Frame`, at `at`: by its first field, of the static table. */
export function firstField(at: usize, end: usize): u32 {
  let field = at + FRAME_BYTES + fixedLength();
  const limited = field < end && u8At(field) >> 5 == 1 && u8At(field) != 0x3f;
  if (limited) field += 1;
  if (field >= end || field >= at + FRAME_BYTES + Frame.length) return FirstField.NONE;
  const byte = u8At(field);
  const index = byte >= 128 ? byte & 127 : byte >= 64 ? byte & 63 : byte & 15;
  if (byte >= 32 && byte < 64) return FirstField.NONE;
  if (index >= 1 && index <= 7) return FirstField.REQUEST;
  return index >= 8 && index <= 14 ? FirstField.RESPONSE : FirstField.NONE;
}

/** Whether the SETTINGS frame in `Frame`, at `at` and whole, has settings that are known, with values that they may have. */
export function isSettings(at: usize, end: usize): bool {
  if (Frame.length > SETTINGS_BYTES_MAX || Frame.has(FrameFlag.END_STREAM)) return false;
  const stop = at + FRAME_BYTES + Frame.length;
  if (stop > end) return false;
  for (let p = at + FRAME_BYTES; p < stop; p += 6) {
    const id = u16be(p);
    const value = u32be(p + 2);
    if (id == 0 || id > 16) return false;
    if ((id == 2 || id == 8) && value > 1) return false;
    if (id == 4 && value > 0x7fffffff) return false;
    if (id == 5 && (value < 16384 || value > 0xffffff)) return false;
  }
  return true;
}
