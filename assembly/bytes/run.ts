/**
 * Short runs of bytes, cleared, compared and copied by loads and stores that never leave them: for so few bytes several times
 * faster than the instructions for memory of any length.
 */

/** Clears `length` bytes at `start`, a multiple of 16. */
export function clearRun(start: usize, length: u32): void {
  assert((length & 15) == 0);
  const zero = i64x2.splat(0);
  for (let at: u32 = 0; at < length; at += 16) v128.store(start + at, zero);
}

/** Whether the `length` bytes at `a` are those at `b`. */
export function sameBytes(a: usize, b: usize, length: u32): bool {
  if (length >= 8) {
    const last = length - 8;
    for (let at: u32 = 0; at < last; at += 8) {
      if (load<u64>(a + at) != load<u64>(b + at)) return false;
    }
    return load<u64>(a + last) == load<u64>(b + last);
  }
  if (length >= 4) {
    return load<u32>(a) == load<u32>(b) && load<u32>(a + length - 4) == load<u32>(b + length - 4);
  }
  for (let at: u32 = 0; at < length; at++) {
    if (load<u8>(a + at) != load<u8>(b + at)) return false;
  }
  return true;
}

/** Copies `length` bytes from `start` to `target`; the two do not overlap. */
export function copyBytes(target: usize, start: usize, length: u32): void {
  if (length >= 8) {
    const last = length - 8;
    for (let at: u32 = 0; at < last; at += 8) store<u64>(target + at, load<u64>(start + at));
    store<u64>(target + last, load<u64>(start + last));
    return;
  }
  for (let at: u32 = 0; at < length; at++) store<u8>(target + at, load<u8>(start + at));
}
