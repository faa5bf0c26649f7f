/**
 * Numbers with names: a static list "1=A,2=NS" turned into UTF-8 when asked.
 *
 * The list is ordered, and short numbers come first, so a look-up reads it from the front; callers that ask often keep what
 * they got.
 */
import { decimal } from "./ascii";

/** Writes the name of `value` to `at`, or `prefix` and the number where it has none; answers one past its last byte. */
export function putName(at: usize, list: string, value: u32, prefix: string): usize {
  const from = changetype<usize>(list);
  const length = list.length;
  let i = 0;
  while (i < length) {
    let number: u32 = 0;
    let c = <u32>load<u16>(from + (i << 1));
    while (c != 61) {
      number = number * 10 + c - 48;
      i += 1;
      c = load<u16>(from + (i << 1));
    }
    i += 1;
    if (number == value) return copyName(at, from, i, length);
    if (number > value) break;
    while (i < length && load<u16>(from + (i << 1)) != 44) i += 1;
    i += 1;
  }
  let out = at;
  for (let k = 0; k < prefix.length; k++) store<u8>(out++, load<u16>(changetype<usize>(prefix) + (k << 1)));
  return decimal(out, value);
}

/** Writes word `index` of a list "ok,error" to `at`; answers one past its last byte. */
export function putWord(at: usize, list: string, index: u32): usize {
  const from = changetype<usize>(list);
  let i = 0;
  for (let left = index; left != 0; i++) if (load<u16>(from + (i << 1)) == 44) left -= 1;
  return copyName(at, from, i, list.length);
}

function copyName(at: usize, from: usize, first: i32, length: i32): usize {
  let out = at;
  for (let i = first; i < length; i++) {
    const c = load<u16>(from + (i << 1));
    if (c == 44) break;
    store<u8>(out, c);
    out += 1;
  }
  return out;
}
