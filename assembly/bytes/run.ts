/**
 * Short runs of bytes, copied and cleared by loads and stores that never leave them: for so few bytes several times faster than
 * the instructions for memory of any length.
 */

/** Copies `length` bytes from `start` to `target`, where they do not overlap. */
export function copyRun(target: usize, start: usize, length: u32): void {
  if (length >= 16) {
    const last = length - 16;
    for (let at: u32 = 0; at < last; at += 16) v128.store(target + at, v128.load(start + at));
    v128.store(target + last, v128.load(start + last));
    return;
  }
  if (length >= 8) {
    const last = length - 8;
    store<u64>(target, load<u64>(start));
    store<u64>(target + last, load<u64>(start + last));
    return;
  }
  if (length >= 4) {
    const last = length - 4;
    store<u32>(target, load<u32>(start));
    store<u32>(target + last, load<u32>(start + last));
    return;
  }
  for (let at: u32 = 0; at < length; at++) store<u8>(target + at, load<u8>(start + at));
}

/** Clears `length` bytes at `start`, a multiple of 16. */
export function clearRun(start: usize, length: u32): void {
  assert((length & 15) == 0);
  const zero = i64x2.splat(0);
  for (let at: u32 = 0; at < length; at += 16) v128.store(start + at, zero);
}
