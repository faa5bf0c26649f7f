/** Addresses as text: dotted decimal, and RFC 5952 for IPv6. */
import { decimal } from "./ascii";

/** Writes the IPv4 address of 4 bytes at `from`; answers one past its last byte. At most 15 bytes. */
export function putIpv4(at: usize, from: usize): usize {
  let out = decimal(at, load<u8>(from));
  for (let i: usize = 1; i < 4; i++) {
    store<u8>(out, 46);
    out = decimal(out + 1, load<u8>(from + i));
  }
  return out;
}

function group(from: usize, index: i32): u32 {
  return bswap<u16>(load<u16>(from + ((<usize>index) << 1)));
}

/** Writes the IPv6 address of 16 bytes at `from`; answers one past its last byte. At most 39 bytes. */
export function putIpv6(at: usize, from: usize): usize {
  let bestStart = -1;
  let bestLength = 1;
  let runStart = 0;
  for (let i = 0; i <= 8; i++) {
    if (i < 8 && group(from, i) == 0) continue;
    if (i - runStart > bestLength) {
      bestStart = runStart;
      bestLength = i - runStart;
    }
    runStart = i + 1;
  }
  let out = at;
  let i = 0;
  while (i < 8) {
    if (i == bestStart) {
      store<u16>(out, 0x3a3a);
      out += 2;
      i += bestLength;
      continue;
    }
    if (i != 0 && i != bestStart + bestLength) store<u8>(out++, 58);
    out = hexadecimal(out, group(from, i));
    i += 1;
  }
  return out;
}

/** Writes `value` (16 bits) in lower-case hexadecimal without leading zeros. */
function hexadecimal(at: usize, value: u32): usize {
  let out = at;
  let started = false;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 15;
    if (digit == 0 && !started && shift != 0) continue;
    started = true;
    store<u8>(out++, digit < 10 ? 48 + digit : 87 + digit);
  }
  return out;
}
