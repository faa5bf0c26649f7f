/** Inflate and Adler-32 for tests: bytes in, a window out. */
import { adler32 } from "../../assembly/bytes/adler32";
import { Inflate, inflate, inflateOpen, inflateSlide } from "../../assembly/bytes/inflate";
import { Window } from "../../assembly/bytes/window";

export { adler32 };

/** Where compressed bytes are put, and how many find room; the window lies behind them. */
export const INPUT_BYTES: u32 = 1 << 20;
/** Bytes of the window. */
export const WINDOW_BYTES: u32 = 1 << 20;

/** Makes room; answers where compressed bytes go. */
export function create(): usize {
  const start = (__heap_base + 0xffff) & ~(<usize>0xffff);
  const pages = <i32>((start + INPUT_BYTES + WINDOW_BYTES) >> 16) - memory.size();
  if (pages > 0) memory.grow(pages);
  return start;
}

/** Opens `length` bytes at `start`; answers where the window is. */
export function open(start: usize, length: u32): usize {
  Window.open(start, length);
  inflateOpen(start, length, start + INPUT_BYTES);
  return start + INPUT_BYTES;
}

/** Goes on up to `limit` bytes in the window. */
export function proceed(limit: u32): u32 {
  return inflate(limit);
}

/** Bytes in the window. */
export function held(): u32 {
  return <u32>(Inflate.out - Inflate.start);
}

/** Makes room in the window; answers how many bytes left it. */
export function slide(): u32 {
  return inflateSlide();
}
