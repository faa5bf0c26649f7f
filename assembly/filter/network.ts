/** Addresses and networks of a filter: dotted decimal, and the forms of RFC 4291 for IPv6. */

/** Room for the address that was read last: 16 bytes, IPv4 as ::ffff:a.b.c.d. */
const ADDRESS: usize = memory.data(16, 8);

/** The address that was read last. */
export class Address {
  static readonly start: usize = ADDRESS;
  /** 4 or 6. */
  static family: u32 = 0;
  /** Leading bits of its 128 that count. */
  static bits: u32 = 0;
}

/** Reads an address, with the length of a prefix behind a slash or without; false where it is none. */
export function readNetwork(start: usize, length: u32): bool {
  let slash: u32 = length;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(start + i) != 0x2f) continue;
    slash = i;
    break;
  }
  if (!readAddress(start, slash)) return false;
  Address.bits = 128;
  if (slash == length) return true;
  const most: u32 = Address.family == 4 ? 32 : 128;
  let bits: u32 = 0;
  if (length - slash < 2 || length - slash > 4) return false;
  for (let i = slash + 1; i < length; i++) {
    const digit = <u32>load<u8>(start + i) - 0x30;
    if (digit > 9) return false;
    bits = bits * 10 + digit;
  }
  Address.bits = 128 - most + bits;
  return bits <= most;
}

function readAddress(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(start + i) != 0x3a) continue;
    Address.family = 6;
    return readIpv6(start, length);
  }
  Address.family = 4;
  store<u64>(ADDRESS, 0);
  store<u32>(ADDRESS, 0xffff0000, 8);
  return readIpv4(start, length, ADDRESS + 12);
}

/** Reads four numbers to the four bytes at `to`. */
function readIpv4(start: usize, length: u32, to: usize): bool {
  let at: u32 = 0;
  for (let part: u32 = 0; part < 4; part++) {
    let value: u32 = 0;
    let digits: u32 = 0;
    while (at < length && digits < 4 && <u32>load<u8>(start + at) - 0x30 < 10) {
      value = value * 10 + load<u8>(start + at++) - 0x30;
      digits += 1;
    }
    if (digits == 0 || digits > 3 || value > 255) return false;
    store<u8>(to + part, value);
    if (part < 3 && (at == length || load<u8>(start + at++) != 0x2e)) return false;
  }
  return at == length;
}

/** Reads up to eight groups; `::` stands for those of zero that are left out, and four numbers for the last two. */
function readIpv6(start: usize, length: u32): bool {
  let at: u32 = 0;
  let bytes: u32 = 0;
  let gap: u32 = 17;
  if (length >= 2 && load<u16>(start) == 0x3a3a) {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    if (bytes == 16) return false;
    const digits = groupDigits(start + at, length - at);
    if (at + digits < length && load<u8>(start + at + digits) == 0x2e) {
      if (bytes > 12 || !readIpv4(start + at, length - at, ADDRESS + bytes)) return false;
      bytes += 4;
      break;
    }
    if (digits == 0 || digits > 4) return false;
    storeGroup(start + at, digits, ADDRESS + bytes);
    bytes += 2;
    at += digits;
    if (at == length) break;
    if (load<u8>(start + at++) != 0x3a || at == length) return false;
    if (load<u8>(start + at) != 0x3a) continue;
    if (gap != 17) return false;
    gap = bytes;
    at += 1;
  }
  if (gap == 17) return bytes == 16;
  if (bytes > 14) return false;
  const behind = bytes - gap;
  memory.copy(ADDRESS + 16 - behind, ADDRESS + gap, behind);
  memory.fill(ADDRESS + gap, 0, 16 - bytes);
  return true;
}

/** Hexadecimal digits at `start`, five at the most. */
function groupDigits(start: usize, length: u32): u32 {
  let digits: u32 = 0;
  while (digits < length && digits < 5 && digitOf(load<u8>(start + digits)) < 16) digits += 1;
  return digits;
}

function digitOf(byte: u32): u32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  return (byte | 32) - 0x61 < 6 ? (byte | 32) - 0x57 : 16;
}

function storeGroup(start: usize, digits: u32, to: usize): void {
  let value: u32 = 0;
  for (let i: u32 = 0; i < digits; i++) value = (value << 4) | digitOf(load<u8>(start + i));
  store<u16>(to, bswap<u16>(<u16>value));
}

/** Writes the first or, where it `isLast`, the last address of the network that was read last to the 16 bytes at `to`. */
export function putBound(to: usize, isLast: bool): void {
  for (let i: u32 = 0; i < 16; i++) {
    const before = i << 3;
    const kept: u32 = Address.bits > before ? min<u32>(8, Address.bits - before) : 0;
    const mask = <u32>0xff >> kept;
    const byte = <u32>load<u8>(ADDRESS + i);
    store<u8>(to + i, isLast ? byte | mask : byte & ~mask);
  }
}

/** Compares two addresses of 16 bytes: below 0, 0, or above. */
export function compareAddresses(a: usize, b: usize): i32 {
  for (let at: usize = 0; at < 16; at += 8) {
    const left = bswap<u64>(load<u64>(a + at));
    const right = bswap<u64>(load<u64>(b + at));
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}
