/** The text of a statement as it was written, with `?` in place of each literal and of what a comment says. */
import { v128At } from "../../bytes/reader";

const QUESTION: u32 = 63;
const TEXT_BYTES_MAX: u32 = 1024;
/** A text never grows: only what is not empty is replaced. */
const OUT: usize = memory.data(1024 + 32);

/** The text in progress, or made last. */
export class Masked {
  static readonly start: usize = OUT;
  /** How far the statement is taken over. */
  static from: usize = 0;
  static out: usize = 0;

  /** Begins with the statement at `start`. */
  @inline static open(start: usize): void {
    Masked.from = start;
    Masked.out = OUT;
  }

  /** Puts `?` in place of the bytes from `start` to `end`, which are not none, behind what stands before them. */
  @inline static replace(start: usize, end: usize): void {
    const from = Masked.from;
    const out = Masked.out;
    const length = <u32>(start - from);
    v128.store(out, v128At(from, length < 16 ? length : 16));
    if (length > 16) Masked.takeLong(out, from, length);
    store<u8>(out + length, QUESTION);
    Masked.out = out + length + 1;
    Masked.from = end;
  }

  /** Takes over `length` bytes from `from`, of which the first 16 are there. */
  static takeLong(out: usize, from: usize, length: u32): void {
    assert(<u32>(out - OUT) + length <= TEXT_BYTES_MAX);
    for (let at: u32 = 16; at < length; at += 16) {
      const left = length - at;
      v128.store(out + at, v128At(from + at, left < 16 ? left : 16));
    }
  }

  /** Takes over what stands before `end`, with which the text ends. */
  static close(end: usize): void {
    const length = <u32>(end - Masked.from);
    v128.store(Masked.out, v128At(Masked.from, length < 16 ? length : 16));
    if (length > 16) Masked.takeLong(Masked.out, Masked.from, length);
    Masked.out += length;
  }

  @inline static get length(): u32 {
    return <u32>(Masked.out - OUT);
  }
}
