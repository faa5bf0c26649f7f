/**
 * Reads of captured bytes, by width and byte order.
 *
 * A caller checks a length once per header and then reads its fields; the check is named where the reads stand. The checked
 * build asserts each read against the window.
 */
import { Window } from "./window";

/** Reads one byte. */
export function u8At(p: usize): u32 {
  assert(Window.holds(p, 1));
  return load<u8>(p);
}

/** Reads two bytes in network order. */
export function u16be(p: usize): u32 {
  assert(Window.holds(p, 2));
  return bswap<u16>(load<u16>(p));
}

/** Reads three bytes in network order. */
export function u24be(p: usize): u32 {
  assert(Window.holds(p, 3));
  return ((<u32>load<u8>(p)) << 16) | ((<u32>load<u8>(p, 1)) << 8) | <u32>load<u8>(p, 2);
}

/** Reads four bytes in network order. */
export function u32be(p: usize): u32 {
  assert(Window.holds(p, 4));
  return bswap<u32>(load<u32>(p));
}

/** Reads 16 bytes of which the first `length` count; the caller masks the others, which may lie outside the window. */
export function v128At(p: usize, length: u32): v128 {
  assert(Window.holds(p, length));
  return v128.load(p);
}

/** Reads two bytes, least significant first. */
export function u16le(p: usize): u32 {
  assert(Window.holds(p, 2));
  return load<u16>(p);
}

/** Reads four bytes, least significant first. */
export function u32le(p: usize): u32 {
  assert(Window.holds(p, 4));
  return load<u32>(p);
}

/** Reads eight bytes, least significant first. */
export function u64le(p: usize): u64 {
  assert(Window.holds(p, 8));
  return load<u64>(p);
}
