/**
 * Values and groups in parentheses: a list of nothing but values is one value, and a group that reads like the one before it, a
 * comma between, is dropped.
 */
import { sameBytes } from "../../bytes/run";

/** Groups within groups whose beginnings are kept. */
const DEPTH_MAX: u32 = 16;
const OPENED: usize = memory.data(4 * 16, 4);

const SPACE: u32 = 32;
const OPEN: u32 = 40;
const CLOSE: u32 = 41;
const COMMA: u32 = 44;
const QUESTION: u32 = 63;

export class Groups {
  /** Parentheses that are open. */
  static depth: u32 = 0;
  /** Where the fingerprint begins that they are of. */
  static start: usize = 0;
  /** Where the fingerprint ended with a value that is the first of its group; 0 where none can be listed any more. */
  static listed: usize = 0;

  /** Begins with the fingerprint at `start`. */
  @inline static reset(start: usize): void {
    Groups.depth = 0;
    Groups.start = start;
    Groups.listed = 0;
  }

  /** Writes `(` at `out`; answers where the fingerprint goes on. */
  @inline static open(out: usize): usize {
    const depth = Groups.depth;
    if (depth < DEPTH_MAX) store<u32>(OPENED + (depth << 2), <u32>out);
    Groups.depth = depth + 1;
    store<u8>(out, OPEN);
    return out + 1;
  }

  /** Writes `)` at `out`; answers where the fingerprint goes on. */
  @inline static close(out: usize): usize {
    store<u8>(out, CLOSE);
    const depth = Groups.depth - 1;
    if (depth >= DEPTH_MAX) {
      // None is open, or too many are.
      if (depth != 0xffffffff) Groups.depth = depth;
      return out + 1;
    }
    Groups.depth = depth;
    const from = <usize>load<u32>(OPENED + (depth << 2));
    return <u32>load<u8>(from - 1) == SPACE && <u32>load<u8>(from - 2) == COMMA ? Groups.fold(from, out + 1) : out + 1;
  }

  /** Writes `?` at `out` for a value, which goes with the one before it in a list; `isFirst`: it is the first of its group. */
  @inline static value(out: usize, isFirst: bool): usize {
    if (isFirst) {
      store<u8>(out, QUESTION);
      Groups.listed = out + 1;
      return out + 1;
    }
    if (out - Groups.listed == 2 && <u32>load<u8>(out - 1) == SPACE && <u32>load<u8>(out - 2) == COMMA) return out - 2;
    store<u8>(out, QUESTION);
    return out + 1;
  }

  /** Drops the group from `from` to `end`, with what separates it, when the one before reads the same; answers where it ends. */
  static fold(from: usize, end: usize): usize {
    const length = <u32>(end - from);
    if (from < Groups.start + 2 + length || !sameBytes(from - 2 - length, from, length)) return end;
    Groups.listed = 0;
    return from - 2;
  }
}
