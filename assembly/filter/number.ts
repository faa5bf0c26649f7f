/** Numbers of a filter, with the units that they may have. Exact: what is no whole number of the field's unit is refused. */
import { faultAt, say, sayBytes } from "./fault";
import { isWhole } from "./names";
import { Unit } from "./operand";

const FRACTION_DIGITS_MAX: u32 = 18;

/** The number that was read last. */
export class Numeral {
  static value: u64 = 0;
  static isNegative: bool = false;
}

/** Reads the `length` bytes at `start`, which stand at `at` in the text, as a number of `unit`; false, with the fault said, where they are none. */
export function readNumber(start: usize, length: u32, at: usize, unit: u32): bool {
  let place: u32 = 0;
  Numeral.isNegative = length > 0 && load<u8>(start) == 0x2d;
  if (Numeral.isNegative) place = 1;
  if (length - place > 2 && load<u8>(start + place) == 0x30 && load<u8>(start + place + 1) == 0x78) {
    return readHexadecimal(start + place + 2, length - place - 2, start, length, at);
  }
  let digits: u32 = 0;
  let fraction: u32 = 0;
  let hasDot = false;
  let value: u64 = 0;
  while (place < length) {
    const byte = <u32>load<u8>(start + place);
    if (byte == 0x2e && !hasDot && digits > 0) {
      hasDot = true;
    } else if (byte - 0x30 < 10) {
      if (value > (u64.MAX_VALUE - 9) / 10) return faultAt(at, "this number is too large");
      value = value * 10 + byte - 0x30;
      digits += 1;
      if (hasDot) fraction += 1;
    } else break;
    place += 1;
  }
  if (digits == 0 || (hasDot && fraction == 0) || fraction > FRACTION_DIGITS_MAX) return noNumber(start, length, at);
  const factor = factorOf(unit, start + place, length - place);
  if (factor == 0) return noUnit(unit, start, length, at, place == length);
  if (value > u64.MAX_VALUE / factor) return faultAt(at, "this number is too large");
  value *= factor;
  const divisor = perBase(unit, length - place) * powerOfTen(fraction);
  if (value % divisor != 0) return fractional(unit, start, length, at);
  Numeral.value = value / divisor;
  return true;
}

function readHexadecimal(digits: usize, count: u32, start: usize, length: u32, at: usize): bool {
  if (count > 16) return faultAt(at, "this number is too large");
  let value: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const byte = <u32>load<u8>(digits + i);
    const digit = byte - 0x30 < 10 ? byte - 0x30 : (byte | 32) - 0x61 < 6 ? (byte | 32) - 0x57 : 16;
    if (digit > 15) return noNumber(start, length, at);
    value = (value << 4) | <u64>digit;
  }
  Numeral.value = value;
  return true;
}

function powerOfTen(exponent: u32): u64 {
  let power: u64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 10;
  return power;
}

/** What a unit multiplies with, in nanoseconds where it is one of time; 0 for a unit that the field does not have. */
function factorOf(unit: u32, start: usize, length: u32): u64 {
  if (length == 0) return 1;
  if (unit == Unit.COUNT) return countFactor(start, length);
  return unit == Unit.BYTES ? byteFactor(start, length) : timeFactor(start, length);
}

/** Nanoseconds in what the field counts, where the number has a unit; one without a unit counts what the field does. */
function perBase(unit: u32, unitLength: u32): u64 {
  return unit == Unit.MILLISECONDS && unitLength > 0 ? 1_000_000 : 1;
}

function countFactor(start: usize, length: u32): u64 {
  if (isWhole(start, length, "k")) return 1_000;
  if (isWhole(start, length, "M")) return 1_000_000;
  return isWhole(start, length, "G") ? 1_000_000_000 : 0;
}

function timeFactor(start: usize, length: u32): u64 {
  if (isWhole(start, length, "ns")) return 1;
  if (isWhole(start, length, "us") || isMicro(start, length)) return 1_000;
  if (isWhole(start, length, "ms")) return 1_000_000;
  if (isWhole(start, length, "s")) return 1_000_000_000;
  if (isWhole(start, length, "min")) return 60_000_000_000;
  return isWhole(start, length, "h") ? 3_600_000_000_000 : 0;
}

/** Whether it is "µs", with either of the two signs that look so. */
function isMicro(start: usize, length: u32): bool {
  if (length != 3 || load<u8>(start + 2) != 0x73) return false;
  const sign = load<u16>(start);
  return sign == 0xb5c2 || sign == 0xbcce;
}

function byteFactor(start: usize, length: u32): u64 {
  if (isWhole(start, length, "B")) return 1;
  const letter = <u32>load<u8>(start);
  const power: u64 = letter == 0x6b || letter == 0x4b ? 1 : letter == 0x4d ? 2 : letter == 0x47 ? 3 : letter == 0x54 ? 4 : 0;
  if (power == 0) return 0;
  const isBinary = length > 1 && load<u8>(start + 1) == 0x69;
  const rest = isBinary ? length - 2 : length - 1;
  // k, kB and KiB are units; Ki is too.
  if (rest > 1 || (rest == 1 && load<u8>(start + length - 1) != 0x42)) return 0;
  let factor: u64 = 1;
  for (let i: u64 = 0; i < power; i++) factor *= isBinary ? 1024 : 1000;
  return factor;
}

function noNumber(start: usize, length: u32, at: usize): bool {
  faultAt(at, "");
  sayBytes(start, length);
  return say(" is no number");
}

function noUnit(unit: u32, start: usize, length: u32, at: usize, isBare: bool): bool {
  noNumber(start, length, at);
  if (isBare) return false;
  if (unit == Unit.BYTES) return say(" of bytes; units are B kB MB GB TB and KiB MiB GiB TiB");
  return say(unit == Unit.COUNT ? " that counts; units are k M G" : " of time; units are ns us ms s min h");
}

function fractional(unit: u32, start: usize, length: u32, at: usize): bool {
  faultAt(at, "");
  sayBytes(start, length);
  if (unit == Unit.NANOSECONDS) return say(" is no whole number of nanoseconds");
  if (unit == Unit.MILLISECONDS) return say(" is no whole number of milliseconds");
  return say(unit == Unit.BYTES ? " is no whole number of bytes" : " is no whole number");
}
